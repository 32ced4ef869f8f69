"""One baresip of our own: its folder, its process, its end. It never outlives us and never decides what to call.

`setpriv --pdeathsig KILL` has the kernel end it when the thread that started it dies, a `kill -9` included; the event
loop lives in the main thread, so that is when the server ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from gateway.transports.sip_control import Control, ControlError, Event
from gateway.transports.sip_settings import SipSettings
from gateway.transports.sip_sound import write_silence

_START_S = 10.0
_LOOK_S = 0.05
_QUIT_S = 1.0
"""The machine's own seconds: a process comes up and ends in real time, whatever a clock of ours says."""

_CONFIG = """\
{listen}
call_max_calls 1
audio_player aubridge,{name}
audio_source aufile,{silence}
audio_alert aubridge,{name}-alert
snd_path {heard}
module_path {modules}
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{port}
"""
"""A sound card is never opened: what is said comes from files, what is heard goes into them (`sndfile`)."""


class StartError(Exception):
    """baresip is not installed, or does not come up."""


class Baresip:
    """A running process and the connection to it; made by `start`, of no use after `stop` or its death."""

    def __init__(self, process: asyncio.subprocess.Process, control: Control, folder: Path) -> None:
        self._process = process
        self.control = control
        self.folder = folder

    @classmethod
    async def start(cls, settings: SipSettings, line: int, heard: Callable[[Event], None]) -> Baresip:
        """Raises StartError. `heard` gets its events. One start at a time, for the control port's sake."""
        program, setpriv = shutil.which(settings.program), shutil.which("setpriv")
        if program is None or setpriv is None:
            raise StartError("not installed")
        folder = (settings.folder / f"line{line}").absolute()
        port = _free_port()
        await asyncio.to_thread(_furnish, settings, folder, port)
        process = await asyncio.create_subprocess_exec(
            setpriv, "--pdeathsig", "KILL", program, "-f", str(folder),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            control = await _connect(process, port, heard)
            agents = await control.ask("uanew", settings.sign_in(line))
            if "User Agents (1)" not in agents:  # somebody else's: nothing may be dialled there
                raise StartError("not ours")
        except (TimeoutError, ControlError, OSError) as failed:
            await _end(process)
            raise StartError("does not come up") from failed
        except BaseException:
            await _end(process)
            raise
        return cls(process, control, folder)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def silence(self) -> Path:
        return self.folder / "silence.wav"

    @property
    def heard(self) -> Path:
        """The folder baresip writes into what is said in a call, and what it says itself."""
        return self.folder / "heard"

    async def died(self) -> None:
        """Returns when it has ended, or when it lives but cannot be spoken to any more; then it is ended."""
        ends = {asyncio.ensure_future(self._process.wait()), asyncio.ensure_future(self.control.gone())}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        await self.kill()

    async def kill(self) -> None:
        await _end(self._process)
        await self.control.close()

    async def stop(self) -> None:
        """Politely, so that the PBX is told; then at once."""
        with contextlib.suppress(ControlError, TimeoutError):
            await self.control.ask("quit")
            await asyncio.wait_for(self._process.wait(), _QUIT_S)
        await self.kill()


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _furnish(settings: SipSettings, folder: Path, port: int) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    heard, silence = folder / "heard", folder / "silence.wav"
    shutil.rmtree(heard, ignore_errors=True)
    heard.mkdir(mode=0o700)
    for left in folder.glob("say-*.wav"):
        left.unlink()
    write_silence(silence)
    listen = f"sip_listen {settings.listen}:0\nnet_interface {settings.listen}" if settings.listen else ""
    words = _CONFIG.format(
        listen=listen, name=folder.name, silence=silence, heard=heard, modules=settings.modules, port=port
    )
    (folder / "config").write_text(words)
    for empty in ("accounts", "contacts"):
        (folder / empty).write_text("")


async def _connect(process: asyncio.subprocess.Process, port: int, heard: Callable[[Event], None]) -> Control:
    async with asyncio.timeout(_START_S):
        while True:
            if process.returncode is not None:
                raise StartError("ended at once")
            try:
                return await Control.connect(port, heard)
            except ConnectionRefusedError:
                await asyncio.sleep(_LOOK_S)
