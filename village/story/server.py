"""The real server as a process of its own: started, killed without warning, started again.

Never shares memory with the story; what the story knows it reads from pages and from the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

_START_S = 60
_STOP_S = 20


class ServerLostError(Exception):
    """The server did not start, or ended by itself."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where it listens, and the one-time code while there is no account."""

    public: str
    loopback: str
    desk: str
    first_code: str | None
    county: str = ""
    """The county's desk on this computer."""
    county_code: str | None = None


class Server:
    """`village serve DIR` on free ports, with its county beside it in `DIR/county`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._log = folder / "story.log"
        self.addresses = Addresses("", "", "", None)
        self.county_folder = folder / "county"
        self.starts = 0

    async def start(self) -> Addresses:
        """Raises ServerLostError with the last lines it wrote."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "village.cli", "serve", str(self._folder), "--any-port", "--json",
                "--county", str(self.county_folder),
                stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self._process.stdout is not None  # noqa: S101 - it was asked for a pipe
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), _START_S)
            told = json.loads(line)
        except (TimeoutError, ValueError) as failure:
            await self.kill()
            raise ServerLostError(self.last_words()) from failure
        county = told["county"]
        self.addresses = Addresses(
            told["public"], told["loopback"], told["desk"], told["first_code"], county["loopback"], county["first_code"]
        )
        self.starts += 1
        return self.addresses

    def last_words(self) -> str:
        """The end of what the server wrote to its log."""
        return self._log.read_text("utf-8", "replace")[-3000:] if self._log.exists() else ""

    @property
    def process_id(self) -> int:
        if self._process is None or self._process.returncode is not None:
            raise ServerLostError("the server is not running")
        return self._process.pid

    async def kill(self) -> None:
        """kill -9: as a power cut, nobody is asked."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Asked to stop; returns its exit code. Raises ServerLostError where it would not."""
        return await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        try:
            return await asyncio.wait_for(self._process.wait(), _STOP_S)
        except TimeoutError as failure:
            self._process.kill()
            await self._process.wait()
            raise ServerLostError("the server did not stop when asked") from failure
        finally:
            self._process = None
