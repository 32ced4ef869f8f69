"""One cell at a time: what people write, and what it means or why it means nothing."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from village.people.cells import (
    Away,
    CellError,
    group_in_title,
    read_age,
    read_away,
    read_born,
    read_group,
    read_name,
    read_party,
    read_phones,
    read_sex,
    read_yes,
)
from village.people.headers import Field
from village.people.sheet import Cell

TODAY = date(2026, 12, 5)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        (19900000001.0, ["+8619900000001"]),
        (19900000001, ["+8619900000001"]),
        ("19900000001.0", ["+8619900000001"]),
        ("1.9900000001E+10", ["+8619900000001"]),
        ("199 0000 0001", ["+8619900000001"]),
        ("199-0000-0001", ["+8619900000001"]),
        ("'19900000001", ["+8619900000001"]),
        ("１９９００００００２１", ["+8619900000021"]),
        ("+86 199 0000 0001", ["+8619900000001"]),
        ("19900000001/19900000002", ["+8619900000001", "+8619900000002"]),
        ("19900000001、19900000002", ["+8619900000001", "+8619900000002"]),
        ("19900000001，19900000002；19900000003", ["+8619900000001", "+8619900000002", "+8619900000003"]),
        ("19900000001 19900000002", ["+8619900000001", "+8619900000002"]),
        ("199 0000 0001 199 0000 0002", ["+8619900000001", "+8619900000002"]),
        ("19900000001\n19900000002", ["+8619900000001", "+8619900000002"]),
        ("19900000001/19900000001", ["+8619900000001"]),
        ("19900000001（儿子）", ["+8619900000001"]),
        ("女儿19900000001", ["+8619900000001"]),
        ("0571-88001234", ["+8657188001234"]),
        ("(0571) 88001234", ["+8657188001234"]),
        ("88001234", ["+8657188001234"]),
        ("", []),
        (None, []),
        ("无", []),
        ("没有电话", []),
        ("—", []),
    ],
)
def test_phones_are_read_however_they_are_written(cell: Cell, numbers: list[str]) -> None:
    found, wrong = read_phones(cell, "0571")
    assert [phone.e164 for phone in found] == numbers
    assert wrong == []


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("1.38E+10", "后面的数字丢了"),
        ("1.99E+10", "后面的数字丢了"),
        (1.38e10, "后面的数字丢了"),
        ("1990000001", "只有10位"),
        ("199000000011", "有12位"),
        ("88001234", "没有区号"),
        ("10086", "不是村民自己的电话"),
        ("l9900000001", "不是数字"),
        ("330106195803041234", "像身份证号"),
        ("0571-88001234转3", "分机"),
        ("0571-88001234（转3）", "分机打不通短信和自动电话：057…-880…转3"),
        ("13800138007 转 5", "分机打不通短信和自动电话：138…转5"),
        ("13800138007转 5", "分机"),
        ("0571 88001234 分机 301", "分机"),
        ("13800138007 ext. 5", "分机"),
        ("不知道", "看不懂"),
    ],
)
def test_a_wrong_phone_says_what_is_wrong(cell: Cell, reason: str) -> None:
    found, wrong = read_phones(cell, None)
    assert found == []
    assert len(wrong) == 1
    assert reason in str(wrong[0])


@pytest.mark.parametrize("cell", ["0571 88001234 转 301 19900000001", "19900000001 0571-88001234 转 3"])
def test_an_extension_takes_no_other_number_with_it(cell: Cell) -> None:
    found, wrong = read_phones(cell, None)
    assert [phone.e164 for phone in found] == ["+8619900000001"]
    assert len(wrong) == 1
    assert "分机" in str(wrong[0])


def test_one_good_and_one_wrong_number_give_both() -> None:
    found, wrong = read_phones("19900000001/1990000", None)
    assert [phone.e164 for phone in found] == ["+8619900000001"]
    assert len(wrong) == 1


@pytest.mark.parametrize(
    ("cell", "iso"),
    [
        ("1958-03-04", "1958-03-04"),
        ("1958/3/4", "1958-03-04"),
        ("1958.3.4", "1958-03-04"),
        ("1958年3月4日", "1958-03-04"),
        ("１９５８年３月４日", "1958-03-04"),
        ("1958-03-04 00:00:00", "1958-03-04"),
        ("19580304", "1958-03-04"),
        (19580304.0, "1958-03-04"),
        (date(1958, 3, 4), "1958-03-04"),
        (21248.0, "1958-03-04"),
        ("21248", "1958-03-04"),
        ("1958年3月", "1958-03"),
        ("1958.03", "1958-03"),
        ("195803", "1958-03"),
        (1958, "1958"),
        ("1958年", "1958"),
    ],
)
def test_birth_dates_are_read_in_every_form(cell: Cell, iso: str) -> None:
    born = read_born(cell, TODAY)
    assert born is not None
    assert born.iso() == iso


@pytest.mark.parametrize(
    "cell", ["1958-02-30", "1958-13-01", "58.3.4", "农历三月初四", "03/04/1958", "1558-01-01", "不详"]
)
def test_a_date_that_is_none_is_refused(cell: str) -> None:
    with pytest.raises(CellError, match="出生日期看不懂"):
        read_born(cell, TODAY)


def test_nobody_is_born_tomorrow() -> None:
    with pytest.raises(CellError, match="今天以后"):
        read_born("2026-12-06", TODAY)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("第三村民小组", 3),
        ("3组", 3),
        ("三组", 3),
        ("第3组", 3),
        ("３组", 3),
        ("青山村3组", 3),
        ("三里屯五组", 5),
        ("3", 3),
        (3.0, 3),
        ("三", 3),
        ("第十二村民小组", 12),
        ("二十一组", 21),
        ("三队", 3),
        (None, None),
        ("", None),
    ],
)
def test_groups_are_read_in_every_form(cell: Cell, number: int | None) -> None:
    assert read_group(cell) == number


@pytest.mark.parametrize("cell", ["王家湾", "0", "100", "三四组长", "3-4组那边"])
def test_a_group_that_is_no_number_is_refused(cell: str) -> None:
    with pytest.raises(CellError, match="哪一组"):
        read_group(cell)


def test_a_title_names_its_group_only_where_it_names_one() -> None:
    assert group_in_title("青山村第三村民小组花名册") == 3
    assert group_in_title("1组") == 1
    assert group_in_title("1组、2组名单") is None
    assert group_in_title("Sheet1") is None


def test_names_lose_their_padding_and_keep_their_dots() -> None:
    assert read_name("王 伟") == "王伟"
    assert read_name("王　德 福") == "王德福"
    assert read_name("阿不都·热合曼") == "阿不都·热合曼"
    assert read_name("王德福（户主）") == "王德福"
    for wrong in ("王德福1", "=1+1", "19900000001"):
        with pytest.raises(CellError):
            read_name(wrong)


def test_sex_marks_and_ages() -> None:
    assert [read_sex(cell) for cell in ("男", "女性", "F", None)] == ["男", "女", "女", None]
    with pytest.raises(CellError):
        read_sex("不明")
    assert [read_yes(cell, Field.ALONE) for cell in ("是", "√", "独居", "否", "", None, "×", True)] == [
        True, True, True, False, False, False, False, True,
    ]  # fmt: skip
    assert [read_party(cell) for cell in ("中共党员", "中共预备党员", "是", "群众", "非党员", "共青团员", "")] == [
        True, True, True, False, False, False, False,
    ]  # fmt: skip
    assert [read_age(cell) for cell in (68.0, "68岁", "8个月", "-3", "999", None)] == [68, 68, 0, -3, 999, None]


@pytest.mark.parametrize(
    ("cell", "yes_means_away", "expected"),
    [
        ("是", True, Away(True)),
        ("否", True, Away(False)),
        ("否", False, Away(True)),
        ("在家", True, Away(False)),
        ("浙江杭州", True, Away(True, "浙江杭州")),
        ("外出务工", True, Away(True)),
        (None, True, Away(False)),
    ],
)
def test_away_is_read_from_a_yes_or_from_a_place(cell: Cell, yes_means_away: bool, expected: Away) -> None:
    assert read_away(cell, yes_means_away=yes_means_away) == expected


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.dates(), st.none()))
def test_no_cell_does_more_than_be_refused(cell: Cell) -> None:
    read_phones(cell, None)
    for read in (read_name, read_group, read_sex, read_age, lambda c: read_born(c, TODAY)):
        try:
            read(cell)
        except CellError:
            continue
