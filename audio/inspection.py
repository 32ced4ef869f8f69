"""Is this clip what was ordered? It holds the file against what the text predicts and never changes either."""

from pathlib import Path

from audio.failures import WavError
from audio.frames import Made, Order
from audio.prediction import (
    PIECE_TOLERANCE,
    PIECE_TOLERANCE_FLOOR_S,
    Tempo,
    fits,
    predicted_s,
    spoken_syllables,
    syllables,
)
from audio.sound import LEAD_SILENCE_S, LEVEL_DBFS, LEVEL_TOLERANCE_DB, PEAK_LIMIT_DBFS, Sound, Tone
from audio.wav import Encoding, Wav, verified

_PEAK_ROUNDING_DB = 0.1
_SILENCE = {Encoding.PCM16: b"\0\0", Encoding.ULAW: b"\xff"}


def fault(wanted: Order, made: Made, tempo: Tempo | None = None) -> str | None:
    """Why the clip cannot be trusted, or None where it can. Raises OSError where it cannot be read at all.

    `tempo` is that of an outside voice; without one its sentences are not held against their length, which is for
    measuring that very tempo alone.
    """
    sound = Sound(wanted.sound)
    try:
        wav, seal = verified(Path(wanted.path))
    except WavError as error:
        return str(error)
    if seal.name != wanted.name:
        return "it is another clip"
    if wav.rate_hz != sound.rate_hz or wav.encoding != sound.encoding:
        return f"it is {wav.encoding} at {wav.rate_hz} Hz"
    if wav.frames != made.frames:
        return f"{wav.frames} frames instead of {made.frames}"
    if not _silent_first(wav):
        return "it does not start with silence"
    wrong = _tone_fault(wanted, made) if wanted.tone else _words_fault(wanted, made, tempo)
    if wrong is not None:
        return wrong
    if abs(seal.level_dbfs - LEVEL_DBFS) > LEVEL_TOLERANCE_DB:
        return f"a level of {seal.level_dbfs} dBFS"
    if seal.peak_dbfs > PEAK_LIMIT_DBFS + _PEAK_ROUNDING_DB:
        return f"a peak of {seal.peak_dbfs} dBFS"
    return None


def _silent_first(wav: Wav) -> bool:
    wanted = _SILENCE[wav.encoding] * int(wav.rate_hz * LEAD_SILENCE_S)
    with wav.path.open("rb") as file:
        file.seek(wav.samples_at)
        return file.read(len(wanted)) == wanted


def _tone_fault(wanted: Order, made: Made) -> str | None:
    length_s = _speech_s(wanted, made.frames)
    expected_s = Tone(wanted.tone).duration_s
    if abs(length_s - expected_s) * Sound(wanted.sound).rate_hz > 1:
        return f"{length_s:.3f} s of {wanted.tone} instead of {expected_s}"
    return None


def _words_fault(wanted: Order, made: Made, tempo: Tempo | None) -> str | None:
    if len(made.piece_frames) != len(wanted.pieces):
        return f"{len(made.piece_frames)} pieces instead of {len(wanted.pieces)}"
    if sum(made.piece_frames) != made.frames - int(Sound(wanted.sound).rate_hz * LEAD_SILENCE_S):
        return "its pieces are not its whole"
    if wanted.command:
        return _outside_fault(wanted, made, tempo)
    if len(made.phonemes) != len(wanted.pieces):
        return f"{len(made.phonemes)} pieces instead of {len(wanted.pieces)}"
    wanted_syllables, made_syllables = sum(map(syllables, wanted.pieces)), sum(map(spoken_syllables, made.phonemes))
    if made_syllables < wanted_syllables:
        return f"{made_syllables} syllables instead of {wanted_syllables}"
    speech_s, expected_s = _speech_s(wanted, made.frames), predicted_s(wanted.pieces, made.phonemes, wanted.rate_wpm)
    if not fits(speech_s, expected_s, wanted.rate_wpm):
        return f"{speech_s:.2f} s of speech instead of {expected_s:.2f}"
    for piece, sounds, piece_s in zip(wanted.pieces, made.phonemes, _piece_lengths_s(wanted, made), strict=True):
        expected_s = predicted_s([piece], [sounds], wanted.rate_wpm)
        if abs(piece_s - expected_s) > PIECE_TOLERANCE * expected_s + PIECE_TOLERANCE_FLOOR_S:
            return f"{piece_s:.2f} s of a sentence instead of {expected_s:.2f}"
    return None


def _outside_fault(wanted: Order, made: Made, tempo: Tempo | None) -> str | None:
    if tempo is None:
        return None
    for piece, piece_s in zip(wanted.pieces, _piece_lengths_s(wanted, made), strict=True):
        if not tempo.fits(piece, piece_s):
            return f"{piece_s:.2f} s of a sentence instead of {tempo.predicted_s(piece):.2f}"
    return None


def _speech_s(wanted: Order, frames: int) -> float:
    return frames / Sound(wanted.sound).rate_hz - LEAD_SILENCE_S


def _piece_lengths_s(wanted: Order, made: Made) -> list[float]:
    return [frames / Sound(wanted.sound).rate_hz for frames in made.piece_frames]
