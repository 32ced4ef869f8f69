"""A pasted list of names before a notice: whose they are by today's roster, and who need not be counted again.

Reads only; `jielong.py` and `jielong_matching.py` have the rules.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from village.ground.wording import RefusalError, say
from village.notices import store, tasks_store
from village.notices.jielong import LONGEST_TEXT, parse
from village.notices.jielong_matching import Outsider, Person, Row, State, match
from village.notices.notice import Notice, UnitKind
from village.notices.reach_store import unit_rows
from village.people.store import everybody


@dataclass(frozen=True, slots=True)
class NameList:
    notice: Notice
    rows: tuple[Row, ...]

    def of(self, *states: State) -> list[Row]:
        return [row for row in self.rows if row.state in states]

    @property
    def matched(self) -> list[Row]:
        """Sure of the name and of what stands beside it."""
        return [row for row in self.of(State.MATCHED) if not row.doubtful]

    @property
    def to_look_at(self) -> list[Row]:
        return [row for row in self.rows if row.state is State.CHOOSE or (row.state is State.MATCHED and row.doubtful)]


def read_list(tx: sqlite3.Connection, notice_id: int, text: str, *, tasks: bool = False) -> NameList:
    """`tasks`: the names are of those who have done it, not of those who know. Raises RefusalError (404, 422)."""
    notice = store.notice_of(tx, notice_id)
    if not text.strip():
        raise RefusalError(say("名单还没有贴"), status=422)
    if len(text) > LONGEST_TEXT:
        raise RefusalError(
            say("太长了：{n}个字，最多{most}个字。请分几次贴", n=len(text), most=LONGEST_TEXT), status=422
        )
    if tasks:
        already = {unit.unit_id for unit in tasks_store.task_units(tx, notice.id) if unit.done_ms is not None}
    else:
        already = store.confirmed_units(tx, notice.id)
    household = notice.unit is UnitKind.HOUSEHOLD
    rows = match(
        parse(text),
        people_of(tx, notice),
        already=already,
        households=household,
        outsiders=outsiders_of(tx, notice),
    )
    return NameList(notice, tuple(rows))


def people_of(tx: sqlite3.Connection, notice: Notice) -> list[Person]:
    """The names that stand for the notice's own households: the head and every member; or the persons themselves."""
    rows = unit_rows(tx, notice.id)
    if notice.unit is UnitKind.PERSON:
        heads = {one.id: one.household for one in everybody(tx, with_those_who_left=True)}
        return [Person(row.name, row.id, row.group_no, heads.get(row.resident_id or 0, row.name)) for row in rows]
    units = {row.household_id: row for row in rows}
    people = [Person(row.name, row.id, row.group_no, row.name) for row in rows]
    for one in everybody(tx):
        if (row := units.get(one.household_id)) is not None:
            people.append(Person(one.name, row.id, row.group_no, row.name))
    return people


def outsiders_of(tx: sqlite3.Connection, notice: Notice) -> list[Outsider]:
    """Everybody else on today's roster: one of them may be meant where a name is his as well."""
    rows = unit_rows(tx, notice.id)
    if notice.unit is UnitKind.PERSON:
        asked = {row.resident_id for row in rows}
        return [Outsider(one.name, one.group_no) for one in everybody(tx) if one.id not in asked]
    homes = {row.household_id for row in rows}
    return [Outsider(one.name, one.group_no) for one in everybody(tx) if one.household_id not in homes]
