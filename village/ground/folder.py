"""What the folder of every installation has, a village's and a county's: one server at a time, and one database.

Never knows whose folder it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from village.ground.clock import Clock
from village.ground.database import Database, DatabaseError, DiskFullError, NewerDatabaseError
from village.ground.migrate import migrate
from village.ground.timekeeping import read_mark
from village.ground.wording import RefusalError, say


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[None]:
    """Hold the folder for one server. Raises RefusalError where another one already serves it."""
    handle = os.open(folder / "serving.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise RefusalError(say("{folder} 已经有一个服务在运行", folder=folder), status=409) from busy
        yield
    finally:
        os.close(handle)


@contextlib.asynccontextmanager
async def opened(path: Path, packages: Sequence[str], clock: Clock) -> AsyncIterator[Database]:
    """The folder's file, brought up to date with the tables of `packages` and closed at the end.

    Raises RefusalError for the file of a newer program, a full disk, and what is no database of ours.
    """

    def prepare(tx: sqlite3.Connection) -> None:
        migrate(tx, packages, clock.now_ms())

    try:
        database = await Database.open(path, prepare)
    except NewerDatabaseError as newer:
        raise RefusalError(say("{path} 是更新版本的程序写的（{step}），请先升级程序", path=path, step=newer)) from newer
    except DiskFullError as full:
        raise RefusalError(say("存储卡满了，打不开 {path}", path=path), status=507) from full
    except DatabaseError as broken:
        raise RefusalError(
            say("打不开 {path}：文件坏了，或者不是这里的数据库。请用备份换回来", path=path), status=500
        ) from broken
    try:
        path.chmod(0o600)
        yield database
    finally:
        await database.close()


def last_known_ms(path: Path) -> int:
    """The clock's mark in the file, read before the database proper is opened: its clock needs it. 0: none."""
    if not path.exists():
        return 0
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return read_mark(connection)
    except sqlite3.Error:
        return 0
