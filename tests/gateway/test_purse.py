"""A month's budget: what is paid for, what stops, what goes on all the same."""

from __future__ import annotations

import sqlite3

import pytest

from gateway import money_store, tries_store
from gateway.choosing import Line
from gateway.failures import OutcomeUnknownError, RejectedError, TransportDownError, Trouble
from gateway.message import Priority, State
from gateway.purse import Spending
from gateway.shift_store import shift_times
from gateway.transport import Accepted, Fate
from tests.gateway.conftest import LI, WANG, ZHAO, Rig, call_draft, draft
from tests.gateway.test_lanes import HandCarrier
from village.ground.clock import MovableClock, parse_iso


async def spending(rig: Rig, place: int = 0) -> Spending:
    return (await rig.db.read(rig.gateway.spending))[place]


async def test_what_was_taken_or_may_have_been_is_paid_and_nothing_else(rig: Rig) -> None:
    hand = HandCarrier(name="hand")
    await rig.start(sms=[hand], lines={"hand": Line(price_fen=10)})
    taken, long, doubtful, dead, down = await rig.send_all(
        [draft(WANG), draft(LI, "长" * 150), draft(ZHAO), draft("+8619900000010"), draft("+8619900000011")]
    )
    await rig.let_pass(500)
    hand.accept(taken, long)
    hand.fail(doubtful, OutcomeUnknownError(Trouble.TIMEOUT))
    hand.fail(dead, RejectedError(Trouble.DEAD_NUMBER, "1"))
    hand.fail(down, TransportDownError(Trouble.NO_CREDIT))
    await rig.let_pass(1000)
    paid = await spending(rig)
    assert (paid.parts, paid.fen) == (1 + 3 + 1, 50)


async def test_the_budget_is_a_hard_stop_that_only_an_emergency_breaks(rig: Rig) -> None:
    hand = HandCarrier(window=4, name="hand")
    await rig.start(sms=[hand], lines={"hand": Line(price_fen=10, month_fen=30)})
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(6)])
    await rig.let_pass(500)
    assert len(hand.asked) == 3
    hand.accept()
    await rig.let_pass(60_000, step_ms=5000)
    assert await rig.states() == {"accepted": 3, "queued": 3}
    assert rig.gateway.lanes()[0].broke
    assert (await spending(rig)).left_fen == 0
    alarm = await rig.send(LI, priority=Priority.EMERGENCY)
    await rig.let_pass(500)
    assert list(hand.asked) == [alarm]
    hand.accept()
    await rig.until(rig.reaches(alarm, "accepted"))
    assert (await spending(rig)).fen == 40


async def test_a_new_month_goes_on_where_the_old_one_stopped(rig: Rig, clock: MovableClock) -> None:
    clock.step_wall(parse_iso("2026-11-30T15:59:00Z") - clock.now_ms())
    hand = HandCarrier(name="hand")
    await rig.start(sms=[hand], lines={"hand": Line(price_fen=10, month_fen=10)})
    first, second = await rig.send_all([draft(WANG), draft(LI)])
    await rig.let_pass(500)
    hand.accept(first)
    await rig.let_pass(30_000, step_ms=5000)
    assert await rig.state(second) == "queued"
    await rig.until(lambda: hand.asked, within_ms=300_000, step_ms=5000)  # past midnight in Beijing
    hand.accept(second)
    await rig.until(rig.reaches(second, "accepted"))
    assert (await spending(rig)).month == "2026-12"


async def test_a_clock_that_fell_back_to_1970_brings_no_fresh_budget(rig: Rig, clock: MovableClock) -> None:
    hand = HandCarrier(name="hand")
    lines = {"hand": Line(price_fen=10, month_fen=10)}
    await rig.start(sms=[hand], lines=lines)
    first, second = await rig.send_all([draft(WANG), draft(LI)])
    await rig.let_pass(500)
    hand.accept(first)
    await rig.until(rig.reaches(first, "accepted"))
    await rig.crash()
    clock.step_wall(-clock.now_ms())
    clock.set_trusted(False)
    await rig.start(sms=[hand], lines=lines)
    await rig.let_pass(120_000, step_ms=5000)
    assert await rig.state(second) == "queued"
    assert rig.gateway.lanes()[0].broke


async def test_what_a_power_cut_left_under_way_is_paid(rig: Rig) -> None:
    hand = HandCarrier(name="hand")
    lines = {"hand": Line(price_fen=10)}
    await rig.start(sms=[hand], lines=lines)
    await rig.send(WANG, "长" * 100)
    await rig.let_pass(500)
    await rig.crash()
    await rig.start(sms=[HandCarrier(name="hand")], lines=lines)
    assert (await spending(rig)).fen == 20


async def test_a_call_is_paid_by_the_started_minute(rig: Rig) -> None:
    await rig.start(sms=[], lines={"simulator-calls": Line(price_fen=15)})
    (call,) = await rig.send_all([call_draft(WANG)])
    await rig.until(lambda: rig.gateway.lanes()[0].in_flight)
    await rig.let_pass(2000)
    rig.carrier.answer(WANG)
    await rig.until(rig.reaches(call, "delivered"))
    await rig.let_pass(5000)
    paid = await spending(rig)
    assert (paid.parts, paid.fen) == (1, 15)


async def test_what_was_only_reserved_opens_the_budget_again(rig: Rig) -> None:
    hand = HandCarrier(window=4, name="hand")
    await rig.start(sms=[hand], lines={"hand": Line(price_fen=10, month_fen=30)})
    ids = await rig.send_all([draft(f"+861990000{n:04d}") for n in range(4)])
    await rig.let_pass(1000)
    assert not rig.gateway.lanes()[0].broke  # nothing is spent yet
    assert ids[3] not in hand.asked
    for message in ids[:3]:
        hand.fail(message, RejectedError(Trouble.DEAD_NUMBER, "1"))
    await rig.until(lambda: list(hand.asked) == [ids[3]], step_ms=1000)


async def test_what_was_reserved_and_then_spent_closes_the_budget(rig: Rig) -> None:
    hand = HandCarrier(window=4, name="hand")
    await rig.start(sms=[hand], lines={"hand": Line(price_fen=10, month_fen=30)})
    ids = await rig.send_all([draft(f"+861990000{n:04d}") for n in range(4)])
    await rig.let_pass(1000)
    hand.accept(*ids[:3])
    await rig.until(lambda: rig.gateway.lanes()[0].broke)
    assert ids[3] not in hand.asked


async def test_a_call_the_power_cut_ended_is_not_paid_until_we_are_back(rig: Rig, clock: MovableClock) -> None:
    lines = {"simulator-calls": Line(price_fen=15)}
    await rig.start(sms=[], lines=lines)
    await rig.send_all([call_draft(WANG)])
    await rig.until(lambda: rig.gateway.lanes()[0].in_flight)
    await rig.let_pass(2000)
    rig.carrier.answer(WANG)
    await rig.let_pass(3000)
    await rig.crash()
    clock.step_wall(12 * 3_600_000)
    await rig.start(sms=[], lines=lines)
    assert (await spending(rig)).parts <= 2


async def test_what_the_carrier_never_saw_is_given_back(rig: Rig) -> None:
    line = {"simulator": Line(price_fen=10)}
    await rig.start(lines=line)
    hung = HandCarrier(name="simulator")
    await rig.crash()
    await rig.start(sms=[hung], lines=line)
    message = await rig.send(WANG)
    await rig.until(lambda: hung.asked)
    await rig.crash()  # under way, and the carrier has never seen it
    await rig.start(lines=line)
    await rig.until(rig.reaches(message, "delivered"), within_ms=600_000, step_ms=1000)
    assert (await spending(rig)).fen == 10


WITH_POSTSCRIPT = {"hand": Line(price_fen=10, postscript="(请回到88001234)")}


async def test_what_a_power_cut_left_under_way_is_paid_as_it_was_sent(rig: Rig) -> None:
    hand = HandCarrier(name="hand")
    await rig.start(sms=[hand], lines=WITH_POSTSCRIPT)
    await rig.send(WANG, "长" * 65)
    await rig.until(lambda: hand.asked)
    assert hand.parcels[0].parts == 2  # one alone, two with what was put after it
    await rig.crash()
    await rig.start(sms=[HandCarrier(name="hand")], lines=WITH_POSTSCRIPT)
    paid = await spending(rig)
    assert (paid.parts, paid.fen) == (2, 20)


async def test_what_the_carrier_never_saw_is_given_back_as_it_was_paid(rig: Rig) -> None:
    lines = {"simulator": WITH_POSTSCRIPT["hand"]}
    hung = HandCarrier(name="simulator")
    await rig.start(sms=[hung], lines=lines)
    message = await rig.send(WANG, "长" * 65)
    await rig.until(lambda: hung.asked)
    hung.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(message, "unknown"))
    await rig.crash()
    await rig.start(lines=lines)  # the carrier, asked, has never seen it
    await rig.until(rig.reaches(message, "delivered"), within_ms=600_000, step_ms=1000)
    paid = await spending(rig)
    assert (paid.parts, paid.fen) == (2, 20)


async def test_a_try_without_the_postscript_forgets_the_one_with_it(rig: Rig) -> None:
    wordy, plain = HandCarrier(name="wordy"), HandCarrier(name="plain")
    lines = {"wordy": Line(price_fen=10, postscript="(请回到88001234)"), "plain": Line(price_fen=10)}
    await rig.start(sms=[wordy], lines=lines)
    message = await rig.send(WANG, "长" * 65)
    await rig.until(lambda: wordy.asked)
    wordy.fail(message, TransportDownError(Trouble.NO_SIGNAL))
    await rig.let_pass(500)
    await rig.crash()
    await rig.start(sms=[plain], lines=lines)
    await rig.until(lambda: plain.asked)
    await rig.crash()
    await rig.start(sms=[HandCarrier(name="plain")], lines=lines)
    assert (await spending(rig)).parts == 1


# a clock that guesses


MODEST = {"hand": Line(price_fen=10, month_fen=30)}
PLENTY = {"hand": Line(price_fen=10)}
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


async def paid_by_month(rig: Rig) -> dict[str, int]:
    return dict(await rig.db.read(lambda tx: tx.execute("SELECT month, sum(fen) FROM spent GROUP BY month").fetchall()))


async def put_right(rig: Rig, clock: MovableClock, since_ms: int, step_ms: int) -> None:
    """As the village's timekeeper does it: clock and stamps in one unit."""

    def unit(tx: sqlite3.Connection) -> None:
        clock.step_wall(step_ms)
        clock.set_trusted(True)
        shift_times(tx, since_ms, step_ms)

    await rig.db.write(unit)


async def guess(rig: Rig, clock: MovableClock, shown: str, hand: HandCarrier) -> int:
    """A start without the network; returns since when time is guessed."""
    await rig.crash()
    clock.step_wall(parse_iso(shown) - clock.now_ms())
    clock.set_trusted(False)
    since_ms = clock.now_ms()
    await rig.start(sms=[hand], lines=MODEST)
    return since_ms


async def send_one(rig: Rig, hand: HandCarrier, to: str = WANG) -> int:
    message = await rig.send(to)
    await rig.until(lambda: message in hand.asked)
    hand.accept(message)
    await rig.until(rig.reaches(message, "accepted"))
    return message


async def test_money_spent_before_the_time_was_known_counts_in_the_month_it_was_spent(
    rig: Rig, clock: MovableClock
) -> None:
    hand = HandCarrier(name="hand")
    since_ms = await guess(rig, clock, "1970-01-01T00:01:00Z", hand)
    for to in (WANG, LI):
        await send_one(rig, hand, to)
    assert (await spending(rig)).fen == 20
    await put_right(rig, clock, since_ms, parse_iso("2026-12-05T00:00:00Z") - since_ms)
    assert await paid_by_month(rig) == {"2026-12": 20}
    paid = await spending(rig)
    assert (paid.month, paid.parts, paid.left_fen) == ("2026-12", 2, 10)
    await send_one(rig, hand)
    last = await rig.send(ZHAO)
    await rig.let_pass(HOUR_MS, step_ms=60_000)
    assert (await rig.state(last), rig.gateway.lanes()[0].broke) == ("queued", True)


async def test_a_guess_some_hours_off_puts_each_payment_on_its_own_side_of_the_months_end(
    rig: Rig, clock: MovableClock
) -> None:
    hand = HandCarrier(name="hand")
    since_ms = await guess(rig, clock, "2026-11-30T18:00:00+08:00", hand)
    await send_one(rig, hand)
    await rig.let_pass(4 * HOUR_MS, step_ms=600_000)
    await send_one(rig, hand, LI)
    await rig.let_pass(4 * HOUR_MS, step_ms=600_000)  # December, says the guess
    await send_one(rig, hand, ZHAO)
    await put_right(rig, clock, since_ms, 3 * HOUR_MS)
    assert await paid_by_month(rig) == {"2026-11": 10, "2026-12": 20}
    await rig.crash()


async def test_a_guess_that_ran_ahead_gives_the_money_back_to_the_month_before(rig: Rig, clock: MovableClock) -> None:
    hand = HandCarrier(name="hand")
    since_ms = await guess(rig, clock, "2026-12-01T02:00:00+08:00", hand)
    await send_one(rig, hand)
    await put_right(rig, clock, since_ms, -5 * HOUR_MS)
    assert await paid_by_month(rig) == {"2026-11": 10}


@pytest.mark.parametrize("shown", ["2026-11-30T22:00:00+08:00", "2026-12-01T02:00:00+08:00"])
async def test_a_months_end_that_only_a_guess_has_passed_brings_no_fresh_budget(
    rig: Rig, clock: MovableClock, shown: str
) -> None:
    hand = HandCarrier(name="hand")
    clock.step_wall(parse_iso("2026-11-30T21:00:00+08:00") - clock.now_ms())
    await rig.start(sms=[hand], lines=MODEST)
    for to in (WANG, LI):
        await send_one(rig, hand, to)
    since_ms = await guess(rig, clock, shown, hand)
    await send_one(rig, hand, ZHAO)
    over = await rig.send(WANG)
    await rig.let_pass(6 * HOUR_MS, step_ms=600_000)
    assert await rig.state(over) == "queued"
    assert rig.gateway.lanes()[0].broke
    await put_right(rig, clock, since_ms, parse_iso("2026-12-01T09:00:00+08:00") - clock.now_ms())
    await rig.until(lambda: over in hand.asked, step_ms=5000)  # in December there is money again
    hand.accept(over)
    await rig.until(rig.reaches(over, "accepted"))


async def test_a_village_that_never_knows_the_time_has_its_budget_every_thirty_one_days(
    rig: Rig, clock: MovableClock
) -> None:
    hand = HandCarrier(name="hand")
    await guess(rig, clock, "2026-11-10T08:00:00+08:00", hand)
    for to in (WANG, LI, ZHAO):
        await send_one(rig, hand, to)
    late = await rig.send(WANG, expires_ms=clock.now_ms() + 90 * DAY_MS)
    await rig.let_pass(30 * DAY_MS, step_ms=HOUR_MS)
    assert await rig.state(late) == "queued"
    await rig.until(lambda: late in hand.asked, within_ms=2 * DAY_MS, step_ms=120_000)
    hand.accept(late)


async def test_money_of_a_guess_nobody_can_put_right_any_more_counts_now(rig: Rig, clock: MovableClock) -> None:
    hand = HandCarrier(name="hand")
    await guess(rig, clock, "2026-11-10T08:00:00+08:00", hand)
    await send_one(rig, hand)
    await rig.crash()
    clock.step_wall(parse_iso("2027-03-05T08:00:00+08:00") - clock.now_ms())
    clock.set_trusted(True)
    await rig.start(sms=[hand], lines=MODEST)
    assert await paid_by_month(rig) == {"2027-03": 10}
    assert (await spending(rig)).left_fen == 20


async def test_what_was_never_sent_goes_back_to_the_month_it_was_paid_in(rig: Rig, clock: MovableClock) -> None:
    clock.step_wall(parse_iso("2026-11-30T23:50:00+08:00") - clock.now_ms())
    hung = HandCarrier(name="simulator")
    lines = {"simulator": Line(price_fen=10)}
    await rig.start(sms=[hung], lines=lines)
    message = await rig.send(WANG)
    await rig.until(lambda: hung.asked)
    hung.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(message, "unknown"))
    await rig.crash()
    await clock.advance(HOUR_MS)
    await rig.start(lines=lines)
    await rig.until(rig.reaches(message, "delivered"), within_ms=600_000, step_ms=1000)
    assert await paid_by_month(rig) == {"2026-11": 0, "2026-12": 10}


async def test_what_was_never_sent_is_given_back_while_the_time_is_still_guessed(rig: Rig, clock: MovableClock) -> None:
    hung = HandCarrier(name="simulator")
    await rig.crash()
    clock.set_trusted(False)
    lines = {"simulator": Line(price_fen=10, month_fen=10)}
    await rig.start(sms=[hung], lines=lines)
    message = await rig.send(WANG)
    await rig.until(lambda: hung.asked)
    hung.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(message, "unknown"))
    await rig.crash()
    await rig.start(lines=lines)
    await rig.until(rig.reaches(message, "delivered"), within_ms=600_000, step_ms=1000)
    assert (await spending(rig)).fen == 10


class Forgetful(HandCarrier):
    """Echoes our own reference, so that nothing of it stands in `taken`; asked, it has never seen anything."""

    away = True

    async def ask(self, reference: str, began_ms: int) -> Fate:
        if self.away:
            raise TransportDownError(Trouble.UNPLUGGED)
        return Fate(State.QUEUED)

    def take(self, message_id: int) -> None:
        newest = [parcel for parcel in self.parcels if parcel.message_id == message_id][-1]
        self.asked[message_id].set_result(Accepted(newest.reference))


async def test_money_of_a_guess_filed_for_good_is_given_back_from_the_month_it_was_filed_in(
    rig: Rig, clock: MovableClock
) -> None:
    """November really cost something; the guess was November too, and was filed as December."""
    clock.step_wall(parse_iso("2026-11-20T08:00:00+08:00") - clock.now_ms())
    await rig.start(sms=[first := Forgetful(name="hand")], lines=PLENTY)
    for to in (WANG, LI):
        await send_one(rig, first, to)
    hand = Forgetful(name="hand")
    await rig.crash()
    clock.step_wall(parse_iso("2026-11-28T08:00:00+08:00") - clock.now_ms())
    clock.set_trusted(False)
    await rig.start(sms=[hand], lines=PLENTY)
    message = await rig.send(ZHAO)
    await rig.until(lambda: message in hand.asked)
    hand.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(message, "unknown"))
    await rig.crash()
    clock.step_wall(parse_iso("2026-12-05T08:00:00+08:00") - clock.now_ms())
    clock.set_trusted(True)
    after = Forgetful(name="hand")
    await rig.start(sms=[after], lines=PLENTY)
    assert await paid_by_month(rig) == {"2026-11": 20, "2026-12": 10}
    after.away = False
    await rig.until(lambda: message in after.asked, within_ms=HOUR_MS, step_ms=5000)
    assert await paid_by_month(rig) == {"2026-11": 20, "2026-12": 0}


async def test_an_echoing_carriers_try_that_was_never_reported_goes_back_to_its_own_month(
    rig: Rig, clock: MovableClock
) -> None:
    clock.step_wall(parse_iso("2026-11-30T20:00:00+08:00") - clock.now_ms())
    hand = Forgetful(name="hand")
    await rig.start(sms=[hand], lines=PLENTY)
    message = await rig.send(WANG, expires_ms=clock.now_ms() + 30 * DAY_MS)
    await rig.until(lambda: message in hand.asked)
    hand.take(message)
    await rig.until(rig.reaches(message, "unknown"), within_ms=80 * HOUR_MS, step_ms=HOUR_MS // 4)
    assert await paid_by_month(rig) == {"2026-11": 10}
    hand.away = False
    await rig.until(lambda: message in hand.asked, within_ms=3 * HOUR_MS, step_ms=10_000)
    assert await paid_by_month(rig) == {"2026-11": 0}


async def test_no_more_is_given_back_than_was_paid(rig: Rig) -> None:
    hand = Forgetful(name="hand")
    await rig.start(sms=[hand], lines={"hand": Line(price_fen=4)})
    message = await rig.send(WANG)
    await rig.until(lambda: message in hand.asked)
    hand.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(message, "unknown"))
    await rig.crash()
    dearer = Forgetful(name="hand")
    dearer.away = False
    await rig.start(sms=[dearer], lines=PLENTY)
    await rig.until(lambda: message in dearer.asked, within_ms=HOUR_MS, step_ms=5000)
    assert list((await paid_by_month(rig)).values()) == [0]


async def test_a_clock_put_right_moves_what_was_filed_with_the_try_it_paid_for(rig: Rig, clock: MovableClock) -> None:
    """Filed as of the third, and then the clock is put right by a day after all."""

    def unit(tx: sqlite3.Connection) -> dict[str, int]:
        lane_id = tries_store.lane(tx, "hand")
        money_store.add_guessed(tx, lane_id, 5_000, 1, 10)
        money_store.file_rest(tx, "2027-03")
        shift_times(tx, 0, DAY_MS)
        money_store.take_back(tx, lane_id, 5_000 + DAY_MS, 1, 10)
        return dict(tx.execute("SELECT month, fen FROM spent").fetchall())

    assert await rig.db.write(unit) == {"2027-03": 0}


async def test_where_guessed_money_was_filed_is_forgotten_after_two_months(rig: Rig) -> None:
    def unit(tx: sqlite3.Connection) -> list[str]:
        lane_id = tries_store.lane(tx, "hand")
        for at_ms, month in ((1, "2026-11"), (2, "2026-12"), (3, "2027-01")):
            money_store.add_guessed(tx, lane_id, at_ms, 1, 10)
            money_store.file_rest(tx, month)
        return [row[0] for row in tx.execute("SELECT month FROM spent_filed ORDER BY month")]

    assert await rig.db.write(unit) == ["2026-12", "2027-01"]


async def test_the_newest_try_is_found_without_reading_a_table_through(rig: Rig) -> None:
    def unit(tx: sqlite3.Connection) -> list[str]:
        asked: list[str] = []
        lane_id = tries_store.lane(tx, "hand")
        message = tx.execute("SELECT max(id) FROM message").fetchone()[0]
        tx.execute("UPDATE message SET lane_id = :lane", {"lane": lane_id})
        tx.set_trace_callback(asked.append)
        money_store.newest_try(tx, message)
        tx.set_trace_callback(None)
        return [row[3] for text in asked for row in tx.execute(f"EXPLAIN QUERY PLAN {text}")]

    await rig.send(WANG)
    steps = await rig.db.write(unit)
    assert steps
    assert not [step for step in steps if step.startswith("SCAN") and "CONSTANT" not in step]
