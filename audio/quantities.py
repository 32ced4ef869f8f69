"""Money, measures, ranges, shares and plain numbers. It runs last among the number rules and leaves no digit behind."""

import re

from audio.numerals import cardinal, decimal, spelled, year
from audio.rule import COUNTED, MEASURES, SPAN, Rule, after, before

_NUMBER = r"\d+(?:\.\d+)?"
_COUNTED = re.compile(rf"\s*(?:{COUNTED})", re.ASCII)
_MEASURED = re.compile(rf"\s*(?:{MEASURES})", re.ASCII)
# A name, not a count, although the word could count: 2年级, 2分之一, 2亩 is fine but 2级 never was in the list.
_NAMED = re.compile(r"\s*(?:年级|点[零一二三四五六七八九]|分之|区|成员)")
_RATIO_BEFORE = re.compile(r"(?:比例|比分|按|浓度|兑水|配比|比)[\s::是为]*$")
_RATIO_AFTER = re.compile(r"\s*(?:稀释|配|比例|兑|混合|的比)")
_SYMBOLS = {
    "km/h": "公里每小时", "m/s": "米每秒", "km2": "平方公里", "m2": "平方米", "m3": "立方米", "hm2": "公顷",
    "kwh": "千瓦时", "km": "公里", "cm": "厘米", "mm": "毫米", "kg": "公斤", "mg": "毫克", "ml": "毫升", "kw": "千瓦",
    "kv": "千伏", "mmol/l": "毫摩尔每升", "mg/l": "毫克每升", "mg/kg": "毫克每公斤", "mmhg": "毫米汞柱", "khz": "千赫",
    "mhz": "兆赫", "hz": "赫兹", "db": "分贝", "kpa": "千帕", "mpa": "兆帕", "ha": "公顷", "min": "分钟", "m": "米",
    "g": "克", "t": "吨", "l": "升", "L": "升", "h": "小时",
    "V": "伏", "W": "瓦",
}  # fmt: skip
_UNIT_SYMBOLS = "|".join(
    symbol if len(symbol) == 1 else f"(?i:{re.escape(symbol)})" for symbol in sorted(_SYMBOLS, key=len, reverse=True)
)
_PER = (
    "人|亩|户|月|年|天|日|次|斤|公斤|吨|度|小时|分钟|个|平方米|立方米|公里|米|头|只|棵|车|袋|瓶|箱|升|台|辆|张|份|公顷"
)
_LONG_DIGITS = 9
_CODE_DIGITS = 4


def _unit(found: re.Match[str]) -> str:
    symbol = found["unit"]
    return _SYMBOLS.get(symbol) or _SYMBOLS[symbol.lower()]


def _yuan(amount: str) -> str:
    """An amount of money, plainly: 12.50 → 十二元五角, 12.05 → 十二元零五分."""
    yuan, _, rest = amount.partition(".")
    jiao, fen = (int(digit) for digit in (rest + "00")[:2])
    words = _count(yuan, "元") + "元" if int(yuan) or not (jiao or fen) else ""
    if jiao:
        words += cardinal(str(jiao)) + "角"
    elif fen and words:
        words += "零"
    return words + (cardinal(str(fen)) + "分" if fen else "")


def _money(found: re.Match[str]) -> str:
    sign = "负" if found["sign"] else ""
    if found["scale"]:
        return f"{sign}{_count(found['n'], found['scale'])}{found['scale']}元"
    fraction = found["n"].partition(".")[2]
    return sign + (_yuan(found["n"]) if len(fraction) <= 2 else decimal(found["n"]) + "元")


def _money_span(found: re.Match[str]) -> str:
    return f"{_yuan(found['a'])}到{_yuan(found['b'])}"


def _share(found: re.Match[str]) -> str:
    parts = "百分之" if found["mark"] == "%" else "千分之"
    sign = "负" if found["sign"] else ""
    if found["b"] is None:
        return f"{sign}{parts}{decimal(found['a'])}"
    return f"{sign}{parts}{decimal(found['a'])}到{parts if found['mark_a'] else ''}{decimal(found['b'])}"


def _temperature(found: re.Match[str]) -> str:
    scale = "度" if found["scale"] is None else "华氏度" if found["scale"] in "Ff" else "摄氏度"
    first = ("零下" if found["sign_a"] else "") + decimal(found["a"])
    if found["b"] is None:
        return first + scale
    second = ("零下" if found["sign_b"] else "") + decimal(found["b"])
    return f"{first}{scale if found['sign_a'] else ''}到{second}{scale}"


def _span(found: re.Match[str]) -> str:
    if "." not in found[0] and int(found["a"]) > int(found["b"]):  # 12-6 is no range
        return _month_day_or(found["a"], "杠", found["b"])
    follows = after(found)
    return f"{_count(found['a'], follows)}到{_count(found['b'], follows)}"


def _clear_ratio(found: re.Match[str]) -> str:
    ahead, behind = before(found), after(found)
    if not (_RATIO_BEFORE.search(ahead) or _RATIO_AFTER.match(behind)):
        return found[0]
    return _ratio(found)


def _ratio(found: re.Match[str]) -> str:
    return "比".join(decimal(part.strip()) for part in found[0].split(":"))


def _fraction(found: re.Match[str]) -> str:
    upper, lower = found["a"], found["b"]
    if int(upper) < int(lower):
        return f"{cardinal(lower)}分之{cardinal(upper)}"
    return _month_day_or(upper, "、", lower)


def _month_day_or(first: str, join: str, second: str) -> str:
    if 1 <= int(first) <= 12 and 1 <= int(second) <= 31:
        return f"{cardinal(first)}月{cardinal(second)}日"
    return f"{cardinal(first)}{join}{cardinal(second)}"


def _plain(found: re.Match[str]) -> str:
    digits, ahead, behind = found[0], before(found), after(found)
    if ahead.rstrip().endswith("第"):
        return decimal(digits)
    return _count(digits, behind)


def _count(digits: str, follows: str) -> str:
    """A number as it is said before what follows it."""
    if digits == "2" and _COUNTED.match(follows) and not _NAMED.match(follows):
        return "两"
    if "." in digits:
        return decimal(digits)
    measured = _MEASURED.match(follows) is not None
    if digits[0] == "0" and len(digits) > 1:
        return spelled(digits)
    if not measured and len(digits) == 4 and digits[:2] in ("19", "20"):
        return year(digits)
    round_sum = digits.endswith("00") and len(digits) < _LONG_DIGITS
    if not measured and len(digits) >= _CODE_DIGITS and not round_sum:
        return spelled(digits)
    return cardinal(digits)


_MINUS = r"(?:(?<![\d\w)\]])-)"
_ROMAN = {"I": "一", "II": "二", "III": "三", "IV": "四", "V": "五", "VI": "六", "VII": "七", "VIII": "八", "IX": "九"}
UNITS = (
    Rule(r"(?<![A-Za-z])(?P<n>I{1,3}|IV|VI{0,3}|IX)(?=级|类|期|型|度|标段)", lambda found: _ROMAN[found["n"]]),
    Rule(r"(?<![A-Za-z])[Nn][Oo][.:]\s*(?=\d)", lambda _: "编号"),
    Rule(r"(?<=\d)#(?!键)", lambda _: "号"),
    Rule(rf"(?<=[元块角分斤克升度吨])\s*/\s*(?P<unit>{_UNIT_SYMBOLS})(?![A-Za-z])", lambda found: "每" + _unit(found)),
    Rule(r"(?<=米)\s*[×xX*]\s*(?=\d)", lambda _: "乘"),
    Rule(r"(?<=\d)[Ww](?=元|块)", lambda _: "万"),
    Rule(rf"(?<=\d)\s*(?P<unit>{_UNIT_SYMBOLS})(?![A-Za-z])", _unit),
    Rule(rf"(?<![\d.:]){_NUMBER}(?:\s*:\s*{_NUMBER})+(?![\d.:])", _clear_ratio),
)
_MEASURED_ONCE = rf"(?:[万千亿]|(?!°)(?:{MEASURES}))"
QUANTITIES = (
    Rule(
        rf"(?<=\d)(?P<unit>{_MEASURED_ONCE})\s*{SPAN}\s*(?=\d[\d.]*\s*{_MEASURED_ONCE})",
        lambda found: found["unit"] + "到",
    ),
    Rule(r"/(?P<each>亩|人|户)\s*[·./]\s*(?P<time>年|月|天)", lambda found: f"每{found['each']}每{found['time']}"),
    Rule(rf"(?P<n>\d[万千亿]?(?:{MEASURES}))\s*/\s*(?={_PER})", lambda found: found["n"] + "每"),
    Rule(
        rf"(?P<sign_a>(?<!\d)-\s*)?(?P<a>{_NUMBER})(?:\s*°?\s*[Cc]?\s*(?:{SPAN}?|到|至)(?P<sign_b>(?<=[~到至—–-])-)?\s*"
        rf"(?<=[~到至—–\s-])(?P<b>{_NUMBER}))?\s*°\s*(?P<scale>[CcFf](?![A-Za-z]))?",
        _temperature,
    ),
    Rule(
        rf"(?P<sign>{_MINUS})?(?P<a>{_NUMBER})(?:(?P<mark_a>%|‰)?\s*(?:{SPAN}|到|至)\s*(?P<b>{_NUMBER}))?\s*(?P<mark>%|‰)",
        _share,
    ),
    Rule(rf"¥\s*(?P<a>{_NUMBER})\s*(?:{SPAN}|到|至)\s*¥?\s*(?P<b>{_NUMBER})元?", _money_span),
    Rule(rf"(?:¥|(?i:RMB|CNY))\s*(?P<sign>-)?(?P<n>{_NUMBER})\s*(?P<scale>[万千亿](?!\w))?(?:元|块)?", _money),
    Rule(rf"\$\s*(?P<n>{_NUMBER})(?:美元)?", lambda found: decimal(found["n"]) + "美元"),
    Rule(
        rf"(?<![\d.])(?=[\d\s~—–-]*\.)(?P<a>\d+(?:\.\d{{1,2}})?)\s*{SPAN}\s*(?P<b>\d+(?:\.\d{{1,2}})?)元",
        _money_span,
    ),
    Rule(rf"(?<![\d.])(?P<a>{_NUMBER})\s*{SPAN}\s*(?P<b>{_NUMBER})(?![\d.]|-\d)", _span),
    Rule(rf"(?P<sign>{_MINUS}|(?<=[^\x00-\x7f])-)?(?<![\d.])(?P<n>\d+\.\d{{1,2}})(?P<scale>)(?=元)元", _money),
    Rule(rf"(?<![\d.:]){_NUMBER}(?:\s*:\s*{_NUMBER})+", _ratio),
    Rule(r"(?<![\d./])(?P<a>\d+)\s*/\s*(?P<b>\d+)(?![\d./])", _fraction),
    Rule(r"(?<=\d)\s*[×xX*]\s*(?=\d)", lambda _: "乘"),
    Rule(rf"{_MINUS}(?=\d)", lambda _: "负"),
    Rule(r"\d+(?:\.\d+)*", _plain),
)
