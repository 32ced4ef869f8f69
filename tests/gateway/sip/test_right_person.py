"""Facts about who hears what: the right clip reaches the right person, and nobody else can get at it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateway.failures import Trouble
from gateway.transport import Answered, Ended
from tests.gateway.sip.conftest import (
    HZ,
    NUMBERS,
    Office,
    address_of,
    all_of,
    clip,
    likeness,
    next_event,
    samples_of,
    soon,
)

pytestmark = pytest.mark.needs("baresip")


async def test_four_lines_at_once_each_hear_their_own(office: Office, tmp_path: Path) -> None:
    phones = [await office.phone() for _ in range(4)]
    sip = await office.run(lines=4)
    clips = [clip(tmp_path / f"{n}.wav", seed=n, seconds=4.0) for n in range(4)]
    calls = await all_of(*(sip.dial(number, "r") for number in NUMBERS[:4]))
    assert await all_of(*(next_event(call) for call in calls)) == [Answered()] * 4
    await all_of(*(call.play(one, "") for call, one in zip(calls, clips, strict=True)))
    await all_of(*(soon(lambda phone=phone: len(phone.heard()) > 6 * HZ) for phone in phones))
    await all_of(*(call.hang_up() for call in calls))
    table = np.array([[likeness(phone.heard(), samples_of(one.path)) for one in clips] for phone in phones])
    print(table.round(4))
    assert np.diag(table).min() >= 0.99
    assert table[~np.eye(4, dtype=bool)].max() < 0.1


async def test_one_line_calls_two_people_in_turn_and_each_hears_only_his_own(office: Office, tmp_path: Path) -> None:
    phones = [await office.phone(), await office.phone()]
    sip = await office.run()
    clips = [clip(tmp_path / f"{n}.wav", seed=n) for n in range(6)]
    for turn, one in enumerate(clips):
        phone = phones[turn % 2]
        call = await sip.dial(NUMBERS[turn % 2], "r")
        assert await next_event(call) == Answered()
        await call.play(one, "")
        await phone.sees("CALL_ESTABLISHED", turn // 2 + 1)
        await soon(lambda phone=phone, one=one: likeness(phone.heard(), samples_of(one.path)) >= 0.99)
        await call.hang_up()
        await phone.sees("CALL_CLOSED", turn // 2 + 1)
        heard = phone.heard()
        assert all(likeness(heard, samples_of(other.path)) < 0.1 for other in clips if other is not one)
        for dump in phone.folder.glob("dump-*"):
            dump.unlink()
    assert list((tmp_path / "run").rglob("say-*")) == []


async def test_a_callee_cannot_pass_our_call_on_to_somebody_else(office: Office, tmp_path: Path) -> None:
    phone, other = await office.phone(), await office.phone()
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    one = clip(tmp_path / "1.wav", 1, 6.0)
    await call.play(one, "")
    await soon(lambda: len(phone.heard()) > HZ)
    await phone.does("transfer", other.address)
    assert await next_event(call) == Ended(Trouble.OTHER, "another call")
    await call.hang_up()
    assert not any(np.abs(samples_of(dump)).max(initial=0) > 100 for dump in other.folder.glob("dump-*-dec.wav"))


async def test_somebody_who_rings_during_a_call_hears_nothing_and_disturbs_nobody(
    office: Office, tmp_path: Path
) -> None:
    phone, other = await office.phone(), await office.phone()
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    one = clip(tmp_path / "1.wav", 1)
    await call.play(one, "")
    await other.does("dial", f"sip:village@{address_of(sip.pids[0])}")
    await other.sees("CALL_CLOSED")
    assert other.events[-1]["param"].startswith("486")
    await soon(lambda: likeness(phone.heard(), samples_of(one.path)) >= 0.99)
    await call.hang_up()
    assert list(other.folder.glob("dump-*")) == []


@pytest.mark.parametrize(
    "forged",
    [
        {"accountaor": "sip:other@127.0.0.1"},
        {"peeruri": "sip:other@127.0.0.1"},
        {"direction": "incoming"},
        {"id": "0123456789abcdef"},
    ],
)
async def test_an_event_that_is_not_of_this_call_ends_it(office: Office, forged: dict[str, str]) -> None:
    """A baresip that mixes up its calls cannot be had; its event is made up, all else is real."""
    phone = await office.phone()
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    (before,) = sip.pids
    true = {
        "class": "call", "type": "CALL_DTMF_START", "param": "1", "direction": "outgoing",
        "accountaor": "sip:village@127.0.0.1", "peeruri": phone.address, "id": call.id,
    }  # fmt: skip
    sip._lines[0]._heard(true | forged)
    assert await next_event(call) == Ended(Trouble.OTHER, "another call")
    await call.hang_up()
    await soon(lambda: sip.pids and sip.pids != [before])
