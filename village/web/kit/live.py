"""Tells open pages that something was committed; what it was they fetch themselves.

Never carries anything but the news that there is news, so that nothing leaks past the gate.
"""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from village.ground.wording import RefusalError, say
from village.web.kit.frame import FRAME
from village.web.kit.gate import signed_in

_EVERY_S = 1.0
_SIGN_OF_LIFE_S = 20.0
_LASTS_S = 600.0
"""Then the browser asks anew, and passes the gate anew."""

_MOST = 40
"""Open pages of a whole committee; each holds a connection of a small computer."""


@signed_in
async def live(request: web.Request) -> web.StreamResponse:
    """Server-sent events: one `changed` after each commit, at most one a second."""
    frame = request.app[FRAME]
    task = asyncio.current_task()
    if task is None or len(frame.listening) >= _MOST:
        raise RefusalError(say("同时打开的页面太多了，请关掉几个。"), status=503)
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
    frame.listening.add(task)
    try:
        await response.prepare(request)
        await response.write(b"retry: 3000\n\n")
        with frame.db.changed() as changed, contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LASTS_S):
                while True:
                    await response.write(await _news(changed))
                    await asyncio.sleep(_EVERY_S)
    except ConnectionError:
        pass  # the page was closed
    finally:
        frame.listening.discard(task)
    return response


async def _news(changed: asyncio.Event) -> bytes:
    try:
        async with asyncio.timeout(_SIGN_OF_LIFE_S):
            await changed.wait()
    except TimeoutError:
        return b": still here\n\n"
    changed.clear()
    return b"event: changed\ndata: 1\n\n"


async def hang_up(app: web.Application) -> None:
    """The server stops: open pages must not hold it."""
    for task in list(app[FRAME].listening):
        task.cancel()
