"""Bytes → sheets: .xlsx and .xls through calamine, .csv by ourselves; a file is what its bytes say, not its name.

Runs as a process of its own (`python -m village.people.spreadsheet`, started by `village.people.sandbox`) under limits
on memory and time, because one stray cell in row 1 048 576 or one malicious archive can bring a reader down. Never
writes anything to disk, a core dump included: ID-card numbers pass through here.
"""

from __future__ import annotations

import csv
import io
import resource
import struct
import sys
import zipfile
from datetime import date, datetime, time, timedelta

from python_calamine import CalamineError, CalamineWorkbook, PasswordError, SheetTypeEnum, SheetVisibleEnum

from village.people.sheet import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_FILE_BYTES,
    MAX_ROWS,
    Cell,
    Merged,
    Sheet,
    Unreadable,
    UnreadableError,
    to_json,
)

_MEMORY_BYTES = 512 * 1024 * 1024
"""Address space, not memory in use; a roster of 600 needs a tenth of it."""
_CPU_S = 40

_ZIP = b"PK\x03\x04"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_WEB = (b"<html", b"<!doctype", b"<?xml", b"<table", b"<meta", b"<head", b"mime-version:")
_DOCUMENTS = (b"%PDF", b"{\\rtf", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b")

_BIFF8_GLOBALS = bytes.fromhex("0908100000060500")
_FILEPASS = 0x2F

_MAX_ENTRIES = 2_000
_MAX_UNPACKED_BYTES = 150 * 1024 * 1024
_SUSPECT_BYTES = 10 * 1024 * 1024
_MAX_RATIO = 100
"""Sheets of real villages pack 10 to 40 times; a bomb's zeros a thousand times."""


def read_sheets(content: bytes) -> list[Sheet]:
    """Raises UnreadableError."""
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableError(Unreadable.TOO_BIG)
    if not content.strip():
        raise UnreadableError(Unreadable.EMPTY)
    if content.startswith((_ZIP, b"PK\x05\x06", b"PK\x07\x08")):
        _inspect_archive(content)
        return _read_workbook(content)
    if content.startswith(_OLE):
        _inspect_compound(content)
        return _read_workbook(content)
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_WEB):
        raise UnreadableError(Unreadable.WEB_PAGE)
    if content.startswith(_DOCUMENTS):
        raise UnreadableError(Unreadable.NOT_A_SPREADSHEET)
    return [_read_csv(_decode(content))]


def _inspect_archive(content: bytes) -> None:
    """Look at an archive's directory before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError) as broken:
        raise UnreadableError(Unreadable.DAMAGED) from broken
    unpacked = sum(entry.file_size for entry in entries)
    swollen = any(
        entry.file_size > _SUSPECT_BYTES and entry.file_size > _MAX_RATIO * max(entry.compress_size, 1)
        for entry in entries
    )
    if len(entries) > _MAX_ENTRIES or unpacked > _MAX_UNPACKED_BYTES or swollen:
        raise UnreadableError(Unreadable.BOMB)
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableError(Unreadable.PASSWORD)
    names = {entry.filename.lower() for entry in entries}
    if "xl/workbook.xml" in names:
        return
    other = "xl/workbook.bin" in names or "content.xml" in names
    raise UnreadableError(Unreadable.OTHER_SPREADSHEET if other else Unreadable.NOT_A_SPREADSHEET)


def _inspect_compound(content: bytes) -> None:
    """The old Office container holds workbooks, letters and encrypted files alike; its directory names what."""
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise UnreadableError(Unreadable.PASSWORD)
    if "Workbook".encode("utf-16-le") not in content and "Book".encode("utf-16-le") not in content:
        raise UnreadableError(Unreadable.NOT_A_SPREADSHEET)
    if _has_filepass(content):
        raise UnreadableError(Unreadable.PASSWORD)


def _has_filepass(content: bytes) -> bool:
    """Whether the workbook begins as an encrypted one does ([MS-XLS]: FILEPASS follows BOF or WRITEPROT)."""
    at = content.find(_BIFF8_GLOBALS)
    for _ in range(4):
        if at < 0 or at + 4 > len(content):
            return False
        kind, length = struct.unpack_from("<HH", content, at)
        if kind == _FILEPASS:
            return True
        at += 4 + length
    return False


def _read_workbook(content: bytes) -> list[Sheet]:
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
            sheets = []
            cells = 0
            for meta in workbook.sheets_metadata:
                if meta.typ != SheetTypeEnum.WorkSheet:
                    continue
                sheet = _read_sheet(workbook, meta.name, hidden=meta.visible != SheetVisibleEnum.Visible)
                cells += sum(len(row) for row in sheet.rows)
                if cells > MAX_CELLS:
                    raise UnreadableError(Unreadable.ROWS)
                sheets.append(sheet)
            return sheets
    except PasswordError as locked:
        raise UnreadableError(Unreadable.PASSWORD) from locked
    except (CalamineError, ValueError, OverflowError, OSError) as broken:
        raise UnreadableError(Unreadable.DAMAGED) from broken


def _read_sheet(workbook: CalamineWorkbook, name: str, *, hidden: bool) -> Sheet:
    found = workbook.get_sheet_by_name(name)
    if found.end is None:
        return Sheet(name, [], (), hidden)
    last_row, last_column = found.end
    if last_row >= MAX_ROWS:
        raise UnreadableError(Unreadable.ROWS)
    if last_column >= MAX_COLUMNS:
        raise UnreadableError(Unreadable.COLUMNS)
    rows = [[_cell(value) for value in row] for row in found.to_python(skip_empty_area=False)]
    merged = sorted((top, left, bottom, right) for (top, left), (bottom, right) in found.merged_cell_ranges or ())
    inside = tuple(Merged(*each) for each in merged if each[0] <= last_row and each[1] <= last_column)
    return Sheet(name, rows, inside, hidden)


def _cell(value: object) -> Cell:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, str | bool | int | float | date):
        return value if value != "" else None
    return str(value) if isinstance(value, time | timedelta) else None


def _decode(content: bytes) -> str:
    """UTF-8 with or without its mark, GB18030, or the UTF-16 that Excel calls Unicode text."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\0" in content:
        raise UnreadableError(Unreadable.NOT_A_SPREADSHEET)
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if sum(character < " " and character not in "\t\r\n" for character in text) > len(text) // 100:
            raise UnreadableError(Unreadable.NOT_A_SPREADSHEET)
        return text
    raise UnreadableError(Unreadable.ENCODING)


def _read_csv(text: str) -> Sheet:
    sample = text[:20_000]
    delimiter = max(",\t;，", key=sample.count)
    rows: list[list[Cell]] = []
    cells = 0
    try:
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            if len(record) > MAX_COLUMNS:
                if any(field.strip() for field in record[MAX_COLUMNS:]):
                    raise UnreadableError(Unreadable.COLUMNS)
                del record[MAX_COLUMNS:]
            rows.append([field if field.strip() else None for field in record])
            cells += len(record)
            if cells > MAX_CELLS or len(rows) > MAX_CELLS:
                raise UnreadableError(Unreadable.ROWS)
    except csv.Error as broken:
        raise UnreadableError(Unreadable.DAMAGED) from broken
    while rows and not any(rows[-1]):
        rows.pop()
    if len(rows) > MAX_ROWS:
        raise UnreadableError(Unreadable.ROWS)
    return Sheet("", rows)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def main() -> int:
    """Bytes on standard input, sheets as JSON on standard output; a refusal is one word and exit code 3."""
    _limit()
    try:
        answer = to_json(read_sheets(sys.stdin.buffer.read(MAX_FILE_BYTES + 1)))
    except UnreadableError as refused:
        sys.stdout.write(str(refused.why))
        return 3
    except BaseException:  # noqa: BLE001 - a panic of the Rust reader is a BaseException; whatever it was, the file is bad
        sys.stdout.write(str(Unreadable.DAMAGED))
        return 3
    sys.stdout.write(answer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
