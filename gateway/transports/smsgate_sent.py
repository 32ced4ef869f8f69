"""What the phone says became of what it was given, by asking for its list and by its calls. Tells each change once.

Keeps nothing on a disk: the first look after a start goes through the list of the last days.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.ground import Clock
from gateway.transport import Sink
from gateway.transports.smsgate_api import PAGE, Reply, SmsGateApi
from gateway.transports.smsgate_failures import Mishap
from gateway.transports.smsgate_reading import Said, Seen, seen

log = logging.getLogger(__name__)

BACK_MS = 3 * 86_400_000
"""How far back a wide look goes; SMS centres keep a text for about this long."""

AHEAD_MS = 86_400_000
"""A clock that runs ahead of the phone's must not hide anything."""

_YOUNG_MS = 20 * 60_000
"""Reports mostly come within minutes; of what is older the wide look hears."""

_STUCK_MS = 10 * 60_000
"""A text that lies in the phone unsent for this long: the app's worker sleeps."""

_MOST_PAGES = 60


class NoListError(Exception):
    """The phone does not show such a list: its status."""


@dataclass(slots=True)
class _Known:
    """What the phone last said of one message, and since when it has it (the steady clock)."""

    said: Said
    since_ms: int


class Sent:
    def __init__(self, api: SmsGateApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._shown = True
        """Whether the app has such a list (from 1.44 on)."""

    def handed_over(self, reference: str) -> None:
        self._known.setdefault(reference, _Known(Said.PENDING, self._clock.monotonic_ms()))

    @property
    def waiting(self) -> bool:
        """Whether news of something is expected soon."""
        return self._reach_ms() is not None

    @property
    def stuck(self) -> bool:
        """Whether something lies in the phone that it does not send."""
        before_ms = self._clock.monotonic_ms() - _STUCK_MS
        return self._shown and any(
            known.said is Said.PENDING and known.since_ms < before_ms for known in self._known.values()
        )

    def _reach_ms(self) -> int | None:
        """How far back the oldest lies that is worth asking about at every look; None: there is nothing."""
        now_ms = self._clock.monotonic_ms()
        ages = [
            now_ms - known.since_ms
            for known in self._known.values()
            if known.said is Said.PENDING or (known.said.open and now_ms - known.since_ms < _YOUNG_MS)
        ]
        return max(ages, default=None)

    async def look(self, sink: Sink, phone_ms: int, *, wide: bool) -> Mishap | None:
        """Ask for the list. `phone_ms`: now, by the phone's clock. Returns and raises as `take` does."""
        began_ms, reach_ms = self._clock.monotonic_ms(), BACK_MS if wide else self._reach_ms()
        if reach_ms is None:
            return None
        try:
            rows = [row async for row in pages(self._api.messages, phone_ms - reach_ms - 60_000, phone_ms + AHEAD_MS)]
        except NoListError as none:
            log.warning("phone does not show what it was given status=%s", none)
            self._shown = False
            return None
        self._shown = True
        found = [one for one in map(seen, rows) if one is not None]
        trouble = await self.take(sink, found, phone_ms)
        if wide:  # what the phone has forgotten it will never say anything about
            listed = {one.reference for one in found}
            self._known = {r: known for r, known in self._known.items() if r in listed or known.since_ms >= began_ms}
        return trouble

    async def take(self, sink: Sink, news: Iterable[Seen], phone_ms: int | None) -> Mishap | None:
        """Tell what has changed; what comes together shares a commit. Returns why the phone cannot send at all, where
        one of them failed for that. Raises what the village raised; then the rest is told again next time."""
        fresh = [one for one in news if one.said != self._about(one, phone_ms).said]
        told = [(one, report) for one in fresh if (report := one.report()) is not None]
        results = await asyncio.gather(*(sink.report(report) for _, report in told), return_exceptions=True)
        trouble = None
        for (one, _), result in zip(told, results, strict=True):
            if result is None:
                self._known[one.reference].said = one.said
                trouble = one.why if one.why is not None and one.why.line else trouble
        for one in fresh:
            if one.said is Said.PROCESSED and self._known[one.reference].said is Said.PENDING:
                self._known[one.reference].said = one.said
        raise_first(results)
        return trouble

    def _about(self, one: Seen, phone_ms: int | None) -> _Known:
        now_ms = self._clock.monotonic_ms()
        age_ms = 0 if one.pending_ms is None or phone_ms is None else max(phone_ms - one.pending_ms, 0)
        return self._known.setdefault(one.reference, _Known(Said.PENDING, now_ms - age_ms))


async def pages(page: Callable[..., Awaitable[Reply]], from_ms: int, to_ms: int) -> AsyncIterator[Mapping[str, Any]]:
    """All rows of a list. Where it grows meanwhile a row comes twice, which does no harm. Raises NoListError."""
    for number in range(_MOST_PAGES):
        reply = await page(from_ms, to_ms, offset=number * PAGE)
        if reply.status != 200:
            raise NoListError(reply.status)
        for row in reply.rows:
            yield row
        if len(reply.rows) < PAGE:
            return


def raise_first(results: Iterable[object]) -> None:
    for result in results:
        if isinstance(result, BaseException):
            raise result
