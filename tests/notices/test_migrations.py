"""The tables may be widened under a village that is in use: what was confirmed stays confirmed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from village.ground.migrate import migrate, steps_of
from village.notices import leaders_store
from village.schema import PACKAGES

ROOM = "village.notices"


def in_use(path: Path) -> sqlite3.Connection:
    """A file as the first version of this room left it, with one household that has answered twice."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    below = PACKAGES[: PACKAGES.index(ROOM)]
    migrate(connection, below, 1)
    connection.executescript(steps_of(ROOM)[0].sql)
    connection.execute("INSERT INTO schema_step (package, number, taken_ms) VALUES (?, 1, 1)", (ROOM,))
    connection.executescript(
        "INSERT INTO household (id, head, group_no, added_ms) VALUES (1, '王德福', 1, 1);"
        "INSERT INTO notice VALUES (1, 17, 'sent', 2, 1, '{}', 'household', 1, 1, 1, 0, 'committee', '陈', NULL, 5, 5,"
        " NULL, NULL);"
        "INSERT INTO notice_version VALUES (1, 1, '停水', '', NULL, '陈', 5), (1, 2, '不停水', '', NULL, '陈', 6);"
        "INSERT INTO notice_unit VALUES (1, 1, 1, NULL, 1, '王德福', NULL, 0, 0, NULL, 0);"
        "INSERT INTO notice_confirmation VALUES (1, 1, 1, 1, 'sms', NULL, '', 5, 6), (2, 1, 2, 1, 'door', NULL,"
        " '李', 7, NULL);"
    )
    return connection


def test_what_was_confirmed_is_kept_and_a_wechat_group_may_be_added(tmp_path: Path) -> None:
    connection = in_use(tmp_path / "village.db")
    before = [tuple(row) for row in connection.execute("SELECT * FROM notice_confirmation ORDER BY id")]
    migrate(connection, PACKAGES, 2)
    assert [tuple(row) for row in connection.execute("SELECT * FROM notice_confirmation ORDER BY id")] == before
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    add = "INSERT INTO notice_confirmation VALUES (3, 1, 2, 1, ?, NULL, '李', 8, NULL)"
    with pytest.raises(sqlite3.IntegrityError):  # one that counts is enough
        connection.execute(add, ("wechat",))
    connection.execute("UPDATE notice_confirmation SET lapsed_ms = 9 WHERE id = 2")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(add, ("rumour",))
    connection.execute(add, ("wechat",))
    connection.close()


def test_leaders_are_not_written_to_about_what_went_out_before_the_upgrade(tmp_path: Path) -> None:
    connection = in_use(tmp_path / "village.db")
    connection.executescript(
        "INSERT INTO notice VALUES (2, 18, 'planned', 1, 1, '{}', 'household', 1, 1, 1, 0, 'committee', '陈', NULL, 5,"
        " 9000000000000, NULL, NULL);"
        "INSERT INTO notice_version VALUES (2, 1, '停电', '', NULL, '陈', 5);"
    )
    migrate(connection, PACKAGES, 2)
    assert leaders_store.rounds_done(connection, 1, 2) == {1, 2}
    assert leaders_store.rounds_done(connection, 1, 3) == set()  # a correction is news
    assert leaders_store.rounds_done(connection, 2, 1) == set()
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_what_was_done_stays_done_and_may_be_said_in_a_call(tmp_path: Path) -> None:
    connection = in_use(tmp_path / "village.db")
    for step in steps_of(ROOM)[1:4]:
        connection.executescript(step.sql)
        connection.execute("INSERT INTO schema_step (package, number, taken_ms) VALUES (?, ?, 1)", (ROOM, step.number))
    connection.execute(
        "INSERT INTO task_done VALUES (1, 1, 'desk', NULL, '陈', 5, 6), (2, 1, 'sms', NULL, '', 7, NULL)"
    )
    before = [tuple(row) for row in connection.execute("SELECT * FROM task_done ORDER BY id")]
    migrate(connection, PACKAGES, 2)
    assert [tuple(row) for row in connection.execute("SELECT * FROM task_done ORDER BY id")] == before
    add = "INSERT INTO task_done VALUES (3, 1, ?, NULL, '', 8, NULL)"
    with pytest.raises(sqlite3.IntegrityError):  # done once is enough
        connection.execute(add, ("call",))
    connection.execute("UPDATE task_done SET undone_ms = 9 WHERE id = 2")
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(add, ("rumour",))
    connection.execute(add, ("call",))
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
