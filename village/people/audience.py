"""Whom something is meant for: the kinds of audience the committee can choose, as a value that can be kept.

Never looks anybody up; `village.people.store.select` does.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from village.ground.wording import Wording, say


class AudienceKind(StrEnum):
    EVERYONE = "everyone"
    GROUPS = "groups"
    HOUSEHOLDS = "households"
    RESIDENTS = "residents"
    HOUSEHOLD_REPS = "household_reps"
    REPRESENTATIVES = "representatives"
    PARTY = "party"
    AWAY = "away"


NAMED = frozenset({AudienceKind.GROUPS, AudienceKind.HOUSEHOLDS, AudienceKind.RESIDENTS})
"""These kinds name their members one by one; the others are what the roster says at the time."""


@dataclass(frozen=True, slots=True)
class Audience:
    """`ids` are group numbers, household ids or resident ids, and empty for the kinds that name nobody."""

    kind: AudienceKind
    ids: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if bool(self.ids) != (self.kind in NAMED):
            raise ValueError(f"{self.kind} with {len(self.ids)} names")

    @classmethod
    def everyone(cls) -> Audience:
        return cls(AudienceKind.EVERYONE)

    @classmethod
    def groups(cls, numbers: Iterable[int]) -> Audience:
        return cls(AudienceKind.GROUPS, frozenset(numbers))

    @classmethod
    def households(cls, ids: Iterable[int]) -> Audience:
        return cls(AudienceKind.HOUSEHOLDS, frozenset(ids))

    @classmethod
    def residents(cls, ids: Iterable[int]) -> Audience:
        return cls(AudienceKind.RESIDENTS, frozenset(ids))

    @classmethod
    def household_reps(cls) -> Audience:
        return cls(AudienceKind.HOUSEHOLD_REPS)

    @classmethod
    def representatives(cls) -> Audience:
        return cls(AudienceKind.REPRESENTATIVES)

    @classmethod
    def party(cls) -> Audience:
        return cls(AudienceKind.PARTY)

    @classmethod
    def away(cls) -> Audience:
        return cls(AudienceKind.AWAY)

    def to_json(self) -> str:
        return json.dumps({"kind": str(self.kind), "ids": sorted(self.ids)})

    @classmethod
    def from_json(cls, text: str) -> Audience:
        """Raises ValueError for anything `to_json` did not write."""
        read = json.loads(text)
        if not isinstance(read, dict) or not isinstance(read.get("ids"), list):
            raise ValueError("not an audience")
        if any(type(number) is not int for number in read["ids"]):
            raise ValueError("an audience names whole numbers")
        return cls(AudienceKind(str(read.get("kind"))), frozenset(read["ids"]))

    def in_words(self) -> Wording:
        """As the desk shows it."""
        match self.kind:
            case AudienceKind.EVERYONE:
                return say("全村")
            case AudienceKind.GROUPS:
                return say("{groups}组", groups="、".join(str(number) for number in sorted(self.ids)))
            case AudienceKind.HOUSEHOLDS:
                return say("点名的{n}户", n=len(self.ids))
            case AudienceKind.RESIDENTS:
                return say("点名的{n}人", n=len(self.ids))
            case AudienceKind.HOUSEHOLD_REPS:
                return say("户代表")
            case AudienceKind.REPRESENTATIVES:
                return say("村民代表")
            case AudienceKind.PARTY:
                return say("党员")
            case AudienceKind.AWAY:
                return say("外出的人")
