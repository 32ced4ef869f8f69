"""The simulated carrier's own memory, in its own small file: what a real carrier knows survives our power cuts.

SQL only. Never touches the village's database. Not fsynced: it outlives our process, as a carrier does, and need not
outlive the machine.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from gateway.failures import Trouble
from gateway.simulated.handset import Habit, Note, Rule

_SCHEMA = """
CREATE TABLE IF NOT EXISTS birth (at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS handset (
    number   TEXT PRIMARY KEY,
    label    TEXT NOT NULL DEFAULT '',
    power    INTEGER NOT NULL DEFAULT 1,
    signal   INTEGER NOT NULL DEFAULT 1,
    full     INTEGER NOT NULL DEFAULT 0,
    rule     TEXT NOT NULL DEFAULT '{}',
    habit    TEXT,
    refused  INTEGER NOT NULL DEFAULT 0,
    read_ms  INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS note (
    id           INTEGER PRIMARY KEY,
    number       TEXT NOT NULL,
    mine         INTEGER NOT NULL,
    text         TEXT NOT NULL,
    parts        INTEGER NOT NULL,
    line         TEXT NOT NULL,
    reference    TEXT,
    at_ms        INTEGER NOT NULL,   -- the carrier's time: taken, arrived, failed
    shown_ms     INTEGER NOT NULL,   -- where the phone sorts it
    state        TEXT NOT NULL,
    due_ms       INTEGER,
    valid_ms     INTEGER NOT NULL,
    trouble      TEXT,
    report_ms    INTEGER
) STRICT;
CREATE INDEX IF NOT EXISTS note_due ON note (due_ms) WHERE due_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS note_report ON note (report_ms) WHERE report_ms IS NOT NULL;
CREATE INDEX IF NOT EXISTS note_number ON note (number, id);
CREATE INDEX IF NOT EXISTS note_reference ON note (reference) WHERE reference IS NOT NULL;
CREATE TABLE IF NOT EXISTS sim (
    line      TEXT PRIMARY KEY,
    fen       INTEGER NOT NULL,
    price_fen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS intent (
    id      INTEGER PRIMARY KEY,
    number  TEXT NOT NULL,
    due_ms  INTEGER NOT NULL,
    text    TEXT NOT NULL
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Phone:
    """A handset's row."""

    number: str
    label: str
    on: bool
    signal: bool
    full: bool
    rule: Rule
    habit: Habit | None
    unread: int = 0
    newest_ms: int | None = None

    @property
    def reachable(self) -> bool:
        return self.on and self.signal


@dataclass(frozen=True, slots=True)
class Entry:
    """A text's row. state: waiting, delivered, failed, lost."""

    id: int
    number: str
    mine: bool
    text: str
    parts: int
    line: str
    reference: str | None
    at_ms: int
    shown_ms: int
    state: str
    due_ms: int | None
    valid_ms: int
    trouble: Trouble | None
    report_ms: int | None


class Book:
    """Rows in, rows out. `path` None: in memory."""

    def __init__(self, path: Path | None, now_ms: int) -> None:
        self._db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.executescript(_SCHEMA)
        self._db.execute(
            "INSERT INTO birth (at_ms) SELECT :now WHERE NOT EXISTS (SELECT 1 FROM birth)", {"now": now_ms}
        )
        self.birth_ms = int(self._db.execute("SELECT at_ms FROM birth").fetchone()[0])

    def close(self) -> None:
        self._db.close()

    # handsets

    def add(self, number: str, label: str, habit: Habit | None) -> None:
        """Make a phone, or give the one that is there its label and habit."""
        self._db.execute(
            "INSERT INTO handset (number, label, habit) VALUES (:number, :label, :habit)"
            " ON CONFLICT (number) DO UPDATE SET label = excluded.label, habit = excluded.habit",
            {"number": number, "label": label, "habit": None if habit is None else json.dumps(asdict(habit))},
        )

    def phone(self, number: str) -> Phone | None:
        row = self._db.execute(f"{_PHONES} WHERE h.number = :number", {"number": number}).fetchone()
        return None if row is None else _phone(row)

    def phones(self) -> list[Phone]:
        return [_phone(row) for row in self._db.execute(f"{_PHONES} ORDER BY h.label, h.number")]

    def switch(self, number: str, what: Literal["power", "signal", "full"], on: bool) -> None:
        self._db.execute(f"UPDATE handset SET {what} = :on WHERE number = :number", {"on": on, "number": number})

    def set_rule(self, number: str, rule: Rule) -> None:
        self._db.execute(
            "UPDATE handset SET rule = :rule, refused = 0 WHERE number = :number",
            {"rule": json.dumps(asdict(rule)), "number": number},
        )

    def refuse(self, number: str) -> int:
        """Count one try that was told to come back; returns how many there were."""
        self._db.execute("UPDATE handset SET refused = refused + 1 WHERE number = :number", {"number": number})
        row = self._db.execute("SELECT refused FROM handset WHERE number = :number", {"number": number}).fetchone()
        return int(row[0])

    def read(self, number: str, now_ms: int) -> None:
        self._db.execute("UPDATE handset SET read_ms = :now WHERE number = :number", {"now": now_ms, "number": number})

    # credit on the village's own SIMs

    def top_up(self, line: str, fen: int, price_fen: int) -> None:
        self._db.execute(
            "INSERT INTO sim (line, fen, price_fen) VALUES (:line, :fen, :price)"
            " ON CONFLICT (line) DO UPDATE SET fen = fen + excluded.fen, price_fen = excluded.price_fen",
            {"line": line, "fen": fen, "price": price_fen},
        )

    def credit(self, line: str) -> int | None:
        """None: a line that is not paid for."""
        row = self._db.execute("SELECT fen FROM sim WHERE line = :line", {"line": line}).fetchone()
        return None if row is None else int(row[0])

    def pay(self, line: str, parts: int) -> bool:
        """False where the credit does not cover it; then nothing is taken."""
        if self.credit(line) is None:
            return True
        paid = self._db.execute(
            "UPDATE sim SET fen = fen - price_fen * :parts WHERE line = :line AND fen >= price_fen * :parts",
            {"line": line, "parts": parts},
        )
        return paid.rowcount == 1

    # texts

    def write(
        self,
        *,
        number: str,
        mine: bool,
        text: str,
        parts: int,
        line: str,
        reference: str | None,
        at_ms: int,
        shown_ms: int,
        state: str,
        due_ms: int | None,
        valid_ms: int,
    ) -> int:
        made = self._db.execute(
            "INSERT INTO note (number, mine, text, parts, line, reference, at_ms, shown_ms, state, due_ms, valid_ms)"
            " VALUES (:number, :mine, :text, :parts, :line, :reference, :at, :shown, :state, :due, :valid)",
            {
                "number": number,
                "mine": mine,
                "text": text,
                "parts": parts,
                "line": line,
                "reference": reference,
                "at": at_ms,
                "shown": shown_ms,
                "state": state,
                "due": due_ms,
                "valid": valid_ms,
            },
        )
        return int(made.lastrowid or 0)

    def due(self, now_ms: int) -> list[Entry]:
        return self._entries("due_ms IS NOT NULL AND due_ms <= :now ORDER BY due_ms, id LIMIT 200", {"now": now_ms})

    def to_report(self, now_ms: int) -> list[Entry]:
        return self._entries(
            "report_ms IS NOT NULL AND report_ms <= :now ORDER BY report_ms, id LIMIT 200", {"now": now_ms}
        )

    def by_reference(self, reference: str) -> Entry | None:
        found = self._entries("reference = :reference ORDER BY id DESC LIMIT 1", {"reference": reference})
        return found[0] if found else None

    def thread(self, number: str, limit: int) -> list[Note]:
        """What is on the phone: what has arrived, and what was typed on it; oldest first."""
        entries = self._entries(
            "number = :number AND (mine = 1 OR state = 'delivered') ORDER BY shown_ms DESC, id DESC LIMIT :limit",
            {"number": number, "limit": limit},
        )
        return [
            Note(e.id, e.mine, e.text, e.shown_ms, "delivered" if e.state == "delivered" else "waiting", e.parts)
            for e in reversed(entries)
        ]

    def _entries(self, where: str, values: dict[str, object]) -> list[Entry]:
        return [_entry(row) for row in self._db.execute(f"SELECT * FROM note WHERE {where}", values)]

    def arrived(self, entry: Entry, at_ms: int, report_ms: int | None) -> None:
        self._db.execute(
            "UPDATE note SET state = 'delivered', at_ms = :at, shown_ms = :at, due_ms = NULL, report_ms = :report"
            " WHERE id = :id",
            {"at": at_ms, "report": report_ms, "id": entry.id},
        )

    def failed(self, entry: Entry, trouble: Trouble, at_ms: int, report_ms: int | None) -> None:
        self._db.execute(
            "UPDATE note SET state = 'failed', trouble = :trouble, at_ms = :at, due_ms = NULL, report_ms = :report"
            " WHERE id = :id",
            {"trouble": trouble, "at": at_ms, "report": report_ms, "id": entry.id},
        )

    def put_off(self, entry: Entry, due_ms: int | None) -> None:
        self._db.execute("UPDATE note SET due_ms = :due WHERE id = :id", {"due": due_ms, "id": entry.id})

    def reported(self, entry: Entry, again_ms: int | None = None) -> None:
        """Said and heard; or, where nobody could take it, to be said again."""
        self._db.execute("UPDATE note SET report_ms = :again WHERE id = :id", {"again": again_ms, "id": entry.id})

    def handed_over(self, entry: Entry) -> None:
        self._db.execute("UPDATE note SET state = 'delivered', due_ms = NULL WHERE id = :id", {"id": entry.id})

    def hurry(self, number: str, now_ms: int) -> None:
        """A phone has come back: whatever waits for it is due."""
        self._db.execute(
            "UPDATE note SET due_ms = :now WHERE number = :number AND state = 'waiting'",
            {"now": now_ms, "number": number},
        )

    # what villagers mean to do

    def intend(self, number: str, due_ms: int, text: str) -> None:
        self._db.execute(
            "INSERT INTO intent (number, due_ms, text) VALUES (:number, :due, :text)",
            {"number": number, "due": due_ms, "text": text},
        )

    def intents(self, now_ms: int) -> list[tuple[int, str, str]]:
        rows = self._db.execute(
            "SELECT id, number, text FROM intent WHERE due_ms <= :now ORDER BY due_ms, id LIMIT 200", {"now": now_ms}
        )
        return [(row["id"], row["number"], row["text"]) for row in rows]

    def done(self, intent_id: int) -> None:
        self._db.execute("DELETE FROM intent WHERE id = :id", {"id": intent_id})

    def next_ms(self, *, reporting: bool) -> int | None:
        """When something falls due next; reports count only while somebody listens."""
        times = [
            self._db.execute("SELECT min(due_ms) FROM note WHERE due_ms IS NOT NULL").fetchone()[0],
            self._db.execute("SELECT min(due_ms) FROM intent").fetchone()[0],
        ]
        if reporting:
            times.append(self._db.execute("SELECT min(report_ms) FROM note WHERE report_ms IS NOT NULL").fetchone()[0])
        known = [time for time in times if time is not None]
        return min(known) if known else None


_PHONES = (
    "SELECT h.*, (SELECT count(*) FROM note n WHERE n.number = h.number AND n.shown_ms > h.read_ms AND n.mine = 0"
    " AND n.state = 'delivered') AS unread, (SELECT max(n.shown_ms) FROM note n WHERE n.number = h.number"
    " AND (n.mine = 1 OR n.state = 'delivered')) AS newest_ms FROM handset h"
)


def _phone(row: sqlite3.Row) -> Phone:
    return Phone(
        number=row["number"],
        label=row["label"],
        on=bool(row["power"]),
        signal=bool(row["signal"]),
        full=bool(row["full"]),
        rule=Rule(**json.loads(row["rule"])),
        habit=None if row["habit"] is None else Habit(**json.loads(row["habit"])),
        unread=row["unread"],
        newest_ms=row["newest_ms"],
    )


def _entry(row: sqlite3.Row) -> Entry:
    return Entry(
        id=row["id"],
        number=row["number"],
        mine=bool(row["mine"]),
        text=row["text"],
        parts=row["parts"],
        line=row["line"],
        reference=row["reference"],
        at_ms=row["at_ms"],
        shown_ms=row["shown_ms"],
        state=row["state"],
        due_ms=row["due_ms"],
        valid_ms=row["valid_ms"],
        trouble=None if row["trouble"] is None else Trouble(row["trouble"]),
        report_ms=row["report_ms"],
    )
