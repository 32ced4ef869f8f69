"""One try through Twilio: what goes out, and what each way it can end is called."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.failures import (
    CannotAskError,
    OutcomeUnknownError,
    RejectedError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
)
from gateway.message import State
from gateway.transport import Accepted
from gateway.transports.twilio_sms import TwilioSettings, TwilioSms
from tests.gateway.conftest import LI, WANG
from tests.gateway.sms_contract import Ear, parcel
from tests.gateway.twilio.conftest import TwilioRig, running, settings
from tests.gateway.twilio.stand_in import MAGIC_TO, NUMBER, PUBLIC, SERVICE

pytestmark = pytest.mark.asyncio


@pytest.fixture(autouse=True)
def _by_hand(carrier_rig: TwilioRig) -> None:
    carrier_rig.progresses = False


async def failing(transport: TwilioSms, number: str = WANG, **more: object) -> TransportFailure:
    with pytest.raises(TransportFailure) as raised:
        await transport.send(parcel(number, **more))  # type: ignore[arg-type]
    return raised.value


async def test_number_and_text_leave_the_country_and_nothing_else(carrier_rig: TwilioRig, ear: Ear) -> None:
    accepted = await carrier_rig.transport.send(parcel(WANG))
    (message,) = carrier_rig.stand_in.sent_to(WANG)
    assert accepted.carrier_ref == message.sid
    assert message.given == {"To": WANG, "From": NUMBER, "Body": "【青山村】通知17:停水", "SmartEncoded": "true"}


async def test_through_a_service_no_number_is_named(carrier_rig: TwilioRig) -> None:
    transport, ear = carrier_rig.another(sender="", messaging_service=SERVICE), Ear()
    async with running(transport, ear, carrier_rig):
        accepted = await transport.send(parcel(WANG))
        (message,) = carrier_rig.stand_in.sent_to(WANG)
        assert (message.given["MessagingServiceSid"], "From" in message.given) == (SERVICE, False)
        carrier_rig.progresses = True
        await carrier_rig.until(lambda: any(one.said == State.DELIVERED for one in ear.reports))
        assert {one.carrier_ref for one in ear.reports} == {accepted.carrier_ref}


async def test_only_with_a_public_address_twilio_is_told_to_call(carrier_rig: TwilioRig) -> None:
    transport = carrier_rig.another(public_url=PUBLIC + "/")
    async with running(transport, Ear(), carrier_rig):
        await transport.send(parcel(WANG))
    (message,) = carrier_rig.stand_in.sent_to(WANG)
    assert message.given["StatusCallback"].startswith(f"{PUBLIC}/callbacks/twilio/status#")


@pytest.mark.parametrize(
    ("left_ms", "validity"), [(60_000, "60"), (90_500, "90"), (3 * 86_400_000, "36000"), (400, "1"), (-5_000, "1")]
)
async def test_twilio_keeps_it_no_longer_than_it_is_of_use(
    carrier_rig: TwilioRig, ear: Ear, left_ms: int, validity: str
) -> None:
    now_ms = carrier_rig.clock.now_ms()
    await carrier_rig.transport.send(replace(parcel(WANG), expires_ms=now_ms + left_ms))
    assert carrier_rig.stand_in.sent_to(WANG)[0].given["ValidityPeriod"] == validity


@pytest.mark.parametrize("number", MAGIC_TO)
async def test_the_magic_numbers_of_a_test_account_find_their_class(
    carrier_rig: TwilioRig, ear: Ear, number: str
) -> None:
    failure = await failing(carrier_rig.transport, number)
    kinds = {21612: RetryLaterError, 21408: TransportDownError}
    assert isinstance(failure, kinds.get(MAGIC_TO[number], RejectedError))
    assert failure.code == str(MAGIC_TO[number])


async def test_too_many_requests_wait_as_long_as_twilio_says(carrier_rig: TwilioRig, ear: Ear) -> None:
    carrier_rig.stand_in.throttle = 1
    failure = await failing(carrier_rig.transport)
    assert isinstance(failure, RetryLaterError)
    assert (failure.code, failure.after_ms) == ("20429", 7000)
    assert carrier_rig.stand_in.messages == {}


async def test_a_wrong_token_stops_the_line(carrier_rig: TwilioRig, ear: Ear) -> None:
    stranger, other = carrier_rig.another(auth_token="not it"), Ear()
    listening = asyncio.create_task(stranger.run(other))
    await carrier_rig.until(lambda: other.link)
    assert other.link == [f"down {Trouble.REFUSED}"]
    failure = await failing(stranger)
    assert isinstance(failure, TransportDownError)
    assert (failure.trouble, failure.code) == (Trouble.REFUSED, "20003")
    listening.cancel()
    await asyncio.wait({listening})


@pytest.mark.parametrize("fault", ["take_and_break", "take_and_hang", "hang", "take_and_babble", "broken"])
async def test_what_may_have_been_taken_is_unknown(carrier_rig: TwilioRig, fault: str) -> None:
    transport = carrier_rig.another(timeout_s=1)
    async with running(transport, Ear(), carrier_rig):
        setattr(carrier_rig.stand_in, fault, 1)
        assert isinstance(await failing(transport), OutcomeUnknownError)
    carrier_rig.stand_in.release()
    assert len(carrier_rig.stand_in.sent_to(WANG)) == fault.startswith("take")


async def test_where_nobody_can_connect_nothing_was_sent(carrier_rig: TwilioRig, ear: Ear) -> None:
    carrier_rig.take_down()
    failure = await failing(carrier_rig.transport)
    assert isinstance(failure, TransportDownError)
    assert (failure.trouble, failure.code) == (Trouble.NO_SIGNAL, "connect")


async def test_a_name_that_cannot_be_found_is_a_line_that_is_down(
    carrier_rig: TwilioRig, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    lost = TwilioSms(settings(), carrier_rig.clock, base="http://api.twilio.invalid")
    await _goes_down(lost, carrier_rig, "dns")


async def test_somebody_elses_certificate_gets_neither_token_nor_message(
    carrier_rig: TwilioRig, tmp_path: Path
) -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=_self_signed(tmp_path))
    async with server:
        port = server.sockets[0].getsockname()[1]
        lost = TwilioSms(settings(), carrier_rig.clock, base=f"https://127.0.0.1:{port}")
        await _goes_down(lost, carrier_rig, "certificate")


async def _goes_down(lost: TwilioSms, rig: TwilioRig, code: str) -> None:
    ear = Ear()
    listening = asyncio.create_task(lost.run(ear))
    await rig.until(lambda: ear.link)
    assert ear.link == [f"down {Trouble.NO_SIGNAL}"]
    failure = await failing(lost)
    assert isinstance(failure, TransportDownError)
    assert (failure.trouble, failure.code) == (Trouble.NO_SIGNAL, code)
    listening.cancel()
    await asyncio.wait({listening})


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "api.twilio.com")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = Encoding.PEM
    (folder / "cert.pem").write_bytes(
        made.public_bytes(pem) + key.private_bytes(pem, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem")
    return context


async def test_before_it_runs_it_takes_nothing(carrier_rig: TwilioRig) -> None:
    assert isinstance(await failing(carrier_rig.transport), TransportDownError)
    assert carrier_rig.stand_in.asked == []


async def test_a_line_that_swallows_messages_gets_a_handful_and_not_all(carrier_rig: TwilioRig) -> None:
    """Reading works, sending does not: each try would end as one of which nobody knows."""
    transport = carrier_rig.another()
    async with running(transport, Ear(), carrier_rig):
        carrier_rig.stand_in.take_and_break = 1_000
        kinds = []
        for n in range(300):  # a notice to 300 households, one a second
            kinds.append(type(await failing(transport, message_id=n)))
            await carrier_rig.let_pass(1_000)
        assert set(kinds) == {OutcomeUnknownError, TransportDownError}
        assert kinds.count(OutcomeUnknownError) <= 7
        carrier_rig.stand_in.take_and_break = 0
        await carrier_rig.let_pass(300_000)
        assert isinstance(await transport.send(parcel(WANG, message_id=301)), Accepted)


async def test_after_a_doubtful_try_the_next_one_asks_before_it_risks_a_message(carrier_rig: TwilioRig) -> None:
    transport, ear = carrier_rig.another(timeout_s=1), Ear()
    async with running(transport, ear, carrier_rig):
        carrier_rig.stand_in.take_and_hang = 1
        await failing(transport)
        carrier_rig.stand_in.broken = 100
        for _ in range(60):
            await carrier_rig.let_pass(1_000)
        assert ear.link[-1] == f"down {Trouble.NO_SIGNAL}"
        posts = sum(asked.startswith("POST") for asked in carrier_rig.stand_in.asked)
        assert isinstance(await failing(transport, message_id=2), TransportDownError)
        assert sum(asked.startswith("POST") for asked in carrier_rig.stand_in.asked) == posts
    carrier_rig.stand_in.release()


async def test_a_country_that_is_not_allowed_pauses_once_and_then_gives_way(carrier_rig: TwilioRig, ear: Ear) -> None:
    abroad = "+15005550003"
    assert isinstance(await failing(carrier_rig.transport, abroad), TransportDownError)
    assert isinstance(await failing(carrier_rig.transport, abroad, attempt=2), RetryLaterError)
    assert isinstance(await carrier_rig.transport.send(parcel(WANG, message_id=2)), Accepted)


# asking


async def test_a_try_whose_answer_was_lost_is_found_again(carrier_rig: TwilioRig, ear: Ear) -> None:
    transport, stand_in = carrier_rig.transport, carrier_rig.stand_in
    one = parcel(WANG)
    stand_in.take_and_break = 1
    await failing(transport)
    fate = await transport.ask(one.reference, 0)
    assert (fate.said, fate.carrier_ref) == (State.ACCEPTED, stand_in.sent_to(WANG)[0].sid)
    stand_in.move(fate.carrier_ref, "undelivered", 30005)
    fate = await transport.ask(one.reference, 0)
    assert (fate.said, fate.trouble, fate.code, fate.final) == (State.FAILED, Trouble.DEAD_NUMBER, "30005", True)
    await carrier_rig.until(lambda: ear.reports)
    assert ear.reports[0].carrier_ref == fate.carrier_ref


@pytest.mark.parametrize(
    ("status", "code", "final"), [("canceled", None, True), ("failed", 30007, True), ("undelivered", 30003, False)]
)
async def test_whether_a_failure_is_for_good_is_also_learnt_by_asking(
    carrier_rig: TwilioRig, ear: Ear, status: str, code: int | None, final: bool
) -> None:
    await carrier_rig.transport.send(parcel(WANG))
    carrier_rig.stand_in.move(carrier_rig.stand_in.sent_to(WANG)[0].sid, status, code)
    fate = await carrier_rig.transport.ask(parcel(WANG).reference, 0)
    assert (fate.said, fate.final) == (State.FAILED, final)


async def test_a_try_that_is_nowhere_to_be_found_is_asked_for_again_and_never_called_unsent(
    carrier_rig: TwilioRig, ear: Ear
) -> None:
    transport, one = carrier_rig.transport, parcel(WANG)
    carrier_rig.stand_in.broken = 1
    await failing(transport)
    with pytest.raises(OutcomeUnknownError):
        await transport.ask(one.reference, 0)
    await carrier_rig.let_pass(3_700_000)
    with pytest.raises(CannotAskError):
        await transport.ask(one.reference, 0)


async def test_what_cannot_be_told_apart_is_not_guessed(carrier_rig: TwilioRig, ear: Ear) -> None:
    """The same text to the same number, two tries without an answer: one message, and nobody knows whose."""
    transport, stand_in = carrier_rig.transport, carrier_rig.stand_in
    stand_in.take_and_break = 1
    await failing(transport, message_id=1)
    await carrier_rig.let_pass(10_000)
    stand_in.broken = 1
    await failing(transport, message_id=2)
    for message_id in (1, 2):
        with pytest.raises(CannotAskError):
            await transport.ask(parcel(WANG, message_id=message_id).reference, 0)


async def test_an_earlier_message_with_the_same_words_is_not_taken_for_the_lost_one(
    carrier_rig: TwilioRig, ear: Ear
) -> None:
    transport, stand_in = carrier_rig.transport, carrier_rig.stand_in
    stand_in._make({"To": WANG, "From": NUMBER, "Body": parcel(WANG).text})  # of a run before this one
    await carrier_rig.let_pass(60_000)
    await transport.send(parcel(WANG, message_id=1))
    stand_in.broken = 1
    await failing(transport, message_id=2)
    with pytest.raises(OutcomeUnknownError):
        await transport.ask(parcel(WANG, message_id=2).reference, 0)


async def test_after_a_restart_nothing_can_be_asked(carrier_rig: TwilioRig) -> None:
    async with running(carrier_rig.transport, Ear(), carrier_rig):
        accepted = await carrier_rig.transport.send(parcel(WANG))
        assert (await carrier_rig.transport.ask(parcel(WANG).reference, 0)).carrier_ref == accepted.carrier_ref
    after = carrier_rig.another()
    async with running(after, Ear(), carrier_rig):
        with pytest.raises(CannotAskError):
            await after.ask(parcel(WANG).reference, 0)


# nothing of it in the log


async def test_no_number_no_text_and_no_token_is_logged(
    carrier_rig: TwilioRig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        ear = Ear(refuse=1)
        async with running(carrier_rig.transport, ear, carrier_rig):
            carrier_rig.villager_sends(WANG, "不同意")
            await carrier_rig.transport.send(parcel(WANG, "停水通知"))
            await failing(carrier_rig.transport, LI)
            carrier_rig.progresses = True
            await carrier_rig.until(lambda: ear.texts and any(one.said == State.DELIVERED for one in ear.reports))
            carrier_rig.stand_in.broken = 2
            await failing(carrier_rig.transport, WANG, message_id=3)
            await carrier_rig.let_pass(60_000)
    said = "\n".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
    assert "gateway.transports.twilio_sms" in {record.name for record in caplog.records}
    for secret in (WANG, LI, "%2B199", "不同意", "停水", carrier_rig.transport._settings.auth_token):
        assert secret not in said
    for private in (carrier_rig.transport._settings, *carrier_rig.transport._tries._doubtful.values()):
        assert carrier_rig.transport._settings.auth_token not in repr(private)
        assert WANG not in repr(private)


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"account_sid": "AC1"}, "account_sid"),
        ({"auth_token": ""}, "auth_token"),
        ({"sender": ""}, "sender"),
        ({"sender": "10086"}, "sender"),
        ({"messaging_service": SERVICE}, "sender"),
        ({"sender": "", "messaging_service": "MG1"}, "messaging_service"),
        ({"public_url": "http://village.example"}, "public_url"),
        ({"public_url": "https://village.example/?a=1"}, "public_url"),
        ({"per_minute": 0}, "per_minute"),
    ],
)
async def test_a_setting_that_cannot_be_right_is_named(wrong: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name}$"):
        settings(**wrong)


async def test_the_pace_is_the_one_of_the_number(carrier_rig: TwilioRig) -> None:
    assert (carrier_rig.transport.pace_ms, carrier_rig.transport.window) == (1_000, 8)
    assert isinstance(settings(), TwilioSettings)
    assert carrier_rig.another(per_minute=600).pace_ms == 100
