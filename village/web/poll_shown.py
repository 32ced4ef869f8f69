"""A poll as desk, public page and poster show it: rule, time left, turnout, what it waits for, what came out.

Never shows a choice before the counting, never who has voted, and of fewer than five ballots nothing but their number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from village.ground.wording import Wording, say
from village.laws.pack import Pack, pack_of
from village.laws.rules import in_words, judge
from village.polls import store
from village.polls.count_poll import LISTENED_MS, LONGEST_WAIT_MS, UpSince, countable_ms
from village.polls.poll import Poll, PollKind, State
from village.polls.result_store import Result, result_of
from village.polls.store import Turnout
from village.polls.words import FEW, asked, is_small, result_sentence

MOST_ICONS = 300
"""Beyond that nobody counts them any more; the bars say the same."""

_FINGERPRINT_HEX = 16


class Phase(StrEnum):
    """What people see of a state: a poll whose deadline has passed takes no more answers, counted or not."""

    OPEN = "open"
    WAITING = "waiting"
    COUNTED = "counted"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Share:
    """One option of the result: `kind` is its part of the bar, `whole` what its own bar is measured against."""

    choice: int
    label: str
    count: int
    kind: str
    whole: int


@dataclass(frozen=True, slots=True)
class Shown:
    poll: Poll
    phase: Phase
    turnout: Turnout
    result: Result | None
    quorum: int | None
    """How many have to take part under the rule this kind is held by; None where there is no such rule."""

    @property
    def question(self) -> str:
        """As a question, for people to read: 东路口装不装减速带？"""
        return asked(self.poll.question).replace("?", "？")

    @property
    def pack(self) -> Pack:
        return pack_of(self.poll.pack)

    @property
    def by_household(self) -> bool:
        return self.poll.kind is PollKind.HOUSEHOLD

    @property
    def path(self) -> str:
        """On the public page."""
        return f"/votes/{self.poll.number}"

    @property
    def cast(self) -> int:
        return self.turnout.cast if self.result is None else self.result.attended

    @property
    def missing(self) -> int:
        return max(self.poll.eligible - self.cast, 0)

    @property
    def rule(self) -> Wording:
        """How it is decided. Where nothing is decided the sentence says so and stops."""
        if self.poll.basis is not None:
            return in_words(self.pack, self.poll.kind, self.poll.eligible)
        if self.by_household:
            return say("一共{n}户，一户一票。只听意见，不作决议。", n=self.poll.eligible)
        return say("一共请{n}人，一人一票。只听意见，不作决议。", n=self.poll.eligible)

    @property
    def turnout_words(self) -> Wording:
        values = {"n": self.poll.eligible, "cast": self.cast}
        if self.by_household:
            return say("{n}户里，{cast}户回了", **values)
        return say("{n}人里，{cast}人回了", **values)

    @property
    def quorum_words(self) -> Wording | None:
        """The sentence that says what the mark on the bar shows."""
        if self.quorum is None:
            return None
        if self.poll.basis is None:
            return say("三分之二是{n}户", n=self.quorum)
        if self.cast >= self.quorum:
            return say("够了，{n}户就算数", n=self.quorum)
        return say("要{n}户才算数，还差{less}户", n=self.quorum, less=self.quorum - self.cast)

    @property
    def mark(self) -> Wording:
        """Beside the line on the bar."""
        if self.poll.basis is None:
            return say("三分之二 {n}户", n=self.quorum or 0)
        return say("{n}户才算数", n=self.quorum or 0)

    @property
    def pass_mark(self) -> Wording:
        return say("同意要{n}户", n=0 if self.result is None else self.result.needs_yes or 0)

    @property
    def groups(self) -> list[tuple[Wording, int, int]]:
        return groups_shown(self.turnout)

    # what came out

    @property
    def small(self) -> bool:
        return self.result is not None and is_small(self.result)

    @property
    def sentence(self) -> Wording | None:
        return None if self.result is None else result_sentence(self.poll, self.result)

    @property
    def shares(self) -> list[Share]:
        """Empty where the numbers are too small to be shown."""
        if self.result is None or self.small:
            return []
        kinds = ("yes", "no", "half") if self.by_household else ("yes",) * len(self.poll.options)
        return [
            Share(choice, label, count, kind, self.result.attended)
            for choice, (label, count, kind) in enumerate(
                zip(self.poll.options, self.result.counts, kinds, strict=True), 1
            )
        ]

    @property
    def decided(self) -> bool:
        """Whether the yes votes were measured at all: there is a basis, and enough took part."""
        return self.poll.basis is not None and self.result is not None and self.result.valid is True

    @property
    def icons(self) -> bool:
        return self.poll.eligible <= MOST_ICONS

    @property
    def silent(self) -> list[Wording]:
        """Lines that had not been up for long enough when it was counted."""
        return [] if self.result is None else [line_words(name) for name in self.result.silent_lanes]

    @property
    def receipts_root(self) -> str:
        return "" if self.result is None else fingerprint(self.result.receipts)

    @property
    def ledger_head(self) -> str:
        return "" if self.result is None else fingerprint(self.result.ledger_head)


def shown(tx: sqlite3.Connection, poll: Poll, now_ms: int, *, trusted: bool, by_group: bool = False) -> Shown:
    """`by_group`: the groups of a counted poll too, for which its whole roll has to be read."""
    phase, result = phase_of(poll, now_ms, trusted=trusted), result_of(tx, poll.id)
    if result is not None and not by_group:
        return Shown(poll, phase, Turnout(poll.eligible, result.attended, ()), result, _quorum(poll))
    return Shown(poll, phase, store.turnout(tx, poll.id), result, _quorum(poll))


def planned(poll: Poll) -> Shown:
    """A poll that is not open yet."""
    return Shown(poll, Phase.OPEN, Turnout(poll.eligible, 0, ()), None, _quorum(poll))


def _quorum(poll: Poll) -> int | None:
    return judge(pack_of(poll.pack), poll.kind, eligible=poll.eligible, attended=0, yes=0).needs_attended


def phase_of(poll: Poll, now_ms: int, *, trusted: bool) -> Phase:
    """By a guessed clock nothing is over that was not over before."""
    over = trusted and poll.closes_ms < now_ms
    match poll.state:
        case State.OPEN:
            return Phase.WAITING if over else Phase.OPEN
        case State.CLOSED:
            return Phase.WAITING
        case State.COUNTED:
            return Phase.COUNTED
        case State.WITHDRAWN:
            return Phase.WITHDRAWN


def groups_shown(turnout: Turnout) -> list[tuple[Wording, int, int]]:
    """(group, voters, voted), groups of fewer than five put together: neither they nor what is left of the whole may
    stand for so few people that somebody can be recognised."""
    large = [group for group in turnout.groups if group[1] >= FEW]
    small = [group for group in turnout.groups if group[1] < FEW]
    while small and sum(group[1] for group in small) < FEW and large:
        least = min(large, key=lambda group: group[1])
        large.remove(least)
        small.append(least)
    shown = [(say("{n}组", n=number), voters, voted) for number, voters, voted in large]
    if not shown or not small:
        return shown
    named = "、".join(str(group[0]) for group in sorted(small))
    return [*shown, (say("{n}组合起来", n=named), sum(group[1] for group in small), sum(group[2] for group in small))]


def fingerprint(digest: bytes) -> str:
    """Enough of a hash to compare by eye: 9f2c 01ab 77d0 4e1b"""
    digits = digest.hex()[:_FINGERPRINT_HEX]
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


# what a closed poll waits for


@dataclass(frozen=True, slots=True)
class LineWait:
    """An inbound line; `ready_ms` None: it is down. `settled`: it has been up for long enough."""

    name: Wording
    since_ms: int | None
    ready_ms: int | None
    settled: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    lines: tuple[LineWait, ...]
    count_ms: int
    latest_ms: int

    @property
    def down(self) -> Sequence[LineWait]:
        return [line for line in self.lines if line.ready_ms is None]


def waiting(poll: Poll, up_since_ms: UpSince, now_ms: int) -> Waiting:
    return Waiting(
        lines=tuple(_line(poll, name, since, now_ms) for name, since in sorted(up_since_ms.items())),
        count_ms=countable_ms(poll, up_since_ms),
        latest_ms=poll.closes_ms + LONGEST_WAIT_MS,
    )


def _line(poll: Poll, name: str, since_ms: int | None, now_ms: int) -> LineWait:
    if since_ms is None:
        return LineWait(line_words(name), None, None, settled=False)
    ready_ms = max(since_ms, poll.closes_ms) + LISTENED_MS
    return LineWait(line_words(name), since_ms, ready_ms, settled=now_ms >= ready_ms)


_LINES = {"simulator": say("模拟短信"), "modem": say("短信猫"), "twilio": say("Twilio 短信")}


def line_words(name: str) -> Wording:
    """A lane by the name people have for it; else its own."""
    return next((words for start, words in _LINES.items() if name.startswith(start)), say("线路 {name}", name=name))
