"""Real baresips on loopback: the village's lines, and phones that ring, answer, speak and press keys."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gateway.transport import LineEvent, Ring
from gateway.transports.sip import Sip
from gateway.transports.sip_call import SipCall
from gateway.transports.sip_control import Control, Event
from gateway.transports.sip_settings import SipSettings
from village.ground.clock import SystemClock

HZ = 8_000
NUMBERS = [f"+8619900000{n:03}" for n in range(1, 9)]

Samples = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Wave:
    path: Path
    duration_s: float


def noise(seed: int, seconds: float) -> Samples:
    """Speech-like in band and loudness, and like no other seed's."""
    white = np.random.default_rng(seed).normal(size=round(seconds * HZ))
    return np.convolve(white, np.hanning(9), "same") * 2500


def write_wave(path: Path, samples: Samples, *, hz: int = HZ) -> Wave:
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, hz, 0, "NONE", ""))
        wav.writeframes(samples.clip(-32000, 32000).astype("<i2").tobytes())
    return Wave(path, len(samples) / hz)


def clip(path: Path, seed: int, seconds: float = 2.0) -> Wave:
    """As the village's own: a second of silence first."""
    return write_wave(path, np.concatenate([np.zeros(HZ), noise(seed, seconds)]))


def samples_of(path: Path) -> Samples:
    """Whatever is in the file by now; a dump's own count is right only once it is closed."""
    return np.frombuffer(path.read_bytes()[44:][: (path.stat().st_size - 44) // 2 * 2], "<i2").astype(float)


def likeness(heard: Samples, said: Samples) -> float:
    """The greatest correlation of what was said with any stretch of its length of what was heard: 1.0 is the same."""
    said = said[np.flatnonzero(said)[0] :]
    if len(heard) < len(said):
        return 0.0
    said = said - said.mean()
    size = 1 << (len(heard) + len(said)).bit_length()
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)), size)
    product = product[: len(heard) - len(said) + 1]
    total = np.cumsum(np.concatenate([[0.0], heard]))
    square = np.cumsum(np.concatenate([[0.0], heard**2]))
    n = len(said)
    spread = np.sqrt(np.maximum(square[n:] - square[:-n] - (total[n:] - total[:-n]) ** 2 / n, 1.0))
    return float(np.max(np.abs(product) / (spread * np.sqrt((said**2).sum()))))


def free_port() -> int:
    """Free for UDP and for TCP: a SIP speaker takes both."""
    while True:
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port


def address_of(pid: int) -> str:
    """Where the process listens for calls."""
    inodes = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    for row in Path("/proc/net/udp").read_text().splitlines()[1:]:
        words = row.split()
        if words[1].startswith("0100007F:") and f"socket:[{words[9]}]" in inodes:
            return f"127.0.0.1:{int(words[1].split(':')[1], 16)}"
    raise AssertionError("it does not listen")


async def soon(reached: Callable[[], Any], within_s: float = 25.0) -> None:
    """Real programs have no clock of ours to be moved: look until it is so."""
    async with asyncio.timeout(within_s):
        while not reached():  # noqa: ASYNC110 - another program's files and processes send no event
            await asyncio.sleep(0.01)


PHONE = """\
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
audio_player aubridge,phone
audio_source aufile,{speech}
audio_alert aubridge,alert
snd_path {folder}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Phone:
    """A callee: a baresip that answers by itself or when told, records what it hears, and presses keys."""

    def __init__(self, folder: Path, *, name: str = "callee", answers: bool = True, speech: Path | None = None) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"sip:{name}@127.0.0.1:{self.port}"
        self.events: list[Event] = []
        self._answers = answers
        self._speech = speech or write_wave(self._made() / "quiet.wav", np.zeros(HZ * 60)).path

    def _made(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder

    async def start(self) -> None:
        control = free_port()
        words = PHONE.format(port=self.port, speech=self._speech, folder=self._made(), control=control)
        (self.folder / "config").write_text(words)
        for empty in ("accounts", "contacts"):
            (self.folder / empty).write_text("")
        self.process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "baresip", "-f", str(self.folder),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(30):
            while True:
                try:
                    self.control = await Control.connect(control, self.events.append)
                    break
                except OSError:
                    await asyncio.sleep(0.02)
        mode = "auto" if self._answers else "manual"
        await self.control.ask("uanew", f"<{self.address}>;regint=0;answermode={mode}")

    async def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        await self.control.close()

    async def does(self, command: str, params: str = "") -> None:
        await self.control.ask(command, params)

    async def press(self, keys: str) -> None:
        for key in keys:
            await self.does("sndcode", key)

    async def sees(self, kind: str, times: int = 1) -> None:
        await soon(lambda: [event["type"] for event in self.events].count(kind) >= times)

    def heard(self) -> Samples:
        """Everything the newest call has brought to this phone."""
        return samples_of(max(self.folder.glob("dump-*-dec.wav")))


@dataclass
class Told:
    """The gateway's side of a transport."""

    rings: list[Ring]
    said: list[str]

    async def rang(self, ring: Ring) -> bool:
        self.rings.append(ring)
        return True

    async def report(self, report: object) -> None: ...

    async def received(self, inbound: object) -> bool:
        return True

    async def network_time(self, wall_ms: int) -> None: ...

    def up(self) -> None:
        self.said.append("up")

    def down(self, trouble: str, code: str = "") -> None:
        self.said.append(f"down {trouble} {code}")


class Office:
    """The village's side: a transport, and the phones it knows by number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told = Told([], [])
        self.phones: list[Phone] = []
        self.sip: Sip | None = None
        self._peers: dict[str, str] = {}
        self._running: asyncio.Task[None] | None = None

    async def phone(self, **more: Any) -> Phone:
        phone = Phone(self.folder / f"phone{len(self.phones)}", **more)
        self._peers[NUMBERS[len(self.phones)]] = phone.address
        self.phones.append(phone)
        await phone.start()
        return phone

    def peer(self, address: str) -> str:
        """Somebody who is no `Phone`; returns the number to dial."""
        number = f"+86199000001{len(self._peers):02}"
        self._peers[number] = address
        return number

    def open(self, **more: Any) -> Sip:
        settings = SipSettings(
            name="sip", folder=self.folder / "run", account="sip:village@127.0.0.1", listen="127.0.0.1",
            peers=self._peers, calls_per_minute=6000,
        )  # fmt: skip
        self.sip = Sip(replace(settings, **more), SystemClock())
        return self.sip

    async def run(self, **more: Any) -> Sip:
        sip = self.open(**more)
        self._running = asyncio.create_task(sip.run(self.told))
        await soon(lambda: len(sip.pids) == sip.window)
        return sip

    async def leave(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        elif self.sip is not None:
            await self.sip.close()

    async def close(self) -> None:
        await self.leave()
        for phone in self.phones:
            await phone.stop()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(tmp_path)
    yield office
    await office.close()
    shutil.rmtree(tmp_path, ignore_errors=True)


async def next_event(call: SipCall, within_s: float = 25.0) -> LineEvent:
    return await asyncio.wait_for(call.event(), within_s)


async def all_of(*work: Awaitable[Any]) -> list[Any]:
    return list(await asyncio.gather(*work))
