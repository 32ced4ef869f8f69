"""Dates and hours as the village writes them: 12月6日周六早8点, and 十月十六 by the farmer's calendar.

Never speaks another language: these words go into Chinese messages, speech and pages alike.
"""

from __future__ import annotations

from datetime import date, timedelta

import lunardate

from village.ground.clock import beijing

_WEEKDAYS = "一二三四五六日"
_LUNAR_MONTHS = ("正月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "冬月", "腊月")
_NUMERALS = "一二三四五六七八九十"

_PARTS_OF_DAY = ((5, "凌晨"), (9, "早"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚"))
"""The hour at which each word stops being said."""


def weekday_words(day: date) -> str:
    """周六"""
    return "周" + _WEEKDAYS[day.weekday()]


def date_words(day: date) -> str:
    """12月6日周六"""
    return f"{day.month}月{day.day}日{weekday_words(day)}"


def day_words(instant_ms: int) -> str:
    """The Beijing day of an instant: 12月6日周六"""
    return date_words(beijing(instant_ms).date())


def hour_words(hour: int, minute: int = 0) -> str:
    """早8点, 下午3点, 晚7点半, 中午12点20分"""
    part = next(word for end, word in _PARTS_OF_DAY if hour < end)
    spoken = hour - 12 if hour > 12 else hour
    if minute == 0:
        return f"{part}{spoken}点"
    return f"{part}{spoken}点半" if minute == 30 else f"{part}{spoken}点{minute}分"


def clock_words(instant_ms: int) -> str:
    """The Beijing hour of an instant: 早8点"""
    moment = beijing(instant_ms)
    return hour_words(moment.hour, moment.minute)


def moment_words(instant_ms: int) -> str:
    """12月6日周六早8点"""
    return day_words(instant_ms) + clock_words(instant_ms)


def short_moment(instant_ms: int, now_ms: int) -> str:
    """今天 9:10, 昨天 18:00, 明天 8:00, else 12月3日 9:10; with the year where it is another one."""
    moment, today = beijing(instant_ms), beijing(now_ms).date()
    hour = f"{moment.hour}:{moment.minute:02d}"
    near = {0: "今天", -1: "昨天", 1: "明天"}.get((moment.date() - today).days)
    if near is not None:
        return f"{near} {hour}"
    year = "" if moment.year == today.year else f"{moment.year}年"
    return f"{year}{moment.month}月{moment.day}日 {hour}"


def lunar_words(instant_ms: int) -> str:
    """The farmer's date of an instant: 十月十六, 闰二月初一, 腊月三十. Empty beyond the tables (1900 to 2099)."""
    day = beijing(instant_ms).date()
    try:
        lunar = lunardate.LunarDate.from_solar_date(day.year, day.month, day.day)
    except (ValueError, NotImplementedError):
        return ""
    leap = "闰" if lunar.is_leap_month else ""
    return leap + _LUNAR_MONTHS[lunar.month - 1] + _lunar_day(lunar.day)


def _lunar_day(day: int) -> str:
    if day <= 10:
        return "初" + _NUMERALS[day - 1]
    if day < 20:
        return "十" + _NUMERALS[day - 11]
    return {20: "二十", 30: "三十"}.get(day, "廿" + _NUMERALS[(day - 21) % 10])


def next_days(instant_ms: int, count: int) -> list[date]:
    """Today and the days after it, for pages that offer a choice of days."""
    today = beijing(instant_ms).date()
    return [today + timedelta(days=ahead) for ahead in range(count)]
