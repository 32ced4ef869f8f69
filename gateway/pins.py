"""Which PIN a SIM has refused, kept over restarts: a wrong one in the settings must not be entered once a start.

Never keeps a PIN, only a fingerprint with the village's key. Decides nothing; `transports/modem_pin.py` does.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from typing import Protocol

from gateway import pin_store
from gateway.ground import Database, Vault


@dataclass(frozen=True, slots=True)
class PinTry:
    """A PIN that was tried and, as far as is known, not taken.

    `refused` False: the last try was cut off, and nobody knows. `left`: the tries the SIM told before it; None: it told
    none. `times`: how often it was tried in all, over every restart.
    """

    refused: bool
    left: int | None
    times: int = 1


MOST_TIMES = 2
"""A SIM locks itself at the third wrong PIN: so often one is tried without proof that it costs nothing."""


class PinMemory(Protocol):
    """`sim`: by which a SIM is known again. Each await returns when it is kept."""

    async def tried(self, sim: str, pin: str) -> PinTry | None: ...

    async def begin(self, sim: str, pin: str, left: int | None) -> None:
        """Before it is entered: until the SIM has answered, this try is cut off."""
        ...

    async def refused(self, sim: str, pin: str) -> None: ...

    async def taken(self, sim: str, pin: str) -> None:
        """It is forgotten. Another one that this SIM has refused is wrong for good: the SIM's own is another."""
        ...


class Pins:
    """In the village's file."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    async def tried(self, sim: str, pin: str) -> PinTry | None:
        key = self._key(sim, pin)
        found = await self._db.read(lambda tx: pin_store.tried(tx, *key))
        return None if found is None else PinTry(*found)

    async def begin(self, sim: str, pin: str, left: int | None) -> None:
        key = self._key(sim, pin)
        await self._db.write(lambda tx: pin_store.begin(tx, *key, left))

    async def refused(self, sim: str, pin: str) -> None:
        key = self._key(sim, pin)
        await self._db.write(lambda tx: pin_store.refuse(tx, *key))

    async def taken(self, sim: str, pin: str) -> None:
        key = self._key(sim, pin)

        def unit(tx: sqlite3.Connection) -> None:
            pin_store.forget(tx, *key)
            pin_store.condemn_refused(tx, key[0], MOST_TIMES)

        await self._db.write(unit)

    def _key(self, sim: str, pin: str) -> tuple[bytes, bytes]:
        return self._vault.fingerprint(f"sim\n{sim}"), self._vault.fingerprint(f"pin\n{sim}\n{pin}")


class PinsOfThisProcess:
    """Forgotten with the process: for a line that stands alone, without a village's file."""

    def __init__(self) -> None:
        self._tries: dict[tuple[str, str], PinTry] = {}

    async def tried(self, sim: str, pin: str) -> PinTry | None:
        return self._tries.get((sim, pin))

    async def begin(self, sim: str, pin: str, left: int | None) -> None:
        before = self._tries.get((sim, pin))
        self._tries[sim, pin] = PinTry(refused=False, left=left, times=1 if before is None else before.times + 1)

    async def refused(self, sim: str, pin: str) -> None:
        self._tries[sim, pin] = replace(self._tries[sim, pin], refused=True)

    async def taken(self, sim: str, pin: str) -> None:
        self._tries.pop((sim, pin), None)
        for key, one in self._tries.items():
            if key[0] == sim and one.refused:
                self._tries[key] = replace(one, times=max(one.times, MOST_TIMES))
