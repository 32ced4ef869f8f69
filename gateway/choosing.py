"""Which line takes a message: pure rules over what every line is and how it stands. Never looks at a clock or a queue.

The village's own order decides (`Line.rank`): the first line that is up and within its budget does the work, lines of
one rank share it. A later one steps in when every earlier one has been down for a while, takes what an earlier one's
carrier has turned away once its next try is due, and never waits where lives are at stake. What a carrier will never
take waits for a line that has not refused it; a number that stays at home never goes over a line that leaves the
country, whatever its message says.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
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

STEADY_MS = 2 * _MIN_MS
"""So long a line must have been up again before the others rely on it."""

OTHERS_MAY = frozenset({Trouble.REFUSED, Trouble.CONGESTION, Trouble.OTHER})
"""What one carrier says no to and another may take. Not what lies with the phone or the text."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the village says of one transport.

    `rank`: 0 is asked first. `price_fen`: of one SMS part, or of one started minute. `month_fen`: what it may cost in a
    calendar month; None: no limit. `postscript`: put after every text, where no answer can come back on this line.
    `kinds`: it carries messages of these kinds alone; empty: of all. `abroad`: numbers leave the country on it, so it
    carries nothing to those that may not.
    """

    rank: int = 0
    price_fen: int = 0
    month_fen: int | None = None
    postscript: str = ""
    kinds: frozenset[str] = frozenset()
    abroad: bool = False


@dataclass(frozen=True, slots=True)
class Freight:
    """What of a message decides which lines may carry it. `home_only`: its number may not leave the country."""

    channel: Channel
    kind: str
    priority: Priority
    home_only: bool


@dataclass(frozen=True, slots=True)
class Way:
    """A line as it stands. `since_ms`: the moment, on the stopwatch, from which it has been up or down. `down_ms`: of
    one that is up: when it was last lost. `broke`: nothing is left of its month's budget. `kinds`, `abroad`: as in
    `Line`."""

    name: str
    channel: Channel
    rank: int
    up: bool
    since_ms: int
    broke: bool
    down_ms: int | None = None
    kinds: frozenset[str] = frozenset()
    abroad: bool = False

    def lost_ms(self, now_ms: int) -> int | None:
        """Since when it cannot be relied upon; None: it can. A line that comes and goes was never back."""
        if not self.up:
            return self.since_ms
        return self.down_ms if now_ms - self.since_ms < STEADY_MS else None

    def covers(self, other: Way) -> bool:
        """Whether it may carry whatever the other one may."""
        if self.abroad and not other.abroad:
            return False
        return not self.kinds or bool(other.kinds and other.kinds <= self.kinds)

    def carries(self, freight: Freight) -> bool:
        """Whether it may carry that at all, up or down."""
        if self.channel is not freight.channel or (self.abroad and freight.home_only):
            return False
        return not self.kinds or freight.kind in self.kinds


@dataclass(frozen=True, slots=True)
class Share:
    """What one line may take now.

    `fresh`: priorities of which it takes whatever is due. `turned`: those of which only what another line's carrier has
    turned away. `spares`: it leaves to others what its own carrier has turned away, alarms never. `again_ms`: when this
    changes by itself, on the stopwatch.
    """

    fresh: frozenset[Priority] = frozenset(Priority)
    turned: frozenset[Priority] = frozenset()
    spares: bool = False
    again_ms: int | None = None


def share(mine: Way, ways: Collection[Way], now_ms: int) -> Share:
    """The part of the queue that is this line's."""
    others = [way for way in ways if way.channel is mine.channel and way.name != mine.name and way.covers(mine)]
    fresh: set[Priority] = set()
    turned: set[Priority] = set()
    changes = []
    for priority in Priority:
        if priority.is_emergency:
            # a line that is down looks whether it is back with something else, or with what the living ones refuse
            (fresh if mine.up or not any(way.up for way in others) else turned).add(priority)
            continue
        if mine.broke and not priority.saves_lives:
            continue
        better = [way for way in others if way.rank < mine.rank and (priority.saves_lives or not way.broke)]
        free_ms = _free_ms(better, PATIENCE_MS[priority], now_ms)
        if free_ms is not None and free_ms <= now_ms:
            fresh.add(priority)
            continue
        turned.add(priority)
        if free_ms is not None:
            changes.append(free_ms)
    spares = any(way.lost_ms(now_ms) is None and not way.broke for way in others)
    return Share(frozenset(fresh), frozenset(turned), spares, min(changes, default=None))


def may_go_elsewhere(freight: Freight, ways: Collection[Way], refused: Collection[str]) -> bool:
    """Whether a line is left for what the carriers of the `refused` lines will never take: up or down, but not one
    whose budget for it is used up."""
    return any(
        way.carries(freight) and way.name not in refused and (freight.priority.saves_lives or not way.broke)
        for way in ways
    )


def only_abroad(freight: Freight, ways: Collection[Way]) -> bool:
    """Whether every line that would carry it leaves the country, and its number may not."""
    if not freight.home_only or any(way.carries(freight) for way in ways):
        return False
    return any(way.carries(replace(freight, home_only=False)) for way in ways)


def _free_ms(better: Collection[Way], patience_ms: int, now_ms: int) -> int | None:
    """When the better lines have been lost for long enough; None while one of them can be relied upon."""
    lost = [way.lost_ms(now_ms) for way in better]
    known = [since_ms for since_ms in lost if since_ms is not None]
    return None if len(known) < len(lost) else max((since_ms + patience_ms for since_ms in known), default=-1)
