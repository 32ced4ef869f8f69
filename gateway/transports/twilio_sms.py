"""SMS over the internet through Twilio: sent by its official client, its answers polled for and listened to.

Never retries, never queues, and sends nothing but a number and a text out of the country. Twilio's client is imported
once this runs and not before. After a try that nobody knows the end of, the line rests a moment and the next try begins
with a question that costs nothing: a line that swallows messages gets a handful of them and not three hundred.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

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
from gateway.phone import is_e164
from gateway.transport import Accepted, Fate, Inbound, Parcel, Report, Sink
from gateway.transports.twilio_callbacks import INBOUND, STATUS, TWIML, Form, OddCallbackError, only, signed_fields
from gateway.transports.twilio_failures import BY_DESTINATION, STATES, is_final, report_trouble
from gateway.transports.twilio_watch import Tries, Try, Watch

if TYPE_CHECKING:
    from gateway.transports.twilio_client import Record, TwilioClient

log = logging.getLogger(__name__)

_S, _MIN, _HOUR = 1_000, 60_000, 3_600_000

_LONGEST_VALIDITY_S = 36_000
"""Ten hours, says the page of the Message resource; older pages say four."""

_LISTEN_MS, _LISTEN_BESIDE_CALLBACKS_MS = 30 * _S, 5 * _MIN
_FIRST_MS, _FIRST_BESIDE_CALLBACKS_MS = 10 * _S, 2 * _MIN
_APART_MS = 10 * _S
"""Two looks are never closer together than this."""

_BALANCE_MS = _HOUR
_LOOK_BACK_MS = 72 * _HOUR
"""How far back the first look goes for what became of messages: the outbox waits no longer for it."""

_INBOUND_BACK_MS = 24 * _HOUR
_OVERLAP_MS = 5 * _MIN
"""Every listing begins before the last one: nobody promises that a message is listed the moment it exists."""

_FEW = 5
"""So many messages are asked about one by one; more cost less as a listing."""

_TOGETHER = 100
_AGAIN_MS, _LONGEST_AGAIN_MS = 5 * _S, 2 * _MIN
_REST_MS, _LONGEST_REST_MS = 5 * _S, 5 * _MIN
_ASK_MS = _HOUR
"""Longer than this a message that is not at Twilio is not looked for."""

_KEEP_MS = 10 * _S
"""Twilio waits fifteen seconds for an answer; what is not on the disk by then it has to say again."""

_HASTE = "#rc=3&rp=all"
"""Twilio's connection overrides: whatever we answer but 2xx, and whatever breaks, is said up to three times more."""

_CLIENT = "gateway.transports.twilio_client"
_API = "https://api.twilio.com"
_SECOND = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSettings:
    """`sender`: the Twilio number, E.164; or `messaging_service`: its SID; never both. `public_url`: where the world
    reaches the village (https://… without a path of its own is usual), empty behind NAT. `auth_token`: the account's
    primary one, for it signs the callbacks. `per_minute`: what the number may send; one a second is Twilio's default
    for a long number. `hears`: whether texts to that number are fetched; Twilio has none in mainland China.
    """

    name: str = "twilio"
    account_sid: str
    auth_token: str = field(repr=False)
    sender: str = ""
    messaging_service: str = ""
    public_url: str = ""
    per_minute: int = 60
    window: int = 8
    hears: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError with the name of the setting that cannot be right."""
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}", self.account_sid):
            raise ValueError("account_sid")
        if not self.auth_token:
            raise ValueError("auth_token")
        if bool(self.sender) == bool(self.messaging_service) or (self.sender and not is_e164(self.sender)):
            raise ValueError("sender")
        if self.messaging_service and not re.fullmatch(r"MG[0-9a-fA-F]{32}", self.messaging_service):
            raise ValueError("messaging_service")
        address = urlsplit(self.public_url)
        if self.public_url and (address.scheme != "https" or not address.netloc or address.query or address.fragment):
            raise ValueError("public_url")
        if self.per_minute < 1 or self.window < 1:
            raise ValueError("per_minute")

    def callback_url(self, what: str) -> str:
        """The public address of one of our two ears. Empty behind NAT."""
        if not self.public_url:
            return ""
        return f"{self.public_url.rstrip('/')}/callbacks/{quote(self.name, safe='')}/{what}"


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
        self._stood_aside: set[int] = set()
        self._heard: set[str] = set()
        self._listed_ms: int | None = None
        self._inbound_from_ms = 0
        self._listen_ms = self._look_ms = self._balance_ms = 0
        self._again_ms = _AGAIN_MS
        self._rest_ms, self._rest_until_ms = _REST_MS, 0
        self._strangers = self._strangers_ms = 0

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

    async def ask(self, reference: str) -> Fate:
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
            return _fate(record)
        lost = self._tries.doubtful(reference)
        if lost is None or lost.carrier_ms is None or self._tries.has_double(reference):
            raise CannotAskError(reference)
        since_ms = lost.carrier_ms - 2 * _SECOND  # Twilio tells whole seconds, and our notion of its clock lags
        found = [
            record
            for record in await client.newest_to(lost.to, _FEW * 4)
            if not record.inbound
            and record.created_ms >= since_ms
            and record.text == lost.text
            and not self._tries.is_anothers(record.sid)
        ]
        if len(found) == 1:
            self._is_taken(reference, found[0])
            return _fate(found[0])
        if found or self._carrier_ms(client) - lost.carrier_ms > _ASK_MS:
            raise CannotAskError(reference)
        raise OutcomeUnknownError(Trouble.NO_REPORT)

    # looking

    async def run(self, sink: Sink) -> None:
        self._client = client = await self._open()
        self._sink = sink
        self._listed_ms, self._inbound_from_ms = None, 0
        self._look_ms = self._listen_ms = self._balance_ms = self._clock.monotonic_ms()
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
            await self._look(client, sink, now_ms)
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
        times = [self._balance_ms]
        if self._settings.hears or self._listed_ms is None:
            times.append(self._listen_ms)
        if (open_ms := self._watch.next_ms) is not None:
            times.append(open_ms)
        return max(min(times), self._look_ms)

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
            self._condition = _with_balance(self._condition, amount, currency, self._clock.now_ms())
        self._balance_ms = now_ms + _BALANCE_MS

    async def _look(self, client: TwilioClient, sink: Sink, now_ms: int) -> None:
        """One listing answers for everything there is; what is too old for it, or not sent yet, is asked for singly."""
        carrier_ms = self._carrier_ms(client)
        due = self._watch.due(now_ms)
        starts = []
        if self._listed_ms is None:
            starts.append(carrier_ms - _LOOK_BACK_MS)
            self._inbound_from_ms = carrier_ms - _INBOUND_BACK_MS
        elif self._settings.hears and now_ms >= self._listen_ms:
            starts.append(self._listed_ms - _OVERLAP_MS)
        if len(due) > _FEW:
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
        for sid in [sid for sid in due if sid not in seen][:_FEW]:
            record = await client.one(sid)
            asked.append(sid)
            if record is not None:  # one that is not there (yet, or any more) is asked for again and let go in the end
                await self._take(sink, [record])
        self._watch.asked(asked, now_ms, carrier_ms)

    def _listening_ms(self) -> int:
        return _LISTEN_BESIDE_CALLBACKS_MS if self._settings.public_url else _LISTEN_MS

    def _carrier_ms(self, client: TwilioClient) -> int:
        known_ms = client.carrier_ms
        return self._clock.now_ms() if known_ms is None else known_ms

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
            await sink.report(_report(record.sid, record.status, record.error_code, record.updated_ms))
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
        self._heard.add(record.sid)

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

    # being called

    async def callback(self, said: Callback) -> CallbackAnswer:
        """A status of ours, or a text to our number. What Twilio has not signed is not read.

        The same request twice changes nothing: a status only ever lifts, and a text is known by its SID.
        """
        url = self._settings.callback_url(said.what)
        if not url or said.what not in (STATUS, INBOUND) or (said.what == INBOUND and not self._settings.hears):
            return CallbackAnswer(404)
        sink = self._sink
        if sink is None:
            return CallbackAnswer(503)
        from gateway.transports.twilio_client import is_signed

        token = self._settings.auth_token
        try:
            fields = signed_fields(said, url, lambda *parts: is_signed(token, *parts))
            if fields is None:
                self._count_stranger()
                return CallbackAnswer(403)
            if said.what == INBOUND:
                return TWIML if await self._is_kept(self._hear(sink, fields)) else CallbackAnswer(503)
            return CallbackAnswer(204 if await self._is_kept(self._hear_status(sink, fields)) else 503)
        except OddCallbackError as odd:
            log.warning("callback not understood line=%s what=%s field=%s", self.name, said.what, odd)
            return CallbackAnswer(400)

    def _count_stranger(self) -> None:
        """Told of once a minute: whoever knocks all day must not fill the card with our log."""
        self._strangers += 1
        if (now_ms := self._clock.monotonic_ms()) >= self._strangers_ms:
            log.warning("callbacks without Twilio's signature line=%s count=%d", self.name, self._strangers)
            self._strangers, self._strangers_ms = 0, now_ms + _MIN

    async def _hear(self, sink: Sink, fields: Form) -> None:
        """Twilio's call comes with the text and says no time: the inbox's own is as good."""
        sid = only(fields, "MessageSid")
        await sink.received(Inbound(only(fields, "From"), only(fields, "Body"), None, sid))
        self._heard.add(sid)

    async def _hear_status(self, sink: Sink, fields: Form) -> None:
        sid, status = only(fields, "MessageSid"), only(fields, "MessageStatus")
        if status not in STATES:
            return
        said = only(fields, "ErrorCode") if "ErrorCode" in fields else ""
        code = int(said) if said.isascii() and said.isdigit() else None
        await sink.report(_report(sid, status, code, None))
        if is_final(status):
            self._watch.close(sid)

    async def _is_kept(self, work: Awaitable[None]) -> bool:
        """Whether it is on the disk, within the time Twilio waits. Raises OddCallbackError."""
        keeping, over = asyncio.ensure_future(work), asyncio.Event()
        keeping.add_done_callback(lambda _: over.set())
        try:
            if not await wait_for(self._clock, over, _KEEP_MS):
                return False
            keeping.result()
        except OddCallbackError:
            raise
        except Exception as raised:  # noqa: BLE001 - a full disk, say: Twilio has to say it again
            log.error("callback not kept line=%s raised=%s", self.name, where(raised))
            return False
        finally:
            keeping.cancel()
        return True


async def _by(size: int, records: AsyncIterator[Record]) -> AsyncIterator[list[Record]]:
    batch: list[Record] = []
    async for record in records:
        batch.append(record)
        if len(batch) >= size:
            yield batch
            batch = []
    if batch:
        yield batch


def _report(sid: str, status: str, code: int | None, at_ms: int | None) -> Report:
    state = STATES[status]
    if state != State.FAILED:
        return Report(sid, state, at_ms)
    trouble, final = report_trouble(status, code)
    return Report(sid, state, at_ms, trouble, str(code or status), final)


def _fate(record: Record) -> Fate:
    report = _report(record.sid, record.status if record.status in STATES else "queued", record.error_code, None)
    return Fate(report.said, record.sid, record.updated_ms, report.trouble, report.code)


def _with_balance(condition: Condition, amount: str, currency: str, now_ms: int) -> Condition:
    """In fen where the account is kept in yuan; whatever it is kept in, in words. Never more than there is."""
    try:
        known = Decimal(amount).quantize(Decimal("0.01"), ROUND_FLOOR)
        fen = int(known * 100)
    except (InvalidOperation, ValueError):
        return condition
    in_yuan = currency.upper() == "CNY"
    said = f"{known} {currency.upper()}"
    return replace(condition, balance_fen=fen if in_yuan else None, balance_ms=now_ms, balance_said=said)
