"""A list of names as a WeChat group keeps it (#接龙 …), read line by line. Pure.

Never drops a line in which something is said. What a heading says is in `jielong_headings.py`, what may be a name in
`jielong_names.py`; whose name it is, in `jielong_matching.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from village.notices.jielong_headings import not_yet, says_already
from village.notices.jielong_names import forms_of, plain, says_a_name, words_in

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


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `names`: what may be somebody's name in it, the fuller form first; `house`: those that say 家."""

    line: int
    shown: str
    names: tuple[tuple[str, ...], ...]
    house: frozenset[str]
    group_no: int | None
    called: frozenset[str] = frozenset()
    """Those whom somebody else called upon (@李四 看到请回复)."""
    not_yet_at: int | None = None
    """Where 还没接龙的 begins, in a line that may be a heading over those who have not answered."""
    already: bool = False
    """已接龙的, #接龙: what comes below has answered."""
    heading: bool = False
    """Nobody's line: it comes back only for the names in it."""
    own: bool = False
    """Has a number of its own."""
    beside: str = ""
    """The whole line, where it was taken apart (李四、张三没有回)."""


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
        if _EXAMPLE.match(shown) or not re.search(r"\w", shown):
            continue
        not_yet_at, stock = not_yet(shown, numbered=number > 0)
        already = not_yet_at is None and says_already(shown, numbered=number > 0)
        if not_yet_at is None and not already and (not begun or (number == 0 and _HEADING.search(shown))):
            continue
        heading = stock or already
        parts = [shown] if numbered else _apart(shown)
        entries.append(_entry(at, parts[0], own=number > 0, not_yet_at=not_yet_at, already=already, heading=heading))
        entries += [_entry(at, part) for part in parts[1:]]
        if len(parts) > 1:
            entries[-len(parts) :] = [replace(entry, beside=shown) for entry in entries[-len(parts) :]]
    return entries


def _apart(shown: str) -> list[str]:
    """王德福、张三,李桂英 1组: where nothing is numbered, each name with what is said of it (李桂英,1组,收到)."""
    parts: list[str] = []
    for part in re.split(r"\s*[、,;]\s*", shown):
        said = any(says_a_name(word) for word in words_in(_GROUP.sub(" ", part)))
        if said or not parts:
            parts.append(part)
        else:
            parts[-1] += f" {part}"
    return [part for part in parts if re.search(r"\w", part)]


def _number(piece: str) -> int:
    """How long the number in front is; 0: there is none. 3组王德福 begins with a group, not with a number."""
    match = _NUMBER.match(piece)
    return 0 if match is None else match.end()


def _entry(
    line: int,
    shown: str,
    *,
    own: bool = False,
    not_yet_at: int | None = None,
    already: bool = False,
    heading: bool = False,
) -> Entry:
    """`own`: behind a number stands who wrote it, also with @; in any other place @ calls upon somebody."""
    groups = list(_GROUP.finditer(shown))
    rest = _GROUP.sub(" ", shown)
    names: list[tuple[str, ...]] = []
    house: set[str] = set()
    called: set[str] = set()
    upon = rest.lstrip().removeprefix("@") if own else rest
    at_names = {word for after in re.findall(r"@\s*([^@\s]+)", upon) for word in words_in(after)[:1]}
    for word in [] if already and shown.startswith("#") else words_in(rest):
        forms = forms_of(word)
        if word in at_names:
            called.update(forms)
        if forms:
            names.append(forms)
            house.update(form for form in forms if re.search("[家户]", word.partition(form)[2]))
    return Entry(
        line,
        shown,
        tuple(names),
        frozenset(house),
        _group_of(groups[0]["no"]) if groups else None,
        called=frozenset(called),
        not_yet_at=not_yet_at,
        already=already,
        heading=heading,
        own=own,
    )


def _group_of(written: str) -> int | None:
    if written.isdigit():
        return int(written)
    tens, ten, ones = written.rpartition("十")
    if not ten:
        return _NUMERALS.get(written)
    return _NUMERALS.get(tens, 1) * 10 + (_NUMERALS.get(ones, 0) if ones else 0)
