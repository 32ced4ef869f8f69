"""Facts about power cuts: what was claimed is unknown, asked about, and never sent twice by us."""

from __future__ import annotations

import asyncio
import random

import pytest

from gateway.failures import OutcomeUnknownError, Trouble
from gateway.message import Priority
from gateway.shift_store import shift_times
from gateway.simulated.handset import Faults
from gateway.transport import Fate
from gateway.transports.simulator import SimulatorSms
from tests.gateway.conftest import LI, WANG, Rig, draft
from tests.gateway.test_lanes import HandCarrier


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Faults:
    return getattr(request, "param", Faults())


async def test_cut_off_between_claim_and_answer_it_is_unknown(rig: Rig) -> None:
    hand = HandCarrier(window=1)
    await rig.start(sms=[hand])
    first, second = await rig.send_all([draft(WANG), draft(LI)])
    await rig.let_pass(500)
    await rig.crash()
    assert await rig.state(first) == "sending"
    after = HandCarrier(window=1)
    assert await rig.start(sms=[after]) == 1
    await rig.let_pass(3_600_000, step_ms=60_000)
    assert await rig.state(first) == "unknown"
    assert (await rig.row(first))["error"] == "interrupted"
    assert [parcel.message_id for parcel in after.parcels] == [second, *([second] * (len(after.parcels) - 1))]


async def test_at_most_a_window_is_unknown_after_a_crash(rig: Rig) -> None:
    hand = HandCarrier(window=7)
    await rig.start(sms=[hand])
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(30)])
    await rig.let_pass(500)
    await rig.crash()
    assert await rig.start(sms=[]) == 7
    assert await rig.states() == {"unknown": 7, "queued": 23}


async def test_a_carrier_that_has_it_settles_the_doubt_and_nothing_is_sent_again(rig: Rig) -> None:
    await rig.start()
    message = await rig.send()
    await rig.until(lambda: rig.texts_on(WANG), step_ms=20)
    await rig.crash()
    await rig.start()
    await rig.until(rig.reaches(message, "delivered"))
    await rig.let_pass(60_000)
    assert len(rig.texts_on(WANG)) == 1


@pytest.mark.parametrize("faults", [Faults(wrong_order=1.0, lose_report=1.0)], indirect=True)
async def test_a_clock_put_right_meanwhile_does_not_make_the_carrier_forget_it(rig: Rig) -> None:
    await rig.start()
    message = await rig.send()
    await rig.until(lambda: rig.texts_on(WANG), step_ms=20)
    await rig.crash()
    await rig.db.write(lambda tx: shift_times(tx, 0, 3_600_000))
    await rig.start()
    await rig.until(rig.reaches(message, "delivered"))
    await rig.let_pass(60_000)
    assert len(rig.texts_on(WANG)) == 1


class Noting(HandCarrier):
    """Remembers what it was asked about, and cannot say."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[tuple[str, int]] = []

    async def ask(self, reference: str, began_ms: int) -> Fate:
        self.questions.append((reference, began_ms))
        raise OutcomeUnknownError(Trouble.NO_REPORT)


async def test_a_carrier_is_told_when_the_try_began_by_the_clock_as_it_goes_now(rig: Rig) -> None:
    """The message was queued an hour before its try, both by a clock that was a day off; our reference stays."""
    day_ms, hour_ms = 86_400_000, 3_600_000
    hand = HandCarrier()
    queued_ms = rig.clock.now_ms()
    await rig.start(sms=[hand])
    (message,) = await rig.send_all([draft(WANG, not_before_ms=queued_ms + hour_ms)])
    await rig.until(lambda: hand.asked, within_ms=2 * hour_ms, step_ms=10_000)
    began_ms, reference = rig.clock.now_ms(), hand.parcels[0].reference
    assert began_ms >= queued_ms + hour_ms
    await rig.let_pass(30_000)
    await rig.crash()
    await rig.db.write(lambda tx: shift_times(tx, 0, day_ms))
    rig.clock.step_wall(day_ms)
    after = Noting()
    await rig.start(sms=[after])
    await rig.until(lambda: after.questions)
    (asked, told_ms), *_ = after.questions
    assert asked == reference
    assert 0 <= began_ms + day_ms - told_ms <= 10_000
    assert await rig.state(message) == "unknown"


async def test_of_a_try_that_was_taken_and_never_reported_it_is_told_when_the_message_was_queued(rig: Rig) -> None:
    hand = Noting()
    queued_ms = rig.clock.now_ms()
    await rig.start(sms=[hand])
    message = await rig.send()
    await rig.until(lambda: hand.asked)
    hand.accept()
    await rig.until(rig.reaches(message, "unknown"), within_ms=80 * 3_600_000, step_ms=600_000)
    await rig.until(lambda: hand.questions)
    assert 0 <= hand.questions[0][1] - queued_ms <= 1_000


async def test_a_carrier_that_never_saw_it_settles_the_doubt_and_it_is_sent(rig: Rig) -> None:
    await rig.start()
    message = await rig.send()
    await rig.until(rig.reaches(message, "sending"), step_ms=5)
    await rig.crash()
    await rig.start()
    await rig.until(rig.reaches(message, "delivered"))
    assert len(rig.texts_on(WANG)) == 1
    assert [m.after for m in rig.recorder.moves] == ["unknown", "accepted", "delivered"]


async def test_stopped_and_cut_off_it_is_withdrawn_where_the_carrier_never_saw_it(rig: Rig) -> None:
    await rig.start()
    message = await rig.send()
    await rig.until(rig.reaches(message, "sending"), step_ms=5)
    await rig.db.write(lambda tx: rig.gateway.outbox.withdraw(tx, [message]))
    await rig.crash()
    await rig.start()
    await rig.until(rig.reaches(message, "withdrawn"))
    assert rig.texts_on(WANG) == []


async def test_a_doubtful_emergency_goes_again_where_nobody_can_be_asked(rig: Rig) -> None:
    await rig.start(sms=[HandCarrier(window=2)])
    alarm, notice = await rig.send_all([draft(WANG, priority=Priority.EMERGENCY), draft(LI)])
    await rig.let_pass(500)
    await rig.crash()
    after = HandCarrier(window=2)
    await rig.start(sms=[after])
    await rig.until(lambda: after.asked)
    assert [parcel.message_id for parcel in after.parcels] == [alarm]
    assert await rig.state(notice) == "unknown"


async def test_a_doubtful_emergency_of_a_transport_that_is_gone_takes_another_way(rig: Rig) -> None:
    await rig.start(sms=[HandCarrier(name="modem")])
    alarm = await rig.send(priority=Priority.EMERGENCY)
    await rig.let_pass(500)
    await rig.crash()
    other = HandCarrier(name="other")
    await rig.start(sms=[other])
    await rig.until(lambda: other.asked)
    assert list(other.asked) == [alarm]


async def test_stopped_while_the_carrier_is_being_asked_it_is_not_sent_again(rig: Rig) -> None:
    class Slow(SimulatorSms):
        asked, answer = asyncio.Event(), asyncio.Event()

        async def ask(self, our_reference: str, began_ms: int) -> Fate:
            self.asked.set()
            await self.answer.wait()
            return await super().ask(our_reference, began_ms)

    await rig.start()
    message = await rig.send()
    await rig.until(rig.reaches(message, "sending"), step_ms=5)
    await rig.crash()
    await rig.start(sms=[Slow(rig.carrier)])
    await asyncio.wait_for(Slow.asked.wait(), 5)
    await rig.db.write(lambda tx: rig.gateway.outbox.withdraw(tx, [message]))
    Slow.answer.set()
    await rig.until(rig.reaches(message, "withdrawn"), within_ms=60_000)
    assert rig.texts_on(WANG) == []


async def test_the_carriers_report_after_the_crash_settles_it_too(rig: Rig) -> None:
    await rig.start()
    message = await rig.send()
    await rig.until(rig.reaches(message, "accepted"), step_ms=50)
    await rig.crash()
    await rig.start()
    await rig.until(rig.reaches(message, "delivered"))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "faults", [Faults(congest=0.1, duplicate=0.2, lose_report=0.1, hang=0.05, reorder_ms=3000)], indirect=True
)
async def test_cut_off_at_any_moment_nothing_is_lost_and_no_ordinary_message_goes_twice(rig: Rig, seed: int) -> None:
    chance = random.Random(seed)
    numbers = [f"+861990000{n:04d}" for n in range(24)]
    for number in numbers:
        rig.carrier.add(number)
    sms = SimulatorSms(rig.carrier, window=chance.choice([1, 4, 16]), timeout_ms=5000)
    await rig.start(sms=[sms])
    await rig.send_all([draft(number, f"给{number}的通知") for number in numbers])
    for _ in range(chance.randint(2, 5)):
        for _ in range(chance.randint(0, 12)):
            await rig.clock.advance(chance.randint(1, 200))
            if chance.random() < 0.7:
                await rig.settled()
        await rig.crash()
        await rig.start(sms=[sms])
    await rig.until(rig.all_are("delivered", "accepted"), within_ms=6 * 3_600_000, step_ms=3000)
    await rig.let_pass(60_000, step_ms=5000)
    for number in numbers:
        assert rig.texts_on(number) == [f"给{number}的通知"]
