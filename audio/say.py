"""One text into one file, for a command line. It never leaves a half-written file behind."""

import asyncio
import datetime
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from audio.clips import sync_directory
from audio.failures import ClipStorageError, WavError
from audio.lexicon import Lexicon
from audio.outside import OutsideVoice
from audio.speech import Clip, Speech
from audio.wav import verified


async def say(
    text: str,
    out: Path,
    clips_dir: Path,
    fresh: bool = False,
    *,
    lexicon: Lexicon | None = None,
    outside: OutsideVoice | None = None,
    today: datetime.date | None = None,
) -> Clip:
    """Speak `text` into `out`, through the clips of `clips_dir`; with `fresh` it is spoken again although it is there.

    Raises SpeechError and its kinds, all in plain words; ClipStorageError where `out` cannot be written.
    """
    speech = Speech(clips_dir, lexicon=lexicon, outside=outside)
    try:
        clip = await speech.clip(text, fresh=fresh, today=today)
    finally:
        await speech.close()
    try:
        await asyncio.to_thread(_copy, clip.path, out)
    except (OSError, WavError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ClipStorageError(f"{out} could not be written: {reason}") from error
    return replace(clip, path=out)


def _copy(clip: Path, out: Path) -> None:
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with clip.open("rb") as source, unfinished.open("xb") as target:
            shutil.copyfileobj(source, target)
            target.flush()
            os.fsync(target.fileno())
        verified(unfinished)
        unfinished.replace(out)
        sync_directory(out.parent)
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
