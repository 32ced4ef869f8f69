"""The worker process as the server sees it: started on need, replaced when dead or late, gone when idle.

It never judges what the worker made.
"""

import asyncio
import logging
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from audio.frames import LENGTH, LONGEST_BYTES, Made, Order, Refused, answer, packed

log = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parent.parent
_GOODBYE_S = 2.0


class WorkerLostError(Exception):
    """The worker died, was late or spoke nonsense; the order may be given again."""


class VoiceBox:
    """One worker at most, one order at a time."""

    def __init__(self, idle_s: float) -> None:
        self._idle_s = idle_s
        self._process: Process | None = None
        self._leaving: list[Process] = []
        self._turn = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int | None:
        """The worker's process id while there is one."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def make(self, wanted: Order, timeout_s: float) -> Made | Refused:
        """Hand one order to the worker. Raises WorkerLostError; the worker is then gone."""
        async with self._turn:
            self._stay()
            try:
                async with asyncio.timeout(timeout_s):
                    return await self._exchange(await self._running(), packed(wanted))
            except BaseException as error:
                # Also when cancelled: an answer still under way would be taken for that of the next order.
                # One that hung up is dead already; to signal it would race with asyncio's own waiting for it.
                self._discard(kill=not isinstance(error, (EOFError, ConnectionError)))
                if isinstance(error, TimeoutError):
                    raise WorkerLostError(f"no answer within {timeout_s:.1f} s") from error
                if isinstance(error, (OSError, EOFError, ValueError, KeyError, TypeError)):
                    raise WorkerLostError(f"{type(error).__name__}: {error}") from error
                raise
            finally:
                self._leave_later()

    async def close(self) -> None:
        """Send the worker away and wait until it is gone."""
        async with self._turn:
            self._stay()
            self._leave()
            await self._reap()

    async def _running(self) -> Process:
        await self._reap()
        if self._process is not None and self._process.returncode is not None:
            log.warning("worker_found_dead code=%s", self._process.returncode)
            self._process = None
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "audio.worker", stdin=PIPE, stdout=PIPE, cwd=_ROOT
            )
        return self._process

    @staticmethod
    async def _exchange(process: Process, frame: bytes) -> Made | Refused:
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise ValueError("the worker has no pipes")
        stdin.write(frame)
        await stdin.drain()
        (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
        if length > LONGEST_BYTES:
            raise ValueError(f"an answer of {length} bytes")
        return answer(await stdout.readexactly(length))

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _leave_later(self) -> None:
        if self._process is not None:
            self._idle = asyncio.get_running_loop().call_later(self._idle_s, self._leave)

    def _leave(self) -> None:
        """Close the worker's stdin: it ends at the end of its orders."""
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._leaving.append(self._process)
            self._process = None

    def _discard(self, *, kill: bool) -> None:
        if self._process is not None:
            if kill and self._process.returncode is None:
                self._process.send_signal(signal.SIGKILL)
            self._leave()

    async def _reap(self) -> None:
        while self._leaving:
            process = self._leaving[-1]
            try:
                async with asyncio.timeout(_GOODBYE_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
            self._leaving.pop()
