"""The whole gateway on real SQLite with a phone as its only line: cut off in the middle, one end, sent once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.transports.smsgate import SmsGate
from tests.gateway.conftest import LI, WANG, ZHAO, Rig
from tests.gateway.smsgate.conftest import PhoneRig

pytestmark = pytest.mark.asyncio


async def until(rig: Rig, line: PhoneRig, reached: Callable[[], Any]) -> None:
    """As `Rig.until`, and the sockets get their turn."""

    async def met() -> bool:
        await line.breathe()
        result = reached()
        return bool(await result if asyncio.iscoroutine(result) else result)

    await rig.until(met)


@pytest.fixture
async def line(rig: Rig, bare_rig: PhoneRig) -> PhoneRig:
    await rig.start(sms=[bare_rig.transport], calls=[])
    first = await rig.send(ZHAO, "【青山村】昨天的")
    bare_rig.phone.fails.clear()
    await until(rig, bare_rig, rig.reaches(first, "delivered"))
    return bare_rig


@pytest.mark.parametrize("cut", ["before", "after"])
async def test_cut_off_in_the_middle_of_a_send_it_ends_once(rig: Rig, line: PhoneRig, cut: str) -> None:
    line.phone.cuts, line.phone.cut_kills = cut, True
    message = await rig.send(WANG)
    await until(rig, line, rig.reaches(message, "unknown"))
    await rig.let_pass(60_000)
    assert await rig.state(message) == "unknown"
    line.phone.start()
    await until(rig, line, rig.reaches(message, "delivered"))
    await rig.let_pass(60_000)
    assert await rig.state(message) == "delivered"
    assert line.texts_on(WANG) == ["【青山村】通知17:停水"]
    assert len([note for note in line.phone.notes.values() if note.to == WANG]) == 1


async def test_a_phone_that_was_off_gets_what_waited_and_nothing_twice(rig: Rig, line: PhoneRig) -> None:
    line.phone.kill()
    message = await rig.send(WANG)
    await rig.let_pass(120_000)
    assert await rig.state(message) == "queued"
    assert not rig.gateway.lanes()[0].up
    line.phone.start()
    await until(rig, line, rig.reaches(message, "delivered"))
    assert line.texts_on(WANG) == ["【青山村】通知17:停水"]
    assert rig.gateway.lanes()[0].up


async def test_the_server_dies_in_the_middle_of_a_send_and_asks_after_its_start(rig: Rig, line: PhoneRig) -> None:
    line.phone.hangs = True
    message = await rig.send(WANG)
    await until(rig, line, lambda: line.phone.requests.count("POST /messages") == 2)
    await rig.crash()
    line.phone.hangs = False
    again = SmsGate(line.settings(), rig.clock)
    line.transport = again
    assert await rig.start(sms=[again], calls=[]) == 1
    await until(rig, line, rig.reaches(message, "delivered"))
    assert line.texts_on(WANG) == ["【青山村】通知17:停水"]


async def test_reports_of_before_a_restart_reach_their_messages(rig: Rig, line: PhoneRig) -> None:
    line.phone.hooks_silent = True
    message = await rig.send(WANG)
    await until(rig, line, rig.reaches(message, "accepted"))
    await rig.crash()
    await line.let_pass(20_000)
    line.transport = SmsGate(line.settings(), rig.clock)
    await rig.start(sms=[line.transport], calls=[])
    await until(rig, line, rig.reaches(message, "delivered"))


async def test_a_failed_text_is_tried_again_under_another_id(rig: Rig, line: PhoneRig) -> None:
    line.phone.fails[WANG] = "Send result: RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)"
    message = await rig.send(WANG)
    await until(rig, line, lambda: any(note.state == "Failed" for note in line.phone.notes.values()))
    line.phone.fails.clear()
    await until(rig, line, rig.reaches(message, "delivered"))
    assert len([note for note in line.phone.notes.values() if note.to == WANG]) == 2
    assert len(line.texts_on(WANG)) == 1


async def test_a_villagers_text_is_one_whichever_way_it_comes(rig: Rig, line: PhoneRig) -> None:
    line.phone.hooks_twice = True
    line.villager_sends(LI, "收到９")
    await until(rig, line, lambda: rig.recorder.received_sms)
    await rig.let_pass(90_000)
    await rig.crash()
    line.transport = SmsGate(line.settings(callback_url=""), rig.clock)
    await rig.start(sms=[line.transport], calls=[])
    await until(rig, line, lambda: line.phone.requests.count("GET /inbox") > 5)
    await rig.let_pass(10_000)
    assert [(sms.sender, sms.text) for sms in rig.recorder.received_sms] == [(LI, "收到９")]
