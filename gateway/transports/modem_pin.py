"""Unlocking a SIM with its PIN: carefully, for the third wrong try locks it until somebody has its PUK.

Never tries a PIN again that was refused, or whose answer was not understood; never tries where fewer than two tries
are left; never writes a PIN anywhere. One that was taken is given again after the stick was unplugged.

What it remembers ends with the process. Where the modem tells no number of tries, three starts with a wrong PIN
are three wrong tries.
"""

from __future__ import annotations

import logging

from gateway.transports.modem_bus import MODEM, SIM, BusError
from gateway.transports.modem_link import Link
from gateway.transports.modem_state import LOCK_PIN, About, lock_of

log = logging.getLogger(__name__)

_FEWEST = 2


class Pin:
    def __init__(self, pin: str) -> None:
        self._pin = pin
        self._spent: set[tuple[str, str]] = set()

    async def unlock(self, link: Link, about: About) -> str:
        """Try once where that is safe; what the condition's note is then."""
        modem = about[MODEM]
        sim = str(modem.get("Sim", "/"))
        if lock_of(about) != LOCK_PIN or not self._pin or sim == "/":
            return "pin_wanted"
        card = await link.about(sim, SIM) or {}
        key = str(modem.get("EquipmentIdentifier", "")), str(card.get("SimIdentifier", ""))
        if key in self._spent:
            return "pin_wrong"
        if int(modem.get("UnlockRetries", {}).get(LOCK_PIN, _FEWEST)) < _FEWEST:
            return "pin_wanted"
        self._spent.add(key)
        try:
            await link.bus.call(sim, SIM, "SendPin", "s", [self._pin])
        except BusError as refused:
            log.warning("the SIM's PIN was not taken reason=%s", refused.name)
            return "pin_wrong"
        self._spent.discard(key)
        return "searching"
