"""Where carriers and the village's own phone call the village over HTTP. Carries the request to its line and back.

Never reads what it carries: each line proves by itself who has called (`gateway/callback.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gateway.callback import Callback, HearsCallbacks
from village.web.kit.forms import read_body
from village.web.kit.gate import anyone

_MOST_BYTES = 64 * 1024
"""A status or a text is a few hundred bytes; nobody unknown fills the memory of a Pi."""


def routes(line_of: Callable[[str], HearsCallbacks | None]) -> list[web.RouteDef]:
    """`line_of`: the open line of that name, None where there is none."""

    @anyone
    async def carry(request: web.Request) -> web.StreamResponse:
        body = await read_body(request, limit=_MOST_BYTES)
        line = line_of(request.match_info["line"])
        if line is None:
            return web.Response(status=404)
        answer = await line.callback(
            Callback(
                what=request.match_info["what"],
                query=request.rel_url.raw_query_string,
                headers={name.lower(): value for name, value in request.headers.items()},
                body=body,
                peer=request.remote or "",
            )
        )
        return web.Response(status=answer.status, body=answer.body, content_type=answer.content_type)

    return [web.post("/callbacks/{line:[a-z0-9-]{1,40}}/{what:[a-z_]{1,20}}", carry)]
