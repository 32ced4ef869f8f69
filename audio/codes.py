"""Phone numbers and codes, digit by digit. It never reads as a quantity what somebody has to dial or key in."""

import re
from itertools import pairwise

from audio.numerals import DIGITS, cardinal, spelled
from audio.rule import MEASURES, Rule, after, before

_PHONE_WORDS = "电话|热线|手机|座机|专线|短号|传真|号码|拨打|拨|致电|请打|打|联系|Tel|TEL|tel"
_CODE_WORDS = (
    "验证码|登记码|注册码|取件码|密码|口令|回执号|回执|编号|尾号|门牌号|门牌|车牌号|车牌|单号|证号|代码|邮编|账号|帐号|卡号|"
    "地块编号|地块号|地块|图斑号|图斑|宗地号|宗地|不动产单元号|产权证号|林权证号|合同号|档案号|电表号|水表号|表号|批号|车次|"
    "户号|工号|序号|条码|会议号|房号|学号|微信号|微信|微信群号|群号|QQ号|QQ"
)
_KEY_WORDS = "回复|回|按|选|投|发送|发|输入|键入"
_GAP = r"[\s::是为]{0,3}"
_NO_AMOUNT = rf"(?!\d|[.:/]\d|\s*(?:{MEASURES}))"
# Service numbers of China: 110 119 120 122 112 114, 12xxx for government lines, 10000/10010/10086/10099, 95xxx, 96xxx.
_SERVICE = r"11[0249]|12[02]|12[13]\d\d|100(?:00|10|86|99)|9[56]\d{3}"
_PLATE_PLACES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_PLOT_SPAN = re.compile(r"\d{1,2}-\d{1,2}")  # 地块1-3号 are three plots
_SHORT_NUMBER_DIGITS = 5
_NAMED_BEFORE = re.compile(r"(?:通知|表决|建议|求助|意见|人口|第|总|共|约|计|达|近|有|为|[¥$])\s*$")


def _grouped(digits: str) -> str:
    cuts: tuple[int, ...] = ()
    if len(digits) == 11 and digits[0] == "1":
        cuts = (3, 7)
    elif len(digits) == 10 and digits[:3] in ("400", "800"):
        cuts = (3, 6)
    elif len(digits) == 8:
        cuts = (4,)
    elif len(digits) in (6, 7):
        cuts = (3,)
    bounds = (0, *cuts, len(digits))
    return "，".join(spelled(digits[start:end]) for start, end in pairwise(bounds))


def _twice(found: re.Match[str], words: str) -> str:
    follows = found.string[found.end() : found.end() + 1]
    join = "，" if len(words) <= _SHORT_NUMBER_DIGITS else "。"
    return f"{words}{join}{words}" + ("，" if follows and (follows.isalnum() or follows in "(【《“「") else "")


def _digits_of(text: str) -> str:
    return re.sub(r"\D", "", text)


def _mobile(found: re.Match[str]) -> str:
    return _twice(found, _grouped(_digits_of(found["n"])))


def _with_area(found: re.Match[str]) -> str:
    words = f"{spelled(found['area'])}，{_grouped(_digits_of(found['n']))}"
    if found["ext"]:
        words += f"，转{spelled(found['ext'])}"
    return _twice(found, words)


def _local(found: re.Match[str]) -> str:
    digits = _digits_of(found["n"])
    if digits.endswith("0000"):  # 1200000 without a unit is a round sum; nobody's line ends so
        return found[0]
    return _twice(found, _grouped(digits))


def _after_phone_word(found: re.Match[str]) -> str:
    return found["word"] + _twice(found, _grouped(found["n"]))


def _service(found: re.Match[str]) -> str:
    if _NAMED_BEFORE.search(before(found)):
        return found[0]
    return _twice(found, spelled(found[0]))


def _masked(found: re.Match[str]) -> str:
    groups = [group for group in re.split(r"(\*+)", found[0]) if group]
    return "，".join("星" * len(group) if group[0] == "*" else spelled(group) for group in groups)


def _keyed(digits: str) -> str:
    return DIGITS[int(digits)] if len(digits) == 1 else spelled(digits)


def _key_list(found: re.Match[str]) -> str:
    return found["word"] + re.sub(r"\d+", lambda digits: _keyed(digits[0]), found["n"])


def _code(found: re.Match[str]) -> str:
    if _PLOT_SPAN.fullmatch(found["n"]) and after(found).startswith("号"):
        return found[0]
    said = re.sub(r"\d+", lambda digits: _keyed(digits[0]), found["n"]).replace("-", "杠")
    return found["word"] + found["gap"] + said


def _dashed(found: re.Match[str]) -> str:
    return "杠".join(_keyed(part) for part in found[0].split("-"))


def _all_digits(found: re.Match[str]) -> str:
    return _keyed(found[0])


def _plate(found: re.Match[str]) -> str:
    return found["place"] + "".join(spelled(sign) if sign.isdigit() else sign for sign in found["n"])


def _road_stake(found: re.Match[str]) -> str:
    """K123+500 on a milestone: 一百二十三公里五百米."""
    metres = f"{cardinal(found['m'])}米" if int(found["m"]) else ""
    return f"{cardinal(found['km'])}公里{metres}"


PHONES = (
    Rule(rf"(?P<place>[{_PLATE_PLACES}][A-Z])[·.\s]?(?P<n>(?=[A-Z]*\d)[A-Z\d]{{5,6}})(?![A-Z\d])", _plate),
    Rule(r"(?<![\d*])\d{1,7}\*{2,}\d{0,6}(?![\d*])", _masked),
    Rule(r"(?<![\d.])(?:(?:\+|00)?86[- ]?)?(?P<n>1[3-9]\d[- ]?\d{4}[- ]?\d{4})(?!\d)", _mobile),
    Rule(r"(?<![\d.])(?P<n>[48]00[- ]?\d{3}[- ]?\d{4})(?!\d)" + _NO_AMOUNT, _mobile),
    Rule(
        r"(?<![\d.])\(?(?P<area>0(?:10|2\d|[3-9]\d{2}))\)?[- ]?(?P<n>[2-9]\d{2,3}[- ]?\d{4})(?!\d)"
        r"(?:(?:-|转)(?P<ext>\d{1,5})(?!\d))?",
        _with_area,
    ),
    Rule(rf"(?P<word>(?:{_PHONE_WORDS}){_GAP})(?P<n>\d{{3,8}}){_NO_AMOUNT}(?!-\d)", _after_phone_word),
)
KEYS = (
    Rule(r"(?<=按)\s*\*键?", lambda _: "星号键"),
    Rule(r"\*(?=键)|(?<=按)\s*\*", lambda _: "星号"),
    Rule(r"(?<=按)\s*#键?", lambda _: "井号键"),
    Rule(r"#(?=键)", lambda _: "井号"),
    Rule(
        rf"(?P<word>(?:{_KEY_WORDS})\s*)"
        rf"(?P<n>\d{{1,6}}{_NO_AMOUNT}(?![-~]\d)(?:\s*(?:[、或和]|到|至)\s*\d{{1,6}}{_NO_AMOUNT}(?![-~]\d))*)",
        _key_list,
    ),
)
CODES = (
    Rule(
        rf"(?P<word>{_CODE_WORDS})(?P<gap>{_GAP})(?P<n>[A-Za-z]{{0,4}}-?\d[\dA-Za-z-]*)(?![\dA-Za-z-]|\s*(?:{MEASURES}))",
        _code,
    ),
    Rule(r"(?<![A-Za-z])K(?P<km>\d{1,4})\+(?P<m>\d{3})(?!\d)", _road_stake),
    Rule(r"(?<=[A-Za-z])-?\d+(?![\d.]|\s*(?:月|日|年))", lambda found: _keyed(found[0].lstrip("-"))),
    Rule(rf"(?<![\d.])(?:{_SERVICE}){_NO_AMOUNT}(?!\s*[-~—]\s*\d)", _service),
    Rule(r"(?<![\d.-])\d{1,4}(?:-\d{1,4}){2,}(?![\d.-])", _dashed),
    Rule(r"(?<![\d.-])\d{1,2}-\d{3,4}(?=室|房)", _dashed),
    Rule(r"(?<![\d.])\d{3,4}(?=室|房)", _all_digits),
    Rule(rf"(?:(?<=[幢栋])|(?<=单元)|(?<=号楼))\d{{3,4}}(?!\d|\s*(?:{MEASURES}))", _all_digits),
    Rule(rf"(?<![\d.:/-])(?P<n>[2-8]\d{{2,3}}[- ]?\d{{4}}){_NO_AMOUNT}(?![-~—])", _local),
    Rule(r"(?<=[零幺二三四五六七八九]，转)\d{1,5}(?!\d)", _all_digits),  # an extension
)
