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
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.callback import Callback, CallbackAnswer
from gateway.condition import Condition
from gateway.failures import (
    OutcomeUnknownError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
    where,
)
from gateway.ground import Clock, wait_for
from gateway.message import State
from gateway.transport import Accepted, Fate, Inbound, Parcel, Sink
from gateway.transports.smsgate_api import CALL_MS, CutOffError, NotReachedError, Reply, SmsGateApi
from gateway.transports.smsgate_failures import LOCKED_OUT_MS, Mishap, refusal
from gateway.transports.smsgate_reading import EVENTS, Said, heard, is_ours, objection, queued_ms, seen, token
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

_SETTLE_MS = 5_000
"""Between the two questions after which a message was never seen."""

_LOCKED = (401, 403)


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
        self._sent = Sent(self._api, clock)
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
        self._device_id = ""
        self._version: tuple[int, ...] = ()
        self._phone_ahead_ms: int | None = None
        self._under_way: set[str] = set()
        self._doubtful: dict[str, int] = {}
        """Tries that were cut off, and when they began (wall)."""
        self._silent = False
        self._faults = 0
        """Answers in a row of which nobody knows what they mean for the message."""
        self._faulty_until_ms = 0
        self._untaken = False
        self._refused_until_ms = 0
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
        reference, began_ms = parcel.reference, self._clock.now_ms()
        self._under_way.add(reference)
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
            self._lost_sight(reference, began_ms)
            raise OutcomeUnknownError(Trouble.TIMEOUT, str(cut)) from cut
        except asyncio.CancelledError:
            self._lost_sight(reference, began_ms)
            raise
        finally:
            self._under_way.discard(reference)
        return self._answered(reference, reply, began_ms)

    def _may_send(self, parcel: Parcel) -> None:
        self._may_knock()
        if self._silent:
            raise TransportDownError(Trouble.UNPLUGGED, "silent")
        if self._sent.stuck and not parcel.priority.is_emergency:  # those the app sends before everything else
            raise TransportDownError(Trouble.CONGESTION, "pending", after_ms=_HOLD_MS)
        wait_ms = self._faulty_until_ms - self._clock.monotonic_ms()
        if wait_ms > 0:
            raise TransportDownError(Trouble.OTHER, "faulty", after_ms=wait_ms)

    def _may_knock(self) -> None:
        """Not with a password that was refused a moment ago."""
        wait_ms = self._refused_until_ms - self._clock.monotonic_ms()
        if wait_ms > 0:
            raise TransportDownError(Trouble.REFUSED, "401", after_ms=wait_ms)

    def _ttl_s(self, expires_ms: int | None) -> int | None:
        """A span and not a moment: the phone's clock may be another."""
        return None if expires_ms is None else max((expires_ms - self._clock.now_ms()) // 1000, 1)

    def _look_again(self) -> None:
        """The line is said to be up once the next look has found it so."""
        self._up = False
        self._wake.set()

    def _lost_sight(self, reference: str, began_ms: int) -> None:
        self._doubtful[reference] = began_ms
        self._silent = True
        self._look_again()

    def _answered(self, reference: str, reply: Reply, began_ms: int) -> Accepted:
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
            if reply.status in _LOCKED:
                self._shut_out()
            self._look_again()
        elif isinstance(failure, OutcomeUnknownError):
            self._doubtful[reference] = began_ms
            self._faults += 1
            if self._faults > 1:  # an app that is broken: not the whole queue through it
                self._faulty_until_ms = self._clock.monotonic_ms() + _HOLD_MS
        log.info("phone refused line=%s reason=%s", self.name, failure)
        raise failure

    # asking

    async def ask(self, reference: str) -> Fate:
        """What the phone's own list says of it, by our reference.

        "Never seen" needs more than a 404, for it means that the message is sent again. A try that was cut off may
        still lie somewhere on its way. In this house it does not: the socket was closed, which throws away what had not
        gone out (`smsgate_api.py`), and after a restart no socket is left. In the phone it might, in an app that had
        been put to sleep with the request in its ear. So the question is put twice, on new connections and some seconds
        apart: an app that has answered the first is awake, and has dealt with whatever came before. And a phone that
        was reset, or another phone, has never seen anything: its 404 only counts where it still remembers a message
        older than this try, for the app forgets the oldest first. Where it does not, the message stays unknown.
        """
        if reference in self._under_way:
            raise RetryLaterError(Trouble.OTHER, "under-way")
        fate = await self._fate(reference)
        tried_ms = self._doubtful.get(reference, queued_ms(reference))
        if fate is None and tried_ms is not None:
            if not await self._remembers(tried_ms):
                raise OutcomeUnknownError(Trouble.NO_REPORT, "forgotten")
            await self._clock.sleep_ms(_SETTLE_MS)
            fate = await self._fate(reference)
        self._doubtful.pop(reference, None)
        return Fate(State.QUEUED) if fate is None else fate

    async def _fate(self, reference: str) -> Fate | None:
        if not is_ours(reference):
            return None  # nothing we ever sent is called that
        reply = await self._asked(lambda: self._api.message(reference))
        found = seen(reply.said)
        if reply.status == 404:
            return None
        if reply.status != 200 or found is None or found.reference != reference:
            raise RetryLaterError(Trouble.OTHER, str(reply.status))
        self._sent.handed_over(reference)
        report = found.report()
        if report is None:
            return Fate(State.ACCEPTED, reference)
        return Fate(report.said, reference, report.at_ms, report.trouble, report.code)

    async def _remembers(self, moment_ms: int) -> bool:
        """Whether the phone's list goes back to before that moment of the village's clock. What is only pending does
        not show it: the app never forgets those."""
        before_ms = moment_ms + (self._phone_ahead_ms or 0) - 1_000  # the phone's clock is read to the second
        reply = await self._asked(lambda: self._api.messages(0, before_ms))
        return reply.status == 200 and any(row.get("state") not in (None, Said.PENDING) for row in reply.rows)

    async def _asked(self, call: Callable[[], Awaitable[Reply]]) -> Reply:
        self._may_knock()
        try:
            reply = await call()
        except (NotReachedError, CutOffError) as away:
            raise TransportDownError(Trouble.UNPLUGGED, str(away)) from away
        if reply.status in _LOCKED:
            self._shut_out()
            raise TransportDownError(Trouble.REFUSED, str(reply.status), after_ms=LOCKED_OUT_MS)
        return reply

    def _shut_out(self) -> None:
        self._refused_until_ms = self._clock.monotonic_ms() + LOCKED_OUT_MS

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
        shut_out_ms = self._refused_until_ms - self._clock.monotonic_ms()
        if shut_out_ms > 0:
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
            if refused.status in _LOCKED:
                self._shut_out()
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
        now_ms, phone_ms = self._clock.monotonic_ms(), self._clock.now_ms() + (self._phone_ahead_ms or 0)
        wide = self._wide_ms is None or now_ms - self._wide_ms >= _WIDE_MS
        if self._hooks_ms is None or now_ms - self._hooks_ms >= _HOOKS_MS:
            await self._tend_hooks()
            self._hooks_ms = now_ms
        trouble = await self._sent.look(sink, phone_ms, wide=wide)
        if self._wide_ms is not None:  # what failed while nobody listened says nothing of now
            self._hold_after(sink, trouble)
        self._say_how_it_is(sink, now_ms)
        centre_ms = self._clock.now_ms() if self._clock.trusted else phone_ms
        await self._received.look(sink, centre_ms, self._version, wide=wide)
        if wide:
            self._wide_ms = now_ms

    def _meet(self, device: Mapping[str, Any], health: Reply, phone_ms: int | None) -> None:
        """Who it is, and how it does."""
        self._silent = False
        about = health.said if isinstance(health.said, dict) else {}
        device_id = str(device.get("id", ""))
        if self._device_id not in ("", device_id):
            log.warning("another phone, or one that was reset line=%s", self.name)
            self._wide_ms = self._hooks_ms = None
        self._device_id = device_id
        self._version = _version(about.get("version"))
        self._phone_ahead_ms = None if phone_ms is None else phone_ms - self._clock.now_ms()
        cards = device.get("simCards")
        mine = [card for card in cards if self._is_mine(card)] if isinstance(cards, list) else []
        held = self._clock.monotonic_ms() < self._held_until_ms
        self._condition = Condition(
            operator=str(mine[0].get("carrierName") or "") if mine else "",
            device=str(device.get("name", "")),
            battery=_battery(about),
            note="no_sim" if cards and not mine else self._held_note if held else "",
        )

    def _is_mine(self, card: Any) -> bool:
        return isinstance(card, dict) and self._settings.sim in (None, card.get("simNumber"))

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

    async def _tend_hooks(self) -> None:
        """See that the phone means to call. Where it will not (the address is not https), it is asked all the same."""
        wanted = self._hooks()
        registered = {str(row.get("id")): row for row in (await self._api.webhooks()).rows}
        for hook_id, (url, event) in wanted.items():
            there = registered.get(hook_id, {})
            if (there.get("url"), there.get("event")) != (url, event):
                reply = await self._api.put_webhook(hook_id, url, event)
                log.info("phone told to call line=%s event=%s status=%d", self.name, event, reply.status)
        for hook_id in registered:
            if hook_id.startswith(f"village-{self.name}-") and hook_id not in wanted:
                await self._api.drop_webhook(hook_id)

    def _hooks(self) -> dict[str, tuple[str, str]]:
        if not self._settings.callback_url:
            return {}
        url = f"{self._settings.callback_url.rstrip('/')}/callbacks/{self.name}/event?key={self._token}"
        return {f"village-{self.name}-{event.replace(':', '-')}": (url, event) for event in EVENTS}

    async def callback(self, said: Callback) -> CallbackAnswer:
        """A call from the phone. Anything but 2xx and it calls again, by its own count for two days."""
        if said.what != "event":
            return CallbackAnswer(404)
        phone_ms = self._phone_now_ms()
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

    def _phone_now_ms(self) -> int | None:
        """The phone's clock as last heard; before that the village's own, if it can be trusted."""
        if self._phone_ahead_ms is not None:
            return self._clock.now_ms() + self._phone_ahead_ms
        return self._clock.now_ms() if self._clock.trusted else None


def _version(said: Any) -> tuple[int, ...]:
    """1.75.0 → (1, 75, 0); empty, and so older than any, where it is none."""
    parts = str(said).removeprefix("v").partition("-")[0].split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()


def _battery(about: Mapping[str, Any]) -> int | None:
    checks = about.get("checks")
    level = checks.get("battery:level") if isinstance(checks, dict) else None
    percent = level.get("observedValue") if isinstance(level, dict) else None
    return int(percent) if isinstance(percent, int | float) and 0 <= percent <= 100 else None
