"""Facts about what other SIP speakers say and do to us, with SIPp as one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.failures import Trouble
from gateway.transport import Answered, Ended
from tests.gateway.sip.conftest import NUMBERS, Office, address_of, next_event, soon
from tests.gateway.sip.sipp import (
    HANGS_UP,
    RECEIVE_ACK,
    RECEIVE_INVITE,
    REMEMBER_WHO,
    RINGS_AND_NEVER_ACKNOWLEDGES,
    answers,
    says,
    sipp,
)

pytestmark = [pytest.mark.needs("baresip"), pytest.mark.needs("sipp")]


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        ("403 Forbidden", Trouble.REFUSED),
        ("404 Not Found", Trouble.DEAD_NUMBER),
        ("480 Temporarily Unavailable", Trouble.NO_SIGNAL),
        ("486 Busy Here", Trouble.BUSY),
        ("503 Service Unavailable", Trouble.CONGESTION),
        ("603 Decline", Trouble.HUNG_UP),
        ("484 Address Incomplete", Trouble.DEAD_NUMBER),
        ("499 Never Heard Of", Trouble.OTHER),
    ],
)
async def test_a_refusal_ends_the_call_with_its_trouble(
    office: Office, tmp_path: Path, status: str, trouble: Trouble
) -> None:
    async with sipp(tmp_path, RECEIVE_INVITE, says(status), RECEIVE_ACK) as peer:
        number = office.peer(peer.address)
        sip = await office.run()
        call = await sip.dial(number, "r")
        assert await next_event(call) == Ended(trouble, status[:3])
        await call.hang_up()


async def test_gone_after_it_rang_is_no_answer(office: Office, tmp_path: Path) -> None:
    steps = RECEIVE_INVITE, says("180 Ringing"), '<pause milliseconds="200"/>', says("480 Gone"), RECEIVE_ACK
    async with sipp(tmp_path, *steps) as peer:
        number = office.peer(peer.address)
        sip = await office.run()
        call = await sip.dial(number, "r")
        assert await next_event(call) == Ended(Trouble.NO_ANSWER, "480")
        await call.hang_up()


async def test_a_peer_that_ignores_our_bye_does_not_hold_the_line(office: Office, tmp_path: Path) -> None:
    await office.phone()
    async with sipp(tmp_path, RECEIVE_INVITE, answers(), RECEIVE_ACK, '<pause milliseconds="20000"/>') as peer:
        number = office.peer(peer.address)
        sip = await office.run()
        call = await sip.dial(number, "r")
        assert await next_event(call) == Answered()
        await call.hang_up()
        call = await sip.dial(NUMBERS[0], "r")
        assert await next_event(call) == Answered()
        await call.hang_up()


async def test_answered_and_hung_up_at_once(office: Office, tmp_path: Path) -> None:
    async with sipp(tmp_path, REMEMBER_WHO, answers(), RECEIVE_ACK, HANGS_UP) as peer:
        number = office.peer(peer.address)
        sip = await office.run()
        call = await sip.dial(number, "r")
        assert await next_event(call) == Answered()
        assert await next_event(call) == Ended()
        await call.hang_up()
        assert await peer.is_content()


async def test_a_caller_who_never_acknowledges_does_not_hold_the_line(office: Office, tmp_path: Path) -> None:
    await office.phone()
    sip = await office.run()
    async with sipp(tmp_path, RINGS_AND_NEVER_ACKNOWLEDGES, calls=address_of(sip.pids[0])):
        await soon(lambda: office.told.rings)
        assert [ring.caller for ring in office.told.rings] == ["+8619900000009"]
        call = await sip.dial(NUMBERS[0], "r")
        assert await next_event(call) == Answered()
        await call.hang_up()
