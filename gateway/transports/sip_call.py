"""One SIP call: what baresip reports of it becomes the gateway's events, and what is said is switched within it.

Never dials again and never outlives its line's process. An event that names another account or another person than the
one who was dialled ends the call: nobody hears what was meant for somebody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from itertools import count
from pathlib import Path

from gateway.failures import OutcomeUnknownError, Trouble
from gateway.ground import Clock, wait_for
from gateway.transport import Answered, Clip, Ended, Key, LineEvent
from gateway.transports.sip_control import ControlError, Event
from gateway.transports.sip_failures import trouble_of
from gateway.transports.sip_process import Baresip
from gateway.transports.sip_settings import SipSettings
from gateway.transports.sip_sound import SILENCE_MS, forget, heard_so_far, keep, write_clip

log = logging.getLogger(__name__)

_KEYS = frozenset("0123456789*#")
_RENEW_MS = SILENCE_MS // 2
_LET_GO_MS = 2_000
"""How long baresip may take to put down a phone before it is ended itself."""


class SipCall:
    """Keeps to `CallLine`; made when it was dialled."""

    def __init__(self, baresip: Baresip, settings: SipSettings, address: str, clock: Clock) -> None:
        self._baresip = baresip
        self._settings = settings
        self._address = address
        self._clock = clock
        self._events: asyncio.Queue[LineEvent] = asyncio.Queue()
        self.id = ""
        """SIP's own, from the first event on."""
        self.gone = asyncio.Event()
        """The line is free again; set by the line."""
        self._signs = asyncio.Event()
        self._rang = False
        self._answered = False
        self._answered_or_over = asyncio.Event()
        self._over = asyncio.Event()
        self._ended = False
        self._files = count(1)
        self._saying: Path | None = None
        self._switching = asyncio.Lock()
        self._recording: tuple[Path, int] | None = None
        self._putting_down: asyncio.Task[None] | None = None
        self._patience = asyncio.create_task(self._be_patient())
        self._renewal: asyncio.Task[None] | None = None

    # the gateway's end

    async def event(self) -> LineEvent:
        return await self._events.get()

    async def play(self, clip: Clip, text: str) -> None:  # noqa: ARG002 - a phone hears the clip
        """Raises RetryLaterError for a clip that is none for a phone; does nothing once the call is over."""
        path = self._baresip.folder / f"say-{next(self._files)}.wav"
        await asyncio.to_thread(write_clip, clip.path, path)
        await self._switch(path)
        if self._renewal is not None:
            self._renewal.cancel()
        self._renewal = asyncio.create_task(self._stay_silent(round(clip.duration_s * 1000) + _RENEW_MS))

    async def record(self, path: Path) -> None:
        """From now on what the other end says is kept for `path`, until `stop_recording` or the end of the call."""
        if not self._ended:
            self._recording = (path, heard_so_far(self._baresip.heard))

    async def stop_recording(self) -> float:
        """Writes the file and returns its seconds; 0.0 where nothing was being recorded. Raises OSError."""
        if self._recording is None:
            return 0.0
        (path, begin), self._recording = self._recording, None
        heard = self._baresip.heard
        return await asyncio.to_thread(lambda: keep(heard, begin, heard_so_far(heard), path))

    async def hang_up(self) -> None:
        if self._putting_down is None:
            self._putting_down = asyncio.create_task(self._put_down())
        await asyncio.shield(self._putting_down)
        await self.gone.wait()

    # the line's end

    async def over(self) -> None:
        """Returns when the phone is down and nothing of the call is left but what was recorded on purpose."""
        await self._over.wait()
        if self._putting_down is not None:
            await asyncio.shield(self._putting_down)
        tasks = [task for task in (self._patience, self._renewal) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self.stop_recording()
        except OSError as full:
            log.error("recording lost reason=%s", type(full).__name__)
        await asyncio.to_thread(forget, self._baresip.heard)
        if self._saying is not None:
            self._saying.unlink(missing_ok=True)

    def heard(self, event: Event) -> bool:
        """Takes an event of this line's process. False: it is not of this call, and the process cannot be trusted."""
        if not self._is_ours(event):
            return False
        self.id = event.get("id") or self.id
        match event["type"]:
            case "CALL_RINGING" | "CALL_PROGRESS":
                self._rang = True
                self._signs.set()
            case "CALL_ESTABLISHED":
                self._answered = True
                self._signs.set()
                self._answered_or_over.set()
                self._tell(Answered())
                self._renewal = self._renewal or asyncio.create_task(self._stay_silent(_RENEW_MS))
            case "CALL_DTMF_START" if self._answered and event.get("param") in _KEYS:
                self._tell(Key(event["param"]))
            case "CALL_CLOSED":
                self._end(Ended() if self._answered else self._never_was(str(event.get("param", ""))))
                self._close()
        return True

    def died(self, why: str) -> None:
        """The process has gone, and the call with it."""
        self._end(Ended(Trouble.OTHER, why))
        self._close()

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

    def _close(self) -> None:
        self._signs.set()
        self._answered_or_over.set()
        self._over.set()

    async def _be_patient(self) -> None:
        """baresip itself waits 32 s for a host that is not there, and for ever for a phone that nobody takes."""
        settings = self._settings
        if not await wait_for(self._clock, self._signs, settings.reach_ms):
            self._end(Ended(Trouble.NO_SIGNAL, "unreachable"))
        elif not await wait_for(self._clock, self._answered_or_over, settings.ring_ms):
            self._end(Ended(Trouble.NO_ANSWER, "rang out"))
        else:
            return
        await self.hang_up()

    async def _switch(self, path: Path) -> None:
        async with self._switching:
            if self._ended:
                path.unlink(missing_ok=True)
                return
            try:
                await self._baresip.control.ask("ausrc", f"aufile,{path}")
            except ControlError as failed:
                if self._ended or not self._baresip.alive:
                    return
                raise OutcomeUnknownError(Trouble.OTHER, "not switched") from failed
            if self._saying is not None:
                self._saying.unlink(missing_ok=True)
            self._saying = path if path != self._baresip.silence else None

    async def _stay_silent(self, wait_ms: int) -> None:
        """Before the silence behind a clip is at its end, with which the call would end, there is new silence."""
        while not self._ended:
            await self._clock.sleep_ms(wait_ms)
            with contextlib.suppress(OutcomeUnknownError):
                await self._switch(self._baresip.silence)
            wait_ms = _RENEW_MS

    async def _put_down(self) -> None:
        self._end(Ended())
        if self._over.is_set():
            return
        with contextlib.suppress(ControlError):
            await self._baresip.control.ask("hangup")
        if not await wait_for(self._clock, self._over, _LET_GO_MS):
            log.error("baresip does not hang up; it is ended")
            await self._baresip.kill()
            self._close()
