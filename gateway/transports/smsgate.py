"""An old Android phone as the village's modem, through "SMS Gateway for Android" in its local-server mode.

Written for app 1.67 to 1.75 (what was read is named in `smsgate_api.py`); an app before 1.59 has no list of what came
in, and there only its calls bring texts. The app's own message limits, delays and working hours have to be off: the
lane keeps the pace.

What users of the app report most is silence: calls that stop, reports that never come, a process Android has put to
sleep. So nothing is believed to come by itself. Everything is asked for as well, what the phone has sent and what it
has received, over spans that overlap, and its calls only make it quicker; the outbox and the inbox take everything
once. Never keeps anything on a disk: after a restart the phone's own list says what became of what was sent before.

Never logs a number, a text or a password.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.callback import Callback, CallbackAnswer
from gateway.condition import Condition
from gateway.failures import OutcomeUnknownError, TransportDownError, TransportFailure, Trouble, where
from gateway.ground import Clock, wait_for
from gateway.transport import Accepted, Fate, Inbound, Parcel, Sink
from gateway.transports.smsgate_api import CALL_MS, CutOffError, NotReachedError, Reply, SmsGateApi
from gateway.transports.smsgate_asking import Asking
from gateway.transports.smsgate_device import Device
from gateway.transports.smsgate_failures import Mishap, refusal
from gateway.transports.smsgate_hooks import Hooks
from gateway.transports.smsgate_lockout import LOCKED, Lockout
from gateway.transports.smsgate_reading import heard, objection, token
from gateway.transports.smsgate_received import Received
from gateway.transports.smsgate_sent import Sent

log = logging.getLogger(__name__)

_QUICK_MS = 5_000
"""How often the phone is looked at while news is expected, or while it is away."""

_SLOW_MS = 20_000

_AGAIN_MS = 1_000
"""After the village could not write down what the phone said (a full card)."""

_WIDE_MS = 30 * 60_000
"""Every so often, at the start, and whenever the phone was away: everything of the last days is gone through."""

_HOOKS_MS = 5 * 60_000
"""How often it is checked that the phone still means to call: an app that was reset has forgotten it."""

_HOLD_MS = 2 * 60_000
"""For how long a phone that answers, but says it cannot send, is not called up again."""


@dataclass(frozen=True, slots=True)
class SmsGateSettings:
    """`url`, `user`, `password`: as the app shows them under Local Server. `sim`: the slot from 1, where it has two.

    `callback_url`: the village's https address as the phone can reach it; empty: the village asks, the phone never
    calls. `signing_key`: as the app shows it under Webhooks. `since_ms`: when the phone was given to the village; what
    it received before is its former owner's. None: not known, and then at the first start the texts of three days back
    come in.
    """

    name: str
    url: str
    user: str
    password: str = field(repr=False)
    per_minute: int = 8
    sim: int | None = None
    callback_url: str = ""
    signing_key: str = field(default="", repr=False)
    since_ms: int | None = None


class _RefusedError(Exception):
    """Something is there and does not let us in."""

    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


class SmsGate:
    """Keeps to `SmsTransport` and `HearsCallbacks`."""

    window = 1
    reports = True
    timeout_ms = 3 * CALL_MS

    def __init__(self, settings: SmsGateSettings, clock: Clock) -> None:
        self.name = settings.name
        self.pace_ms = 60_000 // settings.per_minute
        self._settings = settings
        self._clock = clock
        self._api = SmsGateApi(settings.url, settings.user, settings.password, clock)
        self._token = token(settings.name, settings.password)
        self._hooks = Hooks(self._api, name=settings.name, callback_url=settings.callback_url, key=self._token)
        self._device = Device(clock, line=settings.name, sim=settings.sim)
        self._lockout = Lockout(clock)
        self._sent = Sent(self._api, clock)
        self._asking = Asking(self._api, clock, self._device, self._sent, self._lockout)
        self._received = Received(
            self._api,
            clock,
            name=settings.name,
            since_ms=settings.since_ms or 0,
            calls=bool(settings.callback_url),
        )
        self._condition = Condition(note="no_device")
        self._wake = asyncio.Event()
        self._sink: Sink | None = None
        self._up = False
        self._silent = False
        self._faults = 0
        """Answers in a row of which nobody knows what they mean for the message."""
        self._faulty_until_ms = 0
        self._untaken = False
        self._held_until_ms = 0
        self._held_note = ""
        self._wide_ms: int | None = None
        self._hooks_ms: int | None = None

    def condition(self) -> Condition:
        return self._condition

    # sending

    async def send(self, parcel: Parcel) -> Accepted:
        """Hand it to the phone once, under our own reference as its id: what has that id already is not sent twice.

        Accepted: it lies in the phone, which says later whether it has sent it. After a call that was cut off the phone
        first has to give a sign of life: one message is unknown then, and not one after the other.
        """
        self._may_send(parcel)
        reference = parcel.reference
        self._asking.under_way.add(reference)
        try:
            reply = await self._api.post_message(
                reference,
                parcel.to,
                parcel.text,
                sim=self._settings.sim,
                priority=parcel.priority,
                ttl_s=self._ttl_s(parcel.expires_ms),
            )
        except NotReachedError as away:
            self._look_again()
            raise TransportDownError(Trouble.UNPLUGGED, str(away)) from away
        except CutOffError as cut:
            self._lost_sight()
            raise OutcomeUnknownError(Trouble.TIMEOUT, str(cut)) from cut
        except asyncio.CancelledError:
            self._lost_sight()
            raise
        finally:
            self._asking.under_way.discard(reference)
        return self._answered(reference, reply)

    def _may_send(self, parcel: Parcel) -> None:
        self._lockout.check()
        if self._silent:
            raise TransportDownError(Trouble.UNPLUGGED, "silent")
        if self._sent.stuck and not parcel.priority.is_emergency:  # those the app sends before everything else
            raise TransportDownError(Trouble.CONGESTION, "pending", after_ms=_HOLD_MS)
        wait_ms = self._faulty_until_ms - self._clock.monotonic_ms()
        if wait_ms > 0:
            raise TransportDownError(Trouble.OTHER, "faulty", after_ms=wait_ms)

    def _ttl_s(self, expires_ms: int | None) -> int | None:
        """A span and not a moment: the phone's clock may be another."""
        return None if expires_ms is None else max((expires_ms - self._clock.now_ms()) // 1000, 1)

    def _look_again(self) -> None:
        """The line is said to be up once the next look has found it so."""
        self._up = False
        self._wake.set()

    def _lost_sight(self) -> None:
        self._silent = True
        self._look_again()

    def _answered(self, reference: str, reply: Reply) -> Accepted:
        """409: the phone has this very id, so an earlier call did arrive. A 2xx has to name it, else it is no phone."""
        done = 200 <= reply.status < 300
        if reply.status == 409 or (done and isinstance(reply.said, dict) and reply.said.get("id") == reference):
            self._faults = 0
            self._sent.handed_over(reference)
            self._wake.set()
            return Accepted(reference)
        failure: TransportFailure = (
            OutcomeUnknownError(Trouble.OTHER, "no-id") if done else refusal(reply.status, reply.sentence)
        )
        if isinstance(failure, TransportDownError):
            if reply.status in LOCKED:
                self._lockout.begin()
            self._look_again()
        elif isinstance(failure, OutcomeUnknownError):
            self._faults += 1
            if self._faults > 1:  # an app that is broken: not the whole queue through it
                self._faulty_until_ms = self._clock.monotonic_ms() + _HOLD_MS
        log.info("phone refused line=%s reason=%s", self.name, failure)
        raise failure

    async def ask(self, reference: str, began_ms: int) -> Fate:
        return await self._asking.ask(reference, began_ms)

    # listening

    async def run(self, sink: Sink) -> None:
        self._sink = sink
        looked_ms: int | None = None
        try:
            while True:
                self._wake.clear()
                now_ms = self._clock.monotonic_ms()
                if looked_ms is None or now_ms >= looked_ms + self._pause_ms():
                    await self._look(sink)
                    looked_ms = self._clock.monotonic_ms()
                pause_ms = looked_ms + self._pause_ms() - self._clock.monotonic_ms()
                await wait_for(self._clock, self._wake, max(pause_ms, 1))
        finally:
            self._sink, self._up = None, False
            self._condition = Condition(note="no_device")

    def _pause_ms(self) -> int:
        """How long from one look to the next."""
        if (shut_out_ms := self._lockout.left_ms) > 0:
            return max(shut_out_ms, _QUICK_MS)
        if self._untaken or self._silent:
            return _AGAIN_MS
        return _SLOW_MS if self._up and not self._sent.waiting else _QUICK_MS

    async def _look(self, sink: Sink) -> None:
        try:
            await self._tend(sink)
            self._untaken = False
        except (NotReachedError, CutOffError) as away:
            self._condition = Condition(note="no_device")
            self._wide_ms = self._hooks_ms = None  # nobody knows what it did meanwhile
            self._down(sink, Trouble.UNPLUGGED, str(away))
        except _RefusedError as refused:
            if refused.status in LOCKED:
                self._lockout.begin()
            self._condition = Condition()
            self._down(sink, Trouble.REFUSED, str(refused.status))
        except Exception as raised:  # noqa: BLE001 - what could not be kept is still in the phone
            self._untaken = True
            log.error("not taken, asked for again line=%s raised=%s", self.name, where(raised))

    async def _tend(self, sink: Sink) -> None:
        health = await self._api.health()
        devices = await self._api.devices()
        if devices.status != 200 or not devices.rows:
            raise _RefusedError(devices.status)
        self._meet(devices.rows[0], health, devices.at_ms)
        now_ms, phone_ms = self._clock.monotonic_ms(), self._clock.now_ms() + self._device.ahead_ms
        wide = self._wide_ms is None or now_ms - self._wide_ms >= _WIDE_MS
        if self._hooks_ms is None or now_ms - self._hooks_ms >= _HOOKS_MS:
            await self._hooks.tend()
            self._hooks_ms = now_ms
        trouble = await self._sent.look(sink, phone_ms, wide=wide)
        if self._wide_ms is not None:  # what failed while nobody listened says nothing of now
            self._hold_after(sink, trouble)
        self._say_how_it_is(sink, now_ms)
        centre_ms = self._clock.now_ms() if self._clock.trusted else phone_ms
        await self._received.look(sink, centre_ms, self._device.version, wide=wide)
        if wide:
            self._wide_ms = now_ms

    def _meet(self, about: Mapping[str, Any], health: Reply, phone_ms: int | None) -> None:
        """Who it is, and how it does."""
        self._silent = False
        if self._device.met(about, health.said, phone_ms):
            self._wide_ms = self._hooks_ms = None
        held = self._clock.monotonic_ms() < self._held_until_ms
        self._condition = self._device.condition(about, health.said, self._held_note if held else "")

    def _say_how_it_is(self, sink: Sink, now_ms: int) -> None:
        if self._sent.stuck:
            if self._up:  # once: the lane goes on trying now and then, and an alarm gets through
                log.warning("phone has stopped sending what it was given line=%s", self.name)
                self._down(sink, Trouble.CONGESTION, "pending")
        elif not self._up and now_ms >= self._held_until_ms:
            self._up = True
            sink.up()

    def _hold_after(self, sink: Sink, trouble: Mishap | None) -> None:
        """A phone that says it cannot send gets no more for a while: one message has told, three hundred need not."""
        if trouble is not None:
            self._held_until_ms = self._clock.monotonic_ms() + _HOLD_MS
            self._held_note = "no_sim" if trouble.code == "no-sim" else "searching"
            if trouble.trouble != Trouble.NO_SIGNAL:
                self._held_note = ""
            self._down(sink, trouble.trouble, trouble.code)

    def _down(self, sink: Sink, trouble: Trouble, code: str) -> None:
        self._up = False
        sink.down(trouble, code)

    # being called

    async def callback(self, said: Callback) -> CallbackAnswer:
        """A call from the phone. Anything but 2xx and it calls again, by its own count for two days."""
        if said.what != "event":
            return CallbackAnswer(404)
        phone_ms = self._device.now_ms()
        refused = objection(said, token=self._token, signing_key=self._settings.signing_key, phone_ms=phone_ms)
        if refused is not None:
            log.warning("a call that is not the phone's line=%s status=%d", self.name, refused)
            return CallbackAnswer(refused)
        try:
            news = heard(json.loads(said.body))
        except (ValueError, RecursionError):
            return CallbackAnswer(400)
        sink = self._sink
        if sink is None:
            return CallbackAnswer(503)
        try:
            if isinstance(news, Inbound):
                await self._received.take(sink, [news])
            elif news is not None:
                self._hold_after(sink, await self._sent.take(sink, [news], phone_ms))
        except Exception as raised:  # noqa: BLE001 - a full card, say: the phone calls again
            log.error("call not taken line=%s raised=%s", self.name, where(raised))
            return CallbackAnswer(503)
        return CallbackAnswer(200)
