"""Kannel, the peer: its bearerbox and smsbox with a spool, as a village would run them, in a folder of its own.

Both boxes are Debian's, found on this machine and never installed by the bench. Kannel's spool writes one file a
message and removes it again; it never forces any of them to the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.bench.child import started

_PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
BEARERBOX = shutil.which("bearerbox", path=_PATH)
SMSBOX = shutil.which("smsbox", path=_PATH)
CONNECTIONS = 16
"""As in the peer's own figures of the project's list."""

_START_S = 10
NO_KANNEL = "Kannel is not installed (Debian: apt-get install kannel)"

_CONFIG = """\
group = core
admin-port = {admin}
admin-password = bench
smsbox-port = {box}
box-allow-ip = 127.0.0.1
log-file = {folder}/bearerbox.log
log-level = 3
store-type = spool
store-location = {folder}/spool

group = smsc
smsc = fake
smsc-id = fake
port = {smsc}
connect-allow-ip = 127.0.0.1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = {box}
sendsms-port = {sendsms}
log-file = {folder}/smsbox.log
log-level = 3

group = sendsms-user
username = bench
password = bench

group = sms-service
keyword = default
get-url = "http://127.0.0.1:{handler}/?from=%p&text=%a"
"""


@dataclass(frozen=True, slots=True)
class Kannel:
    """Running boxes."""

    smsc_port: int
    sendsms_port: int
    handler_port: int
    bearerbox_pid: int


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Kannel]:
    """Both boxes with an empty spool in `folder`, until the block ends."""
    if BEARERBOX is None or SMSBOX is None:
        raise FileNotFoundError(NO_KANNEL)
    (folder / "spool").mkdir(parents=True)
    admin, box, smsc, sendsms, handler = free_ports(5)
    config = folder / "kannel.conf"
    ports = {"admin": admin, "box": box, "smsc": smsc, "sendsms": sendsms, "handler": handler}
    config.write_text(_CONFIG.format(folder=folder, **ports), "utf-8")
    with started([BEARERBOX, "-v", "4", str(config)]) as bearerbox:
        until_listening(box)
        with started([SMSBOX, "-v", "4", str(config)]):
            until_listening(sendsms)
            yield Kannel(smsc, sendsms, handler, bearerbox.process.pid)


def free_ports(count: int) -> list[int]:
    """Ports of loopback nobody listens on now."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def until_listening(port: int) -> None:
    """Raises ConnectionRefusedError where nobody listens within the time a box may take to start."""
    until_s = time.monotonic() + _START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.01)
        else:
            return


def send(kannel: Kannel, receivers: Sequence[str], text: str) -> None:
    """One HTTP request a message over CONNECTIONS kept-alive connections, each answered before the next is sent."""
    asyncio.run(_send(kannel.sendsms_port, [_request(number, text) for number in receivers]))


async def _send(port: int, requests: Sequence[bytes]) -> None:
    left = iter(requests)

    async def one_after_another() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in left:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            if not head.startswith(b"HTTP/1.1 202"):
                raise RuntimeError(f"Kannel refused a message: {head[:40]!r}")
        writer.close()

    await asyncio.gather(*(one_after_another() for _ in range(CONNECTIONS)))


def _request(number: str, text: str) -> bytes:
    fields = {"username": "bench", "password": "bench", "from": "19900000000", "to": number}
    query = urlencode(fields | {"coding": "2", "charset": "UTF-8", "text": text})
    return f"GET /cgi-bin/sendsms?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode("ascii")
