"""Whose phone a number is, in the words of the roster: what the sample village's phones are labelled with.

Never for a real village's pages: numbers are opened here to be shown and searched.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import Wording, say
from village.people import store as people
from village.people.store import Holder, ResidentRow


class Names:
    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    async def labels(self, numbers: Collection[str]) -> dict[str, Wording | None]:
        """What stands on each phone; None where the roster does not know it."""

        def unit(tx: sqlite3.Connection) -> dict[str, Wording | None]:
            return {number: self._label(tx, number) for number in numbers}

        return await self._db.read(unit) if numbers else {}

    def _label(self, tx: sqlite3.Connection, number: str) -> Wording | None:
        phone = people.phone_by_fingerprint(tx, self._vault.fingerprint(number))
        holders = people.holders(tx, phone.id) if phone is not None else []
        if len(holders) == 1:
            return _one(people.resident(tx, holders[0].resident_id), holders[0])
        if holders:
            return say("{name}家 · {n}人合用", name=holders[0].household, n=len(holders))
        return None

    async def held_by(self, words: str, most: int) -> list[str]:
        """The numbers of those whose name, or whose household's, contains the words."""

        def unit(tx: sqlite3.Connection) -> list[str]:
            found = dict.fromkeys(phone.sealed for row in people.search(tx, words) for phone in row.phones)
            return list(dict.fromkeys(self._vault.open(sealed) for sealed in list(found)[:most]))

        return await self._db.read(unit)


def _one(resident: ResidentRow | None, holder: Holder) -> Wording:
    """Whose phone it is, with what matters when one tries it."""
    marks = resident.marks if resident is not None else None
    if holder.away:
        return say("{name} · 在外", name=holder.name)
    if marks is not None and marks.lives_alone:
        return say("{name} · {no}组 · 独居", name=holder.name, no=holder.group_no)
    return say("{name} · {no}组", name=holder.name, no=holder.group_no)
