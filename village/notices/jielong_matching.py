"""Whose the names in a pasted list are, among those a notice was sent to, and which a person has to look at. Pure.

Never guesses between namesakes, never counts a line that says something else (没收到) or stands under 还没接龙的, and
never drops a line: what is nobody's name is given back as it was written. How a line is read: `jielong.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from village.notices.jielong import Entry
from village.notices.jielong_names import WORD, plain

_OTHERWISE = re.compile(
    r"没|未|不|别|无法|请假|[?]|吗|怎么|为什么|啥|拒|反对|取消|退出|还差|还缺|还欠|问|才能|请(?:接龙|回|看|确认|尽快)|回一下"
)
"""Where one of these stands beside the name, a person reads the line before it counts."""


class State(StrEnum):
    MATCHED = "matched"
    CHOOSE = "choose"
    """Namesakes, or a group in which there is nobody of that name."""
    ALREADY = "already"
    REPEATED = "repeated"
    """Stands further up as well."""
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Person:
    """A name that stands for a household (or person) of the notice; `head`: of the household."""

    name: str
    unit_id: int
    group_no: int
    head: str


@dataclass(frozen=True, slots=True)
class Outsider:
    """Somebody on the roster whom the notice was not sent to, and who may have answered all the same."""

    name: str
    group_no: int


class Doubt(StrEnum):
    """Why a name does not count before a person has looked."""

    OTHERWISE = "otherwise"
    """Something else stands beside it."""
    NOT_YET = "not_yet"
    """It stands under 还没接龙的."""
    CALLED = "called"
    """Somebody else called upon him."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one name in the list comes to. `options`: one for each household (or person) it may mean."""

    entry: Entry
    name: str
    state: State
    options: tuple[Person, ...] = ()
    doubt: Doubt | None = None
    """A person looks before it counts."""
    outside: bool = False
    """Somebody of that name lives in the village whom the notice was not sent to."""
    fits: tuple[str, ...] = ()
    """Every name that may be read out of what was written."""

    @property
    def doubtful(self) -> bool:
        return self.doubt is not None

    @property
    def names_differ(self) -> bool:
        """张成全收到, where both 张成 and 张成全 live."""
        return any(form != self.name for form in self.fits)


def match(
    entries: Sequence[Entry],
    people: Iterable[Person],
    *,
    already: Collection[int],
    households: bool,
    outsiders: Iterable[Outsider] = (),
) -> list[Row]:
    """A row for every name that is somebody's, and for every line in which none is, in the order of the lines.

    `already`: the units that need not be counted again. Where persons were addressed (`households` False), 张三家 names
    nobody. A name that is an outsider's as well is chosen by the clerk.
    """
    reader = _Reader(already, households=households)
    for person in people:
        reader.by_name.setdefault(plain(person.name), {}).setdefault(person.unit_id, person)
    for one in outsiders:
        reader.outside.setdefault(plain(one.name), set()).add(one.group_no)
    rows: list[Row] = []
    for entry in entries:
        reader.read(entry, rows)
    return rows


class _Reader:
    """One list from its top: whether those below have answered depends on the heading over them."""

    def __init__(self, already: Collection[int], *, households: bool) -> None:
        self.by_name: dict[str, dict[int, Person]] = {}
        self.outside: dict[str, set[int]] = {}
        self._already = already
        self._households = households
        self._seen: set[int] = set()
        self._not_yet = False
        self._line = ("", "")

    def read(self, entry: Entry, rows: list[Row]) -> None:
        """Adds to `rows` what the line comes to."""
        if entry.already or (entry.not_yet_at is not None and not self._named_before(entry, entry.not_yet_at)):
            self._not_yet = not entry.already
        read = [self._row(entry, forms) for forms in entry.names]
        found = [row for row in read if row is not None]
        if not found and not entry.own and not entry.heading and _OTHERWISE.search(entry.shown):
            self._doubt_the_last(rows)
        rows += found or ([] if entry.heading else [Row(entry, "", State.NOT_FOUND)])

    def _doubt_the_last(self, rows: list[Row]) -> None:
        """王德福, and below it without a number 不来: the words may be his."""
        if rows and rows[-1].state is State.MATCHED and rows[-1].doubt is None:
            rows[-1] = replace(rows[-1], doubt=Doubt.OTHERWISE)
            self._seen.discard(rows[-1].options[0].unit_id)

    def _words_beside(self, whole: str) -> str:
        """A line without the names in it; asked for once a name, and read once."""
        if whole != self._line[0]:
            self._line = (whole, WORD.sub(lambda word: "" if word[0] in self.by_name else word[0], whole))
        return self._line[1]

    def _named_before(self, entry: Entry, at: int) -> bool:
        """王德福 没收到 is his own line, and no heading."""
        fitting = [form for forms in entry.names for form in forms if form in self.by_name or form in self.outside]
        return any(0 <= entry.shown.find(form) <= at for form in fitting)

    def _row(self, entry: Entry, forms: Sequence[str]) -> Row | None:
        names = [form for form in forms if form in self.by_name and (self._households or form not in entry.house)]
        if not names:
            return None
        name = names[0]
        fitting = {one.unit_id: one for form in reversed(names) for one in self.by_name[form].values()}
        everywhere = tuple(sorted(fitting.values(), key=lambda one: one.unit_id))
        here = tuple(one for one in everywhere if entry.group_no in (None, one.group_no))
        outside = any(entry.group_no in (None, group_no) for form in forms for group_no in self.outside.get(form, ()))
        doubt = self._doubt(entry, name)
        if len(here) != 1 or outside:
            return Row(entry, name, State.CHOOSE, here or everywhere, doubt, outside, tuple(names))
        unit_id = here[0].unit_id
        if unit_id in self._already:
            return Row(entry, name, State.ALREADY, here, doubt)
        if unit_id in self._seen and doubt is not Doubt.NOT_YET:
            return Row(entry, name, State.REPEATED, here, doubt)
        if doubt is None:
            self._seen.add(unit_id)
        return Row(entry, name, State.MATCHED, here, doubt)

    def _doubt(self, entry: Entry, name: str) -> Doubt | None:
        if self._not_yet:
            return Doubt.NOT_YET
        if name in entry.called:
            return Doubt.CALLED
        said = entry.shown.replace(name, "") + self._words_beside(entry.beside).replace(name, "")
        return Doubt.OTHERWISE if _OTHERWISE.search(said) else None
