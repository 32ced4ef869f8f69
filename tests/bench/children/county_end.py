"""A county at FOLDER, served as `county serve` does. It says its port and an enrolment code.

At the end, on SIGTERM, it says how many records of that village it has, and how many bundles it has set aside.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from village.county.app import running
from village.county.enrolling import issue_code
from village.county.place import CountyPlace


async def main(folder: Path) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    place = CountyPlace.make(folder, name="样板县", listen="127.0.0.1")
    async with running(place, any_port=True) as county:
        code = await issue_code(county.db, county.clock, village="青山村", by="bench")
        print(json.dumps({"port": urlsplit(county.exchange_url).port, "code": code.shown}), flush=True)
        await stopped.wait()
        records, aside = await county.db.read(
            lambda tx: (
                tx.execute("SELECT count(*) FROM record").fetchone()[0],
                tx.execute("SELECT count(*) FROM quarantine").fetchone()[0],
            )
        )
    print(json.dumps({"records": records, "aside": aside}), flush=True)


asyncio.run(main(Path(sys.argv[1])))
