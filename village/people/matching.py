"""Who in a new spreadsheet is who on the roster: pure, no database.

Never matches two people to one, and never one to two: what is not sure is a newcomer, and the one it might have been is
reported as missing, for the clerk to look at.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from village.people.roster import Roster, RosterHousehold, RosterPerson
from village.people.store import ResidentRow

_Same = Callable[[RosterPerson, ResidentRow], bool]
_PhonesOf = Callable[[RosterPerson], Iterable[bytes]]

_SAME_HEAD = 100
_SAME_NAME_OF_HEAD = 10


@dataclass(slots=True)
class Match:
    """`households[i]` is the known household's id for the i-th of the file; `people` by (household, person) index."""

    households: list[int | None]
    people: dict[tuple[int, int], ResidentRow] = field(default_factory=dict)


def match(roster: Roster, known: Sequence[ResidentRow], phones_of: Callable[[RosterPerson], Iterable[bytes]]) -> Match:
    """`known` includes those who left: they may be back. `phones_of` gives the fingerprints of somebody in the file."""
    homes: defaultdict[int, list[ResidentRow]] = defaultdict(list)
    for row in known:
        homes[row.household_id].append(row)
    found = Match(_match_households(roster, homes))
    taken: set[int] = set()

    def pair(
        at: tuple[int, int], person: RosterPerson, among: Iterable[ResidentRow], same: _Same, *, only_one: bool = False
    ) -> None:
        if at in found.people:
            return
        fitting = [row for row in among if row.id not in taken and same(person, row)]
        if fitting and not (only_one and len(fitting) > 1):
            found.people[at] = fitting[0]
            taken.add(fitting[0].id)

    def same_surname_and_phone(person: RosterPerson, row: ResidentRow) -> bool:
        return person.name[:1] == row.name[:1] and bool(
            set(phones_of(person)) & {phone.fingerprint for phone in row.phones}
        )

    everyone = [
        ((index, place), person, homes[household_id] if household_id is not None else [])
        for index, (household, household_id) in enumerate(zip(roster.households, found.households, strict=True))
        for place, person in enumerate(household.people)
    ]
    by_name: defaultdict[str, list[ResidentRow]] = defaultdict(list)
    for row in known:
        by_name[row.name].append(row)
    for at, person, home in everyone:
        pair(at, person, home, _same_exactly)
    for at, person, home in everyone:
        pair(at, person, home, _same_name)
    for at, person, _ in everyone:
        pair(at, person, by_name[person.name], _same_exactly)
    for at, person, home in everyone:
        pair(at, person, home, _same_body, only_one=True)
    for at, person, home in everyone:
        pair(at, person, home, same_surname_and_phone, only_one=True)
    return found


def _same_exactly(person: RosterPerson, row: ResidentRow) -> bool:
    """One name and one day of birth."""
    return person.name == row.name and person.born is not None and person.born.exact and person.born == row.born


def _same_name(person: RosterPerson, row: ResidentRow) -> bool:
    """One name, and nothing against it; a corrected birth date is nothing against it within one household."""
    return person.name == row.name


def _same_body(person: RosterPerson, row: ResidentRow) -> bool:
    """A corrected name: born on the same day, of the same sex, in the same household."""
    return person.born is not None and person.born.exact and (person.born, person.sex) == (row.born, row.sex)


def _match_households(roster: Roster, homes: dict[int, list[ResidentRow]]) -> list[int | None]:
    """The best pairs first, so that a household is not taken by a lesser likeness."""
    by_name: defaultdict[str, set[int]] = defaultdict(set)
    heads: dict[int, tuple[str, int]] = {}
    for household_id, rows in homes.items():
        heads[household_id] = (rows[0].household, rows[0].group_no)
        for row in rows:
            by_name[row.name].add(household_id)
        by_name[rows[0].household].add(household_id)
    scored: list[tuple[int, int, int]] = []
    for index, household in enumerate(roster.households):
        candidates = set().union(*(by_name[name] for name in {household.head, *(p.name for p in household.people)}))
        for household_id in candidates:
            score = _likeness(household, homes[household_id], heads[household_id])
            if score:
                scored.append((-score, index, household_id))
    result: list[int | None] = [None] * len(roster.households)
    taken: set[int] = set()
    for _, index, household_id in sorted(scored):
        if result[index] is None and household_id not in taken:
            result[index] = household_id
            taken.add(household_id)
    return result


def _likeness(household: RosterHousehold, rows: list[ResidentRow], head: tuple[str, int]) -> int:
    """0 where they are not the same household; a head's name and group are enough, else half of the people."""
    exact = sum(any(_same_exactly(person, row) for row in rows) for person in household.people)
    names = Counter(person.name for person in household.people) & Counter(row.name for row in rows)
    shared = names.total()
    score = 2 * exact + shared
    if (household.head, household.group_no) == head:
        return _SAME_HEAD + score
    enough = 2 * shared >= len(household.people) and (exact or shared >= 2)
    if household.head == head[0] and enough:
        return _SAME_NAME_OF_HEAD + score
    return score if enough else 0
