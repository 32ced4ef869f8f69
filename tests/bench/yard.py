"""Where the bench works: a folder on the real disk under build/, and how large this run is.

Never a folder in memory: what is written to a tmpfs costs nothing and is not counted by the kernel.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is done: `FULL` for figures, `TINY` to see that every path still runs."""

    runs: int
    starts: int
    notices: int
    """Notices sent at once in the race and under the counters: one alone is over too soon to be counted well."""
    rounds: int
    """Times 64 villagers answer at once."""
    ballots: int
    """Texted in the race with Kannel."""
    records: int
    """Synchronised in the race with morango."""
    waiting: tuple[int, int]
    quiet_s: float
    skips: tuple[str, ...]
    """How far the sample village is sent ahead before it has to be idle; the words of the button on its page."""
    idle_s: float
    pairs: int
    sync_pairs: int
    households: int
    """On one modem line."""


FULL = Scale(
    runs=5, starts=7, notices=6, rounds=6, ballots=1536, records=10_000, waiting=(100, 10_000), quiet_s=30, idle_s=60,
    skips=("morning",) * 4, pairs=6, sync_pairs=3, households=300,
)  # fmt: skip
TINY = Scale(
    runs=1, starts=1, notices=1, rounds=1, ballots=64, records=60, waiting=(10, 100), quiet_s=0, idle_s=0,
    skips=("minutes",), pairs=1, sync_pairs=1, households=4,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Yard:
    """A folder of the bench's own, emptied by `fresh` where it is used again."""

    folder: Path
    scale: Scale = FULL

    def fresh(self, name: str) -> Path:
        """An empty place for one run; the folder itself is not made yet, only its parent."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        return path


def alternating(one: T, other: T, pairs: int) -> list[tuple[T, T]]:
    """A-B-B-A: each pair in one go, the order turned round from pair to pair, so that drift hits both alike."""
    return [(one, other) if number % 2 == 0 else (other, one) for number in range(pairs)]
