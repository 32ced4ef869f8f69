"""Opens the doors of an app: sockets, limits, and a quiet end.

Never decides what is served, and never logs who asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from village.web.kit.patience import is_here

_KEEP_ALIVE_S = 75.0
_STOP_S = 3.0
_FIRST_REQUEST_S = 20.0
"""Who opens a connection and has asked for nothing by then is hung up on."""

_MOST_CONNECTIONS = 512
"""At one door: a small computer's memory; a whole village reads with fewer."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where to listen; with a `context` it is HTTPS, port 0 is any free one.

    `most` connections at once; what a stranger does at one door is not felt at the others.
    """

    host: str = "127.0.0.1"
    port: int = 0
    context: ssl.SSLContext | None = None
    most: int = _MOST_CONNECTIONS


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int
    secure: bool

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}"

    @property
    def typed(self) -> str:
        """What somebody at this computer types: where every address of it is served, its loopback."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - compared, not bound
        return replace(self, host=host).url + "/"


class _Listener(socket.socket):
    """Hangs up on one connection too many before anything is spent on it, a TLS handshake least of all.

    One address gets a quarter of the door, so that nobody holds it shut alone; this computer itself gets all of it.
    """

    most: int
    _inside: list[tuple[socket.socket, str]]

    def accept(self) -> tuple[socket.socket, object]:
        connection, peer = super().accept()
        remote = str(peer[0])
        if self._is_full_for(remote):
            connection.close()
            raise ConnectionAbortedError  # asyncio goes on to the next one
        self._inside.append((connection, remote))
        return connection, peer

    def _is_full_for(self, remote: str) -> bool:
        self._inside = [one for one in self._inside if one[0].fileno() != -1]
        if len(self._inside) >= self.most:
            return True
        return not is_here(remote) and sum(one[1] == remote for one in self._inside) >= self.most // 4

    @classmethod
    async def at(cls, door: Door) -> _Listener:
        """Raises OSError where the port is taken."""
        found = await asyncio.get_running_loop().getaddrinfo(door.host, door.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        listener = cls(family, socket.SOCK_STREAM)
        listener.most, listener._inside = door.most, []
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.setblocking(False)
        except OSError:
            listener.close()
            raise
        return listener


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
                    sock=await _Listener.at(door),
                    ssl=door.context,
                    ssl_handshake_timeout=timeout_s,
                    backlog=128,
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
