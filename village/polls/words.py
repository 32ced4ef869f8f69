"""What a poll says in an SMS, on paper and in a call: facts/sms.md's rows, fitted to one message where they can be.

Never says 表决 or 通过 without a legal basis on file, never 依法通过, and never a number that shows single ballots.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.segments import count
from village.ground.clock import beijing
from village.ground.wording import Wording, say
from village.notices.office import Office
from village.polls.poll import YES_NO_ABSTAIN, Poll, PollKind
from village.polls.result_store import Result

ONE_SEGMENT_UNITS = 70
"""UCS-2 units of an unsplit SMS (3GPP TS 23.038)."""

FEW = 5
"""With fewer ballots than this even a tally shows how somebody voted (facts/sync.md, Votes)."""


def fitted(signature: str, forms: Sequence[str]) -> str:
    """The first form that fits one SMS, else the one that needs the fewest parts; signed."""
    signed = [f"【{signature}】{form}" for form in forms]
    one = next((text for text in signed if count(text).units <= ONE_SEGMENT_UNITS), None)
    return one if one is not None else min(signed, key=lambda text: count(text).units)


def deadline(closes_ms: int) -> str:
    """12月9日18点, 12月9日18点30分"""
    moment = beijing(closes_ms)
    return f"{moment.month}月{moment.day}日{_hour(closes_ms)}"


def short_deadline(closes_ms: int) -> str:
    """9日18点"""
    return f"{beijing(closes_ms).day}日{_hour(closes_ms)}"


def _hour(instant_ms: int) -> str:
    moment = beijing(instant_ms)
    return f"{moment.hour}点" + (f"{moment.minute}分" if moment.minute else "")


def asked(question: str) -> str:
    """As a question: 东路口装不装减速带?"""
    bare = question.rstrip("。.，, ")
    return bare if bare.endswith(("?", "？")) else bare + "?"


def options_shown(poll_options: Sequence[str]) -> str:
    """1同意 2不同意 3弃权"""
    return " ".join(f"{place}{label}" for place, label in enumerate(poll_options, 1))


def announcement_sms(
    office: Office, *, word: str, number: int, question: str, options: Sequence[str], closes_ms: int, decides: bool
) -> str:
    """POLL_BODY, POLL_OPINION. `decides`: whether something is decided by it."""
    said = asked(question) + options_shown(options)
    until, soon = deadline(closes_ms), short_deadline(closes_ms)
    opened = f"{word}{number}:" if decides else f"{word}{number}(不作决议):"
    return fitted(
        office.signature,
        [
            f"{opened}{said},回一个数字。{until}止",
            f"{opened}{said},回一个数字。{soon}止",
            f"{word}{number}:{said},回一个数字。{until}止",
            f"{word}{number}:{said},回一个数字。{soon}止",
            f"{word}{number}:{said},回数字。{soon}止",
            f"{word}{number}:{said},回数字",
        ],
    )


def announcement_of(office: Office, poll: Poll) -> str:
    return announcement_sms(
        office, word=poll.word, number=poll.number, question=poll.question, options=poll.options,
        closes_ms=poll.closes_ms, decides=poll.basis is not None,
    )  # fmt: skip


def withdrawal_sms(office: Office, poll: Poll) -> str:
    ask = f",有事打{office.phone}" if office.phone else ""
    return fitted(
        office.signature,
        [
            f"{poll.word}{poll.number}作废,不用再回:{poll.withdrawn_why}。已经回的不算{ask}",
            f"{poll.word}{poll.number}作废,不用再回:{poll.withdrawn_why}",
            f"{poll.word}{poll.number}作废,不用再回,已经回的不算{ask}",
        ],
    )


def is_small(result: Result) -> bool:
    return result.attended < FEW


def counts_shown(poll: Poll, result: Result, mark: str = "") -> str:
    """同意131,不同意30,弃权7"""
    return ",".join(f"{label}{mark}{n}" for label, n in zip(poll.options, result.counts, strict=True))


def result_sms(office: Office, poll: Poll, result: Result) -> str:
    """RES_OK, RES_NO, RES_OP, and what they leave out: voted down, and too few to say more."""
    unit, number = poll.kind.unit, poll.number
    if poll.basis is None:
        opened = f"征求意见{number}(不是决议):"
        if is_small(result):
            return fitted(office.signature, [f"{opened}只收到{result.attended}{unit}的回复,太少,不公布各项。谢谢"])
        told = f"{opened}回复{result.attended}{unit},{counts_shown(poll, result)}"
        return fitted(office.signature, [f"{told}。供开会讨论", told])
    attended = f"{poll.eligible}{unit}投{result.attended}{unit}"
    if result.valid is False:
        share = "三分之二" if poll.kind is PollKind.HOUSEHOLD else "一半"
        told = f"表决{number}不算数:{attended},不够{share}({result.needs_attended}{unit})"
        return fitted(office.signature, [f"{told}。另开会再议", told])
    counts = "" if is_small(result) else f",{counts_shown(poll, result)}"
    outcome = "通过" if result.passed else "没通过"
    told = f"表决{number}{outcome}:{attended}{counts}"
    return fitted(
        office.signature,
        [f"{told}。公示7天,有意见找监督委", f"{told}。有意见找监督委", told],
    )


def result_sentence(poll: Poll, result: Result) -> Wording:
    """The same for the page and the poster, in one plain sentence."""
    counted = poll.kind.by.counted
    everybody, came = counted(poll.eligible), counted(result.attended)
    if poll.basis is None:
        if is_small(result):
            return say("只收到{came}的回复，太少，不公布各项。这不是决议。", came=came)
        return say(
            "{everybody}里有{came}回复：{counts}。这不是决议，供开会讨论。", everybody=everybody, came=came,
            counts=_plain(poll, result),
        )  # fmt: skip
    counts = "" if is_small(result) else say("：{counts}", counts=_plain(poll, result))
    if result.valid is False:
        return say(
            "{everybody}里有{came}投票，不够{least}，这次不算数{counts}。", everybody=everybody, came=came,
            least=counted(result.needs_attended or 0), counts=counts,
        )  # fmt: skip
    outcome = say("通过") if result.passed else say("没有通过")
    return say(
        "{everybody}里有{came}投票{counts}。同意的要有{least}，{outcome}。", everybody=everybody, came=came,
        counts=counts, least=counted(result.needs_yes or 0), outcome=outcome,
    )  # fmt: skip


def _plain(poll: Poll, result: Result) -> str:
    return "，".join(f"{label}{n}" for label, n in zip(poll.options, result.counts, strict=True))


def spoken_options(options: Sequence[str]) -> str:
    """同意按1，不同意按2，弃权按3"""
    return "，".join(f"{label}按{place}" for place, label in enumerate(options, 1))


def is_yes_no(options: Sequence[str]) -> bool:
    return tuple(options) == YES_NO_ABSTAIN
