"""Many utterances in four batches at once, with more to do than the processors can: none missing, empty or wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.audio import thousand


async def test_a_few_dozen_under_load_are_all_right(tmp_path: Path) -> None:
    measured = await thousand.run(tmp_path, 48)
    assert measured.good, "\n".join(measured.lines())


@pytest.mark.scenario
async def test_a_thousand_under_load_are_all_right(tmp_path: Path) -> None:
    measured = await thousand.run(tmp_path, 1000)
    assert measured.good, "\n".join(measured.lines())
    assert measured.sound_s > 1000
