"""What of a poll's result the county has verified for itself, step by step: signature, chain, roll, tally, rule. Pure.

Never says more than was checked: what cannot be checked from here is said to be so, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sync.kinds import PollCounted, PollOpened
from village.ground.wording import Wording, say
from village.laws.pack import pack_of
from village.laws.rules import ImpossibleError, judge

SMALLEST_HIDDEN, LARGEST_HIDDEN = 1, 4
"""A hidden cell stands for one to four ballots; with fewer than five in all every cell is hidden, empty ones too."""


class Found(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    OPEN = "open"
    """Cannot be checked from here, or not yet."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One step: its name, what was found, and what that means in a sentence."""

    name: Wording
    found: Found
    meaning: Wording


@dataclass(frozen=True, slots=True)
class Log:
    """What is known of the log the records stand in: whether every bundle was signed by the certified key, and whether
    it has no gap from its beginning to `head_seq`."""

    signed: bool
    unbroken: bool
    head_seq: int
    frozen: bool = False


def ladder(log: Log, opened: PollOpened, counted: PollCounted | None) -> list[Rung]:
    """Every step for one poll."""
    rungs = [_signature(log), _chain(log)]
    if counted is None:
        waits = say("还没有计票，等村里报上来。")
        return [*rungs, *(Rung(name, Found.OPEN, waits) for name in (ROLL, TALLY, RULE))]
    return [*rungs, _roll(opened, counted), _tally(opened, counted), _rule(opened, counted)]


SIGNATURE, CHAIN, ROLL = say("签名"), say("链条"), say("名单")
TALLY, RULE = say("票数"), say("规则")


def _signature(log: Log) -> Rung:
    if log.signed:
        return Rung(SIGNATURE, Found.PASSED, say("每一条都是用县里认过的本村钥匙签的，路上没有人改过。"))
    return Rung(SIGNATURE, Found.FAILED, say("有的签名对不上县里认过的钥匙，不能信。"))


def _chain(log: Log) -> Rung:
    if log.frozen:
        return Rung(CHAIN, Found.FAILED, say("同一个位置有两条不同的记录：钥匙可能被复制了，已经停收。"))
    if log.unbroken:
        return Rung(CHAIN, Found.PASSED, say("从第1条到第{n}条一环扣一环，没有少，没有换。", n=log.head_seq))
    return Rung(CHAIN, Found.FAILED, say("中间有缺口或者接不上，先别用这个结果。"))


def _roll(opened: PollOpened, counted: PollCounted) -> Rung:
    if opened.roll != counted.roll:
        return Rung(ROLL, Found.FAILED, say("计票时的名单和开始时的不是同一份。"))
    if opened.eligible != counted.eligible:
        return Rung(
            ROLL, Found.FAILED, say("开始时名单上有{a}，计票时变成了{b}。", a=opened.eligible, b=counted.eligible)
        )
    return Rung(ROLL, Found.PASSED, say("名单一开始就定了，{n}个，到计票没有动过。", n=opened.eligible))


def _tally(opened: PollOpened, counted: PollCounted) -> Rung:
    counts = counted.counts
    if len(counts) != len(opened.options):
        return Rung(TALLY, Found.FAILED, say("选项有{a}个，票数却报了{b}项。", a=len(opened.options), b=len(counts)))
    if counted.attended > opened.eligible:
        return Rung(TALLY, Found.FAILED, say("投的{a}比名单上的{b}还多。", a=counted.attended, b=opened.eligible))
    low, high = _bounds(counts, counted.attended)
    if not low <= counted.attended <= high:
        return Rung(TALLY, Found.FAILED, say("各项加起来和总数{n}对不上。", n=counted.attended))
    hidden = sum(count is None for count in counts)
    if hidden:
        return Rung(
            TALLY, Found.PASSED, say("各项和总数{n}对得上；{h}项票太少，不公布。", n=counted.attended, h=hidden)
        )
    return Rung(TALLY, Found.PASSED, say("各项加起来正好是{n}。", n=counted.attended))


def _bounds(counts: Sequence[int | None], attended: int) -> tuple[int, int]:
    """Between what and what the sum of all cells lies, hidden ones included."""
    known = sum(count for count in counts if count is not None)
    hidden = sum(count is None for count in counts)
    if hidden == len(counts) and attended <= LARGEST_HIDDEN:
        return 0, LARGEST_HIDDEN
    return known + hidden * SMALLEST_HIDDEN, known + hidden * LARGEST_HIDDEN


def _rule(opened: PollOpened, counted: PollCounted) -> Rung:
    if opened.pack != counted.pack:
        return Rung(RULE, Found.FAILED, say("开始和计票用的不是同一份法规。"))
    try:
        pack = pack_of(opened.pack)
    except LookupError:
        return Rung(RULE, Found.OPEN, say("县里没有“{pack}”这份法规，核不了。", pack=opened.pack))
    yes = counted.counts[0] if counted.counts else None
    if opened.kind != "opinion" and yes is None:
        return Rung(RULE, Found.OPEN, say("票太少，同意的票数没有报，通没通过在这里核不了。"))
    try:
        verdict = judge(
            pack, opened.kind, eligible=opened.eligible, attended=counted.attended,
            yes=0 if opened.kind == "opinion" or yes is None else yes,
        )  # fmt: skip
    except ImpossibleError:
        return Rung(RULE, Found.FAILED, say("这些票数不可能。"))
    if (verdict.valid, verdict.passed) != (counted.valid, counted.passed):
        return Rung(RULE, Found.FAILED, say("按同一份法规重算，结论和村里报的不一样。"))
    unreviewed = "" if pack.reviewed else say("（这份法规还没有人核对过）")
    if opened.kind == "opinion":
        return Rung(RULE, Found.PASSED, say("意见征集，没有通过不通过，村里也没有这样报。"))
    return Rung(RULE, Found.PASSED, say("按同一份法规重算，结论一样。{unreviewed}", unreviewed=unreviewed))
