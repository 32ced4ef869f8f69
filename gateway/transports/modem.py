"""A GSM modem, through ModemManager: one line, one message at a time.

Never retries and never queues. The stick may carry the data link too: nothing here connects, disconnects or resets it.
What comes in is kept by the village first and then deleted from the SIM; where deleting fails, the inbox knows it.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from gateway.condition import Condition
from gateway.failures import CannotAskError, OutcomeUnknownError, TransportDownError, Trouble, where
from gateway.ground import Clock, wait_for
from gateway.message import State
from gateway.transport import Accepted, Fate, Inbound, Parcel, Report, Ring, Sink
from gateway.transports.modem_bus import (
    CALL,
    MESSAGING,
    MODEM,
    SMS,
    THREE_GPP,
    TIME,
    VOICE,
    BusError,
    BusGoneError,
    ModemBus,
)
from gateway.transports.modem_failures import failure_of, report_trouble

log = logging.getLogger(__name__)

_LOOK_MS = 15_000
"""How often the modem is looked at although it gave no sign: signals get lost, and modems fall silent."""

_AGAIN_MS = 1_000
"""After the village could not write down what came in (a full card): it stays on the SIM and is offered again."""

_PART_MS = 60_000
"""How long one part may take; ModemManager itself waits that long for a slow centre."""

# ModemManager's enumerations
_SMS_RECEIVED = 3
_PDU_REPORT = 3
_REGISTERED_HOME, _REGISTERED_ROAMING, _DENIED = 1, 5, 3
_STATE_LOCKED, _STATE_DISABLED, _STATE_ENABLED = 2, 3, 6
_RINGING_IN, _WAITING, _INCOMING = 3, 6, 1
_LOCK_NONE = (0, 1)


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """`device`: the modem's IMEI, where a village has several sticks; empty: the only one there is.

    `bus`: a D-Bus address; None: the system's own, where ModemManager lives on a Pi.
    """

    name: str
    device: str = ""
    per_minute: int = 8
    bus: str | None = None


@dataclass(slots=True)
class _Link:
    """The modem as it is plugged in now."""

    bus: ModemBus
    path: str
    shown: set[str] = field(default_factory=set)
    """Messages of the SIM that the village has and that could not be deleted."""
    rung: set[str] = field(default_factory=set)


class Modem:
    """Keeps to `SmsTransport`."""

    window = 1
    reports = True

    def __init__(self, settings: ModemSettings, clock: Clock) -> None:
        self.name = settings.name
        self.pace_ms = 60_000 // settings.per_minute
        self.timeout_ms = 8 * _PART_MS
        self._settings = settings
        self._clock = clock
        self._link: _Link | None = None
        self._condition = Condition(note="no_device")
        self._up = False
        self._told_time = False
        self._untaken = False

    def condition(self) -> Condition:
        return self._condition

    # sending

    async def send(self, parcel: Parcel) -> Accepted:
        link = self._link
        if link is None or not self._up:
            raise TransportDownError(Trouble.UNPLUGGED if link is None else Trouble.NO_SIGNAL, self._condition.note)
        try:
            path = await link.bus.create_sms(link.path, parcel.to, parcel.text)
        except BusGoneError as gone:
            raise TransportDownError(Trouble.UNPLUGGED) from gone
        except BusError as refused:
            raise failure_of(refused.name, refused.said) from refused
        link.shown.add(path)
        try:
            return await self._send(link, path, parcel)
        finally:
            await self._delete(link, path)

    async def _send(self, link: _Link, path: str, parcel: Parcel) -> Accepted:
        try:
            await link.bus.call(path, SMS, "Send")
        except BusGoneError as gone:
            raise OutcomeUnknownError(Trouble.INTERRUPTED) from gone
        except BusError as refused:
            failure = failure_of(refused.name, refused.said)
            log.info("modem refused line=%s reason=%s", self.name, failure)
            raise failure from refused
        sent = await _about(link, path, SMS)
        if sent is None:  # it has gone, and nobody will ever say which one it was: never again by itself
            raise OutcomeUnknownError(Trouble.NO_REPORT)
        return Accepted(_carrier_ref(int(sent["MessageReference"]), parcel.to, self._clock.now_ms()))

    async def ask(self, reference: str) -> Fate:
        """A modem forgets what it has sent."""
        raise CannotAskError(reference)

    # listening

    async def run(self, sink: Sink) -> None:
        try:
            async with await ModemBus.connect(self._settings.bus) as bus:
                while bus.connected:
                    bus.changed.clear()
                    await self._look(bus, sink)
                    await wait_for(self._clock, bus.changed, _AGAIN_MS if self._untaken else _LOOK_MS)
        except BusGoneError as gone:
            raise TransportDownError(Trouble.UNPLUGGED, gone.name.rpartition(".")[2]) from gone
        finally:
            self._link, self._up = None, False
            self._condition = Condition(note="no_device")

    async def _look(self, bus: ModemBus, sink: Sink) -> None:
        modems = await bus.modems()
        found = next(((path, about) for path, about in modems.items() if self._is_mine(about[MODEM])), None)
        if found is None:
            self._lost(sink)
            return
        path, about = found
        if self._link is None or self._link.path != path:
            self._link, self._told_time = _Link(bus, path), False
        self._untaken = False
        try:
            await self._tend(self._link, about, sink)
        except BusGoneError:
            self._lost(sink)  # unplugged while it was looked at
        except BusError as refused:
            log.info("modem did not answer line=%s reason=%s", self.name, refused.name)
        except Exception as raised:  # noqa: BLE001 - what could not be kept is still on the SIM
            self._untaken = True
            log.error("not taken, offered again line=%s raised=%s", self.name, where(raised))

    def _is_mine(self, about: Mapping[str, Any]) -> bool:
        return not self._settings.device or about.get("EquipmentIdentifier") == self._settings.device

    def _lost(self, sink: Sink) -> None:
        self._link = None
        self._condition = Condition(note="no_device")
        self._say(sink, up=False, trouble=Trouble.UNPLUGGED)

    async def _tend(self, link: _Link, about: Mapping[str, Mapping[str, Any]], sink: Sink) -> None:
        modem, network = about[MODEM], about.get(THREE_GPP, {})
        note = _note(modem, network)
        if note and int(modem["State"]) == _STATE_DISABLED:
            await link.bus.call(link.path, MODEM, "Enable", "b", [True])
            return  # the change of state wakes us
        if MESSAGING not in about:  # still being asked what it is, or locked
            self._tell(about, note or "searching")
            self._say(sink, up=False, trouble=Trouble.UNPLUGGED)
            return
        (paths,) = await link.bus.call(link.path, MESSAGING, "List")  # only a modem that is there answers
        self._tell(about, note)
        self._say(sink, up=not note, trouble=Trouble.NO_SIGNAL)
        if not note:
            await self._tell_time(link, about, sink)
        await self._take_rings(link, about, sink)
        await self._take_messages(link, paths, sink)

    def _tell(self, about: Mapping[str, Mapping[str, Any]], note: str) -> None:
        modem = about[MODEM]
        self._condition = replace(
            self._condition,
            operator=str(about.get(THREE_GPP, {}).get("OperatorName", "")),
            signal=int(modem["SignalQuality"][0]),
            device=str(modem.get("EquipmentIdentifier", "")),
            note=note,
        )

    def _say(self, sink: Sink, *, up: bool, trouble: Trouble) -> None:
        if up and not self._up:
            sink.up()
        elif not up:
            sink.down(trouble, self._condition.note)
        self._up = up

    async def _tell_time(self, link: _Link, about: Mapping[str, object], sink: Sink) -> None:
        if self._told_time or TIME not in about:
            return
        try:
            (said,) = await link.bus.call(link.path, TIME, "GetNetworkTime")
        except BusGoneError:
            raise
        except BusError:
            return  # this network, or this modem, tells no time
        self._told_time = True
        if (wall_ms := _moment_ms(said)) is not None:
            await sink.network_time(wall_ms)

    async def _take_rings(self, link: _Link, about: Mapping[str, Mapping[str, Any]], sink: Sink) -> None:
        """Whoever rings is kept, then refused: his call costs him nothing."""
        if VOICE not in about:
            return
        for path in about[VOICE].get("Calls", []):
            call = await _about(link, path, CALL)
            if call is None or int(call["Direction"]) != _INCOMING or int(call["State"]) not in (_RINGING_IN, _WAITING):
                continue
            if call["Number"] and path not in link.rung:  # the number comes a moment after the first ringing
                await sink.rang(Ring(str(call["Number"]), self._clock.now_ms()))
                link.rung.add(path)
            if path in link.rung:
                with contextlib.suppress(BusError):
                    await link.bus.call(path, CALL, "Hangup")

    async def _take_messages(self, link: _Link, paths: Sequence[str], sink: Sink) -> None:
        link.shown &= set(paths)
        for path in paths:
            if path in link.shown:
                continue
            sms = await _about(link, path, SMS)
            if sms is None:
                continue
            if int(sms["PduType"]) == _PDU_REPORT:
                await self._take_report(sms, sink)
            elif int(sms["State"]) == _SMS_RECEIVED:
                await sink.received(Inbound(sms["Number"], sms["Text"], _moment_ms(sms["Timestamp"])))
            else:
                continue  # its other parts are still to come, or it is one of our own
            link.shown.add(path)
            await self._delete(link, path)

    async def _delete(self, link: _Link, path: str) -> None:
        """What cannot be deleted is left: it is in `shown`, and the inbox takes nothing twice."""
        try:
            await link.bus.call(link.path, MESSAGING, "Delete", "o", [path])
        except BusError as refused:
            log.info("could not delete from the SIM line=%s reason=%s", self.name, refused.name)

    async def _take_report(self, sms: Mapping[str, Any], sink: Sink) -> None:
        """Of a long message ModemManager asks for the last part's report alone and tells that part's reference."""
        reference, status = int(sms["MessageReference"]), int(sms["DeliveryState"])
        if 0x20 <= status < 0x40:
            return  # the centre is still trying
        at_ms = _moment_ms(sms["DischargeTimestamp"])
        sent_ms = _moment_ms(sms["Timestamp"]) or self._clock.now_ms()
        ref = _carrier_ref(reference, sms["Number"], sent_ms)
        if status < 0x20:
            await sink.report(Report(ref, State.DELIVERED, at_ms))
        else:
            trouble, final = report_trouble(status)
            await sink.report(Report(ref, State.FAILED, at_ms, trouble, f"{status:02x}", final))


async def _about(link: _Link, path: str, interface: str) -> dict[str, Any] | None:
    """A call or a text as ModemManager knows it; None where it is gone by now, which says nothing of the modem."""
    try:
        return await link.bus.properties(path, interface)
    except BusError:
        return None


def _note(modem: Mapping[str, Any], network: Mapping[str, Any]) -> str:
    """Why this modem cannot send now; empty where it can."""
    if int(modem["State"]) == _STATE_LOCKED or int(modem.get("UnlockRequired", 0)) not in (*_LOCK_NONE, 3, 5):
        return "puk_wanted" if int(modem.get("UnlockRequired", 0)) in (4, 6) else "pin_wanted"
    if int(modem["State"]) < 0:
        return "no_sim"
    registered = int(network.get("RegistrationState", 0))
    if registered == _DENIED:
        return "denied"
    if int(modem["State"]) < _STATE_ENABLED or registered not in (_REGISTERED_HOME, _REGISTERED_ROAMING):
        return "searching"
    return ""


def _carrier_ref(reference: int, number: str, sent_ms: int) -> str:
    """How reports will call it, made of what a report says: after a restart nothing else is left to go by.

    The centre's reference counts to 255 only; with the number's print (16 bits: too few to tell whose it is) and the
    day it comes again too seldom to matter.
    """
    day = datetime.fromtimestamp(sent_ms / 1000, tz=UTC).strftime("%Y%m%d")
    return f"{reference:03d}.{_print(number)}.{day}"


def _print(number: str) -> str:
    digits = "".join(c for c in number if c.isdigit())[-11:]  # centres write the same number with and without +86
    return hashlib.blake2s(digits.encode(), digest_size=2).hexdigest()


def _moment_ms(said: str) -> int | None:
    """A time as ModemManager writes it: 2026-12-05T09:10:00+08. None where it says none, or nonsense."""
    if len(said) > 3 and said[-3] in "+-":
        said += ":00"
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return None if moment.tzinfo is None else int(moment.timestamp() * 1000)
