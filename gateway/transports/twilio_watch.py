"""Which messages Twilio has not said the last word about, when to ask again, and which tries nobody knows the end of.

A memory of this process alone, of bounded size; never asks anybody itself. Times are milliseconds: `*_ms` on the
stopwatch, `carrier_ms` on Twilio's clock.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.message import State

_LONGEST_STEP_MS = 3_600_000

GIVEN_UP_MS = 73 * 3_600_000
"""An hour longer than the outbox itself waits for a report."""

_MOST_TRIES = 1000


@dataclass(slots=True)
class Open:
    """A message whose last word is still to come. `carrier_ms`: when Twilio took or sent it."""

    carrier_ms: int
    next_ms: int
    step_ms: int


class Watch:
    """Messages that are open, and the state last told of each that was seen of late."""

    def __init__(self, first_step_ms: int) -> None:
        self._first_step_ms = first_step_ms
        self._open: dict[str, Open] = {}
        self._told: dict[str, State] = {}

    def __contains__(self, sid: str) -> bool:
        return sid in self._open

    def __len__(self) -> int:
        return len(self._open)

    def add(self, sid: str, carrier_ms: int, now_ms: int) -> None:
        if sid not in self._open:
            self._open[sid] = Open(carrier_ms, now_ms + self._first_step_ms, self._first_step_ms)

    def close(self, sid: str) -> None:
        self._open.pop(sid, None)

    def is_news(self, sid: str, state: State) -> bool:
        return self._told.get(sid) != state

    def told(self, sid: str, state: State) -> None:
        self._told[sid] = state

    def keep_told(self, seen: Collection[str]) -> None:
        """Forget what was told of messages that are neither open nor in the newest listing."""
        self._told = {sid: said for sid, said in self._told.items() if sid in self._open or sid in seen}

    def due(self, now_ms: int) -> list[str]:
        """Those to be asked about now, longest waiting first."""
        waiting = sorted((one.next_ms, sid) for sid, one in self._open.items() if one.next_ms <= now_ms)
        return [sid for _, sid in waiting]

    def oldest_ms(self, sids: Collection[str]) -> int:
        """When the oldest of them was taken, by Twilio's clock."""
        return min(self._open[sid].carrier_ms for sid in sids)

    def asked(self, sids: Collection[str], now_ms: int, carrier_ms: int) -> None:
        """The next question to each comes twice as late as the one before; who was silent for days is let go."""
        for sid in sids:
            one = self._open.get(sid)
            if one is None:
                continue
            one.step_ms = min(one.step_ms * 2, _LONGEST_STEP_MS)
            one.next_ms = now_ms + one.step_ms
            if carrier_ms - one.carrier_ms > GIVEN_UP_MS:
                del self._open[sid]

    @property
    def next_ms(self) -> int | None:
        return min((one.next_ms for one in self._open.values()), default=None)


@dataclass(frozen=True, slots=True)
class Try:
    """`carrier_ms`: the time at Twilio when it began; None where that was not known."""

    carrier_ms: int | None
    to: str = field(repr=False)
    text: str = field(repr=False)


class Tries:
    """What this process sent, by our reference: the message it became, or the doubt whether it became one."""

    def __init__(self) -> None:
        self._doubtful: OrderedDict[str, Try] = OrderedDict()
        self._taken: OrderedDict[str, str] = OrderedDict()

    def begin(self, reference: str, one: Try) -> None:
        """In doubt from here on: a try that is cut off at any point has said nothing."""
        self._doubtful[reference] = one
        while len(self._doubtful) > _MOST_TRIES:
            self._doubtful.popitem(last=False)

    def taken(self, reference: str, sid: str) -> None:
        self._doubtful.pop(reference, None)
        self._taken[reference] = sid
        while len(self._taken) > _MOST_TRIES:
            self._taken.popitem(last=False)

    def not_taken(self, reference: str) -> None:
        self._doubtful.pop(reference, None)

    def sid(self, reference: str) -> str | None:
        return self._taken.get(reference)

    def doubtful(self, reference: str) -> Try | None:
        return self._doubtful.get(reference)

    def has_double(self, reference: str) -> bool:
        """Whether another doubtful try took the same text to the same number: then nobody can tell them apart."""
        mine = self._doubtful[reference]
        return any(
            (one.to, one.text) == (mine.to, mine.text) for other, one in self._doubtful.items() if other != reference
        )

    def is_anothers(self, sid: str) -> bool:
        return sid in self._taken.values()
