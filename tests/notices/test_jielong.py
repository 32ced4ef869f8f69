"""#接龙 as people really write it: which lines are names, whose they are, and what is left for a person to look at."""

from __future__ import annotations

import sqlite3

import pytest

from tests.notices.town import Town
from village.ground.database import Database
from village.notices.jielong import LONGEST_TEXT, parse
from village.notices.jielong_matching import Doubt, Outsider, Person, Row, State, match
from village.notices.name_list import read_list
from village.people.audience import Audience

VILLAGE = (
    Person("王德福", 1, 1, "王德福"),
    Person("王小军", 1, 1, "王德福"),
    Person("李桂英", 2, 1, "李桂英"),
    Person("李桂英", 3, 3, "赵田禾"),
    Person("赵田禾", 3, 3, "赵田禾"),
    Person("张三", 4, 2, "张三"),
    Person("王强", 5, 2, "王强"),
    Person("阿卜杜热西提·阿卜杜克热木", 6, 4, "阿卜杜热西提·阿卜杜克热木"),
    Person("欧阳国庆", 7, 4, "欧阳国庆"),
    Person("陈家", 8, 4, "陈家"),
    Person("张建国", 9, 5, "张建国"),
    Person("张建国", 10, 5, "张建国"),
)


def rows(text: str, *, already: frozenset[int] = frozenset(), households: bool = True) -> list[Row]:
    return match(parse(text), VILLAGE, already=already, households=households)


def brief(found: list[Row]) -> list[tuple[str, list[int]]]:
    return [(row.state.value, [one.unit_id for one in row.options]) for row in found]


def test_the_list_of_the_brief() -> None:
    text = "#接龙\n通知17收到请接龙\n1. 王德福\n2. 李桂英 3组\n3、张三家 全家知道\n4．🌸幸福一家(王小军)"
    assert brief(rows(text)) == [
        ("matched", [1]),
        ("matched", [3]),
        ("matched", [4]),
        ("repeated", [1]),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "1. 王德福",
        "１．王德福",
        "1、王德福",
        "1，王德福",
        "1:王德福",
        "1)王德福",
        "（1）王德福",
        "(1) 王德福",
        "【1】王德福",
        "①王德福",
        "⒈王德福",
        "1️⃣ 王德福",
        "㈠王德福",
        "一、王德福",
        "十一、王德福",
        "1王德福",
        "1 王德福",
        "1-王德福",
        "1。王德福",
        "  12 .  王德福  ",
        "3. 王德福收到",
        "3. 王德福 收到",
        "3. 王德福已收到✅",
        "3. 王德福家",
        "3. 王德福一家都知道了",
        "3. 王德福全家知道",
        "3. 王德福（1组）收到",
        "3. 一组王德福",
        "3. 1组 王德福",
        "3. 第1组王德福",
        "3. 王德福-1组",
        "3. 王德福/1组/收到",
        "3. 1小组 王德福",
        "1组王德福",
        "3. 王　德　福",
        "3. @王德福",
        "3. 王德福🌹🌹",
        "3. A建材~王德福",
        "3. 岁月静好（王德福）",
        "3. 我是王德福",
        "3. 户主王德福",
        "3. 王德福+1",
        "3. 王德福 19900000001",
        "王德福",
        "王德福 收到",
        "王德福,",
    ],
)
def test_forms_of_one_line(line: str) -> None:
    assert brief(rows(line)) == [("matched", [1])], parse(line)
    assert not rows(line)[0].doubtful


@pytest.mark.parametrize(
    ("line", "unit"),
    [
        ("5. 王 强", 5),
        ("5. 王　强 2组", 5),
        ("6. 阿卜杜热西提·阿卜杜克热木", 6),
        ("6. 阿卜杜热西提•阿卜杜克热木 收到", 6),
        ("7. 歐陽國慶", 7),
        ("8. 陈家", 8),
        ("8. 陈家家", 8),
        ("9. 李桂英 一组", 2),
        ("9. 李桂英（3组）", 3),
        ("9. 三组李桂英", 3),
    ],
)
def test_names_of_many_shapes(line: str, unit: int) -> None:
    assert brief(rows(line)) == [("matched", [unit])], parse(line)


@pytest.mark.parametrize(
    ("line", "units"),
    [
        ("1. 李桂英", [2, 3]),
        ("1. 李桂英家", [2, 3]),
        ("1. 李桂英 5组", [2, 3]),
        ("1. 王德福 4组", [1]),
        ("1. 张建国", [9, 10]),
        ("1. 张建国 5组", [9, 10]),
    ],
)
def test_namesakes_and_a_group_that_does_not_fit_are_for_the_clerk(line: str, units: list[int]) -> None:
    """One name in the wrong group may be a slip, or somebody the roster does not know."""
    assert brief(rows(line)) == [("choose", units)]


@pytest.mark.parametrize(
    "line",
    ["1. 幸福一家", "2. 小芳", "3. 王德福妈妈", "4. 德福", "5. 王德", "6. 王德福利", "7. Lucky🍀", "8. 3组", "9. 收到"],
)
def test_what_is_nobodys_name_is_shown_as_it_was_written(line: str) -> None:
    (row,) = rows(line)
    assert row.state is State.NOT_FOUND
    assert row.entry.shown
    assert row.entry.shown in line.replace("🍀", "")


@pytest.mark.parametrize(
    "line",
    [
        "1. 王德福 没收到",
        "1. 王德福没收到",
        "1. 王德福 不去",
        "1. 王德福请假",
        "1. 王德福 几点开始?",
        "1. 王德福 还没交",
        "1. 王德福:怎么办",
    ],
)
def test_a_name_with_other_words_does_not_count_by_itself(line: str) -> None:
    found = rows(line)
    assert all(row.doubtful or row.state is State.NOT_FOUND for row in found)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("#接龙\n通知17\n例 1. 张三 2组\n\n1. 王德福\n3. 王强", ["王德福", "王强"]),
        ("#接龙\n例如:张三\n1.王德福", ["王德福"]),
        ("#群接龙\n3组张三请大家接龙\n1.王德福", ["王德福"]),
        ("1. 王德福\n\n\n7. 王强\n8.\n9. 、", ["王德福", "王强"]),
        ("1. 王德福 2. 王强 3. 张三", ["王德福", "王强", "张三"]),
        ("1. 王德福、王强", ["王德福", "王强"]),
        ("1. 王德福 代 王强", ["王德福", "王强"]),
        ("王德福\n王强\n张三", ["王德福", "王强", "张三"]),
        ("王德福、王强，张三", ["王德福", "王强", "张三"]),
        ("王德福 王强 张三", ["王德福", "王强", "张三"]),
        ("王德福,1组,收到、王强，2组", ["王德福", "王强"]),
        ("1. 王德福\r\n2. 王强\r\n", ["王德福", "王强"]),
        ("1.王德福\n王强", ["王德福", "王强"]),
        ("", []),
        ("#接龙", []),
        ("……\n---", []),
    ],
)
def test_whole_lists(text: str, names: list[str]) -> None:
    assert [row.name for row in rows(text)] == names


def test_a_group_belongs_to_the_name_beside_it() -> None:
    assert brief(rows("王德福、张三，李桂英 1组\n王麻子")) == [
        ("matched", [1]),
        ("matched", [4]),
        ("matched", [2]),
        ("not_found", []),
    ]


def test_every_line_comes_back() -> None:
    text = "#接龙\n1. 王德福\n2. 谁谁谁\n3. 李桂英\n4. 王德福\n5. 张三\n6. 猫\n"
    found = rows(text, already=frozenset({4}))
    assert [row.state.value for row in found] == [
        "matched", "not_found", "choose", "repeated", "already", "not_found",
    ]  # fmt: skip
    assert [row.entry.line for row in found] == [2, 3, 4, 5, 6, 7]


def test_where_persons_were_asked_a_household_speaks_for_nobody() -> None:
    assert brief(rows("1. 王德福家", households=False)) == [("not_found", [])]
    assert brief(rows("1. 王德福全家知道", households=False)) == [("not_found", [])]
    assert brief(rows("1. 王德福收到\n2. 陈家", households=False)) == [("matched", [1]), ("matched", [8])]


def test_a_very_long_text_ends() -> None:
    text = "\n".join(f"{place}. 谁谁谁{place}" for place in range(5000))
    assert len(text) > LONGEST_TEXT
    assert 0 < len(parse(text)) < 5000


def told_apart(found: list[Row]) -> dict[str, str | None]:
    return {row.name: row.doubt for row in found if row.name}


@pytest.mark.parametrize(
    "text",
    [
        "还没接龙的:\n1.王德福\n2.张三",
        "还没收到的：\n1. 王德福\n2. 张三",
        "未回复名单\n1.王德福\n2.张三",
        "没有接龙的有这几家\n王德福\n张三",
        "以下还没回:王德福、张三",
        "还没回的有：王德福，张三",
        "1组未接龙的有2户：王德福、张三",
        "尚未缴费的村民\n王德福\n张三",
        "还差:\n王德福\n张三",
        "不参加的:\n1.王德福\n2.张三",
        "#接龙 停水\n还没接龙的请抓紧\n1.王德福\n2.张三",
        "二、未回复的\n1.王德福\n2.张三",
        "@王德福 @张三 收到请回复",
        "1.王德福 拒绝\n2.张三 不同意",
        "未接龙（2户）：\n王德福\n张三",
        "没有收到短信的请在下面接龙\n1.王德福\n2.张三",
        "未接龙的是：王德福 张三",
        "没接龙的@王德福 @张三 请抓紧",
        "缺：王德福、张三",
        "1.王德福 不来\n2.张三:反对",
    ],
)
def test_who_has_not_answered_is_not_counted_by_himself(text: str) -> None:
    found = rows(text)
    assert sorted(row.name for row in found if row.name) == sorted(["王德福", "张三"]), found
    assert all(row.doubtful for row in found if row.name)


def test_only_those_below_the_heading_have_not_answered() -> None:
    text = "#接龙\n1. 王德福\n2. 王强\n还没收到的：\n1. 张三\n2. 欧阳国庆\n已收到的：\n3. 赵田禾"
    assert told_apart(rows(text)) == {
        "王德福": None, "王强": None, "张三": Doubt.NOT_YET, "欧阳国庆": Doubt.NOT_YET, "赵田禾": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "#接龙\n没收到的请找我，收到请接龙\n1.王德福\n2.张三",
        "#接龙\n没收到的请回复，收到的请接龙\n1.王德福\n2.张三",
        "#接龙\n停水不要用明火,未成年人看好\n1.王德福\n2.张三",
        "#接龙\n1.王德福\n2.张三\n3.王强没收到",
    ],
)
def test_other_words_above_a_list_say_nothing_of_those_on_it(text: str) -> None:
    assert told_apart(rows(text))["王德福"] is None
    assert told_apart(rows(text))["张三"] is None


def test_what_is_said_beside_or_below_a_name_may_be_of_him() -> None:
    assert told_apart(rows("王德福\n不同意")) == {"王德福": Doubt.OTHERWISE}
    assert told_apart(rows("王德福、张三没有回"))["王德福"] is Doubt.OTHERWISE
    assert told_apart(rows("1.王德福\n2.幸福一家 没收到"))["王德福"] is None


def test_names_that_say_no_are_names() -> None:
    people = [Person(name, at, 1, name) for at, name in enumerate(("未来", "不二", "张三"))]
    for text in ("未来\n不二\n张三", "1.未来\n2.不二\n3.张三", "未来、不二、张三"):
        assert told_apart(match(parse(text), people, already=(), households=True)) == {
            "未来": None, "不二": None, "张三": None,
        }  # fmt: skip


def test_his_own_no_is_no_heading_over_the_next() -> None:
    assert told_apart(rows("王德福 没收到\n张三")) == {"王德福": Doubt.OTHERWISE, "张三": None}


def test_whom_somebody_calls_upon_has_not_answered() -> None:
    assert told_apart(rows("#接龙\n1.王德福\n@张三 看到请回复")) == {"王德福": None, "张三": Doubt.CALLED}
    assert told_apart(rows("1.王德福 @张三")) == {"王德福": None, "张三": Doubt.CALLED}
    assert told_apart(rows("1. @王德福")) == {"王德福": None}
    own = rows("@张三 收到请回复\n张三 收到")
    assert [(row.state, row.doubt) for row in own] == [(State.MATCHED, Doubt.CALLED), (State.MATCHED, None)]


def test_a_name_under_a_heading_that_nobody_bears_comes_back() -> None:
    assert brief(rows("还没回的:王麻子、张三")) == [("not_found", []), ("matched", [4])]


FULL = (
    Person("张成", 1, 1, "张成"),
    Person("张成全", 2, 1, "张成全"),
    Person("代小红", 3, 2, "代小红"),
    Person("王保家", 4, 2, "王保家"),
)


@pytest.mark.parametrize(
    ("text", "people", "expected"),
    [
        ("1. 张成全收到", FULL[1:], ("matched", [2])),
        ("1. 张成全收到", FULL, ("choose", [1, 2])),
        ("1. 张成全", FULL, ("matched", [2])),
        ("1. 张成 全收到", FULL, ("matched", [1])),
        ("1. 张成收到", FULL, ("matched", [1])),
        ("1. 代小红收到", FULL, ("matched", [3])),
        ("1. 代小红已收到", (*FULL, Person("小红", 9, 3, "小红")), ("choose", [3, 9])),
        ("1. 王保家收到", FULL, ("matched", [4])),
        ("1. 王保家收到", (*FULL, Person("王保", 9, 3, "王保")), ("choose", [4, 9])),
        ("1. 王保家收到 2组", (*FULL, Person("王保", 9, 3, "王保")), ("matched", [4])),
    ],
)
def test_the_name_as_it_is_written_comes_before_what_is_left_of_it(
    text: str, people: tuple[Person, ...], expected: tuple[str, list[int]]
) -> None:
    assert brief(match(parse(text), people, already=(), households=True)) == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. 张三 收到", ("choose", [4])),
        ("1. 张三 2组", ("matched", [4])),
        ("1. 张三 6组", ("choose", [4])),
        ("1. 王强家", ("matched", [5])),
        ("1. 王强全收到", ("choose", [5])),
    ],
)
def test_somebody_the_notice_was_not_sent_to_may_be_meant(text: str, expected: tuple[str, list[int]]) -> None:
    others = [Outsider("张三", 6), Outsider("王强全", 6)]
    found = match(parse(text), VILLAGE, already=(), households=True, outsiders=others)
    assert brief(found) == [expected]


async def test_a_namesake_in_a_group_that_was_not_asked_is_seen(db: Database, town: Town) -> None:
    def unit(tx: sqlite3.Connection) -> list[Row]:
        for group_no in (1, 2):
            town.house(tx, "王强", group_no)
        town.house(tx, "张三", 1)
        notice = town.send(tx, audience=Audience.groups([1]))
        return list(read_list(tx, notice.id, "#接龙\n1. 王强 收到\n2. 张三").rows)

    found = await db.write(unit)
    assert [(row.name, row.state, row.outside) for row in found] == [
        ("王强", State.CHOOSE, True), ("张三", State.MATCHED, False),
    ]  # fmt: skip
