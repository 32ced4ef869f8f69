"""What Kannel asks when a villager has written: an HTTP handler at PORT that answers every text with the words REPLY.

It keeps nothing. It says {"listening": true}.
"""

from __future__ import annotations

import asyncio
import json
import sys

from aiohttp import web


async def main(port: int, reply: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=reply, headers={"X-Kannel-Coding": "2"})  # 2: UCS-2, as Chinese needs

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print(json.dumps({"listening": True}), flush=True)
    await asyncio.Event().wait()


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
