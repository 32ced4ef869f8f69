"""Doors under strangers who connect and say nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from village.ground.clock import MovableClock
from village.web.kit.authority import make_authority, server_context
from village.web.kit.serving import Address, Door, listening

MOST = 4


@pytest.fixture
async def doors(clock: MovableClock, tmp_path: Path) -> AsyncIterator[tuple[Address, Address]]:
    async def home(_request: web.Request) -> web.Response:
        return web.Response(text="在")

    make_authority(tmp_path, "青山村", [], clock.now_ms())
    app = web.Application()
    app.router.add_get("/", home)
    context = server_context(tmp_path, [], clock)
    async with listening(app, Door(most=MOST), Door(context=context, most=MOST)) as (plain, secure):
        yield plain, secure


async def crowd(at: Address, count: int) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    return [await asyncio.open_connection(at.host, at.port) for _ in range(count)]


async def answers(at: Address) -> bool:
    try:
        async with aiohttp.ClientSession() as session, session.get(at.url, ssl=False) as response:
            return await response.text() == "在"
    except aiohttp.ClientError:
        return False


@pytest.mark.parametrize("which", [0, 1], ids=["plain", "secure"])
async def test_one_connection_too_many_is_dropped_at_once_and_the_other_door_stays_open(
    doors: tuple[Address, Address], which: int
) -> None:
    strangers = await crowd(doors[which], MOST + 2)
    for reader, _ in strangers[MOST:]:  # also where the TLS handshake was never begun
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
    assert not await answers(doors[which])
    assert await answers(doors[1 - which])
    for _, writer in strangers:
        writer.close()


async def test_whoever_has_left_makes_room(doors: tuple[Address, Address]) -> None:
    for _ in range(3 * MOST):
        assert await answers(doors[0])


async def test_one_address_does_not_hold_the_door_shut(
    doors: tuple[Address, Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("village.web.kit.serving.is_here", lambda remote: remote != "127.0.0.2")
    reader, writer = zip(*[await from_elsewhere(doors[0]) for _ in range(MOST)], strict=True)
    with contextlib.suppress(ConnectionError):
        assert await asyncio.wait_for(reader[1].read(), 5) == b""
    assert await answers(doors[0])
    for each in writer:
        each.close()


async def from_elsewhere(at: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection(at.host, at.port, local_addr=("127.0.0.2", 0))
