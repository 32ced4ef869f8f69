"""One call from dialling to the end: the script's machine on one side, a line and a voice on the other.

Never decides what a key means and never tries again; it says what was said, and how the call ended.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections import deque

from gateway.failures import RejectedError, RetryLaterError, Trouble
from gateway.ground import Clock, Database
from gateway.message import CallStep
from gateway.posting import Posting
from gateway.script import (
    Action,
    Chosen,
    End,
    Heard,
    HungUp,
    Listen,
    Machine,
    Played,
    Pressed,
    Say,
    Script,
    Silence,
    Why,
)
from gateway.transport import Answered, CallLine, CallTransport, Clip, Ended, Key, LineEvent, Voice
from gateway.verdict import Claim, Spoken

log = logging.getLogger(__name__)

RING_MS = 45_000
"""Six or seven rings; carriers give up at about a minute."""

LONGEST_MS = 10 * 60_000
"""No call of ours lasts longer, whatever the script does."""

_FOR_GOOD = frozenset({Trouble.DEAD_NUMBER})


class Conversation:
    """Holds calls on one transport; stateless between them."""

    def __init__(self, transport: CallTransport, voice: Voice, *, db: Database, clock: Clock, posting: Posting) -> None:
        self._transport = transport
        self._voice = voice
        self._db = db
        self._clock = clock
        self._posting = posting

    async def hold(self, claim: Claim) -> Spoken:
        """Dial and walk through the script. Raises TransportFailure where nobody heard the message."""
        script = Script.from_json(claim.content)
        clips = await self._spoken(script)
        line = await self._transport.dial(claim.to, claim.our_reference)
        call = _Call(self, claim, line, Machine(script), clips)
        try:
            return await call.run()
        finally:
            await line.hang_up()

    async def _spoken(self, script: Script) -> dict[tuple[str, bool], Clip]:
        """Every clip the call may need, before anybody's phone rings."""
        clips = {}
        for text, slow in script.lines():
            try:
                clips[text, slow] = await self._voice.clip(text, slow=slow)
            except Exception as raised:
                log.error("no speech for a call reason=%s", type(raised).__name__)
                raise RetryLaterError(Trouble.SPEECH) from raised
        return clips

    async def note(
        self,
        claim: Claim,
        what: CallStep,
        key: str | None = None,
        *,
        node: str | None = None,
        why: str | None = None,
        answers: bool = False,
    ) -> None:
        def unit(tx: sqlite3.Connection) -> None:
            self._posting.call_step(tx, claim, what, key=key, node=node, why=why, answers=answers)

        await self._db.write(unit)

    async def next_event(self, line: CallLine, until_ms: int) -> LineEvent | None:
        """What happens next on the line; None when the clock's stopwatch reaches `until_ms` first."""
        event = asyncio.ensure_future(line.event())
        sleep = asyncio.ensure_future(self._clock.sleep_ms(until_ms - self._clock.monotonic_ms()))
        try:
            await asyncio.wait({event, sleep}, return_when=asyncio.FIRST_COMPLETED)
            return event.result() if event.done() else None
        finally:
            for task in (event, sleep):
                task.cancel()
            await asyncio.gather(event, sleep, return_exceptions=True)

    def in_ms(self, duration_ms: int) -> int:
        return self._clock.monotonic_ms() + duration_ms

    def now_ms(self) -> int:
        return self._clock.now_ms()


class _Call:
    """One call's state: what is left to do of the machine's last answer, and what was reached."""

    def __init__(
        self,
        held: Conversation,
        claim: Claim,
        line: CallLine,
        machine: Machine,
        clips: dict[tuple[str, bool], Clip],
    ) -> None:
        self._held = held
        self._claim = claim
        self._line = line
        self._machine = machine
        self._clips = clips
        self._plan: deque[Action] = deque()
        self._over_ms = 0
        self._answered_by_key = False

    async def run(self) -> Spoken:
        await self._ring()
        self._over_ms = self._held.in_ms(LONGEST_MS)
        self._plan.extend(self._machine.begin())
        why = Why.HUNG_UP
        while self._plan:
            match self._plan.popleft():
                case Say(lines, slow):
                    await self._say(lines, slow=slow)
                case Listen(wait_ms):
                    await self._wait(self._held.in_ms(wait_ms), otherwise=Silence())
                case Heard():
                    await self._held.note(self._claim, CallStep.HEARD)
                case Chosen(key, node, answers):
                    self._answered_by_key |= answers
                    await self._held.note(self._claim, CallStep.KEY, key, node=node, answers=answers)
                case End(reason):
                    why = reason
        await self._held.note(self._claim, CallStep.ENDED, why=why)
        if self._machine.heard or self._answered_by_key:
            return Spoken(self._held.now_ms())
        raise RetryLaterError(Trouble.HUNG_UP)

    async def _ring(self) -> None:
        until_ms = self._held.in_ms(RING_MS)
        while True:
            event = await self._held.next_event(self._line, until_ms)
            match event:
                case Answered():
                    await self._held.note(self._claim, CallStep.ANSWERED)
                    return
                case Key():
                    continue
                case Ended(trouble, code):
                    await self._unanswered(trouble or Trouble.NO_ANSWER, code)
                case None:
                    await self._unanswered(Trouble.NO_ANSWER, "")

    async def _unanswered(self, trouble: Trouble, code: str) -> None:
        await self._held.note(self._claim, CallStep.ENDED, why=trouble)
        if trouble in _FOR_GOOD:
            raise RejectedError(trouble, code)
        raise RetryLaterError(trouble, code)

    async def _say(self, lines: tuple[str, ...], *, slow: bool) -> None:
        for text in lines:
            clip = self._clips[text, slow]
            await self._line.play(clip, text)
            if await self._wait(self._held.in_ms(round(clip.duration_s * 1000)), otherwise=None):
                return
        self._plan.extend(self._machine.on(Played()))

    async def _wait(self, until_ms: int, *, otherwise: Silence | None) -> bool:
        """Until something happens that the script answers (True), or the time is over (then `otherwise`)."""
        while True:
            event = await self._held.next_event(self._line, min(until_ms, self._over_ms))
            actions: list[Action] = []
            match event:
                case Key(key):
                    actions = self._machine.on(Pressed(key))
                case Ended():
                    actions = self._machine.on(HungUp())
                case Answered():
                    continue
                case None if self._held.in_ms(0) >= self._over_ms:
                    actions = [End(Why.TOO_LONG)]
                case None:
                    if otherwise is not None:
                        self._plan.extend(self._machine.on(otherwise))
                    return False
            if actions:
                self._plan.clear()
                self._plan.extend(actions)
                return True
