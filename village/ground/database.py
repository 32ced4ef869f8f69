"""The village's one SQLite file: one writer that commits in groups, readers of their own.

Never holds a transaction open across a network call: a unit of work is a plain function that runs on the
connection's own thread, so it has nothing to await. Units that arrive while a commit is in flight share the next
commit and its single fsync; each runs in a savepoint of its own, so a unit that fails takes nobody with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import aiosqlite

log = logging.getLogger(__name__)

T = TypeVar("T")
Unit = Callable[[sqlite3.Connection], T]

_GROUP_LIMIT = 512
"""Units in one commit: bounds the time a latecomer waits, and the size of the WAL between checkpoints."""

_READERS = 2
"""A slow report must not hold up the page of a villager; more connections only cost memory on a 1 GB Pi."""

_WRITER_CACHE_KIB = 2048
_READER_CACHE_KIB = 512
"""The village's file is a few megabytes and lies in the kernel's own cache; ours costs a 1 GB Pi its memory twice."""

_WATCH_S = 1.0
"""How soon the server acts on what a command beside it has written."""

_ASK_AGAIN, _ASK_AGAIN_S = 100, 0.05
"""As long as SQLite itself waits for a lock where it does wait."""

_FULL_ERRORS = frozenset(
    {"SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_FSYNC", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMOPEN"}
)


class DatabaseError(Exception):
    """The root of what can go wrong with the village's file."""


class DiskFullError(DatabaseError):
    """Nothing more can be kept; what was promised before is safe."""


class NewerDatabaseError(DatabaseError):
    """The file was written by a later version of this program."""


class DatabaseClosedError(DatabaseError):
    """The server is stopping; the unit was not run."""


class _Connection(aiosqlite.Connection):
    """An aiosqlite connection that runs a whole unit of work on its thread (ADR 0001)."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call]
        return result


async def _connect(path: Path, *, read_only: bool) -> _Connection:
    def connector() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
        try:
            connection.row_factory = sqlite3.Row
            _turn_to_wal(connection)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA busy_timeout = 10000")
            connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB if read_only else _WRITER_CACHE_KIB}")
            connection.execute("PRAGMA journal_size_limit = 4194304")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute("PRAGMA secure_delete = FAST")
            if read_only:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        return connection

    connection = _Connection(connector, 64)
    # a thread that waits for a statement must not keep a dying process alive
    connection._thread.daemon = True
    try:
        await connection
    except BaseException:
        await asyncio.to_thread(connection._thread.join)  # it still has a word for the loop, which may be closed next
        raise
    return connection


def _turn_to_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait where two programs open a new file at once and both turn it: one of them asks again."""
    for left in reversed(range(_ASK_AGAIN)):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as raised:
            if left == 0 or raised.sqlite_errorname != "SQLITE_BUSY":
                raise
        time.sleep(_ASK_AGAIN_S)


@dataclass(slots=True)
class _Waiting(Generic[T]):
    unit: Unit[T]
    done: asyncio.Future[T]


class Database:
    """Open with `Database.open`; close with `close`. `changed()` gives an event for whoever waits for commits."""

    def __init__(self, path: Path, writer: _Connection, readers: list[_Connection]) -> None:
        self.path = path
        self.commits = 0
        self.full = False
        self._writer = writer
        self._readers: asyncio.Queue[_Connection] = asyncio.Queue()
        for reader in readers:
            self._readers.put_nowait(reader)
        self._all = [writer, *readers]
        self._queue: asyncio.Queue[_Waiting[Any] | None] = asyncio.Queue()
        self._committing = False
        self._listeners: set[asyncio.Event] = set()
        self._closed = False
        self._owner = asyncio.create_task(self._commit_in_groups(), name="database-writer")
        self._watch = asyncio.create_task(self._watch_for_others(), name="database-watch")

    @classmethod
    async def open(cls, path: Path, prepare: Unit[None]) -> Database:
        """Open the file, run `prepare` (the migrations) alone on the writer, then admit everybody else.

        Raises NewerDatabaseError, DiskFullError or DatabaseError; the file is left as it was.
        """
        opened: list[_Connection] = []
        try:
            with _named_errors():
                opened.append(await _connect(path, read_only=False))
                await opened[0].run(prepare)
                for _ in range(_READERS):
                    opened.append(await _connect(path, read_only=True))
        except BaseException:
            for connection in opened:
                await connection.close()
            raise
        return cls(path, opened[0], opened[1:])

    async def write(self, unit: Unit[T]) -> T:
        """Run `unit` inside the next commit and return its result once that commit is on the disk.

        Raises whatever the unit raised (it alone is rolled back), DiskFullError where the commit could not be kept.
        """
        if self._closed:
            raise DatabaseClosedError("the database is closed")
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Waiting(unit, done))
        # shielded: a caller who leaves must not take back a unit that may already be committed
        return await asyncio.shield(done)

    async def read(self, unit: Unit[T]) -> T:
        """Run `unit` on a reader; everything it reads belongs to one snapshot."""
        if self._closed:
            raise DatabaseClosedError("the database is closed")
        reader = await self._readers.get()
        try:
            with _named_errors():
                return await reader.run(lambda connection: _in_snapshot(connection, unit))
        finally:
            self._readers.put_nowait(reader)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is being committed or read, and nothing waits for it."""
        return self._queue.empty() and not self._committing and self._readers.qsize() == len(self._all) - 1

    @contextlib.contextmanager
    def changed(self) -> Iterator[asyncio.Event]:
        """An event that is set after every commit, for as long as the block lasts; the listener clears it."""
        event = asyncio.Event()
        self._listeners.add(event)
        try:
            yield event
        finally:
            self._listeners.discard(event)

    async def close(self) -> None:
        """Finish what was queued, fold the WAL into the file and let go of it."""
        if self._closed:
            return
        self._closed = True
        self._watch.cancel()
        self._queue.put_nowait(None)
        await self._owner
        with contextlib.suppress(sqlite3.Error):
            await self._writer.run(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall())
        for connection in self._all:
            await connection.close()

    async def _commit_in_groups(self) -> None:
        stopping = False
        while not stopping:
            group = [await self._queue.get()]
            while not self._queue.empty() and len(group) < _GROUP_LIMIT:
                group.append(self._queue.get_nowait())
            stopping = None in group
            units = [waiting for waiting in group if waiting is not None]
            if units:
                self._committing = True
                await self._commit(units)
                self._committing = False

    async def _commit(self, group: list[_Waiting[Any]]) -> None:
        try:
            with _named_errors():
                outcomes, wrote = await self._writer.run(lambda tx: _run_group(tx, [w.unit for w in group]))
        except Exception as failure:  # noqa: BLE001 - every caller must wake, whatever the disk did
            self.full = self.full or isinstance(failure, DiskFullError)
            log.error("commit failed units=%d reason=%s", len(group), failure)
            for waiting in group:
                if not waiting.done.done():
                    waiting.done.set_exception(failure)
            return
        if wrote:  # what writes nothing succeeds on a full disk too
            self.full = False
        self.commits += 1
        for waiting, (result, raised) in zip(group, outcomes, strict=True):
            if waiting.done.done():
                continue
            if raised is not None:
                waiting.done.set_exception(raised)
            else:
                waiting.done.set_result(result)
        if wrote:
            self._tell_listeners()

    def _tell_listeners(self) -> None:
        for event in self._listeners:
            event.set()

    async def _watch_for_others(self) -> None:
        """Notice what another process committed (a command beside the running server)."""
        seen = None
        while True:
            version = await self._writer.run(lambda connection: connection.execute("PRAGMA data_version").fetchone()[0])
            if seen is not None and version != seen:
                self._tell_listeners()
            seen = version
            await asyncio.sleep(_WATCH_S)


def _run_group(
    connection: sqlite3.Connection, units: list[Unit[Any]]
) -> tuple[list[tuple[Any, BaseException | None]], bool]:
    """Each unit's result or exception, and whether any row was written at all."""
    outcomes: list[tuple[Any, BaseException | None]] = []
    before = connection.total_changes
    connection.execute("BEGIN IMMEDIATE")
    try:
        for unit in units:
            connection.execute("SAVEPOINT unit")
            try:
                outcomes.append((unit(connection), None))
            except Exception as raised:
                if not connection.in_transaction:  # SQLite gave the whole transaction up: the disk is full
                    raise
                connection.execute("ROLLBACK TO unit")
                outcomes.append((None, DiskFullError("the disk is full") if _says_full(raised) else raised))
            connection.execute("RELEASE unit")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return outcomes, connection.total_changes != before


def _in_snapshot(connection: sqlite3.Connection, unit: Unit[T]) -> T:
    connection.execute("BEGIN")
    try:
        return unit(connection)
    finally:
        connection.execute("ROLLBACK")


@contextlib.contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as raised:
        if _says_full(raised):
            raise DiskFullError("the disk is full") from raised
        raise DatabaseError(str(raised)) from raised


def _says_full(raised: BaseException | None) -> bool:
    """Also where the unit went back to a savepoint of its own, which SQLite had given up with everything else."""
    while raised is not None:
        if getattr(raised, "sqlite_errorname", "") in _FULL_ERRORS:
            return True
        raised = raised.__context__
    return False
