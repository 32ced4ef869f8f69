"""What villagers have sent to the phone, by asking for its list and by its calls. Offers each text until it is kept.

The app's list holds what the app has heard of. While Android had put it to sleep it heard nothing, so it is also told
to look through the phone's own SMS store. Both go by the SMS centre's time, and a text that a centre has held back for
hours lies that far back: now and then everything of the last days is gone through.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from gateway.ground import Clock
from gateway.transport import Inbound, Sink
from gateway.transports.smsgate_api import SmsGateApi
from gateway.transports.smsgate_reading import text_in
from gateway.transports.smsgate_sent import AHEAD_MS, BACK_MS, NoListError, pages, raise_first

log = logging.getLogger(__name__)

_REFRESH_MS = 60_000
_REFRESH_BACK_MS = 3_600_000
_WIDE_REFRESH_MS = 10 * 60_000
"""A phone at the edge of the Wi-Fi comes and goes: not everything is gone through each time."""
_REFRESH_SINCE = (1, 67)
_MOST_TEXTS = 5_000


class Received:
    def __init__(self, api: SmsGateApi, clock: Clock, *, name: str, since_ms: int, calls: bool) -> None:
        """`since_ms`: what is older is none of the village's. `calls`: whether the phone may call the village."""
        self._api = api
        self._clock = clock
        self._name = name
        self._since_ms = since_ms
        self._calls = calls
        self._taken: set[Inbound] = set()
        self._from_ms = 0
        self._total: int | None = None
        self._refreshed_ms: int | None = None
        self._wide_ms: int | None = None

    async def look(self, sink: Sink, centre_ms: int, version: tuple[int, ...], *, wide: bool) -> None:
        """Ask for what is new. `centre_ms`: now, as an SMS centre would say: the best clock there is. Raises what the
        village raised."""
        if wide:
            self._from_ms = max(centre_ms - BACK_MS, self._since_ms)
            self._total = None
        until_ms = centre_ms + AHEAD_MS
        if version >= _REFRESH_SINCE:
            await self._refresh(centre_ms, until_ms, wide=wide)
        first = await self._api.inbox(self._from_ms, until_ms, limit=1)
        if first.status == 404:  # before 1.59
            if wide and self._calls:
                await self._api.export(self._from_ms, until_ms)
            return
        if first.status != 200:
            log.warning("phone does not show what came in line=%s status=%d", self._name, first.status)
            return
        if first.total is not None and first.total == self._total:
            return
        try:
            rows = [row async for row in pages(self._api.inbox, self._from_ms, until_ms)]
        except NoListError as none:
            log.warning("phone does not show what came in line=%s status=%s", self._name, none)
            return
        texts = [text for row in rows if (text := text_in(row)) is not None]
        await self.take(sink, texts)
        self._total = len(rows)
        if wide:
            self._taken.intersection_update(texts)

    async def _refresh(self, centre_ms: int, until_ms: int, *, wide: bool) -> None:
        """Not before 1.67: the phone's store then had another time for the same text, which would come in twice. Not
        too often: the app writes three lines into its own log for each text it looks at."""
        now_ms = self._clock.monotonic_ms()
        wide = wide and _is_over(self._wide_ms, now_ms, _WIDE_REFRESH_MS)
        if not wide and not _is_over(self._refreshed_ms, now_ms, _REFRESH_MS):
            return
        since_ms = self._from_ms if wide else max(centre_ms - _REFRESH_BACK_MS, self._from_ms)
        reply = await self._api.refresh(since_ms, until_ms)
        if reply.status >= 300:
            log.warning("phone does not look for what it missed line=%s status=%d", self._name, reply.status)
        self._refreshed_ms = now_ms
        self._wide_ms = now_ms if wide else self._wide_ms

    async def take(self, sink: Sink, texts: Iterable[Inbound]) -> None:
        """Returns once all of them are on the disk; raises what the village raised, and then they are offered again."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._taken and not self._is_foreign(text)]
        results = await asyncio.gather(*(sink.received(text) for text in fresh), return_exceptions=True)
        if len(self._taken) > _MOST_TEXTS:
            self._taken.clear()  # the inbox knows them all
        for text, result in zip(fresh, results, strict=True):
            # without a time two texts of the same words cannot be told apart, and both count
            if not isinstance(result, BaseException) and text.centre_ms is not None:
                self._taken.add(text)
        raise_first(results)

    def _is_foreign(self, text: Inbound) -> bool:
        return text.centre_ms is not None and text.centre_ms < self._since_ms


def _is_over(since_ms: int | None, now_ms: int, pause_ms: int) -> bool:
    return since_ms is None or now_ms - since_ms >= pause_ms
