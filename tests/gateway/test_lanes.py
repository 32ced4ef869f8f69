"""Facts about lanes: window, pace, pauses, shared commits, and a queue that may be long."""

from __future__ import annotations

import asyncio
import sqlite3
import time

import pytest

from gateway.choosing import Share
from gateway.condition import Condition
from gateway.failures import OutcomeUnknownError, RetryLaterError, TransportDownError, TransportFailure, Trouble
from gateway.housekeeping import Housekeeping
from gateway.message import Channel, Priority, State
from gateway.posting import Posting
from gateway.purse import Purse
from gateway.quiet import QuietHours
from gateway.simulated.handset import Faults
from gateway.transport import Accepted, Fate, Parcel, Report, Sink
from gateway.transports.simulator import SimulatorSms
from tests.gateway.conftest import LI, WANG, Rig, call_draft, draft
from village.ground.clock import MovableClock, parse_iso


class HandCarrier:
    """A transport whose every answer the test gives by hand."""

    reports = True

    def __init__(self, *, window: int = 64, pace_ms: int = 0, timeout_ms: int = 60_000, name: str = "hand") -> None:
        self.name = name
        self.window = window
        self.pace_ms = pace_ms
        self.timeout_ms = timeout_ms
        self.asked: dict[int, asyncio.Future[Accepted]] = {}
        self.parcels: list[Parcel] = []
        self.most = 0
        self.sink: Sink | None = None

    def condition(self) -> Condition:
        return Condition()

    async def run(self, sink: Sink) -> None:
        self.sink = sink
        await asyncio.Event().wait()

    async def send(self, parcel: Parcel) -> Accepted:
        self.parcels.append(parcel)
        answer: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self.asked[parcel.message_id] = answer
        self.most = max(self.most, len(self.asked))
        try:
            return await answer
        finally:
            del self.asked[parcel.message_id]

    async def ask(self, reference: str, began_ms: int) -> Fate:
        raise TransportDownError(Trouble.UNPLUGGED)

    def accept(self, *ids: int) -> None:
        for message_id in ids or tuple(self.asked):
            self.asked[message_id].set_result(Accepted(f"ref-{message_id}"))

    def fail(self, message_id: int, failure: TransportFailure) -> None:
        self.asked[message_id].set_exception(failure)


async def test_never_more_than_the_window_is_under_way(rig: Rig) -> None:
    hand = HandCarrier(window=3)
    await rig.start(sms=[hand])
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(10)])
    for _ in range(4):
        await rig.let_pass(1000)
        assert (await rig.states()).get("sending", 0) == len(hand.asked) <= 3
        hand.accept()
    await rig.until(rig.all_are("accepted"))
    assert hand.most == 3


async def test_the_attempt_is_on_the_disk_before_the_carrier_is_called(rig: Rig) -> None:
    seen: list[tuple[str, int]] = []

    class Looking(HandCarrier):
        async def send(self, parcel: Parcel) -> Accepted:
            with sqlite3.connect(rig.db.path) as other:
                seen.append(
                    other.execute(
                        "SELECT state, count(*) FROM message JOIN under_way ON message_id = id WHERE id = ?",
                        (parcel.message_id,),
                    ).fetchone()
                )
            other.close()
            return Accepted(parcel.reference)

    await rig.start(sms=[Looking()])
    await rig.send_all([draft(WANG), draft(LI)])
    await rig.until(rig.all_are("accepted"))
    assert seen == [("sending", 1), ("sending", 1)]


async def test_one_slow_answer_does_not_hold_up_the_others(rig: Rig) -> None:
    hand = HandCarrier(window=2)
    await rig.start(sms=[hand])
    slow, *others = await rig.send_all([draft(f"+861990000{n:04d}") for n in range(6)])
    for _ in range(5):
        await rig.let_pass(200)
        hand.accept(*(one for one in hand.asked if one != slow))
    await rig.let_pass(200)
    assert await rig.state(slow) == "sending"
    assert [await rig.state(one) for one in others] == ["accepted"] * 5


async def test_without_an_answer_it_becomes_unknown_and_is_not_sent_again(rig: Rig) -> None:
    hand = HandCarrier(timeout_ms=30_000)
    await rig.start(sms=[hand])
    message = await rig.send()
    await rig.until(rig.reaches(message, "unknown"), step_ms=1000)
    assert (await rig.row(message))["error"] == "timeout"
    await rig.let_pass(3_600_000, step_ms=60_000)
    assert len(hand.parcels) == 1
    assert rig.recorder.moves[-1].after == State.UNKNOWN


async def test_an_emergency_without_an_answer_is_sent_again(rig: Rig) -> None:
    hand = HandCarrier(timeout_ms=30_000)
    await rig.start(sms=[hand])
    message = await rig.send(priority=Priority.EMERGENCY)
    await rig.until(lambda: len(hand.parcels) == 3, step_ms=1000)
    await rig.let_pass(3_600_000, step_ms=60_000)
    assert len(hand.parcels) == 3
    assert await rig.state(message) == "unknown"
    assert len({parcel.reference for parcel in hand.parcels}) == 3


async def test_a_mistake_in_a_transport_is_an_unknown_not_a_stop(rig: Rig) -> None:
    class Wrong(HandCarrier):
        async def send(self, parcel: Parcel) -> Accepted:
            if parcel.to == WANG:
                raise KeyError(parcel.to)
            return Accepted(parcel.reference)

    await rig.start(sms=[Wrong()])
    wrong, right = await rig.send_all([draft(WANG), draft(LI)])
    await rig.until(rig.all_are("unknown", "accepted"))
    assert (await rig.state(wrong), await rig.state(right)) == ("unknown", "accepted")
    assert (await rig.row(wrong))["error"] == "other/KeyError"


async def test_while_the_link_is_down_nothing_is_claimed_and_no_try_counts(rig: Rig) -> None:
    hand = HandCarrier(window=2)
    await rig.start(sms=[hand])
    first, second = await rig.send_all([draft(WANG), draft(LI)])
    await rig.let_pass(500)
    hand.fail(first, TransportDownError(Trouble.NO_CREDIT, "21"))
    hand.fail(second, TransportDownError(Trouble.NO_CREDIT, "21"))
    await rig.let_pass(1000)
    assert await rig.states() == {"queued": 2}
    status = rig.gateway.lanes()[0]
    assert (status.up, status.trouble) == (False, Trouble.NO_CREDIT)
    # half a minute later one message looks whether the link is back
    await rig.until(lambda: hand.asked, step_ms=1000)
    assert list(hand.asked) == [first]
    hand.accept()
    await rig.until(lambda: list(hand.asked) == [second])
    hand.accept()
    await rig.until(rig.all_are("accepted"))
    assert rig.gateway.lanes()[0].up
    assert (await rig.row(first))["tries"] == 1


async def test_a_transport_that_says_up_goes_on_at_once(rig: Rig) -> None:
    hand = HandCarrier()
    await rig.start(sms=[hand])
    await rig.settled()
    assert hand.sink is not None
    hand.sink.down(Trouble.UNPLUGGED)
    message = await rig.send()
    await rig.let_pass(2000)
    assert hand.asked == {}
    hand.sink.up()
    await rig.let_pass(100)
    assert list(hand.asked) == [message]


async def test_a_paced_lane_keeps_its_pace(rig: Rig) -> None:
    hand = HandCarrier(window=5, pace_ms=1000)
    await rig.start(sms=[hand])
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(5)])
    for sent in (1, 2, 3):
        await rig.until(lambda sent=sent: len(hand.parcels) == sent, step_ms=100)
        await rig.let_pass(700, step_ms=100)
        assert len(hand.parcels) == sent


async def test_an_emergency_in_the_middle_of_a_notice_leaves_next(rig: Rig) -> None:
    hand = HandCarrier(window=1)
    await rig.start(sms=[hand])
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(10)])
    await rig.let_pass(500)
    alarm = await rig.send(priority=Priority.EMERGENCY)
    hand.accept()
    await rig.until(lambda: len(hand.parcels) == 2)
    assert hand.parcels[1].message_id == alarm


async def test_two_lanes_share_one_queue_and_no_message_goes_twice(rig: Rig) -> None:
    one, two = HandCarrier(window=4, name="one"), HandCarrier(window=4, name="two")
    await rig.start(sms=[one, two])
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(40)])
    for _ in range(20):
        await rig.let_pass(100)
        one.accept()
        two.accept()
    await rig.until(rig.all_are("accepted"))
    sent = [parcel.message_id for parcel in one.parcels + two.parcels]
    assert sorted(sent) == sorted(set(sent))
    assert one.parcels
    assert two.parcels


async def test_a_report_that_overtakes_the_answer_is_not_lost(rig: Rig) -> None:
    hand = HandCarrier(window=1)
    await rig.start(sms=[hand])
    message = await rig.send()
    await rig.let_pass(500)
    assert hand.sink is not None
    await hand.sink.report(Report(f"ref-{message}", State.DELIVERED, rig.clock.now_ms()))
    hand.accept()
    await rig.until(rig.reaches(message, "delivered"))


async def test_a_late_sent_does_not_overwrite_delivered_and_nothing_is_told_twice(rig: Rig) -> None:
    hand = HandCarrier(window=1)
    await rig.start(sms=[hand])
    message = await rig.send()
    await rig.let_pass(500)
    hand.accept()
    await rig.until(rig.reaches(message, "accepted"))
    assert hand.sink is not None
    for said in (State.DELIVERED, State.ACCEPTED, State.DELIVERED, State.FAILED):
        await hand.sink.report(Report(f"ref-{message}", said, None, Trouble.NO_SIGNAL))
    assert await rig.state(message) == "delivered"
    assert [m.after for m in rig.recorder.moves] == ["accepted", "delivered"]


async def test_a_failed_report_about_an_old_try_does_not_touch_the_new_one(rig: Rig) -> None:
    hand = HandCarrier(window=1)
    await rig.start(sms=[hand])
    message = await rig.send()
    await rig.let_pass(500)
    hand.accept()
    await rig.until(rig.reaches(message, "accepted"))
    assert hand.sink is not None
    old = Report(f"ref-{message}", State.FAILED, None, Trouble.NO_SIGNAL)
    await hand.sink.report(old)
    await hand.sink.report(old)
    assert await rig.state(message) == "queued"
    await rig.until(lambda: hand.asked, within_ms=3_600_000, step_ms=5000)
    await hand.sink.report(old)
    assert await rig.state(message) == "sending"
    hand.fail(message, RetryLaterError(Trouble.CONGESTION))
    await rig.until(rig.reaches(message, "queued"))
    # ... but that the old try arrived after all is news, and saves a second copy
    await hand.sink.report(Report(f"ref-{message}", State.DELIVERED))
    assert await rig.state(message) == "delivered"


async def test_a_carriers_own_wish_to_wait_is_kept(rig: Rig) -> None:
    hand = HandCarrier(window=1)
    await rig.start(sms=[hand])
    message = await rig.send()
    await rig.let_pass(500)
    hand.fail(message, RetryLaterError(Trouble.CONGESTION, after_ms=900_000))
    await rig.until(rig.reaches(message, "queued"))
    assert (await rig.row(message))["due_ms"] - rig.clock.now_ms() > 890_000


async def test_a_window_costs_few_commits(rig: Rig) -> None:
    """Fsyncs per message on a lane with a window of 64: one commit is one fsync."""

    class Prompt(HandCarrier):
        async def send(self, parcel: Parcel) -> Accepted:
            return Accepted(parcel.reference)

    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(640)])
    before = rig.db.commits
    await rig.start(sms=[Prompt(window=64)])
    await reached_without_commits(rig, "accepted")
    assert (rig.db.commits - before) / 640 < 0.05


async def reached_without_commits(rig: Rig, state: str) -> None:
    """Like `until`, but asks a reader only, so that it adds no commit of its own."""
    for _ in range(20_000):
        if set(await rig.states()) == {state}:
            return
        await rig.clock.advance(5)
    pytest.fail("it never came to that")


async def test_reports_that_come_together_share_commits(rig: Rig) -> None:
    class Prompt(HandCarrier):
        async def send(self, parcel: Parcel) -> Accepted:
            return Accepted(f"ref-{parcel.message_id}")

    prompt = Prompt(window=64)
    ids = await rig.send_all([draft(f"+861990000{n:04d}") for n in range(320)])
    await rig.start(sms=[prompt])
    await reached_without_commits(rig, "accepted")
    sink = prompt.sink
    assert sink is not None
    before = rig.db.commits
    told = asyncio.gather(*(sink.report(Report(f"ref-{one}", State.DELIVERED)) for one in ids))
    await reached_without_commits(rig, "delivered")
    await told
    assert (rig.db.commits - before) / 320 < 0.05


async def test_a_claim_costs_the_same_with_ten_thousand_waiting(rig: Rig) -> None:
    posting = Posting(rig.vault, rig.clock, rig.recorder, None, Purse(rig.clock, {}))

    async def claim_ms() -> float:
        """The quickest of a few, without the disk: what the query itself costs."""

        def unit(tx: sqlite3.Connection) -> float:
            begin = time.perf_counter()
            assert posting.next_due_ms(tx, Channel.SMS, "hand", Share()) == 0
            assert len(posting.claim(tx, Channel.SMS, "hand", 16, Share()).claims) == 16
            return (time.perf_counter() - begin) * 1000

        return min([await rig.db.write(unit) for _ in range(8)])

    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(200)])
    few = await claim_ms()
    await rig.send_all([draft(f"+861990000{n % 10_000:04d}", not_before_ms=n % 3) for n in range(10_000)])
    await rig.send_all([draft(WANG, not_before_ms=rig.clock.now_ms() + 10_000) for _ in range(2000)])
    many = await claim_ms()
    assert many < few * 3 + 1


async def test_a_claim_is_found_through_the_queues_index_alone(rig: Rig) -> None:
    def plans(tx: sqlite3.Connection) -> list[str]:
        statements: list[str] = []
        tx.set_trace_callback(statements.append)
        posting = Posting(rig.vault, rig.clock, rig.recorder, None, Purse(rig.clock, {}))
        posting.next_due_ms(tx, Channel.SMS, "hand", Share())
        posting.claim(tx, Channel.SMS, "hand", 16, Share())
        posting.interrupted(tx)
        Housekeeping(posting).expire(tx)
        tx.set_trace_callback(None)
        selects = [statement for statement in statements if statement.lstrip().startswith("SELECT")]
        return [row[3] for select in selects for row in tx.execute(f"EXPLAIN QUERY PLAN {select}")]

    used = await rig.db.write(plans)
    assert used
    assert not [step for step in used if "SCAN m" in step and "message_open" not in step]
    assert not [step for step in used if "TEMP B-TREE" in step]


async def test_quiet_hours_hold_back_a_notice_and_let_an_alarm_and_a_reply_pass(rig: Rig) -> None:
    await rig.clock.advance(parse_iso("2026-12-05T21:30") - rig.clock.now_ms())
    await rig.start(quiet=QuietHours())
    notice, reply, alarm = await rig.send_all(
        [draft(WANG), draft(WANG, priority=Priority.REPLY), draft(WANG, priority=Priority.EMERGENCY)]
    )
    call = (await rig.send_all([call_draft(LI)]))[0]
    await rig.until(rig.reaches(reply, "delivered"))
    await rig.until(rig.reaches(alarm, "delivered"))
    await rig.let_pass(3_600_000, step_ms=60_000)
    assert await rig.state(notice) == "queued"
    assert rig.carrier.call(LI) is None
    opens_ms = parse_iso("2026-12-06T07:00")
    await rig.let_pass(opens_ms - rig.clock.now_ms() - 1000, step_ms=600_000)
    assert await rig.state(notice) == "queued"
    await rig.until(rig.reaches(notice, "delivered"), within_ms=25 * 60_000, step_ms=5000)
    await rig.until(lambda: rig.carrier.call(LI), within_ms=25 * 60_000, step_ms=5000)
    assert await rig.state(call) == "sending"


async def test_the_morning_does_not_burst(rig: Rig) -> None:
    await rig.clock.advance(parse_iso("2026-12-05T22:00") - rig.clock.now_ms())
    await rig.start(quiet=QuietHours())
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(100)])
    await rig.let_pass(120_000, step_ms=10_000)
    await rig.let_pass(parse_iso("2026-12-06T06:59") - rig.clock.now_ms(), step_ms=600_000)
    await rig.let_pass(120_000)
    first_minute = 100 - (await rig.states())["queued"]
    assert 1 <= first_minute <= 15
    await rig.until(rig.all_are("delivered"), within_ms=25 * 60_000, step_ms=10_000)


async def test_with_a_guessed_clock_nothing_is_held_back(rig: Rig) -> None:
    await rig.clock.advance(parse_iso("2026-12-05T22:00") - rig.clock.now_ms())
    rig.clock.set_trusted(False)
    await rig.start(quiet=QuietHours())
    message = await rig.send()
    await rig.until(rig.reaches(message, "delivered"))


async def test_a_retry_that_a_wrong_clock_planned_for_another_year_goes_soon(rig: Rig, clock: MovableClock) -> None:
    clock.step_wall(5 * 365 * 86_400_000)
    hand = HandCarrier(window=1)
    await rig.start(sms=[hand])
    message = await rig.send(expires_ms=clock.now_ms() * 2)
    await rig.let_pass(500)
    hand.fail(message, RetryLaterError(Trouble.CONGESTION))
    await rig.until(rig.reaches(message, "queued"))
    clock.step_wall(-5 * 365 * 86_400_000)
    await rig.until(lambda: hand.asked, within_ms=180_000, step_ms=1000)


async def test_stop_lets_what_is_under_way_end(rig: Rig) -> None:
    hand = HandCarrier(window=1)
    await rig.start(sms=[hand], calls=[])
    first, second = await rig.send_all([draft(WANG), draft(LI)])
    await rig.let_pass(500)
    rig.gateway.stop()
    await rig.let_pass(500)
    hand.accept(first)
    await rig.let_pass(500)
    assert rig._running is not None
    await rig.until(rig._running.done)
    assert (await rig.state(first), await rig.state(second)) == ("accepted", "queued")


async def test_nothing_is_sent_that_could_not_be_written_down(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    hand = HandCarrier(window=1)
    first, second = await rig.send_all([draft(WANG), draft(LI)])
    await rig.start(sms=[hand])
    await rig.let_pass(500)
    write = rig.db.write

    async def full(unit: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(rig.db, "write", full)
    hand.accept(first)
    for _ in range(20):
        await rig.clock.advance(1000)
        await rig.db.read(lambda _: None)
    assert len(hand.parcels) == 1
    monkeypatch.setattr(rig.db, "write", write)
    await rig.until(lambda: second in hand.asked)
    assert await rig.state(first) == "accepted"


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Faults:
    return getattr(request, "param", Faults())


@pytest.mark.parametrize("faults", [Faults(congest=0.3, duplicate=0.5, reorder_ms=20_000)], indirect=True)
async def test_under_all_faults_but_silence_everything_arrives_exactly_once(rig: Rig) -> None:
    numbers = [f"+861990000{n:04d}" for n in range(60)]
    for number in numbers:
        rig.carrier.add(number)
    await rig.start(sms=[SimulatorSms(rig.carrier, window=8)])
    await rig.send_all([draft(number) for number in numbers])
    await rig.until(rig.all_are("delivered"), within_ms=4 * 3_600_000, step_ms=2000)
    assert [len(rig.texts_on(number)) for number in numbers] == [1] * 60


async def test_an_unknown_outcome_pauses_nothing(rig: Rig) -> None:
    hand = HandCarrier(window=1)
    await rig.start(sms=[hand])
    first, second = await rig.send_all([draft(WANG), draft(LI)])
    await rig.let_pass(500)
    hand.fail(first, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(lambda: second in hand.asked)
    assert rig.gateway.lanes()[0].up


async def test_what_a_bad_sector_made_unreadable_holds_up_nothing(rig: Rig) -> None:
    hand = HandCarrier(window=1)
    broken, fine = await rig.send_all([draft(WANG, "坏了的"), draft(LI, "好的")])
    await rig.db.write(
        lambda tx: tx.execute(
            "UPDATE body SET sealed = zeroblob(40) WHERE id = (SELECT body_id FROM message WHERE id = ?)", (broken,)
        )
    )
    await rig.start(sms=[hand], calls=[])
    await rig.until(lambda: hand.asked)
    assert list(hand.asked) == [fine]
    assert (await rig.row(broken))["error"] == "unreadable"
    assert [(move.message_id, move.after) for move in rig.recorder.moves] == [(broken, "failed")]
