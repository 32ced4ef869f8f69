"""From a sender and a command to a decision: what the village would do, and why, without doing it.

Reads only. Every branch ends in a decision: what is not understood is clarified, what is nobody's business here is kept
and not answered, and nothing is dropped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.estimate import minutes_until_last
from gateway.message import Priority
from gateway.segments import count
from village import questions
from village.community import store as community
from village.community.store import Kind
from village.ground.clock import beijing
from village.ground.wording import Wording, say
from village.keywords import store
from village.keywords.commands import (
    Assent,
    CallMe,
    CancelCall,
    Choice,
    Code,
    Command,
    Courtesy,
    Distress,
    Doubt,
    FreeText,
    HelpConsent,
    HelpOffer,
    HelpRequest,
    HowTo,
    NoticeText,
    OptIn,
    OptOut,
    PollChoice,
    Progress,
    Received,
    Second,
    Service,
    ServiceChoice,
    SlotChoice,
    Stand,
    Suggest,
    Supervise,
    Suspicion,
    Suspicious,
    Topic,
    Unclear,
    YesNo,
)
from village.keywords.decision import (
    AddSecond,
    Alarm,
    CancelRinging,
    Confirm,
    Decision,
    Intent,
    Keep,
    NoteFetched,
    Opt,
    Redeem,
    Ring,
    Sender,
    Speak,
    Withhold,
)
from village.keywords.replies import Item, Replies, Reply
from village.keywords.throttle import DAY_MS, Answered
from village.notices.compose import LONGEST_SMS_PARTS, headline, sms_text
from village.notices.notice import Notice, State
from village.notices.office import Office
from village.notices.spoken import call_seconds
from village.notices.store import latest, newest_by_number, notice_of
from village.people.store import PhoneRow

_NOTICE = "notice"
_LISTED_NOTICES = 3
_HEADLINE_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Reading:
    """One SMS before the village: what may be looked up to decide it. `answered_ms`: when it was written."""

    tx: sqlite3.Connection
    office: Office
    replies: Replies
    directory: tuple[tuple[str, str], ...]
    sender: Sender
    text: str
    answered_ms: int
    now_ms: int
    answered: Sequence[Answered]
    """The answers this number had in the last 24 hours, oldest first."""


def decide(reading: Reading, command: Command) -> Decision:
    """What the village makes of `command` from this sender. Never raises for anything a villager may send."""
    match command:
        case Distress():
            return _distress(reading)
        case Suspicious(sign=sign):
            return _suspicious(reading, sign)
        case Supervise(text=text):
            return _for_supervision(reading, text)
        case Code(digits=digits):
            return Decision(Intent.REGISTER, say("6位登记码"), effects=(Redeem(reading.sender.e164, digits),))
    if reading.sender.phone is None:
        return _stranger(reading, command)
    return _registered(reading, reading.sender.phone, command)


# anybody


def _distress(reading: Reading) -> Decision:
    sender = reading.sender
    alarm = Alarm(
        sender.e164,
        sender.phone.id if sender.phone else None,
        tuple(f"{holder.name}({holder.group_no}组)" for holder in sender.holders),
    )
    return Decision(
        Intent.EMERGENCY,
        say("求救：告诉他打110、119、120，并叫值班的人回电"),
        reading.replies.police(),
        (alarm,),
        shown=True,
    )


def _suspicious(reading: Reading, sign: Suspicion) -> Decision:
    why = {
        Suspicion.LINK: say("里面有网址：不回，交监督委员会看"),
        Suspicion.CODE: say("说到验证码：不回，交监督委员会看"),
        Suspicion.MONEY: say("说到转账：交监督委员会看"),
    }[sign]
    phone = reading.sender.phone
    # a villager who writes about money gets an answer: a complaint must not seem lost
    reply = reading.replies.supervised() if sign is Suspicion.MONEY and phone is not None else None
    return Decision(Intent.QUARANTINE, why, reply, (Withhold(reading.text, phone.id if phone else None, sign),))


def _for_supervision(reading: Reading, text: str) -> Decision:
    phone = reading.sender.phone
    return Decision(
        Intent.SUPERVISE,
        say("只给村务监督委员会看"),
        reading.replies.supervised(),
        (Withhold(text, phone.id if phone else None, None),),
    )


def _stranger(reading: Reading, command: Command) -> Decision:
    """Told once a day how to register; what was written is kept for the desk."""
    midnight = beijing(reading.now_ms).replace(hour=0, minute=0, second=0, microsecond=0)
    told = any(one.key == "UNREG" and one.at_ms >= midnight.timestamp() * 1000 for one in reading.answered)
    shown = _shown(command)
    if told:
        return Decision(Intent.IGNORE, say("号码没登记，今天已经回过一次怎么登记"), shown=shown)
    return Decision(Intent.CLARIFY, say("号码没登记，告诉他怎么登记"), reading.replies.unregistered(), shown=shown)


def _shown(command: Command) -> bool:
    """Whether the committee may read a text as it was typed: nothing that is, or may be, a ballot or a code."""
    match command:
        case FreeText(ballotish=ballotish):
            return not ballotish
        case Unclear(doubt=doubt, alone=alone):
            return alone or doubt in (Doubt.EMPTY, Doubt.OPTING)
        case (
            Choice()
            | Stand()
            | PollChoice()
            | SlotChoice()
            | YesNo()
            | Received()
            | Code()
            | Suspicious()
            | Supervise()
        ):
            return False
    return True


# registered phones


def _registered(reading: Reading, phone: PhoneRow, command: Command) -> Decision:
    decision = _of_registered(reading, phone, command)
    return replace(decision, shown=_shown(command) and decision.intent is not Intent.CONFIRM)


def _of_registered(reading: Reading, phone: PhoneRow, command: Command) -> Decision:
    replies = reading.replies
    match command:
        case OptOut(everything=everything):
            level, reply = ("none", replies.all_out()) if everything else ("alerts", replies.opted_out())
            why = say("退订全部，预警也不发") if everything else say("退订一般通知，预警照发")
            return Decision(Intent.OPTOUT, why, reply, (Opt(phone.id, level),))  # type: ignore[arg-type]
        case OptIn():
            return Decision(Intent.SUBSCRIBE, say("恢复接收"), replies.opted_in(), (Opt(phone.id, "all"),))
        case Received():
            return _received(reading, phone, command)
        case Assent():
            return _assent(reading, phone)
        case Courtesy():
            return Decision(Intent.IGNORE, say("客气话：记下，不回"))
        case YesNo():
            return Decision(Intent.CLARIFY, say("没有等着他回7或8的事"), replies.nothing_asked())
        case Choice() | Stand():
            return Decision(Intent.CLARIFY, say("现在没有进行中的表决"), replies.no_poll())
        case PollChoice(poll=poll) | SlotChoice(poll=poll):
            return Decision(Intent.CLARIFY, say("没有{poll}号表决", poll=poll), replies.wrong_poll(poll))
        case Unclear():
            return _unclear(reading, phone, command)
        case NoticeText(number=number):
            return _notice_text(reading, phone, number)
        case CallMe(number=number):
            return _call_me(reading, phone, number)
        case CancelCall():
            return _cancel_call(reading, phone)
        case Suggest(text=text) | FreeText(text=text):
            return _suggestion(reading, phone, text)
        case HelpRequest(text=text):
            return _help(reading, phone, text)
        case Progress(number=number):
            return _progress(reading, number)
        case Second(number=number):
            return _second(reading, phone, number)
        case HelpOffer(number=number) | HelpConsent(number=number):
            return Decision(Intent.OFFER, say("没有{number}号求助", number=number), replies.no_help(number))
        case ServiceChoice(service=8, choice=choice):
            return Decision(Intent.SERVICE, say("选语音语言"), replies.language_set(choice), (Speak(phone, choice),))
        case Service() | ServiceChoice() | HowTo():
            return _service(reading, command)
    raise AssertionError(f"no branch for {type(command).__name__}")  # mypy cannot see it; the tests do


def _service(reading: Reading, command: Service | ServiceChoice | HowTo) -> Decision:
    replies = reading.replies
    answers: dict[Command, Reply] = {
        Service(3): replies.no_poll(),
        Service(4): replies.suggesting(),
        ServiceChoice(4, 0): replies.recording(),
        ServiceChoice(4, 1): replies.suggestions_on_paper(),
        Service(5): replies.helping(),
        Service(6): replies.phone_book(reading.directory),
        ServiceChoice(6, 1): replies.phone_book(reading.directory),
        Service(7): replies.party(),
        ServiceChoice(7, 1): replies.party(),
        ServiceChoice(7, 2): replies.party(),
        Service(8): replies.languages(),
        Service(9): replies.subscription(),
        HowTo(Topic.VOTING): replies.no_poll(),
        HowTo(Topic.REGISTERING): replies.registering(),
        HowTo(Topic.DISCLOSURE): replies.disclosure(),
        HowTo(Topic.MY_RECORD): replies.my_record(len(reading.sender.holders)),
        HowTo(Topic.SUPERVISING): replies.supervising(),
    }
    if command == Service(0):
        return Decision(Intent.MENU, say("要菜单"), replies.menu())
    if command == Service(1):
        return _latest(reading)
    return Decision(Intent.SERVICE, say("问服务"), answers[command])


# notices


def _received(reading: Reading, phone: PhoneRow, command: Received) -> Decision:
    asked = questions.newest(reading.tx, phone.id, reading.answered_ms, kinds={_NOTICE}, number=command.number)
    if command.number is not None and asked is None:
        notice = _readable(reading, phone, command.number)
        if notice is None:
            why = say("没有发给他的通知{number}", number=command.number)
            return Decision(Intent.CLARIFY, why, reading.replies.no_notice(command.number))
        return _confirmed(reading, phone, notice, None)
    if asked is None:
        if command.about:
            return _suggestion(reading, phone, reading.text)
        return Decision(Intent.CLARIFY, say("他的手机上没有等着回的通知"), reading.replies.nothing_asked())
    notice = notice_of(reading.tx, asked.subject_id)
    if command.about and command.about not in notice.text:
        return _suggestion(reading, phone, reading.text)
    return _confirmed(reading, phone, notice, asked.message_id)


def _confirmed(reading: Reading, phone: PhoneRow, notice: Notice, message_id: int | None) -> Decision:
    return Decision(
        Intent.CONFIRM,
        say("收到通知{number}", number=notice.number),
        effects=(Confirm(phone.id, notice.id, message_id, reading.answered_ms),),
        concerns=f"notice/{notice.id}",
    )


def _assent(reading: Reading, phone: PhoneRow) -> Decision:
    """好的 answers a notice only where the notice was the last thing the phone had from us."""
    asked = questions.newest(reading.tx, phone.id, reading.answered_ms)
    answered_since = asked is not None and any(one.at_ms > asked.asked_ms for one in reading.answered)
    if asked is None or asked.kind != _NOTICE or answered_since:
        return Decision(Intent.IGNORE, say("应一声，没有等着他回的事：记下，不回"))
    return _confirmed(reading, phone, notice_of(reading.tx, asked.subject_id), asked.message_id)


def _readable(reading: Reading, phone: PhoneRow, number: int) -> Notice | None:
    """The notice of that number, if it still stands and this phone may have it: it is public, or was sent to it."""
    notice = newest_by_number(reading.tx, number)
    if notice is None or notice.state is not State.SENT:
        return None
    return notice if _open_to(reading, phone, notice) else None


def _open_to(reading: Reading, phone: PhoneRow, notice: Notice) -> bool:
    if notice.on_page:
        return True
    asked = questions.newest(reading.tx, phone.id, reading.now_ms, kinds={_NOTICE}, number=notice.number)
    return asked is not None and asked.subject_id == notice.id


def _standing(reading: Reading, phone: PhoneRow | None) -> list[Notice]:
    notices = latest(reading.tx, limit=12, public_only=False)
    return [notice for notice in notices if notice.on_page or (phone is not None and _open_to(reading, phone, notice))]


def _latest(reading: Reading) -> Decision:
    notices = _standing(reading, reading.sender.phone)[:_LISTED_NOTICES]
    items = [
        Item(notice.number, headline(notice.text, _HEADLINE_LENGTH), _until(notice.due_ms, reading.now_ms))
        for notice in notices
    ]
    return Decision(Intent.SERVICE, say("要最近的通知"), reading.replies.latest(items))


def _until(due_ms: int | None, now_ms: int) -> str:
    if due_ms is None or due_ms <= now_ms:
        return ""
    due, today = beijing(due_ms).date(), beijing(now_ms).date()
    near = {0: "今天止", 1: "明天止"}.get((due - today).days)
    return near or (f"{due.day}日止" if due.month == today.month else f"{due.month}月{due.day}日止")


def _notice_text(reading: Reading, phone: PhoneRow, number: int) -> Decision:
    notice = _readable(reading, phone, number)
    if notice is None:
        return Decision(
            Intent.SERVICE, say("没有通知{number}，或已停发", number=number), reading.replies.no_notice(number)
        )
    texts = [
        sms_text(reading.office, notice.number, text, calls=reading.office.calls)
        for text in (notice.text, notice.short_text or notice.text)
    ]
    text = next((text for text in texts if count(text).parts <= LONGEST_SMS_PARTS), None)
    concerns = f"notice/{notice.id}"
    if text is None:
        return Decision(
            Intent.SERVICE, say("通知{number}太长，短信装不下", number=number), reading.replies.too_long(number),
            concerns=concerns,
        )  # fmt: skip
    return Decision(
        Intent.SERVICE, say("要通知{number}的全文", number=number), Reply("NOTICE", text),
        (NoteFetched(phone.id, notice.id),), concerns,
    )  # fmt: skip


def _call_me(reading: Reading, phone: PhoneRow, number: int | None) -> Decision:
    replies = reading.replies
    if not reading.office.calls:
        return Decision(Intent.SERVICE, say("要听电话，可是没有电话线路"), replies.no_calls())
    notice = _to_read_out(reading, phone) if number is None else _readable(reading, phone, number)
    if notice is None:
        reply = replies.nothing_to_read() if number is None else replies.no_notice(number)
        return Decision(Intent.SERVICE, say("没有可念的通知"), reply)
    waiting = next((call for call in store.waiting_calls(reading.tx, phone.id) if call.notice_id == notice.id), None)
    ahead = store.calls_ahead(reading.tx, Priority.REPLY, waiting.message_id if waiting else None)
    return Decision(
        Intent.SERVICE,
        say("打电话念通知{number}，前面有{ahead}个", number=notice.number, ahead=ahead),
        _calling(reading, notice, ahead),
        () if waiting else (Ring(phone, notice.id),),
        f"notice/{notice.id}",
    )


def _calling(reading: Reading, notice: Notice, ahead: int) -> Reply:
    lines = max(reading.office.call_lines, 1)
    if ahead < lines:
        return reading.replies.call()
    each_s = call_seconds(reading.office, notice.text, corrected=notice.corrected)
    minutes = minutes_until_last(sms_parts=0, call_seconds=ahead * each_s, calls=ahead, lines=lines)
    return reading.replies.call_queued(ahead, minutes)


def _to_read_out(reading: Reading, phone: PhoneRow) -> Notice | None:
    """What the phone was sent last, else the newest public one."""
    asked = questions.newest(reading.tx, phone.id, reading.answered_ms, kinds={_NOTICE})
    if asked is not None and (notice := notice_of(reading.tx, asked.subject_id)).state is State.SENT:
        return notice
    return next(iter(_standing(reading, phone)), None)


def _cancel_call(reading: Reading, phone: PhoneRow) -> Decision:
    waiting = store.waiting_calls(reading.tx, phone.id)
    if not waiting:
        return Decision(Intent.SERVICE, say("没有等着打给他的电话"), reading.replies.no_call_waiting())
    cancel = CancelRinging(tuple(call.message_id for call in waiting))
    return Decision(Intent.SERVICE, say("不用打了"), reading.replies.call_cancelled(), (cancel,))


# suggestions


def _suggestion(reading: Reading, phone: PhoneRow, text: str) -> Decision:
    text = text.strip()
    before = community.same_again(reading.tx, phone.id, text, Kind.SUGGESTION)
    if before is not None:
        return Decision(
            Intent.SUGGESTION, say("同一条建议又发了一遍"), reading.replies.suggested(before.number),
            concerns=f"suggestion/{before.id}",
        )  # fmt: skip
    number = community.next_number(reading.tx, reading.now_ms)
    return Decision(
        Intent.SUGGESTION,
        say("记成建议，不会丢"),
        reading.replies.suggested(number),
        (Keep(Kind.SUGGESTION, text, phone.id, _alone(reading)),),
    )


def _help(reading: Reading, phone: PhoneRow, text: str) -> Decision:
    again = community.same_again(reading.tx, phone.id, text, Kind.HELP)
    keep = () if again else (Keep(Kind.HELP, text, phone.id, _alone(reading)),)
    return Decision(Intent.HELP, say("求助：交给村干部看"), reading.replies.help_kept(), keep)


def _alone(reading: Reading) -> int | None:
    return reading.sender.alone.resident_id if reading.sender.alone else None


def _progress(reading: Reading, number: int) -> Decision:
    found = community.by_number(reading.tx, number)
    if found is None:
        return Decision(Intent.SERVICE, say("没有建议{number}", number=number), reading.replies.no_suggestion(number))
    day = beijing(found.received_ms)
    reply = reading.replies.suggestion_progress(number, f"{day.month}月{day.day}日", found.seconds)
    return Decision(Intent.SERVICE, say("查建议{number}", number=number), reply, concerns=f"suggestion/{found.id}")


def _second(reading: Reading, phone: PhoneRow, number: int) -> Decision:
    found = community.by_number(reading.tx, number)
    if found is None or found.state != "draft":
        return Decision(Intent.SECOND, say("没有建议{number}", number=number), reading.replies.no_suggestion(number))
    concerns = f"suggestion/{found.id}"
    if found.phone_id == phone.id:
        return Decision(Intent.SECOND, say("自己提的不用附议"), reading.replies.own_suggestion(number), (), concerns)
    before = community.has_seconded(reading.tx, found.id, phone.id)
    reply = reading.replies.seconded(number, found.seconds + (0 if before else 1))
    effects = () if before else (AddSecond(phone.id, found.id),)
    return Decision(Intent.SECOND, say("附议建议{number}", number=number), reply, effects, concerns)


# doubts


def _unclear(reading: Reading, phone: PhoneRow, command: Unclear) -> Decision:
    if command.alone:
        return _suggestion(reading, phone, reading.text)
    why: dict[Doubt, Wording] = {
        Doubt.EMPTY: say("没有字"),
        Doubt.TWO: say("像是两个选项"),
        Doubt.LETTER: say("像数字的字母，不猜"),
        Doubt.NEGATION: say("有否定的字，不猜"),
        Doubt.DIGITS: say("这样的数字没有意思"),
        Doubt.OPTION: say("有选项的字，但不是一张票"),
        Doubt.OPTING: say("说到退订，但不是只回T"),
    }
    reply = {
        Doubt.LETTER: reading.replies.letters(),
        Doubt.OPTING: reading.replies.opting_how(),
    }.get(command.doubt, reading.replies.not_understood())
    return Decision(Intent.CLARIFY, why[command.doubt], reply)


SINCE_MS = DAY_MS
"""How far back the answers in a Reading go."""
