"""The shape of a clip as an SVG path."""

from __future__ import annotations

import array
import re
import wave
from pathlib import Path

import pytest

from village.web.waveform import BARS, HEIGHT, waveform


def write(path: Path, samples: list[int], *, width: int = 2) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(width)
        file.setframerate(8000)
        file.writeframes(array.array("h" if width == 2 else "b", samples).tobytes())
    return path


def heights(path: str) -> list[float]:
    return [float(h) for h in re.findall(r"v([\d.]+)", path)]


def test_loud_parts_stand_taller_than_quiet_ones(tmp_path: Path) -> None:
    drawn = heights(waveform(write(tmp_path / "a.wav", [200] * 4000 + [20000] * 4000)))
    assert len(drawn) == BARS
    assert max(drawn[: BARS // 2 - 1]) < 3 < min(drawn[BARS // 2 + 1 :]) <= HEIGHT


def test_negative_peaks_count_as_loud(tmp_path: Path) -> None:
    assert heights(waveform(write(tmp_path / "b.wav", [-32768] * 640)))[0] > HEIGHT - 6


@pytest.mark.parametrize("samples", [[], [0] * 100, [0] * 8000])
def test_silence_is_a_row_of_dots(tmp_path: Path, samples: list[int]) -> None:
    assert heights(waveform(write(tmp_path / "c.wav", samples))) == [2.0] * BARS


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match=r"d\.wav"):
        waveform(tmp_path / "d.wav")
    with pytest.raises(ValueError, match="8 bits"):
        waveform(write(tmp_path / "e.wav", [1, 2], width=1))
