"""Calls over SIP: to a PBX, a carrier's trunk or straight to SIP phones, through one baresip per line.

Never retries and never queues. A call to the village is not answered: who rang is told, and the phone is put down. The
last line is used first, so that the first, which is the one that is signed in, can mostly still be rung.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re

from gateway.failures import RejectedError, TransportDownError, Trouble, where
from gateway.ground import Clock
from gateway.transport import Ring, Sink
from gateway.transports.sip_call import SipCall
from gateway.transports.sip_control import Event
from gateway.transports.sip_failures import trouble_of
from gateway.transports.sip_line import SipLine
from gateway.transports.sip_settings import SipSettings

log = logging.getLogger(__name__)

_NOTHING_YET = (Trouble.OTHER, "")
_CALLER = re.compile(r"sips?:(\+?[0-9]{3,20})@")


class Sip:
    """Keeps to `CallTransport`."""

    def __init__(self, settings: SipSettings, clock: Clock) -> None:
        self.name = settings.name
        self.window = settings.lines
        self.pace_ms = settings.pace_ms
        self._settings = settings
        self._clock = clock
        starting = asyncio.Lock()
        self._lines = [
            SipLine(settings, number, clock, starting=starting, outside=self._outside, changed=self._stand)
            for number in range(settings.lines)
        ]
        self._refused: tuple[Trouble, str] | None = None
        """Why the account is not signed in."""
        self._stood: tuple[Trouble, str] | None = _NOTHING_YET
        """What the lane was told last; None: that all is well."""
        self._sink: Sink | None = None
        self._tasks: set[asyncio.Task[bool]] = set()

    @property
    def pids(self) -> list[int]:
        """The processes that run just now."""
        return [line.pid for line in self._lines if line.pid is not None]

    async def run(self, sink: Sink) -> None:
        """Keep every line's process running; ends them all when cancelled."""
        self._sink, self._stood = sink, _NOTHING_YET
        try:
            async with asyncio.TaskGroup() as lines:
                for line in self._lines:
                    lines.create_task(line.keep())
        finally:
            self._sink = None
            await self.close()

    async def close(self) -> None:
        """Hang up and end the processes, also those that `dial` has started without `run`."""
        await asyncio.gather(*(line.stop() for line in self._lines))

    async def dial(self, to: str, reference: str) -> SipCall:  # noqa: ARG002 - SIP keeps no reference of ours
        """Raises RejectedError for a number that has no address, TransportDownError where no line can dial."""
        address = self._settings.address_of(to)
        if address is None:
            raise RejectedError(Trouble.REFUSED, "no address")
        if self._refused is not None:
            raise TransportDownError(*self._refused)
        free = [line for line in reversed(self._lines) if line.free]
        if not free:
            raise TransportDownError(Trouble.CONGESTION, "lines taken", after_ms=1_000)
        return await min(free, key=lambda line: line.pid is None).dial(address)

    def _outside(self, event: Event) -> None:
        match event.get("type"):
            case "CALL_INCOMING":
                self._rang(str(event.get("peeruri", "")), event.get("id"))
            case "REGISTER_OK":
                self._refused = None
            case "REGISTER_FAIL":
                self._refused = trouble_of(str(event.get("param", "")), rang=False)
        if self.pids:  # one that is just starting is told of when it is up
            self._stand()

    def _stand(self) -> None:
        """Tell the lane where something has changed: it sends nothing without a process or an account."""
        stands = self._refused if self.pids else (Trouble.UNPLUGGED, "baresip")
        if self._sink is None or stands == self._stood:
            return
        self._stood = stands
        if stands is None:
            self._sink.up()
        else:
            self._sink.down(*stands)

    def _rang(self, caller: str, carrier_id: str | None) -> None:
        if self._sink is None or (found := _CALLER.match(caller)) is None:
            return
        task = asyncio.ensure_future(self._sink.rang(Ring(found[1], self._clock.now_ms(), carrier_id)))
        self._tasks.add(task)
        task.add_done_callback(self._told)

    def _told(self, task: asyncio.Task[bool]) -> None:
        self._tasks.discard(task)
        with contextlib.suppress(asyncio.CancelledError):
            if (raised := task.exception()) is not None:
                log.error("not kept who rang line=%s raised=%s", self.name, where(raised))
