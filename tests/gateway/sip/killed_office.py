"""A server with two SIP lines that is going to be killed: prints its baresips' process ids and waits for its end."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.gateway.sip.conftest import Office, soon


async def main() -> None:
    sip = await Office(Path(sys.argv[1])).run(lines=2)
    await soon(lambda: len(sip.pids) == 2)
    print(*sip.pids, flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
