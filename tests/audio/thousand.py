"""A thousand utterances in four parallel batches while the machine is loaded: `python -m tests.audio.thousand [COUNT]`.

Every clip is held against how long espeak-ng took for the same words beforehand, on its own and in peace. espeak-ng
itself differs from one time to the next by some 25 ms; a lost rate setting (175 words a minute instead of 155) by half
a second for the shortest of these sentences. What it prints is what it measured; it ends with 1 where anything was
wrong.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from audio.espeak import Espeak
from audio.failures import AudioError, WavError
from audio.lexicon import Lexicon
from audio.prediction import pieces
from audio.reading import readable
from audio.sound import LEVEL_DBFS, LEVEL_TOLERANCE_DB
from audio.speech import RATE_WPM, Clip, Speech
from audio.wav import verified
from tests.audio.table import TABLE

BATCHES = 4
RATE_HZ = 22_050
_SAME_WITHIN_S = 0.05
_BURN = "while True: sum(range(10_000))"


@dataclass(slots=True)
class Measured:
    """What became of the utterances."""

    wanted: int
    missing: list[str] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    wrong_rate: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    furthest_off_s: float = 0.0
    sound_s: float = 0.0
    waits_ms: list[float] = field(default_factory=list)
    wall_s: float = 0.0
    worker_cpu_s: float = 0.0
    worker_peak_mb: list[float] = field(default_factory=list)
    server_peak_mb: float = 0.0
    again_ms: float = 0.0

    @property
    def good(self) -> bool:
        return len(self.waits_ms) == self.wanted and not (self.missing or self.empty or self.wrong_rate or self.damaged)

    def lines(self) -> Iterator[str]:
        waits_ms = sorted(self.waits_ms)
        half_ms, most_ms, worst_ms = (_at(waits_ms, share) for share in (0.5, 0.99, 1.0))
        yield f"utterances       {len(waits_ms)} of {self.wanted}, {BATCHES} at once, {self.sound_s:.0f} s of speech"
        yield f"missing          {len(self.missing)}"
        yield f"empty            {len(self.empty)}"
        yield f"at a wrong rate  {len(self.wrong_rate)}; the furthest off by {self.furthest_off_s * 1000:.0f} ms"
        yield f"damaged          {len(self.damaged)}"
        yield f"real-time factor {self.wall_s * BATCHES / self.sound_s:.4f} by the clock of a batch, loaded"
        yield f"                 {self.worker_cpu_s / self.sound_s:.4f} by the workers' processor time"
        yield f"waiting for one  {half_ms:.0f} ms median, {most_ms:.0f} ms for 99 %, {worst_ms:.0f} ms at most"
        yield f"from the cache   {self.again_ms:.1f} ms each"
        yield f"workers' memory  {', '.join(f'{peak_mb:.0f}' for peak_mb in self.worker_peak_mb)} MB at most"
        yield f"server's memory  {self.server_peak_mb:.0f} MB at most, the test itself and its own espeak in it"
        yield f"wall clock       {self.wall_s:.1f} s"


def utterances(count: int) -> list[str]:
    """Sentences of the reading table, each with a number that makes it one of its own."""
    sentences = [written for cases in TABLE.values() for written, _ in cases]
    return [f"{sentences[number % len(sentences)]}。通知第{number + 1}号。" for number in range(count)]


def frames_in_peace(texts: list[str]) -> dict[str, int]:
    """How many samples each text has, silence in front not counted: said by espeak-ng itself, one after the other."""
    espeak, lexicon = Espeak(), Lexicon.built_in()
    return {
        text: sum(len(espeak.say(piece, "cmn", RATE_WPM)) // 2 for piece in pieces(lexicon.spoken(readable(text))))
        for text in texts
    }


def _counted_apart(texts: list[str]) -> dict[str, int]:
    """In a process of its own: espeak-ng keeps one state a process, and other tests may have used it here."""
    command = [sys.executable, "-m", "tests.audio.thousand", "--frames"]
    said = subprocess.run(command, input=json.dumps(texts), capture_output=True, text=True, check=True)
    return dict(json.loads(said.stdout))


async def run(directory: Path, count: int) -> Measured:
    """Speak `count` texts in four batches under load and hold every clip against what it has to be."""
    texts = utterances(count)
    expected = await asyncio.to_thread(_counted_apart, texts)
    measured = Measured(count)
    voices = [Speech(directory / f"batch{batch}", idle_s=600) for batch in range(BATCHES)]
    with load():
        begun_s = time.monotonic()
        said = await asyncio.gather(
            *(_batch(voice, texts[batch::BATCHES], measured) for batch, voice in enumerate(voices))
        )
        measured.wall_s = time.monotonic() - begun_s
    for clips in said:
        for text, clip in clips.items():
            _judge(measured, text, clip, expected[text])
    for voice in voices:
        if voice.worker_pid is not None:
            measured.worker_peak_mb.append(_peak_mb(voice.worker_pid))
            measured.worker_cpu_s += _cpu_s(voice.worker_pid)
    measured.server_peak_mb = _peak_mb(os.getpid())
    begun_s = time.monotonic()
    again = [await voices[number % BATCHES].clip(text) for number, text in enumerate(texts)]
    measured.again_ms = (time.monotonic() - begun_s) * 1000 / count
    measured.damaged += [text for text, clip in zip(texts, again, strict=True) if not clip.cached]
    for voice in voices:
        await voice.close()
    return measured


@contextmanager
def load() -> Iterator[None]:
    """Two busy programs for each processor, as long as it lasts."""
    busy = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(2 * (os.cpu_count() or 1))]
    try:
        yield
    finally:
        for program in busy:
            program.kill()
        for program in busy:
            program.wait()


async def _batch(voice: Speech, texts: list[str], measured: Measured) -> dict[str, Clip]:
    clips = {}
    for text in texts:
        begun_s = time.monotonic()
        try:
            clips[text] = await voice.clip(text)
        except AudioError as error:
            measured.missing.append(f"{text}: {error}")
            continue
        measured.waits_ms.append((time.monotonic() - begun_s) * 1000)
    return clips


def _judge(measured: Measured, text: str, clip: Clip, expected_frames: int) -> None:
    try:
        wav, seal = verified(clip.path)
    except FileNotFoundError:
        measured.missing.append(text)
        return
    except WavError as error:
        measured.damaged.append(f"{text}: {error}")
        return
    measured.sound_s += wav.duration_s
    with clip.path.open("rb") as file:
        file.seek(wav.samples_at + 2 * RATE_HZ)
        if not any(file.read()):
            measured.empty.append(text)
    off_s = abs(wav.frames - RATE_HZ - expected_frames) / RATE_HZ
    measured.furthest_off_s = max(measured.furthest_off_s, off_s)
    if wav.rate_hz != RATE_HZ or off_s > _SAME_WITHIN_S:
        measured.wrong_rate.append(f"{text}: {wav.frames - RATE_HZ} frames instead of {expected_frames}")
    if abs(seal.level_dbfs - LEVEL_DBFS) > LEVEL_TOLERANCE_DB:
        measured.damaged.append(f"{text}: {seal.level_dbfs} dBFS")


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def _peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> int:
    """Measure and print; with `--frames` only count what the texts on standard input take in peace."""
    if sys.argv[1:] == ["--frames"]:
        print(json.dumps(frames_in_peace(json.load(sys.stdin))))
        return 0
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as directory:
        measured = asyncio.run(run(Path(directory), count))
    print("\n".join(measured.lines()))
    for wrong in (*measured.missing, *measured.empty, *measured.wrong_rate, *measured.damaged):
        print("  ", wrong)
    return 0 if measured.good else 1


if __name__ == "__main__":
    sys.exit(main())
