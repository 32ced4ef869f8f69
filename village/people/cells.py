"""What stands in one cell → a value of ours, or the reason why not.

Never quotes more of a cell than a clerk needs to find it: long runs of digits are cut, ID-card numbers
are not repeated.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation

from gateway.phone import NotAPhoneError, Phone, PhoneKind, parse
from village.ground.wording import Wording, say
from village.people.born import Born
from village.people.headers import Field
from village.people.idcard import hide_digits, looks_like_id
from village.people.sheet import Cell


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u202a\u202c\u202d\u00ad"))
_APOSTROPHES = "'’‘`"
_POINT_ZERO = re.compile(r"(\d)\.0+\Z")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d{1,2}\Z")
_DIGITS_IN_WORDS = 5
"""A place or a dialect has no run of digits this long; a number has."""


class CellError(ValueError):
    """The cell cannot be what its column says; `what` is the sentence for the clerk."""

    def __init__(self, what: Wording) -> None:
        super().__init__(str(what))
        self.what = what


def lines_of(cell: Cell) -> str:
    """The cell as written, full width made narrow, line breaks kept."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, float):
        if cell.is_integer() and abs(cell) < 1e21:
            return str(int(cell))
        return repr(cell)
    text = unicodedata.normalize("NFKC", str(cell)).translate(_INVISIBLE).strip()
    return text.lstrip(_APOSTROPHES).strip() if text[:1] in set(_APOSTROPHES) else text


def text_of(cell: Cell) -> str:
    """The cell on one line, spaces at its ends and doubled ones gone."""
    return " ".join(lines_of(cell).split())


def whole(text: str) -> str:
    """A number that a spreadsheet wrote as 13800138000.0 or 1.3800138000E+10, as its digits; anything else as it is.

    1.38E+10 stays: eight digits are lost, and nobody may make them up.
    """
    text = _POINT_ZERO.sub(r"\1", text)
    if not _SCIENTIFIC.fullmatch(text):
        return text
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    written = len(re.sub(r"\D", "", re.split("[eE]", text)[0]))
    digits = str(int(number))
    return digits if len(digits) <= written else text


# --- names and other words ---

_HEAD_WORDS = frozenset({"户主", "戶主", "本人", "本户户主", "户主本人"})


def read_name(cell: Cell) -> str:
    """A person's name, spaces inside a Chinese one dropped; empty where the cell is. Raises CellError."""
    text = re.sub(r"\((户主|戶主|本人|已故|去世)\)\Z", "", text_of(cell))
    text = re.sub(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])", "", text)
    if not text:
        return ""
    if re.search(r"\d", text):
        raise CellError(say("姓名里有数字：{shown}", shown=hide_digits(text)))
    if len(text) > 30 or not re.search(r"\w", text) or re.search(r"[=@<>/\\|;,:]", text):
        raise CellError(say("姓名看不懂：{shown}", shown=hide_digits(text)))
    return text


def read_words(cell: Cell, longest: int) -> str:
    """Free words (a place, a dialect, a relation). Raises CellError where a number hides in them."""
    text = text_of(cell)
    if len(re.sub(r"\D", "", text)) >= _DIGITS_IN_WORDS:
        raise CellError(say("这里不要写号码：{shown}", shown=hide_digits(text)))
    return text[:longest]


def read_relation(cell: Cell) -> str:
    text = read_words(cell, 20).replace(" ", "")
    return "户主" if text in _HEAD_WORDS else text


_SEXES = {
    "男": "男",
    "男性": "男",
    "m": "男",
    "male": "男",
    "1": "男",
    "女": "女",
    "女性": "女",
    "f": "女",
    "female": "女",
    "2": "女",
}


def read_sex(cell: Cell) -> str | None:
    text = text_of(cell).lower()
    if not text:
        return None
    if text not in _SEXES:
        raise CellError(say("性别只能写 男 或 女，写的是：{shown}", shown=hide_digits(text)))
    return _SEXES[text]


# --- groups ---

_NUMERALS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_NUMBER = r"([0-9]{1,3}|[零〇一二三四五六七八九十两]{1,3})"
_GROUP = re.compile(rf"第?{_NUMBER}号?(村民小组|村民组|居民小组|生产小组|生产队|小组|组|小队|队|社)")
_BARE = re.compile(rf"第?{_NUMBER}")


def read_group(cell: Cell) -> int | None:
    """第三村民小组, 3组, 三组, 三, 3 → 3; None for an empty cell. Raises CellError."""
    text = whole(text_of(cell)).replace(" ", "")
    if not text:
        return None
    found = _BARE.fullmatch(text) or re.search(_GROUP.pattern + r"\Z", text)
    number = _number(found[1]) if found else None
    if number is None or not 1 <= number <= 99:
        raise CellError(say("看不懂是哪一组：{shown}。请写成 3 或 3组", shown=hide_digits(text)))
    return number


def group_in_title(text: str) -> int | None:
    """The one group a sheet's name or title speaks of: 青山村第三村民小组花名册 → 3."""
    found = {_number(match[1]) for match in _GROUP.finditer(unicodedata.normalize("NFKC", text).replace(" ", ""))}
    number = found.pop() if len(found) == 1 else None
    return number if number is not None and 1 <= number <= 99 else None


def _number(text: str) -> int | None:
    if text.isdigit():
        return int(text)
    if "十" in text:
        tens, _, ones = text.partition("十")
        if len(tens) > 1 or len(ones) > 1 or "十" in ones:
            return None
        return (_NUMERALS[tens] if tens else 1) * 10 + (_NUMERALS[ones] if ones else 0)
    return _NUMERALS[text] if len(text) == 1 else None


# --- birth and age ---

_CLOCK_TIME = re.compile(r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\Z")
_YEAR_FIRST = re.compile(r"(\d{4})(?:[-/.年](\d{1,2})(?:[-/.月](\d{1,2}))?)?[年月日号]?")
_PACKED = re.compile(r"(\d{4})(\d{2})(\d{2})?")
_SERIAL_ZERO = date(1899, 12, 30)
"""Day 0 of the spreadsheet calendar, so that day 60 and later agree with Excel (it counts a 29 February 1900)."""
_FIRST_SERIAL, _LAST_SERIAL = 3_000, 80_000
_OLDEST_YEAR = 1880


def read_born(cell: Cell, today: date) -> Born | None:
    """Day, month or year in the forms people write them, Excel's day numbers included. Raises CellError."""
    text = _CLOCK_TIME.sub("", whole(text_of(cell)))
    plain = text.replace(" ", "")
    if not plain:
        return None
    try:
        return _checked(_parse_born(plain), today, plain)
    except ValueError as wrong:
        if isinstance(wrong, CellError):
            raise
        raise CellError(_not_a_date(plain)) from None


def _parse_born(text: str) -> Born:
    if text.isdigit() and len(text) == 5:
        serial = int(text)
        if not _FIRST_SERIAL <= serial <= _LAST_SERIAL:
            raise ValueError
        return Born.on(_SERIAL_ZERO + timedelta(days=serial))
    found = _PACKED.fullmatch(text) or _YEAR_FIRST.fullmatch(text)
    if found is None:
        raise ValueError
    return Born(*(None if part is None else int(part) for part in found.groups()))  # type: ignore[arg-type]  # the year is always there


def _checked(born: Born, today: date, text: str) -> Born:
    if born.year < _OLDEST_YEAR:
        raise CellError(_not_a_date(text))
    if date(born.year, born.month or 1, born.day or 1) > today:
        raise CellError(say("出生日期在今天以后：{born}", born=born.iso()))
    return born


def _not_a_date(text: str) -> Wording:
    if looks_like_id(text):
        return say("出生日期这一列写的像身份证号")
    return say("出生日期看不懂：{shown}。请写成 1958-03-04", shown=hide_digits_in_date(text))


def hide_digits_in_date(text: str) -> str:
    """A wrong date may be quoted whole as long as it is no longer than a date."""
    return text if len(text) <= 12 else hide_digits(text)


_AGE = re.compile(r"(-?\d{1,4})(周岁|岁|虚岁)?")
OLDEST_PLAUSIBLE = 110


def read_age(cell: Cell) -> int | None:
    """Whole years, plausible or not. Raises CellError for what is no number."""
    text = whole(text_of(cell)).replace(" ", "")
    if not text:
        return None
    if re.fullmatch(r"\d{1,2}(个月|天)", text):
        return 0
    found = _AGE.fullmatch(text)
    if found is None:
        raise CellError(say("年龄看不懂：{shown}", shown=hide_digits(text)))
    return int(found[1])


# --- yes and no ---

_YES = _words("是 有 √ ✓ ✔ ☑ ☒ 对 y yes 1 true t ● ★ 要 需要 会 能 已")
_NO = _words("否 无 没 没有 不是 不 x × ✗ ✘ n no 0 false f - -- — – / \\ 非 不要 不需要 不会 不能 ○ □ 未")

_MORE_YES: dict[Field, str] = {
    Field.REPRESENTATIVE: "村民代表 代表 村代表",
    Field.HOUSEHOLD_REP: "户代表 代表 家庭代表 户主",
    Field.LEADER: "组长 小组长 村民小组长 队长",
    Field.ALONE: "独居 独居老人 一个人 独自一人 一人",
    Field.CALLS: "电话 打电话 语音 听电话 要电话 语音电话 念",
    Field.CANNOT_READ: "不识字 文盲 不认字",
    Field.CAN_READ: "识字 认字",
}
_MORE_NO: dict[Field, str] = {
    Field.CALLS: "短信 发短信 微信 收短信",
    Field.CANNOT_READ: "识字 认字",
    Field.CAN_READ: "不识字 文盲 不认字",
    Field.ALONE: "非独居 同住 不独居",
}


def read_yes(cell: Cell, field: Field) -> bool:
    """Whether a mark is set; an empty cell is a no. Raises CellError for what is neither."""
    text = whole(text_of(cell)).lower().replace(" ", "")
    if not text or text in _NO or text in _MORE_NO.get(field, "").split():
        return False
    if text in _YES or text in _MORE_YES.get(field, "").split():
        return True
    raise CellError(say("“{column}”看不懂：{shown}。请写 是 或 否", column=field.value, shown=hide_digits(text)))


def read_party(cell: Cell) -> bool:
    """党员, 中共预备党员, 是 → True; 群众, 团员, 民盟 … → False."""
    text = text_of(cell).lower().replace(" ", "")
    if re.search(r"(非|不是|非中共)党员", text):
        return False
    return "党员" in text or text in _YES or text == "中共"


_AT_HOME = _words("在家 在村 常住 在本村 本村 家里 在家务农 务农")
_AWAY = _words("外出 在外 务工 打工 外出务工 外出打工 不在家 不在 不在村 在外务工 在外打工 流出")


@dataclass(frozen=True, slots=True)
class Away:
    away: bool
    where: str = ""


def read_away(cell: Cell, *, yes_means_away: bool) -> Away:
    """是, 外出, 在家, or simply the place somebody is at. Raises CellError."""
    text = read_words(cell, 60)
    plain = whole(text).lower().replace(" ", "")
    if not plain or plain in _AT_HOME:
        return Away(False)
    if plain in _YES or plain in _NO:
        return Away((plain in _YES) == yes_means_away)
    return Away(True, "" if plain in _AWAY else text)


def read_where(cell: Cell) -> str:
    """Where somebody is; empty for 无, 在家 and the like."""
    text = read_words(cell, 60)
    return "" if text.lower() in _NO or text in _AT_HOME else text


_IN_NOTES: dict[str, Field] = {
    "独居": Field.ALONE,
    "独居老人": Field.ALONE,
    "外出": Field.AWAY,
    "在外": Field.AWAY,
    "外出务工": Field.AWAY,
    "在外务工": Field.AWAY,
    "外出打工": Field.AWAY,
    "在外打工": Field.AWAY,
    "打工": Field.AWAY,
    "党员": Field.PARTY,
    "中共党员": Field.PARTY,
    "预备党员": Field.PARTY,
    "村民代表": Field.REPRESENTATIVE,
    "户代表": Field.HOUSEHOLD_REP,
    "组长": Field.LEADER,
    "村民小组长": Field.LEADER,
    "不识字": Field.CANNOT_READ,
    "文盲": Field.CANNOT_READ,
    "要电话": Field.CALLS,
    "听电话": Field.CALLS,
    "打电话": Field.CALLS,
    "要打电话": Field.CALLS,
}


def marks_in_note(cell: Cell) -> frozenset[Field]:
    """The marks that stand in a remark as words of their own; the remark itself is not kept."""
    words = re.split(r"[\s,、;。./|()]+", text_of(cell))
    return frozenset(_IN_NOTES[word] for word in words if word in _IN_NOTES)


# --- phones ---

_NOBODYS = _words("无 没有 没 无电话 没有电话 无手机 没有手机 没电话 没手机 暂无 不详 - -- — / \\ 0 x × 空 无号码")
_BETWEEN = re.compile(r"[/、,;|\n\r]+|或")
_ASIDE = re.compile(r"\([^()]*[^\d()\s-][^()]*\)")
_ROUNDED = re.compile(r"\+861[3-9]\d0{8}")
"""13800000000 is what is left of a number after 1.38E+10 was saved as a number again."""
_EXTENSION = re.compile(r"(?<=\d)\s*\(?\s*(?:转|轉|分机号?|内线|ext\.?|#)\s*(\d{1,6})(?!\d)(?:\s*\))?", re.IGNORECASE)
"""Pulled up to its number before the cell is cut at spaces: alone it would look like a number too short."""
_CHINESE = re.compile(r"[\u3400-\u9fff:]+(?<!转)")


def read_phones(cell: Cell, area_code: str | None) -> tuple[list[Phone], list[Wording]]:
    """Every number in the cell in its order, and what is wrong with the others."""
    text = lines_of(cell)
    if whole(text).lower().replace(" ", "") in _NOBODYS or not text:
        return [], []
    found: list[Phone] = []
    wrong: list[Wording] = []
    for piece in _BETWEEN.split(_ASIDE.sub(" ", _EXTENSION.sub(r"转\1", text))):
        written = " ".join(piece.split())
        plain = whole(_CHINESE.sub(" ", written).strip().strip("."))
        if not plain:
            if written and written not in _NOBODYS and not found:
                wrong.append(say("电话看不懂：{shown}", shown=hide_digits(written)))
            continue
        _read_piece(plain, area_code, found, wrong)
    return list(dict.fromkeys(found)), wrong


def _read_piece(text: str, area_code: str | None, found: list[Phone], wrong: list[Wording]) -> None:
    """One number, or several with nothing but spaces between them."""
    if looks_like_id(text):
        wrong.append(say("电话这一列写的像身份证号"))
        return
    words = text.split(" ")
    start = 0
    while start < len(words):
        extended = None
        for end in range(len(words), start, -1):
            try:
                number = parse(whole("".join(words[start:end])), area_code=area_code)
            except NotAPhoneError as refused:
                reason = refused.reason
                extended = end if reason == "extension" else extended
                continue
            if _ROUNDED.fullmatch(number.e164):
                wrong.append(_phone_words("scientific", "".join(words[start:end])))
            elif number.kind in {PhoneKind.MOBILE, PhoneKind.LANDLINE}:
                found.append(number)
            else:
                wrong.append(say("这不是村民自己的电话：{shown}", shown=hide_digits("".join(words[start:end]))))
            break
        else:
            if extended is None:
                wrong.append(_phone_words(reason, "".join(words[start:])))
                return
            wrong.append(_phone_words("extension", "".join(words[start:extended])))
            end = extended
        start = end


def _phone_words(reason: str, text: str) -> Wording:
    shown = hide_digits(text)
    match reason:
        case "scientific":
            return say("电话变成了 {shown}，后面的数字丢了。请把这一列设成“文本”，重新填写", shown=text[:16])
        case "too_short":
            return say("电话少了数字：{shown}（只有{n}位）", shown=shown, n=len(re.sub(r"\D", "", text)))
        case "too_long":
            return say("电话多了数字：{shown}（有{n}位）", shown=shown, n=len(re.sub(r"\D", "", text)))
        case "no_area_code":
            return say("座机没有区号：{shown}。请写成 0571-88001234 这样", shown=shown)
        case "extension":
            return say("分机打不通短信和自动电话：{shown}", shown=shown)
        case "letters":
            return say("电话里有不是数字的字：{shown}", shown=shown)
        case _:
            return say("电话看不懂：{shown}", shown=shown)
