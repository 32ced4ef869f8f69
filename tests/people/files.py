"""Writes spreadsheets as clerks have them: .xlsx with a title and merged cells, .xls, and .csv in either encoding."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date

import openpyxl
import xlwt

from village.people.sheet import Cell, Sheet

Rows = Sequence[Sequence[Cell]]


def id_card(birth: str, order: int = 1) -> str:
    """A made-up 18-digit number whose check digit is right; an odd `order` is a man's."""
    body = f"330106{birth}{order:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


def sheet(rows: Rows, name: str = "Sheet1") -> Sheet:
    return Sheet(name, [list(row) for row in rows])


def runs(rows: Rows, first: int, column: int, by: int) -> list[tuple[int, int]]:
    """Stretches of at least two rows, from `first`, that say the same in `column` and belong to the same in `by`."""
    found = []
    start = first
    for end in range(first + 1, len(rows) + 1):
        if end == len(rows) or (rows[end][column], rows[end][by]) != (rows[start][column], rows[start][by]):
            if end - start > 1:
                found.append((start, end - 1))
            start = end
    return found


def as_xlsx(rows: Rows, *, merge: Sequence[tuple[int, int, int, int]] = (), name: str = "Sheet1") -> bytes:
    """`merge`: (top, left, bottom, right) from 0; only the top left cell of each keeps its value."""
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = name
    for top, row in enumerate(rows, start=1):
        for left, cell in enumerate(row, start=1):
            if cell not in {None, ""}:
                page.cell(top, left, cell)
    for top, left, bottom, right in merge:
        page.merge_cells(start_row=top + 1, start_column=left + 1, end_row=bottom + 1, end_column=right + 1)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_xls(rows: Rows, *, merge: Sequence[tuple[int, int, int, int]] = ()) -> bytes:
    book = xlwt.Workbook()
    page = book.add_sheet("Sheet1")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd")
    inside = {
        (row, column)
        for top, left, bottom, right in merge
        for row in range(top, bottom + 1)
        for column in range(left, right + 1)
    }
    for top, left, bottom, right in merge:
        page.write_merge(top, bottom, left, right, rows[top][left] if left < len(rows[top]) else "")
    for top, row in enumerate(rows):
        for left, cell in enumerate(row):
            if cell not in {None, ""} and (top, left) not in inside:
                if isinstance(cell, date):
                    page.write(top, left, cell, day)
                else:
                    page.write(top, left, cell)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_csv(rows: Rows, encoding: str = "gb18030") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(["" if cell is None else cell for cell in row] for row in rows)
    return out.getvalue().encode(encoding)
