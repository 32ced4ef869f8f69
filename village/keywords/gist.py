"""A notice in two or three words for the list that 01 answers with: 停水(明天), 医保(25日止).

Never changes a notice; what it cannot shorten it cuts.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from village.keywords.replies import Item

LONGEST = 6
"""Characters of a headline; three of them, with their days, fit one SMS."""

_HOUR = (
    "(?:凌晨|清早|早上|早晨|早|上午|中午|下午|傍晚|晚上|晚|夜里)?[0-9]{1,2}"
    "(?:点半|点钟|点[0-9]{1,2}分?|点|时|:[0-9]{2})"
)
_DAY = (
    "(?:[0-9]{4}年的?|[0-9]{1,2}月[0-9]{1,2}[日号]|[0-9]{1,2}[日号]|[0-9]{1,2}月份?|今天|今晚|明天|明早|明晚|后天|"
    "本周|这周|下周|(?:周|星期|礼拜)[一二三四五六日天]|农历[^,，。 ]{2,6}|[初廿][一二三四五六七八九十])"
)
_LEADING = re.compile(
    f"(?:{_DAY}|{_HOUR}|[(（][^)）]*[)）]|各位(?:村民|乡亲)|村民们|通知|紧急通知|我村|本村|全村|"
    "在?村委会(?:大院|门口|会议室)?|从|自|于|在|将|到|至|—|-|~|、|[,，:： ])+"
)
_CLAUSE_END = re.compile("[,，。;；:：!！?？\\n ]|现在|可以|开始|[0-9]{1,2}月[0-9]{1,2}[日号]")
_DATE = re.compile("([0-9]{1,2})月([0-9]{1,2})[日号]")
_DEADLINE = re.compile("[日号](?:之?前|止|截止|以前|到期)|截止")


def gist(number: int, text: str, today: date) -> Item:
    """The notice's number, its first words without the when, and the day it names."""
    return Item(number, _headline(text), _day(text, today))


def _headline(text: str) -> str:
    leading = _LEADING.match(text)
    rest = text[leading.end() :] if leading else text
    first = _CLAUSE_END.split(rest.strip(), maxsplit=1)[0] or text.strip()
    return first[:LONGEST]


def _day(text: str, today: date) -> str:
    found = _DATE.search(text)
    if found is None:
        return ""
    try:
        day = _nearest(int(found[1]), int(found[2]), today)
    except ValueError:
        return ""
    if day < today:
        return ""
    end = "止" if _DEADLINE.search(text[found.start() : found.end() + 4]) else ""
    near = {today: "今天", today + timedelta(days=1): "明天"}.get(day)
    if near is None:
        near = f"{day.day}日" if (day.year, day.month) == (today.year, today.month) else f"{day.month}月{day.day}日"
    return near + end


def _nearest(month: int, day: int, today: date) -> date:
    """The year is not written: in December 1月5日 is next year's. Raises ValueError for 2月30日."""
    this_year = date(today.year, month, day)
    return this_year if (today - this_year).days < 180 else this_year.replace(year=today.year + 1)
