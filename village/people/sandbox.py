"""Reads a spreadsheet in a process of its own, so that no file can bring the server down or hold it up.

Never hands the file to the disk: bytes go in through a pipe, cells come out through another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys

from village.ground.wording import RefusalError, Wording, say
from village.people.sheet import MAX_COLUMNS, MAX_FILE_BYTES, MAX_ROWS, Sheet, Unreadable, from_json

log = logging.getLogger(__name__)

_TIMEOUT_S = 60
_REFUSED = 3


def words_for(why: Unreadable) -> Wording:
    """Why a file is no roster, and what to do about it."""
    return {
        Unreadable.TOO_BIG: say(
            "文件太大了，最多 {mb} MB。花名册一般不到 1 MB，看看是不是贴了照片", mb=MAX_FILE_BYTES >> 20
        ),
        Unreadable.BOMB: say("这个文件解开以后大得不正常，没有打开。请在 WPS 或 Excel 里把内容复制到一个新表格再试"),
        Unreadable.PASSWORD: say("这个表格设了密码，打不开。请先去掉密码再试"),
        Unreadable.WEB_PAGE: say("这个文件其实是网页，不是表格。请用 WPS 或 Excel 打开，另存为 .xlsx 再试"),
        Unreadable.OTHER_SPREADSHEET: say("这种表格认不得。请用 WPS 或 Excel 打开，另存为 .xlsx 再试"),
        Unreadable.NOT_A_SPREADSHEET: say("这个文件不是表格。能用的是 .xlsx、.xls 和 .csv"),
        Unreadable.ENCODING: say("这个文件的文字编码认不得。请另存为 .xlsx，或者存成 UTF-8 的 .csv"),
        Unreadable.ROWS: say("表格太长，一张表最多 {rows} 行。看看最下面是不是有多余的内容", rows=MAX_ROWS),
        Unreadable.COLUMNS: say("表格太宽，最多 {columns} 列。看看最右边是不是有多余的内容", columns=MAX_COLUMNS),
        Unreadable.DAMAGED: say("这个文件坏了，或者内容大得不正常，读不出来。请用 WPS 或 Excel 另存一份再试"),
        Unreadable.EMPTY: say("这个文件是空的"),
    }[why]


async def read_safely(content: bytes) -> list[Sheet]:
    """The sheets in `content`. Raises RefusalError in words for whatever is no spreadsheet."""
    if len(content) > MAX_FILE_BYTES:
        raise RefusalError(words_for(Unreadable.TOO_BIG), status=413)
    code, answer = await _ask_reader(content)
    if code == 0:
        return await asyncio.to_thread(from_json, answer)
    try:
        why = Unreadable(answer.decode("ascii", "replace")) if code == _REFUSED else Unreadable.DAMAGED
    except ValueError:
        why = Unreadable.DAMAGED
    log.info("spreadsheet refused why=%s exit=%d bytes=%d", why, code, len(content))
    raise RefusalError(words_for(why), status=422)


async def _ask_reader(content: bytes) -> tuple[int, bytes]:
    reader = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "village.people.spreadsheet",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,  # a panic prints what it read
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            answer, _ = await reader.communicate(content)
    except TimeoutError:
        return -1, b""
    finally:
        if reader.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                reader.kill()
            await reader.wait()
    return reader.returncode or 0, answer
