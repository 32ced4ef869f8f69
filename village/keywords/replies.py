"""Every reply of the village, word for word as facts/sms.md has it, fitted into one SMS.

Never sends one and never promises what the village cannot do: without a call line no text offers a call. Where the
village's name, a phone number or a person's name is long, what matters least goes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.segments import count

ONE_SEGMENT_UNITS = 70
"""UCS-2 units of an unsplit SMS (3GPP TS 23.038)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`key` is the row of facts/sms.md, or a name of the same kind for what has none there."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the list that 01 answers with."""

    number: int
    headline: str
    until: str = ""


@dataclass(frozen=True, slots=True)
class Replies:
    """The village's answers. `phone`: what villagers ring; empty where there is none."""

    signature: str
    phone: str = ""
    calls: bool = True
    """Whether a call can go out."""
    rings_duty: bool = False
    """Whether a cry for help makes somebody's phone ring."""

    def fit(self, key: str, *forms: str) -> Reply:
        """The first form that fits; the last one always does (a test holds every template's worst case)."""
        signed = [f"【{self.signature}】{form}" for form in forms]
        return Reply(key, next((text for text in signed if fits(text)), signed[-1]))

    @property
    def ask(self) -> str:
        """打88001234 · 到村委会"""
        return f"打{self.phone}" if self.phone else "到村委会"

    @property
    def or_ask(self) -> str:
        return f",电话{self.phone}" if self.phone else ""

    # 9 and notices

    def ack(self, number: int) -> Reply:
        again = f"再听回02{number:02}" if self.calls else f"再看回01{number:02}"
        return self.fit("ACK", f"已记下您收到通知{number}。{again},看更多回01", f"已记下您收到通知{number}")

    def stale(self, number: int) -> Reply:
        """The answer belongs to a wording that has been corrected since."""
        return self.fit(
            "STALE",
            f"通知{number}后来改过,您回的是前一条。请看更正的短信,收到再回9。看全文回01{number:02}",
            f"通知{number}后来改过,请看更正的短信,收到再回9",
        )

    def nothing_asked(self) -> Reply:
        return self.fit("NOQ", "没看懂:现在没有等您回这个数字的事。看通知回01,帮助回0", "没看懂。看通知回01,帮助回0")

    def latest(self, items: Sequence[Item]) -> Reply:
        """As many as fit, newest first; the first one is never left out."""
        if not items:
            return self.fit("LATEST", "最近没有通知。提意见回04,帮助回0")
        first = items[0].number
        ends = [f"。看全文回01{first:02}"]
        if self.calls:
            ends.insert(0, f"。看全文回01{first:02},听回02{first:02}")
        forms = [
            "".join(_line(item) for item in items[:shown]) + end for shown in range(len(items), 0, -1) for end in ends
        ]
        shortest = Item(first, items[0].headline[:6], items[0].until)
        return self.fit("LATEST", *forms, _line(shortest) + ends[-1])

    def no_notice(self, number: int) -> Reply:
        return self.fit(
            "NO_NOTICE", f"没有通知{number},或者已经停发。看最近的通知回01,帮助回0", f"没有通知{number}。看通知回01"
        )

    def too_long(self, number: int) -> Reply:
        how = f"听回02{number:02}" if self.calls else f"要人念请{self.ask}"
        return self.fit("LONG", f"通知{number}太长,短信装不下。{how},或看村委会公开栏", f"通知{number}太长。{how}")

    def call(self) -> Reply:
        by = f"用{self.phone}" if self.phone else ""
        return self.fit("CALL", f"好,马上{by}打给您念,接听不花钱", f"好,马上{by}打给您念", "好,马上打给您念")

    def call_queued(self, ahead: int, minutes: int) -> Reply:
        return self.fit(
            "CALL_Q",
            f"线路忙,排在您前面{ahead}人,约{minutes}分钟后打给您。不用打了回020",
            "线路忙,稍后打给您。不用打了回020",
        )

    def no_calls(self) -> Reply:
        return self.fit(
            "NO_CALL", f"现在还不能打电话念。看通知回01,要人念请{self.ask}", "现在还不能打电话念。看通知回01"
        )

    def nothing_to_read(self) -> Reply:
        return self.fit("NO_CALL", "最近没有通知可念。提意见回04,帮助回0")

    def call_cancelled(self) -> Reply:
        return self.fit("CALL_X", "好,不打了。想听再回02")

    def no_call_waiting(self) -> Reply:
        return self.fit("CALL_X", "没有等着打给您的电话。想听通知回02,看通知回01")

    # registration and opting out

    def unregistered(self) -> Reply:
        away = f";在外地打{self.phone}" if self.phone else ""
        return self.fit(
            "UNREG",
            f"这个号码没登记,这条没算票。请到村委会领6位码发回来{away}",
            "这个号码没登记,请到村委会领6位码发回来",
        )

    def registered(self, name: str, group_no: int) -> Reply:
        end = "收通知和表决。号码只给村委会用。退订回T"
        return self.fit(
            "REG_OK",
            *(f"登记成功:{name},{group_no}组。{end}" for name in names(name)),
            "登记成功。收通知和表决。退订回T",
        )

    def bad_code(self, tries_left: int) -> Reply:
        more = f"还能试{tries_left}次。" if tries_left else "今天不能再试了。"
        return self.fit(
            "REG_BAD",
            f"登记码不对或已用过。{more}请到村委会换一张{self.or_ask}",
            f"登记码不对或已用过。{more}请到村委会换一张",
        )

    def phone_full(self) -> Reply:
        return self.fit(
            "REG_FULL", f"这部手机登记的人满了(9人)。请到村委会办{self.or_ask}", "这部手机登记的人满了。请到村委会办"
        )

    def registering(self) -> Reply:
        return self.fit(
            "REG_HOW", f"登记:到村委会领一张6位码,把6个数字发回来。在外地{self.ask}", "登记:到村委会领6位码,发回来"
        )

    def opted_out(self) -> Reply:
        return self.fit("OUT1", "已退订一般通知。红色橙色预警仍会发。恢复回DY或091,全部不要回T2")

    def all_out(self) -> Reply:
        return self.fit(
            "OUT2",
            f"已停发全部短信。有险情村干部会上门。恢复回DY或091{self.or_ask}",
            "已停发全部短信。有险情村干部会上门。恢复回DY或091",
        )

    def opted_in(self) -> Reply:
        return self.fit("IN", "已恢复接收通知、表决和预警。退订回T")

    def opting_how(self) -> Reply:
        return self.fit(
            "OUT_HOW", "没退订。不要一般通知请只回T,全部不要只回T2,恢复只回DY", "没退订。退订只回T,全部不要只回T2"
        )

    def my_record(self, holders: int) -> Reply:
        shared = f"、共用{holders}人" if holders > 1 else ""
        return self.fit(
            "MYDATA",
            f"我们存有:姓名、组、号码、语言{shared}。要改要删到村委会{f'或打{self.phone}' if self.phone else ''}",
        )

    # menu and services

    def menu(self) -> Reply:
        listen = " 02打给我念" if self.calls else ""
        keys = f"9收到 01看通知{listen} 03查票 04提意见 05求帮忙 06电话本 T退订"
        return self.fit("MENU", f"{keys}。找人{self.ask}", keys)

    def not_understood(self) -> Reply:
        or_ask = f"或{self.ask}"
        return self.fit(
            "UNK", f"没看懂。投票回数字,通知01,建议04,求助05,菜单0。{or_ask}", "没看懂。通知01,建议04,求助05,菜单0"
        )

    def letters(self) -> Reply:
        return self.fit(
            "CL_LETTER",
            f"没看懂:像是字母,不像数字。请只回数字,收到是9,菜单是0。要人帮忙{self.ask}",
            "没看懂:像是字母,请只回数字。菜单回0",
        )

    def no_poll(self) -> Reply:
        return self.fit("NOPOLL", "现在没有进行中的表决。看通知回01,帮助回0")

    def wrong_poll(self, poll: int) -> Reply:
        return self.fit(
            "WRONGP",
            f"没有编号{poll}的表决,现在也没有进行中的表决。看通知回01,帮助回0",
            f"没有编号{poll}的表决。帮助回0",
        )

    def suggesting(self) -> Reply:
        return self.fit(
            "SUG_HOW",
            f"发:建议+内容。不会打字{self.ask}。查进度回04加编号,如0421",
            f"发:建议+内容。不会打字{self.ask}",
        )

    def suggested(self, number: int | None) -> Reply:
        if number is None:
            return self.fit("SUG_OK", f"建议已收到,村委会7日内答复。要查进度{self.ask}", "建议已收到,村委会7日内答复")
        code = f"04{number:02}"
        return self.fit(
            "SUG_OK",
            f"建议{number}已收到,村委会7日内答复。查进度回{code}。别人附议回{code}8",
            f"建议{number}已收到,村委会7日内答复。查进度回{code}",
        )

    def suggestion_progress(self, number: int, received_on: str, seconds: int) -> Reply:
        backed = f"有{seconds}人附议," if seconds else ""
        return self.fit(
            "SUG_STATE",
            f"建议{number}:{received_on}收到,{backed}还没答复。急的事{self.ask}。附议回04{number:02}8",
            f"建议{number}:{received_on}收到,{backed}还没答复。急的事{self.ask}",
            f"建议{number}:{received_on}收到,还没答复",
        )

    def no_suggestion(self, number: int) -> Reply:
        return self.fit("SUG_NONE", f"没有建议{number}。提建议发:建议+内容", f"没有建议{number}")

    def seconded(self, number: int, count_now: int) -> Reply:
        return self.fit(
            "LIKE_OK",
            f"已给建议{number}附议,现有{count_now}人,一人一次。查进度回04{number:02}",
            f"已给建议{number}附议,现有{count_now}人",
        )

    def own_suggestion(self, number: int) -> Reply:
        return self.fit("LIKE_OWN", f"建议{number}是这部手机提的,不用再附议。查进度回04{number:02}")

    def suggestions_on_paper(self) -> Reply:
        return self.fit(
            "SUG_LIST", f"大家的建议请到村委会看。查一条回04加编号,如0421。也可{self.ask}", "大家的建议请到村委会看"
        )

    def recording(self) -> Reply:
        return self.fit(
            "SUG_REC", f"还不能打电话给您录音。说建议请{self.ask},或发:建议+内容", "还不能录音。发:建议+内容"
        )

    def helping(self) -> Reply:
        return self.fit(
            "HELP_HOW",
            f"要帮忙发:求助+内容,交给村干部看。急事{self.ask},急病打120,报警打110",
            "要帮忙发:求助+内容。急病打120,报警打110",
        )

    def help_kept(self) -> Reply:
        return self.fit(
            "HELP_OK",
            f"求助记下了,交给村干部看。急事请{self.ask},急病打120,报警打110",
            "求助记下了。急病打120,报警打110",
        )

    def no_help(self, number: int) -> Reply:
        return self.fit("HELP_NONE", f"现在没有求助{number}。要帮忙发:求助+内容,或{self.ask}", f"现在没有求助{number}")

    def phone_book(self, entries: Sequence[tuple[str, str]]) -> Reply:
        """As many of the village's own numbers as fit, and always the police."""
        if not entries:
            return self.fit(
                "BOOK",
                f"村委会{self.phone} 报警110 火警119 急病120"
                if self.phone
                else "报警110 火警119 急病120。找村委会请上门",
            )
        listed = [f"{name}{number}" for name, number in entries]
        forms = [" ".join([*listed[:shown], "派出所110", "急救120"]) for shown in range(len(listed), -1, -1)]
        return self.fit("BOOK", *forms)

    def party(self) -> Reply:
        return self.fit("PARTY", f"党务请问村党支部:{self.ask}。看通知回01", f"党务请问村党支部:{self.ask}")

    def languages(self) -> Reply:
        return self.fit("LANG", "语音语言:普通话回081,本地话回082,慢速回083,只收短信回084")

    def language_set(self, choice: int) -> Reply:
        chosen = {
            1: "以后用普通话念给您听",
            2: "有本地话录音的放本地话,没有的用普通话",
            3: "以后慢慢念给您听",
            4: "以后只发短信,不打电话",
        }[choice]
        return self.fit("LANG_OK", f"记下了:{chosen}。要改回08")

    def subscription(self) -> Reply:
        return self.fit("OUT_HOW", "不要一般通知回090,恢复回091,全部不要回092")

    def disclosure(self) -> Reply:
        return self.fit(
            "DISCLOSE", f"村务公开看村委会门口公开栏,或村里的网页。要人念请{self.ask}", "村务公开看村委会门口公开栏"
        )

    # what is not for the committee, and what cannot wait

    def supervised(self) -> Reply:
        return self.fit("SUPERVISE", "收到,只转给村务监督委员会。也可打12345政务热线或12388纪检举报")

    def supervising(self) -> Reply:
        return self.fit(
            "SUPER_HOW",
            "发:监督+内容,只转给村务监督委员会。也可打12345政务热线或12388纪检举报",
            "发:监督+内容,只转给村务监督委员会",
        )

    def police(self) -> Reply:
        start = "发到这里报不了警!马上打110、119、120;不能出声发短信到12110。"
        if self.rings_duty:
            return self.fit("POLICE", start + "值班干部正给您打电话")
        return self.fit("POLICE", start + (f"村干部{self.phone}" if self.phone else ""), start)

    def throttled(self) -> Reply:
        return self.fit("THROT", f"收到您多条短信,已暂停自动回复1小时。有事请{self.ask}")

    def throttled_today(self) -> Reply:
        return self.fit(
            "THROT",
            f"收到您多条短信,今天不再自动回复,内容都会留着。有事请{self.ask}",
            f"今天不再自动回复。有事请{self.ask}",
        )


def fits(text: str) -> bool:
    counted = count(text)
    return counted.parts == 1 and counted.units <= ONE_SEGMENT_UNITS


def names(name: str) -> Iterable[str]:
    """The full name, then its first part (阿卜杜热西提·阿卜杜克热木 is called 阿卜杜热西提), then a piece of that."""
    yield name
    first = name.split("·", 1)[0]
    yield first
    yield first[:6]


def _line(item: Item) -> str:
    between = ":" if item.headline[:1].isdigit() else ""
    return f"{item.number}{between}{item.headline}" + (f"({item.until})" if item.until else "")
