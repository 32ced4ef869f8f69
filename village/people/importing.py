"""A checked roster comes in: in one unit of work, whole or not at all; what is known already is updated, not doubled.

Never touches an opt-out, a registration, a voter's slot or a phone that did not come from a spreadsheet. Never lets
anybody leave the village by itself: who is missing from the file is named, and leaves only when the clerk says so.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from dataclasses import dataclass

from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import RefusalError, Wording, say
from village.people import changes_store as changes
from village.people import phones, store
from village.people.born import Born
from village.people.changes_store import Hand, SlotsFullError
from village.people.editing import ensure_representative
from village.people.matching import match
from village.people.roster import Checked, Roster, RosterHousehold, RosterPerson
from village.people.store import ResidentRow

_MARKS = (
    "represents_household",
    "representative",
    "party",
    "group_leader",
    "away",
    "lives_alone",
    "wants_calls",
    "cannot_read",
)
_TEXTS = ("relation", "sex", "away_where", "dialect")

_MOST_REASONS = 200
"""Sentences in one refusal; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Named:
    """Somebody as the result of an import names them."""

    resident_id: int
    name: str
    household: str
    group_no: int

    @property
    def wording(self) -> Wording:
        return say("{name}（{group}组 {household}家）", name=self.name, group=self.group_no, household=self.household)


@dataclass(frozen=True, slots=True)
class Imported:
    """What one import did; `missing` are those of the file's groups who are not in the file and still on the roster."""

    households: int
    people: int
    added: tuple[Named, ...]
    changed: tuple[Named, ...]
    unchanged: int
    missing: tuple[Named, ...]
    left: tuple[Named, ...]

    @property
    def wording(self) -> Wording:
        return say(
            "{households}户{people}人：新增{added}人，改动{changed}人，没变{unchanged}人",
            households=self.households,
            people=self.people,
            added=len(self.added),
            changed=len(self.changed),
            unchanged=self.unchanged,
        )


class _OnlyTryingError(Exception):
    """Carries the result out of a unit that is to be rolled back."""

    def __init__(self, result: Imported) -> None:
        super().__init__("a trial")
        self.result = result


def refuse_errors(checked: Checked) -> None:
    """Raises RefusalError with every error's sentence; a roster without errors passes."""
    errors = checked.errors
    if not errors:
        return
    reasons = [say("有{n}处错误，什么都没有导入", n=len(errors)), *(each.wording for each in errors[:_MOST_REASONS])]
    if len(errors) > _MOST_REASONS:
        reasons.append(say("……还有{n}处", n=len(errors) - _MOST_REASONS))
    raise RefusalError(*reasons, status=422)


async def try_roster(db: Database, vault: Vault, roster: Roster, *, at_ms: int) -> Imported:
    """What the import would do: done in a unit that is rolled back."""

    def unit(tx: sqlite3.Connection) -> None:
        raise _OnlyTryingError(import_roster(tx, vault, roster, by="", at_ms=at_ms))

    try:
        await db.write(unit)
    except _OnlyTryingError as tried:
        return tried.result
    raise AssertionError("a trial always ends in its own exception")


def import_roster(
    tx: sqlite3.Connection, vault: Vault, roster: Roster, *, by: str, at_ms: int, leave_missing: bool = False
) -> Imported:
    """Raises RefusalError where a phone would get a tenth voter; the caller's unit is then rolled back whole."""
    return _Import(tx, vault, Hand(by, at_ms)).run(roster, leave_missing=leave_missing)


class _Import:
    def __init__(self, tx: sqlite3.Connection, vault: Vault, hand: Hand) -> None:
        self._tx = tx
        self._vault = vault
        self._hand = hand
        self._from_files: defaultdict[int, set[int]] = defaultdict(set)
        self._held: defaultdict[int, list[int]] = defaultdict(list)
        for link in store.links(tx):
            self._held[link.resident_id].append(link.phone_id)
            if link.source == "import":
                self._from_files[link.resident_id].add(link.phone_id)

    def run(self, roster: Roster, *, leave_missing: bool) -> Imported:
        known = store.everybody(self._tx, with_those_who_left=True)
        found = match(roster, known, self._fingerprints)
        added: list[int] = []
        changed: list[int] = []
        seen: set[int] = set()
        waiting: list[tuple[int, RosterPerson]] = []
        for index, household in enumerate(roster.households):
            household_id = self._household(found.households[index], household)
            for place, person in enumerate(household.people):
                row = found.people.get((index, place))
                resident_id, is_changed = self._person(row, person, household_id, place)
                (added if row is None else changed if is_changed else []).append(resident_id)
                seen.add(resident_id)
                waiting.append((resident_id, person))
            ensure_representative(self._tx, self._hand, household_id)
        changed += self._phones(waiting, set(added) | set(changed))
        missing = [row for row in known if self._is_missing(row, seen, roster)]
        if leave_missing:
            for row in missing:
                changes.leave(self._tx, self._hand, row.id)
                ensure_representative(self._tx, self._hand, row.household_id)
        names = {row.id: row for row in store.everybody(self._tx)}
        gone = tuple(_named(row) for row in missing)
        return Imported(
            households=len(roster.households),
            people=len(waiting),
            added=tuple(_named(names[resident_id]) for resident_id in added),
            changed=tuple(_named(names[resident_id]) for resident_id in sorted(changed)),
            unchanged=len(waiting) - len(added) - len(changed),
            missing=() if leave_missing else gone,
            left=gone if leave_missing else (),
        )

    def _fingerprints(self, person: RosterPerson) -> list[bytes]:
        return [self._vault.fingerprint(phone.e164) for phone in person.phones or ()]

    def _is_missing(self, row: ResidentRow, seen: set[int], roster: Roster) -> bool:
        """A file of group 3 says nothing about group 4."""
        return row.id not in seen and row.left_ms is None and row.group_no in roster.groups

    def _household(self, known: int | None, household: RosterHousehold) -> int:
        if known is None:
            return changes.add_household(self._tx, self._hand, head=household.head, group_no=household.group_no)
        changes.change_household(self._tx, self._hand, known, head=household.head, group_no=household.group_no)
        return known

    def _person(self, row: ResidentRow | None, person: RosterPerson, household_id: int, place: int) -> tuple[int, bool]:
        """The resident's id, and whether anything but their place in the household changed."""
        if row is None:
            resident_id = changes.add_resident(
                self._tx, self._hand, household_id=household_id, position=place, name=person.name
            )
            self._write(resident_id, person, None)
            return resident_id, True
        is_changed = [
            row.left_ms is not None and changes.come_back(self._tx, self._hand, row.id),
            changes.set_field(self._tx, self._hand, row.id, "household_id", household_id),
            changes.set_field(self._tx, self._hand, row.id, "name", person.name),
            self._write(row.id, person, row.born),
        ]
        changes.set_field(self._tx, self._hand, row.id, "position", place)
        return row.id, any(is_changed)

    def _write(self, resident_id: int, person: RosterPerson, known_born: Born | None) -> bool:
        """Everything the file has a column for; a birth date known better than the file's stays."""
        values: dict[str, str | int | None] = {name: getattr(person, name) for name in _TEXTS}
        values |= {name: None if (mark := getattr(person, name)) is None else int(mark) for name in _MARKS}
        if person.born is not None and not _knows_better(known_born, person.born):
            values["born"] = person.born.iso()
        is_changed = False
        for name, value in values.items():
            if value is not None:
                is_changed |= changes.set_field(self._tx, self._hand, resident_id, name, value)
        return is_changed

    def _phones(self, people: list[tuple[int, RosterPerson]], counted: set[int]) -> list[int]:
        """First every phone that a corrected file dropped goes, then the new ones come; returns whom that changed."""
        is_changed: dict[int, None] = {}
        wanted: dict[int, list[int]] = {}
        for resident_id, person in people:
            if person.phones is None:
                continue
            wanted[resident_id] = [
                phones.admit(self._tx, self._vault, each, self._hand.at_ms) for each in person.phones
            ]
            for phone_id in self._from_files[resident_id] - set(wanted[resident_id]):
                changes.let_go(self._tx, self._hand, phone_id=phone_id, resident_id=resident_id)
                is_changed[resident_id] = None
        names = dict(people)
        for resident_id, phone_ids in wanted.items():
            for phone_id in phone_ids:
                if phone_id not in self._held[resident_id]:
                    self._hold(phone_id, resident_id, names[resident_id])
                    is_changed[resident_id] = None
            changes.put_in_order(self._tx, resident_id, phone_ids)
        return [resident_id for resident_id in is_changed if resident_id not in counted]

    def _hold(self, phone_id: int, resident_id: int, person: RosterPerson) -> None:
        try:
            changes.hold(self._tx, self._hand, phone_id=phone_id, resident_id=resident_id, source="import")
        except SlotsFullError:
            raise RefusalError(
                say("第{row}行：{name} 的电话已经有9个人在用，什么都没有导入", row=person.where.row, name=person.name),
                status=409,
            ) from None


def _knows_better(known: Born | None, told: Born) -> bool:
    return known is not None and known.parts > told.parts and known.agrees_with(told)


def _named(row: ResidentRow) -> Named:
    return Named(row.id, row.name, row.household, row.group_no)
