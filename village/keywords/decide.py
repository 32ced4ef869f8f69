"""From a sender and a command to a decision: what the village would do, and why, without doing it.

Reads only. Every branch ends in a decision: what is not understood is clarified, what is nobody's business here is kept
and not answered, and nothing is dropped.
"""

from __future__ import annotations

from dataclasses import replace

from village.ground.clock import beijing
from village.ground.wording import Wording, say
from village.keywords import of_option_words, of_polls
from village.keywords.commands import (
    Assent,
    CallMe,
    CancelCall,
    Choice,
    Code,
    Command,
    Courtesy,
    Distress,
    DoneIt,
    DoorTick,
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
    Alarm,
    Decision,
    Intent,
    Opt,
    Redeem,
    Speak,
    Withhold,
)
from village.keywords.of_doors import doors
from village.keywords.of_notices import assent, call_me, cancel_call, latest_notices, notice_text, received
from village.keywords.of_suggestions import help_request, progress, second, suggestion
from village.keywords.of_tasks import done_it
from village.keywords.reading import Reading
from village.keywords.replies import Reply
from village.people.store import PhoneRow


def decide(reading: Reading, command: Command) -> Decision:
    """What the village makes of `command` from this sender. Never raises for anything a villager may send."""
    match command:
        case Distress():
            return _distress(reading)
        case Suspicious(sign=sign):
            return _suspicious(reading, sign)
        case Code(digits=digits):
            return Decision(Intent.REGISTER, say("6位登记码"), effects=(Redeem(reading.sender.e164, digits),))
    phone = reading.sender.phone
    if phone is not None and (answered := of_option_words.exactly(reading, phone)) is not None:
        return answered  # a bare vote comes before a word: 改, 听 and 好 may be what an option is called
    if isinstance(command, Supervise):
        return _for_supervision(reading, command.text)
    return _stranger(reading, command) if phone is None else _registered(reading, phone, command)


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
    shown = _shown(command) and not of_option_words.may_be_an_answer(reading)
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
    return replace(decision, shown=_shown(command) and not _may_be_an_answer(decision))


def _may_be_an_answer(decision: Decision) -> bool:
    """A receipt, a ballot, or words in which a ballot may be: nobody but their writer reads those."""
    about_a_poll = decision.concerns is not None and decision.concerns.startswith("poll/")
    return about_a_poll or decision.intent in (Intent.CONFIRM, Intent.VOTE, Intent.CLOSED)


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
            return received(reading, phone, command)
        case Assent():
            return (
                of_option_words.words(reading, phone, ballotish=False)
                or of_option_words.assent(reading, phone)
                or assent(reading, phone)
            )
        case Courtesy():
            return Decision(Intent.IGNORE, say("客气话：记下，不回"))
        case YesNo():
            return Decision(Intent.CLARIFY, say("没有等着他回7或8的事"), replies.nothing_asked())
        case Choice() | Stand():
            return of_polls.ballot(reading, phone, command)
        case PollChoice() | SlotChoice():
            return of_polls.coded(reading, phone, command)
        case Unclear():
            return _unclear(reading, phone, command)
        case NoticeText(number=number):
            return notice_text(reading, phone, number)
        case CallMe(number=number):
            return call_me(reading, phone, number)
        case CancelCall():
            return cancel_call(reading, phone)
        case DoneIt():
            return done_it(reading, phone, command) or _done_what(reading, phone, command)
        case DoorTick():
            return doors(reading, phone, command)
        case FreeText(text=text, ballotish=ballotish):
            return of_option_words.words(reading, phone, ballotish=ballotish) or suggestion(reading, phone, text)
        case Suggest(text=text):
            return suggestion(reading, phone, text)
        case HelpRequest(text=text):
            return help_request(reading, phone, text)
        case Progress(number=number):
            return progress(reading, number)
        case Second(number=number):
            return second(reading, phone, number)
        case HelpOffer(number=number) | HelpConsent(number=number):
            return Decision(Intent.OFFER, say("没有{number}号求助", number=number), replies.no_help(number))
        case ServiceChoice(service=8, choice=choice):
            return Decision(Intent.SERVICE, say("选语音语言"), replies.language_set(choice), (Speak(phone, choice),))
        case Service(number=3):
            return of_polls.my_votes(reading, phone)
        case HowTo(topic=Topic.VOTING):
            return of_polls.how_to_vote(reading, phone)
        case Service() | ServiceChoice() | HowTo():
            return _service(reading, command)
    raise AssertionError(f"no branch for {type(command).__name__}")  # mypy cannot see it; the tests do


def _service(reading: Reading, command: Service | ServiceChoice | HowTo) -> Decision:
    replies = reading.replies
    answers: dict[Command, Reply] = {
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
        HowTo(Topic.REGISTERING): replies.registering(),
        HowTo(Topic.DISCLOSURE): replies.disclosure(),
        HowTo(Topic.MY_RECORD): replies.my_record(len(reading.sender.holders)),
        HowTo(Topic.SUPERVISING): replies.supervising(),
    }
    if command == Service(0):
        return Decision(Intent.MENU, say("要菜单"), replies.menu())
    if command == Service(1):
        return latest_notices(reading)
    return Decision(Intent.SERVICE, say("问服务"), answers[command])


# doubts


def _done_what(reading: Reading, phone: PhoneRow, command: DoneIt) -> Decision:
    """办好了, and nothing was to be done: his own words, or a digit that must not pass for a ballot."""
    if command.number is None:
        return of_option_words.words(reading, phone, ballotish=False) or suggestion(reading, phone, reading.text)
    one = command.number <= 9
    return _unclear(reading, phone, Unclear(Doubt.DIGITS if one else Doubt.TWO, alone=one))


def _unclear(reading: Reading, phone: PhoneRow, command: Unclear) -> Decision:
    if (asked_back := of_option_words.unclear(reading, phone, command)) is not None:
        return asked_back
    if command.alone:
        return suggestion(reading, phone, reading.text)
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
