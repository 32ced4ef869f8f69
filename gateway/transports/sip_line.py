"""One line: a baresip that is kept running, and at most one call in it.

One process a line, because baresip switches what is heard for all calls of a process at once. Never picks whom to call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Coroutine

from gateway.failures import TransportDownError, Trouble
from gateway.ground import Clock
from gateway.transports.sip_call import SipCall
from gateway.transports.sip_control import ControlError, Event
from gateway.transports.sip_process import Baresip, StartError
from gateway.transports.sip_settings import SipSettings

log = logging.getLogger(__name__)

PAUSES_MS = (1_000, 5_000, 15_000, 60_000)
"""Before it is started again; the longer, the more often in a row it did not last."""

_LASTED_MS = 60_000


class SipLine:
    def __init__(
        self,
        settings: SipSettings,
        number: int,
        clock: Clock,
        *,
        starting: asyncio.Lock,
        outside: Callable[[Event], None],
        changed: Callable[[], None],
    ) -> None:
        """`starting`: shared by all lines: a port that was found free must be taken before the next is looked for.

        `outside`: gets what is no event of a call of ours: who rings, and whether the account is signed in.
        `changed`: the process has come up, or has gone.
        """
        self._settings = settings
        self._number = number
        self._clock = clock
        self._starting = starting
        self._outside = outside
        self._changed = changed
        self._baresip: Baresip | None = None
        self._call: SipCall | None = None
        self._taken = False
        self._closed = False
        self._tidying: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._again_ms = clock.monotonic_ms()
        self._since_ms = self._again_ms
        self._failed = 0
        self._past: deque[str] = deque(maxlen=16)
        """Ids of calls that are over or were refused: what is still said of them concerns nobody."""
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> bool:
        return not self._taken

    @property
    def pid(self) -> int | None:
        """Of the process that runs just now."""
        return self._baresip.pid if self._baresip is not None and self._baresip.alive else None

    async def keep(self) -> None:
        """Have it running until cancelled."""
        self._closed = False
        while True:
            pause_ms = self._again_ms - self._clock.monotonic_ms()
            if pause_ms > 0:
                await self._clock.sleep_ms(pause_ms)
            try:
                await self.up()
            except TransportDownError:
                continue
            if self._watching is not None:
                await asyncio.shield(self._watching)

    async def up(self) -> Baresip:
        """The running process, started where there is none. Raises TransportDownError, with when to look again."""
        async with self._starting:
            if self._baresip is not None and self._baresip.alive:
                return self._baresip
            if self._closed:
                raise TransportDownError(Trouble.UNPLUGGED, "closed")
            wait_ms = self._again_ms - self._clock.monotonic_ms()
            if wait_ms > 0:
                raise TransportDownError(Trouble.UNPLUGGED, "baresip", after_ms=wait_ms)
            try:
                baresip = await Baresip.start(self._settings, self._number, self._heard)
            except (StartError, OSError) as failed:
                pause_ms = self._pause()
                log.error("baresip does not start line=%d reason=%s", self._number, failed)
                self._changed()
                raise TransportDownError(Trouble.UNPLUGGED, "baresip", after_ms=pause_ms) from failed
            self._baresip, self._since_ms = baresip, self._clock.monotonic_ms()
            self._watching = asyncio.create_task(self._watch(baresip))
            self._changed()
            return baresip

    async def dial(self, address: str) -> SipCall:
        """Raises TransportDownError. Only on a free line."""
        self._taken = True
        try:
            baresip = await self.up()
            while self._tasks:
                await asyncio.wait(self._tasks)  # whoever is just being refused
        except BaseException:
            self._taken = False
            raise
        call = self._call = SipCall(baresip, self._settings, address, self._clock)
        self._tidying = asyncio.create_task(self._tidy(call))
        try:
            await baresip.control.ask("ausrc", f"aufile,{baresip.silence}")  # not what the last call heard last
            await baresip.control.ask("dial", address)
        except ControlError as failed:
            call.died("not dialled")
            await baresip.kill()
            raise TransportDownError(Trouble.UNPLUGGED, "baresip", after_ms=PAUSES_MS[0]) from failed
        except asyncio.CancelledError:
            await call.hang_up()
            raise
        return call

    async def stop(self) -> None:
        """Nothing is started any more, until `keep` is called again."""
        self._closed = True
        if self._call is not None:
            await self._call.hang_up()
        if self._tidying is not None:
            await asyncio.shield(self._tidying)
        if self._baresip is not None:
            await self._baresip.stop()
        if self._watching is not None:
            await asyncio.shield(self._watching)

    def _pause(self) -> int:
        pause_ms = PAUSES_MS[min(self._failed, len(PAUSES_MS) - 1)]
        self._failed += 1
        self._again_ms = self._clock.monotonic_ms() + pause_ms
        return pause_ms

    async def _tidy(self, call: SipCall) -> None:
        try:
            await call.over()
        finally:
            if call.id:
                self._past.append(call.id)
            self._call, self._taken = None, False
            call.gone.set()

    async def _watch(self, baresip: Baresip) -> None:
        await baresip.died()
        if self._clock.monotonic_ms() - self._since_ms > _LASTED_MS:
            self._failed = 0
        self._pause()
        if self._call is not None:
            self._call.died("line died")
        self._changed()

    def _heard(self, event: Event) -> None:
        """Judges every event of the process, in order."""
        call = self._call if self._call is not None and not self._call.down else None
        sort, kind = event.get("class"), event.get("type")
        if sort == "register":
            self._outside(event)
        elif sort != "call" or self._is_past(event):
            return
        elif kind == "CALL_INCOMING" and call is None:
            self._past.append(event.get("id", ""))
            self._soon(self._refuse())
            self._outside(event)
        elif call is None or not call.heard(event):
            log.error("an event of another call line=%d; its baresip is ended", self._number)
            if call is not None:
                call.died("another call")
            self._soon(self._end_at_once())

    def _is_past(self, event: Event) -> bool:
        said_of = event.get("id")
        return said_of in self._past or (self._call is not None and self._call.down and said_of == self._call.id)

    async def _refuse(self) -> None:
        """Nobody is answered here: whoever rings is called back, which costs them nothing."""
        if self._baresip is not None:
            with contextlib.suppress(ControlError):
                await self._baresip.control.ask("hangup")

    async def _end_at_once(self) -> None:
        if self._baresip is not None:
            await self._baresip.kill()

    def _soon(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
