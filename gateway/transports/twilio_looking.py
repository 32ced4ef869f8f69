"""Asking Twilio what became of messages and what came in: one listing where there is much, single questions where not.

Never decides when the line is up, and never lets a failure pass in silence: it raises what Twilio or the village's disk
said. What was not handed over is still at Twilio, and is seen again at the next look.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from gateway.ground import Clock
from gateway.transport import Inbound, Sink
from gateway.transports.twilio_failures import STATES, is_final
from gateway.transports.twilio_reading import report_of
from gateway.transports.twilio_settings import TwilioSettings
from gateway.transports.twilio_watch import Watch

if TYPE_CHECKING:
    from gateway.transports.twilio_client import Record, TwilioClient

_S, _MIN, _HOUR = 1_000, 60_000, 3_600_000

_LISTEN_MS, _LISTEN_BESIDE_CALLBACKS_MS = 30 * _S, 5 * _MIN

_LOOK_BACK_MS = 72 * _HOUR
"""How far back the first look goes for what became of messages: the outbox waits no longer for it."""

_INBOUND_BACK_MS = 24 * _HOUR
_OVERLAP_MS = 5 * _MIN
"""Every listing begins before the last one: nobody promises that a message is listed the moment it exists."""

FEW = 5
"""So many messages are asked about one by one; more cost less as a listing."""

_TOGETHER = 100


class Looking:
    def __init__(self, settings: TwilioSettings, clock: Clock, watch: Watch) -> None:
        self._settings = settings
        self._clock = clock
        self._watch = watch
        self._heard: set[str] = set()
        self._listed_ms: int | None = None
        self._inbound_from_ms = 0
        self._listen_ms = 0

    def begin(self) -> None:
        """Nothing is known of what happened before."""
        self._listed_ms, self._inbound_from_ms = None, 0
        self._listen_ms = self._clock.monotonic_ms()

    @property
    def next_ms(self) -> int | None:
        """When there is something to ask for; None: nothing is waited for."""
        times = [self._listen_ms] if self._settings.hears or self._listed_ms is None else []
        if (open_ms := self._watch.next_ms) is not None:
            times.append(open_ms)
        return min(times, default=None)

    def heard(self, sid: str) -> None:
        """It came in by another way: a listing need not hand it over again."""
        self._heard.add(sid)

    async def look(self, client: TwilioClient, sink: Sink, now_ms: int) -> None:
        """One listing answers for everything there is; what is too old for it, or not sent yet, is asked for singly."""
        carrier_ms = carrier_now_ms(client, self._clock)
        due = self._watch.due(now_ms)
        starts = []
        if self._listed_ms is None:
            starts.append(carrier_ms - _LOOK_BACK_MS)
            self._inbound_from_ms = carrier_ms - _INBOUND_BACK_MS
        elif self._settings.hears and now_ms >= self._listen_ms:
            starts.append(self._listed_ms - _OVERLAP_MS)
        if len(due) > FEW:
            starts.append(self._watch.oldest_ms(due) - _OVERLAP_MS)
        seen: set[str] = set()
        if starts:
            since_ms = min(starts)
            listing = client.all_since(since_ms) if self._listed_ms is None else client.since(since_ms)
            async for records in _by(_TOGETHER, listing):
                await self._take(sink, records)
                seen.update(record.sid for record in records)
            if self._listed_ms is None or since_ms <= self._listed_ms - _OVERLAP_MS:
                self._listed_ms = carrier_ms
                self._listen_ms = now_ms + self._listening_ms()
                self._heard &= seen
            self._watch.keep_told(seen)
        asked = [sid for sid in due if sid in seen]
        for sid in [sid for sid in due if sid not in seen][:FEW]:
            record = await client.one(sid)
            asked.append(sid)
            if record is not None:  # one that is not there (yet, or any more) is asked for again and let go in the end
                await self._take(sink, [record])
        self._watch.asked(asked, now_ms, carrier_ms)

    def _listening_ms(self) -> int:
        return _LISTEN_BESIDE_CALLBACKS_MS if self._settings.public_url else _LISTEN_MS

    async def _take(self, sink: Sink, records: Sequence[Record]) -> None:
        """Hand over what is new, together. What fails is still at Twilio and raises here once all the others are in."""
        outcomes = await asyncio.gather(*(self._take_one(sink, one) for one in records), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _take_one(self, sink: Sink, record: Record) -> None:
        if record.inbound:
            await self._take_inbound(sink, record)
            return
        if record.sid not in self._watch and not self._is_ours(record):
            return
        state = STATES.get(record.status)
        if state is not None and self._watch.is_news(record.sid, state):
            await sink.report(report_of(record.sid, record.status, record.error_code, record.updated_ms))
            self._watch.told(record.sid, state)
        if is_final(record.status):
            self._watch.close(record.sid)
        else:  # also of a run before this one
            self._watch.add(record.sid, record.at_ms, self._clock.monotonic_ms())

    async def _take_inbound(self, sink: Sink, record: Record) -> None:
        wanted = self._settings.hears and record.at_ms >= self._inbound_from_ms and self._is_to_us(record)
        if not wanted or record.sid in self._heard:
            return
        await sink.received(Inbound(record.sender, record.text, record.at_ms, record.sid))
        self.heard(record.sid)

    def _is_ours(self, record: Record) -> bool:
        """Not of somebody else who shares the account."""
        settings = self._settings
        if settings.messaging_service:
            return record.messaging_service == settings.messaging_service
        return record.sender == settings.sender

    def _is_to_us(self, record: Record) -> bool:
        if self._settings.sender:
            return record.to == self._settings.sender
        return record.messaging_service in ("", self._settings.messaging_service)


def carrier_now_ms(client: TwilioClient, clock: Clock) -> int:
    """What time it is at Twilio; by the village's clock, before it has answered once."""
    known_ms = client.carrier_ms
    return clock.now_ms() if known_ms is None else known_ms


async def _by(size: int, records: AsyncIterator[Record]) -> AsyncIterator[list[Record]]:
    batch: list[Record] = []
    async for record in records:
        batch.append(record)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch
