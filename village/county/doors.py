"""Where villages call: the exchange and the enrolment over HTTP. What is carried is sealed and signed by itself.

Never shows a page of the desk's, and never spends more on a stranger than a bounded read and a bounded queue.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web
from sqlalchemy import Connection

from sync.enrolment import LARGEST_BYTES as LARGEST_REQUEST
from sync.enrolment import EnrolmentError, Refused, Request, encode_refusal, read_request
from sync.envelope import LARGEST_BYTES
from sync.failures import BundleError
from sync.keys import SigningKey
from village.county.core import core
from village.county.enrolling import Refusal, enrol
from village.county.exchanging import Exchanging
from village.ground.clock import Clock
from village.ground.database import Database, DatabaseError
from village.web.kit.patience import is_here

log = logging.getLogger(__name__)

MOST_INSIDE, MOST_OPENED = 64, 16
"""Requests being read or answered at once, and bundles being opened among them. Whoever comes beyond is asked to come
back: three hundred at once bring nobody down."""

_RETRY_AFTER_S = 60
_READ_S = 90
_TYPE = "application/octet-stream"


class _Busy(web.HTTPServiceUnavailable):
    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": str(_RETRY_AFTER_S)}, text="busy")


class Room:
    """Places for so many at once; an address that is not this computer gets a quarter: nobody fills it alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: Counter[str] = Counter()

    @contextmanager
    def place(self, remote: str) -> Iterator[None]:
        """Raises HTTPServiceUnavailable where there is none."""
        if self._inside.total() >= self._most:
            raise _Busy
        if not is_here(remote) and self._inside[remote] >= self._most // 4:
            raise _Busy
        self._inside[remote] += 1
        try:
            yield
        finally:
            self._inside[remote] -= 1
            self._inside += Counter()  # drops what is empty


class Doors:
    def __init__(self, db: Database, clock: Clock, key: SigningKey, name: str) -> None:
        self._db = db
        self._clock = clock
        self._key = key
        self._name = name
        self._exchanging = Exchanging(db, clock, key)
        self._room, self._opening = Room(MOST_INSIDE), asyncio.Semaphore(MOST_OPENED)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BYTES + 1)
        app.router.add_get("/", self._hello)
        app.router.add_post("/exchange", self._exchange)
        app.router.add_post("/enrol", self._enrol)
        return app

    async def _hello(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"{self._name} · e家家\n", headers={"X-Content-Type-Options": "nosniff"})

    async def _exchange(self, request: web.Request) -> web.StreamResponse:
        with self._room.place(request.remote or ""):
            sealed = await _body(request, LARGEST_BYTES)
            try:
                async with self._opening:
                    return web.Response(body=await self._exchanging.take(sealed), content_type=_TYPE)
            except BundleError as refused:
                return web.Response(status=422, text=refused.name)
            except DatabaseError as failure:
                log.error("exchange not kept reason=%s", type(failure).__name__)
                raise _Busy from failure

    async def _enrol(self, request: web.Request) -> web.StreamResponse:
        with self._room.place(request.remote or ""):
            raw = await _body(request, LARGEST_REQUEST)
            try:
                asked = read_request(raw)
                answer = await self._db.write(core(lambda c: self._enrolled(c, asked)))
            except EnrolmentError:
                return _no(Refusal(Refused.WRONG))
            except DatabaseError as failure:
                log.error("enrolment not kept reason=%s", type(failure).__name__)
                raise _Busy from failure
        return _no(answer) if isinstance(answer, Refusal) else web.Response(body=answer, content_type=_TYPE)

    def _enrolled(self, connection: Connection, asked: Request) -> bytes | Refusal:
        return enrol(connection, self._key, self._name, asked, self._clock.now_ms())


def _no(refusal: Refusal) -> web.StreamResponse:
    log.warning("enrolment refused reason=%s", refusal.why)
    return web.Response(status=403, body=encode_refusal(refusal.why, refusal.wait_s), content_type=_TYPE)


async def _body(request: web.Request, most: int) -> bytes:
    """Raises HTTPRequestEntityTooLarge, HTTPRequestTimeout."""
    if (request.content_length or 0) > most:
        raise web.HTTPRequestEntityTooLarge(max_size=most, actual_size=request.content_length or 0)
    try:
        async with asyncio.timeout(_READ_S):
            return await request.read()
    except TimeoutError as slow:
        raise web.HTTPRequestTimeout from slow
