"""Clips that are right every time: with the real espeak-ng of the wheel, a worker that is killed, and damaged files."""

from __future__ import annotations

import array
import asyncio
import math
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audio.failures import (
    ClipStorageError,
    NothingToSayError,
    SpeechError,
    TextTooLongError,
    VoiceUnknownError,
)
from audio.frames import Made, Order
from audio.inspection import fault
from audio.lexicon import Lexicon
from audio.say import say
from audio.sound import LEVEL_DBFS, LONGEST_TEXT_SYLLABLES, PEAK_LIMIT_DBFS, Pace
from audio.speech import Clip, Speech
from audio.voicebox import VoiceBox
from audio.wav import read_wav

NOTICE = "【青山村】12月6日周六8:00到15:00停水,每户补12.50元,问询打88001234。"
NOTICE_S = 17.52


@pytest.fixture
async def speech(tmp_path: Path) -> AsyncIterator[Speech]:
    speech = Speech(tmp_path / "clips")
    yield speech
    await speech.close()


def samples_of(path: Path) -> array.array[int]:
    wav = read_wav(path)
    with path.open("rb") as file:
        file.seek(wav.samples_at)
        return array.array("h", file.read(wav.frames * 2))


def speech_level_dbfs(samples: array.array[int], rate_hz: int) -> float:
    """RMS of the 20 ms frames within 30 dB of the loudest, written apart from the code it checks."""
    size = rate_hz // 50
    energies = [
        sum(sample * sample for sample in samples[start : start + size])
        for start in range(rate_hz, len(samples) - size, size)
    ]
    active = [energy for energy in energies if energy > max(energies) / 1000]
    return 10 * math.log10(sum(active) / (len(active) * size) / 32_768**2)


async def gone(pid: int) -> None:
    """Until the process has ended; at once if it has."""
    ended = asyncio.Event()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(10):
            await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def test_duration_and_level_are_right_ten_times_of_ten(speech: Speech) -> None:
    clips = [await speech.clip(NOTICE, fresh=True) for _ in range(10)]
    assert all(abs(clip.duration_s - NOTICE_S) < 0.01 for clip in clips)
    assert all(abs(clip.level_dbfs - LEVEL_DBFS) < 0.1 for clip in clips)
    assert not any(clip.cached for clip in clips)


async def test_a_clip_is_what_it_says_it_is(speech: Speech) -> None:
    clip = await speech.clip(NOTICE)
    samples = samples_of(clip.path)
    assert clip.rate_hz == read_wav(clip.path).rate_hz == 22_050
    assert len(samples) == round(clip.duration_s * 22_050)
    assert not any(samples[:22_050])
    assert any(samples[22_050:23_050])
    assert abs(speech_level_dbfs(samples, 22_050) - LEVEL_DBFS) < 0.5
    assert max(map(abs, samples)) <= 32_768 * 10 ** (PEAK_LIMIT_DBFS / 20) + 1
    assert clip.words == (
        "青山村。十二月六日周六从早上八点到下午三点停水，每户补十二元五角，问询打八八零零，幺二三四。八八零零，幺二三四。"
    )


async def test_the_same_text_is_synthesised_once(speech: Speech) -> None:
    first, *others = await asyncio.gather(*(speech.clip(NOTICE) for _ in range(5)))
    again = await speech.clip(NOTICE)
    assert [first.cached, again.cached] == [False, True]
    assert all(clip.cached for clip in others)
    assert {clip.path for clip in (first, *others, again)} == {first.path}


async def test_a_cached_clip_needs_no_worker(speech: Speech, tmp_path: Path) -> None:
    await speech.clip("停水")
    other = Speech(tmp_path / "clips")
    assert (await other.clip("停水")).cached
    assert other.worker_pid is None


async def test_text_voice_rate_and_lexicon_each_make_a_clip_of_their_own(speech: Speech, tmp_path: Path) -> None:
    directory = tmp_path / "clips"
    voices = [Speech(directory, voice="cmn+f3"), Speech(directory, rate_wpm=150)]
    voices.append(Speech(directory, lexicon=Lexicon({"水": "睡"})))
    clips = [await speech.clip("停水"), await speech.clip("停电"), await speech.clip("停水", slow=True)]
    clips += [await voice.clip("停水") for voice in voices]
    clips.append(await speech.telephone_clip("停水"))
    clips.append(await speech.telephone_clip("停水", ulaw=True))
    assert len({clip.path for clip in clips}) == len(clips) == 8
    assert not any(clip.cached for clip in clips)
    for voice in voices:
        await voice.close()


async def test_slow_speech_takes_longer(speech: Speech) -> None:
    normal, slow = await speech.clip(NOTICE), await speech.clip(NOTICE, slow=True)
    assert 1.2 < (slow.duration_s - 1) / (normal.duration_s - 1) < 1.4


async def test_three_paces_and_one_step_slower_for_what_is_said_again(speech: Speech) -> None:
    clips = {pace: await speech.clip(NOTICE, pace=pace) for pace in Pace}
    lengths = [clips[pace].duration_s - 1 for pace in Pace]
    assert 1.2 < lengths[1] / lengths[0] < 1.4
    assert 1.05 < lengths[2] / lengths[1] < 1.25
    again = [await speech.clip(NOTICE, pace=pace, slow=True) for pace in Pace]
    assert [clip.path for clip in again] == [clips[pace].path for pace in (Pace.SLOW, Pace.SLOWER, Pace.SLOWER)]
    assert all(clip.cached for clip in again)
    assert (await speech.clip(NOTICE)).path == clips[Pace.NORMAL].path
    assert (await speech.clip(NOTICE, pace="slower")).path == clips[Pace.SLOWER].path
    with pytest.raises(ValueError, match="fast"):
        await speech.clip(NOTICE, pace="fast")
    narrow = await speech.telephone_clip(NOTICE, pace=Pace.SLOWER)
    assert abs(narrow.duration_s - clips[Pace.SLOWER].duration_s) < 0.01


async def test_a_slower_house_keeps_within_what_was_measured(tmp_path: Path) -> None:
    speech = Speech(tmp_path, rate_wpm=138)
    slow, slower = [await speech.clip(NOTICE, pace=pace) for pace in (Pace.SLOW, Pace.SLOWER)]
    assert slow.path == slower.path  # 110 words a minute are the slowest that can be checked
    await speech.close()


async def test_a_new_lexicon_is_heard_in_the_next_clip(speech: Speech) -> None:
    before = await speech.clip("单国强")
    speech.pronounce(Lexicon.with_words({"单国强": "善国强"}))
    after = await speech.clip("单国强")
    assert not after.cached
    assert after.path != before.path
    assert after.words == before.words == "单国强"


@pytest.mark.parametrize("damage", ["truncated", "flipped", "emptied", "replaced"])
async def test_a_damaged_clip_is_made_again(speech: Speech, damage: str) -> None:
    clip = await speech.clip("停水通知")
    whole = clip.path.read_bytes()
    middle = len(whole) // 2
    clip.path.write_bytes(
        {
            "truncated": whole[:middle],
            "flipped": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            "emptied": b"",
            "replaced": b"<html>",
        }[damage]
    )
    again = await speech.clip("停水通知")
    assert not again.cached
    assert (await speech.clip("停水通知")).cached
    assert read_wav(again.path).seal is not None


async def test_a_killed_worker_is_replaced(speech: Speech) -> None:
    await speech.clip("停水")
    pid = speech.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await gone(pid)
    clip = await speech.clip("停电")
    assert not clip.cached
    assert speech.worker_pid not in (None, pid)


async def test_a_worker_killed_at_work_costs_nothing_but_time(speech: Speech) -> None:
    await speech.clip("停水")
    pid = speech.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)  # the order is under way and cannot be finished
    order = asyncio.create_task(speech.clip(NOTICE))
    await asyncio.to_thread(_bytes_waiting, pid)
    os.kill(pid, signal.SIGKILL)
    clip = await order
    assert abs(clip.duration_s - NOTICE_S) < 0.01


def _bytes_waiting(pid: int) -> None:
    """Until the stopped worker has something to read."""
    with open(f"/proc/{pid}/fd/0", "rb", buffering=0) as stdin:  # noqa: PTH123  # a pipe of another process
        assert select.select([stdin], [], [], 10)[0]


async def test_a_late_worker_is_replaced(tmp_path: Path) -> None:
    speech = Speech(tmp_path, timeout_s=1.0)
    await speech.clip("停水")
    pid = speech.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    clip = await speech.clip("停电")
    assert not clip.cached
    assert speech.worker_pid not in (None, pid)
    await speech.close()


async def test_a_caller_who_gives_up_leaves_no_stray_answer(speech: Speech, tmp_path: Path) -> None:
    await speech.clip("停水")
    pid = speech.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    impatient = asyncio.create_task(speech.clip(NOTICE))
    await asyncio.to_thread(_bytes_waiting, pid)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    await gone(pid)
    assert 1.5 < (await speech.clip("停电")).duration_s < 3
    assert not list((tmp_path / "clips").glob(".making-*"))


async def test_four_at_once_and_twenty_five_each_all_come_at_the_right_rate(speech: Speech, tmp_path: Path) -> None:
    others = [Speech(tmp_path / f"other{number}") for number in range(3)]
    voices = [speech, *others]
    texts = [f"第{number}组{number * 3}户,12月{number}日8:30停水" for number in range(1, 26)]

    async def utter(voice: Speech) -> list[Clip]:
        return [await voice.clip(text, fresh=True) for text in texts]

    everything = await asyncio.gather(*(utter(voice) for voice in voices))
    for clips in zip(*everything, strict=True):
        durations = [clip.duration_s for clip in clips]
        assert max(durations) - min(durations) < 0.01
        assert all(clip.path.exists() and not clip.cached for clip in clips)
    for voice in others:
        await voice.close()


async def test_the_worker_leaves_when_idle_and_comes_back(tmp_path: Path) -> None:
    speech = Speech(tmp_path, idle_s=0.05)
    await speech.clip("停水")
    pid = speech.worker_pid
    if pid is not None:
        await gone(pid)
    assert speech.worker_pid is None
    assert not (await speech.clip("停电")).cached
    await speech.close()
    assert speech.worker_pid is None


async def test_the_worker_ends_with_its_parent(tmp_path: Path) -> None:
    parent = await asyncio.to_thread(
        subprocess.run,
        [
            sys.executable,
            "-c",
            "import asyncio, os, pathlib, sys\n"
            "from audio.speech import Speech\n"
            "async def main():\n"
            "    speech = Speech(pathlib.Path(sys.argv[1]))\n"
            "    await speech.clip('停水')\n"
            "    print(speech.worker_pid, flush=True)\n"
            "    os.kill(os.getpid(), 9)\n"
            "asyncio.run(main())\n",
            str(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    await gone(int(parent.stdout))


def test_the_server_never_carries_numpy() -> None:
    script = (
        "import asyncio, pathlib, sys, tempfile\n"
        "from audio.speech import Speech\n"
        "from audio.say import say\n"
        "async def main():\n"
        "    with tempfile.TemporaryDirectory() as directory:\n"
        "        speech = Speech(pathlib.Path(directory))\n"
        "        await speech.telephone_clip('停水', ulaw=True)\n"
        "        await speech.close()\n"
        "asyncio.run(main())\n"
        "print([name for name in ('numpy', 'pyttsx3', 'soxr', 'espeakng_loader') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("text", ["", "  \n", "!!! ……", "😀", "བོད"])
async def test_nothing_to_say_is_said(speech: Speech, text: str) -> None:
    with pytest.raises(NothingToSayError, match="nothing in this text"):
        await speech.clip(text)
    assert speech.worker_pid is None


async def test_the_longest_text_is_spoken_and_one_syllable_more_is_refused(speech: Speech) -> None:
    clip = await speech.clip("水" * LONGEST_TEXT_SYLLABLES)
    assert clip.duration_s > 500
    with pytest.raises(TextTooLongError, match="2001 syllables"):
        await speech.clip("水" * (LONGEST_TEXT_SYLLABLES + 1))


async def test_an_unknown_voice_is_named(tmp_path: Path) -> None:
    speech = Speech(tmp_path, voice="nosuch")
    with pytest.raises(VoiceUnknownError, match="nosuch"):
        await speech.clip("停水")
    await speech.close()


def test_a_rate_nobody_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="between 138 and 160"):
        Speech(tmp_path, rate_wpm=200)


async def test_a_full_disk_is_said_and_leaves_nothing_behind(speech: Speech, tmp_path: Path) -> None:
    await speech.clip("停水")
    pid = speech.worker_pid
    assert pid is not None
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (50_000, 50_000))  # what the kernel answers is a kind of full disk
    with pytest.raises(ClipStorageError, match="could not be saved"):
        await speech.clip(NOTICE)
    assert [path.name for path in (tmp_path / "clips").iterdir()] == [(await speech.clip("停水")).path.name]


async def test_a_directory_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "clips").write_text("a file is in the way")
    speech = Speech(tmp_path / "clips")
    with pytest.raises(ClipStorageError):
        await speech.clip("停水")


async def test_leftovers_of_a_power_cut_are_cleared(tmp_path: Path) -> None:
    leftover = tmp_path / ".making-1-abc.wav"
    leftover.write_bytes(b"RIFF")
    speech = Speech(tmp_path)
    await speech.clip("停水")
    assert not leftover.exists()
    await speech.close()


async def test_a_clip_swept_away_while_it_was_made_is_made_again(speech: Speech, tmp_path: Path) -> None:
    """`village say` beside a running server opens the same directory and clears what looks unfinished."""
    await speech.clip("停水")
    pid = speech.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    order = asyncio.create_task(speech.clip(NOTICE))
    await asyncio.to_thread(_bytes_waiting, pid)
    unfinished = asyncio.create_task(asyncio.to_thread(_swept, tmp_path / "clips"))
    os.kill(pid, signal.SIGCONT)
    assert abs((await order).duration_s - NOTICE_S) < 0.01
    await unfinished


def _swept(directory: Path) -> None:
    """Until one unfinished file has been there and is gone."""
    deadline_s = time.monotonic() + 5
    while time.monotonic() < deadline_s:
        for path in directory.glob(".making-*"):
            path.unlink(missing_ok=True)
            return


async def test_prune_removes_the_longest_unused(speech: Speech) -> None:
    clips = [await speech.clip(text) for text in ("停水", "停电", "开会")]
    for age, clip in enumerate(clips):
        os.utime(clip.path, (1_000_000 + age, 1_000_000 + age))
    await speech.clip("停水")  # used again: now the newest
    kept_bytes = clips[0].path.stat().st_size + clips[2].path.stat().st_size
    freed_bytes = await speech.prune(kept_bytes)
    assert freed_bytes > 0
    assert [clip.path.exists() for clip in clips] == [True, False, True]
    assert await speech.prune(0) == kept_bytes


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ("rate", "s of speech instead of"),
        ("syllable", "syllables instead of"),
        ("frames", "frames instead of"),
        ("ulaw", "it is pcm16"),
    ],
)
async def test_a_clip_that_is_not_what_was_ordered_is_found_out(tmp_path: Path, spoil: str, why: str) -> None:
    """The rate lost on its way is the failure that was measured; the others are its neighbours."""
    box = VoiceBox(idle_s=30)
    order = Order(("十二月六日早上八点停水。", "请大家存水"), "cmn", 155, "wide", str(tmp_path / "clip.wav"))
    said = Order(order.pieces, "cmn", 200, "wide", order.path) if spoil == "rate" else order
    made = await box.make(said, 20)
    await box.close()
    assert isinstance(made, Made)
    if spoil != "rate":
        assert fault(order, made) is None
    if spoil == "syllable":
        order = Order((*order.pieces[:1], order.pieces[1] + "吧"), "cmn", 155, "wide", order.path)
    if spoil == "frames":
        made = Made(made.frames + 1, made.level_dbfs, made.peak_dbfs, made.phonemes, made.engine)
    if spoil == "ulaw":
        order = Order(order.pieces, "cmn", 155, "telephone-ulaw", order.path)
    assert why in str(fault(order, made)) or (spoil == "ulaw" and "Hz" in str(fault(order, made)))


async def test_bad_clips_are_tried_three_times_and_never_returned(
    speech: Speech, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("audio.speech.fault", lambda *_: "1.00 s of speech instead of 2.00")
    with pytest.raises(SpeechError, match="did not work just now"):
        await speech.clip("王德福请回电13800138000")
    assert len([record for record in caplog.records if "clip_rejected" in record.message]) == 3
    assert "王德福" not in caplog.text
    assert list((tmp_path / "clips").iterdir()) == []


async def test_say_writes_one_file(tmp_path: Path) -> None:
    clip = await say(NOTICE, tmp_path / "out.wav", tmp_path / "clips")
    again = await say(NOTICE, tmp_path / "out.wav", tmp_path / "clips")
    fresh = await say(NOTICE, tmp_path / "out.wav", tmp_path / "clips", fresh=True)
    assert clip.path == tmp_path / "out.wav"
    assert [clip.cached, again.cached, fresh.cached] == [False, True, False]
    assert abs(read_wav(clip.path).duration_s - NOTICE_S) < 0.01
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "out.wav"]
    with pytest.raises(ClipStorageError, match="could not be written"):
        await say(NOTICE, tmp_path / "nowhere" / "out.wav", tmp_path / "clips")
