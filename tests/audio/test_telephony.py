"""What goes into a telephone line, and files that are not what they should be."""

import math
import struct
import sys
import wave
from array import array
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio.failures import WavError
from audio.loudness import Loudness, levelled
from audio.sound import LEVEL_DBFS, PEAK_LIMIT_DBFS
from audio.speech import Speech
from audio.telephony import to_telephone_rate, ulaw_table
from audio.wav import Encoding, WavWriter, envelope, read_wav, verified

EVERY_SAMPLE = np.arange(65_536, dtype=np.uint16).view(np.int16)


def tone(frequency_hz: float, rate_hz: int, level: float = 0.1) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (level * np.sin(2 * math.pi * frequency_hz * np.arange(rate_hz) / rate_hz)).astype(np.float32)


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="needs audioop, which Python 3.13 no longer has")
@pytest.mark.filterwarnings("ignore:'audioop':DeprecationWarning")
def test_ulaw_is_that_of_audioop_on_every_sample() -> None:
    import audioop

    assert ulaw_table().tobytes() == audioop.lin2ulaw(EVERY_SAMPLE.tobytes(), 2)


@pytest.mark.parametrize(("sample", "code"), [(0, 0xFF), (-1, 0x7E), (32_767, 0x80), (-32_768, 0x00), (1000, 0xCE)])
def test_ulaw_of_g711(sample: int, code: int) -> None:
    assert ulaw_table()[sample & 0xFFFF] == code


def test_what_a_telephone_cannot_carry_leaves_no_alias() -> None:
    carried, not_carried = to_telephone_rate(tone(1000, 22_050), 22_050), to_telephone_rate(tone(6000, 22_050), 22_050)
    assert abs(len(carried) - 8000) <= 1
    assert 0.09 < float(np.abs(carried[1000:7000]).max()) < 0.11
    assert float(np.abs(not_carried[1000:7000]).max()) < 0.0005


@pytest.mark.parametrize("level", [0.001, 0.01, 0.1, 0.5, 1.0])
def test_any_loudness_becomes_the_stated_one(level: float) -> None:
    samples = np.concatenate([tone(300, 22_050, level), np.zeros(22_050, np.float32)])
    measured = Loudness()
    measured.add(levelled(samples, 22_050), 22_050)
    expected = max(LEVEL_DBFS - 0.2, -100) if level > 0.004 else 20 * math.log10(level / math.sqrt(2)) + 30
    assert abs(measured.level_dbfs - expected) < 0.3


def test_a_peak_is_bent_and_silence_stays_silence() -> None:
    click = np.concatenate([tone(300, 22_050, 0.01), np.full(20, 1.0, np.float32)])
    assert float(np.abs(levelled(click, 22_050)).max()) <= 10 ** (PEAK_LIMIT_DBFS / 20) + 1e-6
    assert not levelled(np.zeros(1000, np.float32), 22_050).any()
    assert levelled(np.zeros(0, np.float32), 22_050).size == 0


async def test_a_call_hears_the_same_words_at_eight_kilohertz(tmp_path: Path) -> None:
    speech = Speech(tmp_path)
    wide = await speech.clip("十二月六日停水")
    narrow = await speech.telephone_clip("十二月六日停水")
    ulaw = await speech.telephone_clip("十二月六日停水", ulaw=True)
    await speech.close()
    assert [wide.rate_hz, narrow.rate_hz, ulaw.rate_hz] == [22_050, 8_000, 8_000]
    assert abs(wide.duration_s - narrow.duration_s) < 0.01
    assert abs(ulaw.level_dbfs - LEVEL_DBFS) < 0.5
    with wave.open(str(narrow.path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
    assert struct.unpack("<H", ulaw.path.read_bytes()[20:22]) == (7,)


async def test_the_envelope_shows_silence_first_and_then_speech(tmp_path: Path) -> None:
    speech = Speech(tmp_path)
    shapes = [
        envelope((await speech.clip("十二月六日停水，请大家存水")).path),
        envelope((await speech.telephone_clip("十二月六日停水，请大家存水", ulaw=True)).path),
    ]
    await speech.close()
    for shape in shapes:
        assert len(shape) == 60
        assert shape[:8] == [0] * 8
        assert 20 < max(shape) <= 100
    assert all(abs(one - other) < 35 for one, other in zip(*shapes, strict=True))


def written(path: Path, samples: bytes, encoding: Encoding = Encoding.PCM16) -> Path:
    with path.open("wb") as file:
        writer = WavWriter(file, 8000, encoding)
        writer.write(samples[:100])
        writer.write(samples[100:])
        writer.finish(-20.0, -3.0, path.stem)
    return path


@pytest.mark.parametrize(("encoding", "size"), [(Encoding.PCM16, 1000), (Encoding.ULAW, 1001), (Encoding.PCM16, 0)])
def test_what_was_written_is_read_back(tmp_path: Path, encoding: Encoding, size: int) -> None:
    path = written(tmp_path / "a.wav", bytes(index % 251 for index in range(size)), encoding)
    wav, seal = verified(path)
    assert (wav.frames, wav.rate_hz, wav.encoding) == (size // encoding.sample_bytes, 8000, encoding)
    assert (seal.level_dbfs, seal.peak_dbfs) == (-20.0, -3.0)
    riff_bytes = struct.unpack("<I", path.read_bytes()[4:8])[0]
    assert riff_bytes + 8 == path.stat().st_size


def test_an_unsealed_recording_is_read_but_not_verified(tmp_path: Path) -> None:
    path = tmp_path / "recording.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(array("h", [0, 16_384] * 4000).tobytes())
    assert read_wav(path).duration_s == 1.0
    assert envelope(path, bars=4) == [50, 50, 50, 50]
    with pytest.raises(WavError, match="no seal"):
        verified(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("wav") / "whole.wav", bytes(range(256)) * 8)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_file_is_an_error_and_never_a_crash(whole: Path, data: st.DataObject) -> None:
    content = bytearray(whole.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    damaged = whole.with_name("damaged.wav")
    damaged.write_bytes(bytes(content[: data.draw(st.integers(at, len(content)))]))
    with pytest.raises(WavError):
        verified(damaged)
    with suppress(WavError):
        envelope(damaged)
