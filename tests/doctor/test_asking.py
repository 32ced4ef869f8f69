"""The socket between server and command: one answer, for the owner alone, whatever an earlier power cut left there."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest

from village.doctor.asking import SOCKET_NAME, NotServingError, SilentError, answering, ask
from village.doctor.finding import Finding, Part, Verdict
from village.ground.wording import say

FOUND = [
    Finding(Part.LINE, Verdict.BAD, say("断了{n}", n=say("{n}天", n=2)), say("拔下来再插上"), say("短信")),
    Finding(Part.QUEUE, Verdict.GOOD, say("没有")),
]
PATIENCE_S = 10


async def examine() -> Sequence[Finding]:
    return FOUND


async def asked(folder: Path, patience_s: float = PATIENCE_S) -> list[Finding]:
    return await asyncio.to_thread(ask, folder, patience_s)


async def test_who_asks_is_told_and_the_socket_goes_with_the_server(tmp_path: Path) -> None:
    async with answering(tmp_path, examine):
        assert await asked(tmp_path) == FOUND
        assert await asked(tmp_path) == FOUND
        mode = (tmp_path / SOCKET_NAME).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert not (tmp_path / SOCKET_NAME).exists()
    with pytest.raises(NotServingError):
        await asked(tmp_path)


async def test_what_a_power_cut_left_is_nobody_and_is_put_away(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / SOCKET_NAME))
    with pytest.raises(NotServingError):
        await asked(tmp_path)
    async with answering(tmp_path, examine):
        assert await asked(tmp_path) == FOUND


@pytest.mark.parametrize("left", ["file", "folder"])
async def test_something_else_in_its_place_does_not_stop_the_village(tmp_path: Path, left: str) -> None:
    place = tmp_path / SOCKET_NAME
    if left == "file":
        place.write_text("mine")
    else:
        (place / "deep").mkdir(parents=True)
    with pytest.raises(NotServingError):
        await asked(tmp_path)
    async with answering(tmp_path, examine):
        if left == "file":
            assert await asked(tmp_path) == FOUND
        else:
            with pytest.raises(NotServingError):
                await asked(tmp_path)


async def test_a_folder_deeper_than_a_socket_address_is_answered_too(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["青山村的文件夹放得很深很深"] * 4)
    deep.mkdir(parents=True)
    assert len(os.fsencode(deep)) > 108
    async with answering(deep, examine):
        assert await asked(deep) == FOUND
    assert list(deep.iterdir()) == []


async def test_two_doctors_at_once_are_both_answered_one_after_the_other(tmp_path: Path) -> None:
    at_once, most = 0, 0

    async def slowly() -> Sequence[Finding]:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        for _ in range(50):
            await asyncio.sleep(0)
        at_once -= 1
        return FOUND

    async with answering(tmp_path, slowly):
        answers = await asyncio.gather(*(asked(tmp_path) for _ in range(4)))
    assert answers == [FOUND] * 4
    assert most == 1


async def test_a_crowd_is_turned_away_and_the_next_is_answered(tmp_path: Path) -> None:
    go = asyncio.Event()

    async def when_told() -> Sequence[Finding]:
        await go.wait()
        return FOUND

    async with answering(tmp_path, when_told):
        crowd = [await asyncio.open_unix_connection(tmp_path / SOCKET_NAME) for _ in range(12)]
        turned_away = [await reader.read() for reader, _ in crowd[8:]]
        assert turned_away == [b""] * 4
        go.set()
        told = [await reader.read() for reader, _ in crowd[:8]]
        assert all(json.loads(one) for one in told)
        for _, writer in crowd:
            writer.close()
        assert await asked(tmp_path) == FOUND


async def test_who_hangs_up_harms_nobody(tmp_path: Path) -> None:
    async with answering(tmp_path, examine):
        for _ in range(20):
            _, writer = await asyncio.open_unix_connection(tmp_path / SOCKET_NAME)
            writer.transport.abort()
        assert await asked(tmp_path) == FOUND


async def test_a_server_that_stops_leaves_nobody_waiting(tmp_path: Path) -> None:
    asking = asyncio.Event()

    async def never() -> Sequence[Finding]:
        asking.set()
        await asyncio.Event().wait()
        return FOUND

    async with answering(tmp_path, never):
        waiting = asyncio.create_task(asked(tmp_path))
        await asking.wait()
    with pytest.raises(SilentError):
        await waiting


@pytest.mark.parametrize(
    "answer", [b"", b"{}\n", b"[]\n", b'[{"part": "nose"}]\n', b"[1]\n", b"not json\n", b'"text"\n']
)
async def test_an_answer_of_another_version_is_no_answer(tmp_path: Path, answer: bytes) -> None:
    async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with await asyncio.start_unix_server(tell, tmp_path / SOCKET_NAME):
        with pytest.raises(SilentError):
            await asked(tmp_path)


async def test_a_server_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / SOCKET_NAME))
        deaf.listen()
        with pytest.raises(SilentError):
            await asked(tmp_path, 0.05)
