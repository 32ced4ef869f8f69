"""What leaves the house: no formula runs, no number shows unasked, and the file comes back in."""

from __future__ import annotations

import csv
import io

import pytest

from tests.people.conftest import HEADER, ROWS, BringIn
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.people.exporting import defuse, export_csv
from village.people.importing import import_roster
from village.people.reading import read_roster


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1+1", "  =1"])
def test_what_a_spreadsheet_would_run_is_made_text(cell: str) -> None:
    assert defuse(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "王德福", "3", "1958-03-04", "199****0001", "a=b"])
def test_what_is_text_stays(cell: str) -> None:
    assert defuse(cell) == cell


async def test_numbers_are_masked_unless_asked_for(db: Database, vault: Vault, bring_in: BringIn) -> None:
    await bring_in()
    masked = (await db.read(lambda tx: export_csv(tx, None))).decode("utf-8-sig")
    assert "199****0001" in masked
    assert "19900000001" not in masked
    full = (await db.read(lambda tx: export_csv(tx, vault))).decode("utf-8-sig")
    assert "19900000004、19900000005" in full


async def test_a_formula_in_a_place_is_defused(db: Database, bring_in: BringIn) -> None:
    rows = [[*ROWS[0][:7], "=HYPERLINK(A1)"]]
    await bring_in(rows, HEADER)
    content = await db.read(lambda tx: export_csv(tx, None))
    (_, row) = csv.reader(io.StringIO(content.decode("utf-8-sig")))
    assert "'=HYPERLINK(A1)" in row


async def test_an_export_comes_back_in_unchanged(
    db: Database, vault: Vault, clock: MovableClock, bring_in: BringIn
) -> None:
    await bring_in()
    content = await db.read(lambda tx: export_csv(tx, vault))
    checked = await read_roster(content, "导出.csv", clock=clock)
    assert not checked.errors
    again = await db.write(lambda tx: import_roster(tx, vault, checked.roster, by="x", at_ms=clock.now_ms()))
    assert (again.added, again.changed, again.unchanged) == ((), (), 4)
