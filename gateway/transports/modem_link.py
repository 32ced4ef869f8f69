"""The modem as it is plugged in just now, and what was done with what it holds. Ends with its object path.

Never decides anything; a failed call is a `BusError` of `modem_bus.py`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from gateway.transports.modem_bus import MESSAGING, MODEM, BusError, BusGoneError, ModemBus

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Link:
    """`life`: which ModemManager it was that gave it this path; a new one begins to count anew."""

    bus: ModemBus
    path: str
    life: int
    shown: set[str] = field(default_factory=set)
    """Messages that the village has and that could not be deleted, and the one that is being sent."""
    partial: set[str] = field(default_factory=set)
    """Long messages of which a part is missing."""
    rung: set[str] = field(default_factory=set)
    told_time: bool = False

    async def call(self, member: str, signature: str = "", body: list[Any] | None = None) -> list[Any]:
        return await self.bus.call(self.path, MODEM, member, signature, body)

    async def all(self) -> dict[str, dict[str, Any]]:
        """Everything ModemManager shows of it. Raises BusGoneError where it shows it no more."""
        modems = await self.bus.modems()
        if self.path not in modems:
            raise BusGoneError("Gone", "not listed")
        return modems[self.path]

    async def enable(self, *, on: bool) -> None:
        await self.call("Enable", "b", [on])

    async def about(self, path: str, interface: str) -> dict[str, Any] | None:
        """A call or a text as ModemManager knows it; None where it is gone by now, which says nothing of the modem."""
        try:
            return await self.bus.properties(path, interface)
        except BusError:
            return None

    async def delete(self, path: str) -> None:
        """What cannot be deleted is left: it is in `shown`, and the inbox takes nothing twice."""
        try:
            await self.bus.call(self.path, MESSAGING, "Delete", "o", [path])
        except BusError as refused:
            log.info("could not delete from the SIM reason=%s", refused.name)
