"""Unlocking a SIM with its PIN: carefully, for the third wrong try locks it until somebody has its PUK.

Never tries where fewer than two tries are left; never writes a PIN anywhere. One that was taken is given again after
the stick was unplugged, and another one in the settings is tried. Beyond that a PIN is entered again, whatever was
restarted or unplugged in between, only

- after a try that was cut off where the SIM still tells as many tries as before it: it has refused nothing. Once in the
  life of this process;
- after a try that was cut off where the SIM tells none: once in all. A right PIN is not dead for good then, and a wrong
  one costs two of three tries;
- after a refusal where the SIM tells all its tries again: somebody has unlocked it in a phone, or it is another SIM.
  Once in all, and not where this very SIM has taken another PIN since.

A SIM is known by its own number; one that cannot be read while it is locked, by its stick.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from gateway.ground import Clock
from gateway.pins import MOST_TIMES, PinMemory, PinTry
from gateway.transports.modem_bus import MODEM, SIM, BusError
from gateway.transports.modem_link import Link
from gateway.transports.modem_state import LOCK_PIN, About, lock_of

log = logging.getLogger(__name__)

_FEWEST = 2

_ALL = 3
"""How many tries a SIM gives (ETSI TS 102 221 leaves it to the SIM; those of mobile networks give three)."""

_SETTLE_MS = 60_000
"""So long after a try ModemManager, which may still be at it, has counted what is left."""

_REFUSALS = frozenset({"IncorrectPassword", "SimPuk"})
"""What the SIM itself says of a wrong PIN; the second, where that was the last try."""


class Pin:
    def __init__(self, pin: str, memory: PinMemory, clock: Clock) -> None:
        self._pin = pin
        self._memory = memory
        self._clock = clock
        self._since: dict[str, int] = {}
        """Since when this SIM looks as if the PIN might be entered again (stopwatch)."""
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
        before = {name: await self._memory.tried(name, self._pin) for name in (sim, by_stick)}
        known = {name: one for name, one in before.items() if one is not None}
        if not all(self._may_go_again(name, one, left) for name, one in known.items()):
            return "pin_wrong"
        if left is not None and int(left) < _FEWEST:
            return "pin_wanted"
        self._once_more.update(known)
        names = {sim, *known}  # whatever the SIM was called when it was tried before
        for name in names:
            await self._memory.begin(name, self._pin, left)
        return await self._enter(link, path, names, {sim, by_stick})

    async def _enter(self, link: Link, path: str, begun: Collection[str], names: Collection[str]) -> str:
        try:
            await link.bus.call(path, SIM, "SendPin", "s", [self._pin])
        except BusError as refused:
            log.warning("the SIM's PIN was not taken reason=%s", refused.name)
            if refused.name.rpartition(".")[2] in _REFUSALS:
                for name in begun:
                    await self._memory.refused(name, self._pin)
                    self._since.pop(name, None)
            return "pin_wrong"
        for name in names:
            await self._memory.taken(name, self._pin)
            self._since.pop(name, None)
            self._once_more.discard(name)
        return "searching"

    def _may_go_again(self, name: str, before: PinTry, left: int | None) -> bool:
        if before.refused:
            may = before.times < MOST_TIMES and left is not None and int(left) >= max(_ALL, before.left or 0)
        elif before.left is None or left is None:
            may = before.times < MOST_TIMES
        else:
            may = int(left) >= before.left and name not in self._once_more
        now_ms = self._clock.monotonic_ms()
        return may and now_ms - self._since.setdefault(name, now_ms) >= _SETTLE_MS
