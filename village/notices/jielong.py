"""A list of names as a WeChat group keeps it (#接龙 …), read line by line, and matched to whom a notice was sent. Pure.

Never guesses between namesakes, never counts a line that says something else (没收到), and never drops a line: what is
nobody's name is given back as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from village.ground.normalise import simplified

LONGEST_TEXT = 20_000
"""Characters of a pasted text: a village of a thousand households, with something to say each."""

_NUMERALS = {numeral: value for value, numeral in enumerate("一二三四五六七八九", start=1)} | {"两": 2}
_GROUP = re.compile(r"第?(?P<no>[0-9]{1,2}|[一二两三四五六七八九十]{1,3})\s*(?:村民小组|村民组|小组|组|队|社)(?!长)")
_NUMBER = re.compile(
    r"\s*(?![0-9]{1,2}\s*(?:村民|小)?[组队社])(?:[(\[【]\s*(?:[0-9]{1,4}|[一二三四五六七八九十]{1,3})\s*[)\]】]|[0-9]{1,4}|"
    r"[一二三四五六七八九十]{1,3}(?=\s*[.、)]))\s*[.、,:;)\]】\-—。·]*\s*"
)
_NEXT_ON_THE_LINE = re.compile(r"(?<=\S)\s+(?=[0-9]{1,3}\s*[.、)]\s*(?![0-9]))")
_HEADING = re.compile(r"#?\s*(?:群)?接龙|请.*接龙|接龙.*[:。!]?$")
_EXAMPLE = re.compile(r"例(?:如|子)?(?:[\s:.,、0-9]|$)")
_WORD = re.compile(r"[㐀-鿿𠀀-𲎯·]+")
_PICTURES = frozenset({"So", "Sk", "Cf", "Cs", "Co", "Cn", "Me", "Mn"})

_HOUSE = re.compile(r"(?:全家|一家人?|家里?|户)$")
_TAILS = re.compile(
    r"(?:(?:全家|一家人?|家里?|家人|大家|我们|本人|代|都|已经|已|均|也|全)*"
    r"(?:收到|知道|知悉|知晓|晓得|明白|清楚|看到|阅|参加|报名|交|缴|办|完成)(?:了|过|好|费|完|啦|的|通知)*)$"
)
_HEADS = re.compile(r"^(?:我是|我叫|户主|姓名|本人|代替?|帮|已?收到)")
_OTHERWISE = re.compile(r"没|未|不|别|无法|请假|[?]|吗|怎么|为什么|啥")
"""Where one of these stands beside the name, a person reads the line before it counts."""

_SHORTEST_NAME, _LONGEST_NAME = 2, 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `names`: what may be somebody's name in it, the fuller form first; `house`: those that say 家."""

    line: int
    shown: str
    names: tuple[tuple[str, ...], ...]
    house: frozenset[str]
    group_no: int | None


def parse(text: str) -> list[Entry]:
    """The entries in their order. A heading and an example are none; without any number every line is an entry."""
    lines = [(at, plain(line)) for at, line in enumerate(text[:LONGEST_TEXT].splitlines(), start=1)]
    pieces = [
        (at, piece)
        for at, line in lines
        if not _EXAMPLE.match(line.strip())
        for piece in _NEXT_ON_THE_LINE.split(line)
        if piece.strip()
    ]
    numbered = any(_number(piece) for _, piece in pieces)
    entries: list[Entry] = []
    begun = not numbered
    for at, piece in pieces:
        number = _number(piece)
        begun = begun or number > 0
        shown = piece[number:].strip()
        if not begun or _EXAMPLE.match(shown) or (number == 0 and _HEADING.search(shown)):
            continue
        if re.search(r"\w", shown):
            entries += [_entry(at, part) for part in ([shown] if numbered else _apart(shown))]
    return entries


def _apart(shown: str) -> list[str]:
    """王德福、张三,李桂英 1组: where nothing is numbered, each name with what is said of it (李桂英,1组,收到)."""
    parts: list[str] = []
    for part in re.split(r"\s*[、,;]\s*", shown):
        said = any(_untailed(word) for word in _words(_GROUP.sub(" ", part)))
        if said or not parts:
            parts.append(part)
        else:
            parts[-1] += f" {part}"
    return [part for part in parts if re.search(r"\w", part)]


def plain(line: str) -> str:
    """Full-width signs as plain ones, simplified, without pictures."""
    kept = "".join(sign for sign in unicodedata.normalize("NFKC", line) if unicodedata.category(sign) not in _PICTURES)
    return simplified(kept).replace("•", "·").replace("・", "·")


def _number(piece: str) -> int:
    """How long the number in front is; 0: there is none. 3组王德福 begins with a group, not with a number."""
    match = _NUMBER.match(piece)
    return 0 if match is None else match.end()


def _entry(line: int, shown: str) -> Entry:
    groups = list(_GROUP.finditer(shown))
    rest = _GROUP.sub(" ", shown)
    names: list[tuple[str, ...]] = []
    house: set[str] = set()
    for word in _words(rest):
        forms = _forms(word)
        if forms:
            names.append(forms)
            house.update(form for form in forms if re.search("[家户]", word.partition(form)[2]))
    return Entry(line, shown, tuple(names), frozenset(house), _group_of(groups[0]["no"]) if groups else None)


def _words(rest: str) -> list[str]:
    """The runs of Chinese characters; single ones beside each other are one name written wide (王 强)."""
    words: list[str] = []
    wide = False
    for match in _WORD.finditer(rest):
        word = match[0]
        if len(word) == 1 and wide and words and len(words[-1]) < 4:
            words[-1] += word
        else:
            words.append(word)
        wide = len(word) == 1
    return words


def _untailed(word: str) -> str:
    return _TAILS.sub("", _HEADS.sub("", word))


def _forms(word: str) -> tuple[str, ...]:
    """王德福家收到: as it stands, without what was said after it, and without 家."""
    bare = _untailed(word)
    forms = dict.fromkeys((word, bare, _HOUSE.sub("", bare), _HOUSE.sub("", word)))
    return tuple(form for form in forms if _SHORTEST_NAME <= len(form) <= _LONGEST_NAME)


def _group_of(written: str) -> int | None:
    if written.isdigit():
        return int(written)
    tens, ten, ones = written.rpartition("十")
    if not ten:
        return _NUMERALS.get(written)
    return _NUMERALS.get(tens, 1) * 10 + (_NUMERALS.get(ones, 0) if ones else 0)


# matched


class State(StrEnum):
    MATCHED = "matched"
    CHOOSE = "choose"
    """Namesakes, or a group in which there is nobody of that name."""
    ALREADY = "already"
    REPEATED = "repeated"
    """Stands further up as well."""
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Person:
    """A name that stands for a household (or person) of the notice; `head`: of the household."""

    name: str
    unit_id: int
    group_no: int
    head: str


@dataclass(frozen=True, slots=True)
class Row:
    """What one name in the list comes to. `options`: one for each household (or person) it may mean."""

    entry: Entry
    name: str
    state: State
    options: tuple[Person, ...] = ()
    doubtful: bool = False
    """Something else stands beside the name: a person looks before it counts."""


def match(
    entries: Sequence[Entry], people: Iterable[Person], *, already: Collection[int], households: bool
) -> list[Row]:
    """A row for every name that is somebody's, and for every line in which none is, in the order of the lines.

    `already`: the units that need not be counted again. Where persons were addressed (`households` False), 张三家 names
    nobody.
    """
    by_name: dict[str, dict[int, Person]] = {}
    for person in people:
        by_name.setdefault(plain(person.name), {}).setdefault(person.unit_id, person)
    rows: list[Row] = []
    seen: set[int] = set()
    for entry in entries:
        read = [_row(entry, forms, by_name, already, seen, households=households) for forms in entry.names]
        found = [row for row in read if row is not None]
        rows += found or [Row(entry, "", State.NOT_FOUND)]
    return rows


def _row(
    entry: Entry,
    forms: Sequence[str],
    by_name: dict[str, dict[int, Person]],
    already: Collection[int],
    seen: set[int],
    *,
    households: bool,
) -> Row | None:
    name = next((form for form in forms if form in by_name), None)
    if name is None or (not households and name in entry.house):
        return None
    everywhere = tuple(by_name[name].values())
    here = tuple(one for one in everywhere if entry.group_no in (None, one.group_no))
    doubtful = bool(_OTHERWISE.search(entry.shown.replace(name, "")))
    if len(here) != 1:
        return Row(entry, name, State.CHOOSE, here or everywhere, doubtful)
    unit_id = here[0].unit_id
    if unit_id in already:
        return Row(entry, name, State.ALREADY, here, doubtful)
    if unit_id in seen:
        return Row(entry, name, State.REPEATED, here, doubtful)
    seen.add(unit_id)
    return Row(entry, name, State.MATCHED, here, doubtful)
