"""A roster as a spreadsheet tells it: households, their people, and what is wrong with which row.

Never holds an ID-card number. None in a field means that the file has no such column, so it changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.phone import Phone
from village.ground.wording import Wording, say
from village.people.born import Born


class Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Where:
    """A row as the spreadsheet program numbers it; the sheet's name where there are several."""

    sheet: str | None = None
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    level: Level
    where: Where
    what: Wording

    @property
    def wording(self) -> Wording:
        """The sentence a clerk reads, with the row in front."""
        if self.where.row is None:
            return say("“{sheet}”表：{what}", sheet=self.where.sheet, what=self.what) if self.where.sheet else self.what
        if self.where.sheet:
            return say("“{sheet}”表第{row}行：{what}", sheet=self.where.sheet, row=self.where.row, what=self.what)
        return say("第{row}行：{what}", row=self.where.row, what=self.what)


@dataclass(frozen=True, slots=True)
class RosterPerson:
    name: str
    relation: str | None
    sex: str | None
    born: Born | None
    phones: tuple[Phone, ...] | None
    represents_household: bool | None
    representative: bool | None
    party: bool | None
    group_leader: bool | None
    away: bool | None
    away_where: str | None
    lives_alone: bool | None
    wants_calls: bool | None
    cannot_read: bool | None
    dialect: str | None
    where: Where = field(compare=False, default=Where())


@dataclass(frozen=True, slots=True)
class RosterHousehold:
    head: str
    group_no: int
    people: tuple[RosterPerson, ...]


@dataclass(frozen=True, slots=True)
class Roster:
    households: tuple[RosterHousehold, ...]

    @property
    def people(self) -> int:
        return sum(len(household.people) for household in self.households)

    @property
    def groups(self) -> frozenset[int]:
        return frozenset(household.group_no for household in self.households)


@dataclass(frozen=True, slots=True)
class Checked:
    """A roster that may come in where there is no error; what was read is there either way."""

    roster: Roster
    troubles: tuple[Trouble, ...]
    unused_columns: tuple[str, ...] = ()
    file: str = ""

    @property
    def errors(self) -> tuple[Trouble, ...]:
        return tuple(each for each in self.troubles if each.level is Level.ERROR)

    @property
    def warnings(self) -> tuple[Trouble, ...]:
        return tuple(each for each in self.troubles if each.level is Level.WARNING)
