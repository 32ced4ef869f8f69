"""Dates and times of day as a villager says them. It never checks whether a date makes sense for the notice."""

import datetime
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from audio.numerals import cardinal, year
from audio.rule import MEASURES, SPAN, Rule, after, before

_PERIODS = (
    "今晚|明晚|当晚|今早|明早|早上|早晨|清晨|上午|中午|下午|午后|傍晚|晚上|夜里|夜间|半夜|凌晨|早|晚"  # longest first
)
_PERIOD_BEFORE = re.compile(rf"(?:{_PERIODS})\s*$")
_FROM_BEFORE = re.compile(r"[从自]\s*$")
_NOT_A_POINT_IN_TIME = "意见|建议|要求|内容|说明|注意|理由|原因|经验|体会|希望|想法|问题|共识|以?[内外]?积分|利息"
_CLOCK = (
    r"(?P<{0}h>\d{{1,2}})(?:"
    r":(?P<{0}m>[0-5]\d)(?::(?P<{0}s>[0-5]\d))?(?![:\d.%])(?:\s*(?P<{0}ap>[AaPp])\.?[Mm]\b\.?)?"
    rf"|(?:点(?!{_NOT_A_POINT_IN_TIME})|时(?![间候段代节期令速髦尚而常机差]))"
    r"(?:(?P<{0}dm>[0-5]?\d)(?:分(?!钟)|(?![\d.:]|" + MEASURES + r"))|(?P<{0}half>半)|整)?)"
)
_EDGE = r"(?<![\d.:])(?<![扣减降升涨跌提])"
_WEEKDAY_FOLLOWS = re.compile(r"[\s(,、]*(?:周|星期|礼拜)[一二三四五六日天1-7]")
_WEEKDAY_BEFORE = re.compile(r"(?:周|星期|礼拜)[一二三四五六日天1-7][\s),、]*$")
_DAY_NAMED_BEFORE = re.compile(r"(?:今天|明天|后天|今日|明日|次日|本日|当天|昨天)[\s(,、]*$")
_SPAN_FOLLOWS = re.compile(r"\s*(?:[-~—–]|至|到)")
_SPAN_BEFORE = re.compile(r"(?:至|到)\s*$")
_HAPPENS = "停[水电气]|开会|选举|投票|体检|放假|开学|报名|值班|培训|施工|封路|接种|放映|缴费"
_HAPPENS_THEN = re.compile(rf"\s*,?\s*(?:全村|全天|每天|期间|村里|在|{_HAPPENS})")
_OF_A_YEAR = "[春夏秋冬初底末]|洪水|出生|生人|建成|建的|盖的|修的|入党|退伍|结婚"
_OF_A_GENERATION = "青年|干部|党员|小伙|大学|年轻|夫妻"
_FARMERS_WRITTEN = re.compile("农历|阴历|旧历|[正冬腊]月|初[一二三四五六七八九十]")
_DATE_BEFORE = re.compile(r"[日号][\s(,、]*$")
_FARMERS_DAY = (
    "(?P<name>(?:农历|阴历|旧历)?)(?P<month>闰?(?:正|二|三|四|五|六|七|八|九|十|冬|腊)月)"
    "(?P<day>初[一二三四五六七八九十]|十[一二三四五六七八九]|(?:二十|廿)[一二三四五六七八九]?|三十)(?![日号])"
)
_LUNAR_MONTHS = ("正", "二", "三", "四", "五", "六", "七", "八", "九", "十", "冬", "腊")
_FESTIVALS = {"3.8": "三八", "5.1": "五一", "6.1": "六一", "7.1": "七一", "8.1": "八一", "10.1": "十一"}
_NEAR_DAYS = ("今天", "明天", "后天")
_WEEKDAY_WITHIN_DAYS = 14


Lunar = Callable[[datetime.date], str]
"""A day by the farmer's calendar, 腊月初八 or 闰六月廿三; empty where the tables do not reach."""


class Calendar(Protocol):
    """What speech has to know of the day. The village owns the real one: clock and lunar tables are its own."""

    def today(self) -> datetime.date | None:
        """The day it is, or None while the time is only guessed: then nothing is called 明天."""
        ...

    def lunar(self, day: datetime.date) -> str:
        """The farmer's date."""
        ...


@dataclass(frozen=True, slots=True)
class _Clock:
    """One time of day on the 24-hour clock, as written."""

    hour: int
    minute: int
    second: int = 0

    @property
    def afternoon(self) -> bool:
        return self.hour > 12

    def spoken(self, *, period_written: bool, name_morning: bool) -> str:
        """The time in words: 15:00 → 下午三点. The part of the day is left out where it is written already."""
        hour = self.hour if self.hour <= 12 else self.hour - 12
        period = "" if period_written else self.period(name_morning=name_morning)
        words = period + ("两" if hour == 2 else cardinal(str(hour))) + "点"
        if self.minute == 30 and not self.second:
            return words + "半"
        if self.minute or self.second:
            words += ("零" if self.minute < 10 else "") + (cardinal(str(self.minute)) if self.minute else "") + "分"
        return words + (f"{cardinal(str(self.second))}秒" if self.second else "")

    def period(self, *, name_morning: bool) -> str:
        """The part of the day; that of a morning only where it is asked for, since 8:30 alone may be either."""
        if self.hour == 24:
            return "夜里"
        if self.hour >= 18:
            return "晚上"
        if self.hour >= 13:
            return "下午"
        if self.hour == 12:
            return "中午"
        if not name_morning:
            return ""
        if self.hour < 5:
            return "凌晨"
        return "早上" if self.hour < 9 else "上午"


def rules(today: datetime.date | None, lunar: Lunar | None = None) -> tuple[Rule, ...]:
    """The rules for dates and times, in order. With `today` a near date also gets its 明天, its weekday and `lunar`."""

    def full_date(found: re.Match[str]) -> str:
        return _date(found, found["y"], today, lunar)

    def month_day(found: re.Match[str]) -> str:
        return _date(found, None, today, lunar)

    def farmers_day(found: re.Match[str]) -> str:
        return found[0] if today is None or lunar is None else _near_farmers_day(found, today, lunar)

    day = r"(?P<m>\d{1,2})月(?P<d>\d{1,2})"
    century = r"(?:19|20)\d{2}"
    return (
        Rule(rf"(?P<name>周|星期|礼拜)(?P<a>[1-7])\s*{SPAN}\s*(?:周|星期|礼拜)?(?P<b>[1-7])(?!\d)", _weekday_span),
        Rule(r"(?P<name>周|星期|礼拜)(?P<a>[1-7])(?![\d.年个])", lambda found: found["name"] + _weekday(found["a"])),
        Rule(r"(?<=[日号月年点分时半天])\s*[-~—–]+\s*(?=\d|" + _PERIODS + ")", lambda _: "到"),
        Rule(r"(?<=[周期拜][一二三四五六日天])\s*[-~—–]+\s*(?=[周星礼一二三四五六日天])", lambda _: "到"),
        Rule(
            r"(?P<name>农历|阴历|旧历)\s*(?:(?P<y>\d{4})年)?\s*(?P<leap>闰?)(?P<m>\d{1,2})月\s*初?(?P<d>\d{1,2})日?",
            _lunar,
        ),
        Rule(
            rf"(?<=[正冬腊]月)\s*初?(?P<d>\d{{1,2}})(?:\s*(?:{SPAN}|至|到)\s*初?(?P<to>\d{{1,2}}))?(?:日|(?![\d.]|{MEASURES}))",
            _farmers_month_day,
        ),
        Rule(rf"初(?P<d>\d{{1,2}})\s*(?:{SPAN}|至|到)\s*初?(?P<to>\d{{1,2}})(?![\d.]|{MEASURES})", _farmers_month_day),
        Rule(_FARMERS_DAY, farmers_day),
        Rule(
            r'(?<![\d.])["“「]?(?P<f>3\.8|[5678]\.1|10\.1)["”」]?(?=国?际?(?:妇女|劳动|儿童|国庆|建党|建军))',
            _festival,
        ),
        Rule(
            r'(?<![\d.])["“「]?(?P<m>1[0-2]|[1-9])[.·](?P<d>3[01]|[12]\d|[1-9])["”」]?'
            r"(?=(?:全国|国家|全民|国际|世界)*(?:宪法|消防|禁毒|防灾|减灾|消费|国家安全|安全|重阳|公益|植树|爱眼|艾滋))",
            _named_day,
        ),
        Rule(r"(?<=点)\s*(?P<q>[123])(?=刻)", lambda found: cardinal(found["q"])),
        Rule(
            rf"(?<!\d)(?P<y>{century})(?P<gap>[-/.])(?P<m>\d{{1,2}})(?P=gap)(?P<d>\d{{1,2}})(?![-/.]?\d)"
            r"(?P<unit>[日号])?(?:T(?=\d))?",
            full_date,
        ),
        Rule(rf"(?<!\d)(?P<y>\d{{4}})年{day}(?:(?P<unit>[日号])|(?!\d))", full_date),
        Rule(rf"(?<![\d*])(?P<y>{century})(?P<m>[01]\d)(?P<d>[0-3]\d)(?!\d)(?P<unit>日)?", full_date),
        Rule(rf"(?<!\d)(?P<a>{century})\s*{SPAN}\s*(?P<b>{century})(?!\d|元|人|户|斤|亩|块|万)", _year_span),
        Rule(rf"(?<!\d)(?P<y>{century})-(?P<m>0[1-9]|1[0-2])(?![-\d]|元|人|户)", _year_month),
        Rule(
            rf"(?<![\d.])(?P<y>{century})\.(?P<m>1[0-2]|0?[1-9])"
            rf"(?:\s*(?:{SPAN}|至|到)\s*(?P<y2>{century})\.(?P<m2>1[0-2]|0?[1-9]))?(?![\d.%]|\s*(?:{MEASURES}))",
            _year_month_span,
        ),
        Rule(r"(?<!\d)(?P<y>\d{4})(?=年|届|级|版)", lambda found: year(found["y"])),
        Rule(rf"(?<!\d)(?P<y>\d{{2}})(?=年\d{{1,2}}月|年(?:{_OF_A_YEAR}))", lambda found: year(found["y"])),
        Rule(rf"(?<![\d.])(?P<y>[05-9]0)(?=后(?:$|[,。;、!?\s]|{_OF_A_GENERATION}))", lambda found: year(found["y"])),
        Rule(rf"(?<!\d){day}(?:(?P<unit>[日号])|(?!\d|\.\d|" + MEASURES + r"))", month_day),
        Rule(
            rf"(?<![\d.:/-])(?P<m>1[0-2]|0?[1-9])(?P<s>[./])(?P<d>3[01]|[12]\d|0?[1-9])\s*(?:{SPAN}|至|到)\s*"
            r"(?P<m2>1[0-2]|0?[1-9])(?P=s)(?P<d2>3[01]|[12]\d|0?[1-9])(?P<unit>[日号]?)(?![\d.:/%-])",
            _date_span,
        ),
        Rule(r"(?<![\d.])(?P<m>\d{1,2})[./](?P<d>\d{1,2})(?P<unit>[日号])", month_day),
        Rule(
            r"(?<![\d.])(?P<m>\d{1,2})[./](?P<d>\d{1,2})(?P<unit>)"
            rf"(?=前|后|起|止|截止|之前|以前|之后|以后|开始|{_HAPPENS})",
            month_day,
        ),
        Rule(
            _EDGE + _CLOCK.format("a") + rf"\s*(?:{SPAN}|至|到)\s*(?P<mid>{_PERIODS})?" + _CLOCK.format("b"),
            _clock_span,
        ),
        Rule(_EDGE + rf"(?P<ah>\d{{1,2}})\s*{SPAN}\s*" + _CLOCK.format("b"), _hour_span),
        Rule(_EDGE + _CLOCK.format(""), _clock),
    )


def _date(found: re.Match[str], written_year: str | None, today: datetime.date | None, lunar: Lunar | None) -> str:
    month, day, unit = found["m"], found["d"], found["unit"]
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return found[0]
    words = f"{cardinal(month)}月{cardinal(day)}{unit or '日'}"
    if written_year is not None:
        words = f"{year(written_year)}年{words}"
    if today is None:
        return words
    return _beside_today(found, words, _calendar_day(written_year, int(month), int(day), today), today, lunar)


def _calendar_day(written_year: str | None, month: int, day: int, today: datetime.date) -> datetime.date | None:
    try:
        if written_year is not None:
            return datetime.date(int(written_year), month, day)
        this_year = datetime.date(today.year, month, day)
        return this_year if this_year >= today else datetime.date(today.year + 1, month, day)
    except ValueError:
        return None


def _beside_today(
    found: re.Match[str], words: str, day: datetime.date | None, today: datetime.date, lunar: Lunar | None
) -> str:
    ahead, behind = before(found), after(found)
    if day is None or _SPAN_FOLLOWS.match(behind) or _SPAN_BEFORE.search(ahead):
        return words
    away_days = (day - today).days
    if not 0 <= away_days < _WEEKDAY_WITHIN_DAYS:
        return words
    if not (_WEEKDAY_FOLLOWS.match(behind) or _WEEKDAY_BEFORE.search(ahead)):
        words += "星期" + "一二三四五六日"[day.weekday()]
    near = _NEAR_DAYS[away_days] if away_days < len(_NEAR_DAYS) and not _DAY_NAMED_BEFORE.search(ahead) else ""
    farmers = _farmers_date(lunar(day)) if lunar is not None and not _FARMERS_WRITTEN.search(ahead + behind) else ""
    return "，".join(filter(None, (near, farmers, words))) if farmers else near + words


def _farmers_date(lunar: str) -> str:
    """As it is said: 腊月初八 by itself, but 农历十月十七, which the other calendar has too."""
    return ("" if lunar[:1] in ("", "正", "冬", "腊") else "农历") + lunar.replace("廿", "二十").replace(
        "二十十", "二十"
    )


def _near_farmers_day(found: re.Match[str], today: datetime.date, lunar: Lunar) -> str:
    """后天，腊月初八: a farmer's date that is near is also named from today."""
    if not found["name"] and found["month"][-2] not in "正冬腊" and not found["day"].startswith("初"):
        return found[0]  # 十月十七 is more likely the other calendar's
    if _DATE_BEFORE.search(before(found)):
        return found[0]  # 12月6日(农历十月廿八): the day is named already
    wanted = found["month"] + found["day"].replace("廿", "二十")
    for away_days, near in enumerate(_NEAR_DAYS):
        if lunar(today + datetime.timedelta(days=away_days)).replace("廿", "二十") == wanted:
            return found[0] if _DAY_NAMED_BEFORE.search(before(found)) else f"{near}，{found[0]}"
    return found[0]


def _weekday(digit: str) -> str:
    return "一二三四五六日"[int(digit) - 1]


def _weekday_span(found: re.Match[str]) -> str:
    return f"{found['name']}{_weekday(found['a'])}到{found['name']}{_weekday(found['b'])}"


def _lunar(found: re.Match[str]) -> str:
    month, day = int(found["m"]), int(found["d"])
    if not (1 <= month <= 12 and 1 <= day <= 30):
        return found[0]
    written_year = f"{year(found['y'])}年" if found["y"] else ""
    return f"{found['name']}{written_year}{found['leap']}{_LUNAR_MONTHS[month - 1]}月{_lunar_day(day)}"


def _lunar_day(day: int) -> str:
    return ("初" if day <= 10 else "") + cardinal(str(day))


def _farmers_month_day(found: re.Match[str]) -> str:
    first, last = int(found["d"]), int(found["to"] or 1)
    if not (1 <= first <= 30 and 1 <= last <= 30):
        return found[0]
    return _lunar_day(first) + (f"到{_lunar_day(last)}" if found["to"] else "")


def _named_day(found: re.Match[str]) -> str:
    """\"12.4\"宪法日: 十二四; 11.9 is the fire brigade's number."""
    if (found["m"], found["d"]) == ("11", "9"):
        return "幺幺九"
    return cardinal(found["m"]) + year(found["d"])


def _date_span(found: re.Match[str]) -> str:
    """12/6-12/8, and 12.6-12.8 where it says what happens then: alone the latter may be any two numbers."""
    start, end = (int(found["m"]), int(found["d"])), (int(found["m2"]), int(found["d2"]))
    if found["s"] == "." and not found["unit"] and not _HAPPENS_THEN.match(after(found)):
        return found[0]
    if found["s"] == "." and start >= end:
        return found[0]
    first, last = (f"{cardinal(str(month))}月{cardinal(str(day))}日" for month, day in (start, end))
    return f"{first}到{last}"


def _festival(found: re.Match[str]) -> str:
    return _FESTIVALS[found["f"]]


def _year_span(found: re.Match[str]) -> str:
    return f"{year(found['a'])}到{year(found['b'])}"


def _year_month(found: re.Match[str]) -> str:
    return f"{year(found['y'])}年{cardinal(found['m'])}月"


def _year_month_span(found: re.Match[str]) -> str:
    last = f"到{year(found['y2'])}年{cardinal(found['m2'])}月" if found["y2"] else ""
    return _year_month(found) + last


def _time(found: re.Match[str], name: str = "") -> _Clock | None:
    minute = found[f"{name}m"] or found[f"{name}dm"] or ("30" if found[f"{name}half"] else "0")
    clock = _Clock(int(found[f"{name}h"]), int(minute), int(found[f"{name}s"] or "0"))
    return clock if clock.hour < 24 or (clock.hour == 24 and not clock.minute) else None


def _half_day(found: re.Match[str], name: str = "") -> str:
    mark = found[f"{name}ap"]
    return "" if mark is None else "上午" if mark in "Aa" else "下午"


def _clock(found: re.Match[str]) -> str:
    time = _time(found)
    if time is None:
        return found[0]
    half_day = _half_day(found)
    written = bool(half_day) or bool(_PERIOD_BEFORE.search(before(found)))
    return half_day + time.spoken(period_written=written, name_morning=False)


def _clock_span(found: re.Match[str]) -> str:
    start, end = _time(found, "a"), _time(found, "b")
    if start is None or end is None:
        return found[0]
    mid = found["mid"] or _half_day(found, "b")
    return _between(found, start, end, mid, _half_day(found, "a"))


def _hour_span(found: re.Match[str]) -> str:
    start, end = _Clock(int(found["ah"]), 0), _time(found, "b")
    if end is None or start.hour > 24:
        return found[0]
    return _between(found, start, end, _half_day(found, "b"), "")


def _between(found: re.Match[str], start: _Clock, end: _Clock, end_period: str, start_period: str) -> str:
    ahead = before(found)
    written = bool(_PERIOD_BEFORE.search(ahead))
    name_morning = start.afternoon or end.afternoon
    first = start_period + start.spoken(period_written=written or bool(start_period), name_morning=name_morning)
    same_period = not start_period and start.period(name_morning=name_morning) == end.period(name_morning=name_morning)
    second = end_period + end.spoken(period_written=bool(end_period) or same_period, name_morning=name_morning)
    lead = "" if written or _FROM_BEFORE.search(ahead) else "从"
    return f"{lead}{first}到{second}"
