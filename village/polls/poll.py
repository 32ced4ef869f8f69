"""A poll: one question, its options, who decides and until when; and what it may be called.

Never knows how it is stored, who voted, or what anybody chose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from village.ground.normalise import normalise
from village.ground.reserved import is_number, is_reserved
from village.ground.wording import RefusalError, Wording, say
from village.laws.pack import By
from village.notices.notice import tidy

PollId = NewType("PollId", int)
VoterId = NewType("VoterId", int)

LOWEST_NUMBER, HIGHEST_NUMBER = 20, 99
"""10 to 19 name no poll, so that 110, 119, 120 and 122 can never be a ballot (facts/sms.md)."""

LONGEST_QUESTION, LONGEST_OPTION = 60, 8
FEWEST_OPTIONS, MOST_OPTIONS = 2, 6
"""A bare digit from 1 to 6 is a ballot; 7 to 9 mean something else."""

_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000
SHORTEST_MS, LONGEST_MS = _HOUR_MS, 60 * _DAY_MS

YES_NO_ABSTAIN = ("同意", "不同意", "弃权")
"""What a vote under a rule asks: it is measured by its yes votes alone (governance: denominator of pass is A)."""

OPINION, VOTE = "征求意见", "表决"


class PollKind(StrEnum):
    """The kinds that can be opened; `village rule` knows more."""

    OPINION = "opinion"
    HOUSEHOLD = "household"

    @property
    def unit(self) -> str:
        return "户" if self is PollKind.HOUSEHOLD else "人"

    @property
    def by(self) -> By:
        return By.HOUSEHOLD if self is PollKind.HOUSEHOLD else By.PERSON

    def in_words(self) -> Wording:
        return say("户代表，一户一票") if self is PollKind.HOUSEHOLD else say("意见征集，一人一票")


class State(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    """Past its deadline; ballots that were sent in time may still be on their way."""
    COUNTED = "counted"
    WITHDRAWN = "withdrawn"


class Via(StrEnum):
    SMS = "sms"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Basis:
    """A legal basis on file: entered by the committee, co-signed by the supervisory committee."""

    id: int
    title: str
    reference: str


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants asked."""

    kind: PollKind
    question: str
    options: tuple[str, ...]
    closes_ms: int
    groups: frozenset[int] = frozenset()
    """Empty: the whole village."""
    basis_id: int | None = None
    sms: bool = True
    call: bool = True
    author: str = ""
    number: int | None = None
    """A number of the caller's choosing (the sample village's 23); None: the next free one."""
    request: str | None = None
    """Names the form or command it came from: the same one opens once."""


@dataclass(frozen=True, slots=True)
class Poll:
    id: PollId
    number: int
    kind: PollKind
    state: State
    question: str
    options: tuple[str, ...]
    groups: frozenset[int]
    basis: Basis | None
    pack: str
    sms: bool
    call: bool
    roll_hash: bytes
    eligible: int
    author: str
    opened_ms: int
    closes_ms: int
    closed_ms: int | None
    counted_ms: int | None
    withdrawn_ms: int | None
    withdrawn_by: str | None
    withdrawn_why: str | None
    trouble: str = ""
    """Why it is not counted although its time has come: `ledger`, `seal`, or nothing."""

    @property
    def word(self) -> str:
        """表决 only where a legal basis is on file (facts/governance.md, 4)."""
        return VOTE if self.basis is not None else OPINION

    @property
    def called(self) -> Wording:
        """The same in the reader's language; what goes to villagers' phones is `word`."""
        return say("表决") if self.basis is not None else say("征求意见")

    def label(self, choice: int) -> str:
        return self.options[choice - 1]

    def has(self, choice: int) -> bool:
        return 1 <= choice <= len(self.options)

    @property
    def takes_ballots(self) -> bool:
        """Whether a ballot that was sent in time still counts when it arrives now."""
        return self.state in (State.OPEN, State.CLOSED)

    def takes_at(self, sent_ms: int, *, trusted: bool) -> bool:
        """Whether a ballot written by that time is in time, if it arrives now. A guess closes nothing."""
        in_time = sent_ms <= self.closes_ms or (self.state is State.OPEN and not trusted)
        return self.takes_ballots and in_time

    def accepts(self, sent_ms: int, *, trusted: bool) -> bool:
        """The same for one that may belong to any poll: it also has to be written after this one was opened."""
        return self.takes_at(sent_ms, trusted=trusted) and self.opened_ms <= sent_ms


@dataclass(frozen=True, slots=True)
class Voter:
    """Somebody on a poll's roll; `slot` is theirs on the phone that was asked about, 0 where none was."""

    id: VoterId
    poll_id: PollId
    place: int
    household_id: int
    resident_id: int
    group_no: int
    name: str
    slot: int = 0


def checked(order: Order, now_ms: int, *, trusted: bool) -> Order:
    """The order with its texts tidied. Raises RefusalError (422) with everything that is wrong."""
    wrong: list[Wording] = []
    question = " ".join(tidy(order.question).split())
    options = YES_NO_ABSTAIN if order.kind is PollKind.HOUSEHOLD else tuple(tidy(option) for option in order.options)
    if not question:
        wrong.append(say("要问什么还没有写"))
    elif len(question) > LONGEST_QUESTION:
        wrong.append(say("问的话太长了：{n}个字，最多{most}个字", n=len(question), most=LONGEST_QUESTION))
    wrong += _wrong_options(options)
    if order.closes_ms < now_ms + SHORTEST_MS:
        wrong.append(say("截止时间至少要在1小时以后"))
    elif order.closes_ms > now_ms + LONGEST_MS:
        wrong.append(say("截止时间最多在60天以后"))
    if not trusted:
        wrong.append(say("村里的钟是猜的，定不了截止时间。请先到“村里的钟”那一页核对"))
    if order.basis_id is not None and order.kind is PollKind.OPINION:
        wrong.append(say("意见征集不作决议，用不着依据"))
    if wrong:
        raise RefusalError(*wrong, status=422)
    return Order(
        order.kind, question, options, order.closes_ms, order.groups, order.basis_id, order.sms, order.call,
        order.author, order.number, order.request,
    )  # fmt: skip


def _wrong_options(options: Sequence[str]) -> list[Wording]:
    if not FEWEST_OPTIONS <= len(options) <= MOST_OPTIONS:
        return [say("要有{low}到{high}个选项", low=FEWEST_OPTIONS, high=MOST_OPTIONS)]
    wrong = []
    for option in options:
        if not option:
            wrong.append(say("有的选项还没有写字"))
        elif len(option) > LONGEST_OPTION:
            wrong.append(say("选项“{option}”太长了，最多{most}个字", option=option, most=LONGEST_OPTION))
        elif any(sign.isdigit() for sign in option) or is_number(normalise(option)):
            wrong.append(say("选项“{option}”里不要有数字，会和按键弄混", option=option))
        elif not (plain := normalise(option)):
            wrong.append(say("选项“{option}”里没有字，短信里回不了", option=option))
        elif is_reserved(plain):
            wrong.append(say("选项“{option}”用了退订、求救或可疑短信里的字，回了不会记成票", option=option))
    return wrong + _alike(options)


def _alike(options: Sequence[str]) -> list[Wording]:
    """東头 and 东头 are two options on paper and one in an SMS."""
    if len(set(options)) < len(options):
        return [say("有两个选项是一样的")]
    first: dict[str, str] = {}
    for option in options:
        plain = normalise(option)
        if plain and first.setdefault(plain, option) != option:
            return [say("选项“{one}”和“{other}”在短信里分不开", one=first[plain], other=option)]
    return []
