"""A list of names as a WeChat group keeps it (#接龙 …), read line by line, and matched to whom a notice was sent. Pure.

Never guesses between namesakes, never counts a line that says something else (没收到) or stands under 还没接龙的, and
never drops a line: what is nobody's name is given back as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
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
_SAID = re.compile(
    r"(?:收到|知道|知悉|知晓|晓得|明白|清楚|看到|阅|参加|报名|交|缴|办|完成)(?:了|过|好|费|完|啦|的|通知)*$"
)
_WHO_SAID = (
    "全家",
    "一家人",
    "一家",
    "家里",
    "家人",
    "家",
    "大家",
    "我们",
    "本人",
    "代",
    "都",
    "已经",
    "已",
    "均",
    "也",
    "全",
)
_HEADS = re.compile(r"^(?:我是|我叫|户主|姓名|本人|代替?|帮|已?收到)")
_OTHERWISE = re.compile(
    r"没|未|不|别|无法|请假|[?]|吗|怎么|为什么|啥|拒|反对|取消|退出|还差|还缺|还欠|问|才能|请(?:接龙|回|看|确认|尽快)|回一下"
)
"""Where one of these stands beside the name, a person reads the line before it counts."""

_STOCK = (
    r"(?:以下|下列|下面|目前|现在|截至|截止|为止|至今|这些|这几|还有|还|仍|尚|都|是|本|我|名单|村民|农户|住户|大家|各位|"
    r"的|第?[0-9一二两三四五六七八九十]+(?:村民|小)?[组队社户家人]|通知[0-9]*|[#*\s、.]|[(\[【][^)\]】]*[)\]】])*"
)
_ANSWERED = (
    r"(?:接龙|收到|回复|回应|回话|回|报名|交费|缴费|交|缴|办理|办|确认|反馈|参加|来|去|看到|看|知道|通知到|到|签字|签|填|"
    r"登记|接|完成|打卡|表态|同意)"
)
_LISTED = (
    r"(?:有|是|为|如下|名单|人员|住户|村民|农户|家庭|户|家|人|个|位|这|那|以下|下面|几|些|请|抓紧|尽快|赶紧|补上|接龙|回复|"
    r"[0-9]|共|还|了|[()\[\]【】\s])*"
)
_NOT = r"(?:没有?|未|不|拒绝?|反对)"
_NOT_YET = re.compile(
    rf"(?P<before>[^没未不拒]*?)(?P<not>{_NOT}[^:,。;!]{{0,10}}(?:的|者|名单|人员){_LISTED}"
    rf"|{_NOT}\s*(?:有|能|及时|曾)?{_ANSWERED}了?(?P<listed>{_LISTED})|(?:还差|还缺|还欠|还剩|剩下|欠[交缴费]|缺|差)(?:的|了)?{_LISTED})"
)
_NOT_YET_BEGUN = re.compile(
    rf"(?P<before>{_STOCK})(?P<not>{_NOT}(?:有|能|及时|曾)?{_ANSWERED}[^:,。;!]{{0,6}}?(?:的|者|名单|人员)\w{{0,2}}(?:有|是|为|请|@)"
    r"|(?:还差|还缺|还欠))"
)
"""没来的有李四、张三: the names stand in the same breath."""
_ALREADY = re.compile(rf"{_STOCK}(?:已经?|都)?{_ANSWERED}[了好过]*(?P<listed>(?:的|者|名单|人员)?{_LISTED})")
_CALL = re.compile(r"请|收到|接龙|回复")

_SHORTEST_NAME, _LONGEST_NAME = 2, 20
_LONGEST_WORD = 40
"""A longer run of characters is a sentence and holds nobody's name."""


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
        not_yet_at, stock = _not_yet(shown, numbered=number > 0)
        already = not_yet_at is None and _says_already(shown, numbered=number > 0)
        if not_yet_at is None and not already and (not begun or (number == 0 and _HEADING.search(shown))):
            continue
        heading = stock or already
        parts = [shown] if numbered else _apart(shown)
        entries.append(_entry(at, parts[0], own=number > 0, not_yet_at=not_yet_at, already=already, heading=heading))
        entries += [_entry(at, part) for part in parts[1:]]
        if len(parts) > 1:
            entries[-len(parts) :] = [replace(entry, beside=shown) for entry in entries[-len(parts) :]]
    return entries


def _not_yet(shown: str, *, numbered: bool) -> tuple[int | None, bool]:
    """Where 还没接龙的 begins, and whether nothing but it stands there.

    A call to answer after it (没收到的请回复，收到请接龙) speaks of the others, and behind a number 幸福一家没收到 is a
    nickname's own word.
    """
    begun = None if numbered else _NOT_YET_BEGUN.match(shown)
    if begun is not None and not _CALL.search(",".join(re.split("[,。;!]", shown)[1:])):
        return begun.start("not"), False
    at = 0
    for clause in re.split("([:,。;!])", shown):
        match = _NOT_YET.fullmatch(clause.strip())
        if match is not None:
            rest = shown[at + len(clause) :]
            stock = re.fullmatch(_STOCK, match["before"]) is not None
            said = match["listed"] != "" or rest.startswith(":")
            if not rest.startswith(":") and _CALL.search(re.split("[,。;!]", f",{rest}")[-1]):
                return None, False
            if (stock and said) or (not numbered and (stock or said)):
                where = at + len(clause) - len(clause.lstrip()) + match.start("not")
                return where, stock and said and not re.search(r"\w", rest)
        at += len(clause)
    return None, False


def _says_already(shown: str, *, numbered: bool) -> bool:
    if shown.startswith("#") and not numbered:
        return True
    match = _ALREADY.fullmatch(shown.rstrip(":。! "))
    return match is not None and (bool(match["listed"]) or shown.rstrip().endswith(":") or "已" in shown)


def _apart(shown: str) -> list[str]:
    """王德福、张三,李桂英 1组: where nothing is numbered, each name with what is said of it (李桂英,1组,收到)."""
    parts: list[str] = []
    for part in re.split(r"\s*[、,;]\s*", shown):
        said = any(_says_a_name(word) for word in _words(_GROUP.sub(" ", part)))
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
    at_names = {word for after in re.findall(r"@\s*([^@\s]+)", upon) for word in _words(after)[:1]}
    for word in [] if already and shown.startswith("#") else _words(rest):
        forms = _forms(word)
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


def _says_a_name(word: str) -> bool:
    return "" not in _stripped(word)


def _forms(word: str) -> tuple[str, ...]:
    """张成全收到: as it stands, then 张成全, then 张成: whatever may be the name in it, the fuller one first."""
    if len(word) > _LONGEST_WORD:
        return ()
    forms = _stripped(word)
    forms.update(_HOUSE.sub("", form) for form in tuple(forms))
    fitting = [form for form in forms if _SHORTEST_NAME <= len(form) <= _LONGEST_NAME]
    return tuple(sorted(fitting, key=lambda form: (-len(form), word.find(form))))


def _stripped(word: str) -> set[str]:
    """The word, and what is left of it without what was said, taken away piece by piece from both ends."""
    found = {word, _HEADS.sub("", word)}
    more = {_SAID.sub("", form) for form in found} - found
    while more:
        found |= more
        more = {form.removesuffix(said) for form in more for said in _WHO_SAID} - found
    return found


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
class Outsider:
    """Somebody on the roster whom the notice was not sent to, and who may have answered all the same."""

    name: str
    group_no: int


class Doubt(StrEnum):
    """Why a name does not count before a person has looked."""

    OTHERWISE = "otherwise"
    """Something else stands beside it."""
    NOT_YET = "not_yet"
    """It stands under 还没接龙的."""
    CALLED = "called"
    """Somebody else called upon him."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one name in the list comes to. `options`: one for each household (or person) it may mean."""

    entry: Entry
    name: str
    state: State
    options: tuple[Person, ...] = ()
    doubt: Doubt | None = None
    """A person looks before it counts."""
    outside: bool = False
    """Somebody of that name lives in the village whom the notice was not sent to."""
    fits: tuple[str, ...] = ()
    """Every name that may be read out of what was written."""

    @property
    def doubtful(self) -> bool:
        return self.doubt is not None

    @property
    def names_differ(self) -> bool:
        """张成全收到, where both 张成 and 张成全 live."""
        return any(form != self.name for form in self.fits)


def match(
    entries: Sequence[Entry],
    people: Iterable[Person],
    *,
    already: Collection[int],
    households: bool,
    outsiders: Iterable[Outsider] = (),
) -> list[Row]:
    """A row for every name that is somebody's, and for every line in which none is, in the order of the lines.

    `already`: the units that need not be counted again. Where persons were addressed (`households` False), 张三家 names
    nobody. A name that is an outsider's as well is chosen by the clerk.
    """
    reader = _Reader(already, households=households)
    for person in people:
        reader.by_name.setdefault(plain(person.name), {}).setdefault(person.unit_id, person)
    for one in outsiders:
        reader.outside.setdefault(plain(one.name), set()).add(one.group_no)
    rows: list[Row] = []
    for entry in entries:
        reader.read(entry, rows)
    return rows


class _Reader:
    """One list from its top: whether those below have answered depends on the heading over them."""

    def __init__(self, already: Collection[int], *, households: bool) -> None:
        self.by_name: dict[str, dict[int, Person]] = {}
        self.outside: dict[str, set[int]] = {}
        self._already = already
        self._households = households
        self._seen: set[int] = set()
        self._not_yet = False
        self._line = ("", "")

    def read(self, entry: Entry, rows: list[Row]) -> None:
        """Adds to `rows` what the line comes to."""
        if entry.already or (entry.not_yet_at is not None and not self._named_before(entry, entry.not_yet_at)):
            self._not_yet = not entry.already
        read = [self._row(entry, forms) for forms in entry.names]
        found = [row for row in read if row is not None]
        if not found and not entry.own and not entry.heading and _OTHERWISE.search(entry.shown):
            self._doubt_the_last(rows)
        rows += found or ([] if entry.heading else [Row(entry, "", State.NOT_FOUND)])

    def _doubt_the_last(self, rows: list[Row]) -> None:
        """王德福, and below it without a number 不来: the words may be his."""
        if rows and rows[-1].state is State.MATCHED and rows[-1].doubt is None:
            rows[-1] = replace(rows[-1], doubt=Doubt.OTHERWISE)
            self._seen.discard(rows[-1].options[0].unit_id)

    def _words_beside(self, whole: str) -> str:
        """A line without the names in it; asked for once a name, and read once."""
        if whole != self._line[0]:
            self._line = (whole, _WORD.sub(lambda word: "" if word[0] in self.by_name else word[0], whole))
        return self._line[1]

    def _named_before(self, entry: Entry, at: int) -> bool:
        """王德福 没收到 is his own line, and no heading."""
        fitting = [form for forms in entry.names for form in forms if form in self.by_name or form in self.outside]
        return any(0 <= entry.shown.find(form) <= at for form in fitting)

    def _row(self, entry: Entry, forms: Sequence[str]) -> Row | None:
        names = [form for form in forms if form in self.by_name and (self._households or form not in entry.house)]
        if not names:
            return None
        name = names[0]
        fitting = {one.unit_id: one for form in reversed(names) for one in self.by_name[form].values()}
        everywhere = tuple(sorted(fitting.values(), key=lambda one: one.unit_id))
        here = tuple(one for one in everywhere if entry.group_no in (None, one.group_no))
        outside = any(entry.group_no in (None, group_no) for form in forms for group_no in self.outside.get(form, ()))
        doubt = self._doubt(entry, name)
        if len(here) != 1 or outside:
            return Row(entry, name, State.CHOOSE, here or everywhere, doubt, outside, tuple(names))
        unit_id = here[0].unit_id
        if unit_id in self._already:
            return Row(entry, name, State.ALREADY, here, doubt)
        if unit_id in self._seen and doubt is not Doubt.NOT_YET:
            return Row(entry, name, State.REPEATED, here, doubt)
        if doubt is None:
            self._seen.add(unit_id)
        return Row(entry, name, State.MATCHED, here, doubt)

    def _doubt(self, entry: Entry, name: str) -> Doubt | None:
        if self._not_yet:
            return Doubt.NOT_YET
        if name in entry.called:
            return Doubt.CALLED
        said = entry.shown.replace(name, "") + self._words_beside(entry.beside).replace(name, "")
        return Doubt.OTHERWISE if _OTHERWISE.search(said) else None
