"""What ModemManager's numbers say of a modem: why it cannot send, how ill it is, whether it carries data.

Pure: reads properties that were read before, asks nothing and changes nothing.

Source: MMModemState, MMModemStateFailedReason, MMModemLock, MMModem3gppRegistrationState of ModemManager 1.20.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.transports.modem_bus import MODEM, THREE_GPP
from gateway.transports.modem_ladder import Health

FAILED, LOCKED, DISABLED, ENABLED, CONNECTING, CONNECTED = -1, 2, 3, 6, 10, 11
REGISTERED_HOME, REGISTERED_ROAMING, DENIED = 1, 5, 3
LOCK_PIN, LOCK_PUK, LOCK_PUK2 = 2, 4, 6
_OPEN = (0, 1, 3, 5)
"""Unknown, none, and PIN2, which sending does not need."""
_SIM_FAILURES = (2, 3, 5)
"""Missing, broken, an eSIM without a profile."""

About = Mapping[str, Mapping[str, Any]]
"""Interface → its properties."""


def note_of(about: About) -> str:
    """Why this modem cannot send now, one of the condition's words; empty where it can."""
    modem, network = about[MODEM], about.get(THREE_GPP, {})
    state, lock = int(modem["State"]), lock_of(about)
    if state == FAILED:
        return "no_sim" if int(modem.get("StateFailedReason", 0)) in _SIM_FAILURES else "resetting"
    if state == LOCKED or lock not in _OPEN:
        return "puk_wanted" if lock in (LOCK_PUK, LOCK_PUK2) else "pin_wanted"
    registered = int(network.get("RegistrationState", 0))
    if registered == DENIED:
        return "denied"
    if state < ENABLED or registered not in (REGISTERED_HOME, REGISTERED_ROAMING):
        return "searching"
    return ""


def lock_of(about: About) -> int:
    return int(about[MODEM].get("UnlockRequired", 0))


def health_of(note: str, *, mute: bool) -> Health:
    """What the ladder makes of a modem that is listed. Only a person mends a lock."""
    if mute:
        return Health.MUTE
    match note:
        case "":
            return Health.WELL
        case "pin_wanted" | "pin_wrong" | "puk_wanted":
            return Health.LEFT_ALONE
        case "no_sim" | "resetting":
            return Health.FAILED
        case _:
            return Health.DEAF


def carries_data(about: About) -> bool:
    """Whether somebody's internet runs over it, or is just being connected."""
    return int(about[MODEM]["State"]) in (CONNECTING, CONNECTED)


def heard_lately(about: About) -> bool:
    """ModemManager asks for the signal every half minute and calls it old after one minute without an answer."""
    return bool(about[MODEM]["SignalQuality"][1])
