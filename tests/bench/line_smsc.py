"""A transport that speaks the line protocol of Kannel's fake SMSC: `from to text body`, one line a message.

As in Kannel the gateway listens and the fake SMSC connects; a message counts as taken once its line is written. The
protocol answers nothing; where delivery reports are wanted they are made up here, so much later that none falls into
the commit that records its message as accepted. What the fake SMSC writes comes in as plain `text` messages.
"""

from __future__ import annotations

import asyncio
import time
from urllib.parse import quote_from_bytes

from gateway.condition import Condition
from gateway.failures import CannotAskError, TransportDownError, Trouble
from gateway.message import State
from gateway.transport import Accepted, Fate, Inbound, Parcel, Report, Sink

_SENDER = "19900000000"
_REPORT_AFTER_S = 0.1


class LineSmsc:
    name = "line-smsc"
    pace_ms = 0
    timeout_ms = 60_000

    def __init__(self, *, window: int = 64, reports: bool = False) -> None:
        self.window = window
        self.reports = reports
        self._delivered: asyncio.Queue[str] = asyncio.Queue()
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._sink: asyncio.Future[Sink] = asyncio.get_running_loop().create_future()
        self._lines: list[bytes] = []
        self._flushed: asyncio.Future[None] | None = None

    async def listen(self) -> int:
        """Open a free port on loopback; returns it."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def connected(self) -> None:
        await self._connected.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._connected.set()
        under_way: set[asyncio.Task[None]] = set()
        async for written in reader:
            sender, _, _, text = written.decode("ascii").rstrip("\n").split(" ", 3)
            inbound = Inbound(sender=sender, text=text, centre_ms=time.time_ns() // 1_000_000)
            task = asyncio.create_task((await self._sink).received(inbound))
            under_way.add(task)
            task.add_done_callback(under_way.discard)

    def condition(self) -> Condition:
        return Condition()

    async def run(self, sink: Sink) -> None:
        self._sink.set_result(sink)
        while True:
            refs = [await self._delivered.get()]
            await asyncio.sleep(_REPORT_AFTER_S)
            while not self._delivered.empty():
                refs.append(self._delivered.get_nowait())
            await asyncio.gather(*(sink.report(Report(ref, State.DELIVERED)) for ref in refs))

    async def send(self, parcel: Parcel) -> Accepted:
        if self._writer is None:
            raise TransportDownError(Trouble.UNPLUGGED)
        if self._flushed is None or self._flushed.done():
            self._flushed = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(self._flush, self._writer, self._flushed)
        self._lines.append(line(_SENDER, parcel.to, parcel.text))
        await self._flushed
        if self.reports:
            self._delivered.put_nowait(parcel.reference)
        return Accepted(parcel.reference)

    def _flush(self, writer: asyncio.StreamWriter, flushed: asyncio.Future[None]) -> None:
        """What the lane has started together goes out in one write."""
        writer.write(b"".join(self._lines))
        self._lines.clear()
        flushed.set_result(None)

    async def ask(self, reference: str, began_ms: int) -> Fate:
        raise CannotAskError(self.name)


def line(sender: str, to: str, text: str) -> bytes:
    """One message. Text beyond printable ASCII goes as `data`, the bytes of UCS-2 percent-encoded, as Kannel does."""
    if text.isascii() and text.isprintable():
        return f"{sender} {to} text {text}\n".encode("ascii")
    return f"{sender} {to} data {quote_from_bytes(text.encode('utf-16-be'))}\n".encode("ascii")
