"""What clerks call their columns."""

from __future__ import annotations

import pytest

from village.people.headers import Field, recognise


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("姓名", Field.NAME),
        ("姓　名", Field.NAME),
        ("家庭成员姓名", Field.NAME),
        ("户主", Field.HEAD),
        ("户主姓名", Field.HEAD),
        ("与户主关系", Field.RELATION),
        ("与户主的关系", Field.RELATION),
        ("关系", Field.RELATION),
        ("性别", Field.SEX),
        ("出生日期", Field.BORN),
        ("出生\n年月", Field.BORN),
        ("出生年月（公历）", Field.BORN),
        ("年龄", Field.AGE),
        ("身份证号", Field.ID_CARD),
        ("身份证号码*", Field.ID_CARD),
        ("公民身份号码", Field.ID_CARD),
        ("组别", Field.GROUP),
        ("村民小组", Field.GROUP),
        ("组", Field.GROUP),
        ("手机", Field.PHONE),
        ("手机号", Field.PHONE),
        ("手机号码", Field.PHONE),
        ("电话", Field.PHONE),
        ("联系电话", Field.PHONE),
        ("联系电话（手机）", Field.PHONE),
        ("电话2", Field.PHONE),
        ("手机号码二", Field.PHONE),
        ("座机", Field.PHONE),
        ("备注", Field.NOTE),
        ("是否党员", Field.PARTY),
        ("是否党员(是/否)", Field.PARTY),
        ("政治面貌", Field.PARTY),
        ("村民代表", Field.REPRESENTATIVE),
        ("户代表", Field.HOUSEHOLD_REP),
        ("外出", Field.AWAY),
        ("外出务工地", Field.WHERE),
        ("是否在家", Field.AT_HOME),
        ("独居", Field.ALONE),
        ("方言", Field.DIALECT),
        ("语言", Field.DIALECT),
        ("序号", Field.SERIAL),
    ],
)
def test_a_header_is_known_by_its_variants(written: str, field: Field) -> None:
    assert recognise(written) is field


@pytest.mark.parametrize("written", ["家庭住址", "民族", "王德福", "19900000001", "", "姓名" * 30, "青山村花名册"])
def test_what_is_no_header_of_ours_is_none(written: str) -> None:
    assert recognise(written) is None
