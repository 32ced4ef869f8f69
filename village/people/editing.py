"""What a clerk changes by hand: one person's marks and phones, and who speaks for a household.

Never changes a name, a birth date or a household: those come from the village's spreadsheet, so that it stays true.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from village.ground.privacy import Vault
from village.ground.wording import RefusalError, say
from village.people import changes_store as changes
from village.people import phones, store
from village.people.cells import CellError, read_phones, read_words
from village.people.changes_store import Hand
from village.people.phones import SlotsFullError
from village.people.store import ResidentRow


@dataclass(frozen=True, slots=True)
class NewMarks:
    """As the form has them, all of them; the household's representative is chosen on the household's page."""

    representative: bool
    party: bool
    group_leader: bool
    away: bool
    away_where: str
    lives_alone: bool
    wants_calls: bool
    cannot_read: bool
    dialect: str


def person_of(tx: sqlite3.Connection, resident_id: int) -> ResidentRow:
    """Raises RefusalError 404."""
    row = store.resident(tx, resident_id)
    if row is None:
        raise RefusalError(say("花名册里没有这个人"), status=404)
    return row


def set_marks(tx: sqlite3.Connection, resident_id: int, marks: NewMarks, *, by: str, at_ms: int) -> None:
    """Raises RefusalError where a number hides in a place or a dialect."""
    hand = Hand(by, at_ms)
    try:
        texts = {
            "away_where": read_words(marks.away_where, 60) if marks.away else "",
            "dialect": read_words(marks.dialect, 20),
        }
    except CellError as wrong:
        raise RefusalError(wrong.what, status=422) from wrong
    for name in ("representative", "party", "group_leader", "away", "lives_alone", "wants_calls", "cannot_read"):
        changes.set_field(tx, hand, resident_id, name, int(getattr(marks, name)))
    for name, text in texts.items():
        changes.set_field(tx, hand, resident_id, name, text)


def set_representative(
    tx: sqlite3.Connection, household_id: int, resident_id: int, *, by: str, at_ms: int
) -> ResidentRow:
    """This person speaks for the household from now on. Raises RefusalError where they are not of it."""
    people = store.residents_of(tx, household_id)
    chosen = next((row for row in people if row.id == resident_id), None)
    if chosen is None:
        raise RefusalError(say("请在这一户的人里选一个"), status=422)
    for row in people:
        changes.set_field(tx, Hand(by, at_ms), row.id, "represents_household", int(row is chosen))
    return chosen


def add_phone(
    tx: sqlite3.Connection,
    vault: Vault,
    resident_id: int,
    written: str,
    *,
    area_code: str | None,
    by: str,
    at_ms: int,
) -> None:
    """Raises RefusalError for what is no number, and for a tenth person on one phone."""
    found, wrong = read_phones(written, area_code)
    if wrong or len(found) != 1:
        raise RefusalError(*(wrong or [say("请写一个电话号码")]), status=422)
    phone_id = phones.admit(tx, vault, found[0], at_ms)
    try:
        phones.hold(tx, phone_id, resident_id, "desk", by=by, at_ms=at_ms)
    except SlotsFullError:
        raise RefusalError(say("这个电话已经有9个人在用，加不进去了"), status=409) from None


def leave(tx: sqlite3.Connection, resident_id: int, *, by: str, at_ms: int) -> None:
    """Somebody is no longer of the village. Somebody else speaks for the household if it was them."""
    person = person_of(tx, resident_id)
    changes.leave(tx, Hand(by, at_ms), resident_id)
    ensure_representative(tx, Hand(by, at_ms), person.household_id)


def come_back(tx: sqlite3.Connection, resident_id: int, *, by: str, at_ms: int) -> None:
    """Taken back, where somebody was marked as having left by mistake."""
    person = person_of(tx, resident_id)
    changes.come_back(tx, Hand(by, at_ms), resident_id)
    ensure_representative(tx, Hand(by, at_ms), person.household_id)


def ensure_representative(tx: sqlite3.Connection, hand: Hand, household_id: int) -> None:
    """Exactly one speaks for every household: who is marked first, else its head, else whoever was born first."""
    rows = store.residents_of(tx, household_id)
    marked = [row for row in rows if row.marks.represents_household]
    for row in marked[1:]:
        changes.set_field(tx, hand, row.id, "represents_household", 0)
    if rows and not marked:
        chosen = next((row for row in rows if row.relation == "户主"), None) or min(
            rows, key=lambda row: row.born.iso() if row.born else "9999"
        )
        changes.set_field(tx, hand, chosen.id, "represents_household", 1)


def saw_numbers(tx: sqlite3.Connection, resident_id: int, *, by: str, at_ms: int) -> None:
    """That a clerk looked at a number in full stands in the history."""
    changes.note(tx, Hand(by, at_ms), "numbers_seen", resident_id=resident_id)


def exported_numbers(tx: sqlite3.Connection, *, by: str, at_ms: int) -> None:
    changes.note(tx, Hand(by, at_ms), "numbers_exported")
