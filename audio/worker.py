"""The speech worker: `python -m audio.worker`, orders on stdin, answers on stdout. It never outlives its parent.

All that is heavy or may crash lives here: espeak-ng, numpy, soxr, an outside voice. It ends when its stdin closes.
"""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from audio.espeak import RATE_HZ, Espeak, EspeakError, EspeakVoiceError
from audio.frames import Made, Order, Refused, order, packed, read_frame
from audio.loudness import Loudness, Samples, levelled, pcm16
from audio.outside_run import OutsideError, OutsideLateError, spoken
from audio.sound import LEAD_SILENCE_S, Sound, Tone
from audio.telephony import UlawEncoder, resampled
from audio.tones import tone
from audio.wav import Encoding, WavWriter

log = logging.getLogger(__name__)


class Maker:
    """Orders → files."""

    def __init__(self, espeak: Espeak) -> None:
        self._espeak = espeak
        self._ulaw: UlawEncoder | None = None

    def make(self, wanted: Order) -> Made:
        """Speak into the ordered file. Raises EspeakError, OutsideError, OSError; the file is then worthless."""
        sound = Sound(wanted.sound)
        loudness = Loudness()
        piece_frames = []
        with Path(wanted.path).open("wb") as file:
            writer = WavWriter(file, sound.rate_hz, sound.encoding)
            writer.write(self._encoded(np.zeros(int(sound.rate_hz * LEAD_SILENCE_S), np.float32), sound))
            for samples in self._parts(wanted, sound):
                piece_frames.append(len(samples))
                loudness.add(samples, sound.rate_hz)
                writer.write(self._encoded(samples, sound))
            level_dbfs, peak_dbfs = round(loudness.level_dbfs, 2), round(loudness.peak_dbfs, 2)
            writer.finish(level_dbfs, peak_dbfs, wanted.name)
        phonemes: tuple[str, ...] = ()
        if not wanted.command:
            phonemes = tuple(self._espeak.phonemes(piece, wanted.voice) for piece in wanted.pieces)
        return Made(writer.frames, level_dbfs, peak_dbfs, phonemes, self._espeak.version, tuple(piece_frames))

    def _parts(self, wanted: Order, sound: Sound) -> Iterator[Samples]:
        """The samples of one piece after the other: a long text is never in memory as a whole."""
        if wanted.tone:
            yield levelled(tone(Tone(wanted.tone), sound.rate_hz), sound.rate_hz)
        for piece in wanted.pieces:
            samples, rate_hz = self._piece(piece, wanted)
            yield levelled(resampled(samples, rate_hz, sound.rate_hz), sound.rate_hz)

    def _piece(self, text: str, wanted: Order) -> tuple[Samples, int]:
        if wanted.command:
            return spoken(wanted.command, text, wanted.command_timeout_s)
        said = np.frombuffer(self._espeak.say(text, wanted.voice, wanted.rate_wpm), np.int16)
        samples: Samples = said.astype(np.float32) / np.float32(32_768)
        return samples, RATE_HZ

    def _encoded(self, samples: Samples, sound: Sound) -> bytes:
        if sound.encoding is Encoding.PCM16:
            return pcm16(samples).tobytes()
        if self._ulaw is None:
            self._ulaw = UlawEncoder()
        return self._ulaw.encoded(pcm16(samples))


def serve(orders: BinaryIO, answers: BinaryIO) -> None:
    """Answer orders one after the other until there are no more."""
    maker = Maker(Espeak())
    while (body := read_frame(orders)) is not None:
        answers.write(packed(_answer(maker, order(body))))
        answers.flush()


def _answer(maker: Maker, wanted: Order) -> Made | Refused:
    try:
        return maker.make(wanted)
    except EspeakVoiceError as error:
        return Refused("voice", str(error))
    except EspeakError as error:
        return Refused("speech", str(error))
    except OutsideLateError as error:
        return Refused("outside-late", str(error))
    except OutsideError as error:
        return Refused("outside", str(error))
    except OSError as error:
        return Refused("storage", error.strerror or str(error))


def main() -> None:
    """Run on the pipes; what libraries print goes to stderr, where it cannot be taken for an answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which then closes our stdin
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
