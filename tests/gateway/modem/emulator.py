"""A GSM modem behind AT commands on an abstract Unix socket, for the real ModemManager to drive; and the carrier in it.

Keeps to 3GPP TS 27.007 and TS 27.005 as far as ModemManager 1.20's generic driver asks. Everything else is ERROR, as it
is on cheap sticks.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import re
from datetime import datetime

from tests.gateway.modem import pdu

IMEI = "490154203237518"


class Emulator:
    def __init__(self, name: str) -> None:
        self.name = name
        self.sent: list[pdu.Submit] = []
        self.errors: collections.deque[int] = collections.deque()
        """CMS errors the next messages get."""
        self.errors_for: dict[str, int] = {}
        self.registered = True
        self.silent = False
        """Hangs: reads and never answers."""
        self.deaf_to_delete = False
        self.reports = True
        self.ringing: str | None = None
        self.commands: list[str] = []
        self._sim: dict[int, str] = {}
        self._arrived: dict[str, list[tuple[int, str]]] = {}
        self._reference = 0
        self._names = False
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    # what a villager and the test see

    def texts_on(self, number: str) -> list[str]:
        return ["".join(text for _, text in sorted(parts)) for parts in self._whole(number)]

    def _whole(self, number: str) -> list[list[tuple[int, str]]]:
        singles = [[(1, one.text)] for one in self.sent if one.to == number and one.part is None]
        grouped: dict[tuple[int, int], list[tuple[int, str]]] = {}
        for one in self.sent:
            if one.to == number and one.part is not None:
                grouped.setdefault(one.part[:2], []).append((one.part[2], one.text))
        return singles + [parts for (_, of), parts in grouped.items() if len(parts) == of]

    def villager_sends(self, number: str, text: str, at: datetime, part: tuple[int, int, int] | None = None) -> None:
        place = next(n for n in range(1, 100) if n not in self._sim)
        self._sim[place] = pdu.deliver(number, text, at, part)
        self._say(f'+CMTI: "SM",{place}')

    def reports_on(self, reference: int, number: str, at: datetime, status: int) -> None:
        raw = pdu.report(reference, number, at, status)
        self._say(f"+CDS: {len(raw) // 2 - 1}\r\n{raw}")

    def ring(self, number: str) -> None:
        self.ringing = number
        self._say("RING", f'+CLIP: "{number}",145')

    @property
    def kept(self) -> int:
        return len(self._sim)

    # plugged in and out

    async def plug_in(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, path="\0abstract:" + self.name)

    async def unplug(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        self._server = None
        self._sim.clear()

    def _say(self, *lines: str) -> None:
        for writer in self._writers:
            for one in lines:
                writer.write(f"\r\n{one}\r\n".encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                with contextlib.suppress(UnicodeDecodeError):
                    line = (await reader.readuntil(b"\r")).decode().strip()
                    if line and not self.silent:
                        await self._answer(line, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # unplugged, or the test is over
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.commands.append(line)
        if line.upper().startswith("AT+CMGS="):
            writer.write(b"\r\n> ")
            written = (await reader.readuntil(b"\x1a"))[:-1].decode().strip()
            if self.silent:
                return
            reply = self._submit(written)
        else:
            reply = self._reply(line[2:])
        for one in reply:
            writer.write(f"\r\n{one}\r\n".encode())

    def _submit(self, written: str) -> list[str]:
        one = pdu.read_submit(written)
        if self.errors:
            return [f"+CMS ERROR: {self.errors.popleft()}"]
        if one.to in self.errors_for:
            return [f"+CMS ERROR: {self.errors_for[one.to]}"]
        if not self.registered:
            return ["+CMS ERROR: 331"]
        self.sent.append(one)
        self._reference = (self._reference + 1) % 256
        if one.wants_report and self.reports:
            loop = asyncio.get_running_loop()
            now = datetime.now(pdu.BEIJING)
            loop.call_later(0.05, self.reports_on, self._reference, one.to, now, 0)
        return [f"+CMGS: {self._reference}", "OK"]

    def _reply(self, command: str) -> list[str]:
        asked = command.upper()
        if asked in _FIXED:
            return [*_FIXED[asked], "OK"]
        if any(asked.startswith(word) for word in _TAKEN):
            return ["OK"]
        match asked:
            case "+COPS=3,0" | "+COPS=3,2":
                self._names = asked == "+COPS=3,0"
                return ["OK"]
            case "+COPS?":
                return ['+COPS: 0,0,"CHINA MOBILE",2' if self._names else '+COPS: 0,2,"46000",2', "OK"]
            case "+CREG?" | "+CGREG?":
                return [f"{asked[:-1]}: 0,{1 if self.registered else 2}", "OK"]
            case "+CMGL=4":
                held = [f"+CMGL: {n},0,,{len(raw) // 2 - 1}\r\n{raw}" for n, raw in self._sim.items()]
                return [*held, "OK"]
            case "H" | "+CHUP":
                self.ringing = None
                return ["OK"]
            case "+CLCC":
                held = [f'+CLCC: 1,1,4,0,0,"{self.ringing}",145'] if self.ringing else []
                return [*held, "OK"]
        if number := re.match(r"\+CMGR=(\d+)", asked):
            raw = self._sim.get(int(number[1]))
            return [f"+CMGR: 0,,{len(raw) // 2 - 1}\r\n{raw}", "OK"] if raw else ["+CMS ERROR: 321"]
        if number := re.match(r"\+CMGD=(\d+)", asked):
            if self.deaf_to_delete:
                return ["+CMS ERROR: 500"]
            self._sim.pop(int(number[1]), None)
            return ["OK"]
        return ["ERROR"]


_FIXED: dict[str, list[str]] = {
    "": [],
    "+GCAP": ["+GCAP: +CGSM"],
    "I": ["Manufacturer: emulated"],
    "+WS46=?": ["+WS46: (12,22,25)"],
    "+CGMI": ["emulated"],
    "+CGMM": ["one line"],
    "+CGMR": ["1"],
    "+CGSN": [IMEI],
    "+CPIN?": ["+CPIN: READY"],
    "+CFUN?": ["+CFUN: 1"],
    "+CIMI": ["460001234567890"],
    "+CRSM=176,12258,0,0,10": ['+CRSM: 144,0,"98681031050000000010"'],
    "+CNUM": [],
    "+CLCK=?": ['+CLCK: ("SC")'],
    '+CLCK="SC",2': ["+CLCK: 0"],
    "+CREG=?": ["+CREG: (0-2)"],
    "+CGREG=?": ["+CGREG: (0-2)"],
    "+CSQ": ["+CSQ: 20,99"],
    "+CMGF=?": ["+CMGF: (0,1)"],
    "+CSCS=?": ['+CSCS: ("IRA","GSM","UCS2")'],
    "+CSCS?": ['+CSCS: "GSM"'],
    "+CPMS=?": ['+CPMS: ("SM"),("SM"),("SM")'],
    "+CPMS?": ['+CPMS: "SM",0,50,"SM",0,50,"SM",0,50'],
    "+CNMI=?": ["+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)"],
    "+CIND=?": [],
}
_TAKEN = ("E0", "V1", "X4", "&C1", "Z", "+CMEE", "+CFUN=", "+CREG=", "+CGREG=", "+CMGF=", "+CSCS=", "+CPMS=",
          "+CNMI=", "+CLIP=", "+CRC=", "+CCWA=", "+CUSD=", "+CSSN=")  # fmt: skip
