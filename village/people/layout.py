"""Where things stand on a sheet: the header row under its titles, the rows under it, merged cells filled in.

Never reads a value; it hands each row on as cells by field.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from village.people.cells import group_in_title, text_of
from village.people.headers import Field, may_repeat, recognise
from village.people.idcard import hide_digits
from village.people.sheet import Cell, Merged, Sheet

_HEADER_WITHIN = 40
"""Titles, a date line and a remark stand above a header; forty rows of them do not."""

_FILLED_DOWN = frozenset({Field.HEAD, Field.HOUSEHOLD_NO, Field.GROUP})
"""A merged cell of these belongs to every row beside it; a merged phone is the phone of the row it begins in."""

_FOOT = re.compile(r"(合计|总计|小计|共计|总人数|总户数|制表|填表|审核|单位负责人|负责人签|说明[::]|注[::]|备注[::])")


@dataclass(frozen=True, slots=True)
class Header:
    """`last_row` counts from 0; `columns` maps a column to its field."""

    last_row: int
    columns: dict[int, Field]
    unused: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def fields(self) -> frozenset[Field]:
        return frozenset(self.columns.values())


@dataclass(frozen=True, slots=True)
class Row:
    """`number` is the spreadsheet program's; `filled` are the fields that a merged cell above lent to this row."""

    number: int
    cells: dict[Field, Cell]
    phones: tuple[Cell, ...]
    filled: frozenset[Field] = frozenset()

    def get(self, field: Field) -> Cell:
        return self.cells.get(field)


def find_header(sheet: Sheet) -> Header | None:
    """The row (or two rows, one above the other) that names most columns; None where nobody's name is among them."""
    best: Header | None = None
    for at in range(min(len(sheet.rows), _HEADER_WITHIN)):
        for depth in (1, 2):
            header = _header_at(sheet, at, depth)
            if header is None or (best is not None and len(header.columns) <= len(best.columns)):
                continue
            best = header
    return best


def _header_at(sheet: Sheet, at: int, depth: int) -> Header | None:
    last = at + depth - 1
    if last >= len(sheet.rows):
        return None
    upper, lower = sheet.rows[at], sheet.rows[last]
    if depth == 2 and not _is_second_line(upper, lower):
        return None
    columns: dict[int, Field] = {}
    unused: list[str] = []
    texts: list[str] = []
    heading = ""
    for column in range(max(len(upper), len(lower))):
        above, name = _text_at(upper, column), _text_at(lower, column)
        heading = above or heading
        field = recognise(name) or recognise(above)
        if depth == 2 and field is Field.NAME and heading.startswith(("户主", "戶主")):
            field = Field.HEAD
        texts.append(name or above)
        if field is not None and (may_repeat(field) or field not in columns.values()):
            columns[column] = field
        elif name or above:
            unused.append(hide_digits(name or above))
    if len(columns) < 2 or not {Field.NAME, Field.HEAD} & set(columns.values()):
        return None
    return Header(last, columns, tuple(unused), tuple(texts))


def _text_at(row: list[Cell], column: int) -> str:
    return text_of(row[column]) if column < len(row) else ""


def _is_second_line(upper: list[Cell], lower: list[Cell]) -> bool:
    """Whether the lower row names columns under wider headings, and is not the first person."""
    named = 0
    for column in range(len(lower)):
        name = _text_at(lower, column)
        if not name:
            continue
        if recognise(name) is not None:
            named += 1
        elif not isinstance(lower[column], str) or recognise(_text_at(upper, column)) is not None:
            return False
    return named > 0


def title_group(sheet: Sheet, header: Header) -> int | None:
    """The group that the sheet's name, or a title above the header, speaks of."""
    number = group_in_title(sheet.name)
    if number is not None:
        return number
    for row in sheet.rows[: header.last_row]:
        found = {group for cell in row if cell is not None and (group := group_in_title(text_of(cell))) is not None}
        if len(found) == 1:
            return found.pop()
    return None


def rows_under(sheet: Sheet, header: Header) -> Iterator[Row]:
    """Every row with something in it, without totals, footnotes and headers printed again."""
    above = _merged_down(sheet.merged, header)
    for index in range(header.last_row + 1, len(sheet.rows)):
        cells = sheet.rows[index]
        if not any(text_of(cell) for cell in cells) or _is_foot(cells) or _is_header_again(cells, header):
            continue
        by_field: dict[Field, Cell] = {}
        phones: list[Cell] = []
        filled: set[Field] = set()
        for column, field in header.columns.items():
            origin = above.get((index, column), index)
            cell = sheet.rows[origin][column] if column < len(sheet.rows[origin]) else None
            if field is Field.PHONE:
                phones.append(cell)
            else:
                by_field[field] = cell
                if origin != index:
                    filled.add(field)
        yield Row(index + 1, by_field, tuple(phones), frozenset(filled))


def _merged_down(merged: tuple[Merged, ...], header: Header) -> dict[tuple[int, int], int]:
    """For the cells inside a merged range of a household's column: the row that holds the value."""
    wanted = {column for column, field in header.columns.items() if field in _FILLED_DOWN}
    return {
        (row, each.left): each.top
        for each in merged
        if each.left in wanted and each.top > header.last_row
        for row in range(each.top + 1, each.bottom + 1)
    }


def _is_foot(cells: list[Cell]) -> bool:
    texts = [text.replace(" ", "") for cell in cells if (text := text_of(cell))]
    return bool(texts) and any(_FOOT.match(text) for text in texts[:2])


def _is_header_again(cells: list[Cell], header: Header) -> bool:
    texts = [(text_of(cell), header.texts[column]) for column, cell in enumerate(cells[: len(header.texts)])]
    said = [(here, there) for here, there in texts if here]
    return len(said) >= 2 and all(here == there for here, there in said)
