"""Many utterances in four batches at once, with more to do than the processors can: none missing, empty or wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.audio import thousand


async def test_a_few_dozen_under_load_are_all_right(tmp_path: Path) -> None:
    measured = await thousand.run(tmp_path, 48)
    assert measured.good, "\n".join(measured.lines())


@pytest.mark.scenario
async def test_many_under_load_are_all_right(tmp_path: Path) -> None:
    """A thousand in `make soak`; fewer elsewhere, because all else that runs has to wait for them."""
    measured = await thousand.run(tmp_path, 1000 if os.environ.get("SOAK") else 100)
    wrong = (*measured.missing, *measured.empty, *measured.wrong_rate, *measured.damaged)
    assert measured.good, "\n".join((*measured.lines(), *wrong))
