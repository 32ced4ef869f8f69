"""Chinese dates: the words a villager says, checked against the almanac."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from village.ground import calendar
from village.ground.clock import parse_iso


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        ("2025-12-06T08:00", "12月6日周六早8点"),
        ("2026-12-06T15:00", "12月6日周日下午3点"),
        ("2026-12-09T18:00", "12月9日周三晚6点"),
        ("2026-01-01T12:00", "1月1日周四中午12点"),
        ("2026-01-01T19:30", "1月1日周四晚7点半"),
        ("2026-01-01T02:10", "1月1日周四凌晨2点10分"),
        ("2026-01-01T10:00", "1月1日周四上午10点"),
    ],
)
def test_moments_are_said_as_the_village_says_them(instant: str, words: str) -> None:
    assert calendar.moment_words(parse_iso(instant)) == words


@pytest.mark.parametrize(
    ("day", "lunar"),
    [
        ("2025-12-05", "十月十六"),
        ("2026-02-17", "正月初一"),
        ("2026-02-16", "腊月廿九"),
        ("2026-12-18", "冬月初十"),
        ("2023-03-22", "闰二月初一"),
        ("2026-03-08", "正月二十"),
        ("2025-01-28", "腊月廿九"),
        ("2024-02-09", "腊月三十"),
    ],
)
def test_lunar_dates_match_the_almanac(day: str, lunar: str) -> None:
    assert calendar.lunar_words(parse_iso(day)) == lunar


@given(st.integers(parse_iso("1950-01-01"), parse_iso("2098-12-31")))
def test_every_day_of_the_tables_has_a_lunar_date(instant_ms: int) -> None:
    words = calendar.lunar_words(instant_ms)
    assert words.removeprefix("闰")[-2:][0] in "初十廿二三"


def test_what_lies_near_is_named_and_the_rest_is_dated() -> None:
    now = parse_iso("2026-12-05T20:00")
    said = {day: calendar.short_moment(parse_iso(day), now) for day in (
        "2026-12-05T09:10", "2026-12-04T18:00", "2026-12-06T08:00", "2026-12-03T07:05", "2025-12-05T09:10",
    )}  # fmt: skip
    assert list(said.values()) == ["今天 9:10", "昨天 18:00", "明天 8:00", "12月3日 7:05", "2025年12月5日 9:10"]


def test_next_days_begin_with_today() -> None:
    days = calendar.next_days(parse_iso("2026-12-31T23:30"), 2)
    assert [calendar.date_words(day) for day in days] == ["12月31日周四", "1月1日周五"]
