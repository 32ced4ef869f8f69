"""What is known of a request that was not answered, at the socket itself."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.transports.smsgate_api import CALL_MS, CutOffError, NotReachedError, SmsGateApi, iso
from tests.gateway.smsgate.phone import read_stamp
from village.ground.clock import MovableClock

pytestmark = pytest.mark.asyncio


def api(port: int, clock: MovableClock) -> SmsGateApi:
    return SmsGateApi(f"http://127.0.0.1:{port}", "sms", "x", clock)


async def test_nobody_there_means_that_nothing_went_out(clock: MovableClock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(NotReachedError):
            await api(unused.getsockname()[1], clock).health()


async def test_a_name_nobody_knows_means_that_nothing_went_out(clock: MovableClock) -> None:
    with pytest.raises(NotReachedError):
        await SmsGateApi("http://phone.invalid:8080", "sms", "x", clock).health()


async def test_given_up_means_that_nothing_more_goes_out(clock: MovableClock) -> None:
    """A reset and not a farewell: the system throws away what had not left, instead of sending it when the Wi-Fi is
    back."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        calling = asyncio.ensure_future(api(listening.getsockname()[1], clock).message("1-1-abc"))
        connection, _ = await loop.sock_accept(listening)
        with connection:
            heard = await loop.sock_recv(connection, 65_536)
            assert heard.startswith(b"GET /messages/1-1-abc ")
            await clock.advance(CALL_MS + 1)
            with pytest.raises(CutOffError):
                await calling
            with pytest.raises(ConnectionResetError):
                await loop.sock_recv(connection, 65_536)


async def test_a_broken_answer_means_that_it_may_have_arrived(clock: MovableClock) -> None:
    async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{")
        writer.close()

    server = await asyncio.start_server(half, "127.0.0.1", 0)
    async with server:
        with pytest.raises(CutOffError):
            await api(server.sockets[0].getsockname()[1], clock).message("1-1-abc")


async def test_an_endless_answer_is_no_answer(clock: MovableClock) -> None:
    body = b"[" + b" " * 5_000_000 + b"]"

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    async with server:
        reply = await api(server.sockets[0].getsockname()[1], clock).messages(0, 1)
    assert (reply.status, reply.said, reply.rows) == (200, None, [])


@pytest.mark.parametrize("moment_ms", [0, 1, 999, 1_796_432_345_678])
async def test_a_time_is_written_as_the_app_reads_it(moment_ms: int) -> None:
    assert read_stamp(iso(moment_ms)) == moment_ms
