"""A wire with a meter: takes connections and passes every byte on to PORT at loopback, and back, and counts them.

It says the port it takes connections at. Each line on stdin makes it say how many bytes went up and came down, over how
many connections, since the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys

_CHUNK = 1 << 18


async def main(port: int) -> None:
    counted = {"up": 0, "down": 0, "connections": 0}

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(_CHUNK):
                counted[way] += len(chunk)
                writer.write(chunk)
                await writer.drain()
        with contextlib.suppress(ConnectionError, OSError):
            writer.write_eof()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        counted["connections"] += 1
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(reader, up_writer, "up"), pass_on(up_reader, writer, "down"))
        for end in (writer, up_writer):
            end.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(counted), flush=True)
        counted.update(up=0, down=0, connections=0)


asyncio.run(main(int(sys.argv[1])))
