"""Opens the doors of an app: sockets, limits, and a quiet end.

Never decides what is served, and never logs who asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

_KEEP_ALIVE_S = 75.0
_STOP_S = 3.0
_FIRST_REQUEST_S = 20.0
"""Who opens a connection and has asked for nothing by then is hung up on."""

_MOST_CONNECTIONS = 512
"""A small computer's memory; a whole village reads with fewer."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where to listen; with a `context` it is HTTPS, port 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 0
    context: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    secure: bool

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"


class _Turned(asyncio.Protocol):
    """Says nothing to one connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _without_content(record: logging.LogRecord) -> bool:
    """What cannot be read as a request is logged by its kind: aiohttp would quote it, cookies and all."""
    failure = record.exc_info[1] if record.exc_info else None
    if isinstance(failure, HttpProcessingError):
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = "unreadable request kind=%s", (type(failure).__name__,)
        record.exc_info = record.exc_text = None
    return True


@contextlib.asynccontextmanager
async def listening(app: web.Application, *doors: Door) -> AsyncIterator[list[Address]]:
    """Serve `app` at all `doors` (at a free loopback port where none is given) until the block ends.

    Raises OSError where a port is taken.
    """
    silent: set[asyncio.BaseProtocol] = set()

    @web.middleware
    async def listen(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        silent.discard(request.protocol)
        return await handler(request)

    app.middlewares.insert(0, listen)
    log = logging.getLogger(f"{__name__}.requests")
    log.addFilter(_without_content)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=log,
        keepalive_timeout=_KEEP_ALIVE_S,
        shutdown_timeout=_STOP_S,
        handle_signals=False,
    )
    await runner.setup()
    server = runner.server
    assert server is not None  # noqa: S101 - setup() has just made it
    loop = asyncio.get_running_loop()

    def accept() -> asyncio.Protocol:
        if len(server.connections) >= _MOST_CONNECTIONS:
            return _Turned()
        connection = server()
        silent.add(connection)
        loop.call_later(_FIRST_REQUEST_S, hang_up, connection)
        return connection

    def hang_up(connection: RequestHandler) -> None:
        if connection in silent:
            silent.discard(connection)
            connection.force_close()

    opened: list[asyncio.Server] = []
    try:
        for door in doors or (Door(),):
            timeout_s = _FIRST_REQUEST_S if door.context else None
            opened.append(
                await loop.create_server(
                    accept,
                    door.host,
                    door.port,
                    ssl=door.context,
                    ssl_handshake_timeout=timeout_s,
                    backlog=128,
                    reuse_address=True,
                )
            )
        yield [
            Address(door.host, asyncio_server.sockets[0].getsockname()[1], door.context is not None)
            for door, asyncio_server in zip(doors or (Door(),), opened, strict=True)
        ]
    finally:
        for asyncio_server in opened:
            asyncio_server.close()
        await runner.cleanup()
