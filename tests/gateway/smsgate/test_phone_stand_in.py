"""The stand-in itself keeps to what the app's makers publish; each test names where that is said."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import aiohttp
import pytest

from tests.gateway.conftest import LI, WANG
from tests.gateway.smsgate.conftest import PhoneRig
from tests.gateway.smsgate.phone import KEY, PASSWORD, USER, stamp

pytestmark = pytest.mark.asyncio


async def call(
    rig: PhoneRig, method: str, path: str, body: object = None, *, password: str = PASSWORD
) -> tuple[int, Any]:
    headers = {"Authorization": aiohttp.encode_basic_auth(USER, password)}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, rig.phone.url + path, json=body) as response,
    ):
        said = await response.read()
        return response.status, json.loads(said) if response.content_type == "application/json" else None


def message(**more: object) -> dict[str, object]:
    return {"id": "1-1-abc", "textMessage": {"text": "通知"}, "phoneNumbers": [WANG], **more}


async def test_everything_but_health_wants_the_password(bare_rig: PhoneRig) -> None:
    """localserver/WebService.kt: /health stands outside `authenticate`."""
    for path in ("/messages", "/device", "/webhooks", "/inbox"):
        assert (await call(bare_rig, "GET", path, password="x"))[0] == 401
    assert (await call(bare_rig, "GET", "/health", password="x"))[0] == 200


async def test_health_says_500_and_its_checks_without_internet(bare_rig: PhoneRig) -> None:
    """WebService.kt: Status.FAIL → 500 with the same body; docs/features/health.md: fail without internet."""
    bare_rig.phone.no_internet = True
    status, said = await call(bare_rig, "GET", "/health")
    assert (status, said["status"], said["checks"]["battery:level"]["observedValue"]) == (500, "fail", 94)


async def test_a_message_is_pending_then_processed_sent_and_delivered(bare_rig: PhoneRig) -> None:
    """docs/features/status-tracking.md, and MessagesRoutes.kt for 202 and the fields."""
    status, said = await call(bare_rig, "POST", "/messages", message())
    assert (status, said["id"], said["state"]) == (202, "1-1-abc", "Pending")
    assert said["recipients"] == [{"phoneNumber": WANG, "state": "Pending"}]
    await bare_rig.until(lambda: bare_rig.phone.notes["1-1-abc"].state == "Delivered")
    status, said = await call(bare_rig, "GET", "/message/1-1-abc")
    assert (status, said["recipients"][0]["state"]) == (200, "Delivered")
    assert list(said["states"]) == ["Pending", "Processed", "Sent", "Delivered"]
    assert said["states"]["Sent"].endswith("+08:00")


async def test_an_id_is_taken_once(bare_rig: PhoneRig) -> None:
    """MessagesRoutes.kt: ConflictException → 409 since 1.58; before that 202 and nothing more."""
    await call(bare_rig, "POST", "/messages", message())
    status, said = await call(bare_rig, "POST", "/messages", message())
    assert (status, said["message"]) == (409, "Message with the same ID already exists")
    bare_rig.phone.version = "1.57.0"
    assert (await call(bare_rig, "POST", "/messages", message()))[0] == 202
    await bare_rig.let_pass(10_000)
    assert bare_rig.texts_on(WANG) == ["通知"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"textMessage": {"text": ""}}, "Text message is empty"),
        ({"message": "two kinds"}, "exactly one of"),
        ({"phoneNumbers": []}, "Empty phone numbers list"),
        ({"simNumber": 0}, "SIM number cannot be less than 1"),
        ({"ttl": 5, "validUntil": "2030-01-01T00:00:00Z"}, "fields conflict"),
    ],
)
async def test_a_wrong_message_is_a_400_that_says_why(
    bare_rig: PhoneRig, wrong: dict[str, object], sentence: str
) -> None:
    """localserver/domain/messages/PostMessageRequest.kt"""
    status, said = await call(bare_rig, "POST", "/messages", message(**wrong))
    assert status == 400
    assert sentence in said["message"]


async def test_what_nobody_gave_it_is_a_404(bare_rig: PhoneRig) -> None:
    assert (await call(bare_rig, "GET", "/message/9-9-abc"))[0] == 404


async def test_a_message_whose_time_is_over_fails_unsent(bare_rig: PhoneRig) -> None:
    """messages/MessagesService.kt: "TTL expired"."""
    bare_rig.phone.worker_sleeps = True
    await call(bare_rig, "POST", "/messages", message(ttl=5))
    await bare_rig.let_pass(6_000)
    bare_rig.phone.worker_sleeps = False
    await bare_rig.until(lambda: bare_rig.phone.notes["1-1-abc"].state == "Failed")
    assert bare_rig.phone.notes["1-1-abc"].error == "TTL expired"
    assert bare_rig.texts_on(WANG) == []


async def test_it_calls_only_https_and_its_own_loopback(bare_rig: PhoneRig) -> None:
    """webhooks/WebHooksService.kt, docs/faq/webhooks.md"""
    for url, status in (
        ("http://192.168.1.9/x", 400),
        ("https://192.168.1.9/x", 201),
        ("http://127.0.0.1:9/x", 201),
    ):
        assert (await call(bare_rig, "POST", "/webhooks", {"id": "h", "url": url, "event": "sms:sent"}))[0] == status
    wrong = {"id": "h", "url": "https://a.example/x", "event": "sms:nonsense"}
    assert (await call(bare_rig, "POST", "/webhooks", wrong))[0] == 400
    _, hooks = await call(bare_rig, "GET", "/webhooks")
    assert hooks == [{"id": "h", "url": "http://127.0.0.1:9/x", "event": "sms:sent", "source": "Local"}]
    assert (await call(bare_rig, "DELETE", "/webhooks/h"))[0] == 204
    assert (await call(bare_rig, "GET", "/webhooks"))[1] == []


async def test_a_call_is_signed_over_body_and_time(carrier_rig: PhoneRig) -> None:
    """webhooks/plugins/PayloadSingingPlugin.kt; the payload of docs/features/webhooks.md"""
    carrier_rig.villager_sends(LI, "9")
    await carrier_rig.until(lambda: carrier_rig.phone.calls)
    assert carrier_rig.phone.last_call is not None
    _, body, headers = carrier_rig.phone.last_call
    wanted = hmac.new(KEY.encode(), body + headers["X-Timestamp"].encode(), hashlib.sha256).hexdigest()
    assert headers["X-Signature"] == wanted
    said = json.loads(body)
    assert (said["event"], said["payload"]["message"], said["payload"]["sender"]) == ("sms:received", "9", LI)
    assert said["payload"]["receivedAt"] == stamp(carrier_rig.phone.store[0].sent_ms)


async def test_one_text_has_one_time_and_its_hash_in_two_spellings(bare_rig: PhoneRig) -> None:
    """receiver/ReceiverService.kt (hex) and incoming/IncomingMessagesService.kt ("text:" and decimal): not one id."""
    bare_rig.villager_sends(LI, "9")
    status, rows = await call(bare_rig, "GET", "/inbox?type=SMS")
    assert status == 200
    assert rows[0]["id"].startswith("text:")
    assert (rows[0]["contentPreview"], rows[0]["createdAt"]) == ("9", stamp(bare_rig.phone.store[0].sent_ms))


async def test_what_the_app_missed_comes_with_a_refresh(bare_rig: PhoneRig) -> None:
    """docs/features/reading-messages.md; ReceiverService.export passes over what was heard of."""
    bare_rig.phone.deaf = True
    bare_rig.villager_sends(LI, "9")
    assert (await call(bare_rig, "GET", "/inbox"))[1] == []
    now_ms = bare_rig.clock.now_ms()
    span = {"since": stamp(now_ms - 60_000), "until": stamp(now_ms + 60_000), "webhookDelivery": "Disabled"}
    assert (await call(bare_rig, "POST", "/inbox/refresh", span))[0] == 202
    assert [row["contentPreview"] for row in (await call(bare_rig, "GET", "/inbox"))[1]] == ["9"]
    await call(bare_rig, "POST", "/inbox/refresh", span)
    assert len((await call(bare_rig, "GET", "/inbox"))[1]) == 1


@pytest.mark.parametrize(("version", "path"), [("1.43.0", "/messages"), ("1.58.0", "/inbox")])
async def test_an_older_version_has_no_such_list(bare_rig: PhoneRig, version: str, path: str) -> None:
    """CHANGELOG.md: messages history 1.44, inbox API 1.59."""
    bare_rig.phone.version = version
    assert (await call(bare_rig, "GET", path))[0] == 404


async def test_a_killed_app_refuses_connections_and_comes_back_with_what_it_knew(bare_rig: PhoneRig) -> None:
    await call(bare_rig, "POST", "/messages", message())
    bare_rig.phone.kill()
    with pytest.raises(aiohttp.ClientConnectorError):
        await call(bare_rig, "GET", "/messages")
    bare_rig.phone.start()
    assert [row["id"] for row in (await call(bare_rig, "GET", "/messages"))[1]] == ["1-1-abc"]
    before = bare_rig.phone.device_id
    bare_rig.phone.reset()
    assert (await call(bare_rig, "GET", "/messages"))[1] == []
    assert (await call(bare_rig, "GET", "/device"))[1][0]["id"] != before
