"""A modem looked at without the server: is it plugged in, is its card open. Only the bus's own file knows D-Bus.

Never switches it on and never sends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.message import Channel
from gateway.transports.modem_bus import MODEM, BusError, BusGoneError, ModemBus
from village.doctor.finding import Finding, Part, Verdict
from village.doctor.lines import NOTES, line_name
from village.ground.wording import Wording, say

PATIENCE_S = 5.0

_FAILED, _LOCKED = -1, 2
_PUK = (4, 6)
"""MMModemState, and MMModemLock (SIM-PUK, SIM-PUK2), ModemManager 1.20."""


async def see_modem(device: str, bus: str | None = None, *, name: str = "modem") -> Finding:
    """`device`: the stick's IMEI, empty for the only one there is; `bus`: a D-Bus address, None for the system's own;
    `name`: of the line.
    """
    return replace(await _seen(device, bus), line=line_name(name, Channel.SMS))


async def _seen(device: str, bus: str | None) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE_S), await ModemBus.connect(bus) as connected:
            return examine_modems([about[MODEM] for about in (await connected.modems()).values()], device)
    except (BusGoneError, TimeoutError):
        do = say("请懂电脑的人在这台电脑上装好并打开 ModemManager：sudo apt install modemmanager")
        return _finding(Verdict.BAD, say("管上网卡的程序没有开"), do)
    except BusError:
        do = say("把上网卡拔下来再插上，等一分钟，再查一次。")
        return _finding(Verdict.MIND, say("上网卡没有回应"), do)


def examine_modems(modems: list[Mapping[str, Any]], device: str) -> Finding:
    """`modems`: the properties of each, as ModemManager names them."""
    mine = [modem for modem in modems if not device or modem.get("EquipmentIdentifier") == device]
    if not mine:
        if modems:
            do = say(
                "village.toml 里 [modem] 的 devices 要和上网卡背面印的15位号码（IMEI）一样；只有一个上网卡就空着。"
            )
            return _finding(Verdict.BAD, say("插着的不是设置里写的那个上网卡"), do)
        return _ailing("no_device")
    modem = mine[0]
    if int(modem["State"]) == _LOCKED:
        return _ailing("puk_wanted" if int(modem.get("UnlockRequired", 0)) in _PUK else "pin_wanted")
    if int(modem["State"]) == _FAILED:
        return _ailing("no_sim")
    return _finding(Verdict.GOOD, say("上网卡插好了；开了服务才知道有没有信号"), None)


def _ailing(note: str) -> Finding:
    return _finding(Verdict.BAD, NOTES[note].said, NOTES[note].do)


def _finding(verdict: Verdict, said: Wording, do: Wording | None) -> Finding:
    return Finding(Part.LINE, verdict, said, do)
