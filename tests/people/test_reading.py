"""Whole sheets: how households are told apart, what is carried down, and each trouble with its row."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.people.files import id_card, sheet
from village.people.draft import Village
from village.people.headers import Field
from village.people.reading import check_sheets
from village.people.roster import Checked, Level
from village.people.sheet import Cell, Merged, Sheet

VILLAGE = Village(date(2026, 12, 5))


def check(*rows: list[Cell], name: str = "Sheet1") -> Checked:
    return check_sheets([sheet(rows, name)], VILLAGE)


def words(checked: Checked, level: Level = Level.ERROR) -> list[str]:
    return [str(each.wording) for each in checked.troubles if each.level is level]


def homes(checked: Checked) -> list[tuple[str, int, list[str]]]:
    return [(home.head, home.group_no, [person.name for person in home.people]) for home in checked.roster.households]


WANG_AND_LI = [("王德福", 3, ["王德福", "李桂英", "王小军"]), ("李大山", 4, ["李大山", "张美兰"])]


def test_households_follow_their_heads() -> None:
    checked = check(
        ["姓名", "关系", "组"],
        ["王德福", "户主", "3组"],
        ["李桂英", "妻", "3组"],
        ["王小军", "子", "3组"],
        ["李大山", "户主", "4组"],
        ["张美兰", "妻", "4组"],
    )
    assert words(checked) == []
    assert homes(checked) == WANG_AND_LI


def test_households_are_told_apart_by_the_heads_name_in_every_row() -> None:
    checked = check(
        ["户主", "组", "姓名"],
        ["王德福", 3, "王德福"],
        ["王德福", 3, "李桂英"],
        ["王德福", 3, "王小军"],
        ["李大山", 4, "李大山"],
        ["李大山", 4, "张美兰"],
    )
    assert words(checked) == []
    assert homes(checked) == WANG_AND_LI
    assert [person.relation for person in checked.roster.households[0].people] == ["户主", None, None]


def test_blank_cells_under_a_head_mean_the_same_household() -> None:
    checked = check(
        ["组别", "户主姓名", "姓名", "与户主关系"],
        ["3组", "王德福", "王德福", "户主"],
        [None, None, "李桂英", "妻"],
        [None, None, "王小军", "子"],
        ["4组", "李大山", "李大山", "户主"],
        [None, None, "张美兰", "妻"],
    )
    assert words(checked) == []
    assert homes(checked) == WANG_AND_LI


def test_a_head_whose_name_stands_only_in_the_heads_column_is_taken_and_said() -> None:
    checked = check(
        ["组别", "户主姓名", "姓名", "与户主关系"],
        ["3组", "王德福", None, "户主"],
        [None, None, "李桂英", "妻"],
        [None, None, "王小军", "子"],
        ["4组", "李大山", "李大山", "户主"],
        [None, None, "张美兰", "妻"],
    )
    assert words(checked) == []
    assert words(checked, Level.WARNING) == ["第2行：没有写姓名，按户主那一列记作 王德福，请核对"]
    assert homes(checked) == WANG_AND_LI
    unnamed = check(["组别", "户主姓名", "与户主关系"], ["3组", "王德福", "户主"])
    assert words(unnamed) == words(unnamed, Level.WARNING) == []


def test_merged_cells_of_a_household_count_for_all_its_rows() -> None:
    rows: list[list[Cell]] = [
        ["青山村花名册", None, None, None],
        ["组别", "户主姓名", "姓名", "联系电话"],
        ["3组", "王德福", "王德福", "19900000001"],
        [None, None, "李桂英", None],
        [None, None, "王小军", None],
        ["4组", "李大山", "李大山", None],
        [None, None, "张美兰", None],
    ]
    merged = (Merged(0, 0, 0, 3), Merged(2, 0, 4, 0), Merged(2, 1, 4, 1), Merged(5, 0, 6, 0), Merged(5, 1, 6, 1))
    checked = check_sheets([Sheet("Sheet1", rows, merged)], VILLAGE)
    assert words(checked) == []
    assert homes(checked) == WANG_AND_LI


def test_a_household_number_tells_households_apart() -> None:
    checked = check(
        ["户号", "姓名", "与户主关系", "组"],
        ["001", "王德福", "户主", "3"],
        ["001", "李桂英", "妻", "3"],
        [None, "王小军", "子", None],
        ["002", "李大山", "户主", "4"],
        ["002", "张美兰", "妻", "4"],
    )
    assert words(checked) == []
    assert homes(checked) == WANG_AND_LI


def test_a_group_written_once_above_its_households_counts_for_all_of_them() -> None:
    checked = check(
        ["组", "姓名", "关系"],
        ["3组", "王德福", "户主"],
        [None, "李桂英", "妻"],
        [None, "赵六", "户主"],
        [None, "钱七", "户主"],
        ["4组", "李大山", "户主"],
        [None, "孙八", "户主"],
        [None, "周九", "户主"],
    )
    assert words(checked) == []
    assert [home.group_no for home in checked.roster.households] == [3, 3, 3, 4, 4, 4]


def test_one_sheet_a_group_takes_the_group_from_its_name() -> None:
    header: list[Cell] = ["姓名", "关系"]
    first = sheet([header, ["王德福", "户主"]], "3组")
    second = sheet([["青山村第四村民小组花名册"], header, ["李大山", "户主"]], "Sheet2")
    checked = check_sheets([first, second], VILLAGE)
    assert words(checked) == []
    assert homes(checked) == [("王德福", 3, ["王德福"]), ("李大山", 4, ["李大山"])]


def test_with_several_sheets_a_trouble_names_its_sheet() -> None:
    header: list[Cell] = ["姓名", "关系", "性别"]
    checked = check_sheets(
        [sheet([header, ["王德福", "户主", "男"]], "1组"), sheet([header, ["李大山", "户主", "难"]], "2组")], VILLAGE
    )
    assert words(checked) == ["“2组”表第2行：性别只能写 男 或 女，写的是：难"]


def test_rows_are_counted_as_the_spreadsheet_program_counts_them() -> None:
    checked = check(
        ["青山村花名册"],
        ["2026年12月制"],
        [None],
        ["序号", "姓名", "组别", "性别"],
        ["1", "王德福", "3组", "男"],
        [None, None, None, None],
        ["2", "李大山", "4组", "公"],
        ["合计", "2人", None, None],
    )
    assert words(checked) == ["第7行：性别只能写 男 或 女，写的是：公"]


def test_two_line_headers_are_read_together() -> None:
    checked = check(
        ["序号", "户主情况", None, "家庭成员", None, "联系方式", None],
        [None, "姓名", "组别", "姓名", "与户主关系", "手机", "座机"],
        ["1", "王德福", "3组", "王德福", "户主", "19900000001", "0571-88002001"],
        [None, None, None, "李桂英", "妻", None, None],
    )
    assert words(checked) == []
    assert homes(checked) == [("王德福", 3, ["王德福", "李桂英"])]
    assert [phone.e164 for phone in checked.roster.households[0].people[0].phones or ()] == [
        "+8619900000001",
        "+8657188002001",
    ]


def test_headers_may_stand_in_any_order() -> None:
    checked = check(
        ["联系电话", "备注", "与户主的关系", "村民小组", "姓名", "年龄", "家庭住址"],
        ["19900000001", "独居、党员，有条狗", "户主", "第三村民小组", "王德福", "68", "村东头1号"],
    )
    assert words(checked) == []
    (person,) = checked.roster.households[0].people
    assert (person.name, person.born and person.born.iso(), person.lives_alone, person.party) == (
        "王德福",
        "1958",
        True,
        True,
    )
    assert checked.unused_columns == ("家庭住址",)


def test_an_id_card_gives_birth_date_and_sex_and_is_gone() -> None:
    number, old = id_card("19580304", 12), "330106580304123"
    checked = check(
        ["姓名", "组", "身份证号"], ["李桂英", "3", number], ["王德福", "3", old], ["王小军", "3", old + " "]
    )
    people = [home.people[0] for home in checked.roster.households]
    assert [(person.sex, person.born and person.born.iso()) for person in people[:2]] == [
        ("女", "1958-03-04"),
        ("男", "1958-03-04"),
    ]
    assert words(checked) == ["第4行：身份证号和第3行的 王德福 一样"]
    assert number not in repr(checked)
    assert old not in repr(checked)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (
            id_card("19580304")[:-1] + "0" if id_card("19580304")[-1] != "0" else id_card("19580304")[:-1] + "1",
            "校验不上",
        ),
        (id_card("19580304")[:-1], "写了17位"),
        ("3.30106E+17", "改成了数"),
        (3.3010619580304e17, "改成了数"),
        (id_card("19580230"), "出生日期不存在"),
        (id_card("20310101"), "今天以后"),
    ],
)
def test_a_wrong_id_card_is_named_without_being_quoted(cell: Cell, reason: str) -> None:
    checked = check(["姓名", "组", "身份证号"], ["王德福", "3", cell])
    (trouble,) = words(checked)
    assert reason in trouble
    assert "330106" not in trouble


def test_warnings_never_keep_a_roster_out() -> None:
    checked = check(
        ["姓名", "关系", "组", "年龄", "电话"],
        ["王德福", "户主", "3组", "168", "0571-88002001"],
        ["王伟", "户主", "3组", "40", "19900000002"],
        ["王伟", "户主", "4组", "30", "19900000002"],
    )
    assert words(checked) == []
    shown = words(checked, Level.WARNING)
    assert any("年龄不像真的：168岁" in each for each in shown)
    assert any("只有座机" in each for each in shown)
    assert any("同名" in each for each in shown)
    assert any("用同一个电话" in each for each in shown)


def test_what_looks_wrong_but_may_be_right_is_only_asked_about() -> None:
    checked = check_sheets(
        [
            sheet(
                [
                    ["姓名", "关系", "组", "性别", "出生日期"],
                    ["王德福", "户主", "9", "男", "1958-03-04"],
                    ["李桂英", "妻", "9", "男", "1960-01-01"],
                    ["王德福", "户主", "2", "男", "1958-03-04"],
                ]
            )
        ],
        Village(date(2026, 12, 5), groups=8),
    )
    assert words(checked) == []
    assert words(checked, Level.WARNING) == [
        "第2行：村里只有8个组，写的是9组",
        "第3行：关系是妻，性别写的是男",
        "第3行：村里只有8个组，写的是9组",
        "第4行：王德福 和第2行同名、同一天出生，请核对是不是同一个人",
    ]


def test_in_a_village_of_one_group_nobody_need_write_which() -> None:
    alone = Village(date(2026, 12, 5), groups=1)
    assert words(check_sheets([sheet([["姓名", "电话"], ["王德福", None]])], alone)) == []
    missing = check_sheets([sheet([["姓名", "组"], ["王德福", "1"], ["李大山", "1"], ["赵六", None]])], alone)
    assert words(missing) == ["第4行：赵六 没有写是哪一组"]


def test_a_household_without_a_head_is_named_after_its_oldest() -> None:
    checked = check(
        ["户号", "组", "姓名", "与户主关系", "年龄"], ["1", "3", "李桂英", "妻", "60"], ["1", "3", "王小军", "子", "30"]
    )
    assert words(checked) == []
    assert words(checked, Level.WARNING) == ["第2行：这一户没有户主这一行，暂时记作 李桂英 家"]
    assert checked.roster.households[0].head == "李桂英"


def test_one_phone_for_several_people_is_shared_in_the_order_of_the_rows() -> None:
    checked = check(
        ["姓名", "关系", "组", "电话"],
        ["王德福", "户主", "3组", "19900000004"],
        ["李桂英", "妻", "3组", "19900000004"],
    )
    phones = [person.phones for person in checked.roster.households[0].people]
    assert words(checked) == []
    assert phones[0] == phones[1]


def test_namesake_heads_in_one_group_are_two_where_their_birth_dates_say_so() -> None:
    checked = check(
        ["户主", "组", "姓名", "与户主关系", "出生日期"],
        ["王伟", "3", "王伟", "户主", "1960-01-01"],
        ["王伟", "3", "李芳", "妻", "1961-01-01"],
        ["王伟", "3", "王伟", "户主", "1980-01-01"],
        ["王伟", "3", "赵敏", "妻", "1982-01-01"],
    )
    assert words(checked) == []
    assert homes(checked) == [("王伟", 3, ["王伟", "李芳"]), ("王伟", 3, ["王伟", "赵敏"])]


TEN_MISTAKES: list[list[Cell]] = [
    ["青山村花名册"],
    ["序号", "组别", "户主", "姓名", "与户主关系", "性别", "出生日期", "身份证号", "联系电话"],
    ["1", "1组", "王德福", "王德福", "户主", "男", "1958-03-04", None, "19900000001"],
    ["2", "1组", "王德福", None, "妻", "女", "1960-01-01", None, None],  # 4: no name
    ["3", "1组", "赵大", "赵大", "户主", "男", "1970-02-30", None, None],  # 5: no such day
    ["4", "1组", "钱二", "钱二", "户主", "男", "1970-02-03", None, "1990000002"],  # 6: ten digits
    ["5", "1组", "孙三", "孙三", "户主", "男", "1971-02-03", None, "1.38E+10"],  # 7: digits lost
    ["6", "1组", "李四", "李四", "户主", "公", "1972-02-03", None, None],  # 8: sex
    ["7", "王家湾", "周五", "周五", "户主", "男", "1973-02-03", None, None],  # 9: group
    ["8", "1组", "吴六", "吴六", "户主", "男", None, "330106197402031235", None],  # 10: check digit
    ["9", None, "郑七", "郑七", "户主", "男", "1975-02-03", None, None],  # 11: no group
    ["10", "1组", "王德福", "王德福", "户主", "男", "1958-03-04", None, None],  # 12: twice
    ["11", "1组", "冯九", "冯九", "户主", "男", "2031-02-03", None, None],  # 13: born tomorrow
    ["12", "1组", "陈十", "陈十", "户主", "男", "1977-02-03", None, "19900000012"],
    ["合计", None, None, "11人", None, None, None, None, None],
]


def test_ten_mistakes_are_named_all_ten() -> None:
    checked = check(*TEN_MISTAKES)
    assert words(checked) == [
        "第4行：没有写姓名",
        "第5行：出生日期看不懂：1970-02-30。请写成 1958-03-04",
        "第6行：电话少了数字：199…（只有10位）",
        "第7行：电话变成了 1.38E+10，后面的数字丢了。请把这一列设成“文本”，重新填写",
        "第8行：性别只能写 男 或 女，写的是：公",
        "第9行：看不懂是哪一组：王家湾。请写成 3 或 3组",
        "第10行：身份证号不对：最后一位校验不上，可能抄错了一个数字",
        "第11行：郑七 没有写是哪一组",
        "第12行：王德福 和第3行重复了",
        "第13行：出生日期在今天以后：2031-02-03",
    ]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "表格是空的"),
        ([["今天天气好"]], "没有找到表头"),
        ([["姓名", "组别"]], "表头下面没有一个人"),
        ([["姓名", "关系", "组"], ["李桂英", "妻", "3"]], "第2行：李桂英 上面没有户主，不知道是哪一户的人"),
        ([["姓名", "关系"], ["王德福", "户主"]], "第2行：王德福 没有写是哪一组"),
        (
            [["户主", "姓名", "关系", "组"], ["王德福", "王德福", "户主", 3], ["王德福", "李桂英", "妻", 2]],
            "第3行：和同一户的人组别不一样：这里是2组，上面是3组",
        ),
        (
            [["户号", "姓名", "关系", "组"], [1, "王德福", "户主", 3], [1, "李桂英", "户主", 3]],
            "第3行：这一户有两个户主：第2行的 王德福 也是",
        ),
        (
            [["户主", "姓名", "关系", "组"], ["王德福", "李桂英", "户主", 3]],
            "第2行：关系写的是户主，可是户主那一列写的是 王德福",
        ),
    ],
)
def test_what_cannot_be_a_roster_says_why(rows: list[list[Cell]], reason: str) -> None:
    assert reason in "\n".join(words(check(*rows)))


def test_a_tenth_voter_on_one_phone_is_named() -> None:
    people: list[list[Cell]] = [[f"王{n}", "3", "19900000004"] for n in "一二三四五六七八九十"]
    checked = check(["姓名", "组", "电话"], *people)
    assert words(checked) == ["第11行：这个电话已经有9个人在用，再多就投不了票了（第2行起）"]


def test_hidden_sheets_are_left_out_and_said() -> None:
    rows: list[list[Cell]] = [["姓名", "组"], ["王德福", "3"]]
    checked = check_sheets([Sheet("1", rows), Sheet("旧的", rows, (), hidden=True)], VILLAGE)
    assert checked.roster.people == 1
    assert "有隐藏的工作表，没有读" in words(checked, Level.WARNING)


_CELLS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.floats(),
    st.integers(),
    st.dates(),
    st.booleans(),
    st.sampled_from(["户主", "妻", "王德福", "3组", "19900000001", "1958-03-04", "是", "合计", "姓名"]),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*(str(field) for field in Field), "别的"]), min_size=1, max_size=8),
    st.lists(st.lists(_CELLS, max_size=9), max_size=12),
    st.lists(
        st.tuples(*[st.integers(0, 12)] * 4).map(lambda c: Merged(min(c[0], c[2]), c[1], max(c[0], c[2]), c[3])),
        max_size=3,
    ),
)
def test_no_rows_do_more_than_be_refused(header: list[str], rows: list[list[Cell]], merged: list[Merged]) -> None:
    inside = tuple(each for each in merged if each.bottom < len(rows) + 1)
    checked = check_sheets([Sheet("随便", [list(header), *rows], inside)], VILLAGE)
    for trouble in checked.troubles:
        assert str(trouble.wording)
    for home in checked.roster.households:
        assert home.head or checked.errors
        assert 1 <= home.group_no <= 99
