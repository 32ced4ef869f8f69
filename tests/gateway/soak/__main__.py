"""Days of trouble, one after the other: `python -m tests.gateway.soak FIRST COUNT [MUTATION]`; one line of JSON a day.

Each life of the server is a forked process that is really killed; the interpreter is warm, so a day costs little.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.gateway.soak.judge import judge
from tests.gateway.soak.life import live
from tests.gateway.soak.mutations import MUTATIONS
from tests.gateway.soak.schedule import Schedule, schedule

_LIFE_S = 120.0
"""Real time after which a life that neither ended nor was killed is one that hangs."""


def day(seed: int, mutation: str = "") -> list[str]:
    """Everything that went wrong on this day."""
    plan = schedule(seed)
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        (folder / "promised").touch()
        for number in range(len(plan.ends) + 1):
            trouble = _life(folder, plan, number, mutation)
            if trouble:
                return [trouble]
        return judge(folder, plan)


def _life(folder: Path, plan: Schedule, number: int, mutation: str) -> str:
    end = plan.ends[number] if number < len(plan.ends) else None
    child = os.fork()
    if child == 0:
        code = 1
        try:
            logging.disable(logging.CRITICAL)
            with MUTATIONS[mutation]():
                asyncio.run(live(folder, plan, number))
            code = 0
        finally:
            os._exit(code)
    wait_s = end.count / 1000 if end is not None and end.moment == "outside" else _LIFE_S
    status = _wait(child, wait_s)
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return "" if end is not None and end.moment == "outside" else f"life {number} hangs"
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return ""
    return "" if os.waitstatus_to_exitcode(status) == 0 else f"life {number} broke down"


def _wait(child: int, wait_s: float) -> int | None:
    """The child's status; None where it lives longer than that."""
    descriptor = os.pidfd_open(child)
    try:
        ready = select.select([descriptor], [], [], wait_s)[0]
        return os.waitpid(child, 0)[1] if ready else None
    finally:
        os.close(descriptor)


def main(first: int, count: int, mutation: str = "") -> None:
    for seed in range(first, first + count):
        began_s = time.monotonic()
        wrong = day(seed, mutation)
        print(json.dumps({"seed": seed, "wrong": wrong, "s": round(time.monotonic() - began_s, 2)}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:4])
