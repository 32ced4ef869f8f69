"""Which line takes a message: the rules alone, and two or three lines at one queue."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.choosing import PATIENCE_MS, STEADY_MS, Line, Way, share
from gateway.failures import RetryLaterError, TransportDownError, Trouble
from gateway.message import Channel, Priority
from gateway.transport import Accepted, Parcel
from tests.gateway.conftest import LI, WANG, ZHAO, Rig, draft
from tests.gateway.test_lanes import HandCarrier


class Breakable(HandCarrier):
    """Says at once that it is down, as a transport whose stick is out does."""

    trouble: Trouble | None = None

    async def send(self, parcel: Parcel) -> Accepted:
        if self.trouble is not None:
            raise TransportDownError(self.trouble)
        return await super().send(parcel)


MODEM = Way("modem", Channel.SMS, 0, up=True, since_ms=0, broke=False)
PHONE = Way("phone", Channel.SMS, 1, up=True, since_ms=0, broke=False)
CALLS = Way("calls", Channel.CALL, 0, up=True, since_ms=0, broke=False)
EMERGENCIES = {Priority.EMERGENCY, Priority.ALERT}
EVERYTHING = set(Priority)


def test_a_line_alone_takes_everything() -> None:
    mine = share(MODEM, [MODEM, CALLS], 0)
    assert (mine.fresh, mine.turned, mine.spares, mine.again_ms) == (EVERYTHING, frozenset(), False, None)


def test_the_first_line_works_and_the_second_has_emergencies_and_what_was_turned_away() -> None:
    first, second = share(MODEM, [MODEM, PHONE], 0), share(PHONE, [MODEM, PHONE], 0)
    assert first.fresh == EVERYTHING
    assert first.spares
    assert second.fresh == EMERGENCIES
    assert second.turned == EVERYTHING - EMERGENCIES


@pytest.mark.parametrize("priority", [p for p in Priority if not p.is_emergency])
def test_the_second_steps_in_when_the_first_was_down_long_enough(priority: Priority) -> None:
    down = replace(MODEM, up=False, since_ms=1000)
    at_ms = 1000 + PATIENCE_MS[priority]
    assert priority not in share(PHONE, [down, PHONE], at_ms - 1).fresh
    assert priority in share(PHONE, [down, PHONE], at_ms).fresh
    assert share(PHONE, [down, PHONE], 1000).again_ms == 1000 + min(ms for ms in PATIENCE_MS.values() if ms)


def test_lines_of_one_rank_share_the_work() -> None:
    other = replace(MODEM, name="modem-2")
    assert share(MODEM, [MODEM, other], 0).fresh == share(other, [MODEM, other], 0).fresh == EVERYTHING


def test_a_line_whose_budget_is_used_up_takes_what_saves_lives_and_the_next_one_the_rest() -> None:
    broke, lives = replace(MODEM, broke=True), EMERGENCIES | {Priority.URGENT}
    assert share(broke, [broke, PHONE], 0).fresh == lives
    assert share(broke, [broke, PHONE], 0).turned == frozenset()
    assert share(PHONE, [broke, PHONE], 0).fresh == EVERYTHING - {Priority.URGENT}
    assert share(broke, [broke], 0).fresh == lives


async def test_a_dearer_line_is_silent_while_the_first_one_works(rig: Rig) -> None:
    first, second = HandCarrier(window=1, name="first"), HandCarrier(window=8, name="second")
    await rig.start(sms=[first, second], lines={"second": Line(rank=1)})
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(5)])
    for _ in range(5):
        await rig.let_pass(1000)
        first.accept()
    await rig.until(rig.all_are("accepted"))
    assert (len(first.parcels), len(second.parcels)) == (5, 0)


async def test_an_emergency_takes_whatever_line_is_free(rig: Rig) -> None:
    first, second = HandCarrier(window=1, name="first"), HandCarrier(window=1, name="second")
    await rig.start(sms=[first, second], lines={"second": Line(rank=1)})
    await rig.send(WANG)
    await rig.let_pass(500)
    assert len(first.parcels) == 1
    alarm = await rig.send(LI, priority=Priority.EMERGENCY)
    await rig.let_pass(500)
    assert [parcel.message_id for parcel in second.parcels] == [alarm]


async def test_when_the_first_line_is_down_the_second_takes_over_and_gives_back(rig: Rig) -> None:
    first, second = Breakable(window=1, name="first"), HandCarrier(window=1, name="second")
    await rig.start(sms=[first, second], lines={"second": Line(rank=1)})
    assert first.sink is not None
    first.trouble = Trouble.UNPLUGGED
    first.sink.down(Trouble.UNPLUGGED)
    one = await rig.send(WANG)
    await rig.let_pass(PATIENCE_MS[Priority.NOTICE] - 60_000, step_ms=30_000)
    assert second.parcels == []
    await rig.until(lambda: second.parcels, step_ms=5000)
    assert [parcel.message_id for parcel in second.parcels] == [one]
    second.accept()
    first.trouble = None
    first.sink.up()
    await rig.let_pass(STEADY_MS, step_ms=10_000)
    two = await rig.send(LI)
    await rig.until(lambda: first.asked, step_ms=1000)
    assert list(first.asked) == [two]
    assert len(second.parcels) == 1


async def test_what_one_carrier_turns_away_another_may_take(rig: Rig) -> None:
    first, second = HandCarrier(window=1, name="first"), HandCarrier(window=1, name="second")
    await rig.start(sms=[first, second], lines={"second": Line(rank=1)})
    refused, fine = await rig.send_all([draft(WANG), draft(LI)])
    await rig.let_pass(500)
    first.fail(refused, RetryLaterError(Trouble.REFUSED, "38"))
    await rig.until(lambda: list(first.asked) == [fine])
    first.accept()
    await rig.until(lambda: second.parcels, within_ms=600_000, step_ms=5000)
    assert [parcel.message_id for parcel in second.parcels] == [refused]
    assert [parcel.message_id for parcel in first.parcels] == [refused, fine]


async def test_what_lies_with_the_phone_stays_with_its_line(rig: Rig) -> None:
    first, second = HandCarrier(window=1, name="first"), HandCarrier(window=1, name="second")
    await rig.start(sms=[first, second], lines={"second": Line(rank=1)})
    message = await rig.send(WANG)
    await rig.let_pass(500)
    first.fail(message, RetryLaterError(Trouble.NO_SIGNAL))
    await rig.until(lambda: len(first.parcels) == 2, within_ms=3_600_000, step_ms=30_000)
    assert second.parcels == []


async def test_no_line_goes_round_in_circles_over_what_is_not_its_own(rig: Rig) -> None:
    """The second line looks at a queue that is due and not its own: it must wait, not turn."""
    first, second = HandCarrier(window=1, name="first"), HandCarrier(window=1, name="second")
    await rig.start(sms=[first, second], lines={"second": Line(rank=1)})
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(50)])
    await rig.let_pass(1000)
    before = rig.db.commits
    await rig.let_pass(60_000, step_ms=5000)
    assert rig.db.commits - before < 10


async def test_the_pace_counts_parts(rig: Rig) -> None:
    hand = HandCarrier(window=1, pace_ms=1000)
    await rig.start(sms=[hand])
    await rig.send_all([draft(WANG, "长" * 150), draft(LI), draft(ZHAO)])
    await rig.let_pass(500, step_ms=100)
    hand.accept()
    await rig.let_pass(2000, step_ms=100)
    assert len(hand.parcels) == 1  # three parts have the line for three seconds
    await rig.until(lambda: len(hand.parcels) == 2, within_ms=1500, step_ms=100)


async def test_a_line_without_a_way_back_says_where_to_answer(rig: Rig) -> None:
    hand = HandCarrier(name="abroad")
    await rig.start(sms=[hand], lines={"abroad": Line(price_fen=50, postscript="(请回到88001234)")})
    await rig.send(WANG, "【青山村】通知17:停水。收到请回9")
    await rig.let_pass(500)
    assert hand.parcels[0].text == "【青山村】通知17:停水。收到请回9(请回到88001234)"
    assert hand.parcels[0].parts == 1


async def test_a_lane_that_stands_still_begins_anew_and_nothing_goes_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = HandCarrier(window=1, timeout_ms=30_000)
    await rig.start(sms=[hand], calls=[])
    lane = rig.gateway._lanes["hand"]
    first = await rig.send(WANG)
    await rig.let_pass(500)
    assert list(hand.asked) == [first]

    async def never(*_: object) -> int:
        await asyncio.Event().wait()
        raise AssertionError

    with monkeypatch.context() as hung:
        hung.setattr(lane, "_turn", never)
        lane.wake()
        await rig.until(lambda: rig.gateway.lanes()[0].stuck, within_ms=1_200_000, step_ms=10_000)
    await rig.until(rig.reaches(first, "unknown"), step_ms=1000)
    second = await rig.send(LI)
    await rig.until(lambda: second in hand.asked, step_ms=1000)
    hand.accept()
    await rig.until(rig.reaches(second, "accepted"))
    assert [parcel.message_id for parcel in hand.parcels] == [first, second]
    assert not rig.gateway.lanes()[0].stuck


async def test_a_line_that_says_down_when_tried_gives_way_after_the_same_patience(rig: Rig) -> None:
    first, second = Breakable(window=1, name="first"), HandCarrier(window=1, name="second")
    first.trouble = Trouble.NO_CREDIT
    await rig.start(sms=[first, second], lines={"second": Line(rank=1)})
    message = await rig.send(WANG)
    await rig.let_pass(60_000, step_ms=5000)
    assert second.parcels == []
    await rig.until(lambda: second.asked, within_ms=1_200_000, step_ms=5000)
    second.accept()
    await rig.until(rig.reaches(message, "accepted"))
    assert (await rig.row(message))["tries"] == 1


async def test_a_line_can_be_opened_and_closed_while_the_gateway_runs(rig: Rig) -> None:
    first, late = HandCarrier(window=1, name="first"), HandCarrier(window=1, name="late")
    await rig.start(sms=[first], calls=[])
    rig.gateway.open(late, Line(rank=1))
    alarm, other = await rig.send_all(
        [draft(WANG, priority=Priority.EMERGENCY), draft(LI, priority=Priority.EMERGENCY)]
    )
    await rig.let_pass(1000)
    assert {*first.asked, *late.asked} == {alarm, other}
    closing = asyncio.ensure_future(rig.gateway.close("late"))
    await rig.let_pass(1000)
    assert not closing.done()  # what is with the carrier comes to its end
    late.accept()
    first.accept()
    await rig.until(closing.done)
    await rig.send(ZHAO, priority=Priority.EMERGENCY)
    await rig.until(lambda: first.asked)
    assert (late.asked, [lane.name for lane in rig.gateway.lanes()]) == ({}, ["first"])
    await rig.gateway.close("late")


async def test_a_line_carries_only_the_kinds_it_may(rig: Rig) -> None:
    home, abroad = Breakable(window=1, name="home"), HandCarrier(window=4, name="abroad")
    home.trouble = Trouble.UNPLUGGED
    await rig.start(sms=[home, abroad], lines={"abroad": Line(rank=1, kinds=frozenset({"notice"}))})
    reply, alarm, notice = await rig.send_all(
        [
            draft(WANG, kind="reply", priority=Priority.REPLY),
            draft(LI, kind="reply", priority=Priority.EMERGENCY),
            draft(ZHAO),
        ]
    )
    await rig.let_pass(20_000, step_ms=5000)
    assert abroad.parcels == []  # not even the alarm
    await rig.until(lambda: abroad.parcels, within_ms=1_200_000, step_ms=5000)
    assert [parcel.message_id for parcel in abroad.parcels] == [notice]
    home.trouble = None
    await rig.until(lambda: home.asked, step_ms=5000)
    assert list(home.asked) == [alarm]
    home.accept()
    await rig.until(lambda: list(home.asked) == [reply], step_ms=1000)


ONLY_NOTICES = Line(rank=1, kinds=frozenset({"notice"}))


async def test_a_line_that_may_not_carry_it_keeps_no_other_line_from_it(rig: Rig) -> None:
    """A reply the modem's carrier was too busy for is no business of a line that carries notices alone."""
    home, abroad = HandCarrier(window=1, name="home"), HandCarrier(window=4, name="abroad")
    await rig.start(sms=[home, abroad], lines={"abroad": ONLY_NOTICES})
    reply = await rig.send(WANG, kind="reply", priority=Priority.REPLY)
    await rig.let_pass(500)
    home.fail(reply, RetryLaterError(Trouble.CONGESTION, "42"))
    await rig.until(lambda: len(home.parcels) == 2, step_ms=5000)
    home.accept()
    await rig.until(rig.reaches(reply, "accepted"))
    assert abroad.parcels == []


async def test_a_limited_line_between_two_others_does_not_stand_in_the_way(rig: Rig) -> None:
    modem, phone = Breakable(window=1, name="modem"), HandCarrier(window=1, name="phone")
    modem.trouble = Trouble.UNPLUGGED
    await rig.start(
        sms=[modem, HandCarrier(name="abroad"), phone], lines={"abroad": ONLY_NOTICES, "phone": Line(rank=2)}
    )
    reply = await rig.send(WANG, kind="reply", priority=Priority.REPLY)
    await rig.until(lambda: phone.asked, step_ms=5000)
    assert list(phone.asked) == [reply]


async def test_an_alarm_its_carrier_was_too_busy_for_waits_for_no_other_line(rig: Rig) -> None:
    one, hung = HandCarrier(window=1, name="one"), HandCarrier(window=1, name="hung", timeout_ms=480_000)
    await rig.start(sms=[one, hung], lines={"hung": Line(rank=1)})
    alarm = await rig.send(WANG, priority=Priority.EMERGENCY)
    await rig.until(lambda: alarm in one.asked or alarm in hung.asked)
    taker, other = (one, hung) if alarm in one.asked else (hung, one)
    await rig.send(LI, priority=Priority.EMERGENCY)
    await rig.until(lambda: other.asked)  # hangs from now on
    taker.fail(alarm, RetryLaterError(Trouble.CONGESTION, "42"))
    await rig.until(lambda: list(taker.asked) == [alarm], within_ms=60_000, step_ms=1000)


async def test_a_line_that_is_down_does_not_look_with_an_alarm(rig: Rig) -> None:
    dead, live = HandCarrier(window=1, name="dead"), HandCarrier(window=1, name="live")
    await rig.start(sms=[dead, live], lines={"live": Line(rank=1)})
    assert dead.sink is not None
    dead.sink.down(Trouble.NO_SIGNAL)
    await rig.let_pass(40_000, step_ms=5000)
    alarm = await rig.send(WANG, priority=Priority.EMERGENCY)
    await rig.until(lambda: live.asked, within_ms=5000)
    assert (list(live.asked), dead.parcels) == ([alarm], [])


async def test_a_line_that_comes_and_goes_was_never_back(rig: Rig) -> None:
    flapping, second = Breakable(window=1, name="first"), HandCarrier(window=1, name="second")
    flapping.trouble = Trouble.NO_SIGNAL
    await rig.start(sms=[flapping, second], lines={"second": Line(rank=1)})
    message = await rig.send(WANG)
    for _ in range(12):  # up again every minute and a half, and down at the first try
        await rig.let_pass(90_000, step_ms=5000)
        assert flapping.sink is not None
        flapping.sink.up()
    assert [parcel.message_id for parcel in second.parcels] == [message]


async def test_closing_twice_and_giving_up_waiting_leave_nothing_behind(rig: Rig) -> None:
    first, late = HandCarrier(window=1, name="first"), HandCarrier(window=1, name="late")
    await rig.start(sms=[first], calls=[])
    rig.gateway.open(late, Line(rank=1))
    with pytest.raises(ValueError, match="two transports"):
        rig.gateway.open(HandCarrier(name="late"))
    await rig.send_all([draft(WANG, priority=Priority.EMERGENCY), draft(LI, priority=Priority.EMERGENCY)])
    await rig.until(lambda: late.asked)
    tired = asyncio.ensure_future(rig.gateway.close("late"))
    await rig.let_pass(500)
    tired.cancel()
    again = [asyncio.ensure_future(rig.gateway.close("late")) for _ in range(2)]
    await rig.let_pass(500)
    late.accept()
    first.accept()
    await rig.until(lambda: all(one.done() for one in again))
    assert late.sink is not None
    late.sink.down(Trouble.OTHER)  # a word from a line that is gone
    assert [lane.name for lane in rig.gateway.lanes()] == ["first"]
    rig.gateway.open(HandCarrier(name="late"), Line(rank=1))
    await rig.let_pass(1000)
    assert [lane.name for lane in rig.gateway.lanes()] == ["first", "late"]
    rig.gateway.stop()
    assert rig._running is not None
    await rig.until(rig._running.done)


async def test_what_a_closed_line_never_reported_becomes_unknown_in_time(rig: Rig) -> None:
    hand, late = HandCarrier(window=1, name="hand"), HandCarrier(window=1, name="late")
    await rig.start(sms=[hand], calls=[])
    rig.gateway.open(late)
    ids = await rig.send_all([draft(WANG), draft(LI)])
    await rig.until(lambda: hand.asked and late.asked)
    hand.accept()
    late.accept()
    await rig.let_pass(1000)
    closing = asyncio.ensure_future(rig.gateway.close("late"))
    await rig.until(closing.done)
    await rig.let_pass(74 * 3_600_000, step_ms=600_000)
    assert [await rig.state(one) for one in ids] == ["unknown", "unknown"]


async def test_what_ended_while_the_lane_stood_still_is_neither_lost_nor_paid_twice(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = HandCarrier(window=1, timeout_ms=30_000)
    await rig.start(sms=[hand], calls=[], lines={"hand": Line(price_fen=10)})
    lane = rig.gateway._lanes["hand"]
    alarm = await rig.send(WANG, priority=Priority.EMERGENCY)
    await rig.until(lambda: hand.asked)

    async def never(*_: object) -> int:
        await asyncio.Event().wait()
        raise AssertionError

    with monkeypatch.context() as hung:
        hung.setattr(lane, "_turn", never)
        hand.accept()
        lane.wake()
        await rig.until(lambda: rig.gateway.lanes()[0].stuck, within_ms=1_200_000, step_ms=10_000)
    await rig.until(rig.reaches(alarm, "accepted"), step_ms=1000)
    await rig.let_pass(600_000, step_ms=10_000)
    assert len(hand.parcels) == 1
    (paid,) = await rig.db.read(rig.gateway.spending)
    assert paid.fen == 10
