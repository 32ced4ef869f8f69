"""#接龙 as people really write it: which lines are names, whose they are, and what is left for a person to look at."""

from __future__ import annotations

import pytest

from village.notices.jielong import LONGEST_TEXT, Person, Row, State, match, parse

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
