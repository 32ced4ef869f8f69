"""Files: the three formats give one roster, and what is no spreadsheet is refused in words, whatever it is called."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from collections.abc import Callable
from datetime import date

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.people.files import as_csv, as_xls, as_xlsx, runs
from village.ground.clock import MovableClock
from village.ground.wording import RefusalError
from village.people import spreadsheet
from village.people.reading import read_roster
from village.people.sandbox import read_safely
from village.people.sheet import MAX_FILE_BYTES, Cell, UnreadableError
from village.sample.roster import HEADERS, TITLE, cells_of, roster_rows, sample_csv

GROUP, HEAD, BORN, PHONE = 1, 2, 6, 7


def village_rows() -> list[list[Cell]]:
    title: list[Cell] = [TITLE, *[None] * (len(HEADERS) - 1)]
    return [title, list(HEADERS), *[[cell or None for cell in row] for row in cells_of(roster_rows())]]


def merged_ranges(rows: list[list[Cell]]) -> list[tuple[int, int, int, int]]:
    """The title over all columns; the group and the head's name over their rows."""
    households = [(top, HEAD, bottom, HEAD) for top, bottom in runs(rows, 2, HEAD, GROUP)]
    groups = [(top, GROUP, bottom, GROUP) for top, bottom in runs(rows, 2, GROUP, GROUP)]
    return [(0, 0, 0, len(HEADERS) - 1), *groups, *households]


async def test_600_people_are_the_same_from_xlsx_xls_and_csv(clock: MovableClock) -> None:
    rows = village_rows()
    merge = merged_ranges(rows)
    typed = [list(row) for row in rows]
    for row in typed[2:]:  # as a spreadsheet program keeps them: days as days, lone numbers as numbers
        row[BORN] = date.fromisoformat(str(row[BORN]))
        if isinstance(row[PHONE], str) and row[PHONE].isdigit():
            row[PHONE] = int(row[PHONE])
    blank = [list(row) for row in rows]
    for top, left, bottom, _ in merge[1:]:
        for row in blank[top + 1 : bottom + 1]:
            row[left] = None
    files = {
        "花名册.xlsx": as_xlsx(typed, merge=merge),
        "花名册.xls": as_xls(typed, merge=merge),
        "花名册.csv": as_csv(blank),
        "全填.csv": as_csv(rows, "utf-8-sig"),
        "改了名字的.jpg": as_xlsx(typed, merge=merge),
        "样板": sample_csv(),
    }
    rosters = []
    for name, content in files.items():
        checked = await read_roster(content, name, clock=clock)
        assert not checked.errors, name
        rosters.append(checked.roster)
    assert all(roster == rosters[0] for roster in rosters)
    assert (len(rosters[0].households), rosters[0].people) == (210, len(rows) - 2)
    assert 590 <= rosters[0].people <= 610


def zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def bomb() -> bytes:
    """A well-formed workbook but for half a gigabyte of blanks in its sheet."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as entry:
            for _ in range(500):
                entry.write(b" " * (1 << 20))
    return out.getvalue()


def lying_bomb() -> bytes:
    """The same, with a directory that says 'one kilobyte'."""
    content = bytearray(bomb())
    size = (500 << 20).to_bytes(4, "little")
    at = content.rfind(size)
    while at > 0:
        content[at : at + 4] = (1024).to_bytes(4, "little")
        at = content.rfind(size, 0, at)
    return bytes(content)


def with_a_cell_far_away() -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page["A1"] = "姓名"
    page["XFD1048576"] = "x"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def locked_xls() -> bytes:
    """An .xls whose stream says FILEPASS right after its beginning, as Excel's passwords do."""
    content = bytearray(as_xls([["姓名", "组"], ["王德福", "3"]]))
    at = content.index(b"\x09\x08\x10\x00\x00\x06\x05\x00") + 20
    content[at : at + 2] = b"\x2f\x00"
    return bytes(content)


def locked_xlsx() -> bytes:
    """Excel wraps an encrypted .xlsx into the old container, as a stream of this name."""
    content = bytearray(as_xls([["姓名", "组"]]))
    name = "Workbook".encode("utf-16-le")
    at = content.rfind(name)
    content[at : at + 32] = "EncryptedPackage".encode("utf-16-le")
    return bytes(content)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (bytes, "空的"),
        (lambda: b"  \n", "空的"),
        (bomb, "大得不正常"),
        (lying_bomb, "大得不正常"),
        (lambda: b"PK\x03\x04 and then nothing", "坏了"),
        (lambda: zip_of({"word/document.xml": b"<w/>"}), "不是表格"),
        (lambda: zip_of({"content.xml": b"<office/>", "mimetype": b"x"}), "另存为 .xlsx"),
        (lambda: zip_of({"xl/workbook.bin": b"x"}), "另存为 .xlsx"),
        (lambda: zip_of({"xl/workbook.xml": b"<not a workbook"}), "坏了"),
        (lambda: b"<html><table>" + "姓名".encode(), "其实是网页"),
        (lambda: b"%PDF-1.7 ...", "不是表格"),
        (lambda: b"\x89PNG\r\n\x1a\n" + bytes(100), "不是表格"),
        (lambda: bytes(range(256)) * 4, "不是表格"),
        (lambda: b"\xff\xfe\x00\xd8\x41\x00", "编码认不得"),
        (lambda: b"\x81\x20\xff\xff name", "编码认不得"),
        (locked_xls, "设了密码"),
        (locked_xlsx, "设了密码"),
        (with_a_cell_far_away, "大得不正常|最多"),
        (lambda: as_csv([["姓名"], *[["王"]] * 20_001], "utf-8"), "最多 20000 行"),
        (lambda: as_csv([["姓名"] * 300], "utf-8"), "最多 200 列"),
        (lambda: b"x" * (MAX_FILE_BYTES + 1), "最多 20 MB"),
    ],
)
async def test_what_is_no_roster_is_refused_in_words(make: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(RefusalError, match=reason):
        await read_safely(make())


async def test_a_sheet_with_coloured_empty_rows_to_the_end_is_read() -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(["姓名", "组"])
    page.append(["王德福", "3"])
    page["B1048576"].number_format = "@"
    out = io.BytesIO()
    book.save(out)
    (sheet,) = await read_safely(out.getvalue())
    assert len(sheet.rows) == 2


async def test_broken_copies_of_a_workbook_never_bring_the_reader_down() -> None:
    dice = random.Random(7)
    whole = [as_xlsx([["姓名", "组"], ["王德福", "3"]]), as_xls([["姓名", "组"], ["王德福", "3"]])]
    for number in range(24):
        content = bytearray(whole[number % 2])
        for _ in range(dice.choice((1, 5, 50))):
            content[dice.randrange(8, len(content))] = dice.randrange(256)
        if dice.random() < 0.3:
            del content[dice.randrange(len(content)) :]
        with contextlib.suppress(RefusalError):
            await read_safely(bytes(content))


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(), st.text().map(str.encode), st.text().map(lambda text: text.encode("utf-16"))))
def test_any_bytes_are_a_sheet_or_a_refusal(content: bytes) -> None:
    with contextlib.suppress(UnreadableError):
        assert len(spreadsheet.read_sheets(content)) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_text_is_read_in_every_encoding_spreadsheet_programs_write(encoding: str) -> None:
    (sheet,) = spreadsheet.read_sheets("姓名,组\r\n王德福,3\r\n\r\n李大山,4\r\n".encode(encoding))
    assert sheet.rows == [["姓名", "组"], ["王德福", "3"], [], ["李大山", "4"]]


def test_tabs_and_semicolons_separate_too() -> None:
    for separator in "\t;":
        (sheet,) = spreadsheet.read_sheets(f"姓名{separator}组\n王德福{separator}3\n".encode())
        assert sheet.rows == [["姓名", "组"], ["王德福", "3"]]


def test_a_line_break_inside_a_cell_does_not_shift_the_row_numbers() -> None:
    (sheet,) = spreadsheet.read_sheets('姓名,电话\n王德福,"19900000001\n19900000002"\n李大山,\n'.encode())
    assert len(sheet.rows) == 3
    assert sheet.rows[2][0] == "李大山"
