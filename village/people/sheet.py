"""A spreadsheet as the rooms above see it: sheets of cells, and the reasons why something is none.

Never knows a file format; `village.people.spreadsheet` does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

Cell = str | int | float | bool | date | None

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_ROWS = 20_000
"""On one sheet; a village of 600 people fills 700."""
MAX_COLUMNS = 200
MAX_CELLS = 1_000_000


class Unreadable(StrEnum):
    TOO_BIG = "too_big"
    BOMB = "bomb"
    PASSWORD = "password"  # noqa: S105 - a reason, not a secret
    WEB_PAGE = "web_page"
    OTHER_SPREADSHEET = "other_spreadsheet"
    NOT_A_SPREADSHEET = "not_a_spreadsheet"
    ENCODING = "encoding"
    ROWS = "rows"
    COLUMNS = "columns"
    DAMAGED = "damaged"
    EMPTY = "empty"


class UnreadableError(Exception):
    def __init__(self, why: Unreadable) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Merged:
    """A range of cells shown as one; indices count from 0 and include both ends."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows[0]` is the row the spreadsheet program numbers 1, whether or not anything stands in it."""

    name: str
    rows: list[list[Cell]]
    merged: tuple[Merged, ...] = ()
    hidden: bool = False


def to_json(sheets: list[Sheet]) -> str:
    """What the reading process hands over; a date becomes a list of one, which no other cell is."""
    return json.dumps(
        [
            {
                "name": sheet.name,
                "rows": [
                    [[cell.isoformat()] if isinstance(cell, date) else cell for cell in row] for row in sheet.rows
                ],
                "merged": [[each.top, each.left, each.bottom, each.right] for each in sheet.merged],
                "hidden": sheet.hidden,
            }
            for sheet in sheets
        ]
    )


def from_json(text: str | bytes) -> list[Sheet]:
    return [
        Sheet(
            sheet["name"],
            [
                [date.fromisoformat(cell[0]) if isinstance(cell, list) else cell for cell in row]
                for row in sheet["rows"]
            ],
            tuple(Merged(*each) for each in sheet["merged"]),
            sheet["hidden"],
        )
        for sheet in json.loads(text)
    ]
