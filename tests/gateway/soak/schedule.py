"""One day of troubles, drawn from a seed: what is sent, what goes wrong with the network, and when the power is cut.

The same seed is the same day. Times are milliseconds of the true time since the day began.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from gateway.message import Priority
from gateway.simulated.handset import Faults, Rule

MINUTE = 60_000
HOUR = 60 * MINUTE

NUMBERS = tuple(f"+8619900000{n:03d}" for n in range(12))

AT_HOME = NUMBERS[3]
"""Whose owner will not have his number leave the country."""

MOMENTS = ("in_unit", "committed", "submitting", "taken", "outside")
"""Where the power is cut: inside a unit of work, right after a commit, after the try was written down and before the
carrier is called, after the carrier took it and before we know, and just anywhere."""


@dataclass(frozen=True)
class Errand:
    at_ms: int
    to: str
    text: str
    priority: Priority
    lasts_ms: int
    kind: str


@dataclass(frozen=True)
class Letter:
    at_ms: int
    sender: str
    text: str


@dataclass(frozen=True)
class End:
    """How one life of the server ends: at the `count`-th such moment; "outside": after so many real milliseconds."""

    moment: str
    count: int
    dark_ms: int
    """How long the power stays away."""
    guesses: bool
    """Whether the clock does not know the time after it."""


@dataclass(frozen=True)
class Schedule:
    seed: int
    faults: Faults
    rules: dict[str, Rule]
    errands: tuple[Errand, ...]
    letters: tuple[Letter, ...]
    outages: tuple[tuple[int, int], ...]
    full_disk: tuple[tuple[int, int], ...]
    ends: tuple[End, ...]
    quiet: bool
    two_lines: bool
    asks: bool
    """Whether the carrier can be asked what became of a message."""
    month_fen: int | None
    """What each line may cost."""
    limited: bool
    """Whether the second line carries notices alone, and leaves the country."""
    bars: float
    """The share of messages that one line's carrier will never take."""


def schedule(seed: int) -> Schedule:
    dice = random.Random(seed)
    spans = [_span(dice) for _ in range(dice.randint(0, 2))]
    return Schedule(
        seed=seed,
        faults=Faults(
            drop=dice.choice((0, 0.05)),
            duplicate=dice.choice((0, 0.3)),
            lose_report=dice.choice((0, 0.1)),
            hang=dice.choice((0, 0.05, 0.15)),
            congest=dice.choice((0, 0.15)),
            refuse=dice.choice((0, 0.1)),
            wrong_order=dice.choice((0, 0.3)),
            reorder_ms=dice.choice((0, 5000)),
        ),
        rules={
            NUMBERS[0]: Rule(dead=True),
            NUMBERS[1]: Rule(retry_first=2),
            NUMBERS[2]: Rule(delay_ms=dice.randint(0, 4 * HOUR)),
        },
        errands=tuple(_errand(dice, k) for k in range(dice.randint(20, 60))),
        letters=tuple(
            Letter(dice.randint(0, 2 * HOUR), dice.choice(NUMBERS[3:]), f"话{k}") for k in range(dice.randint(0, 15))
        ),
        outages=tuple(spans),
        full_disk=tuple(_span(dice, 5) for _ in range(dice.choice((0, 0, 1)))),
        ends=tuple(_end(dice) for _ in range(dice.randint(1, 4))),
        quiet=dice.random() < 0.5,
        two_lines=dice.random() < 0.4,
        asks=dice.random() < 0.6,
        month_fen=dice.choice((None, None, 250)),
        limited=dice.random() < 0.5,
        bars=dice.choice((0, 0.2)),
    )


def _span(dice: random.Random, longest_min: int = 12) -> tuple[int, int]:
    begin = dice.randint(0, 3 * HOUR)
    return begin, begin + dice.randint(1, longest_min) * MINUTE


def _errand(dice: random.Random, k: int) -> Errand:
    priority = dice.choice([*Priority] + [Priority.NOTICE] * 4)
    return Errand(
        at_ms=dice.choice((0, dice.randint(0, 2 * HOUR))),
        to=dice.choice(NUMBERS),
        text=f"【青山村】第{k}件" + "长" * dice.choice((0, 0, 0, 80, 150)),
        priority=priority,
        lasts_ms=dice.choice((HOUR, 6 * HOUR)),
        kind="notice" if k % 3 else "reply",
    )


def _end(dice: random.Random) -> End:
    moment = dice.choice(MOMENTS)
    return End(
        moment=moment,
        count=dice.randint(5, 400) if moment == "outside" else dice.randint(1, 40),
        dark_ms=dice.choice((0, dice.randint(MINUTE, 3 * HOUR))),
        guesses=dice.random() < 0.3,
    )
