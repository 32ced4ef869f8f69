"""Key files, certificate, ports and the database file: judged, and really looked into."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import sqlite3
from pathlib import Path

import pytest

from gateway.message import Channel, Draft, Priority
from gateway.outbox import Outbox
from tests.doctor.nobody import folder_open_to_all, without_rights
from village.doctor import store
from village.doctor.finding import Verdict
from village.doctor.keeping import (
    SOON_MS,
    Check,
    KeyFile,
    examine_certificate,
    examine_database,
    examine_keys,
    examine_ports,
)
from village.doctor.lines import Waiting
from village.doctor.looking import taken_ports
from village.founding import found
from village.ground.clock import MovableClock, parse_iso
from village.ground.database import Database
from village.ground.migrate import steps_of
from village.ground.privacy import Vault
from village.place import NewVillage
from village.schema import PACKAGES
from village.web.kit.authority import SERVER, certificate_ends_ms

NOW_MS = parse_iso("2026-12-05T09:10:00")
KNOWN = {package: len(steps_of(package)) for package in PACKAGES}


@pytest.mark.parametrize("check", list(Check))
def test_every_end_of_the_check_has_its_words(check: Check) -> None:
    finding = examine_database(check)
    assert (finding.do is None) == (check is Check.SOUND)
    assert (finding.verdict is Verdict.GOOD) == (check is Check.SOUND)


@pytest.mark.parametrize(
    ("file", "verdict", "words"),
    [
        (KeyFile("/v/village.key", there=True), Verdict.GOOD, "都在，只有自己读得到"),
        (KeyFile("/v/village.key", there=False), Verdict.BAD, "少了 /v/village.key"),
        (KeyFile("/v/tls/desk.key", there=False), Verdict.BAD, "少了 /v/tls/desk.key"),
        (KeyFile("/v/village.key", there=True, broken=True), Verdict.BAD, "/v/village.key 坏了"),
        (KeyFile("/v/village.key", there=True, open_to_others=True), Verdict.BAD, "别人也读得到 /v/village.key"),
    ],
)
def test_key_files(file: KeyFile, verdict: Verdict, words: str) -> None:
    finding = examine_keys([KeyFile("/v/sign.key", there=True), file])
    assert (finding.verdict, str(finding.said)) == (verdict, words)


@pytest.mark.parametrize(
    ("ends_ms", "verdict"),
    [
        (NOW_MS + SOON_MS, Verdict.GOOD),
        (NOW_MS + SOON_MS - 1, Verdict.MIND),
        (NOW_MS, Verdict.BAD),
        (None, Verdict.BAD),
    ],
)
def test_the_certificate(ends_ms: int | None, verdict: Verdict) -> None:
    finding = examine_certificate(ends_ms, NOW_MS)
    assert finding.verdict is verdict
    assert (finding.do is None) == (verdict is Verdict.GOOD)


def test_a_real_certificate_is_read_and_a_broken_one_is_not_there(tmp_path: Path) -> None:
    place = found(tmp_path / "village", NewVillage())
    ends_ms = certificate_ends_ms(place.tls_folder)
    assert ends_ms is not None
    assert ends_ms > place.clock().now_ms()
    (place.tls_folder / SERVER).write_text("torn")
    assert certificate_ends_ms(place.tls_folder) is None
    (place.tls_folder / SERVER).unlink()
    assert certificate_ends_ms(place.tls_folder) is None


def test_a_port_somebody_holds_is_named(tmp_path: Path) -> None:
    with socket.socket() as busy, socket.socket() as free:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        free.bind(("127.0.0.1", 0))
        held, open_ = busy.getsockname()[1], free.getsockname()[1]
        free.close()
        taken = taken_ports("127.0.0.1", [open_, held])
    assert taken == [held]
    assert examine_ports([open_, held], taken).verdict is Verdict.BAD
    assert examine_ports([open_, held], []).verdict is Verdict.GOOD


# the file itself


async def test_a_sound_file_is_sound_while_somebody_writes_to_it(db: Database) -> None:
    assert store.check(db.path, KNOWN) is Check.SOUND
    await db.write(lambda tx: tx.execute("UPDATE clock_mark SET wall_ms = 1"))
    assert store.check(db.path, KNOWN) is Check.SOUND


async def test_a_check_that_takes_too_long_is_given_up(db: Database) -> None:
    def fill(tx: sqlite3.Connection) -> None:
        tx.executemany(
            "INSERT INTO clock_step (source, wall_ms, step_ms) VALUES ('desk', ?, 0)", ((n,) for n in range(50_000))
        )

    await db.write(fill)
    assert store.check(db.path, KNOWN, patience_s=-1) is Check.UNFINISHED


async def test_a_newer_file_and_one_that_is_missing(db: Database, tmp_path: Path) -> None:
    await db.write(lambda tx: tx.execute("INSERT INTO schema_step VALUES ('village.ground', 99, 1)"))
    assert store.check(db.path, KNOWN) is Check.NEWER
    assert store.check(tmp_path / "nowhere.db", KNOWN) is Check.MISSING
    assert not (tmp_path / "nowhere.db").exists()


async def test_a_torn_page_is_found(db: Database, tmp_path: Path) -> None:
    await db.close()
    size = db.path.stat().st_size
    with db.path.open("r+b") as file:
        for page in range(4096 * 3, size, 4096):  # the first pages hold the list of tables
            file.seek(page)
            file.write(os.urandom(512))
    assert store.check(db.path, KNOWN) is Check.BROKEN


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be one" * 200, b""])
def test_what_is_no_database_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "village.db"
    path.write_bytes(content)
    assert store.check(path, KNOWN) is Check.UNREADABLE
    assert path.read_bytes() == content


async def test_the_file_is_left_as_it_was(db: Database) -> None:
    await db.close()
    before = db.path.read_bytes()
    assert store.check(db.path, KNOWN) is Check.SOUND
    assert db.path.read_bytes() == before


async def test_a_folder_that_cannot_be_written_is_read_as_it_lies_there(db: Database) -> None:
    """On a card that has turned read-only SQLite finds no room for its shared memory."""
    await db.close()
    with folder_open_to_all() as folder:
        path = Path(shutil.copy(db.path, folder))
        path.chmod(0o644)
        with without_rights(folder, 0o555):
            with store.beside(path) as tx:
                assert store.begun_ms(tx) is not None
            assert store.check(path, KNOWN) is Check.SOUND
        assert list(folder.iterdir()) == [path]


async def test_a_file_of_another_user_is_not_called_broken(db: Database) -> None:
    with folder_open_to_all() as folder:
        path = Path(shutil.copy(db.path, folder))
        path.chmod(0o000)
        with without_rights(folder, 0o755):
            assert store.check(path, KNOWN) is Check.FORBIDDEN


async def test_a_file_that_somebody_holds_is_not_called_broken(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_S", 0.05)
    await db.close()
    with contextlib.closing(sqlite3.connect(db.path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        assert await asyncio.to_thread(store.check, db.path, KNOWN) is Check.UNFINISHED


async def test_the_queue_is_counted_by_what_may_go(db: Database, clock: MovableClock, vault: Vault) -> None:
    def waiting(tx: sqlite3.Connection) -> Waiting:
        return store.waiting(tx, clock.now_ms())

    assert await db.read(waiting) == Waiting()
    outbox, begun_ms = Outbox(vault, clock), clock.now_ms()

    async def queue(not_before_ms: int) -> None:
        draft = Draft(
            to="+8619900000001", channel=Channel.SMS, kind="notice", priority=Priority.NOTICE, reference="1",
            text="【青山村】停水", not_before_ms=not_before_ms,
        )  # fmt: skip
        await db.write(lambda tx: outbox.enqueue(tx, draft))

    await queue(0)
    await queue(begun_ms + 3_600_000)
    assert await db.read(waiting) == Waiting(1, 1, begun_ms)
    await clock.advance(2 * 3_600_000)
    assert await db.read(waiting) == Waiting(2, 0, begun_ms)


async def test_the_last_step_of_the_clock(db: Database) -> None:
    assert await db.read(store.last_step) is None
    await db.write(
        lambda tx: tx.executemany(
            "INSERT INTO clock_step (source, wall_ms, step_ms) VALUES (?, ?, 0)", [("modem", 1), ("desk", 2)]
        )
    )
    assert await db.read(store.last_step) == ("desk", 2)


async def test_the_file_knows_when_it_was_made(db: Database, clock: MovableClock) -> None:
    assert await db.read(store.begun_ms) == clock.now_ms()
    with contextlib.closing(sqlite3.connect(db.path)) as other:
        assert store.newest_steps(other) == {p: n for p, n in KNOWN.items() if n}
