"""A better voice plugged in: real programs that speak, and every way in which they may not."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import struct
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from audio.outside import OutsideVoice
from audio.outside_run import OutsideError, decoded
from audio.prediction import MEASURED_SENTENCES, Tempo, units
from audio.sound import LEVEL_DBFS, Pace
from audio.speech import Clip, Speech
from audio.wav import read_wav, verified

PROGRAM = Path(__file__).parent / "voices" / "speaking.py"
NOTICE = "【青山村】12月6日周日8:00到15:00停水,请提前存水。问询打88001234。"

Voice = Callable[..., OutsideVoice]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def voice(tmp_path: Path) -> Voice:
    def named(fault: str = "none", *only_while: str, wpm: str = "{wpm}", timeout_s: float = 10.0) -> OutsideVoice:
        argv = (sys.executable, str(PROGRAM), fault, wpm, str(tmp_path), *only_while)
        return OutsideVoice(argv, timeout_s)

    return named


@pytest.fixture
async def built_in(tmp_path: Path) -> AsyncIterator[Speech]:
    speech = Speech(tmp_path / "clips")
    yield speech
    await speech.close()


async def spoken(outside: OutsideVoice, tmp_path: Path, text: str = NOTICE, pace: Pace = Pace.NORMAL) -> Clip:
    speech = Speech(tmp_path / "clips", outside=outside)
    try:
        return await speech.clip(text, pace=pace)
    finally:
        await speech.close()


def first_second_is_silent(path: Path) -> bool:
    wav = read_wav(path)
    with path.open("rb") as file:
        file.seek(wav.samples_at)
        return not any(file.read(2 * wav.rate_hz))


def alive_in_group(group: int) -> list[int]:
    """The processes of a group that have not ended."""
    alive = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            pid, _, rest = stat.read_text().partition(" (")
            state, _, of_group = rest.rpartition(")")[2].split()[:3]
            if int(of_group) == group and state != "Z":
                alive.append(int(pid))
    return alive


def all_end(group: int) -> bool:
    """Whether everything in the group has ended; what was told to gets a moment for it."""
    for pid in alive_in_group(group):
        with suppress(ProcessLookupError):
            process = os.pidfd_open(pid)
            select.select([process], [], [], 10)
            os.close(process)
    return not alive_in_group(group)


async def test_the_outside_voice_speaks_under_the_same_checks(voice: Voice, built_in: Speech, tmp_path: Path) -> None:
    speech = Speech(tmp_path / "clips", outside=voice())
    clip = await speech.clip(NOTICE)
    mine = await built_in.clip(NOTICE)
    assert clip.path != mine.path
    assert clip.words == mine.words
    assert abs(clip.duration_s - mine.duration_s) < 0.2 * mine.duration_s
    assert abs(clip.level_dbfs - LEVEL_DBFS) < 0.5
    assert (clip.rate_hz, read_wav(clip.path).rate_hz) == (22_050, 22_050)
    assert first_second_is_silent(clip.path)
    assert (await speech.clip(NOTICE)).cached
    for ulaw in (False, True):
        narrow = await speech.telephone_clip(NOTICE, ulaw=ulaw)
        assert narrow.rate_hz == 8_000
        assert abs(narrow.duration_s - clip.duration_s) < 0.02
    await speech.close()


async def test_its_pace_is_the_listeners(voice: Voice, tmp_path: Path) -> None:
    lengths = [(await spoken(voice(), tmp_path, pace=pace)).duration_s - 1 for pace in Pace]
    assert 1.15 < lengths[1] / lengths[0] < 1.4
    assert 1.05 < lengths[2] / lengths[1] < 1.25


async def test_one_that_knows_no_pace_leaves_slow_words_to_the_built_in_voice(
    voice: Voice, built_in: Speech, tmp_path: Path
) -> None:
    slow = await spoken(voice(wpm="155"), tmp_path, pace=Pace.SLOW)
    assert slow.path == (await built_in.clip(NOTICE, slow=True)).path
    assert (await spoken(voice(wpm="155"), tmp_path)).path != (await built_in.clip(NOTICE)).path


@pytest.mark.needs("espeak-ng")
async def test_espeak_ng_itself_can_be_plugged_in(built_in: Speech, tmp_path: Path) -> None:
    outside = OutsideVoice(("espeak-ng", "--stdout", "--stdin", "-v", "cmn", "-s", "{wpm}"))
    clip, slow = [await spoken(outside, tmp_path, pace=pace) for pace in (Pace.NORMAL, Pace.SLOW)]
    assert clip.path != (await built_in.clip(NOTICE)).path
    assert slow.path != (await built_in.clip(NOTICE, slow=True)).path
    assert clip.duration_s < slow.duration_s
    assert abs(clip.level_dbfs - LEVEL_DBFS) < 0.5
    assert first_second_is_silent(clip.path)
    verified(clip.path)


@pytest.mark.parametrize(
    "fault",
    ["die", "killed", "late-death", "garbage", "nothing", "empty", "silent", "half", "beep", "flood"],
)
async def test_a_program_that_fails_falls_back_and_says_so_once(
    fault: str, *, voice: Voice, built_in: Speech, log: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    speech = Speech(tmp_path / "clips", outside=voice(fault))
    clip = await speech.clip(NOTICE)
    other = await speech.clip("王德福请回电13800138000")
    assert clip.path == (await built_in.clip(NOTICE)).path
    assert other.path == (await built_in.clip("王德福请回电13800138000")).path
    assert [record.message.split()[0] for record in caplog.records].count("outside_voice_failed") == 1
    assert "青山村" not in caplog.text
    assert "王德福" not in caplog.text
    assert speech.outside_failed
    runs = len(log.read_text().splitlines())  # one, or one for each sentence that measures its tempo
    assert runs in (1, len(MEASURED_SENTENCES))  # after it failed it is left alone for a while
    assert not list((tmp_path / "clips").glob(".making-*"))
    await speech.close()


@pytest.mark.parametrize("fault", ["hang", "deaf", "trickle", "lingering"])
async def test_a_program_that_hangs_is_ended_and_falls_back(
    fault: str, *, voice: Voice, built_in: Speech, log: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = await spoken(voice(fault, timeout_s=1.0), tmp_path)
    assert clip.path == (await built_in.clip(NOTICE)).path
    assert "outside_voice_failed why=it did not end in time" in caplog.text
    (run,) = log.read_text().splitlines()
    assert await asyncio.to_thread(all_end, int(run.split()[0]))  # it, and what it started


async def test_it_does_not_outlive_a_worker_that_is_killed(built_in: Speech, tmp_path: Path) -> None:
    meeting = tmp_path / "runs"
    os.mkfifo(meeting)
    outside = OutsideVoice((sys.executable, str(PROGRAM), "hang", "{wpm}", str(tmp_path)), 60.0)
    speech = Speech(tmp_path / "clips", outside=outside)
    order = asyncio.create_task(speech.clip(NOTICE))
    pid = int((await asyncio.to_thread(meeting.read_text)).split()[0])
    program = os.pidfd_open(pid)
    assert speech.worker_pid is not None
    os.kill(speech.worker_pid, signal.SIGKILL)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(program, ended.set)
    async with asyncio.timeout(10):
        await ended.wait()
    asyncio.get_running_loop().remove_reader(program)
    os.close(program)
    assert (await order).path == (await built_in.clip(NOTICE)).path
    await speech.close()


async def test_a_missing_program_falls_back(built_in: Speech, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = await spoken(OutsideVoice(("/nowhere/voice",)), tmp_path)
    assert clip.path == (await built_in.clip(NOTICE)).path
    assert "it cannot be started: FileNotFoundError" in caplog.text


@pytest.mark.parametrize("fault", ["cut", "beep"])
async def test_words_cut_off_in_the_middle_are_found_out(
    fault: str, *, voice: Voice, built_in: Speech, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spoil = tmp_path / "spoil"
    speech = Speech(tmp_path / "clips", outside=voice(fault, "spoil"))
    await speech.clip("停水")  # its tempo is known from now on
    spoil.touch()
    clip = await speech.clip(NOTICE)
    assert clip.path == (await built_in.clip(NOTICE)).path
    assert "s of a sentence instead of" in caplog.text
    await speech.close()


async def test_it_is_asked_again_after_a_while_and_its_clips_come_back(
    *, voice: Voice, built_in: Speech, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil = tmp_path / "spoil"
    speech = Speech(tmp_path / "clips", outside=voice("die", "spoil"))
    before = await speech.clip("停水")
    spoil.touch()
    monkeypatch.setattr("audio.speech._OUTSIDE_RESTS_S", 0.0)
    assert (await speech.clip(NOTICE)).path == (await built_in.clip(NOTICE)).path
    assert (await speech.clip(NOTICE)).path == (await built_in.clip(NOTICE)).path
    assert (await speech.clip("停水")).path == before.path  # what it said well is still used
    spoil.unlink()
    assert speech.outside_failed
    assert (await speech.clip(NOTICE)).path != (await built_in.clip(NOTICE)).path
    assert not speech.outside_failed
    assert [record.message.split()[0] for record in caplog.records].count("outside_voice_failed") == 1
    await speech.close()


async def test_what_is_asked_for_afresh_is_spoken_by_it_at_once(voice: Voice, tmp_path: Path) -> None:
    speech = Speech(tmp_path / "clips", outside=voice())
    assert not (await speech.clip("停水", fresh=True)).cached
    assert not speech.outside_failed
    await speech.close()


async def test_program_argument_and_model_are_part_of_what_a_clip_is(tmp_path: Path) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"one")
    program = tmp_path / "voice"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    voices = [OutsideVoice((str(program), "--model", str(model))), OutsideVoice((str(program), f"--model={model}"))]
    seen = [voice.identity() for voice in voices]
    seen.append(OutsideVoice((str(program), "--model", str(model), "--speaker", "2")).identity())
    assert voices[0].identity() == seen[0]
    model.write_bytes(b"another")
    seen += [voice.identity() for voice in voices]
    program.write_text("#!/bin/sh\nexit\n")
    seen.append(voices[0].identity())
    assert len(set(seen)) == len(seen)


async def test_nothing_passes_through_a_shell(voice: Voice, log: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    argv = (sys.executable, str(PROGRAM), f"$(touch {proof})", "{wpm}", str(tmp_path), f"; touch {proof}")
    await spoken(OutsideVoice(argv), tmp_path, f"停水`touch {proof}`;$(touch {proof})")
    assert not proof.exists()
    assert f"'$(touch {proof})', '155'" in log.read_text()


@pytest.mark.parametrize(
    ("argv", "timeout_s"), [((), 5.0), (("",), 5.0), (("a\0b",), 5.0), (("a",), 0.0), (("a",), 61.0)]
)
def test_settings_that_cannot_be_are_refused(argv: tuple[str, ...], timeout_s: float) -> None:
    with pytest.raises(ValueError, match="outside voice"):
        OutsideVoice(argv, timeout_s)


def wav_of(
    samples: bytes, size: int, *, channels: int = 1, rate_hz: int = 16_000, tag: int = 1, bits: int = 16
) -> bytes:
    shape = struct.pack("<HHIIHH", tag, channels, rate_hz, 0, 0, bits)
    return b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + shape + b"data" + struct.pack("<I", size) + samples


@pytest.mark.parametrize("size", [8, 0, 0x7FFF_F000, 0xFFFF_FFFF])
def test_a_size_filled_in_or_left_open_is_read(size: int) -> None:
    samples, rate_hz = decoded(wav_of(struct.pack("<4h", 0, 16_384, -16_384, 8_192), size))
    assert rate_hz == 16_000
    assert samples.tolist() == [0, 0.5, -0.5, 0.25]


def test_two_channels_become_one_and_what_follows_the_samples_is_left() -> None:
    samples, _ = decoded(wav_of(struct.pack("<4h", 0, 16_384, 8_192, 8_192) + b"LIST\2\0\0\0ab", 8, channels=2))
    assert np.array_equal(samples, [0.25, 0.25])


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no sound file"),
        (b"RIFF\0\0\0\0WAVE", "no samples"),
        (b"<html>" * 20, "no RIFF"),
        (wav_of(b"\0\0", 4), "ends too early"),
        (wav_of(b"\0" * 4, 4, tag=3, bits=32), "format 3"),
        (wav_of(b"\0" * 4, 4, bits=8), "8 bits"),
        (wav_of(b"\0" * 6, 6, channels=3), "3 channels"),
        (wav_of(b"\0" * 4, 4, rate_hz=4000), "4000 Hz"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0\0\0\0\0", "before their format"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0", "no sound file"),
    ],
)
def test_what_is_no_sound_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(OutsideError, match=why):
        decoded(body)


def test_a_tempo_nobody_speaks_at_is_refused() -> None:
    natural = [0.4 + 0.25 * units(sentence) for sentence in MEASURED_SENTENCES]
    tempo = Tempo.fitted(natural)
    assert abs(tempo.unit_s - 0.25) < 1e-9
    assert tempo.fits("请大家明天早上提前把水存好。", 0.4 + 0.25 * 13)
    assert not tempo.fits("请大家明天早上提前把水存好。", (0.4 + 0.25 * 13) / 3)
    with pytest.raises(ValueError, match="s a syllable"):
        Tempo.fitted([1.0] * len(MEASURED_SENTENCES))
    with pytest.raises(ValueError, match="for a sentence"):
        Tempo.fitted([natural[0], natural[1], 2.4, natural[3]])
