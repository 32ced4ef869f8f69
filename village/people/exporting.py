"""The roster as a .csv that Excel and WPS open, and that can be imported again.

Never lets a cell run as a formula, and shows numbers masked unless a committee account asked for them.
"""

from __future__ import annotations

import csv
import io
import sqlite3

from gateway.phone import display
from village.ground.privacy import Vault
from village.people import store
from village.people.store import ResidentRow

HEADERS = (
    "组",
    "户主",
    "姓名",
    "与户主关系",
    "性别",
    "出生日期",
    "电话",
    "户代表",
    "村民代表",
    "党员",
    "组长",
    "外出",
    "外出地",
    "独居",
    "要电话",
    "不识字",
    "方言",
)

_FORMULA_STARTS = tuple("=+-@\t\r\n") + tuple("＝＋－＠")
"""What makes Excel, WPS or LibreOffice run a cell (OWASP: CSV Injection); full width too, which some of them narrow."""


def defuse(cell: str) -> str:
    """The cell as text that no spreadsheet program runs: the apostrophe is their own sign for text."""
    return "'" + cell if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell


def export_csv(tx: sqlite3.Connection, vault: Vault | None) -> bytes:
    """Everybody on the roster; without a vault the numbers are masked."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(HEADERS)
    for row in store.everybody(tx):
        writer.writerow([defuse(cell) for cell in _cells(row, vault)])
    return out.getvalue().encode("utf-8-sig")


def _cells(row: ResidentRow, vault: Vault | None) -> list[str]:
    marks = row.marks
    numbers = [phone.masked if vault is None else display(vault.open(phone.sealed)) for phone in row.phones]
    yes = [
        marks.represents_household,
        marks.representative,
        marks.party,
        marks.group_leader,
        marks.away,
    ]
    return [
        str(row.group_no),
        row.household,
        row.name,
        row.relation,
        row.sex or "",
        row.born.iso() if row.born else "",
        "、".join(numbers),
        *(_yes(mark) for mark in yes),
        marks.away_where,
        *(_yes(mark) for mark in (marks.lives_alone, marks.wants_calls, marks.cannot_read)),
        row.dialect,
    ]


def _yes(mark: bool) -> str:
    return "是" if mark else ""
