"""Rows → households, by whichever of the village's ways the file tells them apart.

Three ways are known: a column with the head's name (repeated, merged or written once), a column with a household
number, or rows that follow a 户主. Never judges a person; only where they belong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from village.ground.wording import say
from village.people.draft import Draft
from village.people.headers import Field
from village.people.layout import Row

Key = tuple[str, int | None, str]


@dataclass(slots=True)
class Home:
    """A household while its rows come in; `key` is what the file tells it apart by, if anything."""

    key: Key | None
    head: str
    group: int | None
    people: list[Draft] = field(default_factory=list)
    alone: bool = False

    @property
    def heads(self) -> list[Draft]:
        return [draft for draft in self.people if draft.is_head]


class Grouping:
    """Feed it every row in order, sheet by sheet; `homes` are the households so far."""

    def __init__(self) -> None:
        self.homes: list[Home] = []
        self._by_key: dict[Key, Home] = {}
        self._start_sheet(frozenset(), None, carries=False)

    def start_sheet(self, fields: frozenset[Field], rows: list[Row], group: int | None) -> None:
        """`group`: the one that the sheet's name or title gives."""
        self._start_sheet(fields, group, carries=Field.GROUP in fields and _is_written_once(rows))

    def _start_sheet(self, fields: frozenset[Field], group: int | None, *, carries: bool) -> None:
        self._fields = fields
        self._group = group
        self._carries_group = carries
        self._last: Draft | None = None
        self._home: Home | None = None

    @property
    def everyone_alone(self) -> bool:
        """Nothing on this sheet says who lives with whom, so everybody counts as a household."""
        return not self._fields & {Field.RELATION, Field.HEAD, Field.HOUSEHOLD_NO}

    def add(self, draft: Draft) -> None:
        """Put a row into its household. A row that belongs nowhere says so in its troubles."""
        self._carry_household(draft)
        self._carry_group(draft)
        self._home = self._place(draft)
        self._last = draft
        if self._carries_group and draft.group is not None:
            self._group = draft.group

    def _carry_household(self, draft: Draft) -> None:
        """A blank cell under a household's first row means the same household."""
        last = self._last
        if draft.relation == "户主":
            draft.head = draft.head or draft.name
            return
        if last is None or not self._fields & {Field.HEAD, Field.HOUSEHOLD_NO}:
            return
        if not draft.head and not draft.household_no:
            draft.head, draft.household_no = last.head, last.household_no
        elif not draft.head and draft.household_no == last.household_no:
            draft.head = last.head
        elif not draft.household_no and draft.head == last.head:
            draft.household_no = last.household_no

    def _carry_group(self, draft: Draft) -> None:
        if draft.group is not None:
            return
        draft.group = self._group
        begins = draft.is_head or self.everyone_alone
        if draft.group is None and self._home is not None and not begins and _same_home(draft, self._last):
            draft.group = self._home.group

    def _key(self, draft: Draft) -> Key | None:
        if Field.HOUSEHOLD_NO in self._fields and draft.household_no:
            return ("no", draft.group, draft.household_no)
        if Field.HEAD in self._fields and draft.head:
            return ("head", draft.group, draft.head)
        return None

    def _place(self, draft: Draft) -> Home | None:
        key = self._key(draft)
        if key is None:
            return self._place_by_order(draft)
        home = self._by_key.get(key)
        if home is None:
            if self._home is not None and not draft.is_head and _only_group_differs(self._home.key, key):
                return _join(self._home, draft)
            return self._open(key, draft)
        if home.heads and draft.is_head and draft.name_is_heads:
            draft.wrong(say("没有写姓名"))
            return home
        if home.heads and draft.is_head and key[0] == "head" and _are_two(home.heads[0], draft):
            return self._open(key, draft)
        return _join(home, draft)

    def _place_by_order(self, draft: Draft) -> Home | None:
        """Nothing but the order of the rows tells the households apart."""
        if draft.is_head or self.everyone_alone:
            return self._open(None, draft)
        if self._home is None:
            draft.wrong(say("{name} 上面没有户主，不知道是哪一户的人", name=draft.name))
            return None
        return _join(self._home, draft)

    def _open(self, key: Key | None, draft: Draft) -> Home:
        if draft.group is None and not draft.group_unread:
            draft.wrong(say("{name} 没有写是哪一组", name=draft.name or draft.head))
        head = draft.name if self.everyone_alone else draft.head
        home = Home(key, head, draft.group, [draft], alone=self.everyone_alone)
        self.homes.append(home)
        if key is not None:
            self._by_key[key] = home
        return home


def _join(home: Home, draft: Draft) -> Home:
    if draft.group is not None and home.group is not None and draft.group != home.group:
        draft.wrong(say("和同一户的人组别不一样：这里是{here}组，上面是{there}组", here=draft.group, there=home.group))
    home.people.append(draft)
    return home


def _same_home(draft: Draft, last: Draft | None) -> bool:
    return last is not None and (draft.head, draft.household_no) == (last.head, last.household_no)


def _only_group_differs(here: Key | None, there: Key) -> bool:
    return here is not None and (here[0], here[2]) == (there[0], there[2]) and here[1] != there[1]


def _are_two(one: Draft, other: Draft) -> bool:
    """Two heads of one name in one group are two people where their birth dates say so."""
    return one.born is not None and other.born is not None and not one.born.agrees_with(other.born)


def _is_written_once(rows: list[Row]) -> bool:
    """Whether the group column is filled at the first household of a group and left blank below."""
    firsts = [row for row in rows if _begins_household(row)]
    counted = firsts or rows
    written = [row for row in counted if row.get(Field.GROUP) is not None]
    return 0 < len(written) < len(counted) / 2


def _begins_household(row: Row) -> bool:
    if row.get(Field.RELATION) is not None:
        return str(row.get(Field.RELATION)).strip() in {"户主", "本人"}
    return row.get(Field.HEAD) is not None and Field.HEAD not in row.filled
