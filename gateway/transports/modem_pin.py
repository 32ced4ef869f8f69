"""Unlocking a SIM with its PIN: carefully, for the third wrong try locks it until somebody has its PUK.

Never tries a PIN again that this SIM has refused, whatever was restarted or unplugged in between; never tries where
fewer than two tries are left; never writes a PIN anywhere. One that was taken is given again after the stick was
unplugged, and another one in the settings is tried.

A try that was cut off counts as refused, with one exception: where the SIM still tells as many tries as before it, it
has refused nothing, and the PIN is entered once more in the life of this process.
"""

from __future__ import annotations

import logging

from gateway.ground import Clock
from gateway.pins import PinMemory, PinTry
from gateway.transports.modem_bus import MODEM, SIM, BusError
from gateway.transports.modem_link import Link
from gateway.transports.modem_state import LOCK_PIN, About, lock_of

log = logging.getLogger(__name__)

_FEWEST = 2

_SETTLE_MS = 60_000
"""So long after a try that was cut off ModemManager, which may still be at it, has counted what is left."""

_REFUSALS = frozenset({"IncorrectPassword", "SimPuk"})
"""What the SIM itself says of a wrong PIN; the second, where that was the last try."""


class Pin:
    def __init__(self, pin: str, memory: PinMemory, clock: Clock) -> None:
        self._pin = pin
        self._memory = memory
        self._clock = clock
        self._cut_off: dict[str, int] = {}
        """Since when a try on this SIM is known to have been cut off (stopwatch)."""
        self._once_more: set[str] = set()

    async def unlock(self, link: Link, about: About) -> str:
        """Try once where that is safe; what the condition's note is then. Raises where the try cannot be written down
        before it is made."""
        modem = about[MODEM]
        path = str(modem.get("Sim", "/"))
        if lock_of(about) != LOCK_PIN or not self._pin or path == "/":
            return "pin_wanted"
        card = await link.about(path, SIM) or {}
        by_stick = f"stick {modem.get('EquipmentIdentifier', '')}"
        sim = str(card.get("SimIdentifier", "")) or by_stick  # some sticks cannot read a locked SIM's number
        left = modem.get("UnlockRetries", {}).get(LOCK_PIN)
        for name in {sim, by_stick}:
            before = await self._memory.tried(name, self._pin)
            if before is not None and not self._may_go_again(name, before, left):
                return "pin_wrong"
        if left is not None and int(left) < _FEWEST:
            return "pin_wanted"
        await self._memory.begin(sim, self._pin, left)
        return await self._enter(link, path, sim)

    async def _enter(self, link: Link, path: str, sim: str) -> str:
        try:
            await link.bus.call(path, SIM, "SendPin", "s", [self._pin])
        except BusError as refused:
            log.warning("the SIM's PIN was not taken reason=%s", refused.name)
            if refused.name.rpartition(".")[2] in _REFUSALS:
                await self._memory.refused(sim, self._pin)
            return "pin_wrong"
        await self._memory.taken(sim, self._pin)
        self._cut_off.pop(sim, None)
        self._once_more.discard(sim)
        return "searching"

    def _may_go_again(self, sim: str, before: PinTry, left: int | None) -> bool:
        if before.refused or before.left is None or left is None or left < before.left or sim in self._once_more:
            return False
        now_ms = self._clock.monotonic_ms()
        if now_ms - self._cut_off.setdefault(sim, now_ms) < _SETTLE_MS:
            return False
        self._once_more.add(sim)
        return True
