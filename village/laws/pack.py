"""Law packs: the rules of village votes as versioned data, read from TOML and checked before anybody is judged by them.

Never knows an article: whatever the law says stands in the pack, and a new text of the law is a new file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from village.ground.wording import RefusalError, Wording, say


class Kind(StrEnum):
    """What can be put to a vote at all; DESIGN's words for `village rule`."""

    ASSEMBLY = "assembly"
    HOUSEHOLD = "household"
    REPRESENTATIVES = "representatives"
    GROUP = "group"
    COLLECTIVE = "collective"
    COLLECTIVE_REPRESENTATIVES = "collective-representatives"
    CONSULTATION = "consultation"
    OPINION = "opinion"


class Refused(StrEnum):
    """What is never decided by SMS, call or page (facts/governance.md, 3)."""

    ELECTION = "election"
    RECALL = "recall"
    PARTY = "party"
    MEMBERSHIP = "membership"
    WELFARE = "welfare"


class By(StrEnum):
    """Who counts as one."""

    PERSON = "person"
    HOUSEHOLD = "household"

    def counted(self, n: int) -> Wording:
        """210户, 602人"""
        return say("{n}户", n=n) if self is By.HOUSEHOLD else say("{n}人", n=n)


class PackError(Exception):
    """A pack that does not hold together; nobody may be judged by it."""


@dataclass(frozen=True, slots=True)
class Share:
    """`numerator`/`denominator` of a whole; `strict`: more than that (过半数), else at least (以上, 本数 included)."""

    numerator: int
    denominator: int
    strict: bool

    def reached(self, part: int, whole: int) -> bool:
        """Integers only, so that exactly half is exactly half."""
        left, right = self.denominator * part, self.numerator * whole
        return left > right if self.strict else left >= right

    def least(self, whole: int) -> int:
        """The smallest part that reaches it."""
        product = self.numerator * whole
        return product // self.denominator + 1 if self.strict else -(-product // self.denominator)

    def in_words(self) -> Wording:
        match self.numerator, self.denominator:
            case 1, 2:
                return say("过半数") if self.strict else say("一半以上")
            case 2, 3:
                return say("超过三分之二") if self.strict else say("三分之二以上")
            case part, whole:
                slots = {"part": part, "whole": whole}
                return say("超过{whole}分之{part}", **slots) if self.strict else say("{whole}分之{part}以上", **slots)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind's rule. `attend` None: the law sets none; `passing` None: nothing is decided.

    `attend_by`: the attendance asked of persons and of households where that differs.
    """

    kind: Kind
    name: str
    who: str
    articles: tuple[str, ...]
    text: str
    counted_by: tuple[By, ...]
    attend_by: Mapping[By, Share]
    passing: Share | None
    of_eligible: bool
    """Whether the yes votes are measured against all who are eligible instead of those who attended."""

    def attend(self, by: By | None) -> Share | None:
        return self.attend_by.get(by or self.counted_by[0])


@dataclass(frozen=True, slots=True)
class Refusal:
    kind: Refused
    name: str
    articles: tuple[str, ...]
    reason: str
    words: tuple[str, ...]
    """Where one of these stands in a question, the matter may be this one."""


@dataclass(frozen=True, slots=True)
class Pack:
    """`reviewed_by` is empty until a person has compared the pack with the text in force."""

    id: str
    title: str
    in_force: date
    warning: str
    reviewed_by: str
    reviewed_on: str
    rules: Mapping[Kind, Rule]
    refused: Mapping[Refused, Refusal]

    @property
    def reviewed(self) -> bool:
        return bool(self.reviewed_by and self.reviewed_on)

    def suspects(self, question: str) -> Refusal | None:
        """What a question sounds like that may not be decided this way; None where it sounds harmless."""
        return next((one for one in self.refused.values() if any(word in question for word in one.words)), None)

    def rule(self, kind: str) -> Rule:
        """Raises RefusedKindError for what may not be decided this way, LookupError for what nobody has heard of."""
        if kind in self.refused:
            raise RefusedKindError(self.refused[Refused(kind)])
        if kind not in self.rules:
            raise LookupError(kind)
        return self.rules[Kind(kind)]


class RefusedKindError(RefusalError):
    """The law does not let this be decided by SMS, call or page; the article is named."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(
            say(
                "{name}不能这样定：{reason}（{articles}）",
                name=refusal.name,
                reason=refusal.reason,
                articles="、".join(refusal.articles),
            ),
            status=422,
        )
        self.refusal = refusal


NEWEST = "cn-2018"


@cache
def pack_of(pack_id: str) -> Pack:
    """A pack of ours by its id. Raises LookupError, PackError."""
    if not pack_id.replace("-", "").isalnum():
        raise LookupError(pack_id)
    path = resources.files("village.laws") / "packs" / f"{pack_id}.toml"
    if not path.is_file():
        raise LookupError(pack_id)
    return read_pack(path.read_text("utf-8"))


def newest_pack() -> Pack:
    """The one new polls are opened under."""
    return pack_of(NEWEST)


_COUNTED_BY = {
    "person": (By.PERSON,),
    "household": (By.HOUSEHOLD,),
    "either": (By.PERSON, By.HOUSEHOLD),
    "choice": (By.PERSON, By.HOUSEHOLD),
}


_IN_PACK = frozenset({"id", "title", "in_force", "warning", "reviewed", "kinds", "refused"})
_IN_REVIEWED = frozenset({"by", "on"})
_IN_KIND = frozenset(
    {"name", "unit", "who", "articles", "text", "pass", "attend", *(f"attend_{by}" for by in By)},
)
_IN_REFUSED = frozenset({"name", "articles", "words", "reason"})
_IN_ATTEND = frozenset({"share", "strict"})
_IN_PASS = _IN_ATTEND | {"of"}


def _known(table: Mapping[str, Any], words: frozenset[str]) -> Mapping[str, Any]:
    """The table itself. Raises ValueError for a word nobody reads: a mistyped `attend` would drop the attendance."""
    unknown = sorted(table.keys() - words)
    if unknown:
        raise ValueError(f"nothing is read from {', '.join(unknown)}")
    return table


def read_pack(text: str) -> Pack:
    """Raises PackError with what is wrong."""
    try:
        read = _known(tomllib.loads(text), _IN_PACK)
        _known(read["reviewed"], _IN_REVIEWED)
        pack = Pack(
            id=str(read["id"]),
            title=str(read["title"]),
            in_force=date.fromisoformat(read["in_force"]),
            warning=str(read.get("warning", "")),
            reviewed_by=str(read["reviewed"]["by"]),
            reviewed_on=str(read["reviewed"]["on"]),
            rules=MappingProxyType({Kind(name): _rule(Kind(name), said) for name, said in read["kinds"].items()}),
            refused=MappingProxyType(
                {Refused(name): _refusal(Refused(name), said) for name, said in read["refused"].items()}
            ),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as broken:
        raise PackError(f"not a law pack: {broken!r}") from broken
    missing = [kind for kind in Kind if kind not in pack.rules] + [kind for kind in Refused if kind not in pack.refused]
    if missing:
        raise PackError(f"{pack.id} says nothing about {', '.join(missing)}")
    return pack


def _rule(kind: Kind, said: Mapping[str, object]) -> Rule:
    _known(said, _IN_KIND)
    counted_by = _COUNTED_BY[str(said["unit"])]
    strangers = [f"attend_{by}" for by in By if by not in counted_by and f"attend_{by}" in said]
    if strangers:
        raise ValueError(f"{kind} is not counted that way: {', '.join(strangers)}")
    general = said.get("attend")
    attend = {
        by: _share(found, _IN_ATTEND) for by in counted_by if (found := said.get(f"attend_{by}", general)) is not None
    }
    passing = said.get("pass")
    return Rule(
        kind=kind,
        name=str(said["name"]),
        who=str(said["who"]),
        articles=_texts(said, "articles"),
        text=str(said["text"]),
        counted_by=counted_by,
        attend_by=MappingProxyType(attend),
        passing=None if passing is None else _share(passing, _IN_PASS),
        of_eligible=passing is not None and _of_eligible(passing),
    )


def _refusal(kind: Refused, said: Mapping[str, object]) -> Refusal:
    articles = _texts(_known(said, _IN_REFUSED), "articles")
    if not articles:
        raise ValueError(f"{kind} is refused without an article")
    return Refusal(kind, str(said["name"]), articles, str(said["reason"]), _texts(said, "words"))


def _texts(said: Mapping[str, object], name: str) -> tuple[str, ...]:
    texts = said[name]
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise ValueError(f"{name} are a list of texts")
    return tuple(texts)


def _share(said: object, words: frozenset[str]) -> Share:
    if not isinstance(said, dict):
        raise TypeError("a share is a table")
    _known(said, words)
    numerator, denominator = said["share"]
    if type(numerator) is not int or type(denominator) is not int or not 0 < numerator <= denominator:
        raise ValueError("a share is a fraction of whole numbers")
    if type(said["strict"]) is not bool:
        raise ValueError("strict is true or false")
    return Share(numerator, denominator, said["strict"])


def _of_eligible(said: object) -> bool:
    of = said["of"] if isinstance(said, dict) else None
    if of not in ("attended", "eligible"):
        raise ValueError("pass is measured against attended or eligible")
    return bool(of == "eligible")
