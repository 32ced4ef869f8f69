"""The replies about polls, word for word as facts/sms.md has them, fitted into one SMS.

Never says 表决 without a legal basis (`Poll.word` knows), and never repeats a choice to a phone that several share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from village.ground.clock import beijing
from village.keywords.replies import Replies, Reply, names
from village.polls.poll import Poll, PollKind, Voter
from village.polls.words import short_deadline

_TOPICS = (60, 8, 6, 4, 0)
"""Characters of a question that name it in a list; the fullest that fits."""


def choices(poll: Poll, prefix: str = "") -> str:
    """1、2或3 · 231、232或233 · 1到6"""
    codes = [f"{prefix}{choice}" for choice in range(1, len(poll.options) + 1)]
    if len(codes) > 3:
        return f"{codes[0]}到{codes[-1]}"
    return "、".join(codes[:-1]) + "或" + codes[-1]


def _topic(poll: Poll, length: int) -> str:
    question = poll.question.rstrip("?？")
    return question if len(question) <= length else "" if not length else question[: length - 1] + "…"


def _picked(poll: Poll, choice: int) -> str:
    return f"{choice}{poll.label(choice)}"


@dataclass(frozen=True, slots=True)
class PollReplies:
    replies: Replies

    def _fit(self, key: str, *forms: str) -> Reply:
        return self.replies.fit(key, *forms)

    @property
    def _ask(self) -> str:
        return self.replies.ask

    # a ballot came

    def voted(self, poll: Poll, choice: int, receipt: str) -> Reply:
        start = f"{poll.word}{poll.number}收到,您选{_picked(poll, choice)}。回执{receipt}"
        until = short_deadline(poll.closes_ms)
        return self._fit(
            "VOTE_OK",
            f"{start}。想改再发数字,{until}前都行。查票回03",
            f"{start}。想改再发数字,{until}前都行",
            f"{start}。{until}前能改",
            f"{poll.word}{poll.number}收到,您选{choice}。回执{receipt}。{until}前能改",
        )

    def same(self, poll: Poll, choice: int, receipt: str) -> Reply:
        end = f"只算一票,不用再发。回执{receipt}"
        return self._fit(
            "VOTE_SAME",
            f"{poll.word}{poll.number}您已选过{_picked(poll, choice)},{end}",
            f"{poll.word}{poll.number}您已选过{choice},{end}",
        )

    def changed(self, poll: Poll, before: int, choice: int, receipt: str) -> Reply:
        start, until = f"{poll.word}{poll.number}已改:", short_deadline(poll.closes_ms)
        moved = f"{_picked(poll, before)}改为{_picked(poll, choice)}"
        return self._fit(
            "VOTE_CHG",
            f"{start}{moved}。新回执{receipt}。以最后一次为准,{until}止",
            f"{start}{moved}。新回执{receipt}。{until}止",
            f"{start}{moved}。新回执{receipt}",
            f"{start}{before}改为{choice}。新回执{receipt}。以最后一次为准",
        )

    def delayed(self, poll: Poll, choice: int, receipt: str, sent_ms: int) -> Reply:
        """It was sent in time and came after the deadline."""
        sent, moment = short_deadline(sent_ms), beijing(sent_ms)
        start = f"{poll.word}{poll.number}:您{sent}发的票刚收到,按发出时间有效"
        short = f"{poll.word}{poll.number}:您{moment.day}日发的票刚收到,有效"
        return self._fit(
            "LATE_OK",
            f"{start},选{_picked(poll, choice)}。回执{receipt}",
            f"{start}。回执{receipt}",
            f"{short}。回执{receipt}",
        )

    def shared(self, poll: Poll, name: str, receipt: str) -> Reply:
        """Never says what was chosen: others hold the same phone."""
        end = f"的票收到,回执{receipt}"
        return self._fit(
            "SHARE_OK",
            *(f"{poll.word}{poll.number}:{shown}{end}。要改或查,本人{self._ask}" for shown in names(name)),
            *(f"{poll.word}{poll.number}:{shown}{end}" for shown in names(name)),
        )

    def earlier(self, poll: Poll, receipt: str) -> Reply:
        return self._fit(
            "VOTE_OLD",
            f"{poll.word}{poll.number}:这条比您后来发的早,按后来那条算。回执{receipt}。查票回03",
            f"{poll.word}{poll.number}:按您后来发的那条算。回执{receipt}",
        )

    # no ballot

    def two(self, poll: Poll) -> Reply:
        start = f"没记票:您写了两个选项。只能选一个,请只回{choices(poll)}"
        return self._fit("CL_TWO", f"{start}。要人帮忙{self._ask}", start)

    def which(self, polls: Sequence[Poll]) -> Reply:
        """Several are open: the code says which."""
        word = polls[0].word if len({poll.word for poll in polls}) == 1 else "征求意见"
        start = f"没记票:现有{len(polls)}个{word}。"
        return self._fit(
            "CL_POLL",
            *(start + ";".join(self._how(poll, length) for poll in polls[:3]) for length in _TOPICS),
            start + ";".join(self._how(poll, 0) for poll in polls[:2]),
            f"没记票。投{polls[0].number}号回{polls[0].number}1这样的三位数",
        )

    def _how(self, poll: Poll, length: int) -> str:
        return f"投{poll.number}号{_topic(poll, length)}回{choices(poll, str(poll.number))}"

    def unclear(self, poll: Poll, *, words: bool = False) -> Reply:
        """CL_NEG. `words`: it may just as well be somebody telling us something."""
        each = ",".join(f"{label}请只回{choice}" for choice, label in enumerate(poll.options, 1))
        if words:
            return self._fit(
                "CL_NEG",
                f"没记票。投{poll.number}号请只回{choices(poll)};要提意见发:建议+内容",
                f"没记票。投票请只回{choices(poll)};提意见发:建议+内容",
            )
        return self._fit("CL_NEG", f"没看懂,没记票。{each}", f"没看懂,没记票。投{poll.number}号请只回{choices(poll)}")

    def no_option(self, poll: Poll, choice: int) -> Reply:
        return self._fit("BAD", f"没记票:{poll.word}{poll.number}没有选项{choice}。只能回{choices(poll)}")

    def closed(self, poll: Poll, others: Sequence[Poll] = ()) -> Reply:
        """`others`: what is still open to this phone."""
        start = f"{poll.word}{poll.number}已在{short_deadline(poll.closes_ms)}截止,这次不计"
        more = [f"{start}。{self._how(others[0], length)}" for length in _TOPICS] if others else []
        object_to = f"。有异议5日内{self._ask}"
        return self._fit(
            "CLOSED", *more, f"{start}。结果看公开栏或回01{object_to}", f"{start}。结果看公开栏{object_to}",
            f"{start}。结果看公开栏", start,
        )  # fmt: skip

    def withdrawn(self, poll: Poll) -> Reply:
        start = f"{poll.word}{poll.number}已作废,不用再回"
        return self._fit("WITHDRAWN", f"{start}:{poll.withdrawn_why}。帮助回0", f"{start}。帮助回0")

    def wrong_poll(self, number: int, others: Sequence[Poll]) -> Reply:
        if not others:
            return self.replies.wrong_poll(number)
        shown = [
            f"没有{others[0].word}{number}。进行中:"
            + ";".join(f"{p.number}号{_topic(p, length)},回{choices(p, str(p.number))}" for p in others[:count])
            for count in (2, 1)
            for length in _TOPICS
        ]
        return self._fit("WRONGP", *shown)

    def not_eligible(self, poll: Poll) -> Reply:
        who = "户代表" if poll.kind is PollKind.HOUSEHOLD else "名单上的成年人"
        start = f"{poll.word}{poll.number}只由{who}回,您这条没算票"
        return self._fit("NOELIG", f"{start}。有话请发:建议+内容,会给村委会看", f"{start}。有话发:建议+内容")

    def represented(self, name: str) -> Reply:
        """Somebody else votes for this household; the answer is not shown to anybody, nor made a suggestion."""
        return self._fit(
            "HH_REP",
            *(f"没记票:本户代表是{shown},一户一票。换代表请到村委会{self.replies.or_ask}" for shown in names(name)),
            "没记票:一户一票,由本户代表投。换代表请到村委会",
        )

    def share_ask(self, poll: Poll, voters: Sequence[Voter]) -> Reply:
        """Who votes with which code; as many as fit, the first one never left out."""
        start = f"没记票:这部手机登记了{len(voters)}人。"
        forms = []
        for length in (40, 4, 2):
            each = [f"{voter.name.split('·', 1)[0][:length]}{self._slots(poll, voter)}" for voter in voters]
            each[0] = each[0].replace(str(poll.number), f"投回{poll.number}", 1)
            forms.append(start + ",".join(each))
            forms += [
                f"{start}{','.join(each[:shown])},其余类推" for shown in range(len(each) - 1, 0, -1) if length == 4
            ]
        return self._fit("SHARE_ASK", *forms, f"{start}请回4位数:{poll.number}、卡上的号、选项")

    def _slots(self, poll: Poll, voter: Voter) -> str:
        """2311到2313"""
        return f"{poll.number}{voter.slot}1到{poll.number}{voter.slot}{len(poll.options)}"

    def wrong_slot(self, poll: Poll, slot: int) -> Reply:
        return self._fit(
            "CL_SLOT",
            f"没记票:{poll.word}{poll.number}里这部手机没有{slot}号。请看卡上的号,或{self._ask}",
            f"没记票:这部手机没有{slot}号。请看卡上的号",
        )

    # asking

    def check(self, lines: Sequence[str]) -> Reply:
        """As many polls as fit, the one that closes first in front."""
        return self._fit("VOTE_CHK", *("。".join(lines[:shown]) for shown in range(len(lines), 0, -1)))

    def check_line(self, poll: Poll, receipt: str | None) -> str:
        """`receipt`: None where nobody has voted; empty where another phone did."""
        if receipt is not None:
            return f"{poll.word}{poll.number}:已投" + (f",回执{receipt}" if receipt else "")
        until = short_deadline(poll.closes_ms)
        return f"{poll.word}{poll.number}:还没投,{until}截止,投票回{choices(poll, str(poll.number))}"

    def check_shared(self, poll: Poll, voters: int, voted: int) -> str:
        """Not who: others hold the same phone."""
        return f"{poll.word}{poll.number}:本机{voters}人,投了{voted}人,{short_deadline(poll.closes_ms)}截止"

    def how(self, polls: Sequence[Poll]) -> Reply:
        return self._fit(
            "VOTE_HOW",
            *(";".join(self._how(poll, length) for poll in polls[:2]) for length in _TOPICS),
            *(self._how(polls[0], length) for length in _TOPICS),
        )
