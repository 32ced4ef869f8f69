"""What a modem has received: texts, delivery reports and rings, handed over and then removed from it.

Never removes a text before the village has it on the disk. Never answers a call: whoever rings is kept, then refused.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.ground import Clock
from gateway.message import State
from gateway.transport import Inbound, Report, Ring, Sink
from gateway.transports.modem_bus import CALL, SMS, VOICE, BusError
from gateway.transports.modem_failures import report_trouble
from gateway.transports.modem_link import Link
from gateway.transports.modem_reference import References
from gateway.transports.modem_state import About

_SMS_RECEIVING, _SMS_RECEIVED = 2, 3
_PDU_REPORT = 3
_RINGING_IN, _WAITING, _INCOMING = 3, 6, 1


class Incoming:
    def __init__(self, clock: Clock, references: References) -> None:
        self._clock = clock
        self._references = references
        self.texts: list[Inbound] = []
        """What the last `take_messages` has handed over."""

    async def take_rings(self, link: Link, about: About, sink: Sink) -> bool:
        """His call costs the caller nothing. True while the telephone is in use."""
        paths = about.get(VOICE, {}).get("Calls", [])
        for path in paths:
            call = await link.about(path, CALL)
            if call is None or int(call["Direction"]) != _INCOMING or int(call["State"]) not in (_RINGING_IN, _WAITING):
                continue
            if call["Number"] and path not in link.rung:  # the number comes a moment after the first ringing
                await sink.rang(Ring(str(call["Number"]), self._clock.now_ms()))
                link.rung.add(path)
            if path in link.rung:
                with contextlib.suppress(BusError):
                    await link.bus.call(path, CALL, "Hangup")
        return bool(paths)

    async def take_messages(self, link: Link, paths: Sequence[str], sink: Sink) -> bool:
        """True where a text came in, whole or in part: then another may have come unseen."""
        link.shown &= set(paths)
        self.texts = []
        came = False
        for path in paths:
            if path in link.shown:
                continue
            sms = await link.about(path, SMS)
            if sms is None:
                continue
            state = int(sms["State"])
            if int(sms["PduType"]) == _PDU_REPORT:
                await self._take_report(sms, sink)
            elif state == _SMS_RECEIVED:
                inbound = Inbound(sms["Number"], sms["Text"], moment_ms(sms["Timestamp"]))
                await sink.received(inbound)
                self.texts.append(inbound)
                came = True
            else:
                if state == _SMS_RECEIVING and path not in link.partial:  # its other parts are still to come
                    link.partial.add(path)
                    came = True
                continue
            link.shown.add(path)
            await link.delete(path)
        return came

    async def _take_report(self, sms: Mapping[str, Any], sink: Sink) -> None:
        """Of a long message ModemManager asks for the last part's report alone and tells that part's reference."""
        reference, status = int(sms["MessageReference"]), int(sms["DeliveryState"])
        if 0x20 <= status < 0x40:
            return  # the centre is still trying
        at_ms = moment_ms(sms["DischargeTimestamp"])
        centre_ms = moment_ms(sms["Timestamp"]) or self._clock.now_ms()
        ref = self._references.reported(reference, sms["Number"], centre_ms)
        if status < 0x20:
            await sink.report(Report(ref, State.DELIVERED, at_ms))
        else:
            trouble, final = report_trouble(status)
            await sink.report(Report(ref, State.FAILED, at_ms, trouble, f"{status:02x}", final))


def moment_ms(said: str) -> int | None:
    """A time as ModemManager writes it: 2026-12-05T09:10:00+08. None where it says none, or nonsense."""
    if len(said) > 3 and said[-3] in "+-":
        said += ":00"
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return None if moment.tzinfo is None else int(moment.timestamp() * 1000)
