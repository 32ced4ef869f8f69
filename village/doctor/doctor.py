"""The running village examined: what its lines, its queue, its county link and its computer say at this moment.

Never blocks the server: the disk and the kernel are asked in a thread, and whatever does not answer in PATIENCE_S is a
finding itself. A probe that hangs on a dying card is not started a second time.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from audio.failures import AudioError, ClipStorageError
from gateway.calls_store import waits_for_speech
from gateway.condition import Condition
from gateway.lanes import LaneStatus
from village.doctor import store
from village.doctor.beyond import SENTENCE, Spoken, examine_county, examine_spoken, no_room_to_speak, untried
from village.doctor.computer import (
    ClockSeen,
    Disk,
    examine_clock,
    examine_disk,
    examine_heat,
    examine_memory,
    examine_power,
)
from village.doctor.finding import Finding, Part, Verdict, worst_first
from village.doctor.keeping import KeyFile, examine_certificate, examine_keys
from village.doctor.lines import Waiting, examine_line, examine_queue, no_lines
from village.doctor.looking import Computer, key_files, look
from village.doctor.moments import moment
from village.ground.clock import Clock, SystemClock
from village.ground.database import Database, DatabaseError
from village.ground.reasons import reason_of
from village.ground.wording import say
from village.link.county_link import LinkState

T = TypeVar("T")

PATIENCE_S = 5.0
SPEAKING_S = 30.0


class Lines(Protocol):
    """What is asked of the gateway."""

    def lanes(self) -> Sequence[LaneStatus]: ...

    def conditions(self) -> Mapping[str, Condition]: ...


class County(Protocol):
    async def state(self) -> LinkState: ...


class Voice(Protocol):
    """`audio.speech.Speech` fits. Raises AudioError."""

    async def clip(self, text: str, *, fresh: bool = False) -> Spoken: ...


@dataclass(frozen=True, slots=True)
class Village:
    """`certificate_ends_ms`: reads the desk's certificate; None where it cannot be read. May block.

    `see_modem`: looks for the stick of a line, by the line's name, where that line says that there is none; None where
    the village has no stick.
    """

    folder: Path
    version: str
    price_fen: int
    certificate_ends_ms: Callable[[], int | None]
    see_modem: Callable[[str], Awaitable[Finding]] | None = None


@dataclass(frozen=True, slots=True)
class _Looked:
    computer: Computer
    keys: list[KeyFile]
    certificate_ends_ms: int | None


@dataclass(frozen=True, slots=True)
class _Read:
    waiting: Waiting
    step: tuple[str, int] | None
    begun_ms: int | None
    calls_wait: bool


class Doctor:
    def __init__(
        self, db: Database, clock: Clock, village: Village, *, lines: Lines, county: County, voice: Voice
    ) -> None:
        self._db = db
        self._clock = clock
        self._village = village
        self._lines = lines
        self._county = county
        self._voice = voice
        self._started_ms = clock.monotonic_ms()
        self._looking: asyncio.Task[_Looked] | None = None
        self._spoken: Finding | None = None

    async def examine(self) -> list[Finding]:
        """All that costs next to nothing, worst first: what the desk shows. Never raises for what it finds."""
        now_ms = self._clock.now_ms()
        read = await self._within(self._read(now_ms))
        findings = [self._server(now_ms), *await self._examine_lines(now_ms), *await self._surroundings(read, now_ms)]
        if read is None:
            do = say("存储卡很慢或者坏了：看“存储卡”那一条。等五分钟还这样，关掉这台电脑的电源再开。")
            findings.append(Finding(Part.DATABASE, Verdict.BAD, say("没有回答"), do))
        else:
            any_up = any(lane.up for lane in self._lines.lanes())
            findings.append(examine_queue(read.waiting, any_line_up=any_up, now_ms=now_ms))
            findings.append(self._speech(calls_wait=read.calls_wait))
            findings.append(examine_clock(self._clock_seen(read.step, now_ms)))
            state = await self._within(self._county.state())
            if state is not None:
                findings.append(examine_county(state, now_ms=now_ms, trusted=self._clock.trusted))
        return worst_first(findings)

    async def examine_aloud(self) -> list[Finding]:
        """`examine`, with a sentence really spoken: what the command asks for."""
        await self.speak()
        return await self.examine()

    async def speak(self) -> None:
        """Try a sentence; how it went is in what `examine` says from now on."""
        try:
            async with asyncio.timeout(SPEAKING_S):
                self._spoken = examine_spoken(await self._voice.clip(SENTENCE, fresh=True))
        except ClipStorageError:
            self._spoken = no_room_to_speak()
        except (AudioError, TimeoutError):
            self._spoken = examine_spoken(None)

    async def _within(self, asked: Awaitable[T]) -> T | None:
        """None where the file does not answer in time, or not at all."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await asked
        except (TimeoutError, DatabaseError, sqlite3.Error):
            return None

    async def _read(self, now_ms: int) -> _Read:
        return await self._db.read(
            lambda tx: _Read(store.waiting(tx, now_ms), store.last_step(tx), store.begun_ms(tx), waits_for_speech(tx))
        )

    def _server(self, now_ms: int) -> Finding:
        since = moment(now_ms - (self._clock.monotonic_ms() - self._started_ms), now_ms)
        said = say("开着，从{since}起，版本 {version}", since=since, version=self._village.version)
        return Finding(Part.SERVER, Verdict.GOOD, said)

    async def _examine_lines(self, now_ms: int) -> list[Finding]:
        lanes, conditions = self._lines.lanes(), self._lines.conditions()
        if not lanes:
            return [no_lines()]
        findings = []
        for lane in lanes:
            condition = conditions.get(lane.name)
            found = examine_line(lane, condition, now_ms=now_ms, price_fen=self._village.price_fen)
            if condition is not None and condition.note == "no_device" and self._village.see_modem is not None:
                closer = await self._village.see_modem(lane.name)
                found = found if closer.verdict is Verdict.GOOD else [closer]
            findings += found
        return findings

    def _speech(self, *, calls_wait: bool) -> Finding:
        if self._spoken is None or (calls_wait and self._spoken.verdict is not Verdict.GOOD):
            return untried(calls_wait=calls_wait)
        return self._spoken

    def _clock_seen(self, step: tuple[str, int] | None, now_ms: int) -> ClockSeen:
        if not isinstance(self._clock, SystemClock):
            return ClockSeen(now_ms, self._clock.trusted, sample=True)
        return clock_seen(self._clock, step)

    async def _surroundings(self, read: _Read | None, now_ms: int) -> list[Finding]:
        looking = self._looking or asyncio.create_task(asyncio.to_thread(self._look))
        self._looking = looking
        await asyncio.wait({looking}, timeout=PATIENCE_S)
        if not looking.done():  # it goes on, and the next examination waits for the same one
            do = say("先把村里的文件夹整个拷到U盘，再换一张新卡。")
            return [Finding(Part.DISK, Verdict.BAD, say("没有回应，多半是卡坏了"), do)]
        self._looking = None
        try:
            looked = looking.result()
        except OSError as failure:
            return [unreadable_disk(failure)]
        begun_ms = None if read is None else read.begun_ms
        return [
            *examine_computer(looked.computer, begun_ms=begun_ms, full=self._db.full, now_ms=now_ms),
            examine_keys(looked.keys),
            examine_certificate(looked.certificate_ends_ms, now_ms),
        ]

    def _look(self) -> _Looked:
        folder = self._village.folder
        return _Looked(look(folder), key_files(folder), self._village.certificate_ends_ms())


def examine_computer(computer: Computer, *, begun_ms: int | None, full: bool, now_ms: int) -> list[Finding]:
    disk = Disk(computer.free_bytes, computer.read_only, computer.used_bytes, begun_ms)
    found = [
        examine_disk(disk, full=full, now_ms=now_ms),
        examine_power(computer.throttled),
        examine_heat(computer.celsius),
        examine_memory(computer.available_bytes),
    ]
    return [finding for finding in found if finding is not None]


def unreadable_disk(failure: OSError) -> Finding:
    do = say("关掉这台电脑的电源，把卡取出来重新插好再开。还不行，换一张新卡，用备份恢复。")
    return Finding(Part.DISK, Verdict.BAD, say("看不了：{reason}", reason=reason_of(failure)), do)


def clock_seen(clock: SystemClock, step: tuple[str, int] | None) -> ClockSeen:
    """A clock that follows the computer's own is the internet's; else the last step says whose it is."""
    _, told, follows = clock.remembered()
    now_ms = clock.now_ms()
    if follows:
        return ClockSeen(now_ms, clock.trusted, "network")
    source, told_ms = step if told and step is not None else ("", None)
    return ClockSeen(now_ms, clock.trusted, source, told_ms)
