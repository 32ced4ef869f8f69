"""kill -9 at random moments: nothing is lost, and no ordinary message is sent twice by us."""

from __future__ import annotations

import collections
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.gateway.killed_gateway import PEOPLE

ROOT = Path(__file__).parents[2]


def run(folder: Path, began_s: float, seed: int, *, kill_after: int | None) -> bool:
    """Start the gateway; kill it after so many lines of its story, or let it come to the end."""
    command = [sys.executable, "-m", "tests.gateway.killed_gateway", str(folder), str(began_s), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as gateway:
        assert gateway.stdout is not None
        for count, line in enumerate(gateway.stdout):
            if line == "done\n":
                break
            if kill_after is not None and count >= kill_after:
                os.kill(gateway.pid, signal.SIGKILL)
                return False
        return gateway.wait(timeout=60) == 0


@pytest.mark.scenario
@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_any_moment_everything_arrives_once(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    began_s = time.time()
    for _ in range(5):
        run(tmp_path, began_s, seed, kill_after=chance.randint(0, 25))
    assert run(tmp_path, began_s, seed, kill_after=None)
    with sqlite3.connect(tmp_path / "carrier.db") as carrier:
        texts = collections.Counter(carrier.execute("SELECT number, text FROM note WHERE mine = 0").fetchall())
    carrier.close()
    assert texts == {(number, f"给{number}"): 1 for number in PEOPLE}
