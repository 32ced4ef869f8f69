"""Text → a clip that is sure to say it. It never returns sound that has not been checked, and never imports numpy.

speech = Speech(clips_dir)
clip = await speech.clip("【青山村】12月6日8:00-15:00停水")
slow = await speech.telephone_clip("请大家存水", pace=Pace.SLOW)
siren = await speech.tone(Tone.SIREN, Sound.TELEPHONE)
await speech.close()
"""

import asyncio
import datetime
import hashlib
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from math import ceil
from pathlib import Path
from weakref import WeakValueDictionary

from audio.clips import ClipStore
from audio.failures import (
    ClipStorageError,
    NothingToSayError,
    SpeechError,
    TextTooLongError,
    VoiceUnknownError,
    WavError,
)
from audio.frames import Made, Order, Refused
from audio.inspection import fault
from audio.lexicon import Lexicon
from audio.moments import Calendar
from audio.outside import OutsideVoice
from audio.prediction import HIGHEST_RATE_WPM, LOWEST_RATE_WPM, MEASURED_SENTENCES, Tempo, pieces, syllables
from audio.reading import readable
from audio.sound import LONGEST_TEXT_SYLLABLES, Pace, Sound, Tone
from audio.voicebox import VoiceBox, WorkerLostError
from audio.wav import Seal, Wav

log = logging.getLogger(__name__)

RATE_WPM = 155  # measured: 167 字 a minute on the village's messages, pauses included; facts/voice.md asks for 160–180
_FORMAT_VERSION = 2  # raise it when a clip of the same text would sound different
_LONGEST_TEXT_CHARACTERS = 5 * LONGEST_TEXT_SYLLABLES
_TRIES = 3
_OUTSIDE_TRIES = 2
_OUTSIDE_RESTS_S = 300.0  # a program that failed is not waited for again with every clip of a call campaign
_SECONDS_PER_SYLLABLE = 0.05  # of patience beyond timeout_s: a Pi speaks at least eight times faster than that


@dataclass(frozen=True, slots=True)
class Clip:
    """A checked sound file and what it says; `words` is the readable text, not what was typed."""

    path: Path
    duration_s: float
    rate_hz: int
    level_dbfs: float
    words: str
    cached: bool


class _OutsideFailedError(Exception):
    """The outside voice did not give a clip that can be trusted."""


class Speech:
    """The voice of the house: one worker behind it, one directory of clips under it.

    With an `outside` voice that one speaks, and the built-in voice where it fails. With a `calendar` the days that are
    near are named 明天 and by the farmer's date.
    """

    def __init__(
        self,
        clips_dir: Path,
        *,
        voice: str = "cmn",
        rate_wpm: int = RATE_WPM,
        lexicon: Lexicon | None = None,
        outside: OutsideVoice | None = None,
        calendar: Calendar | None = None,
        idle_s: float = 30.0,
        timeout_s: float = 20.0,
    ) -> None:
        slow_wpm = round(rate_wpm * Pace.SLOW.share)
        if not LOWEST_RATE_WPM <= slow_wpm <= rate_wpm <= HIGHEST_RATE_WPM:
            lowest_wpm = ceil(LOWEST_RATE_WPM / Pace.SLOW.share)
            raise ValueError(f"the speech rate must be between {lowest_wpm} and {HIGHEST_RATE_WPM} words a minute")
        self._clips = ClipStore(clips_dir)
        self._opened = False
        self._voice, self._rate_wpm = voice, rate_wpm
        self._outside, self._calendar = outside, calendar
        self._tempos: dict[tuple[str, ...], Tempo] = {}
        self._outside_rests_until_s: float | None = None  # None while it works
        self._lexicon = lexicon or Lexicon.built_in()
        self._timeout_s = timeout_s
        self._voicebox = VoiceBox(idle_s)
        self._engine = version("espeakng-loader")
        self._alone: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id while there is one."""
        return self._voicebox.pid

    @property
    def at_rest(self) -> bool:
        """Whether no clip is being looked for or made."""
        return not self._alone

    @property
    def outside_failed(self) -> bool:
        """Whether the outside voice failed when it was last asked, so that the built-in voice speaks for it."""
        return self._outside_rests_until_s is not None

    async def clip(
        self,
        text: str,
        *,
        slow: bool = False,
        pace: str = Pace.NORMAL,
        fresh: bool = False,
        today: datetime.date | None = None,
    ) -> Clip:
        """The text spoken for a loudspeaker or browser: 22 050 Hz. With `fresh` it is made again although it is there.

        `pace` is the listener's, a Pace or its name; `slow` is one step slower, for what is said once more. `today`
        wins over the calendar. Raises NothingToSayError, TextTooLongError, VoiceUnknownError, ClipStorageError,
        SpeechError; ValueError where there is no such pace.
        """
        return await self._clip(text, Sound.WIDE, _at(pace, slow), fresh=fresh, today=today)

    async def telephone_clip(
        self,
        text: str,
        *,
        slow: bool = False,
        pace: str = Pace.NORMAL,
        fresh: bool = False,
        today: datetime.date | None = None,
        ulaw: bool = False,
    ) -> Clip:
        """The text spoken for a call: 8 kHz, 16-bit or µ-law. Raises what `clip` raises."""
        sound = Sound.TELEPHONE_ULAW if ulaw else Sound.TELEPHONE
        return await self._clip(text, sound, _at(pace, slow), fresh=fresh, today=today)

    async def tone(self, tone: Tone, sound: Sound = Sound.WIDE) -> Clip:
        """The siren or the chime, levelled and checked like speech. Raises ClipStorageError, SpeechError."""
        wanted = Order((), self._voice, self._rate_wpm, sound, "", tone=tone)
        return await self._found_or_made(self._named(wanted, "tone"), "", fresh=False)

    def pronounce(self, lexicon: Lexicon) -> None:
        """Say words as this lexicon has them, from the next clip on."""
        self._lexicon = lexicon

    async def prune(self, max_bytes: int) -> int:
        """Remove the longest unused clips until the rest fits into `max_bytes`; how many bytes that freed."""
        return await asyncio.to_thread(self._clips.prune, max_bytes)

    async def close(self) -> None:
        """Send the worker away. The object may be used again; the worker then comes back."""
        await self._voicebox.close()

    async def _clip(self, text: str, sound: Sound, pace: Pace, *, fresh: bool, today: datetime.date | None) -> Clip:
        if len(text) > _LONGEST_TEXT_CHARACTERS:
            raise TextTooLongError(f"the text has {len(text)} characters; that is too long to be spoken in one piece")
        words = self._readable(text, today)
        parts = tuple(pieces(self._lexicon.spoken(words)))
        if not parts:
            raise NothingToSayError("there is nothing in this text that can be spoken")
        length = sum(map(syllables, parts))
        if length > LONGEST_TEXT_SYLLABLES:
            raise TextTooLongError(
                f"the text has {length} syllables; more than {LONGEST_TEXT_SYLLABLES} cannot be spoken in one piece"
            )
        rate_wpm = max(LOWEST_RATE_WPM, round(self._rate_wpm * pace.share))
        if self._outside is not None and (pace is Pace.NORMAL or self._outside.keeps_pace):
            clip = await self._from_outside(self._outside, words, sound, rate_wpm, fresh=fresh)
            if clip is not None:
                return clip
        wanted = Order(parts, self._voice, rate_wpm, sound, "")
        return await self._found_or_made(self._named(wanted, self._engine), words, fresh=fresh)

    def _readable(self, text: str, today: datetime.date | None) -> str:
        if self._calendar is None:
            return readable(text, today)
        return readable(text, today or self._calendar.today(), self._calendar.lunar)

    async def _from_outside(
        self, outside: OutsideVoice, words: str, sound: Sound, rate_wpm: int, *, fresh: bool
    ) -> Clip | None:
        """The words in the outside voice; None where the built-in voice has to speak. Raises ClipStorageError."""
        identity = await asyncio.to_thread(outside.identity)
        command = outside.command(rate_wpm, self._rate_wpm)
        wanted = self._named(
            Order(
                tuple(pieces(words)),
                identity,
                rate_wpm,
                sound,
                "",
                command=command,
                command_timeout_s=outside.timeout_s,
            ),
            "outside",
        )
        async with self._one_at_a_time(wanted.name):
            stored = None if fresh else await self._stored(wanted.name)
            if stored is not None:
                return _clip_of(stored, words, cached=True)
            if self._outside_rests_until_s is not None and time.monotonic() < self._outside_rests_until_s:
                return None
            try:
                made = await self._made_outside(wanted)
            except _OutsideFailedError as error:
                if self._outside_rests_until_s is None:
                    log.warning("outside_voice_failed why=%s; the built-in voice speaks instead", error)
                self._outside_rests_until_s = time.monotonic() + _OUTSIDE_RESTS_S
                return None
            if self._outside_rests_until_s is not None:
                log.info("outside_voice_works_again")
                self._outside_rests_until_s = None
            return _clip_of(made, words, cached=False)

    async def _made_outside(self, wanted: Order) -> tuple[Wav, Seal]:
        """Raises _OutsideFailedError, ClipStorageError."""
        key = (wanted.voice, *wanted.command)
        if key not in self._tempos:
            self._tempos[key] = await self._tempo(wanted)
        return await self._made(wanted, self._tempos[key], tries=_OUTSIDE_TRIES)

    async def _tempo(self, wanted: Order) -> Tempo:
        """How fast the outside voice speaks, from sentences whose clip is thrown away."""
        name = f"{wanted.name}-tempo"
        measuring = replace(wanted, pieces=MEASURED_SENTENCES, sound=Sound.TELEPHONE, name=name)
        measuring = replace(measuring, path=str(self._clips.unfinished(name)))
        try:
            await self._open()
            made = await self._attempt(measuring, None)
        except OSError as error:
            raise _not_kept(error.strerror) from error
        finally:
            self._clips.drop_unfinished(name)
        if isinstance(made, str):
            raise _OutsideFailedError(made)
        try:
            return Tempo.fitted([frames / Sound.TELEPHONE.rate_hz for frames in made.piece_frames])
        except ValueError as error:
            raise _OutsideFailedError(f"it does not speak like a person: {error}") from error

    def _named(self, wanted: Order, engine: str) -> Order:
        """The order with the name of its clip: everything that decides how it sounds."""
        what = (*wanted.pieces, wanted.tone, wanted.voice, *wanted.command, str(wanted.rate_wpm), wanted.sound)
        text = "\0".join((*what, engine, str(_FORMAT_VERSION)))
        return replace(wanted, name=hashlib.sha256(text.encode()).hexdigest()[:40])

    @asynccontextmanager
    async def _one_at_a_time(self, key: str) -> AsyncIterator[None]:
        lock = self._alone.get(key)
        if lock is None:
            lock = self._alone[key] = asyncio.Lock()
        async with lock:
            yield

    async def _found_or_made(self, wanted: Order, words: str, *, fresh: bool) -> Clip:
        async with self._one_at_a_time(wanted.name):
            stored = None if fresh else await self._stored(wanted.name)
            return _clip_of(stored or await self._made(wanted), words, cached=stored is not None)

    async def _stored(self, key: str) -> tuple[Wav, Seal] | None:
        try:
            await self._open()
            return await asyncio.to_thread(self._clips.find, key)
        except OSError as error:
            raise _not_kept(error.strerror) from error

    async def _made(self, wanted: Order, tempo: Tempo | None = None, tries: int = _TRIES) -> tuple[Wav, Seal]:
        key = wanted.name
        try:
            await self._open()
            wanted = replace(wanted, path=str(self._clips.unfinished(key)))
            for attempt in range(1, tries + 1):
                made = await self._attempt(wanted, tempo)
                if not isinstance(made, str):
                    return await asyncio.to_thread(self._clips.keep, key)
                log.warning("clip_rejected key=%s try=%d why=%s", key, attempt, made)
        except (OSError, WavError) as error:
            raise _not_kept(error.strerror if isinstance(error, OSError) else str(error)) from error
        finally:
            self._clips.drop_unfinished(key)
        if wanted.command:
            raise _OutsideFailedError(made)
        raise SpeechError("the voice did not work just now, so the text was not spoken")

    async def _attempt(self, wanted: Order, tempo: Tempo | None) -> Made | str:
        """One try: what was made, or what is wrong with it."""
        timeout_s = self._timeout_s + _SECONDS_PER_SYLLABLE * sum(map(syllables, wanted.pieces))
        timeout_s += wanted.command_timeout_s * len(wanted.pieces)
        try:
            made = await self._voicebox.make(wanted, timeout_s)
        except WorkerLostError as error:
            return str(error)
        if not isinstance(made, Refused):
            try:
                return await asyncio.to_thread(fault, wanted, made, tempo) or made
            except FileNotFoundError:
                return "it vanished"  # another program of this village opened the same clips and swept
        if made.kind == "voice":
            raise VoiceUnknownError(f"there is no voice called {made.reason}")
        if made.kind == "storage":
            raise _not_kept(made.reason)
        if made.kind == "outside-late":
            raise _OutsideFailedError(made.reason)
        return made.reason

    async def _open(self) -> None:
        if not self._opened:
            await asyncio.to_thread(self._clips.open)
            self._opened = True


def _not_kept(reason: str | None) -> ClipStorageError:
    return ClipStorageError(f"the spoken text could not be saved: {reason or 'the disk failed'}")


def _at(pace: str, slow: bool) -> Pace:
    """A plain str is taken too: who places calls knows the names of the paces and not this package."""
    wanted = Pace(pace)
    return wanted.one_step_slower if slow else wanted


def _clip_of(stored: tuple[Wav, Seal], words: str, *, cached: bool) -> Clip:
    wav, seal = stored
    return Clip(wav.path, wav.duration_s, wav.rate_hz, seal.level_dbfs, words, cached=cached)
