"""Who leads each group, and whether an SMS reaches him. Looks at the roster; never writes to anybody."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from village.ground.wording import Wording, say
from village.people.store import PhoneRow, ResidentRow, holders, resident


class NoLeader(StrEnum):
    """Why nobody in a group can be sent its part."""

    NOBODY = "nobody"
    NO_MOBILE = "no_mobile"
    OPTED_OUT = "opted_out"
    CALLS_ONLY = "calls_only"

    def in_words(self) -> Wording:
        return _WHY_NOT[self]


_WHY_NOT = {
    NoLeader.NOBODY: say("花名册上没有组长"),
    NoLeader.NO_MOBILE: say("组长没有登记手机"),
    NoLeader.OPTED_OUT: say("组长退订了短信"),
    NoLeader.CALLS_ONLY: say("组长只听电话，不看短信"),
}


@dataclass(frozen=True, slots=True)
class Leader:
    resident_id: int
    name: str
    phone: PhoneRow


def leaders_by_group(people: Iterable[ResidentRow]) -> dict[int, Leader | NoLeader]:
    """The first leader of each group whom an SMS reaches, else what is against it; groups without one are left out.

    A phone in his hand alone comes before one he shares with his family.
    """
    return {
        group_no: next((one for one in leaders if isinstance(one, Leader)), leaders[0])
        for group_no, leaders in every_leader(people).items()
    }


def every_leader(people: Iterable[ResidentRow]) -> dict[int, list[Leader | NoLeader]]:
    """By group, in the roster's order."""
    people = list(people)
    hands = Counter(phone.id for person in people for phone in person.phones)
    found: dict[int, list[Leader | NoLeader]] = {}
    for person in people:
        if person.marks.group_leader:
            phone = _phone_of(person, hands)
            usable = Leader(person.id, person.name, phone) if isinstance(phone, PhoneRow) else phone
            found.setdefault(person.group_no, []).append(usable)
    return found


def _phone_of(person: ResidentRow, hands: Counter[int]) -> PhoneRow | NoLeader:
    mobiles = [phone for phone in person.phones if phone.kind == "mobile"]
    if not mobiles:
        return NoLeader.NO_MOBILE
    willing = [phone for phone in mobiles if phone.opted == "all"]
    if not willing:
        return NoLeader.OPTED_OUT
    reading = [phone for phone in willing if phone.channel != "call" and not person.marks.cannot_read]
    if not reading:
        return NoLeader.CALLS_ONLY
    return min(reading, key=lambda phone: hands[phone.id] > 1)


def groups_led(tx: sqlite3.Connection, phone_id: int) -> dict[int, str]:
    """The groups that somebody behind this phone leads, with the name each tick is written under."""
    led: dict[int, str] = {}
    for holder in holders(tx, phone_id):
        person = resident(tx, holder.resident_id)
        if person is not None and person.marks.group_leader:
            led.setdefault(person.group_no, person.name)
    return led
