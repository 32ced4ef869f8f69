"""A village whose roster has come in, and the ways to bring another one in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from tests.people.files import as_csv
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.people.importing import Imported, import_roster, refuse_errors
from village.people.reading import read_roster
from village.people.sheet import Cell

Rows = Sequence[Sequence[Cell]]
BringIn = Callable[..., Awaitable[Imported]]

HEADER: list[Cell] = ["组", "户主", "姓名", "与户主关系", "出生日期", "电话", "党员", "外出务工地"]
ROWS: list[list[Cell]] = [
    ["3组", "王德福", "王德福", "户主", "1958-03-04", "19900000001", None, None],
    ["3组", "王德福", "李桂英", "妻", "1960-05-06", "19900000004", None, None],
    ["3组", "王德福", "王小军", "子", "1985-07-08", "19900000004、19900000005", "是", "杭州"],
    ["4组", "李大山", "李大山", "户主", "1950-01-02", None, None, None],
]


@pytest.fixture
def bring_in(db: Database, vault: Vault, clock: MovableClock) -> BringIn:
    """Rows → a file → the reader → the database, as a clerk does it."""

    async def run(rows: Rows = ROWS, header: Sequence[Cell] = HEADER, *, leave_missing: bool = False) -> Imported:
        checked = await read_roster(as_csv([header, *rows]), "花名册.csv", clock=clock)
        refuse_errors(checked)
        return await db.write(
            lambda tx: import_roster(
                tx, vault, checked.roster, by="测试", at_ms=clock.now_ms(), leave_missing=leave_missing
            )
        )

    return run
