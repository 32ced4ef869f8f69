"""A spreadsheet → a roster and everything that is wrong with it, by row, in words.

Never imports: a roster with an error in it is shown and stays outside. ID-card numbers are compared within the file and
forgotten when this returns.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace

from gateway.phone import Phone
from village.ground.clock import Clock, beijing
from village.ground.wording import Wording, say
from village.people.changes_store import SLOTS
from village.people.draft import Draft, Village, read_row
from village.people.grouping import Grouping, Home
from village.people.headers import Field
from village.people.idcard import hide_digits
from village.people.layout import Header, find_header, rows_under, title_group
from village.people.roster import Checked, Level, Roster, RosterHousehold, RosterPerson, Trouble, Where
from village.people.sandbox import read_safely
from village.people.sheet import Sheet

_ADULT = 18
_ROWS_QUOTED = 5


async def read_roster(content: bytes, name: str, *, clock: Clock, area_code: str = "", groups: int = 0) -> Checked:
    """Read a file off the event loop; what it is its bytes say, its name is only carried along.

    `area_code` completes landlines written without one; with one group in the whole village nobody need write which.
    Raises RefusalError where it is no spreadsheet.
    """
    sheets = await read_safely(content)
    village = Village(beijing(clock.now_ms()).date(), area_code or None, groups)
    checked = await asyncio.to_thread(check_sheets, sheets, village)
    return replace(checked, file=hide_digits(name))


@dataclass(frozen=True, slots=True)
class _Origin:
    """Which sheet a row came from; `name` only where there are several."""

    index: int
    name: str | None


def check_sheets(sheets: list[Sheet], village: Village) -> Checked:
    """The pure part: cells in, roster and troubles out."""
    shown = [sheet for sheet in sheets if not sheet.hidden and any(any(row) for row in sheet.rows)]
    headers = [find_header(sheet) for sheet in shown]
    general: list[Trouble] = []
    unused: dict[str, None] = {}
    origins: dict[int, _Origin] = {}
    drafts: list[Draft] = []
    grouping = Grouping()
    if any(sheet.hidden for sheet in sheets):
        general.append(Trouble(Level.WARNING, Where(), say("有隐藏的工作表，没有读")))
    if not any(headers):
        general.append(Trouble(Level.ERROR, Where(), _no_header(shown)))
    for index, (sheet, header) in enumerate(zip(shown, headers, strict=True)):
        origin = _Origin(index, hide_digits(sheet.name) if len(shown) > 1 else None)
        if header is None:
            if any(headers):
                general.append(
                    Trouble(Level.WARNING, Where(origin.name), say("没有找到写着“姓名”的那一行，这张表没有读"))
                )
            continue
        unused.update(dict.fromkeys(header.unused))
        rows = list(rows_under(sheet, header))
        grouping.start_sheet(header.fields, rows, _group_of(sheet, header, village))
        if rows and grouping.everyone_alone:
            general.append(
                Trouble(Level.WARNING, Where(origin.name), say("没有“户主”和“与户主关系”这两列，每个人算作一户"))
            )
        for row in rows:
            draft = read_row(row, header, village)
            if draft is not None:
                origins[id(draft)] = origin
                drafts.append(draft)
                grouping.add(draft)
    if any(headers) and not drafts:
        general.append(Trouble(Level.ERROR, Where(), say("表头下面没有一个人")))
    for home in grouping.homes:
        _settle(home)
    _compare_people(drafts, grouping.homes)
    _compare_phones(drafts, grouping.homes)
    in_rows = [
        Trouble(level, Where(origins[id(draft)].name, draft.row), what)
        for draft in drafts
        for level, what in dict.fromkeys(draft.troubles)
    ]
    return Checked(_roster(grouping.homes, origins), (*general, *in_rows), tuple(unused))


def _group_of(sheet: Sheet, header: Header, village: Village) -> int | None:
    """What a sheet says of all its rows; the village's only group counts where the sheet has no column for it."""
    alone = 1 if village.groups == 1 and Field.GROUP not in header.fields else None
    return title_group(sheet, header) or alone


def _no_header(sheets: list[Sheet]) -> Wording:
    if not sheets:
        return say("表格是空的")
    return say("没有找到表头。要有一行写着“姓名”（或“户主姓名”），旁边是“组别”“联系电话”这些")


# --- households ---


def _settle(home: Home) -> None:
    """Name the household after its head, or say that it has none."""
    if home.alone:
        return
    heads = home.heads
    first = home.people[0]
    for draft in home.people:
        if draft.name_is_heads and draft.relation == "户主":
            draft.odd(say("没有写姓名，按户主那一列记作 {name}，请核对", name=draft.name))
    if home.key is not None and home.key[0] == "head":
        for draft in home.people:
            if draft.relation == "户主" and draft.name != home.head:
                draft.wrong(say("关系写的是户主，可是户主那一列写的是 {head}", head=home.head))
        heads = [draft for draft in heads if draft.name == home.head]
    for draft in heads[1:]:
        if draft.name != heads[0].name:
            draft.wrong(say("这一户有两个户主：第{row}行的 {name} 也是", row=heads[0].row, name=heads[0].name))
    if heads:
        home.head = heads[0].name
        heads[0].relation = "户主"
        return
    stand_in = home.head or _oldest(home).name
    first.odd(say("这一户没有户主这一行，暂时记作 {head} 家", head=stand_in))
    home.head = stand_in


def _oldest(home: Home) -> Draft:
    """Whoever was born first, or stands first where that is not known."""
    return min(home.people, key=lambda draft: draft.born.iso() if draft.born else "9999")


def _representative(home: Home) -> Draft:
    """The household's representative: marked, else the head, else the oldest."""
    marked = [draft for draft in home.people if draft.marks.get(Field.HOUSEHOLD_REP)]
    for draft in marked[1:]:
        draft.wrong(say("这一户有两个户代表：第{row}行的 {name} 也是", row=marked[0].row, name=marked[0].name))
    if marked:
        return marked[0]
    return next((draft for draft in home.people if draft.relation == "户主"), _oldest(home))


# --- people and phones compared ---


def _compare_people(drafts: list[Draft], homes: list[Home]) -> None:
    by_id: dict[str, Draft] = {}
    for draft in drafts:
        if draft.id_key:
            first = by_id.setdefault(draft.id_key, draft)
            if first is not draft:
                draft.wrong(say("身份证号和第{row}行的 {name} 一样", row=first.row, name=first.name))
    repeated: set[int] = set()
    for home in homes:
        repeated |= _compare_within(home)
    by_name: defaultdict[str, list[Draft]] = defaultdict(list)
    for home in homes:
        for draft in home.people:
            if draft.name and id(draft) not in repeated:
                by_name[draft.name].append(draft)
    for namesakes in by_name.values():
        twins = [each for each in namesakes[1:] if each.born and each.born.exact and each.born == namesakes[0].born]
        for twin in twins:
            twin.odd(
                say("{name} 和第{row}行同名、同一天出生，请核对是不是同一个人", name=twin.name, row=namesakes[0].row)
            )
        if len(namesakes) > 1 and not twins:
            others = "、".join(str(draft.row) for draft in namesakes[1 : _ROWS_QUOTED + 1])
            namesakes[0].odd(say("{name} 和第{rows}行同名，请核对是不是同一个人", name=namesakes[0].name, rows=others))


def _compare_within(home: Home) -> set[int]:
    """The same person twice in one household is a mistake; returns those."""
    repeated: set[int] = set()
    seen: defaultdict[str, list[Draft]] = defaultdict(list)
    for draft in home.people:
        for earlier in seen[draft.name] if draft.name else ():
            if earlier.born is None or draft.born is None or earlier.born.agrees_with(draft.born):
                if not (draft.id_key and draft.id_key == earlier.id_key):
                    draft.wrong(say("{name} 和第{row}行重复了", name=draft.name, row=earlier.row))
                repeated.add(id(draft))
                break
        seen[draft.name].append(draft)
    return repeated


def _compare_phones(drafts: list[Draft], homes: list[Home]) -> None:
    home_of = {id(draft): home for home in homes for draft in home.people}
    held_by: defaultdict[Phone, list[Draft]] = defaultdict(list)
    for draft in drafts:
        for phone in draft.phones or ():
            held_by[phone].append(draft)
    for people in held_by.values():
        for draft in people[SLOTS:]:
            draft.wrong(say("这个电话已经有{n}个人在用，再多就投不了票了（第{row}行起）", n=SLOTS, row=people[0].row))
        strangers = [each for each in people[1:] if home_of.get(id(each)) is not home_of.get(id(people[0]))]
        if strangers:
            strangers[0].odd(
                say(
                    "{name} 和另一户的 {other}（第{row}行）用同一个电话，请核对",
                    name=strangers[0].name,
                    other=people[0].name,
                    row=people[0].row,
                )
            )


# --- the result ---


def _roster(homes: list[Home], origins: dict[int, _Origin]) -> Roster:
    return Roster(
        tuple(
            RosterHousehold(home.head, home.group, _people(home, origins)) for home in homes if home.group is not None
        )
    )


def _people(home: Home, origins: dict[int, _Origin]) -> tuple[RosterPerson, ...]:
    asked = any(Field.HOUSEHOLD_REP in draft.marks for draft in home.people)
    speaks = _representative(home) if asked else None
    return tuple(_person(draft, Where(origins[id(draft)].name, draft.row), asked, speaks) for draft in home.people)


def _person(draft: Draft, where: Where, asked: bool, speaks: Draft | None) -> RosterPerson:
    return RosterPerson(
        name=draft.name,
        relation=draft.relation,
        sex=draft.sex,
        born=draft.born,
        phones=None if draft.phones is None else tuple(draft.phones),
        represents_household=(draft is speaks) if asked else None,
        representative=draft.marks.get(Field.REPRESENTATIVE),
        party=draft.marks.get(Field.PARTY),
        group_leader=draft.marks.get(Field.LEADER),
        away=draft.marks.get(Field.AWAY),
        away_where=draft.where,
        lives_alone=draft.marks.get(Field.ALONE),
        wants_calls=draft.marks.get(Field.CALLS),
        cannot_read=draft.marks.get(Field.CANNOT_READ),
        dialect=draft.dialect,
        where=where,
    )
