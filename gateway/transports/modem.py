"""A GSM modem, through ModemManager: one line, one message at a time.

Never retries and never queues. The stick may carry the data link too: nothing here connects or disconnects it, and
while data runs it is not pushed (`modem_ladder.py`) and its SIM is not listed anew. What comes in is kept by the
village first and then deleted from the SIM; where deleting fails, the inbox knows it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.condition import Condition
from gateway.failures import CannotAskError, OutcomeUnknownError, TransportDownError, Trouble, where
from gateway.ground import Clock, wait_for
from gateway.pins import PinMemory, PinsOfThisProcess
from gateway.transport import Accepted, Fate, Parcel, Sink
from gateway.transports.modem_bus import MESSAGING, MODEM, SMS, THREE_GPP, TIME, BusError, BusGoneError, ModemBus
from gateway.transports.modem_credit import Credit, CreditSettings
from gateway.transports.modem_failures import failure_of
from gateway.transports.modem_incoming import Incoming, moment_ms
from gateway.transports.modem_link import Link
from gateway.transports.modem_listing import Listing
from gateway.transports.modem_pin import Pin
from gateway.transports.modem_reference import References
from gateway.transports.modem_rungs import toggle
from gateway.transports.modem_state import DISABLED, ENABLED, About, carries_data, note_of
from gateway.transports.modem_watch import Watch

log = logging.getLogger(__name__)

_LOOK_MS = 15_000
"""How often the modem is looked at although it gave no sign: signals get lost, and modems fall silent."""

_AGAIN_MS = 1_000
"""After the village could not write down what came in (a full card): it stays on the SIM and is offered again."""

_PART_MS = 60_000
"""How long one part may take; ModemManager itself waits that long for a slow centre."""

_BACK_MS = 20_000
"""How long the line may be held for a modem to find its network again after its SIM was listed."""


@dataclass(frozen=True, slots=True)
class ModemSettings:
    """`device`: the modem's IMEI, where a village has several sticks; empty: the only one there is. `pin`: of its SIM.

    `bus`: a D-Bus address; None: the system's own, where ModemManager lives on a Pi.
    """

    name: str
    device: str = ""
    per_minute: int = 8
    bus: str | None = None
    pin: str = field(default="", repr=False)
    credit: CreditSettings = field(default_factory=CreditSettings)


class Modem:
    """Keeps to `SmsTransport`."""

    window = 1
    reports = True

    def __init__(self, settings: ModemSettings, clock: Clock, pins: PinMemory | None = None) -> None:
        """`pins`: what SIMs have refused; None: remembered by this process alone."""
        self.name = settings.name
        self.pace_ms = 60_000 // settings.per_minute
        self.timeout_ms = 8 * _PART_MS
        self._settings = settings
        self._clock = clock
        self._link: Link | None = None
        self._condition = Condition(note="no_device")
        self._trouble = Trouble.UNPLUGGED
        self._up = False
        self._untaken = False
        self._line = asyncio.Lock()
        """Held by whoever uses the modem: a message that is being sent, or the care it needs between two."""
        self._watch = Watch(settings.name, clock, self._line)
        self._references = References()
        self._incoming = Incoming(clock, self._references)
        self._listing = Listing()
        self._credit = Credit(settings.credit, clock)
        self._pin = Pin(settings.pin, PinsOfThisProcess() if pins is None else pins, clock)

    def condition(self) -> Condition:
        return self._condition

    # sending

    async def send(self, parcel: Parcel) -> Accepted:
        async with self._line:
            link = self._link
            if link is None or not self._up:
                raise TransportDownError(self._trouble, self._condition.note)
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
                await link.delete(path)
                self._listing.used(self._clock.monotonic_ms())

    async def _send(self, link: Link, path: str, parcel: Parcel) -> Accepted:
        try:
            await link.bus.call(path, SMS, "Send")
        except BusGoneError as gone:
            raise OutcomeUnknownError(Trouble.INTERRUPTED) from gone
        except BusError as refused:
            failure = failure_of(refused.name, refused.said)
            log.info("modem refused line=%s reason=%s", self.name, failure)
            if self._watch.refused(refused.name, refused.said):
                link.bus.changed.set()
            if failure.trouble == Trouble.NO_CREDIT:
                self._credit.doubted()
            raise failure from refused
        sent = await link.about(path, SMS)
        if sent is None:  # it has gone, and nobody will ever say which one it was: never again by itself
            raise OutcomeUnknownError(Trouble.NO_REPORT)
        return Accepted(self._references.sent(int(sent["MessageReference"]), parcel.to, self._clock.now_ms()))

    async def ask(self, reference: str, began_ms: int) -> Fate:  # noqa: ARG002 - it cannot be asked at all
        """ModemManager keeps what was sent for a while, but nothing of ours with it by which it could be told apart."""
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
            self._link, self._up, self._trouble = None, False, Trouble.UNPLUGGED
            self._condition = replace(self._condition, note="no_device", signal=None)

    async def _look(self, bus: ModemBus, sink: Sink) -> None:
        life = bus.life
        try:
            modems = await bus.modems()
        except BusGoneError:
            if not bus.connected:
                raise
            modems = {}  # ModemManager is being started anew
        path = next((path for path, about in modems.items() if self._is_mine(about)), None)
        others = any(carries_data(about) for other, about in modems.items() if other != path)
        self._untaken = False
        try:
            if path is None:
                await self._lost(bus, sink, others=others)
                return
            link = self._link
            if link is None or (link.path, link.life) != (path, life):
                link = self._met(Link(bus, path, life), modems[path])
            await self._tend(link, modems[path], sink, others=others)
        except BusGoneError:
            if not bus.connected:
                raise
            await self._lost(bus, sink, others=others)  # unplugged while it was looked at
        except BusError as refused:
            log.info("modem did not answer line=%s reason=%s", self.name, refused.name)
            self._watch.refused(refused.name, refused.said)
        except Exception as raised:  # noqa: BLE001 - what could not be kept is still on the SIM
            self._untaken = True
            log.error("not taken, offered again line=%s raised=%s", self.name, where(raised))

    def _is_mine(self, about: About) -> bool:
        return not self._settings.device or about[MODEM].get("EquipmentIdentifier") == self._settings.device

    def _met(self, link: Link, about: About) -> Link:
        self._link = link
        self._watch.met(about)
        if int(about[MODEM]["State"]) >= ENABLED:
            self._listing.came(self._clock.monotonic_ms())  # who knows what came before we looked
        return link

    async def _lost(self, bus: ModemBus, sink: Sink, *, others: bool) -> None:
        self._link = None
        rung = self._watch.climb_gone(others_carry_data=others)
        note = "resetting" if self._watch.resetting else "no_device"
        self._condition = replace(self._condition, note=note, signal=None)
        self._say(sink, Trouble.UNPLUGGED)
        if rung is not None:
            await self._watch.push(bus, None, rung)

    async def _tend(self, link: Link, about: About, sink: Sink, *, others: bool) -> None:
        note = note_of(about)
        if note == "pin_wanted":
            async with self._line:
                note = await self._pin.unlock(link, about)
        await self._watch.ask_for_a_sign(link, about, note)
        rung = self._watch.climb(about, note, others_carry_data=others)
        if self._watch.resetting and note != "no_sim":
            note = "resetting"
        self._tell(about, note)
        if rung is not None:
            self._say(sink, self._trouble_of(note, about))
            await self._watch.push(link.bus, link, rung)
            return
        if int(about[MODEM]["State"]) == DISABLED and not self._watch.mute:
            self._say(sink, self._trouble_of(note, about))
            async with self._line:
                await link.enable(on=True)
            self._listing.listed(self._clock.monotonic_ms())
            return  # the change of state wakes us
        self._say(sink, self._trouble_of(note, about))
        if MESSAGING not in about:  # still being asked what it is, or locked
            return
        paths = await link.bus.messages(link.path)
        if not note:
            await self._tell_time(link, about, sink)
        in_use = await self._incoming.take_rings(link, about, sink)
        if await self._incoming.take_messages(link, paths, sink):
            self._listing.came(self._clock.monotonic_ms())
        for text in self._incoming.texts:
            self._condition = self._credit.heard(text.sender, text.text, self._condition)
        if self._up and not in_use and not self._line.locked():
            await self._between_two_messages(link, about)

    def _tell(self, about: About, note: str) -> None:
        modem = about[MODEM]
        self._condition = replace(
            self._condition,
            operator=str(about.get(THREE_GPP, {}).get("OperatorName", "")),
            signal=int(modem["SignalQuality"][0]),
            device=str(modem.get("EquipmentIdentifier", "")),
            note=note,
        )

    def _trouble_of(self, note: str, about: About) -> Trouble | None:
        """None: it can send."""
        if MESSAGING not in about or self._watch.mute:
            return Trouble.UNPLUGGED
        return Trouble.NO_SIGNAL if note else None

    def _say(self, sink: Sink, trouble: Trouble | None) -> None:
        if trouble is None and not self._up:
            sink.up()
        elif trouble is not None:
            self._trouble = trouble
            sink.down(trouble, self._condition.note)
        self._up = trouble is None

    async def _tell_time(self, link: Link, about: Mapping[str, object], sink: Sink) -> None:
        if link.told_time or TIME not in about:
            return
        try:
            (said,) = await link.bus.call(link.path, TIME, "GetNetworkTime")
        except BusGoneError:
            raise
        except BusError:
            return  # this network, or this modem, tells no time
        link.told_time = True
        if (wall_ms := moment_ms(said)) is not None:
            await sink.network_time(wall_ms)

    # what a modem needs of care

    async def _between_two_messages(self, link: Link, about: About) -> None:
        now_ms = self._clock.monotonic_ms()
        if self._listing.due(now_ms) and not carries_data(about):
            async with self._line:
                await self._list_anew(link)
        elif self._credit.due:
            async with self._line:
                try:
                    self._condition = await self._credit.ask(link, about, self._condition)
                except BusGoneError:
                    raise
                except BusError as refused:
                    log.info("no balance line=%s reason=%s", self.name, refused.name)
                    self._watch.refused(refused.name, refused.said)

    async def _list_anew(self, link: Link) -> None:
        """Find what came while ModemManager read the text before it. The line is let go when it can send again."""
        started_ms = self._clock.monotonic_ms()
        self._listing.listed(started_ms)  # also where it fails: not at every look
        await toggle(link)
        while note_of(await link.all()) and self._clock.monotonic_ms() - started_ms < _BACK_MS:
            await wait_for(self._clock, link.bus.changed, 1_000)
            link.bus.changed.clear()
        link.bus.changed.set()
