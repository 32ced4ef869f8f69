"""Facts about what carriers say late, early or again: no word about an old try is taken for the newest one."""

from __future__ import annotations

import asyncio

import pytest

from gateway.choosing import Line
from gateway.failures import OutcomeUnknownError, RejectedError, RetryLaterError, TransportDownError, Trouble
from gateway.message import Priority, State
from gateway.transport import Accepted, Fate, Report
from tests.gateway.conftest import LI, WANG, Rig, draft
from tests.gateway.test_choosing import Breakable
from tests.gateway.test_lanes import HandCarrier
from tests.gateway.test_passed_on import HOUR_MS, NEVER, SECOND, two


class Echo(HandCarrier):
    """A carrier that knows tries by our own reference, and can be asked nothing for the moment."""

    async def ask(self, reference: str, began_ms: int) -> Fate:
        raise OutcomeUnknownError(Trouble.NO_REPORT, "forgotten")

    def accept(self, *ids: int) -> None:
        for message in ids or tuple(self.asked):
            newest = [parcel for parcel in self.parcels if parcel.message_id == message][-1]
            self.asked[message].set_result(Accepted(newest.reference))


async def tell(rig: Rig, hand: HandCarrier, report: Report) -> None:
    saying = asyncio.ensure_future(hand.sink.report(report))
    await rig.let_pass(1000)
    await saying


async def doubted(rig: Rig, hand: HandCarrier) -> int:
    """A message of which nobody knows whether the carrier has it."""
    await rig.start(sms=[hand])
    message = await rig.send(WANG)
    await rig.until(lambda: hand.asked)
    hand.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(message, "unknown"))
    return message


@pytest.mark.parametrize(
    ("how", "ends"),
    [(RetryLaterError(Trouble.CONGESTION), "queued"), (OutcomeUnknownError(Trouble.TIMEOUT), "unknown")],
)
async def test_accepted_said_late_of_the_first_line_is_not_taken_for_the_second(
    rig: Rig, how: Exception, ends: str
) -> None:
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    message = await rig.send(WANG)
    await rig.until(lambda: first.asked)
    first.accept()
    await rig.until(rig.reaches(message, "accepted"))
    reference = f"ref-{message}"
    refused = Report(reference, State.FAILED, trouble=Trouble.REFUSED, code="30007", final=True)
    failing = asyncio.ensure_future(first.sink.report(refused))
    await rig.until(lambda: message in second.asked, within_ms=120_000, step_ms=1000)
    await failing
    await tell(rig, first, Report(reference, State.ACCEPTED))
    assert await rig.state(message) == "sending"
    second.fail(message, how)
    await rig.until(rig.reaches(message, ends))


async def test_accepted_said_late_of_the_first_try_is_not_taken_for_the_second(rig: Rig) -> None:
    hand = Echo()
    await rig.start(sms=[hand])
    message = await rig.send(WANG)
    await rig.until(lambda: hand.asked)
    reference = hand.parcels[0].reference
    hand.accept()
    await rig.until(rig.reaches(message, "accepted"))
    await tell(rig, hand, Report(reference, State.FAILED, trouble=Trouble.CONGESTION, final=False))
    await rig.until(lambda: len(hand.parcels) == 2, within_ms=HOUR_MS, step_ms=1000)
    await tell(rig, hand, Report(reference, State.ACCEPTED))
    hand.fail(message, RetryLaterError(Trouble.CONGESTION))
    await rig.until(lambda: len(hand.parcels) == 3, within_ms=3 * HOUR_MS, step_ms=30_000)


async def test_delivered_said_of_a_try_nobody_knew_the_end_of_settles_it(rig: Rig) -> None:
    hand = Echo()
    message = await doubted(rig, hand)
    await tell(rig, hand, Report(hand.parcels[0].reference, State.DELIVERED))
    assert await rig.state(message) == "delivered"


async def test_delivered_said_while_the_try_was_under_way_is_not_forgotten_with_it(rig: Rig) -> None:
    hand = Echo()
    await rig.start(sms=[hand])
    message = await rig.send(WANG)
    await rig.until(lambda: hand.asked)
    await tell(rig, hand, Report(hand.parcels[0].reference, State.DELIVERED))
    hand.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(message, "delivered"))


async def test_delivered_said_before_the_power_cut_settles_the_doubt_after_it(rig: Rig) -> None:
    hand = Echo()
    await rig.start(sms=[hand])
    message = await rig.send(WANG)
    await rig.until(lambda: hand.asked)
    await tell(rig, hand, Report(hand.parcels[0].reference, State.DELIVERED))
    await rig.crash()
    await rig.start(sms=[Echo()])
    assert await rig.state(message) == "delivered"


async def test_an_alarm_whose_first_try_arrived_is_not_shown_as_failed(rig: Rig) -> None:
    hand = Echo()
    await rig.start(sms=[hand])
    alarm = await rig.send(WANG, priority=Priority.EMERGENCY)
    await rig.until(lambda: hand.asked)
    first = hand.parcels[0].reference
    hand.fail(alarm, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(lambda: len(hand.parcels) == 2, within_ms=600_000, step_ms=1000)
    await tell(rig, hand, Report(first, State.DELIVERED))
    hand.fail(alarm, RejectedError(Trouble.OTHER))
    await rig.let_pass(60_000, step_ms=5000)
    assert await rig.state(alarm) == "delivered"


async def test_an_alarm_one_line_will_never_take_brings_back_the_other_that_was_down(rig: Rig) -> None:
    """A line that is down only because of its last try looks again with what the other has refused."""
    first, second = HandCarrier(name="first", window=1), Breakable(name="second")
    await rig.start(sms=[first, second], lines=SECOND)
    second.trouble = Trouble.NO_CREDIT
    both = [await rig.send(LI, text=text, priority=Priority.EMERGENCY) for text in ("一", "二")]
    await rig.until(lambda: not next(lane for lane in rig.gateway.lanes() if lane.name == "second").up)
    for message in both:
        await rig.until(lambda message=message: message in first.asked)
        first.accept(message)
        await rig.until(rig.reaches(message, "accepted"))
    alarm = await rig.send(WANG, priority=Priority.EMERGENCY)
    await rig.until(lambda: alarm in first.asked, within_ms=120_000)
    first.fail(alarm, NEVER)
    await rig.let_pass(2000)
    second.trouble = None  # topped up
    await rig.until(lambda: alarm in second.asked, within_ms=HOUR_MS, step_ms=10_000)


async def test_many_unknowns_that_nobody_can_be_asked_about_hide_no_other(rig: Rig) -> None:
    class Told(HandCarrier):
        async def ask(self, reference: str, began_ms: int) -> Fate:
            return Fate(State.DELIVERED, reference)

    mute = HandCarrier(name="mute", window=700)
    await rig.start(sms=[mute])
    many = await rig.send_all([draft(f"+861990000{n:04d}") for n in range(620)])
    await rig.until(lambda: len(mute.asked) == 620)
    for message in many:
        mute.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(many[-1], "unknown"))
    await rig.crash()
    told = Told(name="told")
    await rig.start(sms=[told])
    message = await rig.send(WANG)
    await rig.until(lambda: told.asked)
    told.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(message, "delivered"), within_ms=300_000)


async def test_a_carrier_that_goes_on_saying_accepted_is_asked_ever_more_rarely(rig: Rig) -> None:
    class Vague(HandCarrier):
        asked_about = 0

        async def ask(self, reference: str, began_ms: int) -> Fate:
            self.asked_about += 1
            return Fate(State.ACCEPTED, reference)

    hand = Vague()
    hand.reports = True
    await rig.start(sms=[hand])
    message = await rig.send(WANG)
    await rig.until(lambda: hand.asked)
    hand.accept()
    await rig.until(rig.reaches(message, "accepted"))
    await rig.let_pass(74 * HOUR_MS, step_ms=120_000)
    await rig.until(rig.reaches(message, "unknown"), within_ms=2 * HOUR_MS, step_ms=60_000)
    told, asked = len(rig.recorder.moves), hand.asked_about
    await rig.let_pass(10 * HOUR_MS, step_ms=60_000)
    assert len(rig.recorder.moves) == told
    assert hand.asked_about - asked < 20


async def test_money_that_is_only_reserved_ends_nothing_for_good(rig: Rig) -> None:
    first, second = HandCarrier(name="first"), HandCarrier(name="second", window=4, timeout_ms=600_000)
    await rig.start(sms=[first, second], calls=[], lines={"second": Line(rank=1, price_fen=10, month_fen=20)})
    messages = await rig.send_all([draft(f"+861990000{n:04d}") for n in range(3)])
    await rig.until(lambda: len(first.asked) == 3)
    for message in messages:
        first.fail(message, NEVER)
    await rig.until(lambda: len(second.asked) == 2)
    await rig.let_pass(70_000, step_ms=1000)
    for message in list(second.asked):  # never taken after all: the money is there for the third
        second.fail(message, RejectedError(Trouble.DEAD_NUMBER))
    await rig.until(lambda: len(second.parcels) == 3, within_ms=120_000, step_ms=1000)


async def test_never_seen_is_not_believed_of_what_was_said_to_have_arrived(rig: Rig) -> None:
    class Forgot(Echo):
        away = True

        async def ask(self, reference: str, began_ms: int) -> Fate:
            if self.away:
                raise TransportDownError(Trouble.UNPLUGGED)
            return Fate(State.QUEUED)

    hand = Forgot()
    await doubted(rig, hand)
    await tell(rig, hand, Report(hand.parcels[0].reference, State.DELIVERED))
    hand.away = False
    await rig.let_pass(HOUR_MS, step_ms=60_000)
    assert len(hand.parcels) == 1
