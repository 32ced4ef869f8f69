"""A county that exists already comes through every change of its tables with all it has."""

from __future__ import annotations

import sqlite3

import pytest

from village.county.place import PACKAGES
from village.ground.migrate import migrate, steps_of

COUNTY = "village.county"


@pytest.fixture
def old() -> sqlite3.Connection:
    """A county's file as the first version made it, with a village, its log, a fork, codes and what was set aside."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection, [package for package in PACKAGES if package != COUNTY], 1)
    connection.executescript(steps_of(COUNTY)[0].sql)
    connection.execute("INSERT INTO schema_step (package, number, taken_ms) VALUES (?, 1, 1)", (COUNTY,))
    connection.executescript(FILLED)
    return connection


FILLED = """
INSERT INTO village VALUES
    (1, '青山村', x'01', x'02', x'03', x'04', 10, 900, NULL, 50, 1, 1, x'05', 0, 0, '', 8, 210, 602, '', 0, 1, 0, NULL, NULL),
    (2, '白水村', x'11', x'12', x'13', x'14', 20, 900, 35, 50, 1, 0, x'15', 0, 0, 'fork', 0, 0, 0, '', 0, 0, 0, NULL, NULL);
INSERT INTO record VALUES (1, 1, 1, x'05', x'06');
INSERT INTO record_fork VALUES (2, 1, 1, x'07', x'08');
INSERT INTO evidence VALUES (1, 1, 1, 1, 40, x'09');
INSERT INTO quarantine VALUES (1, 2, 'revoked', 60, 3, x'0a0b0c', 2, x'0d', NULL, NULL),
    (2, NULL, 'not-a-bundle', 61, 1, x'0e', 1, x'0f', 70, '李');
INSERT INTO enrol_code VALUES
    ('AAAA', x'21', '青山村', '李', 5, 500, 10, x'03', 1), ('BBBB', x'22', '白水村', '李', 15, 500, 20, x'13', 2),
    ('0CCC', x'23', '白水村', '李', 30, 500, NULL, NULL, NULL), ('0DDD', x'24', '白水村', '李', 40, 500, NULL, NULL, NULL);
INSERT INTO enrol_try VALUES (1, 44);
"""  # noqa: E501


def rows(connection: sqlite3.Connection) -> dict[str, list[dict[str, object]]]:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in names}


def test_a_filled_county_of_the_first_version_loses_nothing(old):
    before = rows(old)
    migrate(old, PACKAGES, 2)
    after = rows(old)
    for name, kept in before.items():
        if name != "schema_step":
            assert [{column: row[column] for column in was} for row, was in zip(after[name], kept, strict=True)] == kept
    assert old.execute("PRAGMA foreign_key_check").fetchall() == []
    assert migrate(old, PACKAGES, 3) == []


def test_codes_are_numbered_as_they_were_issued_and_bar_whom_they_came_before(old):
    migrate(old, PACKAGES, 2)
    numbered = old.execute("SELECT id, no FROM enrol_code ORDER BY no").fetchall()
    assert [tuple(row) for row in numbered] == [("AAAA", 1), ("BBBB", 2), ("0CCC", 3), ("0DDD", 4)]
    assert [row[0] for row in old.execute("SELECT barred FROM village ORDER BY no")] == [0, 3]
