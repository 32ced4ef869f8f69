"""One row of a spreadsheet on its way to becoming a person, and everything that is wrong with it.

Never looks at another row. The ID-card number lives in `id_key` until the rows are compared, and nowhere after.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TypeVar

from gateway.phone import Phone, PhoneKind
from village.ground.wording import Wording, say
from village.people.born import Born
from village.people.cells import (
    OLDEST_PLAUSIBLE,
    Away,
    CellError,
    marks_in_note,
    read_age,
    read_away,
    read_born,
    read_group,
    read_name,
    read_party,
    read_phones,
    read_relation,
    read_sex,
    read_where,
    read_words,
    read_yes,
    text_of,
    whole,
)
from village.people.headers import Field
from village.people.idcard import IdTrouble, NotAnIdError, read_id
from village.people.layout import Header, Row
from village.people.roster import Level
from village.people.sheet import Cell

T = TypeVar("T")

_NUMBER_LOSES_DIGITS = 1e15
"""Excel keeps 15 digits of a number; an ID-card number typed as a number has lost its last three."""

_WRITTEN_BEFOREHAND = frozenset({Field.SERIAL, Field.GROUP, Field.HOUSEHOLD_NO, Field.SEX})
"""Clerks fill these down an empty form; a row with nothing else in it is nobody."""

_YES_NO = (
    Field.REPRESENTATIVE,
    Field.HOUSEHOLD_REP,
    Field.LEADER,
    Field.ALONE,
    Field.CALLS,
    Field.CANNOT_READ,
)


_WOMEN = frozenset(("妻", "妻子", "母", "母亲", "女儿", "长女", "次女", "儿媳", "孙女", "奶奶", "祖母", "岳母"))
_MEN = frozenset(("夫", "丈夫", "父", "父亲", "儿子", "长子", "次子", "女婿", "孙子", "爷爷", "祖父", "岳父"))
"""Relations that say it plainly; 子 and 女 are left out, clerks write them for children of either sex."""


@dataclass(frozen=True, slots=True)
class Village:
    """What the reader may know of the village: the day, its area code, how many groups it has (0: not known)."""

    today: date
    area_code: str | None = None
    groups: int = 0


@dataclass(slots=True)
class Draft:
    """None means that the sheet has no such column."""

    row: int
    name: str = ""
    name_is_heads: bool = False
    """There is a column for the name, it is empty, and the head's stands in for it."""
    head: str = ""
    head_written: bool = False
    household_no: str = ""
    group: int | None = None
    group_unread: bool = False
    relation: str | None = None
    sex: str | None = None
    born: Born | None = None
    id_key: str = ""
    phones: list[Phone] | None = None
    marks: dict[Field, bool] = field(default_factory=dict)
    where: str | None = None
    dialect: str | None = None
    troubles: list[tuple[Level, Wording]] = field(default_factory=list)

    @property
    def is_head(self) -> bool:
        return self.relation == "户主" or (not self.relation and bool(self.head) and self.name == self.head)

    def wrong(self, what: Wording) -> None:
        self.troubles.append((Level.ERROR, what))

    def odd(self, what: Wording) -> None:
        self.troubles.append((Level.WARNING, what))

    def take(self, read: Callable[[], T], otherwise: T) -> T:
        """What `read` makes of a cell; where it cannot, the reason is kept and the row goes on."""
        try:
            return read()
        except CellError as wrong:
            self.wrong(wrong.what)
            return otherwise


def read_row(row: Row, header: Header, village: Village) -> Draft | None:
    """None where nobody is in the row."""
    draft = Draft(row.number)
    _read_who(draft, row, header)
    if village.groups > 1 and draft.group is not None and draft.group > village.groups:
        draft.odd(say("村里只有{n}个组，写的是{group}组", n=village.groups, group=draft.group))
    if not draft.name and _is_empty_form(row):
        return None
    if not draft.name and not any(level is Level.ERROR for level, _ in draft.troubles):
        draft.wrong(say("没有写姓名"))
    _read_birth(draft, row, village)
    _read_reach(draft, row, header, village)
    _read_marks(draft, row, header)
    return draft


def _is_empty_form(row: Row) -> bool:
    written = [kind for kind, cell in row.cells.items() if text_of(cell) and kind not in row.filled]
    return not any(text_of(cell) for cell in row.phones) and not set(written) - _WRITTEN_BEFOREHAND


def _read_who(draft: Draft, row: Row, header: Header) -> None:
    draft.head = draft.take(lambda: read_name(row.get(Field.HEAD)), "")
    draft.head_written = bool(draft.head) and Field.HEAD not in row.filled
    draft.household_no = whole(text_of(row.get(Field.HOUSEHOLD_NO)))
    draft.group = draft.take(lambda: read_group(row.get(Field.GROUP)), None)
    draft.group_unread = draft.group is None and bool(text_of(row.get(Field.GROUP)))
    if Field.RELATION in header.fields:
        draft.relation = draft.take(lambda: read_relation(row.get(Field.RELATION)), "")
    if Field.NAME in header.fields:
        draft.name = draft.take(lambda: read_name(row.get(Field.NAME)), "")
    if not draft.name and draft.head_written and draft.relation in {None, "", "户主"}:
        draft.name, draft.name_is_heads = draft.head, Field.NAME in header.fields
    draft.sex = draft.take(lambda: read_sex(row.get(Field.SEX)), None)
    if draft.relation in (_WOMEN if draft.sex == "男" else _MEN if draft.sex == "女" else ()):
        draft.odd(say("关系是{relation}，性别写的是{sex}", relation=draft.relation, sex=draft.sex))


def _read_birth(draft: Draft, row: Row, village: Village) -> None:
    draft.born = draft.take(lambda: read_born(row.get(Field.BORN), village.today), None)
    _read_id(draft, row.get(Field.ID_CARD), village.today)
    age = draft.take(lambda: read_age(row.get(Field.AGE)), None)
    if age is not None and draft.born is not None and abs(draft.born.age_on(village.today) - age) > 2:
        draft.odd(
            say("年龄和出生日期对不上：写的{age}岁，算来{real}岁", age=age, real=draft.born.age_on(village.today))
        )
    if draft.born is not None:
        age = draft.born.age_on(village.today)
    elif age is not None and 0 <= age <= 150:
        draft.born = Born.at_age(age, village.today)
    if age is not None and not 0 <= age <= OLDEST_PLAUSIBLE:
        draft.odd(say("年龄不像真的：{age}岁，请核对", age=age))


def _read_id(draft: Draft, cell: Cell, today: date) -> None:
    """Birth date and sex out of the ID-card number; the number goes no further than this import's comparison."""
    text = whole(text_of(cell)).upper()
    if not text or text in {"无", "-", "没有", "0"} or "*" in text:
        return
    typed = isinstance(cell, int | float) and not isinstance(cell, bool)
    if (typed and float(cell) >= _NUMBER_LOSES_DIGITS) or "E+" in text:  # type: ignore[arg-type]  # typed says it is a number
        draft.wrong(
            say("身份证号被表格改成了数，后几位丢了。请把这一列设成“文本”重新填写，或者不填身份证号、只填出生日期")
        )
        return
    try:
        says = read_id(text)
    except NotAnIdError as refused:
        draft.wrong(_id_words(refused.trouble, len("".join(text.split()))))
        return
    if says.born > today:
        draft.wrong(say("身份证号里的出生日期在今天以后"))
        return
    born = Born.on(says.born)
    if draft.born is not None and not draft.born.agrees_with(born):
        draft.odd(say("出生日期和身份证号对不上，按身份证号记为 {born}", born=born.iso()))
    if draft.sex is not None and draft.sex != says.sex:
        draft.odd(say("性别和身份证号对不上，按身份证号记为 {sex}", sex=says.sex))
    draft.born, draft.sex, draft.id_key = born, says.sex, "".join(text.split())


def _id_words(trouble: IdTrouble, length: int) -> Wording:
    match trouble:
        case IdTrouble.SHAPE:
            return say("身份证号不对：应是18位，写了{n}位", n=length)
        case IdTrouble.CHECK:
            return say("身份证号不对：最后一位校验不上，可能抄错了一个数字")
        case IdTrouble.DATE:
            return say("身份证号不对：里面的出生日期不存在")


def _read_reach(draft: Draft, row: Row, header: Header, village: Village) -> None:
    if Field.PHONE in header.fields:
        draft.phones = []
        for cell in row.phones:
            numbers, wrong = read_phones(cell, village.area_code)
            draft.phones += [number for number in numbers if number not in draft.phones]
            for what in wrong:
                draft.wrong(what)
        if draft.phones and all(number.kind is PhoneKind.LANDLINE for number in draft.phones):
            draft.odd(say("{name} 只有座机：收不到短信，只能打电话", name=draft.name))
    if Field.DIALECT in header.fields:
        draft.dialect = draft.take(lambda: read_words(row.get(Field.DIALECT), 20), "")


def _read_marks(draft: Draft, row: Row, header: Header) -> None:
    for kind in _YES_NO:
        if kind in header.fields:
            draft.marks[kind] = _yes(draft, row.get(kind), kind)
    if Field.CAN_READ in header.fields and Field.CANNOT_READ not in header.fields:
        cell = row.get(Field.CAN_READ)
        draft.marks[Field.CANNOT_READ] = bool(text_of(cell)) and not _yes(draft, cell, Field.CAN_READ, otherwise=True)
    if Field.PARTY in header.fields:
        draft.marks[Field.PARTY] = read_party(row.get(Field.PARTY))
    _read_away(draft, row, header)
    for kind in marks_in_note(row.get(Field.NOTE)):
        draft.marks[kind] = True


def _yes(draft: Draft, cell: Cell, kind: Field, *, otherwise: bool = False) -> bool:
    """A mark that cannot be understood is said, and does not keep the roster out."""
    try:
        return read_yes(cell, kind)
    except CellError as wrong:
        draft.odd(wrong.what)
        return otherwise


def _read_away(draft: Draft, row: Row, header: Header) -> None:
    columns = header.fields & {Field.AWAY, Field.AT_HOME, Field.WHERE}
    if not columns:
        return
    where = draft.take(lambda: read_where(row.get(Field.WHERE)), "")
    said = Away(bool(where))
    for kind in (Field.AT_HOME, Field.AWAY):
        cell = row.get(kind)
        if text_of(cell):
            said = draft.take(partial(read_away, cell, yes_means_away=kind is Field.AWAY), said)
    draft.marks[Field.AWAY] = said.away
    draft.where = (said.where or where) if said.away else ""
