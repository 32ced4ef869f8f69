"""Facts about SIP calls, with a real baresip at both ends."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from gateway.failures import RejectedError, RetryLaterError, Trouble
from gateway.transport import Answered, Ended, Key
from gateway.transports import sip_saying, sip_sound
from tests.gateway.sip.conftest import (
    HZ,
    NUMBERS,
    Office,
    address_of,
    all_of,
    clip,
    free_port,
    likeness,
    next_event,
    noise,
    samples_of,
    soon,
    write_wave,
)

pytestmark = pytest.mark.needs("baresip")


async def test_keys_arrive_and_the_clip_is_switched_within_the_call(office: Office, tmp_path: Path) -> None:
    phone = await office.phone()
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    first, second = clip(tmp_path / "1.wav", 1, 8.0), clip(tmp_path / "2.wav", 2)
    await call.play(first, "")
    await phone.press("9*#0")
    assert [await next_event(call) for _ in range(4)] == [Key("9"), Key("*"), Key("#"), Key("0")]
    await call.play(second, "")
    so_far = len(phone.heard())
    await soon(lambda: len(phone.heard()) > so_far + 4 * HZ)
    await call.hang_up()
    heard = phone.heard()
    assert likeness(heard, samples_of(second.path)) >= 0.99
    assert likeness(heard, samples_of(first.path)) < 0.5  # cut off in the middle


async def test_new_silence_follows_the_silence_behind_a_clip(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sip_sound, "SILENCE_MS", 1_500)
    monkeypatch.setattr(sip_saying, "RENEW_MS", 700)
    phone = await office.phone()
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    await call.play(clip(tmp_path / "1.wav", 1, 0.5), "")
    await soon(lambda: len(phone.heard()) > 6 * HZ)  # clip and first silence are 3 s
    await phone.press("5")
    assert await next_event(call) == Key("5")
    await call.hang_up()


async def test_without_new_silence_debians_baresip_would_end_the_call(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the test above is worth: where this fails, baresip has learnt to stay and the silence may go."""
    monkeypatch.setattr(sip_sound, "SILENCE_MS", 1_500)
    await office.phone()
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    await call.play(clip(tmp_path / "1.wav", 1, 0.5), "")
    assert await next_event(call) == Ended()
    await call.hang_up()


async def test_a_phone_may_be_reached_over_tcp(office: Office) -> None:
    phone = await office.phone()
    number = office.peer(phone.address + ";transport=tcp")
    sip = await office.run()
    call = await sip.dial(number, "r")
    assert await next_event(call) == Answered()
    await call.hang_up()


async def test_what_the_callee_says_is_kept(office: Office, tmp_path: Path) -> None:
    says = write_wave(tmp_path / "says.wav", np.concatenate([noise(77, 20.0)]))
    phone = await office.phone(speech=says.path)
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    await call.record(tmp_path / "kept.wav")
    await soon(lambda: len(phone.heard()) > 2 * HZ)
    seconds = await call.stop_recording()
    kept = samples_of(tmp_path / "kept.wav")
    assert seconds == pytest.approx(len(kept) / HZ)
    assert seconds > 1.5
    assert likeness(samples_of(says.path), kept[HZ // 4 : -HZ // 4]) >= 0.99
    await call.record(tmp_path / "to the end.wav")
    so_far = len(phone.heard())
    await soon(lambda: len(phone.heard()) > so_far + HZ)
    await phone.does("hangup")
    assert await next_event(call) == Ended()
    await call.hang_up()
    assert len(samples_of(tmp_path / "to the end.wav")) > HZ // 2
    assert list((tmp_path / "run").rglob("dump-*")) == []  # nothing of anybody's voice stays unasked for


async def test_busy_no_answer_unreachable_and_hung_up_are_told_apart(office: Office, tmp_path: Path) -> None:
    phone = await office.phone(answers=False)
    closed = office.peer(f"sip:callee@127.0.0.1:{free_port()}")
    sip = await office.run(lines=1, reach_ms=3000, ring_ms=3000)
    call = await sip.dial(NUMBERS[0], "r")
    await phone.sees("CALL_INCOMING")
    await phone.does("hangup")
    assert await next_event(call) == Ended(Trouble.BUSY, "486")
    await call.hang_up()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Ended(Trouble.NO_ANSWER, "rang out")
    await call.hang_up()
    await phone.sees("CALL_CLOSED", 2)  # it does not ring on
    call = await sip.dial(closed, "r")
    assert await next_event(call) == Ended(Trouble.NO_SIGNAL, "unreachable")
    await call.hang_up()
    call = await sip.dial(NUMBERS[0], "r")
    await phone.sees("CALL_INCOMING", 3)
    await phone.does("accept")
    assert await next_event(call) == Answered()
    await phone.does("hangup")
    assert await next_event(call) == Ended()
    await call.hang_up()


async def test_a_number_without_an_address_is_refused_before_anything_rings(office: Office) -> None:
    sip = office.open(to="")
    with pytest.raises(RejectedError):
        await sip.dial("+8619900009999", "r")
    assert sip.pids == []


async def test_hanging_up_while_it_rings_ends_the_ringing(office: Office) -> None:
    phone = await office.phone(answers=False)
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    await phone.sees("CALL_INCOMING")
    await all_of(call.hang_up(), call.hang_up())
    await phone.sees("CALL_CLOSED")
    assert (await sip.dial(NUMBERS[0], "r")) is not call


async def test_a_clip_that_is_none_for_a_phone_is_not_played(office: Office, tmp_path: Path) -> None:
    await office.phone()
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    wide = write_wave(tmp_path / "wide.wav", noise(1, 1.0), hz=22_050)
    with pytest.raises(RetryLaterError) as raised:
        await call.play(wide, "")
    assert raised.value.trouble == Trouble.SPEECH
    await call.hang_up()


async def test_a_call_to_the_village_is_put_down_and_told(office: Office) -> None:
    phone = await office.phone(name="+8619900000001")
    sip = await office.run()
    await phone.does("dial", f"sip:village@{address_of(sip.pids[0])}")
    await phone.sees("CALL_CLOSED")
    assert phone.events[-1]["param"].startswith("486")
    await soon(lambda: office.told.rings)
    assert [ring.caller for ring in office.told.rings] == ["+8619900000001"]
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    await call.hang_up()


async def test_dialling_starts_what_does_not_run(office: Office) -> None:
    await office.phone()
    sip = office.open()
    assert sip.pids == []
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    await call.hang_up()
    assert len(sip.pids) == 1


async def test_an_event_is_not_lost_when_waiting_for_it_is_given_up(office: Office) -> None:
    phone = await office.phone(answers=False)
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    waiting = asyncio.ensure_future(call.event())
    await phone.sees("CALL_INCOMING")
    waiting.cancel()
    await phone.does("accept")
    assert await next_event(call) == Answered()
    await call.hang_up()
