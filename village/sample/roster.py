"""The people of 青山村: eight groups, 210 households, some six hundred people, every one of them made up.

Never real: the names are drawn by lot from common characters, the mobile numbers lie in a range kept for this sample
(199000xxxxx), and the same village comes out every time.
"""

from __future__ import annotations

import csv
import io
import random
from dataclasses import dataclass, field, replace

GROUPS = 8
HOUSEHOLDS = 210

ONE_VOTER = "19900000001"
SHARED_BY_FOUR = "19900000004"
PARTY_AWAY = "19900000007"
DEAD = "19900000008"
NOBODYS = "19900000009"
"""The fixed handles for trying things: nobody on the roster has the last one, nobody ever answers the one before."""

_GROUP_OF_WANG = 3
"""王德福 leads this group; the others draw their leader."""

ROBOT = "10086"
"""A carrier's service number: it writes by itself and must never be answered."""

_SEED = 20261205
_THIS_YEAR = 2026
_FIRST_MOBILE = 19_900_010_000 - 19_900_000_000
_SURNAMES = "王王王王李李李张张张陈陈刘刘周吴徐孙马朱胡郭何林罗郑梁谢宋唐韩冯于董萧程曹袁邓许傅沈曾彭吕"
_MALE = "德建国志明福贵永强文军伟海龙春生金根水土宝良家光华荣平树林云山庆长发兴旺大有新民成祥义立忠全富友东方"
_FEMALE = "秀桂英兰芳玉珍凤梅霞美红丽娟香月琴素彩莲菊花翠萍春艳秋燕静云敏淑巧惠银娣仙爱金娥雪小慧"
_YOUNG = "子浩宇轩涵欣怡雨思诗佳梦晨阳博文俊杰嘉琪梓萱一诺雅婷可心语彤昊天瑞泽"
_CITIES = ("杭州", "宁波", "上海", "苏州", "温州", "广东东莞", "义乌", "北京", "县城")
_DIALECT = "本地话"

Shape = tuple[int, str]


@dataclass(frozen=True, slots=True)
class SampleRow:
    """One line of the village's spreadsheet; `head` names the household it stands in."""

    group: int
    head: str
    name: str
    relation: str
    sex: str
    born: str
    phones: tuple[str, ...] = ()
    speaks_for_household: bool = False
    representative: bool = False
    party: bool = False
    leader: bool = False
    where: str = ""
    alone: bool = False
    calls: bool = False
    cannot_read: bool = False
    dialect: str = ""


@dataclass(slots=True)
class _Lot:
    """Draws, and remembers what was drawn."""

    dice: random.Random = field(default_factory=lambda: random.Random(_SEED))
    names: set[str] = field(default_factory=set)
    mobiles: int = 0
    landlines: int = 0

    def name(self, sex: str, surname: str, year: int) -> str:
        """A name that nobody in the village has yet."""
        young = year >= 2000
        while True:
            pool = _YOUNG if young else (_MALE if sex == "男" else _FEMALE)
            given = "".join(self.dice.sample(pool, 1 if self.dice.random() < 0.12 else 2))
            if surname + given not in self.names:
                self.names.add(surname + given)
                return surname + given

    def surname(self) -> str:
        return self.dice.choice(_SURNAMES)

    def born(self, youngest: int, oldest: int) -> str:
        year = _THIS_YEAR - self.dice.randint(youngest, oldest)
        return f"{year}-{self.dice.randint(1, 12):02d}-{self.dice.randint(1, 28):02d}"

    def mobile(self) -> str:
        self.mobiles += 1
        return f"{19_900_000_000 + _FIRST_MOBILE + self.mobiles * 7}"

    def landline(self) -> str:
        self.landlines += 1
        return f"0571-8800{2000 + self.landlines}"


def roster_rows() -> list[SampleRow]:
    """The whole village in the order of its spreadsheet; the same rows every time."""
    lot = _Lot()
    households: list[list[SampleRow]] = []
    fixed = [_wang(), _li(), _chen()]
    lot.names.update(row.name for rows in fixed for row in rows)
    for number in range(HOUSEHOLDS - len(fixed)):
        households.append(_household(lot, number % GROUPS + 1))
    households.sort(key=lambda rows: rows[0].group)
    _choose_representatives(lot, households)
    _choose_party(lot, households)
    ordered = sorted([*fixed, *households], key=lambda rows: rows[0].group)
    return [row for rows in ordered for row in rows]


def _wang() -> list[SampleRow]:
    """The household behind the first handle: one phone, one voter; his mother has no phone."""
    return [
        SampleRow(
            3, "王德福", "王德福", "户主", "男", "1958-03-04", (ONE_VOTER,), speaks_for_household=True, leader=True
        ),
        SampleRow(3, "王德福", "周阿彩", "母", "女", "1935-09-17", cannot_read=True, dialect=_DIALECT),
    ]


def _li() -> list[SampleRow]:
    """Four voters on one phone, in the order of their slots."""
    shared = (SHARED_BY_FOUR,)
    return [
        SampleRow(5, "李树根", "李树根", "户主", "男", "1951-06-21", shared, speaks_for_household=True),
        SampleRow(5, "李树根", "陈桂英", "妻", "女", "1954-02-11", shared, cannot_read=True, dialect=_DIALECT),
        SampleRow(5, "李树根", "李小军", "子", "男", "1980-10-02", shared),
        SampleRow(5, "李树根", "吴春燕", "儿媳", "女", "1983-07-15", shared),
        SampleRow(5, "李树根", "李子涵", "孙女", "女", "2012-04-30"),
    ]


def _chen() -> list[SampleRow]:
    """A Party member who works away, her parents at home; the father's number is dead."""
    return [
        SampleRow(2, "陈水生", "陈水生", "户主", "男", "1956-11-08", (DEAD,), speaks_for_household=True, calls=True),
        SampleRow(2, "陈水生", "徐秀兰", "妻", "女", "1959-01-26", dialect=_DIALECT),
        SampleRow(2, "陈水生", "陈建芳", "女", "女", "1986-05-19", (PARTY_AWAY,), party=True, where="杭州"),
    ]


def _household(lot: _Lot, group: int) -> list[SampleRow]:
    build = lot.dice.choices(
        [_elder_alone, _elder_couple, _couple, _couple_with_child, _couple_with_two, _three_generations],
        weights=[12, 16, 10, 24, 18, 20],
    )[0]
    rows = build(lot, group)
    return [replace(row, head=rows[0].name) for row in rows]


def _head(lot: _Lot, group: int, sex: str, youngest: int, oldest: int) -> SampleRow:
    born = lot.born(youngest, oldest)
    name = lot.name(sex, lot.surname(), int(born[:4]))
    return SampleRow(group, name, name, "户主", sex, born, speaks_for_household=True)


def _of(lot: _Lot, head: SampleRow, relation: str, sex: str, *, ages: tuple[int, int], own: bool) -> SampleRow:
    """Somebody in the head's household; `own`: bears the head's surname."""
    born = lot.born(*ages)
    surname = head.name[0] if own else lot.surname()
    return SampleRow(head.group, head.head, lot.name(sex, surname, int(born[:4])), relation, sex, born)


def _age(row: SampleRow) -> int:
    return _THIS_YEAR - int(row.born[:4])


def _elder_alone(lot: _Lot, group: int) -> list[SampleRow]:
    head = replace(_head(lot, group, lot.dice.choice("男女"), 66, 88), alone=True)
    return [_elder_phone(lot, head)]


def _elder_couple(lot: _Lot, group: int) -> list[SampleRow]:
    head = _head(lot, group, "男", 63, 84)
    wife = _of(lot, head, "妻", "女", ages=(max(60, _age(head) - 6), _age(head)), own=False)
    if lot.dice.random() < 0.45:  # one phone between the two
        phones = (lot.mobile(),)
        return [replace(head, phones=phones), replace(wife, phones=phones, dialect=_DIALECT)]
    return [_elder_phone(lot, head), _elder_phone(lot, wife)]


def _couple(lot: _Lot, group: int) -> list[SampleRow]:
    head = _head(lot, group, "男", 38, 62)
    wife = _of(lot, head, "妻", "女", ages=(_age(head) - 4, _age(head) + 2), own=False)
    return [_adult(lot, head), _adult(lot, wife)]


def _couple_with_child(lot: _Lot, group: int) -> list[SampleRow]:
    rows = _couple(lot, group)
    return [*rows, _child(lot, rows[0])]


def _couple_with_two(lot: _Lot, group: int) -> list[SampleRow]:
    rows = _couple(lot, group)
    return [*rows, _child(lot, rows[0]), _child(lot, rows[0])]


def _three_generations(lot: _Lot, group: int) -> list[SampleRow]:
    rows = _couple_with_child(lot, group)
    relation, sex = lot.dice.choice((("父", "男"), ("母", "女")))
    parent = _of(lot, rows[0], relation, sex, ages=(_age(rows[0]) + 21, min(95, _age(rows[0]) + 30)), own=sex == "男")
    return [*rows, _elder_phone(lot, parent)]


def _child(lot: _Lot, head: SampleRow) -> SampleRow:
    """Small, at school, or grown up and working away."""
    relation, sex = lot.dice.choice((("子", "男"), ("女", "女")))
    child = _of(lot, head, relation, sex, ages=(max(3, _age(head) - 34), _age(head) - 22), own=True)
    if _age(child) < 16:
        return child
    child = replace(child, phones=(lot.mobile(),))
    return replace(child, where=lot.dice.choice(_CITIES)) if lot.dice.random() < 0.62 else child


def _adult(lot: _Lot, row: SampleRow) -> SampleRow:
    """Nearly everybody has a mobile; some have two numbers, some work away."""
    draw = lot.dice.random()
    phones: tuple[str, ...] = () if draw < 0.04 else (lot.mobile(),)
    if draw > 0.95:
        phones += (lot.mobile() if draw > 0.97 else lot.landline(),)
    away = bool(phones) and _age(row) < 60 and lot.dice.random() < 0.16
    return replace(row, phones=phones, where=lot.dice.choice(_CITIES) if away else "")


def _elder_phone(lot: _Lot, row: SampleRow) -> SampleRow:
    """Old people: some have none, a few only the line in the house, some cannot read what comes."""
    draw = lot.dice.random()
    phones: tuple[str, ...] = () if draw < 0.3 else (lot.landline(),) if draw < 0.37 else (lot.mobile(),)
    cannot_read = _age(row) >= 70 and lot.dice.random() < 0.3
    calls = bool(phones) and (cannot_read or lot.dice.random() < 0.1)
    dialect = _DIALECT if _age(row) >= 72 and lot.dice.random() < 0.5 else ""
    return replace(row, phones=phones, cannot_read=cannot_read, calls=calls, dialect=dialect)


def _choose_representatives(lot: _Lot, households: list[list[SampleRow]]) -> None:
    """One villagers' representative for about nine households (the law: 5 to 15), two in five of them women."""
    for group in range(1, GROUPS + 1):
        of_group = [rows for rows in households if rows[0].group == group]
        seats = round(len(of_group) / 9)
        for seat in range(seats):
            rows = of_group[seat * len(of_group) // seats + lot.dice.randrange(3)]
            sex = "女" if (seat + group) % 5 in {0, 2} or seat == 0 else "男"
            _mark(rows, sex, representative=True)
        if group != _GROUP_OF_WANG:
            _mark(of_group[lot.dice.randrange(len(of_group))], "男", leader=True)


def _choose_party(lot: _Lot, households: list[list[SampleRow]]) -> None:
    """Some thirty Party members, a third of them women."""
    for number, rows in enumerate(lot.dice.sample(households, 31)):
        _mark(rows, "女" if number % 3 == 0 else "男", party=True)


def _mark(rows: list[SampleRow], sex: str, **marks: bool) -> None:
    """Give the marks to a grown-up of this sex in the household, else to its head."""
    fitting = [place for place, row in enumerate(rows) if row.sex == sex and 25 <= _age(row) <= 78 and not row.where]
    place = fitting[0] if fitting else 0
    rows[place] = replace(rows[place], **marks)  # type: ignore[arg-type]  # every mark is a bool


HEADERS = (
    "序号",
    "组别",
    "户主姓名",
    "姓名",
    "与户主关系",
    "性别",
    "出生日期",
    "联系电话",
    "户代表",
    "村民代表",
    "政治面貌",
    "组长",
    "外出务工地",
    "独居",
    "要电话",
    "不识字",
    "方言",
)
TITLE = "青山村村民花名册（样板，人和号码都是编的）"


def cells_of(rows: list[SampleRow]) -> list[list[str]]:
    """The rows as they stand under `HEADERS`."""
    return [
        [
            str(number),
            f"{row.group}组",
            row.head,
            row.name,
            row.relation,
            row.sex,
            row.born,
            "、".join(row.phones),
            "是" if row.speaks_for_household else "",
            "是" if row.representative else "",
            "中共党员" if row.party else "群众",
            "是" if row.leader else "",
            row.where,
            "是" if row.alone else "",
            "是" if row.calls else "",
            "是" if row.cannot_read else "",
            row.dialect,
        ]
        for number, row in enumerate(rows, start=1)
    ]


def sample_csv() -> bytes:
    """The village's spreadsheet as its clerk would send it: with a title above the header."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([TITLE])
    writer.writerow(HEADERS)
    writer.writerows(cells_of(roster_rows()))
    return out.getvalue().encode("utf-8-sig")
