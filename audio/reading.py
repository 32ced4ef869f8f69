"""Text as written → text a voice can say. It never loses a number, and never leaves a digit for the voice to guess."""

import datetime
import re
import unicodedata
from itertools import chain

from audio.codes import CODES, KEYS, PHONES
from audio.moments import Lunar
from audio.moments import rules as moments
from audio.numerals import spelled
from audio.quantities import QUANTITIES, UNITS
from audio.rule import MEASURES

_THOUSANDS = re.compile(r"(?<![\d,.])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")
_SERVICE_LIST = re.compile(r"1[12]\d(?:,1[12]\d)+")  # 110,119,120 are three phone numbers, not a hundred million
_ADDRESS = re.compile(r"(?i)(?:https?://|www\.)[\x21-\x7e]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_LIST_MARK = re.compile(r"(?:(?<=\n)|(?<=[\s;；。:：]))(\d{1,2})\.(?=[^\d\s])|\A(\d{1,2})\.(?=[^\d\s])")
_BRACKET_MARK = re.compile(r"(?:\A|(?<=[\s;,。:!?]))(\d{1,2})\)(?=[^\d\s,.])")
_INCLUDED = re.compile(r"\(含(?:本数)?\)(?=以[上下内])")
# People type 12 月 6 日 and mean no pause; they type 1东头 2西头 and do.
_SPACED_OPTION = re.compile(rf"(?<=[^\x00-\x7f]) (?=\d{{1,2}}[^\x00-\x7f])(?!\d+(?:{MEASURES}))")
_SPACED_MEASURE = re.compile(r"(?<=[^\x00-\x7f]) (?=\d)|(?<=[0-9A-Za-z%]) (?=[^\x00-\x7f])")
_SPACED_NAME = re.compile(r"(?<![^\W\d_])([^\x00-\x7f\W\d_]) +(?=[^\x00-\x7f\W\d_](?!\w))")  # 王 伟 is one name
_PAUSE_MARKS = "。！？；：，、"  # strongest first
_PAUSES = re.compile(rf"[\s{_PAUSE_MARKS}]*[{_PAUSE_MARKS}][\s{_PAUSE_MARKS}]*")
_SPOKEN_SYMBOLS = {
    "+": "加", "=": "等于", "&": "和", "×": "乘", "÷": "除以", "±": "正负", "→": "到", "@": "艾特",
    "≥": "大于等于", "≤": "小于等于", "<": "小于", ">": "大于",
}  # fmt: skip
_PAUSED_SYMBOLS = (
    {",": "，", ";": "；", ":": "：", "!": "！", "?": "？", "\n": "。", "/": "、"}
    | dict.fromkeys("|_-–—()[]{}【】〔〕〖〗…", "，")
    | {mark: mark for mark in _PAUSE_MARKS}
)
_DASHES = dict.fromkeys(map(ord, "−‐‑‒﹣－"), "-") | dict.fromkeys(map(ord, "〜～∼˜"), "~")


def readable(text: str, today: datetime.date | None = None, lunar: Lunar | None = None) -> str:
    """The text in Chinese characters, single capital letters and full-width pauses; empty if nothing can be said.

    With `today` a date in the next days is also named 明天 or 星期六, with `lunar` also by the farmer's date. Scripts
    that the voice would spell letter by letter in English (Tibetan, Uyghur, Cyrillic, emoji) are left out.
    """
    written = _written(text)
    written = _ADDRESS.sub(_address, written)
    for rule in chain(PHONES, UNITS, moments(today, lunar), KEYS, CODES, QUANTITIES):
        written = rule.apply(written)
    return _paused(written)


def _written(text: str) -> str:
    """One form for each thing: half-width digits and signs, no marks that only the eye needs."""
    text = "".join(map(_one_form, text)).translate(_DASHES)
    text = _THOUSANDS.sub(
        lambda found: found[0] if _SERVICE_LIST.fullmatch(found[0]) else found[0].replace(",", ""), text
    )
    text = unicodedata.normalize("NFKC", text).translate(_DASHES).replace("⁄", "/")
    text = "".join(map(_plain_character, text))
    text = re.sub(r"[ \t\f\v]+", " ", re.sub(r"\r\n?|[\u2028\u2029\x85]", "\n", text))
    text = _INCLUDED.sub("及", _BRACKET_MARK.sub(r"，\1、", text))
    text = _SPACED_NAME.sub(r"\1", text)
    text = _SPACED_MEASURE.sub("", _SPACED_OPTION.sub("，", text))
    text = re.sub(r"\A\s*【([^【】\n]{1,30})】", r"\1。", text)
    return _LIST_MARK.sub(lambda found: f"{found[1] or found[2]}、", text)


def _one_form(character: str) -> str:
    """What NFKC would blur: ① would melt into the text after it, and ² into a number before it."""
    if character == "〇":
        return "零"
    if character in "²³":
        return character
    kind = unicodedata.category(character)
    if kind == "No" and unicodedata.decomposition(character).startswith("<circle>"):
        return f"，{unicodedata.normalize('NFKC', character)}、"
    if kind == "Nl":
        return _roman(character)
    return character


def _roman(character: str) -> str:
    number = unicodedata.numeric(character, -1)
    return (
        str(int(number))
        if number > 0 and number == int(number) and "ROMAN" in unicodedata.name(character)
        else character
    )


def _plain_character(character: str) -> str:
    if character.isascii():
        return character
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    kind = unicodedata.category(character)
    if kind in ("Cf", "Mn", "Me", "Cs", "Co", "Cn"):
        return ""
    if kind.startswith("L") and not _is_chinese(character):
        base = unicodedata.normalize("NFKD", character)[0]
        return base if base.isascii() and base.isalpha() else ""
    return character


def _address(found: re.Match[str]) -> str:
    said = re.sub(r"(?i)^https?://", "", found[0]).rstrip("/.,;!?)")
    said = said.replace("@", "艾特").replace(".", "点").replace("/", "斜杠").replace("-", "杠").replace("_", "下划线")
    return re.sub(r"\d+", lambda digits: spelled(digits[0]), said) + "，"


def _paused(text: str) -> str:
    text = re.sub(r"(?<=[^\x00-\x7f])\s*~+\s*(?=[^\x00-\x7f])", "到", text)
    text = re.sub(r"\.{2,}|([+=&@<>])\1+", "，", text)  # leaders and ruled lines
    text = re.sub(r"(?<=[^\x00-\x7f]) +(?=[^\x00-\x7f])", "，", text)
    text = re.sub(r"\.(?=\s|$|[^\x00-\x7f])", "。", text).replace(".", "点")
    text = "".join(map(_sayable, text))
    text = _PAUSES.sub(lambda found: min(found[0].strip(), key=_strength), text)
    text = re.sub(r"(?<=[A-Z])\s*(?=[A-Z])", " ", re.sub(r"\s+", "", text))
    return text.strip(_PAUSE_MARKS[3:] + " ").lstrip(_PAUSE_MARKS) if re.search(r"\w", text) else ""


def _strength(mark: str) -> int:
    return _PAUSE_MARKS.find(mark) if mark in _PAUSE_MARKS else len(_PAUSE_MARKS)


def _sayable(character: str) -> str:
    if character in " " or character in _PAUSE_MARKS or _is_chinese(character):
        return character
    if character.isascii() and character.isalpha():
        return character.upper()
    if character in _SPOKEN_SYMBOLS:
        return _SPOKEN_SYMBOLS[character]
    if character in _PAUSED_SYMBOLS:
        return _PAUSED_SYMBOLS[character]
    return "，" if unicodedata.category(character) == "So" else ""


def _is_chinese(character: str) -> bool:
    return (
        "\u4e00" <= character <= "\u9fff"
        or "\u3400" <= character <= "\u4dbf"
        or character == "々"
        or "\uf900" <= character <= "\ufaff"
        or "\U00020000" <= character <= "\U0003ffff"
    )
