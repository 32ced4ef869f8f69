"""A checked spreadsheet that waits for the clerk's yes: what was read, sealed, for a day.

Never holds the file itself: ID-card numbers were dropped when it was read.
"""

from __future__ import annotations

import json
import sqlite3
from typing import cast

from gateway.phone import Phone, PhoneKind
from village.ground.privacy import Vault
from village.ground.wording import RefusalError, Wording, say
from village.people import pending_store
from village.people.born import Born
from village.people.roster import Checked, Level, Roster, RosterHousehold, RosterPerson, Trouble, Where

_LASTS_MS = 24 * 3_600_000

_PLAIN = (
    "name",
    "relation",
    "sex",
    "represents_household",
    "representative",
    "party",
    "group_leader",
    "away",
    "away_where",
    "lives_alone",
    "wants_calls",
    "cannot_read",
    "dialect",
)

Json = dict[str, object]


def keep(tx: sqlite3.Connection, vault: Vault, checked: Checked, *, by: str, at_ms: int) -> int:
    """The id under which the clerk confirms it; what nobody confirmed in a day is thrown away."""
    pending_store.drop_older(tx, at_ms - _LASTS_MS)
    return pending_store.add(tx, vault.seal(to_json(checked)), by=by, at_ms=at_ms)


def kept(tx: sqlite3.Connection, vault: Vault, pending_id: int, *, at_ms: int) -> Checked:
    """Raises RefusalError where it was imported already, or waited too long."""
    sealed = pending_store.find(tx, pending_id, since_ms=at_ms - _LASTS_MS)
    if sealed is None:
        raise RefusalError(say("这次检查已经用过，或者放得太久了。什么都没有丢，请把表格再传一次"), status=404)
    return from_json(vault.open(sealed))


def done(tx: sqlite3.Connection, pending_id: int) -> None:
    pending_store.drop(tx, pending_id)


def to_json(checked: Checked) -> str:
    return json.dumps(
        {
            "file": checked.file,
            "unused": checked.unused_columns,
            "homes": [
                {"head": home.head, "group": home.group_no, "people": [_person(each) for each in home.people]}
                for home in checked.roster.households
            ],
            "troubles": [
                [str(each.level), each.where.sheet, each.where.row, _words(each.what)] for each in checked.troubles
            ],
        },
        ensure_ascii=False,
    )


def from_json(text: str) -> Checked:
    read = json.loads(text)
    homes = tuple(
        RosterHousehold(home["head"], home["group"], tuple(_read_person(each) for each in home["people"]))
        for home in read["homes"]
    )
    troubles = tuple(
        Trouble(Level(level), Where(sheet, row), _read_words(what)) for level, sheet, row, what in read["troubles"]
    )
    return Checked(Roster(homes), troubles, tuple(read["unused"]), read["file"])


def _person(person: RosterPerson) -> Json:
    shown: Json = {name: getattr(person, name) for name in _PLAIN}
    shown["born"] = None if person.born is None else person.born.iso()
    shown["phones"] = None if person.phones is None else [[phone.e164, str(phone.kind)] for phone in person.phones]
    shown["where"] = [person.where.sheet, person.where.row]
    return shown


def _read_person(read: Json) -> RosterPerson:
    phones = cast("list[list[str]] | None", read["phones"])
    sheet, row = cast("list[object]", read["where"])
    return RosterPerson(
        **{name: read[name] for name in _PLAIN},  # type: ignore[arg-type]  # as `_person` wrote them
        born=None if read["born"] is None else Born.from_iso(str(read["born"])),
        phones=None if phones is None else tuple(Phone(e164, PhoneKind(kind)) for e164, kind in phones),
        where=Where(cast("str | None", sheet), cast("int | None", row)),
    )


def _words(wording: Wording) -> list[object]:
    """A sentence and its values; a value that is a sentence itself becomes a list, which no other value is."""
    return [
        wording.msgid,
        {name: _words(value) if isinstance(value, Wording) else value for name, value in wording.values},
    ]


def _read_words(read: list[object]) -> Wording:
    msgid, values = cast("tuple[str, dict[str, object]]", read)
    return Wording(
        msgid,
        tuple((name, _read_words(value) if isinstance(value, list) else value) for name, value in values.items()),
    )
