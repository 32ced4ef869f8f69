"""The simulated carrier keeps the transports' contract, and behaves like a carrier."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.failures import TransportDownError, Trouble
from gateway.message import State
from gateway.simulated.carrier import BALANCE_CODE, Carrier
from gateway.simulated.handset import Faults, Habit, HandsetOffError, NoCallError, Rule
from gateway.transports.simulator import SimulatorSms
from tests.gateway.conftest import LI, QUICK, WANG, ZHAO
from tests.gateway.sms_contract import CarrierRig, Ear, SmsTransportContract, parcel
from village.ground.clock import MovableClock

pytestmark = pytest.mark.asyncio


class SimulatorRig:
    def __init__(self, carrier: Carrier, clock: MovableClock) -> None:
        self.carrier = carrier
        self.clock = clock
        self.transport = SimulatorSms(carrier)
        self.number, self.dead_number, self.busy_number = WANG, LI, ZHAO
        for number in (WANG, LI, ZHAO):
            carrier.add(number)
        carrier.set_rule(LI, Rule(dead=True))
        carrier.set_rule(ZHAO, Rule(retry_first=1))

    async def until(self, reached: Callable[[], object]) -> None:
        for _ in range(2000):
            if reached():
                return
            await self.clock.advance(100)
        pytest.fail("it never came to that")

    def texts_on(self, number: str) -> list[str]:
        return [note.text for note in self.carrier.thread(number) if not note.mine]

    def villager_sends(self, number: str, text: str) -> None:
        self.carrier.send_from(number, text)

    def take_down(self) -> None:
        self.carrier.set_down(Trouble.NO_SIGNAL)

    def bring_back(self) -> None:
        self.carrier.set_down(None)


@contextlib.asynccontextmanager
async def running(carrier: Carrier) -> AsyncIterator[Carrier]:
    air = asyncio.create_task(carrier.run())
    try:
        yield carrier
    finally:
        air.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await air
        carrier.close()


@pytest.fixture
async def carrier_rig(clock: MovableClock) -> AsyncIterator[SimulatorRig]:
    async with running(Carrier.open(None, clock, seed=7, timing=QUICK)) as carrier:
        yield SimulatorRig(carrier, clock)


class TestSimulatorKeepsTheContract(SmsTransportContract):
    @pytest.fixture
    async def carrier_rig(self, clock: MovableClock) -> AsyncIterator[CarrierRig]:
        async with running(Carrier.open(None, clock, seed=7, timing=QUICK)) as carrier:
            yield SimulatorRig(carrier, clock)


async def send(rig: SimulatorRig, number: str = WANG, message_id: int = 1, text: str = "通知。收到请回9") -> object:
    trying = asyncio.ensure_future(rig.transport.send(parcel(number, text, message_id=message_id)))
    await rig.until(trying.done)
    return trying.exception() or trying.result()


async def test_the_same_seed_gives_the_same_day(clock: MovableClock) -> None:
    async def day(seed: int) -> list[object]:
        begin_ms = clock.now_ms()
        faults = Faults(drop=0.2, congest=0.2, lose_report=0.2)
        async with running(Carrier.open(None, clock, seed=seed, timing=QUICK, faults=faults)) as carrier:
            rig = SimulatorRig(carrier, clock)
            outcomes: list[object] = [type(await send(rig, message_id=n)).__name__ for n in range(12)]
            await clock.advance(10_000)
            begin_at = [note.at_ms - begin_ms for note in carrier.thread(WANG)]
            return outcomes + begin_at

    assert await day(1) == await day(1)
    assert await day(1) != await day(2)


async def test_what_the_carrier_took_survives_our_power_cut(clock: MovableClock, tmp_path: Path) -> None:
    path = tmp_path / "carrier.db"
    async with running(Carrier.open(path, clock, timing=QUICK)) as carrier:
        rig = SimulatorRig(carrier, clock)
        carrier.set_power(WANG, False)
        await send(rig)
    async with running(Carrier.open(path, clock, timing=QUICK)) as carrier:
        rig = SimulatorRig(carrier, clock)
        assert not carrier.handset(WANG).on
        carrier.set_power(WANG, True)
        await rig.until(lambda: rig.texts_on(WANG))
        assert (await carrier.ask("1-1-abc")).said == State.DELIVERED


async def test_a_report_nobody_heard_is_said_again(carrier_rig: SimulatorRig) -> None:
    ear = Ear(refuse=2)
    listening = asyncio.create_task(carrier_rig.transport.run(ear))
    await send(carrier_rig)
    await carrier_rig.until(lambda: ear.reports)
    assert [report.said for report in ear.reports] == [State.DELIVERED]
    listening.cancel()


async def test_duplicates_come_late_and_out_of_order(carrier_rig: SimulatorRig) -> None:
    carrier_rig.carrier.faults = Faults(duplicate=1.0)
    ear = Ear()
    listening = asyncio.create_task(carrier_rig.transport.run(ear))
    await send(carrier_rig)
    carrier_rig.villager_sends(WANG, "9")
    await carrier_rig.until(lambda: len(ear.reports) == 3 and len(ear.texts) == 2)
    assert [report.said for report in ear.reports] == [State.DELIVERED, State.ACCEPTED, State.DELIVERED]
    assert ear.texts[0] == ear.texts[1]
    listening.cancel()


async def test_a_hanging_carrier_may_or_may_not_have_taken_it(clock: MovableClock) -> None:
    async with running(Carrier.open(None, clock, timing=QUICK, faults=Faults(hang=1.0))) as carrier:
        rig = SimulatorRig(carrier, clock)
        tries = [asyncio.ensure_future(rig.transport.send(parcel(WANG, message_id=n))) for n in range(20)]
        await clock.advance(60_000)
        assert not any(one.done() for one in tries)
        fates = {(await carrier.ask(f"{n}-1-abc")).said for n in range(20)}
        assert fates == {State.QUEUED, State.DELIVERED}
        for one in tries:
            one.cancel()


async def test_a_villager_with_the_habit_answers_by_himself(carrier_rig: SimulatorRig) -> None:
    carrier_rig.carrier.add(WANG, habit=Habit(confirms=1.0, reads_within_ms=60_000))
    carrier_rig.carrier.add(LI, habit=Habit(confirms=0.0))
    ear = Ear()
    listening = asyncio.create_task(carrier_rig.transport.run(ear))
    await send(carrier_rig, WANG, 1)
    await send(carrier_rig, WANG, 2, text="没有问题的通知")
    await carrier_rig.until(lambda: ear.texts)
    await carrier_rig.clock.advance(600_000)
    assert [(text.sender, text.text) for text in ear.texts] == [(WANG, "9")]
    listening.cancel()


async def test_unread_texts_are_counted_until_they_are_read(carrier_rig: SimulatorRig) -> None:
    carrier = carrier_rig.carrier
    await send(carrier_rig)
    await carrier_rig.until(lambda: carrier_rig.texts_on(WANG))
    assert carrier.handset(WANG).unread == 1
    carrier.read(WANG)
    assert carrier.handset(WANG).unread == 0
    carrier.send_from(WANG, "9")
    assert carrier.handset(WANG).unread == 0
    assert [(note.mine, note.text, note.state) for note in carrier.thread(WANG)] == [
        (False, "通知。收到请回9", "delivered"),
        (True, "9", "waiting"),
    ]


async def test_a_watch_sees_whose_picture_changed(carrier_rig: SimulatorRig) -> None:
    with carrier_rig.carrier.watch() as watch:
        await send(carrier_rig)
        await carrier_rig.until(lambda: carrier_rig.texts_on(WANG))
        assert await watch.changed() == {WANG}
        waiting = asyncio.ensure_future(watch.changed())
        await carrier_rig.clock.advance(1000)
        assert not waiting.done()
        carrier_rig.carrier.set_full(LI, True)
        assert await waiting == {LI}


async def test_a_phone_that_is_off_sends_nothing_and_one_without_signal_waits(carrier_rig: SimulatorRig) -> None:
    carrier = carrier_rig.carrier
    carrier.set_power(WANG, False)
    with pytest.raises(HandsetOffError):
        carrier.send_from(WANG, "9")
    with pytest.raises(KeyError):
        carrier.send_from("+8619911111111", "9")
    ear = Ear()
    listening = asyncio.create_task(carrier_rig.transport.run(ear))
    carrier.set_signal(LI, False)
    carrier.send_from(LI, "8", at_ms=carrier_rig.clock.now_ms() - 1)
    await carrier_rig.clock.advance(60_000)
    assert ear.texts == []
    carrier.set_signal(LI, True)
    await carrier_rig.until(lambda: ear.texts)
    listening.cancel()


async def test_keys_and_calls_need_a_call(carrier_rig: SimulatorRig) -> None:
    carrier = carrier_rig.carrier
    for act in (carrier.answer, carrier.refuse, carrier.hang_up, lambda number: carrier.press(number, "9")):
        with pytest.raises(NoCallError):
            act(WANG)


async def test_a_carrier_whose_card_is_full_goes_on_when_there_is_room(clock: MovableClock, tmp_path: Path) -> None:
    carrier = Carrier.open(tmp_path / "carrier.db", clock, timing=QUICK)
    carrier.add(WANG)
    ear = Ear()
    carrier.send_from(WANG, "9")
    book = sqlite3.connect(tmp_path / "carrier.db", timeout=0, isolation_level=None)
    carrier._book._db.execute("PRAGMA busy_timeout = 0")
    book.execute("BEGIN IMMEDIATE")  # nothing can be written, as on a full card
    air = asyncio.create_task(carrier.run())
    for _ in range(20):
        await clock.advance(1000)
    assert not air.done()
    book.execute("ROLLBACK")
    book.close()
    line = asyncio.create_task(SimulatorSms(carrier).run(ear))
    for _ in range(20):
        await clock.advance(1000)
    assert [inbound.text for inbound in ear.texts] == ["9"]
    for task in (air, line):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    carrier.close()


async def test_a_sim_pays_for_its_parts_until_it_is_empty(carrier_rig: SimulatorRig, clock: MovableClock) -> None:
    carrier, transport = carrier_rig.carrier, carrier_rig.transport
    carrier.top_up(transport.name, 30, price_fen=10)
    outcomes = []
    for n, text in enumerate(("长" * 100, "短", "短"), start=1):
        trying = asyncio.ensure_future(transport.send(parcel(WANG, text, message_id=n)))
        await carrier_rig.until(trying.done)
        outcomes.append(trying.exception())
    assert outcomes[:2] == [None, None]
    assert isinstance(outcomes[2], TransportDownError)
    assert outcomes[2].trouble == Trouble.NO_CREDIT
    asking = asyncio.ensure_future(carrier.ussd(transport.name, BALANCE_CODE))
    await carrier_rig.until(asking.done)
    assert asking.result() == "余额0.00元"
    carrier.top_up(transport.name, 1230, price_fen=10)
    asking = asyncio.ensure_future(carrier.ussd(transport.name, BALANCE_CODE))
    await carrier_rig.until(asking.done)
    assert asking.result() == "余额12.30元"


async def test_a_line_knows_its_operator_signal_and_yesterdays_balance(
    carrier_rig: SimulatorRig, clock: MovableClock
) -> None:
    carrier_rig.carrier.top_up(carrier_rig.transport.name, 1230, price_fen=10)
    listening = asyncio.create_task(carrier_rig.transport.run(Ear()))
    await carrier_rig.until(lambda: carrier_rig.transport.condition().balance_fen is not None)
    condition = carrier_rig.transport.condition()
    assert (condition.operator, condition.signal, condition.balance_fen) == ("模拟网", 80, 1230)
    assert condition.balance_said == "余额12.30元"
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


async def test_a_line_asks_again_when_it_was_topped_up_and_when_it_is_empty(
    carrier_rig: SimulatorRig, clock: MovableClock
) -> None:
    carrier, transport = carrier_rig.carrier, carrier_rig.transport
    listening = asyncio.create_task(transport.run(Ear()))
    await clock.advance(1000)
    assert transport.condition().balance_fen is None
    carrier.top_up(transport.name, 5, price_fen=10)
    await carrier_rig.until(lambda: transport.condition().balance_fen == 5)
    assert transport.condition().low
    carrier.top_up(transport.name, 1_000, price_fen=1_005)
    await carrier_rig.until(lambda: transport.condition().balance_fen == 1_005)
    assert not transport.condition().low
    for n in (1, 2, 3):
        trying = asyncio.ensure_future(transport.send(parcel(WANG, message_id=n)))
        await carrier_rig.until(trying.done)
        assert (trying.exception() is None) == (n == 1)
        await clock.advance(10_000)
        assert (transport.condition().balance_fen == 1_005) == (n < 3)
        await clock.advance(3_600_000 if n == 2 else 0)
    assert transport.condition().balance_said == "余额0.00元"
    assert transport.condition().low
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


async def test_nobody_can_ring_a_village_without_a_line(carrier_rig: SimulatorRig) -> None:
    with pytest.raises(TransportDownError):
        await carrier_rig.carrier.ring_village(WANG)


async def test_a_villager_can_ring_and_hang_up(carrier_rig: SimulatorRig) -> None:
    ear = Ear()
    listening = asyncio.create_task(carrier_rig.transport.run(ear))
    await carrier_rig.clock.advance(1000)
    await carrier_rig.carrier.ring_village(WANG)
    assert [ring.caller for ring in ear.rings] == [WANG]
    carrier_rig.carrier.set_power(WANG, False)
    with pytest.raises(HandsetOffError):
        await carrier_rig.carrier.ring_village(WANG)
    listening.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await listening


async def test_in_the_wrong_order_the_report_comes_first_and_old_news_last(clock: MovableClock) -> None:
    async with running(Carrier.open(None, clock, seed=7, timing=QUICK, faults=Faults(wrong_order=1.0))) as carrier:
        rig, ear = SimulatorRig(carrier, clock), Ear()
        listening = asyncio.create_task(rig.transport.run(ear))
        trying = asyncio.ensure_future(rig.transport.send(parcel(WANG)))
        await rig.until(lambda: len(ear.reports) == 3)
        assert not trying.done()
        assert [report.said for report in ear.reports] == [State.DELIVERED, State.FAILED, State.ACCEPTED]
        await rig.until(trying.done)
        assert trying.result().carrier_ref == ear.reports[0].carrier_ref
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
