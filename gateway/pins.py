"""Which PIN a SIM has refused, kept over restarts: a wrong one in the settings must not be entered once a start.

Never keeps a PIN, only a fingerprint with the village's key. Decides nothing; `transports/modem_pin.py` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway import pin_store
from gateway.ground import Database, Vault


@dataclass(frozen=True, slots=True)
class PinTry:
    """A PIN that was tried and, as far as is known, not taken.

    `refused` False: it was cut off, and nobody knows. `left`: the tries the SIM told before it; None: it told none.
    """

    refused: bool
    left: int | None


class PinMemory(Protocol):
    """`sim`: by which a SIM is known again. Each await returns when it is kept."""

    async def tried(self, sim: str, pin: str) -> PinTry | None: ...

    async def begin(self, sim: str, pin: str, left: int | None) -> None:
        """Before it is entered: until the SIM has answered, this try is cut off."""
        ...

    async def refused(self, sim: str, pin: str) -> None: ...

    async def taken(self, sim: str, pin: str) -> None: ...


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
        await self._db.write(lambda tx: pin_store.forget(tx, *key))

    def _key(self, sim: str, pin: str) -> tuple[bytes, bytes]:
        return self._vault.fingerprint(f"sim\n{sim}"), self._vault.fingerprint(f"pin\n{sim}\n{pin}")


class PinsOfThisProcess:
    """Forgotten with the process: for a line that stands alone, without a village's file."""

    def __init__(self) -> None:
        self._tries: dict[tuple[str, str], PinTry] = {}

    async def tried(self, sim: str, pin: str) -> PinTry | None:
        return self._tries.get((sim, pin))

    async def begin(self, sim: str, pin: str, left: int | None) -> None:
        self._tries[sim, pin] = PinTry(refused=False, left=left)

    async def refused(self, sim: str, pin: str) -> None:
        self._tries[sim, pin] = PinTry(refused=True, left=self._tries[sim, pin].left)

    async def taken(self, sim: str, pin: str) -> None:
        self._tries.pop((sim, pin), None)
