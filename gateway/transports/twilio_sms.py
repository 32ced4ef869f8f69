"""SMS over the internet through Twilio: sent by its official client, its answers polled for and listened to.

Never retries, never queues, and sends nothing but a number and a text out of the country. Twilio's client is imported
once this runs and not before. After a try that nobody knows the end of, the line rests a moment and the next try begins
with a question that costs nothing: a line that swallows messages gets a handful of them and not three hundred.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
from typing import TYPE_CHECKING

from gateway.callback import Callback, CallbackAnswer
from gateway.condition import Condition
from gateway.failures import (
    CannotAskError,
    OutcomeUnknownError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
    where,
)
from gateway.ground import Clock, wait_for
from gateway.message import State
from gateway.transport import Accepted, Fate, Parcel, Sink
from gateway.transports.twilio_callbacks import STATUS
from gateway.transports.twilio_failures import BY_DESTINATION
from gateway.transports.twilio_hearing import Hearing
from gateway.transports.twilio_looking import FEW, Looking, carrier_now_ms
from gateway.transports.twilio_reading import fate_of, with_balance
from gateway.transports.twilio_settings import TwilioSettings
from gateway.transports.twilio_watch import Tries, Try, Watch

if TYPE_CHECKING:
    from gateway.transports.twilio_client import Record, TwilioClient

__all__ = ["TwilioSettings", "TwilioSms"]

log = logging.getLogger(__name__)

_S, _MIN, _HOUR = 1_000, 60_000, 3_600_000

_LONGEST_VALIDITY_S = 36_000
"""Ten hours, says the page of the Message resource; older pages say four."""

_FIRST_MS, _FIRST_BESIDE_CALLBACKS_MS = 10 * _S, 2 * _MIN
_APART_MS = 10 * _S
"""Two looks are never closer together than this."""

_BALANCE_MS = _HOUR
_AGAIN_MS, _LONGEST_AGAIN_MS = 5 * _S, 2 * _MIN
_REST_MS, _LONGEST_REST_MS = 5 * _S, 5 * _MIN
_ASK_MS = _HOUR
"""Longer than this a message that is not at Twilio is not looked for."""

_HASTE = "#rc=3&rp=all"
"""Twilio's connection overrides: whatever we answer but 2xx, and whatever breaks, is said up to three times more."""

_CLIENT = "gateway.transports.twilio_client"
_API = "https://api.twilio.com"


class TwilioSms:
    """Keeps to `SmsTransport` and to `HearsCallbacks`."""

    reports = True

    def __init__(self, settings: TwilioSettings, clock: Clock, *, base: str = _API, timeout_s: float = 30) -> None:
        """`base`: where Twilio is looked for; only tests look anywhere else. `timeout_s`: of one HTTP request."""
        self.name = settings.name
        self.window = settings.window
        self.pace_ms = 60_000 // settings.per_minute
        self.timeout_ms = round(timeout_s * 1000) * 3  # after the client's own, which knows more
        self._settings = settings
        self._clock = clock
        self._base = base
        self._timeout_s = timeout_s
        self._client: TwilioClient | None = None
        self._sink: Sink | None = None
        self._condition = Condition(operator="Twilio")
        self._up = False
        self._wake = asyncio.Event()
        self._watch = Watch(_FIRST_BESIDE_CALLBACKS_MS if settings.public_url else _FIRST_MS)
        self._tries = Tries()
        self._looking = Looking(settings, clock, self._watch)
        self._hearing = Hearing(settings, clock, self._watch, self._looking)
        self._stood_aside: set[int] = set()
        self._look_ms = self._balance_ms = 0
        self._again_ms = _AGAIN_MS
        self._rest_ms, self._rest_until_ms = _REST_MS, 0

    def condition(self) -> Condition:
        return self._condition

    # sending

    async def send(self, parcel: Parcel) -> Accepted:
        client = self._client
        if client is None:
            raise TransportDownError(Trouble.NO_SIGNAL, "starting")
        if (rest_ms := self._rest_until_ms - self._clock.monotonic_ms()) > 0:
            raise TransportDownError(Trouble.NO_SIGNAL, "in_doubt", after_ms=rest_ms)
        if not self._up:
            await self._reach(client)
        self._tries.begin(parcel.reference, Try(client.carrier_ms, parcel.to, parcel.text))
        try:
            record = await client.create(
                parcel.to,
                parcel.text,
                sender=self._settings.sender,
                messaging_service=self._settings.messaging_service,
                validity_s=self._validity_s(parcel.expires_ms),
                status_callback=self._status_callback(),
            )
        except OutcomeUnknownError:
            self._doubt()
            raise
        except TransportFailure as failure:
            self._tries.not_taken(parcel.reference)
            raise self._stand_aside(parcel, failure) from failure
        self._rest_ms = _REST_MS
        self._is_taken(parcel.reference, record)
        return Accepted(record.sid)

    def _is_taken(self, reference: str, record: Record) -> None:
        self._tries.taken(reference, record.sid)
        self._watch.add(record.sid, record.created_ms, self._clock.monotonic_ms())
        self._watch.told(record.sid, State.ACCEPTED)
        self._wake.set()

    async def _reach(self, client: TwilioClient) -> None:
        """Before a message is risked on a line that was dead a moment ago."""
        try:
            await client.reach()
        except OutcomeUnknownError as silent:
            raise TransportDownError(Trouble.NO_SIGNAL, silent.code) from silent
        self._is_up()

    def _doubt(self) -> None:
        """A try that nobody knows the end of: the next one waits a little, longer each time, and asks first."""
        now_ms = self._clock.monotonic_ms()
        if now_ms >= self._rest_until_ms:  # what was under way at the same time says nothing new
            self._rest_until_ms = now_ms + self._rest_ms
            self._rest_ms = min(self._rest_ms * 2, _LONGEST_REST_MS)
        self._up = False
        self._look_ms = now_ms
        self._wake.set()

    def _stand_aside(self, parcel: Parcel, failure: TransportFailure) -> TransportFailure:
        """A country that the account may not send to stops the line and says so; but the same message does so once
        only: the next time it gives way to the others, who may live in another country.
        """
        if not isinstance(failure, TransportDownError) or failure.code not in BY_DESTINATION:
            return failure
        if parcel.message_id in self._stood_aside:
            return RetryLaterError(failure.trouble, failure.code)
        self._stood_aside.add(parcel.message_id)
        return failure

    def _validity_s(self, expires_ms: int | None) -> int | None:
        """How long Twilio may keep it waiting: no longer than it is of use. None: Twilio's own ten hours."""
        if expires_ms is None:
            return None
        return min(max((expires_ms - self._clock.now_ms()) // 1000, 1), _LONGEST_VALIDITY_S)

    def _status_callback(self) -> str:
        url = self._settings.callback_url(STATUS)
        return url and url + _HASTE

    async def ask(self, reference: str, began_ms: int) -> Fate:  # noqa: ARG002 - it goes by Twilio's own clock
        """What became of a try, as far as this process can know.

        Twilio keeps no reference of ours. A try whose answer never came is looked for by number, text and time; it is
        it where just one message fits and no other doubtful try could have made it. Where none is found Twilio is
        asked again later, for an hour: it is never said that it was not sent, for nobody can know that it will not
        turn up yet. A text that Twilio changed (smart encoding, the prefix of a trial account) is not found. After a
        restart nothing is remembered and nothing can be asked.
        """
        client = self._client
        if client is None:
            raise TransportDownError(Trouble.NO_SIGNAL, "starting")
        if (sid := self._tries.sid(reference)) is not None:
            record = await client.one(sid)
            if record is None:
                raise CannotAskError(reference)
            return fate_of(record)
        lost = self._tries.doubtful(reference)
        if lost is None or lost.carrier_ms is None or self._tries.has_double(reference):
            raise CannotAskError(reference)
        since_ms = lost.carrier_ms - 2 * _S  # Twilio tells whole seconds, and our notion of its clock lags
        found = [
            record
            for record in await client.newest_to(lost.to, FEW * 4)
            if not record.inbound
            and record.created_ms >= since_ms
            and record.text == lost.text
            and not self._tries.is_anothers(record.sid)
        ]
        if len(found) == 1:
            self._is_taken(reference, found[0])
            return fate_of(found[0])
        if found or carrier_now_ms(client, self._clock) - lost.carrier_ms > _ASK_MS:
            raise CannotAskError(reference)
        raise OutcomeUnknownError(Trouble.NO_REPORT)

    # looking

    async def run(self, sink: Sink) -> None:
        self._client = client = await self._open()
        self._sink = sink
        self._looking.begin()
        self._look_ms = self._balance_ms = self._clock.monotonic_ms()
        try:
            while True:
                self._wake.clear()
                await wait_for(self._clock, self._wake, await self._turn(client, sink))
        finally:
            self._sink = self._client = None
            self._up = False
            await client.close()

    async def _open(self) -> TwilioClient:
        await asyncio.to_thread(importlib.import_module, _CLIENT)  # a second or more on a Pi: the others go on
        from gateway.transports.twilio_client import TwilioClient

        return TwilioClient(
            self._settings.account_sid,
            self._settings.auth_token,
            base=self._base,
            timeout_s=self._timeout_s,
            monotonic_ms=self._clock.monotonic_ms,
        )

    async def _turn(self, client: TwilioClient, sink: Sink) -> int:
        """Look where something is due; returns how long nothing is."""
        now_ms = self._clock.monotonic_ms()
        if (wait_ms := self._next_look_ms() - now_ms) > 0:
            return wait_ms
        self._look_ms = now_ms + _APART_MS
        try:
            await self._look_at_balance(client, now_ms)
            await self._looking.look(client, sink, now_ms)
        except TransportFailure as failure:
            self._is_lost(sink, failure, now_ms)
        except Exception as raised:  # noqa: BLE001 - a full disk, say: Twilio still has it, and is asked again
            log.error("not taken, asked for again line=%s raised=%s", self.name, where(raised))
        else:
            self._again_ms = _AGAIN_MS
            self._is_up()
        return max(self._next_look_ms() - self._clock.monotonic_ms(), 0)

    def _next_look_ms(self) -> int:
        """When there is something to look at; a line that is not up is looked at as soon as it may be."""
        if not self._up:
            return self._look_ms
        asked_ms = self._looking.next_ms
        due_ms = self._balance_ms if asked_ms is None else min(self._balance_ms, asked_ms)
        return max(due_ms, self._look_ms)

    def _is_up(self) -> None:
        if not self._up and self._sink is not None:
            self._up = True
            self._sink.up()
            self._wake.set()

    def _is_lost(self, sink: Sink, failure: TransportFailure, now_ms: int) -> None:
        """Twilio did not answer, or will have none of us: later, and each time twice as late."""
        after_ms = self._again_ms
        self._again_ms = min(self._again_ms * 2, _LONGEST_AGAIN_MS)
        if isinstance(failure, RetryLaterError):  # it answers, and asks for patience
            self._look_ms = now_ms + max(after_ms, failure.after_ms or 0)
            return
        self._look_ms = now_ms + after_ms
        self._up = False
        sink.down(failure.trouble if isinstance(failure, TransportDownError) else Trouble.NO_SIGNAL, failure.code)

    async def _look_at_balance(self, client: TwilioClient, now_ms: int) -> None:
        if now_ms < self._balance_ms:
            return
        try:
            amount, currency = await client.balance()
        except TransportFailure as failure:
            if isinstance(failure, OutcomeUnknownError | RetryLaterError) or failure.trouble == Trouble.NO_SIGNAL:
                raise
            log.info("no balance to be had line=%s reason=%s", self.name, failure)  # a child account has none
        else:
            self._condition = with_balance(self._condition, amount, currency, self._clock.now_ms())
        self._balance_ms = now_ms + _BALANCE_MS

    async def callback(self, said: Callback) -> CallbackAnswer:
        return await self._hearing.callback(said, self._sink)
