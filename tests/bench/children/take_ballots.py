"""A village at FOLDER with an open poll takes ballots over the line protocol, and answers each with a receipt.

It says the port it listens on; then, when everybody has been asked, COUNT texts to be sent; and on SIGTERM how many
ballots stand in the ledger.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path

from tests.bench.bench_village import at_work, opened
from tests.bench.line_smsc import LineSmsc


async def main(folder: Path, count: int) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    carrier = LineSmsc()
    async with opened(folder) as village:
        print(json.dumps({"port": await carrier.listen()}), flush=True)
        await carrier.connected()
        async with at_work(village.gateway([carrier])):
            ballots = await village.ask()
            asked = await village.count("SELECT count(*) FROM message")
            await village.until_moved(asked)
            print(json.dumps({"asked": asked, "texts": ballots.first(count)}), flush=True)
            await stopped.wait()
            cast = await village.count("SELECT count(*) FROM ballot WHERE late = 0")
        print(json.dumps({"ballots": cast}), flush=True)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
