"""Text → a clip that is sure to say it. It never returns sound that has not been checked, and never imports numpy.

speech = Speech(clips_dir)
clip = await speech.clip("【青山村】12月6日8:00-15:00停水")
await speech.close()
"""

import asyncio
import datetime
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
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
from audio.frames import Order, Refused
from audio.inspection import fault
from audio.lexicon import Lexicon
from audio.prediction import HIGHEST_RATE_WPM, LOWEST_RATE_WPM, pieces, syllables
from audio.reading import readable
from audio.sound import LONGEST_TEXT_SYLLABLES, Sound
from audio.voicebox import VoiceBox, WorkerLostError
from audio.wav import Seal, Wav

log = logging.getLogger(__name__)

RATE_WPM = 155  # measured: 167 字 a minute on the village's messages, pauses included; facts/voice.md asks for 160–180
SLOW_SHARE = 0.8
_FORMAT_VERSION = 1  # raise it when a clip of the same text would sound different
_LONGEST_TEXT_CHARACTERS = 5 * LONGEST_TEXT_SYLLABLES
_TRIES = 3
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


class Speech:
    """The voice of the house: one worker behind it, one directory of clips under it."""

    def __init__(
        self,
        clips_dir: Path,
        *,
        voice: str = "cmn",
        rate_wpm: int = RATE_WPM,
        lexicon: Lexicon | None = None,
        idle_s: float = 30.0,
        timeout_s: float = 20.0,
    ) -> None:
        slow_wpm = round(rate_wpm * SLOW_SHARE)
        if not LOWEST_RATE_WPM <= slow_wpm <= rate_wpm <= HIGHEST_RATE_WPM:
            lowest_wpm = ceil(LOWEST_RATE_WPM / SLOW_SHARE)
            raise ValueError(f"the speech rate must be between {lowest_wpm} and {HIGHEST_RATE_WPM} words a minute")
        self._clips = ClipStore(clips_dir)
        self._opened = False
        self._voice, self._rate_wpm, self._slow_wpm = voice, rate_wpm, slow_wpm
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

    async def clip(
        self, text: str, *, slow: bool = False, fresh: bool = False, today: datetime.date | None = None
    ) -> Clip:
        """The text spoken for a loudspeaker or browser: 22 050 Hz. With `fresh` it is made again although it is there.

        Raises NothingToSayError, TextTooLongError, VoiceUnknownError, ClipStorageError, SpeechError.
        """
        return await self._clip(text, Sound.WIDE, slow=slow, fresh=fresh, today=today)

    async def telephone_clip(
        self,
        text: str,
        *,
        slow: bool = False,
        fresh: bool = False,
        today: datetime.date | None = None,
        ulaw: bool = False,
    ) -> Clip:
        """The text spoken for a call: 8 kHz, 16-bit or µ-law. Raises what `clip` raises."""
        sound = Sound.TELEPHONE_ULAW if ulaw else Sound.TELEPHONE
        return await self._clip(text, sound, slow=slow, fresh=fresh, today=today)

    async def prune(self, max_bytes: int) -> int:
        """Remove the longest unused clips until the rest fits into `max_bytes`; how many bytes that freed."""
        return await asyncio.to_thread(self._clips.prune, max_bytes)

    async def close(self) -> None:
        """Send the worker away. The object may be used again; the worker then comes back."""
        await self._voicebox.close()

    async def _clip(self, text: str, sound: Sound, *, slow: bool, fresh: bool, today: datetime.date | None) -> Clip:
        if len(text) > _LONGEST_TEXT_CHARACTERS:
            raise TextTooLongError(f"the text has {len(text)} characters; that is too long to be spoken in one piece")
        words = readable(text, today)
        parts = tuple(pieces(self._lexicon.spoken(words)))
        if not parts:
            raise NothingToSayError("there is nothing in this text that can be spoken")
        length = sum(map(syllables, parts))
        if length > LONGEST_TEXT_SYLLABLES:
            raise TextTooLongError(
                f"the text has {length} syllables; more than {LONGEST_TEXT_SYLLABLES} cannot be spoken in one piece"
            )
        rate_wpm = self._slow_wpm if slow else self._rate_wpm
        key = self._key(parts, sound, rate_wpm)
        async with self._one_at_a_time(key):
            stored = None if fresh else await self._stored(key)
            wav, seal = stored or await self._made(key, parts, sound, rate_wpm)
            return Clip(wav.path, wav.duration_s, wav.rate_hz, seal.level_dbfs, words, cached=stored is not None)

    def _key(self, parts: tuple[str, ...], sound: Sound, rate_wpm: int) -> str:
        what = (*parts, self._voice, str(rate_wpm), sound, self._engine, str(_FORMAT_VERSION))
        return hashlib.sha256("\0".join(what).encode()).hexdigest()[:40]

    @asynccontextmanager
    async def _one_at_a_time(self, key: str) -> AsyncIterator[None]:
        lock = self._alone.get(key)
        if lock is None:
            lock = self._alone[key] = asyncio.Lock()
        async with lock:
            yield

    async def _stored(self, key: str) -> tuple[Wav, Seal] | None:
        try:
            await self._open()
            return await asyncio.to_thread(self._clips.find, key)
        except OSError as error:
            raise _not_kept(error.strerror) from error

    async def _made(self, key: str, parts: tuple[str, ...], sound: Sound, rate_wpm: int) -> tuple[Wav, Seal]:
        try:
            await self._open()
            wanted = Order(parts, self._voice, rate_wpm, sound, str(self._clips.unfinished(key)))
            for attempt in range(1, _TRIES + 1):
                wrong = await self._attempt(wanted)
                if wrong is None:
                    return await asyncio.to_thread(self._clips.keep, key)
                log.warning("clip_rejected key=%s try=%d why=%s", key, attempt, wrong)
        except (OSError, WavError) as error:
            raise _not_kept(error.strerror if isinstance(error, OSError) else str(error)) from error
        finally:
            self._clips.drop_unfinished(key)
        raise SpeechError("the voice did not work just now, so the text was not spoken")

    async def _attempt(self, wanted: Order) -> str | None:
        """One try; what is wrong with it, or None."""
        timeout_s = self._timeout_s + _SECONDS_PER_SYLLABLE * sum(map(syllables, wanted.pieces))
        try:
            made = await self._voicebox.make(wanted, timeout_s)
        except WorkerLostError as error:
            return str(error)
        if not isinstance(made, Refused):
            try:
                return await asyncio.to_thread(fault, wanted, made)
            except FileNotFoundError:
                return "it vanished"  # another program of this village opened the same clips and swept
        if made.kind == "voice":
            raise VoiceUnknownError(f"there is no voice called {made.reason}")
        if made.kind == "storage":
            raise _not_kept(made.reason)
        return made.reason

    async def _open(self) -> None:
        if not self._opened:
            await asyncio.to_thread(self._clips.open)
            self._opened = True


def _not_kept(reason: str | None) -> ClipStorageError:
    return ClipStorageError(f"the spoken text could not be saved: {reason or 'the disk failed'}")
