"""Fifty days of trouble in CI, a thousand with `make soak`; and proof that the soak sees what it is there to see.

One day again: SOAK_SEED=123 pytest tests/gateway/soak -k one_day_again
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.soak.mutations import MUTATIONS

ROOT = Path(__file__).parents[3]
DAYS = 1000 if os.environ.get("SOAK") else 50
_MUTATED_DAYS = 12
_ITS_DAYS = {"refusals_forgotten": range(21, 33), "home_forgotten": (42, 57, 70, 75, 90, 100)}
"""Where it takes two lines; the first days for the others."""


def days(first: int, count: int, mutation: str = "") -> Iterator[dict[str, Any]]:
    """Play them on all cores; each as it ends."""
    cores = min(os.cpu_count() or 1, count)
    share = -(-count // cores)
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.gateway.soak", str(begin), str(min(share, first + count - begin)), mutation],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for begin in range(first, first + count, share)
    ]
    try:
        for player in running:
            assert player.stdout is not None
            yield from map(json.loads, player.stdout)
        assert [player.wait() for player in running] == [0] * len(running)
    finally:
        for player in running:
            player.kill()
            player.wait()
            if player.stdout is not None:
                player.stdout.close()


@pytest.mark.scenario
def test_days_of_trouble_lose_nothing_and_send_nothing_twice() -> None:
    played = list(days(1, DAYS))
    wrong = {day["seed"]: day["wrong"] for day in played if day["wrong"]}
    assert not wrong
    assert len(played) == DAYS
    print(f"{DAYS} days, {sum(day['s'] for day in played):.0f} s of work")


@pytest.mark.scenario
@pytest.mark.parametrize("mutation", [name for name in MUTATIONS if name])
def test_a_safeguard_that_is_missing_is_noticed(mutation: str) -> None:
    if mutation in _ITS_DAYS:
        played = chain.from_iterable(days(seed, 1, mutation) for seed in _ITS_DAYS[mutation])
    else:
        played = days(1, _MUTATED_DAYS, mutation)
    assert any(day["wrong"] for day in played), f"nobody noticed {mutation}"


def test_one_day_again() -> None:
    (day,) = days(int(os.environ.get("SOAK_SEED", "7")), 1)
    assert day["wrong"] == []
