"""What a villager typed, made comparable: one digit is one digit however it was written.

Never interprets and never replaces the text itself: the raw text is what is kept, this form is what is compared.
"""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from functools import cache
from pathlib import Path

_REFUSING = dict.fromkeys("❌❎✖✗✘🚫⛔👎🙅", "×")
"""Signs that say no. Dropping them with the other pictures would turn `1❌` into a vote for 1."""

_JOINERS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0]")
"""Variation selectors and fillers: invisible, and not all of them in category Cf."""

_TRAILING = ".。、,!~…;"
_PICTURES = {"So", "Sk", "Cf", "Cc", "Cs", "Co", "Cn", "Me"}
_SPACES = re.compile(r"\s+")
_BESIDE_HAN = re.compile(r"(?<=[^0-9a-z#*\-.,/]) | (?=[^0-9a-z#*\-.,/])")
_PAIR = re.compile(r'"(.)": "(.)"')
_WRAPPED = re.compile(r"[\[(\"'“‘「『【〔<《](.+)[\])\"'”’」』】〕>》]")
_PAIRS = frozenset(["[]", "()", '""', "''", "“”", "‘’", "「」", "『』", "【】", "〔〕", "<>", "《》"])


def normalise(text: str) -> str:
    """NFKC, digits of every script as 0-9, simplified characters, lower case; without pictures, invisible characters,
    trailing punctuation and the spaces that mean nothing. A space between digits or letters is kept: it may mean
    something. Normalising twice changes nothing.
    """
    before, now = None, text
    while before != now:  # dropping a picture may bring a keycap's digit and a punctuation mark together
        before, now = now, _once(now)
    return now


def _once(text: str) -> str:
    marked = "".join(_REFUSING.get(sign, sign) for sign in text)
    plain = unicodedata.normalize("NFKC", _JOINERS.sub("", marked)).lower()
    kept = "".join(_letter(sign) for sign in plain)
    spaced = _SPACES.sub(" ", simplified(kept)).strip()
    tight = _BESIDE_HAN.sub("", spaced)
    return _unwrapped(tight).rstrip(_TRAILING + " ").lstrip()


def _letter(sign: str) -> str:
    if sign.isascii() and sign.isprintable():
        return sign
    if sign.isspace():
        return " "
    category = unicodedata.category(sign)
    if category == "Nd":
        return str(unicodedata.decimal(sign))
    return "" if category in _PICTURES else sign


def _unwrapped(text: str) -> str:
    """`"1"` and (1), as people copy them out of our own sentences, are 1; a whole sentence keeps its quotes."""
    match = _WRAPPED.fullmatch(text)
    if match is None or text[0] + text[-1] not in _PAIRS or not re.fullmatch(r"[0-9a-z一-鿿 ]{1,8}", match[1]):
        return text
    return match[1].strip()


def simplified(text: str) -> str:
    """繁 → 简, character by character. Costs nothing until somebody really writes a traditional character."""
    if all(sign.isascii() for sign in text) or _encodable(text):
        return text
    return text.translate(_table())


def _encodable(text: str) -> bool:
    """GB 2312 holds the simplified characters alone, so a text that fits needs no table."""
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


@cache
def _table() -> dict[int, str]:
    """zhconv's own table of single characters, read line by line from its file.

    Importing zhconv would bring setuptools' pkg_resources and dictionaries of phrases with it: 18 MB measured, on a
    computer of 1 GB, for one table of less than one megabyte.
    """
    spec = importlib.util.find_spec("zhconv")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("zhconv")
    path = Path(spec.submodule_search_locations[0]) / "zhcdict.json"
    found: dict[int, str] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith('"zh2Hans"'):
                break
        for line in lines:
            pair = _PAIR.match(line)
            if pair is None and line.startswith("}"):
                break
            if pair is not None and pair[1] != pair[2]:
                found[ord(pair[1])] = pair[2]
    return found
