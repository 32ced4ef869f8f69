"""One day in the village against the real server, undisturbed and with the power cut in ten of its steps."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import sys
from pathlib import Path

import pytest

from village.story.steps import STEPS

pytestmark = pytest.mark.scenario

_DAY_S = 900
CUT_STEPS = (2, 4, 7, 8, 13, 15, 16, 17, 21, 23)
"""The first account, the roster, the sending, the answers, the stop in the middle; the poll's opening, its ballots,
four voters on one phone, the closing, and the county's notice on its way down."""


async def play(folder: Path, *arguments: str) -> tuple[int, str]:
    story = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "village.cli", "story", "--keep", str(folder), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await asyncio.wait_for(story.communicate(), _DAY_S)
    assert story.returncode is not None
    return story.returncode, told.decode()


async def test_every_step_of_the_day_happens(tmp_path: Path) -> None:
    code, told = await play(tmp_path / "village")
    assert code == 0, told
    assert told.count("✓") == len(STEPS)


async def test_the_day_survives_ten_power_cuts(tmp_path: Path) -> None:
    seeds = range(1, 6) if os.environ.get("SOAK") else (1,)
    for seed in seeds:
        cuts = [word for step in CUT_STEPS for word in ("--cut", str(step))]
        code, told = await play(tmp_path / f"village-{seed}", *cuts, "--seed", str(seed))
        assert code == 0, told
        assert told.count("断过电") == len(CUT_STEPS)


async def test_a_step_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    code, told = await play(tmp_path / "village", "--cut", "99")
    assert code == 1
    assert "没有第99步" in told


async def test_the_story_leaves_a_folder_with_something_in_it_alone(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    code, told = await play(tmp_path)
    assert code == 1, told
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter"]


def test_no_id_number_and_no_phone_number_lies_in_the_clear(tmp_path: Path) -> None:
    """Sealed at rest: the village's file holds no number of the roster it was made from."""
    code, told = asyncio.run(_sample(tmp_path / "village"))
    assert code == 0, told
    with contextlib.closing(sqlite3.connect(tmp_path / "village" / "village.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (tmp_path / "village" / "village.db").read_bytes()
    assert "王德福".encode() in content
    assert b"1990000000" not in content


async def _sample(folder: Path) -> tuple[int, str]:
    made = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "village.cli", "sample", str(folder),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    told, _ = await made.communicate()
    return made.returncode or 0, told.decode()
