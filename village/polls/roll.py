"""Who may vote, frozen when a poll opens: every adult, or one representative of every household; and the roll's hash.

Never changes a roll afterwards. The hash is salted, so that nobody who sees it can try out names.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import cbor2

from village.people.audience import Audience
from village.people.store import Addressee, select
from village.polls.poll import PollKind
from village.polls.store import RollLine, VoterDraft, roll_of

_PURPOSE = b"ejiajia/roll/1"
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Chosen:
    """`unknown_age`: on the roll because nothing says that they are minors. `without_adult`: households nobody votes
    for, left out of the roll and named on the desk."""

    people: tuple[Addressee, ...]
    unknown_age: int
    without_adult: tuple[str, ...]

    def drafts(self) -> list[VoterDraft]:
        return [
            VoterDraft(
                person.household_id,
                person.resident_id,
                person.group_no,
                person.name,
                None if person.born is None else person.born.iso(),
            )
            for person in self.people
        ]


def choose(tx: sqlite3.Connection, kind: PollKind, groups: frozenset[int], today: date) -> Chosen:
    """Everybody who may vote, in the order of the roster."""
    people = select(tx, Audience.groups(groups) if groups else Audience.everyone())
    adults = [person for person in people if not _is_minor(person, today)]
    if kind is PollKind.OPINION:
        return Chosen(tuple(adults), sum(person.born is None for person in adults), ())
    by_household: dict[int, list[Addressee]] = {}
    for person in adults:
        by_household.setdefault(person.household_id, []).append(person)
    without = dict.fromkeys(p.household for p in people if p.household_id not in by_household)
    voters = tuple(_representative(members) for members in by_household.values())
    return Chosen(voters, sum(person.born is None for person in voters), tuple(without))


def _is_minor(person: Addressee, today: date) -> bool:
    """Only who is known to be one: the roster's gaps take nobody's vote away."""
    return person.born is not None and person.born.adult_on(today) is False


def _representative(members: Sequence[Addressee]) -> Addressee:
    """The one the roster names, else the first adult in it: the head, as a rule."""
    return next((person for person in members if person.represents_household), members[0])


def new_salt() -> bytes:
    return os.urandom(_SALT_BYTES)


def roll_hash(salt: bytes, roll: Sequence[VoterDraft | RollLine]) -> bytes:
    """SHA-256 over the salt and every line with its place, as CBOR: 32 bytes."""
    lines = [
        [place, line.household_id, line.resident_id, line.group_no, line.name, line.born or ""]
        for place, line in enumerate(roll, 1)
    ]
    return sha256(_PURPOSE + cbor2.dumps([salt, lines], canonical=True)).digest()


def is_untouched(tx: sqlite3.Connection, poll_id: int, claimed: bytes) -> bool:
    """Whether the roll in the file still is the one that was frozen."""
    salt, lines = roll_of(tx, poll_id)
    return roll_hash(salt, lines) == claimed
