"""Whom somebody means: from a kind and the words they typed to an audience.

Never guesses between two people of one name; it says which there are.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from village.ground.wording import RefusalError, Wording, say
from village.people.audience import Audience
from village.people.store import HouseholdRow, ResidentRow, groups, households, named

KINDS = ("everyone", "groups", "household_reps", "representatives", "party", "away", "households", "residents")

_PLAIN = {
    "everyone": Audience.everyone,
    "household_reps": Audience.household_reps,
    "representatives": Audience.representatives,
    "party": Audience.party,
    "away": Audience.away,
}

_ALSO = {"group": "groups", "household": "households", "person": "residents", "reps": "household_reps"}
"""What people type on the command line."""

_WITH_GROUP = re.compile(r"第?(\d{1,2})组(.+)\Z")


def audience_of(tx: sqlite3.Connection, kind: str, words: Iterable[str] = ()) -> Audience:
    """Raises RefusalError (422) with every word that means nobody, or more than one."""
    kind = _ALSO.get(kind, kind)
    wanted = _split(words)
    if kind in _PLAIN:
        return _PLAIN[kind]()
    if kind == "groups":
        return Audience.groups(_groups(tx, wanted))
    if kind == "households":
        return Audience.households(_one_each(wanted, say("哪几户"), lambda word: _households(tx, word)))
    if kind == "residents":
        return Audience.residents(_one_each(wanted, say("哪几个人"), lambda word: _residents(tx, word)))
    if not kind:
        raise RefusalError(say("{what}还没有填", what=say("发给谁")), status=422)
    raise RefusalError(say("不知道“{kind}”是谁", kind=kind), status=422)


def _split(words: Iterable[str]) -> list[str]:
    text = unicodedata.normalize("NFKC", " ".join(words))
    return list(dict.fromkeys(word for word in re.split(r"[\s、,;。]+", text) if word))


def _groups(tx: sqlite3.Connection, words: list[str]) -> set[int]:
    found: set[int] = set()
    known = {row.no for row in groups(tx)}
    wrong = []
    for word in words:
        match = re.fullmatch(r"第?(\d{1,2})(?:组|村民小组)?", word)
        if match and int(match[1]) in known:
            found.add(int(match[1]))
        else:
            wrong.append(say("花名册里没有“{word}”这个组", word=word))
    if wrong:
        raise RefusalError(*wrong, status=422)
    if not found:
        raise RefusalError(say("{what}还没有选", what=say("哪几组")), status=422)
    return found


def _households(tx: sqlite3.Connection, word: str) -> list[HouseholdRow]:
    group, name = _group_and_name(word.removesuffix("家"))
    rows = [row for row in households(tx, group) if row.head == name]
    return rows or [row for row in households(tx, group) if row.head == word]


def _residents(tx: sqlite3.Connection, word: str) -> list[ResidentRow]:
    group, name = _group_and_name(word)
    return [row for row in named(tx, name) if group is None or row.group_no == group]


def _group_and_name(word: str) -> tuple[int | None, str]:
    """3组王德福: what tells two of one name apart."""
    match = _WITH_GROUP.match(word)
    return (int(match[1]), match[2]) if match else (None, word)


def _one_each(
    words: list[str], what: Wording, find: Callable[[str], Sequence[HouseholdRow] | Sequence[ResidentRow]]
) -> set[int]:
    """The id behind every word; all that is wrong is said at once."""
    if not words:
        raise RefusalError(say("{what}还没有填", what=what), status=422)
    found, wrong = set(), []
    for word in words:
        rows = find(word)
        if len(rows) == 1:
            found.add(rows[0].id)
        elif rows:
            which = "、".join(_which(row) for row in rows)
            wrong.append(say("“{word}”有{n}个，请写明是哪个：{which}", word=word, n=len(rows), which=which))
        else:
            wrong.append(say("花名册里没有“{word}”", word=word))
    if wrong:
        raise RefusalError(*wrong, status=422)
    return found


def _which(row: HouseholdRow | ResidentRow) -> str:
    """As it can be typed to mean this one."""
    return f"{row.group_no}组{row.head if isinstance(row, HouseholdRow) else row.name}"
