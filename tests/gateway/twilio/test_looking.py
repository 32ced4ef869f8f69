"""Polling: a village behind NAT learns everything by asking, rarely and in few requests."""

from __future__ import annotations

import asyncio

import pytest

from gateway.failures import Trouble
from gateway.message import State
from gateway.transport import Inbound
from tests.gateway.conftest import LI, WANG
from tests.gateway.sms_contract import Ear, parcel
from tests.gateway.twilio.conftest import TwilioRig, running
from tests.gateway.twilio.stand_in import PUBLIC, SERVICE, Message

pytestmark = pytest.mark.asyncio

HOUR_MS = 3_600_000


@pytest.fixture(autouse=True)
def _by_hand(carrier_rig: TwilioRig) -> None:
    carrier_rig.progresses = False


def said(ear: Ear) -> list[str]:
    return [str(one.said) for one in ear.reports]


async def hours(rig: TwilioRig, count: float) -> None:
    for _ in range(round(count * 360)):
        await rig.let_pass(10_000)


async def test_what_is_known_is_not_said_again_and_the_end_comes_with_its_time(
    carrier_rig: TwilioRig, ear: Ear
) -> None:
    accepted = await carrier_rig.transport.send(parcel(WANG))
    sid = accepted.carrier_ref
    for status in ("sending", "sent", "delivered"):
        carrier_rig.stand_in.move(sid, status)
        await carrier_rig.let_pass(10_000)
        await carrier_rig.let_pass(30_000)
    assert said(ear) == ["delivered"]
    updated_ms = carrier_rig.stand_in.messages[sid].updated_ms
    assert ear.reports[-1].at_ms == updated_ms // 1000 * 1000  # Twilio tells whole seconds
    await hours(carrier_rig, 0.2)
    assert len(ear.reports) == 1


async def test_a_failure_comes_with_its_trouble_and_whether_it_is_for_good(carrier_rig: TwilioRig, ear: Ear) -> None:
    dead = (await carrier_rig.transport.send(parcel(WANG))).carrier_ref
    off = (await carrier_rig.transport.send(parcel(WANG, message_id=2))).carrier_ref
    carrier_rig.stand_in.move(dead, "undelivered", 30005)
    carrier_rig.stand_in.move(off, "undelivered", 30003)
    await carrier_rig.until(lambda: len(ear.reports) == 2)
    found = {one.carrier_ref: (one.said, one.trouble, one.code, one.final) for one in ear.reports}
    assert found[dead] == (State.FAILED, Trouble.DEAD_NUMBER, "30005", True)
    assert found[off] == (State.FAILED, Trouble.NO_SIGNAL, "30003", False)


async def test_a_message_that_is_not_there_yet_is_asked_for_again(carrier_rig: TwilioRig, ear: Ear) -> None:
    sid = (await carrier_rig.transport.send(parcel(WANG))).carrier_ref
    hidden = carrier_rig.stand_in.messages.pop(sid)
    await carrier_rig.until(lambda: any(sid in one for one in carrier_rig.stand_in.asked))
    carrier_rig.stand_in.messages[sid] = hidden
    carrier_rig.stand_in.move(sid, "delivered")
    await carrier_rig.until(lambda: ear.reports)
    assert said(ear) == ["delivered"]


async def test_a_restart_loses_no_report(carrier_rig: TwilioRig) -> None:
    stand_in = carrier_rig.stand_in
    async with running(carrier_rig.transport, Ear(), carrier_rig):
        refs = [(await carrier_rig.transport.send(parcel(WANG, message_id=n))).carrier_ref for n in range(3)]
    stand_in.move(refs[0], "delivered")
    stand_in.move(refs[1], "sent")
    await carrier_rig.let_pass(2 * HOUR_MS)
    ear = Ear()
    async with running(carrier_rig.another(), ear, carrier_rig):
        await carrier_rig.until(lambda: ear.reports)
        assert {(one.carrier_ref, one.said) for one in ear.reports} == {
            (refs[0], State.DELIVERED),
            (refs[1], State.ACCEPTED),
            (refs[2], State.ACCEPTED),  # still in Twilio's queue
        }
        stand_in.move(refs[1], "delivered")  # sent hours ago: no listing of late shows it
        stand_in.move(refs[2], "delivered")
        await carrier_rig.until(lambda: said(ear).count("delivered") == 3)


async def test_a_message_that_failed_before_it_was_sent_is_found_after_a_restart(carrier_rig: TwilioRig) -> None:
    """It has no date of sending, so no list by date shows it; and years of older ones lie behind it."""
    stand_in, clock = carrier_rig.stand_in, carrier_rig.clock
    for n in range(900):
        stand_in.villager_sends(WANG, str(n)).sent_ms = clock.now_ms() - 100 * 24 * HOUR_MS - n
    async with running(carrier_rig.transport, Ear(), carrier_rig):
        sid = (await carrier_rig.transport.send(parcel(WANG))).carrier_ref
    stand_in.move(sid, "failed", 30001)
    assert stand_in.messages[sid].sent_ms is None
    ear, before = Ear(), len(stand_in.asked)
    async with running(carrier_rig.another(), ear, carrier_rig):
        await carrier_rig.until(lambda: ear.reports)
        assert [(one.carrier_ref, one.code) for one in ear.reports] == [(sid, "30001")]
        assert len(stand_in.asked) - before <= 4  # the balance and two or three pages of five


async def test_many_open_messages_cost_a_listing_and_not_a_request_each(carrier_rig: TwilioRig) -> None:
    transport, ear, stand_in = carrier_rig.another(hears=False), Ear(), carrier_rig.stand_in
    async with running(transport, ear, carrier_rig):
        refs = [(await transport.send(parcel(WANG, message_id=n))).carrier_ref for n in range(300)]
        for ref in refs:
            stand_in.move(ref, "sent")
        before = len(stand_in.asked)
        for ref in refs:
            stand_in.move(ref, "delivered")
        await carrier_rig.until(lambda: len(ear.reports) == 300)
        assert len(stand_in.asked) - before <= 4  # two pages of two hundred, perhaps twice
    assert {one.carrier_ref for one in ear.reports} == set(refs)


async def test_a_phone_that_is_off_is_asked_about_ever_more_rarely_and_let_go_in_the_end(
    carrier_rig: TwilioRig,
) -> None:
    transport, ear, stand_in = carrier_rig.another(hears=False), Ear(), carrier_rig.stand_in
    async with running(transport, ear, carrier_rig):
        sid = (await transport.send(parcel(WANG))).carrier_ref
        stand_in.move(sid, "sent")

        def asked() -> int:
            return sum(sid in one for one in stand_in.asked)

        await hours(carrier_rig, 1)
        assert 5 <= asked() <= 9
        before = asked()
        await hours(carrier_rig, 10)
        assert 9 <= asked() - before <= 11
        for _ in range(64):
            await carrier_rig.let_pass(HOUR_MS)
        before = asked()
        for _ in range(10):
            await carrier_rig.let_pass(HOUR_MS)
        assert asked() == before


async def test_where_nothing_is_open_and_nobody_can_write_only_the_balance_is_asked(carrier_rig: TwilioRig) -> None:
    transport, ear, stand_in = carrier_rig.another(hears=False), Ear(), carrier_rig.stand_in
    async with running(transport, ear, carrier_rig):
        before = len(stand_in.asked)
        await hours(carrier_rig, 2)
        assert [one.rpartition("/")[2] for one in stand_in.asked[before:]] == ["Balance.json"] * 2


async def test_with_callbacks_it_looks_far_less_often(carrier_rig: TwilioRig) -> None:
    counts = []
    for more in ({}, {"public_url": PUBLIC}):
        async with running(carrier_rig.another(**more), Ear(), carrier_rig):
            before = len(carrier_rig.stand_in.asked)
            await hours(carrier_rig, 1)
            counts.append(len(carrier_rig.stand_in.asked) - before)
    assert counts[0] > 100
    assert counts[1] < 15


async def test_what_others_send_through_the_account_is_not_ours(carrier_rig: TwilioRig, ear: Ear) -> None:
    stand_in, now_ms = carrier_rig.stand_in, carrier_rig.clock.now_ms()
    other = Message(stand_in._new_sid(), WANG, "+15005550010", "x", "outbound-api", "delivered", now_ms, now_ms, now_ms)
    stand_in.messages[other.sid] = other
    stand_in.villager_sends(WANG, "9", to="+15005550010")
    await hours(carrier_rig, 0.1)
    assert (ear.reports, ear.texts) == ([], [])


async def test_through_a_service_its_messages_are_known_after_a_restart(carrier_rig: TwilioRig) -> None:
    async with running(transport := carrier_rig.another(sender="", messaging_service=SERVICE), Ear(), carrier_rig):
        sid = (await transport.send(parcel(WANG))).carrier_ref
    carrier_rig.stand_in.move(sid, "delivered")
    ear = Ear()
    async with running(carrier_rig.another(sender="", messaging_service=SERVICE), ear, carrier_rig):
        await carrier_rig.until(lambda: ear.reports)
    assert (ear.reports[0].carrier_ref, ear.reports[0].said) == (sid, State.DELIVERED)


async def test_of_the_texts_to_an_account_only_those_to_the_service_are_ours(carrier_rig: TwilioRig) -> None:
    stand_in, ear = carrier_rig.stand_in, Ear()
    for service in (SERVICE, "MG" + "0" * 32, None):
        stand_in.villager_sends(WANG, service or "a number that belongs to no service").service = service
    async with running(carrier_rig.another(sender="", messaging_service=SERVICE), ear, carrier_rig):
        await hours(carrier_rig, 0.1)
    assert {one.text for one in ear.texts} == {SERVICE, "a number that belongs to no service"}


# texts


async def test_a_text_comes_once_with_twilios_time_and_sid(carrier_rig: TwilioRig, ear: Ear) -> None:
    one = carrier_rig.stand_in.villager_sends(WANG, " 9 ")
    await hours(carrier_rig, 0.2)
    assert one.sent_ms is not None
    assert ear.texts == [Inbound(WANG, " 9 ", one.sent_ms // 1000 * 1000, one.sid)]


async def test_a_restart_looks_back_a_day_for_texts(carrier_rig: TwilioRig) -> None:
    carrier_rig.villager_sends(LI, "too old to be an answer to anything")
    await carrier_rig.let_pass(20 * HOUR_MS)
    carrier_rig.villager_sends(WANG, "while we were off")
    await carrier_rig.let_pass(10 * HOUR_MS)
    ear = Ear()
    async with running(carrier_rig.transport, ear, carrier_rig):
        await hours(carrier_rig, 0.1)
    assert [one.text for one in ear.texts] == ["while we were off"]


async def test_more_texts_than_a_page_all_come(carrier_rig: TwilioRig, ear: Ear) -> None:
    for n in range(450):
        carrier_rig.villager_sends(WANG, str(n))
    await carrier_rig.until(lambda: len(ear.texts) >= 450)
    assert sorted(int(one.text) for one in ear.texts) == list(range(450))


async def test_a_full_disk_loses_nothing(carrier_rig: TwilioRig, ear: Ear) -> None:
    sid = (await carrier_rig.transport.send(parcel(WANG))).carrier_ref
    ear.refuse = 3
    carrier_rig.stand_in.move(sid, "delivered")
    for n in range(3):
        carrier_rig.villager_sends(WANG, str(n))
    await carrier_rig.until(lambda: len(ear.texts) == 3 and ear.reports)
    await hours(carrier_rig, 0.1)
    assert (sorted(one.text for one in ear.texts), said(ear)) == (["0", "1", "2"], ["delivered"])


# outages


async def test_it_outlives_an_outage_and_catches_up(carrier_rig: TwilioRig, ear: Ear) -> None:
    sid = (await carrier_rig.transport.send(parcel(WANG))).carrier_ref
    carrier_rig.take_down()
    carrier_rig.stand_in.move(sid, "delivered")
    carrier_rig.villager_sends(WANG, "9")
    await hours(carrier_rig, 3)
    assert set(ear.link[1:]) == {f"down {Trouble.NO_SIGNAL}"}
    assert (ear.reports, ear.texts) == ([], [])
    carrier_rig.bring_back()
    await carrier_rig.until(lambda: ear.link[-1] == "up" and ear.texts and ear.reports)
    assert (said(ear), [one.text for one in ear.texts]) == (["delivered"], ["9"])


async def test_an_outage_is_looked_at_more_and_more_rarely(carrier_rig: TwilioRig, ear: Ear) -> None:
    carrier_rig.stand_in.broken = 1_000_000
    before = len(carrier_rig.stand_in.asked)
    await hours(carrier_rig, 1)
    assert 30 <= len(carrier_rig.stand_in.asked) - before <= 40
    carrier_rig.stand_in.broken = 0
    await carrier_rig.until(lambda: ear.link[-1] == "up", step_ms=10_000)


async def test_too_many_requests_is_no_outage(carrier_rig: TwilioRig, ear: Ear) -> None:
    carrier_rig.stand_in.throttle = 3
    await hours(carrier_rig, 0.1)
    assert ear.link == ["up"]
    assert carrier_rig.stand_in.throttle == 0


async def test_an_account_without_money_says_so_and_comes_back(carrier_rig: TwilioRig, ear: Ear) -> None:
    carrier_rig.stand_in.suspended = True
    await carrier_rig.until(lambda: ear.link[-1] == f"down {Trouble.NO_CREDIT}")
    carrier_rig.stand_in.suspended = False
    await carrier_rig.until(lambda: ear.link[-1] == "up")


async def test_it_runs_again_after_it_was_stopped(carrier_rig: TwilioRig) -> None:
    for n in range(3):
        ear = Ear()
        async with running(carrier_rig.transport, ear, carrier_rig):
            assert await carrier_rig.transport.send(parcel(WANG, message_id=n))
    assert len(carrier_rig.stand_in.sent_to(WANG)) == 3


async def test_a_clock_that_is_wrong_changes_nothing(carrier_rig: TwilioRig) -> None:
    """What lies how far back is judged by Twilio's clock: a Pi wakes up in another year."""
    carrier_rig.villager_sends(WANG, "9")
    ear, transport = Ear(), carrier_rig.transport
    right, carrier_rig.clock.now_ms = carrier_rig.clock.now_ms, lambda: 0  # type: ignore[method-assign]
    carrier_rig.stand_in._clock = type("Right", (), {"now_ms": staticmethod(right)})()  # type: ignore[assignment]
    async with running(transport, ear, carrier_rig):
        await carrier_rig.until(lambda: any("DateSent%3E=2026" in one for one in carrier_rig.stand_in.asked))
    assert [one.text for one in ear.texts] == ["9"]


# what it knows of itself


@pytest.mark.parametrize(
    ("balance", "fen", "words"),
    [
        (("12.3", "USD"), None, "12.30 USD"),
        (("12.349", "cny"), 1234, "12.34 CNY"),
        (("-0.5", "USD"), None, "-0.50 USD"),
    ],
)
async def test_the_balance_is_known_in_its_own_currency(
    carrier_rig: TwilioRig, balance: tuple[str, str], fen: int | None, words: str
) -> None:
    carrier_rig.stand_in.balance = balance
    async with running(carrier_rig.transport, Ear(), carrier_rig):
        condition = carrier_rig.transport.condition()
    assert (condition.operator, condition.balance_fen, condition.balance_said) == ("Twilio", fen, words)
    assert condition.balance_ms is not None


async def test_an_account_that_tells_no_balance_works_all_the_same(carrier_rig: TwilioRig) -> None:
    carrier_rig.stand_in.balance = None
    ear = Ear()
    async with running(carrier_rig.transport, ear, carrier_rig):
        assert carrier_rig.transport.condition().balance_said == ""
        assert await carrier_rig.transport.send(parcel(WANG))
    assert ear.link == ["up"]


async def test_no_request_and_no_session_is_left_behind(carrier_rig: TwilioRig) -> None:
    """Cut off in the middle of a look; an open session would be a warning, and warnings are errors here."""
    carrier_rig.stand_in.villager_sends(WANG, "9")
    listening = asyncio.create_task(carrier_rig.transport.run(Ear()))
    await asyncio.wait_for(carrier_rig.traffic.begun.wait(), 20)
    listening.cancel()
    await asyncio.wait({listening})
    assert listening.cancelled()
    assert carrier_rig.traffic.under_way == 0
