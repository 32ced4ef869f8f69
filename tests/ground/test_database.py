from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from village.ground.database import Database, DatabaseClosedError, DatabaseError, DiskFullError, NewerDatabaseError
from village.ground.migrate import migrate
from village.schema import PACKAGES


def make_table(tx: sqlite3.Connection) -> None:
    tx.execute("CREATE TABLE IF NOT EXISTS word (word TEXT PRIMARY KEY) STRICT")


def put(word: str):  # type: ignore[no-untyped-def]
    return lambda tx: tx.execute("INSERT INTO word VALUES (:word)", {"word": word}).rowcount


def words(tx: sqlite3.Connection) -> list[str]:
    return [row[0] for row in tx.execute("SELECT word FROM word ORDER BY word")]


@pytest.fixture
async def book(tmp_path: Path):  # type: ignore[no-untyped-def]
    database = await Database.open(tmp_path / "book.db", make_table)
    yield database
    await database.close()


async def test_units_that_arrive_together_share_one_commit(book: Database) -> None:
    before = book.commits
    await asyncio.gather(*(book.write(put(f"w{number:03}")) for number in range(100)))
    assert book.commits - before <= 2
    assert len(await book.read(words)) == 100


async def test_a_unit_that_fails_takes_nobody_with_it(book: Database) -> None:
    outcomes = await asyncio.gather(*(book.write(put(word)) for word in ("a", "a", "b")), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [int, sqlite3.IntegrityError, int]
    assert await book.read(words) == ["a", "b"]


async def test_half_of_a_unit_is_never_kept(book: Database) -> None:
    def half(tx: sqlite3.Connection) -> None:
        put("half")(tx)
        raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        await book.write(half)
    assert await book.read(words) == []


async def test_a_caller_who_leaves_does_not_take_his_unit_back(book: Database) -> None:
    leaving = asyncio.create_task(book.write(put("kept")))
    await asyncio.sleep(0)
    leaving.cancel()
    await book.write(put("later"))
    assert await book.read(words) == ["kept", "later"]


async def test_readers_cannot_write(book: Database) -> None:
    with pytest.raises(DatabaseError, match="readonly"):
        await book.read(put("no"))


async def test_whoever_waits_hears_of_a_commit_and_of_another_process(book: Database) -> None:
    with book.changed() as event:
        await book.write(put("ours"))
        assert event.is_set()
        event.clear()
        insert = "INSERT INTO word VALUES ('theirs')"
        script = f"import sqlite3; c = sqlite3.connect({str(book.path)!r}); c.execute({insert!r}); c.commit()"
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script], check=True)
        await asyncio.wait_for(event.wait(), 10)
    assert await book.read(words) == ["ours", "theirs"]


async def test_a_unit_that_writes_nothing_wakes_nobody(book: Database) -> None:
    with book.changed() as event:
        await book.write(words)
        assert not event.is_set()


async def test_a_full_disk_is_said_and_what_was_kept_stays(book: Database) -> None:
    await book.write(put("before"))
    await book.write(lambda tx: tx.execute("PRAGMA max_page_count = 4").fetchall())
    with pytest.raises(DiskFullError):
        await book.write(put("x" * 100_000))
    assert book.full
    assert await book.read(words) == ["before"]
    await book.write(lambda tx: tx.execute("PRAGMA max_page_count = 100000").fetchall())
    await book.write(put("after"))
    assert not book.full
    assert await book.read(words) == ["after", "before"]


async def test_a_full_disk_is_said_until_something_could_be_kept_again(book: Database) -> None:
    await book.write(lambda tx: tx.execute("PRAGMA max_page_count = 4").fetchall())
    with pytest.raises(DiskFullError):
        await book.write(put("x" * 100_000))
    await book.write(words)  # what writes nothing always succeeds
    assert book.full


async def test_a_full_disk_is_known_as_such_through_savepoints_of_the_unit(book: Database) -> None:
    def guarded(tx: sqlite3.Connection) -> None:
        tx.execute("SAVEPOINT inner")
        try:
            put("x" * 100_000)(tx)
        except sqlite3.Error:
            tx.execute("ROLLBACK TO inner")  # gone with the whole transaction

    await book.write(lambda tx: tx.execute("PRAGMA max_page_count = 4").fetchall())
    with pytest.raises(DiskFullError):
        await book.write(guarded)
    assert book.full


async def test_a_closed_file_takes_nothing(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "book.db", make_table)
    last = asyncio.create_task(database.write(put("last")))
    await asyncio.sleep(0)
    await database.close()
    assert await last == 1
    with pytest.raises(DatabaseClosedError):
        await database.write(put("late"))


async def test_nothing_waits_half_written_beside_the_file_after_kill_9(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, pathlib
from village.ground.database import Database
async def main():
    path = pathlib.Path({str(tmp_path / "book.db")!r})
    database = await Database.open(path, lambda tx: tx.execute("CREATE TABLE word (word TEXT)"))
    await database.write(lambda tx: tx.execute("INSERT INTO word VALUES ('kept')"))
    def dying(tx):
        tx.execute("INSERT INTO word VALUES ('lost')")
        os.kill(os.getpid(), 9)
    await database.write(dying)
asyncio.run(main())
"""
    ended = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", script])
    assert ended.returncode == -9
    with contextlib.closing(sqlite3.connect(tmp_path / "book.db")) as connection:
        assert words(connection) == ["kept"]


async def test_every_schema_step_is_taken_once(tmp_path: Path) -> None:
    taken: list[int] = []
    for _ in range(2):
        database = await Database.open(
            tmp_path / "village.db", lambda tx: taken.append(len(migrate(tx, PACKAGES, now_ms=1)))
        )
        await database.close()
    assert taken[0] > 0
    assert taken[1] == 0


async def test_two_programs_that_open_a_new_file_at_once_take_each_step_once_between_them(tmp_path: Path) -> None:
    taken: list[int] = []

    def prepare(tx: sqlite3.Connection) -> None:
        taken.append(len(migrate(tx, PACKAGES, now_ms=1)))

    for round_ in range(5):
        taken.clear()
        path = tmp_path / f"{round_}.db"
        opened = await asyncio.gather(*(Database.open(path, prepare) for _ in range(4)))
        steps = await opened[0].read(lambda tx: tx.execute("SELECT count(*) FROM schema_step").fetchone()[0])
        assert sum(taken) == steps
        for database in opened:
            await database.close()


async def test_a_file_of_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "village.db"
    database = await Database.open(path, lambda tx: migrate(tx, PACKAGES, now_ms=1) and None)
    await database.write(lambda tx: tx.execute("INSERT INTO schema_step VALUES ('village.ground', 99, 1)"))
    await database.close()
    before = path.read_bytes()
    with pytest.raises(NewerDatabaseError, match=r"village\.ground step 99"):
        await Database.open(path, lambda tx: migrate(tx, PACKAGES, now_ms=1) and None)
    assert path.read_bytes() == before
