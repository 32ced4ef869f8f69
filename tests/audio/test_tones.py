"""Siren and chime: what frequencies are in them, how loud they are, and that they come as clips like any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from audio.loudness import Loudness, levelled
from audio.sound import LEVEL_DBFS, PEAK_LIMIT_DBFS, Sound, Tone
from audio.speech import Speech
from audio.tones import tone
from audio.wav import read_wav, verified

RATES = [22_050, 8_000]
SIREN_LOW_HZ, SIREN_HIGH_HZ, SIREN_WAILS_PER_S = 650, 1_300, 2
CHIME_HZ = (659.26, 523.25)  # e″ and c″
Curve = npt.NDArray[np.float64]


def frequencies_hz(samples: npt.NDArray[np.float32], rate_hz: int) -> Curve:
    """From one rising crossing of zero to the next, the crossing itself found between two samples."""
    before = np.flatnonzero((samples[:-1] < 0) & (samples[1:] >= 0))
    crossings = before - samples[before] / (samples[before + 1] - samples[before])
    return rate_hz / np.diff(crossings)


def strongest_hz(samples: npt.NDArray[np.float32], rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 17))
    return float(np.argmax(spectrum)) * rate_hz / (1 << 17)


@pytest.mark.parametrize("rate_hz", RATES)
def test_the_siren_wails_between_its_two_frequencies(rate_hz: int) -> None:
    heard = frequencies_hz(tone(Tone.SIREN, rate_hz), rate_hz)
    assert abs(heard.min() - SIREN_LOW_HZ) < 30
    assert abs(heard.max() - SIREN_HIGH_HZ) < 30
    above = heard > (SIREN_LOW_HZ + SIREN_HIGH_HZ) / 2
    rises = int(np.count_nonzero(~above[:-1] & above[1:]))
    assert rises == SIREN_WAILS_PER_S * Tone.SIREN.duration_s


@pytest.mark.parametrize("rate_hz", RATES)
def test_the_chime_is_two_notes_that_fade(rate_hz: int) -> None:
    samples = tone(Tone.CHIME, rate_hz)
    first, second = samples[: int(0.6 * rate_hz)], samples[int(1.2 * rate_hz) :]
    assert abs(strongest_hz(first, rate_hz) - CHIME_HZ[0]) < 3
    assert abs(strongest_hz(second, rate_hz) - CHIME_HZ[1]) < 3
    assert np.abs(samples[-rate_hz // 10 :]).max() < 0.1 * np.abs(samples).max()


@pytest.mark.parametrize("kind", list(Tone))
@pytest.mark.parametrize("rate_hz", RATES)
def test_a_tone_is_as_long_and_as_loud_as_it_should_be(kind: Tone, rate_hz: int) -> None:
    samples = levelled(tone(kind, rate_hz), rate_hz)
    assert len(samples) == round(kind.duration_s * rate_hz)
    assert samples[0] == samples[-1] == 0
    measured = Loudness()
    measured.add(samples, rate_hz)
    assert abs(measured.level_dbfs - LEVEL_DBFS) < 0.2
    assert measured.peak_dbfs <= PEAK_LIMIT_DBFS


def test_a_telephone_carries_all_of_the_siren() -> None:
    spectrum = np.abs(np.fft.rfft(tone(Tone.SIREN, 22_050))) ** 2
    hz = np.fft.rfftfreq(round(22_050 * Tone.SIREN.duration_s), 1 / 22_050)
    assert spectrum[(hz > 300) & (hz < 3_400)].sum() > 0.999 * spectrum.sum()


@pytest.fixture
async def speech(tmp_path: Path) -> AsyncIterator[Speech]:
    speech = Speech(tmp_path / "clips")
    yield speech
    await speech.close()


@pytest.mark.parametrize("sound", list(Sound))
@pytest.mark.parametrize("kind", list(Tone))
async def test_a_tone_is_a_clip(speech: Speech, kind: Tone, sound: Sound) -> None:
    clip = await speech.tone(kind, sound)
    wav, seal = verified(clip.path)
    assert (wav.rate_hz, wav.encoding) == (clip.rate_hz, sound.encoding) == (sound.rate_hz, sound.encoding)
    assert clip.duration_s == 1 + kind.duration_s
    assert abs(seal.level_dbfs - LEVEL_DBFS) < 0.2
    assert (await speech.tone(kind, sound)).cached
    clip.path.write_bytes(clip.path.read_bytes()[:-900])
    assert not (await speech.tone(kind, sound)).cached


async def test_what_is_in_the_file_is_the_siren(speech: Speech) -> None:
    wav = read_wav((await speech.tone(Tone.SIREN, Sound.TELEPHONE)).path)
    samples = np.fromfile(wav.path, "<i2", wav.frames, offset=wav.samples_at)
    assert not samples[:8_000].any()
    heard = frequencies_hz(samples[8_000:].astype(np.float32), 8_000)
    assert abs(heard.min() - SIREN_LOW_HZ) < 40
    assert abs(heard.max() - SIREN_HIGH_HZ) < 40
