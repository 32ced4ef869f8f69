"""The phone as a line: what is sent goes once, what is unknown is asked about, what is silent is found out."""

from __future__ import annotations

import asyncio
import dataclasses
import logging

import pytest

from gateway.failures import (
    OutcomeUnknownError,
    RejectedError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
)
from gateway.message import Priority, State
from gateway.transport import Accepted, Fate, Parcel
from gateway.transports.smsgate import SmsGate
from gateway.verdict import is_for_good
from tests.gateway.conftest import LI, WANG
from tests.gateway.sms_contract import Ear, parcel
from tests.gateway.smsgate.conftest import PhoneRig

pytestmark = pytest.mark.asyncio


async def attempt(rig: PhoneRig, one: Parcel) -> Accepted | BaseException:
    trying = asyncio.ensure_future(rig.transport.send(one))
    await rig.until(trying.done)
    return trying.exception() or trying.result()


async def asked(rig: PhoneRig, reference: str, began_ms: int) -> Fate | BaseException:
    asking = asyncio.ensure_future(rig.transport.ask(reference, began_ms))
    await rig.until(asking.done)
    return asking.exception() or asking.result()


def said_of(ear: Ear, reference: str) -> list[State]:
    return [report.said for report in ear.reports if report.carrier_ref == reference]


async def settled_before(rig: PhoneRig) -> None:
    """One message of yesterday, so that the phone has a memory."""
    await attempt(rig, parcel(LI, message_id=99))
    await rig.until(lambda: rig.phone.notes["99-1-abc"].state in ("Failed", "Delivered"))
    await rig.let_pass(5_000)


async def test_what_the_phone_is_told(carrier_rig: PhoneRig) -> None:
    one = dataclasses.replace(parcel(WANG), expires_ms=carrier_rig.clock.now_ms() + 90_500)
    await attempt(carrier_rig, one)
    await attempt(carrier_rig, dataclasses.replace(parcel(WANG, message_id=2), priority=Priority.EMERGENCY))
    first, second = carrier_rig.phone.posted
    assert (first["id"], first["phoneNumbers"], first["textMessage"]) == (one.reference, [WANG], {"text": one.text})
    assert (first["ttl"], first["priority"], first["withDeliveryReport"]) == (90, 0, True)
    assert "simNumber" not in first
    assert "ttl" not in second
    assert second["priority"] >= 100  # before everything else, and past the app's own limits


async def test_the_sim_is_told_where_there_are_two(bare_rig: PhoneRig) -> None:
    await bare_rig.begin(SmsGate(bare_rig.settings(sim=2), bare_rig.clock))
    await attempt(bare_rig, parcel(WANG))
    assert bare_rig.phone.posted[0]["simNumber"] == 2


async def test_the_same_reference_twice_is_one_text(carrier_rig: PhoneRig) -> None:
    one = parcel(WANG)
    assert await attempt(carrier_rig, one) == Accepted(one.reference)
    assert await attempt(carrier_rig, one) == Accepted(one.reference)
    await carrier_rig.until(lambda: State.DELIVERED in said_of(carrier_rig.ear, one.reference))
    assert len(carrier_rig.texts_on(WANG)) == 1


async def test_sent_and_delivered_are_told_in_turn_with_the_phones_times(carrier_rig: PhoneRig) -> None:
    one = parcel(WANG)
    await attempt(carrier_rig, one)
    await carrier_rig.until(lambda: State.DELIVERED in said_of(carrier_rig.ear, one.reference))
    assert said_of(carrier_rig.ear, one.reference) == [State.ACCEPTED, State.DELIVERED]
    states = carrier_rig.phone.notes[one.reference].states
    assert [report.at_ms for report in carrier_rig.ear.reports] == [states["Sent"], states["Delivered"]]


# unknown, and asked about


async def test_a_phone_that_is_not_there_has_taken_nothing(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.kill()
    outcome = await attempt(carrier_rig, parcel(WANG))
    assert isinstance(outcome, TransportDownError)
    assert outcome.trouble == Trouble.UNPLUGGED
    await carrier_rig.until(lambda: "down unplugged" in carrier_rig.ear.link)
    assert carrier_rig.transport.condition().note == "no_device"


@pytest.mark.parametrize(("cut", "said"), [("after", State.DELIVERED), ("before", State.QUEUED)])
async def test_a_call_that_was_cut_off_is_unknown_and_the_phone_knows(
    carrier_rig: PhoneRig, cut: str, said: State
) -> None:
    await settled_before(carrier_rig)
    began_ms = carrier_rig.clock.now_ms()
    carrier_rig.phone.cuts = cut
    outcome = await attempt(carrier_rig, parcel(WANG))
    assert isinstance(outcome, OutcomeUnknownError)
    await carrier_rig.let_pass(10_000)
    fate = await asked(carrier_rig, "1-1-abc", began_ms)
    assert isinstance(fate, Fate)
    assert fate.said == said
    assert len(carrier_rig.texts_on(WANG)) == (1 if cut == "after" else 0)


async def test_a_phone_that_hangs_costs_one_message_and_not_one_after_the_other(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.hangs = True
    assert isinstance(await attempt(carrier_rig, parcel(WANG)), OutcomeUnknownError)
    posts = carrier_rig.phone.requests.count("POST /messages")
    assert isinstance(await attempt(carrier_rig, parcel(WANG, message_id=2)), TransportDownError)
    assert carrier_rig.phone.requests.count("POST /messages") == posts
    await carrier_rig.until(lambda: "down unplugged" in carrier_rig.ear.link)
    carrier_rig.phone.hangs = False
    await carrier_rig.until(lambda: carrier_rig.ear.link[-1] == "up")
    assert isinstance(await attempt(carrier_rig, parcel(WANG, message_id=3)), Accepted)


async def test_a_try_that_is_under_way_is_not_asked_about(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.hangs = True
    trying = asyncio.ensure_future(carrier_rig.transport.send(parcel(WANG)))
    await carrier_rig.until(lambda: "POST /messages" in carrier_rig.phone.requests)
    with pytest.raises(RetryLaterError):
        await carrier_rig.transport.ask("1-1-abc", carrier_rig.clock.now_ms())
    trying.cancel()
    await asyncio.gather(trying, return_exceptions=True)


async def test_never_seen_is_said_only_after_the_phone_was_asked_twice(carrier_rig: PhoneRig) -> None:
    """An app that slept with the request in its ear writes it down between the two questions."""
    await settled_before(carrier_rig)
    began_ms = carrier_rig.clock.now_ms()
    carrier_rig.phone.cuts = "before"
    await attempt(carrier_rig, parcel(WANG))
    await carrier_rig.let_pass(2_000)
    asking = asyncio.ensure_future(carrier_rig.transport.ask("1-1-abc", began_ms))
    await carrier_rig.until(lambda: "GET /messages/1-1-abc" in carrier_rig.phone.requests)
    await carrier_rig.let_pass(1_000)
    assert not asking.done()
    carrier_rig.phone.take("1-1-abc", WANG, "【青山村】通知17:停水")
    await carrier_rig.until(asking.done)
    assert asking.result().said != State.QUEUED


async def test_a_phone_that_was_reset_cannot_say_that_it_never_saw_it(carrier_rig: PhoneRig) -> None:
    await settled_before(carrier_rig)
    began_ms = carrier_rig.clock.now_ms()
    carrier_rig.phone.cuts = "after"
    assert isinstance(await attempt(carrier_rig, parcel(WANG)), OutcomeUnknownError)
    await carrier_rig.until(lambda: carrier_rig.texts_on(WANG))
    carrier_rig.phone.reset()
    await carrier_rig.let_pass(10_000)
    await attempt(carrier_rig, parcel(LI, message_id=100))  # what it has sent since proves nothing
    await carrier_rig.let_pass(10_000)
    outcome = await asked(carrier_rig, "1-1-abc", began_ms)
    assert isinstance(outcome, TransportFailure)
    assert outcome.code == "forgotten"


@pytest.mark.parametrize("mark", ["abc", "fffffffffff"])
async def test_no_time_is_read_from_a_reference(carrier_rig: PhoneRig, mark: str) -> None:
    """The mark is what a guessed clock showed, years off either way; it stays when that clock is put right."""
    await settled_before(carrier_rig)
    young_ms = carrier_rig.clock.now_ms()
    fate = await asked(carrier_rig, f"1-1-{mark}", young_ms)
    assert isinstance(fate, Fate)
    assert fate.said == State.QUEUED
    outcome = await asked(carrier_rig, f"1-1-{mark}", young_ms - 60_000_000)  # before all that it remembers
    assert isinstance(outcome, TransportFailure)
    assert outcome.code == "forgotten"


@pytest.mark.parametrize("step_ms", [-17 * 86_400_000, 17 * 86_400_000])
async def test_a_clock_put_right_since_the_phone_was_met_moves_no_memory(carrier_rig: PhoneRig, step_ms: int) -> None:
    await settled_before(carrier_rig)
    began_ms = carrier_rig.clock.now_ms()
    carrier_rig.phone.cuts = "before"
    await attempt(carrier_rig, parcel(WANG))
    await carrier_rig.until(lambda: carrier_rig.ear.link[-1] == "up")
    carrier_rig.clock.step_wall(step_ms)
    carrier_rig.phone.ahead_ms = -step_ms  # the phone's own clock was right all the time
    fate = await asked(carrier_rig, "1-1-abc", began_ms + step_ms)
    assert isinstance(fate, Fate)
    assert fate.said == State.QUEUED
    outcome = await asked(carrier_rig, "1-1-abc", began_ms + step_ms - 60_000)
    assert isinstance(outcome, TransportFailure)


async def test_a_try_stamped_by_a_guess_that_nobody_put_right_is_not_said_to_be_unseen(carrier_rig: PhoneRig) -> None:
    await settled_before(carrier_rig)
    outcome = await asked(carrier_rig, "1-1-abc", carrier_rig.clock.now_ms() + 60_000_000)
    assert isinstance(outcome, TransportFailure)


async def test_what_only_waits_in_the_phone_is_no_memory(carrier_rig: PhoneRig) -> None:
    """The app forgets what it has sent after some days, and what it has not sent never."""
    carrier_rig.phone.worker_sleeps = True
    await attempt(carrier_rig, parcel(LI, message_id=99))
    await carrier_rig.let_pass(5_000)
    began_ms = carrier_rig.clock.now_ms()
    carrier_rig.phone.cuts = "before"
    await attempt(carrier_rig, parcel(WANG))
    await carrier_rig.let_pass(5_000)
    outcome = await asked(carrier_rig, "1-1-abc", began_ms)
    assert isinstance(outcome, TransportFailure)


# what the phone answers


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, {"message": "Text message is empty"}, RejectedError),
        (400, {"message": "who knows"}, RetryLaterError),
        (500, {"message": "database is locked"}, OutcomeUnknownError),
        (200, "<html>welcome to the hotel Wi-Fi</html>", OutcomeUnknownError),
        (404, {}, TransportDownError),
    ],
)
async def test_an_answer_finds_its_class_and_the_next_message_goes(
    carrier_rig: PhoneRig, status: int, said: object, kind: type[TransportFailure]
) -> None:
    carrier_rig.phone.answers.append((status, said))
    assert type(await attempt(carrier_rig, parcel(WANG))) is kind
    assert isinstance(await attempt(carrier_rig, parcel(WANG, message_id=2)), Accepted)


async def test_an_app_that_is_broken_does_not_get_the_whole_queue(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.answers += [(500, {"message": "database is locked"})] * 2
    for number in (1, 2):
        assert isinstance(await attempt(carrier_rig, parcel(WANG, message_id=number)), OutcomeUnknownError)
    outcome = await attempt(carrier_rig, parcel(WANG, message_id=3))
    assert isinstance(outcome, TransportDownError)
    assert outcome.after_ms is not None
    await carrier_rig.let_pass(outcome.after_ms)
    assert isinstance(await attempt(carrier_rig, parcel(WANG, message_id=3)), Accepted)


async def test_a_wrong_password_pauses_the_line_and_knocks_no_ten_times(carrier_rig: PhoneRig) -> None:
    """Newer versions lock the door for five minutes after ten wrong passwords in five."""
    carrier_rig.phone.password = "changed"
    outcome = await attempt(carrier_rig, parcel(WANG))
    assert isinstance(outcome, TransportDownError)
    assert (outcome.trouble, outcome.code) == (Trouble.REFUSED, "401")
    before = len(carrier_rig.phone.requests)
    for number in range(20):
        assert isinstance(await attempt(carrier_rig, parcel(WANG, message_id=number)), TransportDownError)
        await carrier_rig.let_pass(10_000)
    assert len([one for one in carrier_rig.phone.requests[before:] if one != "GET /health"]) < 5
    carrier_rig.phone.password = "geheim-8"
    carrier_rig.ear.link.clear()
    await carrier_rig.until(lambda: "up" in carrier_rig.ear.link, within_ms=700_000)
    assert isinstance(await attempt(carrier_rig, parcel(WANG, message_id=50)), Accepted)


# silences


async def test_reports_that_never_come_leave_it_accepted(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.no_reports = True
    began_ms = carrier_rig.clock.now_ms()
    await attempt(carrier_rig, parcel(WANG))
    await carrier_rig.let_pass(120_000)
    assert said_of(carrier_rig.ear, "1-1-abc") == [State.ACCEPTED]
    assert (await asked(carrier_rig, "1-1-abc", began_ms)) == Fate(
        State.ACCEPTED, "1-1-abc", carrier_rig.phone.notes["1-1-abc"].states["Sent"]
    )


async def test_a_phone_that_stops_sending_gets_no_more_until_it_does(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.worker_sleeps = True
    await attempt(carrier_rig, parcel(WANG))
    await carrier_rig.until(lambda: "down congestion" in carrier_rig.ear.link, within_ms=700_000)
    outcome = await attempt(carrier_rig, parcel(WANG, message_id=2))
    assert isinstance(outcome, TransportDownError)
    alarm = dataclasses.replace(parcel(WANG, message_id=3), priority=Priority.EMERGENCY)
    assert isinstance(await attempt(carrier_rig, alarm), Accepted)  # the app takes those first
    carrier_rig.phone.worker_sleeps = False
    await carrier_rig.until(lambda: carrier_rig.ear.link[-1] == "up")
    assert isinstance(await attempt(carrier_rig, parcel(WANG, message_id=4)), Accepted)


@pytest.mark.parametrize("silent", [False, True])
async def test_one_message_tells_that_there_is_no_service_and_the_line_pauses(
    carrier_rig: PhoneRig, silent: bool
) -> None:
    carrier_rig.phone.hooks_silent = silent
    carrier_rig.phone.fails[WANG] = "Send result: RESULT_ERROR_NO_SERVICE (currently unavailable)"
    await attempt(carrier_rig, parcel(WANG))
    await carrier_rig.until(lambda: "down no_signal" in carrier_rig.ear.link)
    report = carrier_rig.ear.reports[-1]
    assert (report.said, report.trouble, report.final) == (State.FAILED, Trouble.NO_SIGNAL, False)
    await carrier_rig.until(lambda: carrier_rig.transport.condition().note == "searching")
    await carrier_rig.until(lambda: carrier_rig.ear.link[-1] == "up")


async def test_a_text_taken_back_at_the_phone_has_failed(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.worker_sleeps = True
    await attempt(carrier_rig, parcel(WANG))
    carrier_rig.phone.notes["1-1-abc"].state = "Cancelled"
    await carrier_rig.until(lambda: carrier_rig.ear.reports)
    report = carrier_rig.ear.reports[0]
    assert (report.said, report.code, report.final) == (State.FAILED, "cancelled", True)
    fate = await asked(carrier_rig, "1-1-abc", carrier_rig.clock.now_ms())
    assert isinstance(fate, Fate)
    assert (fate.said, fate.code, fate.final) == (State.FAILED, "cancelled", True)
    assert not is_for_good(report)  # no reason to ask another line


async def test_after_a_restart_it_goes_on_hearing_of_what_was_sent_before(carrier_rig: PhoneRig) -> None:
    await attempt(carrier_rig, parcel(WANG))
    await carrier_rig.end()
    carrier_rig.phone.hooks_silent = True
    await carrier_rig.let_pass(4_000)
    assert carrier_rig.phone.notes["1-1-abc"].state == "Delivered"
    carrier_rig.ear.reports.clear()
    await carrier_rig.begin(SmsGate(carrier_rig.settings(), carrier_rig.clock))
    await carrier_rig.until(lambda: carrier_rig.ear.reports)
    assert said_of(carrier_rig.ear, "1-1-abc") == [State.DELIVERED]


async def test_what_failed_while_nobody_listened_says_nothing_of_now(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.fails[WANG] = "Send result: RESULT_ERROR_NO_SERVICE (currently unavailable)"
    await attempt(carrier_rig, parcel(WANG))
    await carrier_rig.end()
    await carrier_rig.let_pass(60_000)
    await carrier_rig.begin(SmsGate(carrier_rig.settings(callback_url=""), carrier_rig.clock))
    await carrier_rig.until(lambda: State.FAILED in said_of(carrier_rig.ear, "1-1-abc"))
    await carrier_rig.let_pass(30_000)
    assert carrier_rig.ear.link == ["up"]


async def test_a_report_the_village_could_not_keep_is_told_again(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.hooks_silent = True
    carrier_rig.ear.refuse = 2
    await attempt(carrier_rig, parcel(WANG))
    await carrier_rig.until(lambda: State.DELIVERED in said_of(carrier_rig.ear, "1-1-abc"))


async def test_strangers_messages_in_the_phone_are_none_of_ours(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.take("zXDYfTmTVf3iMd16zzdBj", WANG, "from another program")
    await carrier_rig.let_pass(40_000)
    assert carrier_rig.ear.reports == []


async def test_more_than_a_page_of_messages_is_gone_through(carrier_rig: PhoneRig) -> None:
    await carrier_rig.end()
    carrier_rig.phone.hooks_silent = True
    for number in range(1, 231):
        carrier_rig.phone.take(f"{number}-1-abc", WANG, "通知")
    await carrier_rig.let_pass(10_000)
    await carrier_rig.begin(SmsGate(carrier_rig.settings(), carrier_rig.clock))
    await carrier_rig.until(lambda: len(carrier_rig.ear.reports) >= 230)
    assert {report.carrier_ref for report in carrier_rig.ear.reports} == {f"{n}-1-abc" for n in range(1, 231)}


# the phone itself


async def test_it_knows_the_phone_its_battery_and_its_operator(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.battery = 17
    carrier_rig.phone.no_internet = True  # then the app's health is a 500 with the same words
    carrier_rig.phone.sim_cards = [{"slotIndex": 0, "simNumber": 1, "carrierName": "CHINA MOBILE"}]
    await carrier_rig.until(lambda: carrier_rig.transport.condition().battery == 17)
    condition = carrier_rig.transport.condition()
    assert (condition.device, condition.operator, condition.note) == ("samsung/a12", "CHINA MOBILE", "")


async def test_a_slot_without_a_card_is_said(bare_rig: PhoneRig) -> None:
    bare_rig.phone.sim_cards = [{"slotIndex": 0, "simNumber": 1, "carrierName": "CHINA MOBILE"}]
    await bare_rig.begin(SmsGate(bare_rig.settings(sim=2), bare_rig.clock))
    assert bare_rig.transport.condition().note == "no_sim"


async def test_nothing_is_asked_for_more_often_than_every_few_seconds(carrier_rig: PhoneRig) -> None:
    await carrier_rig.let_pass(5_000)
    carrier_rig.phone.requests.clear()
    await carrier_rig.let_pass(120_000)
    assert 4 <= carrier_rig.phone.requests.count("GET /health") <= 8
    assert carrier_rig.phone.requests.count("POST /inbox/refresh") <= 3
    assert "GET /messages" not in carrier_rig.phone.requests  # nothing is open


async def test_no_log_holds_a_number_a_text_or_a_password(
    carrier_rig: PhoneRig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="gateway")
    carrier_rig.ear.refuse = 1
    carrier_rig.villager_sends(WANG, "监督:账目")
    await attempt(carrier_rig, parcel(LI))
    carrier_rig.phone.answers.append((500, {"message": f"no column {WANG}"}))
    await attempt(carrier_rig, parcel(WANG, message_id=2))
    await carrier_rig.let_pass(20_000)
    carrier_rig.phone.hangs = True
    await attempt(carrier_rig, parcel(WANG, message_id=3))
    assert caplog.records
    for record in caplog.records:
        if record.name.startswith("gateway"):
            line = record.getMessage() + (record.exc_text or "")
            assert not any(word in line for word in ("199000000", "账目", "停水", "geheim", "signing-key", "key="))
    assert "geheim" not in repr(carrier_rig.settings()) + repr(carrier_rig.transport._api)
