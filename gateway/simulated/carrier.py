"""A carrier that behaves like one: it takes time, delivers, reports, loses, refuses; seeded, on the injected clock.

Never knows our message ids or states; it has its own truth in its own file, and can be asked. For the sample village,
for tests and for trying things; it reaches no real phone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from gateway import segments
from gateway.failures import RejectedError, RetryLaterError, TransportDownError, Trouble
from gateway.ground import Clock, wait_for
from gateway.message import State
from gateway.simulated.book import Book, Entry, Phone
from gateway.simulated.dice import Dice
from gateway.simulated.exchange import Exchange, SimulatedCall
from gateway.simulated.habits import answer_to, hold_phone
from gateway.simulated.handset import CallView, Faults, Habit, HandsetOffError, HandsetView, Note, Rule, Timing
from gateway.transport import Accepted, Fate, Inbound, Parcel, Report, Ring, Sink

log = logging.getLogger(__name__)

_VALID_MS = 48 * 3_600_000
"""How long this carrier keeps a text for a phone that is off."""

BALANCE_CODE = "*100#"

_IDLE_MS = 3_600_000
_AGAIN_MS = 1_000


class Watch:
    """Whose picture has changed since one last looked."""

    def __init__(self) -> None:
        self._numbers: set[str] = set()
        self._event = asyncio.Event()

    def add(self, number: str) -> None:
        self._numbers.add(number)
        self._event.set()

    async def changed(self) -> set[str]:
        """Waits until there is at least one."""
        await self._event.wait()
        self._event.clear()
        numbers, self._numbers = self._numbers, set()
        return numbers


class Carrier:
    """Open with `Carrier.open`; its air moves while `run` runs."""

    def __init__(self, book: Book, clock: Clock, *, seed: int, faults: Faults, timing: Timing) -> None:
        self._book = book
        self._clock = clock
        self._dice = Dice(seed)
        self._timing = timing
        self._sinks: dict[str, Sink] = {}
        self._watches: set[Watch] = set()
        self._kick = asyncio.Event()
        self._down: Trouble | None = None
        self._villagers: set[asyncio.Task[None]] = set()
        self._topped_up: dict[str, asyncio.Event] = {}
        self._exchange = Exchange(clock, self._changed)
        self.faults = faults

    @classmethod
    def open(
        cls,
        path: Path | None,
        clock: Clock,
        *,
        seed: int = 1,
        faults: Faults | None = None,
        timing: Timing | None = None,
    ) -> Carrier:
        """`path` None: in memory, forgotten at the end."""
        book = Book(path, clock.now_ms())
        return cls(book, clock, seed=seed, faults=faults or Faults(), timing=timing or Timing())

    @property
    def clock(self) -> Clock:
        return self._clock

    def close(self) -> None:
        for task in self._villagers:
            task.cancel()
        self._book.close()

    # handsets

    def add(self, number: str, *, label: str = "", habit: Habit | None = None) -> None:
        """A phone with this E.164 number; again with the same number only renews label and habit."""
        self._book.add(number, label, habit)
        self._changed(number)

    def handsets(self) -> list[HandsetView]:
        return [self._view(phone) for phone in self._book.phones()]

    def handset(self, number: str) -> HandsetView:
        """Raises KeyError."""
        phone = self._book.phone(number)
        if phone is None:
            raise KeyError(number)
        return self._view(phone)

    def _view(self, phone: Phone) -> HandsetView:
        return HandsetView(
            number=phone.number,
            label=phone.label,
            on=phone.on,
            signal=phone.signal,
            full=phone.full,
            unread=phone.unread,
            newest_ms=phone.newest_ms,
            rule=phone.rule,
            call=self._exchange.view(phone.number),
        )

    def thread(self, number: str, *, limit: int = 50) -> list[Note]:
        """What is on the phone, oldest first."""
        return self._book.thread(number, limit)

    def read(self, number: str) -> None:
        self._book.read(number, self._clock.now_ms())
        self._changed(number)

    def send_from(self, number: str, text: str, at_ms: int | None = None) -> int:
        """Type and send a text. `at_ms`: the SMS centre's time, else now. Raises KeyError, HandsetOffError."""
        phone = self._known(number)
        if not phone.on:
            raise HandsetOffError("this phone is off")
        now_ms = self._clock.now_ms()
        centre_ms = (now_ms if at_ms is None else at_ms) // 1000 * 1000  # centres count whole seconds
        delay_ms = self._dice.between(self._timing.inbound_ms, "inbound", number, now_ms, text)
        note_id = self._book.write(
            number=number,
            mine=True,
            text=text,
            parts=segments.count(text).parts,
            line="",
            reference=None,
            at_ms=centre_ms,
            shown_ms=now_ms,
            state="waiting",
            due_ms=now_ms + delay_ms + self._disorder("inbound", number, text, now_ms) if phone.signal else None,
            valid_ms=now_ms + _VALID_MS,
        )
        self._changed(number)
        return note_id

    def set_power(self, number: str, on: bool) -> None:
        self._switch(number, "power", on)

    def set_signal(self, number: str, there: bool) -> None:
        self._switch(number, "signal", there)

    def set_full(self, number: str, full: bool) -> None:
        self._known(number)
        self._book.switch(number, "full", full)
        self._changed(number)

    def set_rule(self, number: str, rule: Rule) -> None:
        self._known(number)
        self._book.set_rule(number, rule)
        self._changed(number)

    def _switch(self, number: str, what: str, on: bool) -> None:
        self._known(number)
        self._book.switch(number, "power" if what == "power" else "signal", on)
        if not on:
            with contextlib.suppress(Exception):
                self._exchange.call(number).leave()
        if self._known(number).reachable:
            self._book.hurry(number, self._clock.now_ms() + 500)
        self._changed(number)

    def _known(self, number: str) -> Phone:
        phone = self._book.phone(number)
        if phone is None:
            raise KeyError(number)
        return phone

    @property
    def is_down(self) -> bool:
        return self._down is not None

    @property
    def busy(self) -> bool:
        """Whether anything is still on its way: to a phone, to the village, or a report about it."""
        return self._book.next_ms(reporting=True) is not None

    def set_down(self, trouble: Trouble | None) -> None:
        """The whole network fails, or is back (None)."""
        self._down = trouble
        if trouble is not None:
            self._exchange.drop_all(trouble)
        for sink in self._sinks.values():
            if trouble is None:
                sink.up()
            else:
                sink.down(trouble)
        self._kick.set()

    # the village's own SIMs

    def top_up(self, line: str, fen: int, *, price_fen: int) -> None:
        """Credit on the SIM of one line, which then pays `price_fen` for each part; until then it pays nothing."""
        self._book.top_up(line, fen, price_fen)
        self.topped_up(line).set()

    def topped_up(self, line: str) -> asyncio.Event:
        """Set whenever this SIM was topped up, as a real carrier sends it a text; cleared by whoever waits for it."""
        return self._topped_up.setdefault(line, asyncio.Event())

    def credit(self, line: str) -> int | None:
        return self._book.credit(line)

    async def ussd(self, line: str, code: str) -> str:
        """What the carrier answers to a code typed on that SIM. Raises TransportFailure."""
        await self._clock.sleep_ms(self._dice.between(self._timing.accept_ms, "ussd", line, self._clock.now_ms()))
        self._must_be_up()
        fen = self._book.credit(line)
        if code != BALANCE_CODE or fen is None:
            return "您输入的代码有误"
        return f"余额{fen / 100:.2f}元"

    async def ring_village(self, number: str) -> None:
        """Ring the village's number and hang up. Raises KeyError, HandsetOffError; TransportDownError where the
        network is down, or no line of the village is there to ring."""
        if not self._known(number).reachable:
            raise HandsetOffError("this phone reaches no network")
        self._must_be_up()
        if not self._sinks:
            raise TransportDownError(Trouble.UNPLUGGED, "sim")
        for sink in list(self._sinks.values())[:1]:
            await sink.rang(Ring(number, self._clock.now_ms()))

    # calls, as the handset sees them

    def call(self, number: str) -> CallView | None:
        return self._exchange.view(number)

    def answer(self, number: str) -> None:
        """Raises NoCallError, as do the other three."""
        self._exchange.call(number).answer()

    def refuse(self, number: str) -> None:
        self._exchange.call(number).leave(Trouble.BUSY)

    def hang_up(self, number: str) -> None:
        self._exchange.call(number).leave()

    def press(self, number: str, key: str) -> None:
        self._exchange.call(number).press(key)

    @contextlib.contextmanager
    def watch(self) -> Iterator[Watch]:
        watch = Watch()
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    def _changed(self, number: str) -> None:
        for watch in self._watches:
            watch.add(number)
        self._kick.set()

    # the network's side, for the transports

    async def attach(self, line: str, sink: Sink) -> None:
        """A line listens until cancelled: reports about what it sent, and villagers' texts."""
        self._sinks[line] = sink
        self._kick.set()
        try:
            if self._down is not None:
                sink.down(self._down)
            await asyncio.Event().wait()
        finally:
            self._sinks.pop(line, None)

    async def submit(self, line: str, parcel: Parcel) -> Accepted:
        """Take one text, or say why not. Raises TransportFailure."""
        about = parcel.reference
        await self._clock.sleep_ms(self._dice.between(self._timing.accept_ms, "accept", about))
        self._must_be_up()
        phone = self._somebodys(parcel.to)
        if phone.rule.dead:
            raise RejectedError(Trouble.DEAD_NUMBER, "1")
        if phone.rule.retry_first and self._book.refuse(parcel.to) <= phone.rule.retry_first:
            raise RetryLaterError(Trouble.CONGESTION, "42")
        if self._dice.hits(self.faults.congest, "congest", about):
            raise RetryLaterError(Trouble.CONGESTION, "42")
        if self._dice.hits(self.faults.refuse, "refuse", about):
            raise RetryLaterError(Trouble.REFUSED, "38")
        if not self._book.pay(line, parcel.parts):
            raise TransportDownError(Trouble.NO_CREDIT, "331")
        hangs = self._dice.hits(self.faults.hang, "hang", about)
        if hangs and self._dice.hits(0.5, "hang before", about):
            await asyncio.Event().wait()
        note_id = self._take(line, parcel, phone)
        if hangs:
            await asyncio.Event().wait()
        if self._dice.hits(self.faults.wrong_order, "late answer", about):
            await self._clock.sleep_ms(sum(high for _, high in (self._timing.deliver_ms, self._timing.report_ms)))
        return Accepted(self._carrier_ref(note_id))

    def _take(self, line: str, parcel: Parcel, phone: Phone) -> int:
        now_ms = self._clock.now_ms()
        about = parcel.reference
        delay_ms = phone.rule.delay_ms
        if delay_ms is None:
            delay_ms = self._dice.between(self._timing.deliver_ms, "deliver", about)
        dropped = self._dice.hits(self.faults.drop, "drop", about)
        valid_ms = now_ms + _VALID_MS
        if parcel.expires_ms is not None:
            valid_ms = max(now_ms, min(valid_ms, parcel.expires_ms))
        note_id = self._book.write(
            number=parcel.to,
            mine=False,
            text=parcel.text,
            parts=parcel.parts,
            line=line,
            reference=parcel.reference,
            at_ms=now_ms,
            shown_ms=now_ms,
            state="lost" if dropped else "waiting",
            due_ms=None if dropped else now_ms + delay_ms + self._disorder("deliver", about),
            valid_ms=valid_ms,
        )
        self._kick.set()
        return note_id

    def _must_be_up(self) -> None:
        if self._down is not None:
            raise TransportDownError(self._down, "sim")

    def _carrier_ref(self, note_id: int) -> str:
        return f"{self._book.birth_ms:x}.{note_id}"

    def _disorder(self, *about: object) -> int:
        return self._dice.between((0, self.faults.reorder_ms), "order", *about)

    async def ask(self, reference: str) -> Fate:
        """What became of a try; queued: never seen. Raises TransportDownError."""
        self._must_be_up()
        entry = self._book.by_reference(reference)
        if entry is None:
            return Fate(State.QUEUED)
        ref = self._carrier_ref(entry.id)
        match entry.state:
            case "delivered":
                return Fate(State.DELIVERED, ref, entry.at_ms)
            case "failed":
                return Fate(State.FAILED, ref, entry.at_ms, entry.trouble)
            case _:
                return Fate(State.ACCEPTED, ref, entry.at_ms)

    def _somebodys(self, number: str) -> Phone:
        """The phone with this number; whoever is written to or rung for the first time gets one."""
        phone = self._book.phone(number)
        if phone is None:
            self._book.add(number, "", None)
            phone = self._known(number)
        return phone

    async def dial(self, number: str, reference: str) -> SimulatedCall:
        """Let a phone ring. Raises TransportFailure where it cannot."""
        await self._clock.sleep_ms(self._dice.between(self._timing.dial_ms, "dial", reference))
        self._must_be_up()
        phone = self._somebodys(number)
        if phone.rule.dead:
            raise RejectedError(Trouble.DEAD_NUMBER, "404")
        if not phone.reachable:
            raise RetryLaterError(Trouble.NO_SIGNAL, "480")
        call = None if phone.rule.busy else self._exchange.ring(number)
        if call is None:
            raise RetryLaterError(Trouble.BUSY, "486")
        if phone.habit is not None and not phone.rule.no_answer:
            holding = hold_phone(call, phone.habit, self._clock, self._dice, reference)
            villager = asyncio.create_task(holding, name=f"villager-{reference}")
            self._villagers.add(villager)
            villager.add_done_callback(self._villagers.discard)
        return call

    # the air

    async def run(self) -> None:
        """Deliver, report, bring villagers' texts and let villagers act, until cancelled."""
        while True:
            self._kick.clear()
            try:
                pause_ms = await self._turn()
            except sqlite3.OperationalError as trouble:
                # a carrier does not live on the village's card; when that is full this one waits for better times
                log.warning("carrier could not write reason=%s", trouble)
                pause_ms = _AGAIN_MS
            await wait_for(self._clock, self._kick, pause_ms)

    async def _turn(self) -> int:
        """Everything that is due; returns how long nothing is."""
        now_ms = self._clock.now_ms()
        for intent_id, number, text in self._book.intents(now_ms):
            self._act(intent_id, number, text)
        for entry in self._book.due(now_ms):
            if not entry.mine:
                self._deliver(entry, now_ms)
        await self._bring([entry for entry in self._book.due(now_ms) if entry.mine])
        await self._report(self._book.to_report(now_ms))
        next_ms = self._book.next_ms(reporting=bool(self._sinks) and self._down is None)
        return _IDLE_MS if next_ms is None else min(max(next_ms - self._clock.now_ms(), 1), _IDLE_MS)

    def _deliver(self, entry: Entry, now_ms: int) -> None:
        phone = self._known(entry.number)
        if now_ms >= entry.valid_ms:
            self._book.failed(entry, Trouble.NO_SIGNAL, now_ms, self._report_ms(entry, phone, now_ms))
        elif not phone.reachable:
            self._book.put_off(entry, entry.valid_ms)
            return
        elif phone.full:
            self._book.failed(entry, Trouble.FULL_PHONE, now_ms, self._report_ms(entry, phone, now_ms))
        else:
            self._book.arrived(entry, now_ms, self._report_ms(entry, phone, now_ms))
            if phone.habit is not None:
                self._react(entry, phone.habit, now_ms)
        self._changed(entry.number)

    def _report_ms(self, entry: Entry, phone: Phone, now_ms: int) -> int | None:
        if phone.rule.lose_reports or self._dice.hits(self.faults.lose_report, "report", entry.reference):
            return None
        return (
            now_ms
            + self._dice.between(self._timing.report_ms, "report", entry.reference)
            + self._disorder("r", entry.reference)
        )

    def _react(self, entry: Entry, habit: Habit, now_ms: int) -> None:
        answer = answer_to(entry.text, habit, self._dice, entry.reference)
        if answer is not None:
            after_ms, text = answer
            self._book.intend(entry.number, now_ms + after_ms, text)

    def _act(self, intent_id: int, number: str, text: str) -> None:
        self._book.done(intent_id)
        self._book.read(number, self._clock.now_ms())
        with contextlib.suppress(HandsetOffError):
            self.send_from(number, text)

    async def _bring(self, entries: list[Entry]) -> None:
        """Villagers' texts, to the first line that listens; kept until it has said that they are safe."""
        if self._down is not None or not self._sinks:
            for entry in entries:
                self._book.put_off(entry, self._clock.now_ms() + _AGAIN_MS)
            return
        sink = next(iter(self._sinks.values()))
        # all at once, as they come from the air; each task hands over before it first waits, so their order is kept
        await asyncio.gather(*(self._bring_one(sink, entry) for entry in entries))

    async def _bring_one(self, sink: Sink, entry: Entry) -> None:
        inbound = Inbound(entry.number, entry.text, entry.at_ms)
        try:
            await sink.received(inbound)
            if self._dice.hits(self.faults.duplicate, "inbound twice", entry.number, entry.at_ms, entry.text):
                await sink.received(inbound)
        except Exception as raised:  # noqa: BLE001 - a carrier offers again what was not taken
            log.warning("not taken, offered again reason=%s", type(raised).__name__)
            self._book.put_off(entry, self._clock.now_ms() + _AGAIN_MS)
            return
        self._book.handed_over(entry)
        self._changed(entry.number)

    async def _report(self, entries: list[Entry]) -> None:
        if self._down is not None:
            return
        for entry in entries:
            if entry.line not in self._sinks:
                self._book.reported(entry, self._clock.now_ms() + _AGAIN_MS)
        await asyncio.gather(*(self._report_one(entry) for entry in entries if entry.line in self._sinks))

    async def _report_one(self, entry: Entry) -> None:
        sink = self._sinks[entry.line]
        said = State.DELIVERED if entry.state == "delivered" else State.FAILED
        report = Report(self._carrier_ref(entry.id), said, entry.at_ms, entry.trouble)
        try:
            await sink.report(report)
            if self._dice.hits(self.faults.duplicate, "report twice", entry.reference):
                await sink.report(replace(report, said=State.ACCEPTED, trouble=None))
                await sink.report(report)
            if said == State.DELIVERED and self._dice.hits(self.faults.wrong_order, "takes it back", entry.reference):
                await sink.report(replace(report, said=State.FAILED, trouble=Trouble.NO_SIGNAL))
                await sink.report(replace(report, said=State.ACCEPTED))
        except Exception as raised:  # noqa: BLE001 - a carrier says again what was not heard
            log.info("not heard, said again reason=%s", type(raised).__name__)
            self._book.reported(entry, self._clock.now_ms() + _AGAIN_MS)
            return
        self._book.reported(entry)
