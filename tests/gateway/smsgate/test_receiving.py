"""What villagers send to the phone: by its calls, by asking, once either way, and from nobody else."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from gateway.callback import Callback
from gateway.message import State
from gateway.transport import Inbound
from gateway.transports.smsgate import SmsGate
from gateway.transports.smsgate_reading import moment_ms, text_in, token
from tests.gateway.conftest import LI, WANG, Rig
from tests.gateway.sms_contract import parcel
from tests.gateway.smsgate.conftest import PhoneRig
from tests.gateway.smsgate.phone import PASSWORD, Phone, stamp
from village.ground.clock import MovableClock

pytestmark = pytest.mark.asyncio

DAY_MS = 86_400_000


def texts(rig: PhoneRig) -> list[str]:
    return [text.text for text in rig.ear.texts]


async def test_a_call_brings_a_text_at_once(carrier_rig: PhoneRig) -> None:
    carrier_rig.villager_sends(LI, "收到９")
    await carrier_rig.until(lambda: texts(carrier_rig), within_ms=1_000)
    assert carrier_rig.ear.texts == [Inbound(LI, "收到９", carrier_rig.phone.store[0].sent_ms, None)]
    await carrier_rig.until(lambda: carrier_rig.phone.calls == [("sms:received", 200)])


@pytest.mark.parametrize("ahead_ms", [0, -3 * 3_600_000, 400 * DAY_MS])
async def test_a_silent_phone_is_asked_whatever_its_clock_says(carrier_rig: PhoneRig, ahead_ms: int) -> None:
    carrier_rig.phone.ahead_ms = ahead_ms
    carrier_rig.phone.hooks_silent = True
    await carrier_rig.let_pass(65_000)
    carrier_rig.villager_sends(LI, "9")
    await carrier_rig.until(lambda: texts(carrier_rig) == ["9"], within_ms=60_000)


async def test_a_village_without_a_clock_goes_by_the_phones(bare_rig: PhoneRig) -> None:
    """A Pi that was off for a month and has no network yet believes it is still then."""
    bare_rig.clock.set_trusted(False)
    bare_rig.phone.ahead_ms = 30 * DAY_MS
    await bare_rig.begin(SmsGate(bare_rig.settings(callback_url=""), bare_rig.clock))
    bare_rig.phone.villager_sends(LI, "9", sent_ms=bare_rig.phone.now_ms())
    await bare_rig.until(lambda: texts(bare_rig) == ["9"], within_ms=60_000)


async def test_a_phone_that_comes_and_goes_is_not_gone_through_each_time(carrier_rig: PhoneRig) -> None:
    await carrier_rig.let_pass(5_000)
    carrier_rig.phone.spans.clear()
    for _ in range(5):
        carrier_rig.phone.kill()
        await carrier_rig.let_pass(10_000)
        carrier_rig.phone.start()
        await carrier_rig.let_pass(10_000)
    assert all(span_ms < 2 * DAY_MS for span_ms in carrier_rig.phone.spans)


async def test_what_android_never_told_the_app_is_found_in_the_phones_store(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.deaf = True
    carrier_rig.villager_sends(LI, "9")
    await carrier_rig.until(lambda: texts(carrier_rig) == ["9"], within_ms=90_000)
    await carrier_rig.let_pass(120_000)
    assert texts(carrier_rig) == ["9"]


async def test_a_text_the_centre_held_back_for_a_day_is_found_by_the_wide_look(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.deaf = True
    carrier_rig.phone.villager_sends(LI, "我在山上", sent_ms=carrier_rig.phone.now_ms() - DAY_MS)
    await carrier_rig.until(lambda: texts(carrier_rig) == ["我在山上"], within_ms=2_400_000)


async def test_the_same_words_a_second_later_are_another_text(carrier_rig: PhoneRig) -> None:
    carrier_rig.villager_sends(LI, "9")
    await carrier_rig.let_pass(1_000)
    carrier_rig.villager_sends(LI, "9")
    carrier_rig.villager_sends(WANG, "9")
    await carrier_rig.let_pass(60_000)
    assert texts(carrier_rig) == ["9", "9", "9"]


async def test_several_pages_of_texts_come_once_each(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.hooks_silent = True
    for number in range(250):
        carrier_rig.phone.villager_sends(LI, f"第{number}条", sent_ms=carrier_rig.phone.now_ms() - number * 60_000)
    await carrier_rig.until(lambda: len(texts(carrier_rig)) >= 250)
    await carrier_rig.let_pass(60_000)
    assert sorted(texts(carrier_rig)) == sorted(f"第{number}条" for number in range(250))


async def test_a_full_card_is_told_to_the_phone_and_it_calls_again(carrier_rig: PhoneRig) -> None:
    carrier_rig.ear.refuse = 1
    carrier_rig.villager_sends(LI, "9")
    await carrier_rig.until(lambda: len(carrier_rig.phone.calls) == 2)
    assert carrier_rig.phone.calls == [("sms:received", 503), ("sms:received", 200)]
    assert texts(carrier_rig) == ["9"]


async def test_what_the_phones_owner_was_sent_before_is_none_of_the_villages(bare_rig: PhoneRig) -> None:
    bare_rig.phone.villager_sends(LI, "妈,钱收到了吗", sent_ms=bare_rig.phone.now_ms() - 3_600_000)
    since_ms = bare_rig.clock.now_ms() - 60_000
    await bare_rig.begin(SmsGate(bare_rig.settings(since_ms=since_ms), bare_rig.clock))
    bare_rig.villager_sends(LI, "9")
    await bare_rig.let_pass(60_000)
    assert texts(bare_rig) == ["9"]


async def test_nor_is_it_when_the_phone_calls_about_it(bare_rig: PhoneRig) -> None:
    since_ms = bare_rig.clock.now_ms()
    await bare_rig.begin(SmsGate(bare_rig.settings(since_ms=since_ms), bare_rig.clock))
    old = {"sender": LI, "message": "妈,钱收到了吗", "receivedAt": stamp(since_ms - 1_000)}
    assert await answer(bare_rig, call(bare_rig, {"event": "sms:received", "payload": old})) == 200
    assert texts(bare_rig) == []


async def test_what_came_while_the_server_was_down_comes_after_its_start(carrier_rig: PhoneRig) -> None:
    await carrier_rig.end()
    carrier_rig.phone.hooks_silent = True
    carrier_rig.villager_sends(LI, "9")
    await carrier_rig.let_pass(600_000)
    await carrier_rig.begin(SmsGate(carrier_rig.settings(callback_url=""), carrier_rig.clock))
    await carrier_rig.until(lambda: texts(carrier_rig) == ["9"])


async def test_before_1_67_the_phones_store_is_left_alone(carrier_rig: PhoneRig) -> None:
    """It had another time for the same text: it would come in twice."""
    carrier_rig.phone.version = "1.66.1"
    await carrier_rig.let_pass(60_000)
    carrier_rig.phone.requests.clear()
    await carrier_rig.let_pass(180_000)
    assert "POST /inbox/refresh" not in carrier_rig.phone.requests
    assert "GET /inbox" in carrier_rig.phone.requests


async def test_before_1_59_the_phone_is_made_to_call_again_about_what_came(bare_rig: PhoneRig) -> None:
    bare_rig.phone.version = "1.58.0"
    bare_rig.phone.deaf = True
    bare_rig.villager_sends(LI, "9")
    await bare_rig.begin()
    await bare_rig.until(lambda: texts(bare_rig) == ["9"])


async def test_before_1_44_the_line_works_by_its_calls(bare_rig: PhoneRig) -> None:
    bare_rig.phone.version = "1.43.0"
    await bare_rig.begin()
    await bare_rig.transport.send(parcel(WANG))
    await bare_rig.until(lambda: [r.said for r in bare_rig.ear.reports] == [State.ACCEPTED, State.DELIVERED])
    await bare_rig.let_pass(1_200_000)
    assert "down congestion" not in bare_rig.ear.link


# the phone's calls


async def test_it_is_told_to_call_about_four_things(carrier_rig: PhoneRig) -> None:
    hooks = carrier_rig.phone.hooks
    assert {hook["event"] for hook in hooks.values()} == {"sms:received", "sms:sent", "sms:delivered", "sms:failed"}
    (url,) = {hook["url"] for hook in hooks.values()}
    assert url == f"{carrier_rig.door}/callbacks/phone/event?key={token('phone', PASSWORD)}"
    assert PASSWORD not in url


async def test_a_phone_that_forgot_to_call_is_told_again(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.hooks.clear()
    await carrier_rig.until(lambda: len(carrier_rig.phone.hooks) == 4, within_ms=360_000)


async def test_an_app_that_was_killed_and_reset_is_told_at_once_and_gone_through(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.kill()
    await carrier_rig.until(lambda: "down unplugged" in carrier_rig.ear.link)
    carrier_rig.villager_sends(LI, "9")  # it lands in the phone, and no app hears of it
    carrier_rig.phone.reset()
    await carrier_rig.let_pass(600_000)
    carrier_rig.phone.start()
    await carrier_rig.until(lambda: carrier_rig.ear.link[-1] == "up", within_ms=30_000)
    await carrier_rig.until(lambda: texts(carrier_rig) == ["9"], within_ms=30_000)
    assert len(carrier_rig.phone.hooks) == 4


async def test_a_phone_that_was_away_is_gone_through_when_it_is_back(carrier_rig: PhoneRig) -> None:
    """Android closed the app, and a text the centre had held back came meanwhile."""
    carrier_rig.phone.kill()
    await carrier_rig.let_pass(660_000)
    carrier_rig.phone.villager_sends(LI, "9", sent_ms=carrier_rig.clock.now_ms() - 5 * 3_600_000)
    carrier_rig.phone.start()
    await carrier_rig.until(lambda: texts(carrier_rig) == ["9"], within_ms=30_000)


async def test_a_phone_that_will_not_call_there_is_asked(bare_rig: PhoneRig) -> None:
    await bare_rig.begin(SmsGate(bare_rig.settings(callback_url="http://192.168.1.2:8000"), bare_rig.clock))
    assert bare_rig.phone.hooks == {}
    bare_rig.villager_sends(LI, "9")
    await bare_rig.until(lambda: texts(bare_rig) == ["9"], within_ms=60_000)


async def test_without_an_address_the_phone_is_told_not_to_call(carrier_rig: PhoneRig) -> None:
    carrier_rig.phone.hooks["somebody-elses"] = {
        "id": "somebody-elses",
        "url": "https://a.example",
        "event": "sms:sent",
    }
    await carrier_rig.begin(SmsGate(carrier_rig.settings(callback_url=""), carrier_rig.clock))
    await carrier_rig.until(lambda: list(carrier_rig.phone.hooks) == ["somebody-elses"])


def call(rig: PhoneRig, body: object, **more: Any) -> Callback:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {name.lower(): value for name, value in rig.phone.sign(raw).items()}
    values: dict[str, Any] = {
        "what": "event",
        "query": f"key={token('phone', PASSWORD)}",
        "headers": headers,
        "body": raw,
        "peer": "192.168.1.20",
    }
    return Callback(**(values | more))


def received(rig: PhoneRig, text: str = "9") -> dict[str, object]:
    at = stamp(rig.phone.now_ms())
    return {"event": "sms:received", "payload": {"sender": LI, "message": text, "receivedAt": at}}


async def answer(rig: PhoneRig, one: Callback) -> int:
    return (await rig.transport.callback(one)).status


async def test_only_the_phone_is_believed(carrier_rig: PhoneRig) -> None:
    good = call(carrier_rig, received(carrier_rig))
    unsigned = {name: value for name, value in good.headers.items() if not name.startswith("x-")}
    for wrong, status in (
        (call(carrier_rig, received(carrier_rig), query=""), 401),
        (call(carrier_rig, received(carrier_rig), query="key=guessed"), 403),
        (call(carrier_rig, received(carrier_rig), query="key=%ff"), 403),
        (call(carrier_rig, received(carrier_rig), headers=unsigned), 401),
        (call(carrier_rig, received(carrier_rig), headers={**good.headers, "x-signature": "0" * 64}), 403),
        (call(carrier_rig, received(carrier_rig), headers={**good.headers, "x-signature": "密"}), 403),
        (call(carrier_rig, received(carrier_rig), headers={**good.headers, "x-timestamp": "１"}), 403),
        (call(carrier_rig, received(carrier_rig, "another text"), headers=good.headers), 403),
        (call(carrier_rig, received(carrier_rig), what="other"), 404),
    ):
        assert await answer(carrier_rig, wrong) == status
    assert texts(carrier_rig) == []
    assert await answer(carrier_rig, good) == 200
    assert texts(carrier_rig) == ["9"]


async def test_a_recording_is_taken_once_and_after_a_while_not_at_all(carrier_rig: PhoneRig) -> None:
    recorded = call(carrier_rig, received(carrier_rig))
    assert [await answer(carrier_rig, recorded) for _ in range(3)] == [200, 200, 200]
    assert texts(carrier_rig) == ["9"]
    await carrier_rig.let_pass(310_000)
    assert await answer(carrier_rig, recorded) == 403


@pytest.mark.parametrize("ahead_ms", [-DAY_MS, 400 * DAY_MS])
async def test_the_age_of_a_call_goes_by_the_phones_own_clock(carrier_rig: PhoneRig, ahead_ms: int) -> None:
    carrier_rig.phone.ahead_ms = ahead_ms
    await carrier_rig.let_pass(30_000)
    assert await answer(carrier_rig, call(carrier_rig, received(carrier_rig))) == 200


async def test_without_a_signing_key_the_address_alone_proves_it(bare_rig: PhoneRig) -> None:
    await bare_rig.begin(SmsGate(bare_rig.settings(signing_key=""), bare_rig.clock))
    assert await answer(bare_rig, call(bare_rig, received(bare_rig), headers={})) == 200
    assert await answer(bare_rig, call(bare_rig, received(bare_rig), headers={}, query="")) == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"[" * 30_000, 400),
        (b"[]", 200),
        (b'{"event": "sms:received"}', 200),
        (b'{"event": "sms:received", "payload": {"sender": 1, "message": []}}', 200),
        (b'{"event": ["sms:sent"], "payload": {}}', 200),
        (b'{"event": "mms:received", "payload": {"sender": "x"}}', 200),
        (b'{"event": "sms:data-received", "payload": {"sender": "x", "data": "AA=="}}', 200),
        (b'{"event": "sms:failed", "payload": {"messageId": "1-1-abc", "reason": {}, "failedAt": 3}}', 200),
    ],
)
async def test_nothing_the_phone_can_say_breaks_the_line(carrier_rig: PhoneRig, body: bytes, status: int) -> None:
    assert await answer(carrier_rig, call(carrier_rig, body)) == status
    assert texts(carrier_rig) == []


async def test_a_report_that_could_not_be_kept_is_not_acknowledged(carrier_rig: PhoneRig) -> None:
    at = stamp(carrier_rig.phone.now_ms())
    said = {"event": "sms:delivered", "payload": {"messageId": "1-1-abc", "deliveredAt": at}}
    carrier_rig.ear.refuse = 1
    assert await answer(carrier_rig, call(carrier_rig, said)) == 503
    assert [await answer(carrier_rig, call(carrier_rig, said)) for _ in range(2)] == [200, 200]
    assert [report.said for report in carrier_rig.ear.reports] == [State.DELIVERED]


async def test_before_the_line_listens_the_phone_is_told_to_call_again(bare_rig: PhoneRig) -> None:
    assert await answer(bare_rig, call(bare_rig, received(bare_rig))) == 503


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("2026-12-05T09:10:00.000+08:00", True),
        ("2026-12-05T01:10:00Z", True),
        ("2026-12-05T01:10:00", False),
        ("1970-01-01T08:00:00.000+08:00", False),
        ("soon", False),
        (None, False),
    ],
)
async def test_a_time_without_a_zone_is_none(said: object, known: bool) -> None:
    assert (moment_ms(said) is not None) is known
    inbound = text_in({"type": "SMS", "sender": LI, "contentPreview": "9", "createdAt": said})
    assert inbound is not None
    assert (inbound.centre_ms is not None, inbound.carrier_id) == (known, None)


async def test_both_ways_a_text_is_one_in_the_real_inbox(rig: Rig, clock: MovableClock) -> None:
    phone = Phone(clock)
    phone.villager_sends(LI, "9")
    sms = phone.store[0]
    by_call = Inbound(LI, "9", moment_ms(stamp(sms.sent_ms)))
    by_list = text_in({"type": "SMS", "sender": LI, "contentPreview": "9", "createdAt": stamp(sms.sent_ms)})
    assert by_list is not None

    def unit(tx: sqlite3.Connection) -> list[int | None]:
        return [rig.gateway.inbox.take(tx, one, "phone") for one in (by_call, by_list)]

    first, second = await rig.db.write(unit)
    assert first is not None
    assert second is None
