"""Holes a bad clip could slip through on its way from the disk to an ear, each with real files."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from audio.clips import ClipStore
from audio.failures import WavError
from audio.frames import Made, Order, Refused
from audio.inspection import fault
from audio.sound import Pace, Sound
from audio.speech import Speech
from audio.voicebox import VoiceBox
from audio.wav import Encoding, WavWriter, read_wav, verified

NOTICE = "12月6日8:00到15:00停水,请存水。"
OTHER = "12月7日8:00到15:00停电,请备灯。"


@pytest.fixture
async def speech(tmp_path: Path) -> AsyncIterator[Speech]:
    speech = Speech(tmp_path / "clips")
    yield speech
    await speech.close()


@pytest.fixture
async def box() -> AsyncIterator[VoiceBox]:
    box = VoiceBox(idle_s=30)
    yield box
    await box.close()


async def made_again(speech: Speech, path: Path) -> bool:
    """Whether the damaged clip is made again, and the one that comes instead is whole."""
    clip = await speech.clip(NOTICE)
    whole = verified(clip.path)[1].name == clip.path.stem == path.stem
    return whole and not clip.cached and (await speech.clip(NOTICE)).cached


async def test_one_flipped_bit_anywhere_is_found(speech: Speech, tmp_path: Path) -> None:
    """In the header every bit (one of them is the rate: another speed for every word), in the seal too."""
    clip = await speech.telephone_clip("停水", ulaw=True)
    whole = clip.path.read_bytes()
    wav = read_wav(clip.path)
    ends_at = wav.samples_at + wav.frames
    places = [*range(wav.samples_at), *range(wav.samples_at, ends_at, 97), *range(ends_at, len(whole))]
    damaged = tmp_path / "damaged.wav"
    unnoticed = []
    for place in places:
        for bit in range(8):
            damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            try:
                verified(damaged)
            except WavError:
                continue
            unnoticed.append((place, bit))
    assert unnoticed == []


async def test_every_shorter_and_every_longer_file_is_found(speech: Speech, tmp_path: Path) -> None:
    clip = await speech.telephone_clip("停水", ulaw=True)
    whole = clip.path.read_bytes()
    damaged = tmp_path / "damaged.wav"
    lengths = [*range(200), *range(200, len(whole) - 200, 97), *range(len(whole) - 200, len(whole))]
    for content in [*(whole[:length] for length in lengths), whole + b"\0", whole + whole, whole + bytes(5000)]:
        damaged.write_bytes(content)
        with pytest.raises(WavError):
            verified(damaged)


@pytest.mark.parametrize("damage", ["no bytes", "zeros", "half zeros", "one page of zeros", "header alone"])
async def test_what_a_power_cut_leaves_is_made_again(speech: Speech, damage: str) -> None:
    """File systems that write late leave the right name and size with zeros in it."""
    path = (await speech.clip(NOTICE)).path
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(
        {
            "no bytes": b"",
            "zeros": bytes(len(whole)),
            "half zeros": whole[:middle] + bytes(len(whole) - middle),
            "one page of zeros": whole[: 4096 * 20] + bytes(4096) + whole[4096 * 21 :],
            "header alone": whole[:44],
        }[damage]
    )
    assert await made_again(speech, path)


async def test_a_whole_clip_under_the_name_of_another_is_never_played(speech: Speech) -> None:
    """A file system that was repaired may hand out another file's blocks: perfect sound, wrong village notice."""
    wanted, other = (await speech.clip(NOTICE)).path, (await speech.clip(OTHER)).path
    shutil.copyfile(other, wanted)
    verified(wanted)
    assert await made_again(speech, wanted)


@pytest.mark.parametrize("of", ["slow", "telephone", "ulaw"])
async def test_the_same_words_at_another_rate_are_never_played(speech: Speech, of: str) -> None:
    wanted = (await speech.clip(NOTICE)).path
    match of:
        case "slow":
            other = await speech.clip(NOTICE, pace=Pace.SLOW)
        case "telephone":
            other = await speech.telephone_clip(NOTICE)
        case _:
            other = await speech.telephone_clip(NOTICE, ulaw=True)
    shutil.copyfile(other.path, wanted)
    assert await made_again(speech, wanted)


async def test_a_clip_of_an_older_house_is_made_again(speech: Speech) -> None:
    path = (await speech.clip(NOTICE)).path
    wav = read_wav(path)
    with path.open("rb") as file:
        file.seek(wav.samples_at)
        samples = file.read(wav.frames * 2)
    with path.open("wb") as out:
        writer = WavWriter(out, 22_050, Encoding.PCM16)
        writer.write(samples)
        writer.finish(-20.0, -3.0, "")
    assert await made_again(speech, path)


async def test_a_disk_without_room_is_the_workers_answer(box: VoiceBox) -> None:
    """/dev/full answers every write as a full disk does."""
    answer = await box.make(Order(("停水。",), "cmn", 155, "wide", "/dev/full", "停水"), 20)
    assert isinstance(answer, Refused)
    assert (answer.kind, answer.reason) == ("storage", "No space left on device")


async def test_two_voices_over_one_directory_do_not_write_into_each_others_file(tmp_path: Path) -> None:
    stores = [ClipStore(tmp_path), ClipStore(tmp_path)]
    assert stores[0].unfinished("key") != stores[1].unfinished("key")
    voices = [Speech(tmp_path / "clips") for _ in range(2)]
    clips = await asyncio.gather(*(voice.clip(NOTICE, fresh=True) for voice in voices))
    assert {clip.path for clip in clips} == {clips[0].path}
    assert not any(clip.cached for clip in clips)
    verified(clips[0].path)
    for voice in voices:
        await voice.close()


async def made(box: VoiceBox, path: Path, sound: Sound = Sound.WIDE) -> tuple[Order, Made]:
    pieces = ("十二月六日早上八点停水，请大家提前把水存好。", "老人和孩子不要到水库边上去。", "谢谢。")
    order = Order(pieces, "cmn", 155, sound, str(path), path.stem)
    answer = await box.make(order, 20)
    assert isinstance(answer, Made)
    assert fault(order, answer) is None
    return order, answer


def rewritten(path: Path, samples: bytes) -> None:
    """The file with other samples, sealed as if nothing had happened."""
    wav = read_wav(path)
    assert wav.seal is not None
    with path.open("wb") as out:
        writer = WavWriter(out, wav.rate_hz, wav.encoding)
        writer.write(samples)
        writer.finish(wav.seal.level_dbfs, wav.seal.peak_dbfs, wav.seal.name)


def samples_of(path: Path) -> bytes:
    wav = read_wav(path)
    with path.open("rb") as file:
        file.seek(wav.samples_at)
        return file.read(wav.frames * wav.encoding.sample_bytes)


@pytest.mark.parametrize("sound", list(Sound))
async def test_a_clip_that_does_not_start_with_silence_is_refused(box: VoiceBox, tmp_path: Path, sound: Sound) -> None:
    order, answer = await made(box, tmp_path / "clip.wav", sound)
    size = sound.encoding.sample_bytes
    sounds = samples_of(tmp_path / "clip.wav")
    rewritten(tmp_path / "clip.wav", sounds[sound.rate_hz * size :] + sounds[: sound.rate_hz * size])
    assert fault(order, answer) == "it does not start with silence"


async def test_a_clip_cut_in_the_middle_is_refused(box: VoiceBox, tmp_path: Path) -> None:
    order, answer = await made(box, tmp_path / "clip.wav")
    sounds = samples_of(tmp_path / "clip.wav")
    rewritten(tmp_path / "clip.wav", sounds[: len(sounds) // 4 * 2])
    assert "frames instead of" in str(fault(order, answer))
    frames = len(sounds) // 4
    lost = answer.frames - frames
    first, second, third = answer.piece_frames
    shorter = replace(answer, frames=frames, piece_frames=(first - lost + second, 0, third))
    assert "s of speech instead of" in str(fault(order, shorter))


async def test_a_short_sentence_lost_among_long_ones_is_refused(box: VoiceBox, tmp_path: Path) -> None:
    """The whole is only two seconds out of twelve too short; held against its own words the sentence is gone."""
    order, answer = await made(box, tmp_path / "clip.wav")
    first, second, third = answer.piece_frames
    empty = replace(answer, piece_frames=(first + third, second, 0))
    assert "s of a sentence instead of" in str(fault(order, empty))
    assert "2 pieces instead of 3" in str(fault(order, replace(answer, piece_frames=(first + third, second))))
    assert "not its whole" in str(fault(order, replace(answer, piece_frames=(first, second, third + 1))))


async def test_a_clip_made_for_another_name_is_refused(box: VoiceBox, tmp_path: Path) -> None:
    order, answer = await made(box, tmp_path / "clip.wav")
    assert fault(replace(order, name="another"), answer) == "it is another clip"
