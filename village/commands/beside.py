"""The sample village's county, beside it in the same process tree: made, started, and the village enrolled there.

Never imports the county's program: it is run as the command it is, and dies with its village.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import logging
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

from village.app import Running
from village.ground.wording import RefusalError, Wording, say
from village.link import store

log = logging.getLogger(__name__)

_NAME = "样板县"
_START_S, _STOP_S, _COMMAND_S = 60, 10, 60
_PR_SET_PDEATHSIG = 1
"""prctl(2): a county whose village was killed without warning is stopped by the kernel."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Where the county listens, and its one-time code while nobody has an account there."""

    addresses: dict[str, str | None]

    def greeting(self) -> list[Wording]:
        said = [
            say("{county} 也开始了，村已经登记好。", county=_NAME),
            say("  县里台本机   {url}", url=self.addresses["loopback"]),
        ]
        code = self.addresses["first_code"]
        return [*said, *([] if code is None else [say("  第一次进县里的台子要用的一次性密码：{code}", code=code)])]


@contextlib.asynccontextmanager
async def beside(village: Running, folder: Path, *, any_port: bool) -> AsyncIterator[Beside]:
    """Serve the county until the block ends. Raises RefusalError where it cannot be."""
    if not village.place.config.village.sample:
        raise RefusalError(say("只有样板村能连县一起启动。真的村到“县里”那一页登记"))
    if not (folder / "county.toml").exists():
        await _command("init", str(folder), "--name", _NAME, "--listen", "127.0.0.1")
    process = await asyncio.create_subprocess_exec(
        *_county("serve", str(folder), "--json", *(["--any-port"] if any_port else [])),
        stdout=asyncio.subprocess.PIPE,
        preexec_fn=_die_with_parent,
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it was asked for a pipe
        try:
            addresses = json.loads(await asyncio.wait_for(process.stdout.readline(), _START_S))
        except (TimeoutError, ValueError) as failure:
            raise RefusalError(say("县里的程序没有起来")) from failure
        await _enrolled(village, folder, str(addresses["exchange"]).rstrip("/"))
        watching = asyncio.create_task(_tell_its_end(process))
        try:
            yield Beside(addresses)
        finally:
            watching.cancel()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _enrolled(village: Running, folder: Path, url: str) -> None:
    """At the first start with a code; later the county may only have moved to another port."""
    known = await village.db.read(store.county)
    if known is None:
        name = village.place.config.village.name
        told = json.loads(await _command("enrol", str(folder), "--village", name, "--json"))
        await village.link.enrol(url, told["code"])
    elif known.url != url:
        moved = replace(known, url=url)
        await village.db.write(lambda tx: store.keep_county(tx, moved))
    await village.link.speak_now()


async def _tell_its_end(process: asyncio.subprocess.Process) -> None:
    """The village goes on without its county; whoever started both should know why nothing is told any more."""
    log.error("the county beside ended code=%d; the village goes on", await process.wait())


def _county(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "village.county.cli", *arguments]


async def _command(*arguments: str) -> str:
    """Raises RefusalError with what it said."""
    process = await asyncio.create_subprocess_exec(
        *_county(*arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), _COMMAND_S)
    if process.returncode != 0:
        raise RefusalError(say("县里的程序说：{reason}", reason=err.decode("utf-8", "replace").strip()))
    return out.decode()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
