"""What each rung of the reset ladder does to a modem, through ModemManager. When, `modem_ladder.py` says.

Never tries a rung twice. A rung that fails has been climbed all the same: the next look shows what came of it.
"""

from __future__ import annotations

import contextlib
import logging

from gateway.transports.modem_bus import BusError, BusGoneError, ModemBus
from gateway.transports.modem_ladder import Rung
from gateway.transports.modem_link import Link

log = logging.getLogger(__name__)

_POWER_LOW, _POWER_ON = 2, 3


async def push(bus: ModemBus, link: Link | None, device: str, rung: Rung) -> None:
    """`device`: how ModemManager calls the hardware, also while it does not list it."""
    try:
        match rung:
            case Rung.TOGGLE if link:
                await toggle(link)
            case Rung.POWER if link:
                await _power(link)
            case Rung.REPROBE:
                await bus.reprobe(device)
            case Rung.RESTART:
                await bus.restart()
    except BusError as failed:
        log.warning("a rung did not hold rung=%s reason=%s", rung, failed.name)


async def toggle(link: Link) -> None:
    """Also makes ModemManager list the SIM's messages, which it does at no other time."""
    await link.enable(on=False)
    await link.enable(on=True)


async def _power(link: Link) -> None:
    """A modem's own reset unplugs it, in effect. Not every plugin of ModemManager can do that, or this."""
    try:
        await link.call("Reset")
    except BusGoneError:
        return
    except BusError as cannot:
        log.info("no reset of its own reason=%s", cannot.name)
    else:
        return
    with contextlib.suppress(BusError):
        await link.enable(on=False)
    await link.call("SetPowerState", "u", [_POWER_LOW])
    await link.call("SetPowerState", "u", [_POWER_ON])
    await link.enable(on=True)
