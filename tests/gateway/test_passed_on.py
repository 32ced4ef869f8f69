"""What one carrier will never take goes to another line where there is one, and back to the first one never."""

from __future__ import annotations

import asyncio

import pytest

from gateway.choosing import PATIENCE_MS, Line
from gateway.failures import OutcomeUnknownError, RejectedError, RetryLaterError, TransportDownError, Trouble
from gateway.message import Priority, State
from gateway.transport import Fate, Report
from tests.gateway.conftest import LI, WANG, Rig
from tests.gateway.test_choosing import Breakable
from tests.gateway.test_lanes import HandCarrier

NEVER = RejectedError(Trouble.REFUSED, "30007")
SECOND = {"second": Line(rank=1)}
HOUR_MS = 3_600_000


def two() -> tuple[HandCarrier, HandCarrier]:
    return HandCarrier(window=4, name="first"), HandCarrier(window=4, name="second")


async def refused_by(rig: Rig, hand: HandCarrier, **more: object) -> int:
    message = await rig.send(WANG, **more)
    await rig.until(lambda: message in hand.asked)
    hand.fail(message, NEVER)
    await rig.let_pass(1000)
    return message


@pytest.mark.parametrize("priority", [Priority.EMERGENCY, Priority.REPLY, Priority.NOTICE])
async def test_another_line_takes_it_at_once_and_the_first_one_never_again(rig: Rig, priority: Priority) -> None:
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    message = await rig.send(WANG, priority=priority)
    await rig.until(lambda: message in first.asked or message in second.asked)
    taker, other = (first, second) if message in first.asked else (second, first)
    taker.fail(message, NEVER)
    await rig.until(lambda: message in other.asked, within_ms=5000)
    other.accept()
    await rig.until(rig.reaches(message, "accepted"))
    assert (len(taker.parcels), len(other.parcels)) == (1, 1)
    assert (await rig.row(message))["tries"] == 2


async def test_it_waits_for_a_line_that_is_down(rig: Rig) -> None:
    first, second = HandCarrier(name="first"), Breakable(name="second")
    second.trouble = Trouble.NO_SIGNAL
    await rig.start(sms=[first, second], lines=SECOND)
    message = await refused_by(rig, first)
    await rig.let_pass(HOUR_MS, step_ms=60_000)
    assert await rig.state(message) == "queued"
    second.trouble = None
    await rig.until(lambda: message in second.asked)
    second.accept()
    await rig.until(rig.reaches(message, "accepted"))
    assert len(first.parcels) == 1


async def test_the_refusing_line_stays_out_when_the_other_one_is_lost_for_long(rig: Rig) -> None:
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    assert second.sink is not None
    await refused_by(rig, first)
    second.fail(next(iter(second.asked)), TransportDownError(Trouble.UNPLUGGED))
    await rig.let_pass(2 * PATIENCE_MS[Priority.NOTICE], step_ms=30_000)
    assert len(first.parcels) == 1


async def test_a_line_alone_ends_it_as_ever(rig: Rig) -> None:
    hand = HandCarrier()
    await rig.start(sms=[hand])  # the village's lines for calls are no way for an SMS
    message = await refused_by(rig, hand)
    assert (await rig.row(message))["state"] == "failed"
    assert (await rig.row(message))["error"] == "refused/30007"


async def test_two_refusals_end_it_where_there_are_two_lines(rig: Rig) -> None:
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    message = await refused_by(rig, first)
    await rig.until(lambda: message in second.asked)
    second.fail(message, RejectedError(Trouble.REFUSED, "69"))
    await rig.until(rig.reaches(message, "failed"))
    assert (len(first.parcels), len(second.parcels)) == (1, 1)


async def test_three_lines_are_asked_once_each(rig: Rig) -> None:
    hands = [HandCarrier(name=name) for name in ("a", "b", "c")]
    await rig.start(sms=hands, lines={"b": Line(rank=1), "c": Line(rank=2)})
    message = await refused_by(rig, hands[0])
    for _ in range(2):
        await rig.until(lambda: any(message in hand.asked for hand in hands), step_ms=1000)
        taker = next(hand for hand in hands if message in hand.asked)
        taker.fail(message, NEVER)
        await rig.let_pass(1000)
    assert await rig.state(message) == "failed"
    assert [len(hand.parcels) for hand in hands] == [1, 1, 1]


@pytest.mark.parametrize("trouble", [Trouble.NO_SIGNAL, Trouble.CONGESTION, Trouble.REFUSED])
async def test_what_the_second_line_has_to_try_again_it_tries_again(rig: Rig, trouble: Trouble) -> None:
    """The first line, better and up, is no help: it will never take this one."""
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    message = await refused_by(rig, first)
    await rig.until(lambda: message in second.asked)
    second.fail(message, RetryLaterError(trouble))
    await rig.until(lambda: len(second.parcels) == 2, within_ms=HOUR_MS, step_ms=10_000)
    second.accept()
    await rig.until(rig.reaches(message, "accepted"))
    assert len(first.parcels) == 1


@pytest.mark.parametrize("trouble", [Trouble.DEAD_NUMBER, Trouble.CONTENT, Trouble.OTHER])
async def test_what_lies_with_the_number_or_the_text_ends(rig: Rig, trouble: Trouble) -> None:
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    message = await rig.send(WANG)
    await rig.until(lambda: first.asked)
    first.fail(message, RejectedError(trouble))
    await rig.until(rig.reaches(message, "failed"))
    await rig.let_pass(60_000, step_ms=5000)
    assert second.parcels == []


async def test_what_may_have_been_taken_goes_nowhere_else(rig: Rig) -> None:
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    message = await rig.send(WANG)
    await rig.until(lambda: first.asked)
    first.fail(message, OutcomeUnknownError(Trouble.REFUSED, "30007"))
    await rig.until(rig.reaches(message, "unknown"))
    await rig.let_pass(60_000, step_ms=5000)
    assert second.parcels == []


@pytest.mark.parametrize("final", [True, False])
async def test_a_carrier_that_took_it_and_says_no_afterwards(rig: Rig, final: bool) -> None:
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    message = await rig.send(WANG)
    await rig.until(lambda: first.asked)
    first.accept()
    await rig.until(rig.reaches(message, "accepted"))
    report = Report(f"ref-{message}", State.FAILED, trouble=Trouble.REFUSED, code="30007", final=final)
    assert first.sink is not None
    told = asyncio.ensure_future(first.sink.report(report))
    await rig.until(lambda: message in second.asked, within_ms=120_000, step_ms=1000)
    await told
    again = asyncio.ensure_future(first.sink.report(report))  # said twice
    second.accept()
    await rig.until(rig.reaches(message, "accepted"))
    await again
    assert (len(first.parcels), len(second.parcels)) == (1, 1)
    assert await rig.state(message) == "accepted"


async def test_what_the_village_took_back_meanwhile_is_not_passed_on(rig: Rig) -> None:
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    message = await rig.send(WANG)
    await rig.until(lambda: first.asked)
    await rig.db.write(lambda tx: rig.gateway.outbox.withdraw(tx, [message]))
    first.fail(message, NEVER)
    await rig.let_pass(60_000, step_ms=5000)
    assert second.parcels == []
    assert await rig.state(message) in ("withdrawn", "failed")


@pytest.mark.parametrize(
    "line", [Line(rank=1, kinds=frozenset({"poll"})), Line(rank=1, price_fen=10, month_fen=5)], ids=["kind", "budget"]
)
async def test_a_line_that_may_not_carry_it_is_not_waited_for(rig: Rig, line: Line) -> None:
    first, second = Breakable(name="first"), HandCarrier(name="second")
    await rig.start(sms=[first, second], lines={"second": line})
    if line.month_fen is not None:  # what it cannot pay for uses up its budget
        first.trouble = Trouble.NO_SIGNAL
        await rig.send(LI)
        await rig.until(lambda: rig.gateway.lanes()[1].broke, within_ms=2 * HOUR_MS, step_ms=30_000)
        first.trouble = None
        await rig.until(lambda: first.asked)
        first.accept()
    message = await refused_by(rig, first)
    assert await rig.state(message) == "failed"
    assert second.parcels == []


async def test_it_ends_when_the_line_it_waited_for_is_closed(rig: Rig) -> None:
    first, second = two()
    await rig.start(sms=[first, second], calls=[], lines=SECOND)
    assert second.sink is not None
    second.sink.down(Trouble.UNPLUGGED)
    await rig.let_pass(1000)
    message = await refused_by(rig, first)
    closing = asyncio.ensure_future(rig.gateway.close("second"))
    await rig.until(closing.done)
    await rig.until(rig.reaches(message, "failed"), step_ms=5000)
    assert (await rig.row(message))["error"] == "refused/30007"
    assert len(first.parcels) == 1


async def test_a_restart_forgets_no_refusal(rig: Rig) -> None:
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    assert second.sink is not None
    second.sink.down(Trouble.UNPLUGGED)
    await rig.let_pass(1000)
    message = await refused_by(rig, first)
    await rig.crash()
    first, second = two()
    await rig.start(sms=[first, second], lines=SECOND)
    await rig.until(lambda: message in second.asked, step_ms=5000)
    assert first.parcels == []


async def test_refusals_of_what_has_ended_are_forgotten_in_time(rig: Rig) -> None:
    first, second = two()
    await rig.start(sms=[first, second], calls=[], lines=SECOND)
    message = await refused_by(rig, first)
    await rig.until(lambda: message in second.asked)
    second.fail(message, RejectedError(Trouble.DEAD_NUMBER))
    await rig.let_pass(2 * HOUR_MS, step_ms=60_000)
    assert await rig.db.read(lambda tx: tx.execute("SELECT count(*) FROM refusal").fetchone()[0]) == 0


class Learnt(HandCarrier):
    """What became of a try is only learnt by asking."""

    def __init__(self, fate: Fate, **more: object) -> None:
        super().__init__(**more)  # type: ignore[arg-type]
        self._fate = fate

    async def ask(self, reference: str, began_ms: int) -> Fate:
        return self._fate


async def test_what_a_person_took_back_at_the_phone_is_not_sent_again_when_it_is_learnt_by_asking(rig: Rig) -> None:
    hand, second = (
        Learnt(Fate(State.FAILED, "x-1", None, Trouble.OTHER, "cancelled", final=True), name="first"),
        two()[1],
    )
    await rig.start(sms=[hand, second], lines=SECOND)
    message = await rig.send(WANG)
    await rig.until(lambda: message in hand.asked)
    hand.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(rig.reaches(message, "failed"), step_ms=5000)
    await rig.let_pass(HOUR_MS, step_ms=30_000)
    assert (await rig.row(message))["error"] == "other/cancelled"
    assert (len(hand.parcels), len(second.parcels)) == (1, 0)


async def test_a_refusal_for_good_learnt_by_asking_goes_to_the_other_line_and_never_back(rig: Rig) -> None:
    first = Learnt(Fate(State.FAILED, "x-1", None, Trouble.REFUSED, "30007", final=True), name="first")
    second = Breakable(name="second")
    second.trouble = Trouble.NO_SIGNAL
    await rig.start(sms=[first, second], lines=SECOND)
    message = await rig.send(WANG)
    await rig.until(lambda: message in first.asked)
    first.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.let_pass(HOUR_MS, step_ms=30_000)
    assert len(first.parcels) == 1
    second.trouble = None
    await rig.until(lambda: message in second.asked, step_ms=5000)
    second.accept()
    await rig.until(rig.reaches(message, "accepted"))
    assert len(first.parcels) == 1


async def test_a_failure_learnt_by_asking_that_may_pass_is_tried_again(rig: Rig) -> None:
    hand = Learnt(Fate(State.FAILED, "x-1", None, Trouble.CONGESTION, "42"))
    await rig.start(sms=[hand])
    message = await rig.send(WANG)
    await rig.until(lambda: message in hand.asked)
    hand.fail(message, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(lambda: len(hand.parcels) == 2, within_ms=HOUR_MS, step_ms=5000)
