"""One SIP call: what baresip reports of it becomes the gateway's events.

Never dials again and never outlives its line's process. An event that names another account or another person than the
one who was dialled ends the call: nobody hears what was meant for somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from gateway.failures import Trouble
from gateway.ground import Clock, wait_for
from gateway.transport import Answered, Clip, Ended, Key, LineEvent
from gateway.transports.sip_control import ControlError, Event
from gateway.transports.sip_failures import trouble_of
from gateway.transports.sip_listening import Listening
from gateway.transports.sip_process import Baresip
from gateway.transports.sip_saying import Saying
from gateway.transports.sip_settings import SipSettings

log = logging.getLogger(__name__)

_KEYS = frozenset("0123456789*#")

_LET_GO_MS = 2_000
"""How long baresip may take to put down a phone before it is ended itself."""


class SipCall:
    """Keeps to `CallLine`; made when it is dialled."""

    def __init__(self, baresip: Baresip, settings: SipSettings, address: str, clock: Clock) -> None:
        self._baresip = baresip
        self._settings = settings
        self._address = address
        self._clock = clock
        self.id = ""
        """SIP's own, from the first event on."""
        self.gone = asyncio.Event()
        """The line is free again; set by the line."""
        self._events: asyncio.Queue[LineEvent] = asyncio.Queue()
        self._rang = False
        self._answered = False
        self._ended = False
        self._reached = asyncio.Event()
        self._no_longer_rings = asyncio.Event()
        self._down = asyncio.Event()
        self._saying = Saying(baresip, clock)
        self._listening = Listening(baresip.heard)
        self._patience = asyncio.create_task(self._be_patient())
        self._putting_down: asyncio.Task[None] | None = None

    # the gateway's end

    async def event(self) -> LineEvent:
        return await self._events.get()

    async def play(self, clip: Clip, text: str) -> None:  # noqa: ARG002 - a phone hears the clip
        """Raises RetryLaterError for a clip that cannot be said. Does nothing once the call is over."""
        if not self._ended:
            await self._saying.say(clip)

    async def record(self, path: Path) -> None:
        """From now on what the other end says is kept for `path`, until `stop_recording` or the end of the call."""
        if not self._ended:
            self._listening.begin(path)

    async def stop_recording(self) -> float:
        """Writes the file and returns its seconds; 0.0 where nothing was being recorded. Raises OSError."""
        return await self._listening.end()

    async def hang_up(self) -> None:
        """Returns when the line is free again."""
        if self._putting_down is None:
            self._putting_down = asyncio.create_task(self._put_down())
        await asyncio.shield(self._putting_down)
        await self.gone.wait()

    # the line's end

    @property
    def down(self) -> bool:
        """The phone is down; the rest is tidying up."""
        return self._down.is_set()

    async def over(self) -> None:
        """Returns when the phone is down and nothing of the call is left but what was recorded on purpose."""
        await self._down.wait()
        if self._putting_down is not None:
            await asyncio.shield(self._putting_down)
        self._saying.stop()
        self._patience.cancel()
        try:
            await self._listening.end()
        except OSError as full:
            log.error("recording lost reason=%s", type(full).__name__)
        await asyncio.to_thread(self._listening.forget)
        await asyncio.to_thread(self._saying.clear)

    def heard(self, event: Event) -> bool:
        """Takes an event of this line's process. False: it is not of this call, and the process cannot be trusted."""
        if not self._is_ours(event):
            return False
        self.id = event.get("id") or self.id
        match event["type"]:
            case "CALL_RINGING" | "CALL_PROGRESS":
                self._rang = True
                self._reached.set()
            case "CALL_ESTABLISHED" if not self._answered:
                self._answered = True
                self._reached.set()
                self._no_longer_rings.set()
                self._saying.begin()
                self._tell(Answered())
            case "CALL_DTMF_START" if self._answered and event.get("param") in _KEYS:
                self._tell(Key(event["param"]))
            case "CALL_TRANSFER":  # baresip would dial whomever the callee names, and play on
                return False
            case "CALL_CLOSED":
                self._end(Ended() if self._answered else self._never_was(str(event.get("param", ""))))
                self._put_away()
        return True

    def died(self, why: str) -> None:
        """The process has gone, and the call with it."""
        self._end(Ended(Trouble.OTHER, why))
        self._put_away()

    # inside

    def _is_ours(self, event: Event) -> bool:
        if self.id and event.get("id", self.id) != self.id:
            return False
        said = event.get("direction"), event.get("accountaor"), event.get("peeruri")
        return said == ("outgoing", self._settings.account, self._address)

    def _never_was(self, said: str) -> Ended:
        return Ended(*trouble_of(said, rang=self._rang))

    def _tell(self, event: LineEvent) -> None:
        if not self._ended:
            self._events.put_nowait(event)

    def _end(self, ended: Ended) -> None:
        self._tell(ended)
        self._ended = True

    def _put_away(self) -> None:
        self._saying.stop()
        self._reached.set()
        self._no_longer_rings.set()
        self._down.set()

    async def _be_patient(self) -> None:
        """baresip itself waits 32 s for a host that is not there, and for ever for a phone that nobody takes."""
        if not await wait_for(self._clock, self._reached, self._settings.reach_ms):
            self._end(Ended(Trouble.NO_SIGNAL, "unreachable"))
        elif not await wait_for(self._clock, self._no_longer_rings, self._settings.ring_ms):
            self._end(Ended(Trouble.NO_ANSWER, "rang out"))
        else:
            return
        await self.hang_up()

    async def _put_down(self) -> None:
        self._end(Ended())
        if self._answered and (under_way_ms := self._saying.under_way_ms):  # the last word still has to arrive
            await wait_for(self._clock, self._down, under_way_ms)
        if self.down:
            return
        with contextlib.suppress(ControlError):
            await self._baresip.control.ask("hangup")
        if not await wait_for(self._clock, self._down, _LET_GO_MS):
            log.error("baresip does not hang up; it is ended")
            await self._baresip.kill()
            self._put_away()
