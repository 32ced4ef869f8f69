"""Is this clip what was ordered? It holds the file against what the text predicts and never changes either."""

from pathlib import Path

from audio.failures import WavError
from audio.frames import Made, Order
from audio.prediction import TOLERANCE, TOLERANCE_FLOOR_S, predicted_s, spoken_syllables, syllables
from audio.sound import LEAD_SILENCE_S, LEVEL_DBFS, LEVEL_TOLERANCE_DB, PEAK_LIMIT_DBFS, Sound
from audio.wav import verified

_PEAK_ROUNDING_DB = 0.1


def fault(wanted: Order, made: Made) -> str | None:
    """Why the clip cannot be trusted, or None where it can. Raises OSError where it cannot be read at all."""
    sound = Sound(wanted.sound)
    try:
        wav, seal = verified(Path(wanted.path))
    except WavError as error:
        return str(error)
    if wav.rate_hz != sound.rate_hz or wav.encoding != sound.encoding:
        return f"it is {wav.encoding} at {wav.rate_hz} Hz"
    if wav.frames != made.frames:
        return f"{wav.frames} frames instead of {made.frames}"
    if len(made.phonemes) != len(wanted.pieces):
        return f"{len(made.phonemes)} pieces instead of {len(wanted.pieces)}"
    wanted_syllables, made_syllables = sum(map(syllables, wanted.pieces)), sum(map(spoken_syllables, made.phonemes))
    if made_syllables < wanted_syllables:
        return f"{made_syllables} syllables instead of {wanted_syllables}"
    expected_s = predicted_s(wanted.pieces, made.phonemes, wanted.rate_wpm)
    speech_s = wav.duration_s - LEAD_SILENCE_S
    if abs(speech_s - expected_s) > TOLERANCE * expected_s + TOLERANCE_FLOOR_S:
        return f"{speech_s:.2f} s of speech instead of {expected_s:.2f}"
    if abs(seal.level_dbfs - LEVEL_DBFS) > LEVEL_TOLERANCE_DB:
        return f"a level of {seal.level_dbfs} dBFS"
    if seal.peak_dbfs > PEAK_LIMIT_DBFS + _PEAK_ROUNDING_DB:
        return f"a peak of {seal.peak_dbfs} dBFS"
    return None
