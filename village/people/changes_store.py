"""What changes the roster, row by row; every change writes who did it and when into the history.

Never decides what should change, and never writes a number in clear: the history shows it masked.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from village.people.store import Channel, Opted, PhoneKind, Source

SLOTS = 9
"""Voters on one phone: the slot is one digit of the keyed answer (PPVC)."""

_MARKS = frozenset(
    {
        "represents_household",
        "representative",
        "party",
        "group_leader",
        "away",
        "lives_alone",
        "wants_calls",
        "cannot_read",
    }
)
_TEXTS = frozenset({"name", "relation", "sex", "born", "away_where", "dialect"})
_PLACES = frozenset({"household_id", "position"})


class SlotsFullError(Exception):
    """A tenth person on one phone: there is no digit left for them."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Whose change it is and when: one frozen pair for a whole unit."""

    by: str
    at_ms: int


def note(
    tx: sqlite3.Connection,
    hand: Hand,
    what: str,
    *,
    household_id: int | None = None,
    resident_id: int | None = None,
    phone_id: int | None = None,
    before: object = "",
    after: object = "",
) -> None:
    """One line of history."""
    tx.execute(
        "INSERT INTO roster_change (at_ms, changed_by, household_id, resident_id, phone_id, what, before, after)"
        " VALUES (:at, :by, :household, :resident, :phone, :what, :before, :after)",
        {
            "at": hand.at_ms,
            "by": hand.by,
            "household": household_id,
            "resident": resident_id,
            "phone": phone_id,
            "what": what,
            "before": str(before),
            "after": str(after),
        },
    )


def add_household(tx: sqlite3.Connection, hand: Hand, *, head: str, group_no: int) -> int:
    cursor = tx.execute(
        "INSERT INTO household (group_no, head, added_ms) VALUES (:group_no, :head, :at)",
        {"group_no": group_no, "head": head, "at": hand.at_ms},
    )
    assert cursor.lastrowid is not None  # noqa: S101 - SQLite gives one to every INSERT
    note(tx, hand, "household_added", household_id=cursor.lastrowid, after=head)
    return cursor.lastrowid


def change_household(tx: sqlite3.Connection, hand: Hand, household_id: int, *, head: str, group_no: int) -> bool:
    """True where something changed."""
    row = tx.execute("SELECT head, group_no FROM household WHERE id = :id", {"id": household_id}).fetchone()
    if (row["head"], row["group_no"]) == (head, group_no):
        return False
    tx.execute(
        "UPDATE household SET head = :head, group_no = :group_no WHERE id = :id",
        {"id": household_id, "head": head, "group_no": group_no},
    )
    if row["head"] != head:
        note(tx, hand, "head", household_id=household_id, before=row["head"], after=head)
    if row["group_no"] != group_no:
        note(tx, hand, "group", household_id=household_id, before=row["group_no"], after=group_no)
    return True


def add_resident(tx: sqlite3.Connection, hand: Hand, *, household_id: int, position: int, name: str) -> int:
    cursor = tx.execute(
        "INSERT INTO resident (household_id, position, name, added_ms) VALUES (:household, :position, :name, :at)",
        {"household": household_id, "position": position, "name": name, "at": hand.at_ms},
    )
    assert cursor.lastrowid is not None  # noqa: S101 - SQLite gives one to every INSERT
    note(tx, hand, "added", household_id=household_id, resident_id=cursor.lastrowid, after=name)
    return cursor.lastrowid


def set_field(tx: sqlite3.Connection, hand: Hand, resident_id: int, field: str, value: str | int | None) -> bool:
    """Set one column of a resident; True where it changed. The place in the household leaves no history."""
    if field not in _MARKS | _TEXTS | _PLACES:
        raise ValueError(f"{field} is not a field of a resident")
    row = tx.execute(f"SELECT {field} AS value FROM resident WHERE id = :id", {"id": resident_id}).fetchone()
    if row["value"] == value:
        return False
    tx.execute(f"UPDATE resident SET {field} = :value WHERE id = :id", {"value": value, "id": resident_id})
    if field != "position":
        shown = ["" if each is None else each for each in (row["value"], value)]
        note(tx, hand, field, resident_id=resident_id, before=shown[0], after=shown[1])
    return True


def leave(tx: sqlite3.Connection, hand: Hand, resident_id: int) -> bool:
    """Somebody is no longer of the village; the row stays, for what refers to it."""
    return _set_left(tx, hand, resident_id, hand.at_ms)


def come_back(tx: sqlite3.Connection, hand: Hand, resident_id: int) -> bool:
    return _set_left(tx, hand, resident_id, None)


def _set_left(tx: sqlite3.Connection, hand: Hand, resident_id: int, left_ms: int | None) -> bool:
    changed = tx.execute(
        "UPDATE resident SET left_ms = :left WHERE id = :id AND (left_ms IS NULL) = :present",
        {"left": left_ms, "id": resident_id, "present": int(left_ms is not None)},
    ).rowcount
    if changed:
        note(tx, hand, "returned" if left_ms is None else "left", resident_id=resident_id)
    return bool(changed)


def mark_registered(tx: sqlite3.Connection, hand: Hand, *, resident_id: int, phone_id: int) -> None:
    tx.execute("UPDATE resident SET registered_ms = :at WHERE id = :id", {"at": hand.at_ms, "id": resident_id})
    tx.execute("UPDATE phone SET registered_ms = :at WHERE id = :id", {"at": hand.at_ms, "id": phone_id})
    note(tx, hand, "registered", resident_id=resident_id, phone_id=phone_id, after=_masked(tx, phone_id))


def add_phone(
    tx: sqlite3.Connection, hand: Hand, *, sealed: bytes, fingerprint: bytes, masked: str, kind: PhoneKind
) -> int:
    cursor = tx.execute(
        "INSERT INTO phone (sealed, fingerprint, masked, kind, added_ms)"
        " VALUES (:sealed, :fingerprint, :masked, :kind, :at)",
        {"sealed": sealed, "fingerprint": fingerprint, "masked": masked, "kind": kind, "at": hand.at_ms},
    )
    assert cursor.lastrowid is not None  # noqa: S101 - SQLite gives one to every INSERT
    return cursor.lastrowid


def hold(tx: sqlite3.Connection, hand: Hand, *, phone_id: int, resident_id: int, source: Source) -> int:
    """Put a phone into somebody's hands and return their slot; holding it already only strengthens the source.

    A new holder gets the slot after the last one given, so that a freed slot is not mistaken for its old owner's;
    only when all nine were given is a free one given again. Raises SlotsFullError at the tenth person.
    """
    known = tx.execute(
        "SELECT slot, source FROM phone_holder WHERE phone_id = :phone AND resident_id = :resident",
        {"phone": phone_id, "resident": resident_id},
    ).fetchone()
    if known is not None:
        if source != "import" and known["source"] != source:
            tx.execute(
                "UPDATE phone_holder SET source = :source WHERE phone_id = :phone AND resident_id = :resident",
                {"source": source, "phone": phone_id, "resident": resident_id},
            )
        return int(known["slot"])
    taken = {row["slot"] for row in tx.execute("SELECT slot FROM phone_holder WHERE phone_id = :id", {"id": phone_id})}
    after_last = max(taken, default=0) + 1
    free = after_last if after_last <= SLOTS else next((n for n in range(1, SLOTS + 1) if n not in taken), 0)
    if not free:
        raise SlotsFullError
    tx.execute(
        "INSERT INTO phone_holder (phone_id, resident_id, slot, place, source, since_ms)"
        " VALUES (:phone, :resident, :slot,"
        " (SELECT coalesce(max(place), 0) + 1 FROM phone_holder WHERE resident_id = :resident), :source, :at)",
        {"phone": phone_id, "resident": resident_id, "slot": free, "source": source, "at": hand.at_ms},
    )
    note(tx, hand, "phone_added", resident_id=resident_id, phone_id=phone_id, after=_masked(tx, phone_id))
    return free


def let_go(tx: sqlite3.Connection, hand: Hand, *, phone_id: int, resident_id: int) -> bool:
    """Take a phone out of somebody's hands. The phone itself stays: its opt-out must outlive a corrected list."""
    gone = tx.execute(
        "DELETE FROM phone_holder WHERE phone_id = :phone AND resident_id = :resident",
        {"phone": phone_id, "resident": resident_id},
    ).rowcount
    if gone:
        note(tx, hand, "phone_removed", resident_id=resident_id, phone_id=phone_id, before=_masked(tx, phone_id))
    return bool(gone)


def put_in_order(tx: sqlite3.Connection, resident_id: int, phones: list[int]) -> None:
    """These phones first, in this order, the person's other phones after them."""
    rows = tx.execute(
        "SELECT phone_id FROM phone_holder WHERE resident_id = :id ORDER BY place, phone_id", {"id": resident_id}
    ).fetchall()
    rest = [row["phone_id"] for row in rows if row["phone_id"] not in phones]
    for place, phone_id in enumerate([*phones, *rest], start=1):
        tx.execute(
            "UPDATE phone_holder SET place = :place WHERE resident_id = :id AND phone_id = :phone AND place != :place",
            {"place": place, "id": resident_id, "phone": phone_id},
        )


def set_opted(tx: sqlite3.Connection, hand: Hand, phone_id: int, level: Opted) -> bool:
    row = tx.execute("SELECT opted FROM phone WHERE id = :id", {"id": phone_id}).fetchone()
    if row["opted"] == level:
        return False
    tx.execute("UPDATE phone SET opted = :level WHERE id = :id", {"level": level, "id": phone_id})
    note(tx, hand, "opted", phone_id=phone_id, before=row["opted"], after=level)
    return True


def add_consent(
    tx: sqlite3.Connection, hand: Hand, *, phone_id: int, resident_id: int | None, what: Opted, how: str
) -> None:
    tx.execute(
        "INSERT INTO consent (phone_id, resident_id, what, how, at_ms) VALUES (:phone, :resident, :what, :how, :at)",
        {"phone": phone_id, "resident": resident_id, "what": what, "how": how, "at": hand.at_ms},
    )


def set_channel(tx: sqlite3.Connection, hand: Hand, phone_id: int, channel: Channel | None) -> bool:
    """What this phone chose for itself; None gives the choice back to the roster."""
    return _set_choice(tx, hand, phone_id, "channel", channel)


def set_slow(tx: sqlite3.Connection, hand: Hand, phone_id: int, slow: bool) -> bool:
    return _set_choice(tx, hand, phone_id, "slow", int(slow))


def set_dialect(tx: sqlite3.Connection, hand: Hand, phone_id: int, dialect: str | None) -> bool:
    return _set_choice(tx, hand, phone_id, "dialect", dialect)


def set_home_only(
    tx: sqlite3.Connection, hand: Hand, phone_id: int, home_only: bool, *, resident_id: int | None = None
) -> bool:
    """A consent withdrawn or given again: it stands in the history of whoever said so."""
    return _set_choice(tx, hand, phone_id, "home_only", int(home_only), resident_id=resident_id)


def _set_choice(
    tx: sqlite3.Connection,
    hand: Hand,
    phone_id: int,
    column: str,
    value: str | int | None,
    *,
    resident_id: int | None = None,
) -> bool:
    row = tx.execute(f"SELECT {column} AS value FROM phone WHERE id = :id", {"id": phone_id}).fetchone()
    if row["value"] == value:
        return False
    tx.execute(f"UPDATE phone SET {column} = :value WHERE id = :id", {"value": value, "id": phone_id})
    shown = ["" if each is None else each for each in (row["value"], value)]
    note(tx, hand, column, resident_id=resident_id, phone_id=phone_id, before=shown[0], after=shown[1])
    return True


def _masked(tx: sqlite3.Connection, phone_id: int) -> str:
    return str(tx.execute("SELECT masked FROM phone WHERE id = :id", {"id": phone_id}).fetchone()["masked"])
