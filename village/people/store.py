"""Who is in the village: reading the roster, its households, its phones and who holds them.

Never changes anything (`village.people.changes_store` does) and never opens a sealed number. Those who
left are in no answer unless it says so.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from village.people.audience import Audience, AudienceKind
from village.people.born import Born

PhoneKind = Literal["mobile", "landline"]
Opted = Literal["all", "alerts", "none"]
Channel = Literal["sms", "call", "both"]
Source = Literal["import", "desk", "code"]


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """`channel` and `dialect` are the ones in force: the phone's own choice, else what the roster says."""

    id: int
    sealed: bytes
    fingerprint: bytes
    masked: str
    kind: PhoneKind
    opted: Opted
    channel: Channel
    slow: bool
    dialect: str | None
    refuses_calls: bool = False
    """Its owner chose SMS and nothing else (084, or at the desk): more than an SMS by default."""
    home_only: bool = False
    """Its owner will not have this number leave the country: no line that does is used for it."""


@dataclass(frozen=True, slots=True)
class Marks:
    represents_household: bool = False
    representative: bool = False
    party: bool = False
    group_leader: bool = False
    away: bool = False
    away_where: str = ""
    lives_alone: bool = False
    wants_calls: bool = False
    cannot_read: bool = False


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody an audience names, with the phones that reach them; `household` is the head's name."""

    resident_id: int
    household_id: int
    household: str
    group_no: int
    name: str
    born: Born | None
    away: bool
    lives_alone: bool
    represents_household: bool
    phones: tuple[PhoneRow, ...]


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody behind a phone, with the voter's slot printed on the key card."""

    resident_id: int
    slot: int
    name: str
    household_id: int
    household: str
    group_no: int
    born: Born | None
    represents_household: bool
    representative: bool
    party: bool
    away: bool


@dataclass(frozen=True, slots=True)
class ResidentRow:
    id: int
    household_id: int
    household: str
    group_no: int
    position: int
    name: str
    relation: str
    sex: str | None
    born: Born | None
    marks: Marks
    dialect: str
    registered_ms: int | None
    left_ms: int | None
    phones: tuple[PhoneRow, ...]


@dataclass(frozen=True, slots=True)
class HouseholdRow:
    id: int
    head: str
    group_no: int
    residents: int
    reachable: bool


@dataclass(frozen=True, slots=True)
class GroupRow:
    no: int
    households: int
    residents: int
    without_phone: int


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """One line of the roster's history."""

    at_ms: int
    changed_by: str
    name: str
    what: str
    before: str
    after: str


_PHONE = """
    SELECT p.id, p.sealed, p.fingerprint, p.masked, p.kind, p.opted, p.slow, p.home_only,
        coalesce(p.channel, CASE
            WHEN p.kind = 'landline' THEN 'call'
            WHEN min(r.wants_calls OR r.cannot_read) = 1 THEN 'call'
            WHEN max(r.wants_calls OR r.cannot_read) = 1 THEN 'both'
            ELSE 'sms' END) AS channel,
        coalesce(p.dialect, max(nullif(r.dialect, ''))) AS dialect, p.channel IS 'sms' AS refuses_calls
    FROM phone p
    LEFT JOIN phone_holder h ON h.phone_id = p.id
    LEFT JOIN resident r ON r.id = h.resident_id AND r.left_ms IS NULL
"""

_RESIDENT = """
    SELECT r.*, h.head, h.group_no FROM resident r JOIN household h ON h.id = r.household_id
"""

_IN_ORDER = " ORDER BY h.group_no, h.id, r.position, r.id"

_NAMES = {
    AudienceKind.EVERYONE: "1",
    AudienceKind.GROUPS: "h.group_no IN (SELECT value FROM json_each(:ids))",
    AudienceKind.HOUSEHOLDS: "h.id IN (SELECT value FROM json_each(:ids))",
    AudienceKind.RESIDENTS: "r.id IN (SELECT value FROM json_each(:ids))",
    AudienceKind.HOUSEHOLD_REPS: "r.represents_household",
    AudienceKind.REPRESENTATIVES: "r.representative",
    AudienceKind.PARTY: "r.party",
    AudienceKind.AWAY: "r.away",
}


def _born(text: str | None) -> Born | None:
    return None if text is None else Born.from_iso(text)


def _phone(row: sqlite3.Row) -> PhoneRow:
    return PhoneRow(
        id=row["id"],
        sealed=row["sealed"],
        fingerprint=row["fingerprint"],
        masked=row["masked"],
        kind=cast(PhoneKind, row["kind"]),
        opted=cast(Opted, row["opted"]),
        channel=cast(Channel, row["channel"]),
        slow=bool(row["slow"]),
        dialect=row["dialect"],
        refuses_calls=bool(row["refuses_calls"]),
        home_only=bool(row["home_only"]),
    )


def _marks(row: sqlite3.Row) -> Marks:
    return Marks(
        represents_household=bool(row["represents_household"]),
        representative=bool(row["representative"]),
        party=bool(row["party"]),
        group_leader=bool(row["group_leader"]),
        away=bool(row["away"]),
        away_where=row["away_where"],
        lives_alone=bool(row["lives_alone"]),
        wants_calls=bool(row["wants_calls"]),
        cannot_read=bool(row["cannot_read"]),
    )


def _ids(numbers: Iterable[int]) -> str:
    return "[" + ",".join(str(int(number)) for number in sorted(numbers)) + "]"


def select(tx: sqlite3.Connection, audience: Audience) -> list[Addressee]:
    """Everybody the audience names, in the order of the roster; children and people without a phone too.

    One phone may stand under several people: whoever sends, sends once for each `PhoneRow.id`.
    """
    rows = tx.execute(
        f"{_RESIDENT} WHERE r.left_ms IS NULL AND {_NAMES[audience.kind]}{_IN_ORDER}", {"ids": _ids(audience.ids)}
    ).fetchall()
    phones = _phones_of(tx, [row["id"] for row in rows])
    return [
        Addressee(
            resident_id=row["id"],
            household_id=row["household_id"],
            household=row["head"],
            group_no=row["group_no"],
            name=row["name"],
            born=_born(row["born"]),
            away=bool(row["away"]),
            lives_alone=bool(row["lives_alone"]),
            represents_household=bool(row["represents_household"]),
            phones=phones[row["id"]],
        )
        for row in rows
    ]


def phone_by_fingerprint(tx: sqlite3.Connection, fingerprint: bytes) -> PhoneRow | None:
    row = tx.execute(f"{_PHONE} WHERE p.fingerprint = :key GROUP BY p.id", {"key": fingerprint}).fetchone()
    return None if row is None else _phone(row)


def phone_by_id(tx: sqlite3.Connection, phone_id: int) -> PhoneRow | None:
    row = tx.execute(f"{_PHONE} WHERE p.id = :key GROUP BY p.id", {"key": phone_id}).fetchone()
    return None if row is None else _phone(row)


def holders(tx: sqlite3.Connection, phone_id: int) -> list[Holder]:
    """Everybody who uses this phone, in the order of their slots."""
    rows = tx.execute(
        "SELECT r.*, h.head, h.group_no, ph.slot FROM phone_holder ph"
        " JOIN resident r ON r.id = ph.resident_id JOIN household h ON h.id = r.household_id"
        " WHERE ph.phone_id = :phone AND r.left_ms IS NULL ORDER BY ph.slot",
        {"phone": phone_id},
    )
    return [
        Holder(
            resident_id=row["id"],
            slot=row["slot"],
            name=row["name"],
            household_id=row["household_id"],
            household=row["head"],
            group_no=row["group_no"],
            born=_born(row["born"]),
            represents_household=bool(row["represents_household"]),
            representative=bool(row["representative"]),
            party=bool(row["party"]),
            away=bool(row["away"]),
        )
        for row in rows
    ]


def _phones_of(tx: sqlite3.Connection, residents: Sequence[int]) -> dict[int, tuple[PhoneRow, ...]]:
    links = tx.execute(
        "SELECT resident_id, phone_id FROM phone_holder WHERE resident_id IN (SELECT value FROM json_each(:ids))"
        " ORDER BY resident_id, place, phone_id",
        {"ids": _ids(residents)},
    ).fetchall()
    wanted = {link["phone_id"] for link in links}
    known = {
        row["id"]: _phone(row)
        for row in tx.execute(
            f"{_PHONE} WHERE p.id IN (SELECT value FROM json_each(:ids)) GROUP BY p.id", {"ids": _ids(wanted)}
        )
    }
    found: defaultdict[int, tuple[PhoneRow, ...]] = defaultdict(tuple)
    for link in links:
        found[link["resident_id"]] += (known[link["phone_id"]],)
    return found


def _residents(tx: sqlite3.Connection, where: str, values: dict[str, object]) -> list[ResidentRow]:
    rows = tx.execute(f"{_RESIDENT} WHERE {where}{_IN_ORDER}", values).fetchall()
    phones = _phones_of(tx, [row["id"] for row in rows])
    return [
        ResidentRow(
            id=row["id"],
            household_id=row["household_id"],
            household=row["head"],
            group_no=row["group_no"],
            position=row["position"],
            name=row["name"],
            relation=row["relation"],
            sex=row["sex"],
            born=_born(row["born"]),
            marks=_marks(row),
            dialect=row["dialect"],
            registered_ms=row["registered_ms"],
            left_ms=row["left_ms"],
            phones=phones[row["id"]],
        )
        for row in rows
    ]


def resident(tx: sqlite3.Connection, resident_id: int) -> ResidentRow | None:
    """Also somebody who left (`left_ms`)."""
    return next(iter(_residents(tx, "r.id = :id", {"id": resident_id})), None)


def residents_of(tx: sqlite3.Connection, household_id: int) -> list[ResidentRow]:
    return _residents(tx, "r.household_id = :id AND r.left_ms IS NULL", {"id": household_id})


def everybody(tx: sqlite3.Connection, *, with_those_who_left: bool = False) -> list[ResidentRow]:
    return _residents(tx, "1" if with_those_who_left else "r.left_ms IS NULL", {})


def of_group(tx: sqlite3.Connection, group_no: int) -> list[ResidentRow]:
    return _residents(tx, "r.left_ms IS NULL AND h.group_no = :no", {"no": group_no})


def named(tx: sqlite3.Connection, name: str) -> list[ResidentRow]:
    """Everybody of exactly this name."""
    return _residents(tx, "r.left_ms IS NULL AND r.name = :name", {"name": name})


def search(tx: sqlite3.Connection, words: str) -> list[ResidentRow]:
    """Everybody whose name, or whose head of household's name, contains the words."""
    pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return _residents(
        tx, "r.left_ms IS NULL AND (r.name LIKE :like ESCAPE '\\' OR h.head LIKE :like ESCAPE '\\')", {"like": pattern}
    )


_HOUSEHOLD = """
    SELECT h.id, h.head, h.group_no, count(DISTINCT r.id) AS residents, max(ph.phone_id) IS NOT NULL AS reachable
    FROM household h
    JOIN resident r ON r.household_id = h.id AND r.left_ms IS NULL
    LEFT JOIN phone_holder ph ON ph.resident_id = r.id
"""


def _household(row: sqlite3.Row) -> HouseholdRow:
    return HouseholdRow(row["id"], row["head"], row["group_no"], row["residents"], bool(row["reachable"]))


def household(tx: sqlite3.Connection, household_id: int) -> HouseholdRow | None:
    """None also where everybody of that household has left."""
    row = tx.execute(f"{_HOUSEHOLD} WHERE h.id = :id GROUP BY h.id", {"id": household_id}).fetchone()
    return None if row is None else _household(row)


def households(tx: sqlite3.Connection, group_no: int | None = None) -> list[HouseholdRow]:
    """Households somebody still lives in or belongs to; `reachable` = at least one phone."""
    rows = tx.execute(
        f"{_HOUSEHOLD} WHERE :no IS NULL OR h.group_no = :no GROUP BY h.id ORDER BY h.group_no, h.id", {"no": group_no}
    )
    return [_household(row) for row in rows]


def groups(tx: sqlite3.Connection) -> list[GroupRow]:
    rows = tx.execute(
        f"SELECT group_no, count(*) AS households, sum(residents) AS residents, sum(NOT reachable) AS without_phone"
        f" FROM ({_HOUSEHOLD} GROUP BY h.id) GROUP BY group_no ORDER BY group_no"
    )
    return [GroupRow(row["group_no"], row["households"], row["residents"], row["without_phone"]) for row in rows]


@dataclass(frozen=True, slots=True)
class Link:
    """That a person holds a phone, and where the village knows it from."""

    phone_id: int
    resident_id: int
    slot: int
    place: int
    source: Source


def links(tx: sqlite3.Connection) -> list[Link]:
    """Every phone in every hand, those who left included."""
    rows = tx.execute("SELECT * FROM phone_holder ORDER BY resident_id, place, phone_id")
    return [
        Link(row["phone_id"], row["resident_id"], row["slot"], row["place"], cast(Source, row["source"]))
        for row in rows
    ]


def history(
    tx: sqlite3.Connection, *, resident_id: int | None = None, household_id: int | None = None, limit: int = 100
) -> list[ChangeRow]:
    """Newest first; of one person, one household or all."""
    rows = tx.execute(
        "SELECT c.*, coalesce(r.name, h.head, '') AS name FROM roster_change c"
        " LEFT JOIN resident r ON r.id = c.resident_id LEFT JOIN household h ON h.id = c.household_id"
        " WHERE (:resident IS NULL OR c.resident_id = :resident)"
        " AND (:household IS NULL OR c.household_id = :household OR r.household_id = :household)"
        " ORDER BY c.id DESC LIMIT :limit",
        {"resident": resident_id, "household": household_id, "limit": limit},
    )
    return [
        ChangeRow(row["at_ms"], row["changed_by"], row["name"], row["what"], row["before"], row["after"])
        for row in rows
    ]


def is_empty(tx: sqlite3.Connection) -> bool:
    """Whether no roster has come in yet."""
    return tx.execute("SELECT 1 FROM resident LIMIT 1").fetchone() is None
