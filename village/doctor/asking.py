"""The server's ear for `village doctor`: a Unix socket in the village's folder, one question, one line of JSON.

Never takes an order: whoever may connect (the folder's owner) is told the findings and nothing else. What a power cut
left of the socket is put away at the next start; `serving` sees to it that no other server lives in the folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from village.doctor.finding import Finding, packed, unpacked

log = logging.getLogger(__name__)

SOCKET_NAME = "doctor.sock"

ANSWER_S = 60.0
"""How long a command waits: three tries at speaking on a busy Pi, and the rest."""

_LONGEST_BYTES = 1 << 20
_AT_ONCE = 8

Examine = Callable[[], Awaitable[Sequence[Finding]]]


class NotServingError(Exception):
    """Nobody listens: the server is not running."""


class SilentError(Exception):
    """Somebody listens and gives no answer that could be read."""


@contextlib.asynccontextmanager
async def answering(folder: Path, examine: Examine) -> AsyncIterator[None]:
    """Answer whoever asks, until the block ends. A folder without room for it costs the answers, not the server."""
    examining = asyncio.Semaphore(1)
    open_ended: set[asyncio.Task[None]] = set()

    async def tell(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader
        task = asyncio.current_task()
        if task is None or len(open_ended) >= _AT_ONCE:
            writer.close()
            return
        open_ended.add(task)
        try:
            async with examining:  # a second doctor waits; the probes are not run twice at once
                findings = await examine()
            writer.write(json.dumps([packed(finding) for finding in findings], ensure_ascii=False).encode() + b"\n")
            await writer.drain()
        except ConnectionError:
            pass  # whoever asked has gone
        finally:
            open_ended.discard(task)
            writer.close()

    try:
        door = _door(folder)
    except OSError as refused:
        log.warning("no socket for the doctor reason=%s", refused.strerror)
        yield
        return
    server = await asyncio.start_unix_server(tell, sock=door)
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(OSError):
            (folder / SOCKET_NAME).unlink()
        for task in list(open_ended):
            task.cancel()
        await asyncio.gather(*open_ended, return_exceptions=True)


def _door(folder: Path) -> socket.socket:
    """Listening, readable by the folder's owner alone. Raises OSError."""
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.fchmod(door.fileno(), 0o600)  # Linux gives the file the mode its socket has, less the umask
        (folder / SOCKET_NAME).unlink(missing_ok=True)
        with _within_reach(folder) as path:
            door.bind(path)
        (folder / SOCKET_NAME).chmod(0o600)
        door.listen(_AT_ONCE)
        door.setblocking(False)
    except BaseException:
        door.close()
        raise
    return door


@contextlib.contextmanager
def _within_reach(folder: Path) -> Iterator[str]:
    """The socket's address: 108 bytes is all the kernel has for one (unix(7)), and a folder may lie deeper."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET_NAME}"
    finally:
        os.close(handle)


def ask(folder: Path, patience_s: float | None = None) -> list[Finding]:
    """What the running server finds. Blocks for `patience_s` (ANSWER_S) at most; for a command.

    Raises NotServingError, SilentError, OSError where the socket may not be opened.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(ANSWER_S if patience_s is None else patience_s)
        try:
            with _within_reach(folder) as path:
                door.connect(path)
        except (FileNotFoundError, ConnectionRefusedError) as nobody:
            raise NotServingError from nobody
        answer = bytearray()
        try:
            while len(answer) < _LONGEST_BYTES and (more := door.recv(65536)):
                answer += more
        except (TimeoutError, ConnectionError) as silent:
            raise SilentError from silent
    try:
        made = json.loads(answer)
        if isinstance(made, list) and made:
            return [unpacked(one) for one in made]
    except ValueError as unreadable:
        raise SilentError from unreadable
    raise SilentError
