"""Which line takes a message: pure rules over what every line is and how it stands. Never looks at a clock or a queue.

The village's own order decides (`Line.rank`): the first line that is up and within its budget does the work, lines of
one rank share it. A later one steps in when every earlier one has been down for a while, takes at once what an earlier
one's carrier has turned away, and never waits where lives are at stake.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.failures import Trouble
from gateway.message import Channel, Priority

_MIN_MS = 60_000

PATIENCE_MS: Mapping[Priority, int] = MappingProxyType(
    {
        Priority.EMERGENCY: 0,
        Priority.ALERT: 0,
        Priority.URGENT: 15_000,
        Priority.REPLY: 2 * _MIN_MS,
        Priority.REMINDER: 10 * _MIN_MS,
        Priority.NOTICE: 10 * _MIN_MS,
        Priority.DAILY: 60 * _MIN_MS,
    }
)
"""How long a line must have been down before a later, dearer one takes its work. A stick that is reset needs two or
three minutes; a villager who has just written waits for his answer."""

OTHERS_MAY = frozenset({Trouble.REFUSED, Trouble.CONGESTION, Trouble.OTHER})
"""What one carrier says no to and another may take. Not what lies with the phone or the text."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the village says of one transport.

    `rank`: 0 is asked first. `price_fen`: of one SMS part, or of one started minute. `month_fen`: what it may cost in a
    calendar month; None: no limit. `postscript`: put after every text, where no answer can come back on this line.
    `kinds`: it carries messages of these kinds alone; empty: of all.
    """

    rank: int = 0
    price_fen: int = 0
    month_fen: int | None = None
    postscript: str = ""
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Way:
    """A line as it stands. `since_ms`: how long it has been up or down, on the stopwatch. `broke`: nothing is left of
    its month's budget."""

    name: str
    channel: Channel
    rank: int
    up: bool
    since_ms: int
    broke: bool


@dataclass(frozen=True, slots=True)
class Share:
    """What one line may take now.

    `fresh`: priorities of which it takes whatever is due. `turned`: those of which only what another line's carrier has
    turned away. `spares`: it leaves to others what its own carrier has turned away. `again_ms`: when this changes by
    itself, on the stopwatch.
    """

    fresh: frozenset[Priority] = frozenset(Priority)
    turned: frozenset[Priority] = frozenset()
    spares: bool = False
    again_ms: int | None = None


def share(mine: Way, ways: Collection[Way], now_ms: int) -> Share:
    """The part of the queue that is this line's."""
    others = [way for way in ways if way.channel is mine.channel and way.name != mine.name]
    fresh, turned, changes = set(), set(), []
    for priority in Priority:
        if priority.is_emergency:
            fresh.add(priority)
            continue
        if mine.broke and not priority.saves_lives:
            continue
        better = [way for way in others if way.rank < mine.rank and (priority.saves_lives or not way.broke)]
        free_ms = _free_ms(better, PATIENCE_MS[priority])
        if free_ms is not None and free_ms <= now_ms:
            fresh.add(priority)
            continue
        turned.add(priority)
        if free_ms is not None:
            changes.append(free_ms)
    spares = any(way.up and not way.broke for way in others)
    return Share(frozenset(fresh), frozenset(turned), spares, min(changes, default=None))


def _free_ms(better: Collection[Way], patience_ms: int) -> int | None:
    """When the better lines have been down long enough; None while one of them is up."""
    if any(way.up for way in better):
        return None
    return max((way.since_ms + patience_ms for way in better), default=-1)
