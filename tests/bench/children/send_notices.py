"""Orders COUNT notices to everybody in the village at FOLDER, sends them through the line protocol until all are ENDS.

ENDS is `accepted`, or `delivered` where the carrier is to report each of them.

It says the port it listens on; once a fake SMSC is there it starts, and when every state is on the disk it says how
long that took, what the kernel counted meanwhile, and what folding the WAL into the file at the end cost on top.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

from tests.bench.bench_village import at_work, opened
from tests.bench.kernel import disk_bytes
from tests.bench.line_smsc import LineSmsc


async def main(folder: Path, count: int, ends: str) -> None:
    carrier = LineSmsc(reports=ends == "delivered")
    async with opened(folder) as village:
        print(json.dumps({"port": await carrier.listen()}), flush=True)
        await carrier.connected()
        async with at_work(village.gateway([carrier])):
            begin_s, begin_epoch_s, begin_bytes = time.monotonic(), time.time(), disk_bytes()
            begin_commits = village.db.commits
            await village.notify(count)
            ordered_s = time.monotonic()
            messages = await village.count("SELECT count(*) FROM message")
            await village.until_moved(messages * (2 if carrier.reports else 1))
            end_s, end_epoch_s, end_bytes = time.monotonic(), time.time(), disk_bytes()
            commits = village.db.commits - begin_commits
            resting = await village.count(f"SELECT count(*) FROM message_state WHERE state = '{ends}'")
            people = await village.count("SELECT count(*) FROM resident")
            receivers = await village.db.read(
                lambda tx: [
                    village.means.vault.open(row["sealed"])
                    for row in tx.execute("SELECT r.sealed FROM message m JOIN recipient r ON r.id = m.recipient_id")
                ]
            )
    said = {
        "people": people,
        "messages": messages,
        "resting": resting,
        "window": carrier.window,
        "begin_s": begin_s,
        "ordered_s": ordered_s - begin_s,
        "end_s": end_s,
        "begin_epoch_s": begin_epoch_s,
        "end_epoch_s": end_epoch_s,
        "closed_epoch_s": time.time(),
        "commits": commits,
        "disk_bytes": end_bytes - begin_bytes,
        "folding_bytes": disk_bytes() - end_bytes,
        "receivers": receivers,
    }
    print(json.dumps(said), flush=True)


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
