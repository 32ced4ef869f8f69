"""Being called: every signature is checked, against the public address and never against the one a request came to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from gateway.callback import Callback
from gateway.failures import Trouble
from gateway.message import State
from gateway.transport import Inbound
from gateway.transports.twilio_sms import TwilioSms
from tests.gateway.conftest import WANG
from tests.gateway.sms_contract import Ear, parcel
from tests.gateway.twilio.conftest import TwilioRig, public, running
from tests.gateway.twilio.stand_in import PUBLIC, TOKEN, StandIn, sign_form

pytestmark = pytest.mark.asyncio

STATUS = f"{PUBLIC}/callbacks/twilio/status"
INBOUND = f"{PUBLIC}/callbacks/twilio/inbound"
TEXT = [("MessageSid", "SM1"), ("From", WANG), ("Body", "同意 & 1+1=2 "), ("To", "+15005550006")]
SAID = [("MessageSid", "SM1"), ("MessageStatus", "delivered")]


class Village:
    def __init__(self, transport: TwilioSms, ear: Ear, rig: TwilioRig) -> None:
        self.transport = transport
        self.ear = ear
        self.rig = rig
        self.twilio: StandIn = rig.stand_in

    @property
    def heard_nothing(self) -> bool:
        return (self.ear.reports, self.ear.texts) == ([], [])


@pytest.fixture
async def village(carrier_rig: TwilioRig) -> AsyncIterator[Village]:
    carrier_rig.progresses = False
    transport, ear = carrier_rig.another(public_url=PUBLIC), Ear()
    async with running(transport, ear, carrier_rig), public(carrier_rig.stand_in, transport):
        yield Village(transport, ear, carrier_rig)


async def test_statuses_are_heard_with_trouble_and_code(village: Village) -> None:
    sid = (await village.transport.send(parcel(WANG))).carrier_ref
    assert await village.twilio.say_status(sid, "sent") == 204
    assert await village.twilio.say_status(sid, "undelivered", 30003) == 204
    assert await village.twilio.say_status(sid, "delivered", RawDlrDoneDate="2612050911") == 204
    assert [(one.said, one.trouble, one.code) for one in village.ear.reports] == [
        (State.ACCEPTED, None, ""),
        (State.FAILED, Trouble.NO_SIGNAL, "30003"),
        (State.DELIVERED, None, ""),
    ]
    assert {one.carrier_ref for one in village.ear.reports} == {sid}


async def test_what_was_heard_is_not_asked_for(village: Village) -> None:
    sid = (await village.transport.send(parcel(WANG))).carrier_ref
    village.twilio.move(sid, "delivered")
    await village.twilio.say_status(sid, "delivered")
    for _ in range(60):
        await village.rig.let_pass(60_000)
    assert not any(sid in one for one in village.twilio.asked)


async def test_a_text_is_answered_with_empty_twiml(village: Village) -> None:
    one = village.twilio.villager_sends(WANG, " 不同意😀 ")
    status, body = await village.twilio.say_inbound(one, INBOUND)
    assert status == 200
    assert body.endswith("<Response></Response>")
    assert village.ear.texts == [Inbound(WANG, " 不同意😀 ", None, one.sid)]


async def test_the_answer_waits_until_it_is_kept_and_a_full_disk_is_told_twice(village: Village) -> None:
    one = village.twilio.villager_sends(WANG, "9")
    village.ear.refuse = 1
    assert (await village.twilio.say_inbound(one, INBOUND))[0] == 503
    assert (await village.twilio.say_inbound(one, INBOUND))[0] == 200
    assert [text.text for text in village.ear.texts] == ["9"]
    village.ear.refuse = 1
    sid = (await village.transport.send(parcel(WANG))).carrier_ref
    assert await village.twilio.say_status(sid, "sent") == 503
    assert await village.twilio.say_status(sid, "sent") == 204


async def test_a_disk_that_hangs_is_answered_before_twilio_gives_up(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, cut = asyncio.Event(), asyncio.Event()

    async def never(_: Inbound) -> bool:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()
        return True

    monkeypatch.setattr(village.ear, "received", never)
    calling = asyncio.ensure_future(village.twilio.call(INBOUND, TEXT))
    await asyncio.wait_for(began.wait(), 10)
    await village.rig.clock.advance(9_000)
    assert not calling.done()
    await village.rig.clock.advance(2_000)
    assert (await asyncio.wait_for(calling, 10))[0] == 503
    await asyncio.wait_for(cut.wait(), 10)


# signatures


@pytest.mark.parametrize(
    ("url", "fields"), [(STATUS, SAID), (INBOUND, TEXT), (STATUS + "?village=%E9%9D%92&a=1%2B1", SAID)]
)
async def test_what_twilio_signed_is_taken(village: Village, url: str, fields: list[tuple[str, str]]) -> None:
    assert (await village.twilio.call(url, fields))[0] in (200, 204)
    assert not village.heard_nothing


@pytest.mark.parametrize(
    "more",
    [
        {"token": "the secondary token"},
        {"signature": ""},
        {"signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {"signature": "签名".encode().decode("latin-1")},
        {"tamper": [*TEXT[:2], ("Body", "反对"), TEXT[3]]},
        {"tamper": [*TEXT, ("Extra", "1")]},
        {"tamper": TEXT[:3]},
        {"tamper": []},
        {"tamper": [*TEXT, *((f"f{n}", "") for n in range(500))]},
        {"tamper": [*TEXT, ("Extra", "x" * 100_000)]},
        {"headers": {"Content-Type": "application/json"}},
        {"headers": {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}, "token": "shared key"},
    ],
)
async def test_what_twilio_did_not_sign_is_not_read(village: Village, more: dict[str, object]) -> None:
    status, body = await village.twilio.call(INBOUND, TEXT, **more)  # type: ignore[arg-type]
    assert (status, body) == (403, "")
    assert village.heard_nothing


@pytest.mark.parametrize("other", ["http://qingshan.example", "https://other.example", "http://127.0.0.1:80"])
async def test_a_signature_for_another_address_is_worth_nothing(village: Village, other: str) -> None:
    signature = sign_form(INBOUND.replace(PUBLIC, other), TEXT, TOKEN)
    headers = {"Host": other.partition("//")[2], "X-Forwarded-Host": "other.example", "X-Forwarded-Proto": "http"}
    assert (await village.twilio.call(INBOUND, TEXT, signature=signature, headers=headers))[0] == 403
    assert village.heard_nothing


async def test_what_a_proxy_writes_about_the_address_does_not_matter(village: Village) -> None:
    headers = {"Host": "inside.example:8080", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    assert (await village.twilio.call(INBOUND, TEXT, headers=headers))[0] == 200


async def test_a_signature_for_one_ear_opens_no_other(village: Village) -> None:
    signature = sign_form(STATUS, TEXT, TOKEN)
    assert (await village.twilio.call(INBOUND, TEXT, signature=signature))[0] == 403
    assert (await village.twilio.call(INBOUND + "?a=1", TEXT, signature=sign_form(INBOUND, TEXT, TOKEN)))[0] == 403


async def test_repeated_names_are_part_of_the_signature(village: Village) -> None:
    fields = [*TEXT, ("MediaType", "b"), ("MediaType", "a"), ("MediaType", "a")]
    assert (await village.twilio.call(INBOUND, fields))[0] == 200
    lacking = [*TEXT, ("MediaType", "a")]
    assert (await village.twilio.call(INBOUND, fields, tamper=lacking))[0] == 403
    assert len(village.ear.texts) == 1


async def test_which_of_two_texts_is_meant_is_not_guessed(village: Village) -> None:
    """The order of repeats is not signed: whoever carries the request could turn a vote around."""
    assert (await village.twilio.call(INBOUND, [*TEXT, ("Body", "反对")]))[0] == 400
    assert village.heard_nothing


async def test_a_json_body_is_known_by_its_hash(village: Village) -> None:
    said = {"MessageSid": "SM1", "MessageStatus": "delivered", "Segments": 2}
    assert (await village.twilio.call_json(STATUS, said))[0] == 204
    assert [one.said for one in village.ear.reports] == [State.DELIVERED]
    assert (await village.twilio.call_json(STATUS + "?a=1", said))[0] == 204


async def test_a_json_body_that_is_not_the_hashed_one_is_not_read(village: Village) -> None:
    said = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    assert (await village.twilio.call_json(STATUS, said, hashed=b"{}"))[0] == 403
    headers = {"Content-Type": "application/json"}
    unhashed = await village.twilio.call(STATUS, [], tamper=SAID, headers=headers)
    assert unhashed[0] == 403
    assert village.heard_nothing


@pytest.mark.parametrize("said", [[], "text", {}, {"MessageSid": "SM1"}, {"MessageSid": ["SM1"], "MessageStatus": 1}])
async def test_what_is_signed_and_makes_no_sense_is_refused(village: Village, said: object) -> None:
    assert (await village.twilio.call_json(STATUS, said))[0] == 400
    assert village.heard_nothing


async def test_bytes_that_are_no_text_are_not_read(village: Village) -> None:
    headers = {"x-twilio-signature": "x", "content-type": "application/x-www-form-urlencoded"}
    for body in (b"\xff\xfe", b"Body=%ff%fe"):
        answer = await village.transport.callback(Callback("inbound", "", headers, body))
        assert answer.status == 403


async def test_a_status_nobody_knows_changes_nothing(village: Village) -> None:
    assert (await village.twilio.call(STATUS, [("MessageSid", "SM1"), ("MessageStatus", "pondering")]))[0] == 204
    assert village.heard_nothing


async def test_who_knocks_all_day_does_not_fill_the_log(village: Village, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        assert (await village.twilio.call(INBOUND, TEXT, token="guess"))[0] == 403
    assert len([one for one in caplog.records if "signature" in one.getMessage()]) == 1
    await village.rig.let_pass(60_000)
    await village.twilio.call(INBOUND, TEXT, token="guess")
    assert "count=50" in caplog.records[-1].getMessage()


# no ear


async def test_behind_nat_there_is_nothing_to_call(carrier_rig: TwilioRig, ear: Ear) -> None:
    headers = {"x-twilio-signature": sign_form(INBOUND, TEXT, TOKEN)}
    answer = await carrier_rig.transport.callback(Callback("inbound", "", headers, b""))
    assert answer.status == 404


async def test_other_addresses_and_a_line_that_hears_nobody_are_not_there(carrier_rig: TwilioRig) -> None:
    transport = carrier_rig.another(public_url=PUBLIC, hears=False)
    async with running(transport, Ear(), carrier_rig), public(carrier_rig.stand_in, transport):
        assert (await carrier_rig.stand_in.call(f"{PUBLIC}/callbacks/twilio/voice", SAID))[0] == 404
        assert (await carrier_rig.stand_in.call(INBOUND, TEXT))[0] == 404
        assert (await carrier_rig.stand_in.call(STATUS, SAID))[0] == 204


async def test_before_it_runs_twilio_has_to_come_again(carrier_rig: TwilioRig) -> None:
    transport = carrier_rig.another(public_url=PUBLIC)
    async with public(carrier_rig.stand_in, transport):
        assert (await carrier_rig.stand_in.call(STATUS, SAID))[0] == 503


async def test_a_line_of_another_name_has_its_own_address(carrier_rig: TwilioRig) -> None:
    transport = carrier_rig.another(public_url=PUBLIC, name="海外")
    url = f"{PUBLIC}/callbacks/{quote('海外')}/status"
    async with running(transport, ear := Ear(), carrier_rig), public(carrier_rig.stand_in, transport):
        await transport.send(parcel(WANG))
        assert carrier_rig.stand_in.sent_to(WANG)[0].callback == url
        assert (await carrier_rig.stand_in.call(url, SAID))[0] == 204
    assert any(one.carrier_ref == "SM1" for one in ear.reports)
