"""A GSM modem behind AT commands on an abstract Unix socket, for the real ModemManager to drive; and the carrier in it.

Keeps to 3GPP TS 27.007 and TS 27.005 as far as ModemManager 1.20's generic driver asks. Everything else is ERROR, as it
is on cheap sticks. A second port, where wanted, takes a data call and leads nowhere.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import functools
import re
from datetime import datetime

from tests.gateway.modem import pdu

IMEI = "490154203237518"
OTHER_IMEI = "490154203237526"


class Emulator:
    def __init__(self, name: str, imei: str = IMEI, *, data_port: bool = False) -> None:
        self.name = name
        self.imei = imei
        self.data_port = data_port
        self.sent: list[pdu.Submit] = []
        self.errors: collections.deque[int] = collections.deque()
        """CMS errors the next messages get."""
        self.errors_for: dict[str, int] = {}
        self.refuse_part: int | None = None
        """The next part of that number is refused, once."""
        self.registered = True
        self.silent = False
        """Hangs: reads and never answers, until its port is opened anew."""
        self.confused = False
        """Hangs in the other way: ERROR to everything, until its port is opened anew."""
        self.stuck = False
        """Finds no network until its radio was off and on again."""
        self.sim_in = True
        self.sim_numbered = True
        """Whether the SIM's own number (ICCID) can be read."""
        self.pin: str | None = None
        """The SIM asks for it whenever the modem was without power."""
        self.pin_tries = 3
        self.tries_told = True
        self.pins: list[str] = []
        """What was tried."""
        self.loses_pin = False
        """The next one gets lost on its way to the SIM, and nobody answers."""
        self.balance: str | None = None
        """The carrier's answer to a USSD code; None: there is no such code."""
        self.codes: list[str] = []
        self.dialled = 0
        self.deaf_to_delete = False
        self.reports = True
        self.ringing: str | None = None
        self.commands: list[str] = []
        self.unanswered: list[str] = []
        self._sim: dict[int, str] = {}
        self._arrived: dict[str, list[tuple[int, str]]] = {}
        self._reference = 0
        self._names = False
        self._charset = "GSM"
        self._radio = True
        self._open = False
        self._servers: list[asyncio.Server] = []
        self._carrying: asyncio.StreamWriter | None = None
        self._writers: dict[asyncio.StreamWriter, None] = {}

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
        place = self.arrives_unsaid(number, text, at, part)
        if not self.silent:
            self._say(f'+CMTI: "SM",{place}')

    def arrives_unsaid(self, number: str, text: str, at: datetime, part: tuple[int, int, int] | None = None) -> int:
        """It lies on the SIM and nobody was told: where."""
        place = next(n for n in range(1, 100) if n not in self._sim)
        self._sim[place] = pdu.deliver(number, text, at, part)
        return place

    def loses_network(self) -> None:
        """Says unasked what is so by now, as +CREG=2 wants it."""
        self._say("+CREG: 2", "+CGREG: 2")

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

    @property
    def ports(self) -> list[str]:
        return [f"abstract:{self.name}", *([f"abstract:{self.name}-data"] if self.data_port else [])]

    async def plug_in(self) -> None:
        self._radio, self._open, self._charset = True, False, "GSM"
        for port in self.ports:
            served = functools.partial(self._serve, main=port == self.ports[0])
            self._servers.append(await asyncio.start_unix_server(served, path="\0" + port))

    async def unplug(self) -> None:
        """Texts that came in stay on the SIM."""
        for server in self._servers:
            server.close()
        self._servers = []
        for writer in list(self._writers):
            writer.close()

    def _say(self, *lines: str) -> None:
        """What it says unasked, on the first port that is not taken by data."""
        for writer in [writer for writer in self._writers if writer is not self._carrying][:1]:
            for one in lines:
                writer.write(f"\r\n{one}\r\n".encode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, main: bool) -> None:
        if main:
            self.silent = self.confused = False
        self._writers[writer] = None
        try:
            while True:
                with contextlib.suppress(UnicodeDecodeError):
                    line = (await reader.readuntil(b"\r")).decode().strip()
                    if line and not self.silent:
                        await self._answer(line, reader, writer)
                    elif line:
                        self.unanswered.append(line)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # unplugged, or the test is over
        finally:
            self._writers.pop(writer, None)
            writer.close()

    async def _answer(self, line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.commands.append(line)
        if not self.confused and line.upper().startswith("AT+CMGS="):
            writer.write(b"\r\n> ")
            written = (await reader.readuntil(b"\x1a"))[:-1].decode().strip()
            if self.silent:
                return
            reply = self._submit(written)
        else:
            reply = ["ERROR"] if self.confused else self._reply(line[2:])
        if reply == ["CONNECT"]:
            self._carrying = writer
        for one in reply:
            writer.write(f"\r\n{one}\r\n".encode())

    def _submit(self, written: str) -> list[str]:
        one = pdu.read_submit(written)
        if self._missing() is not None:
            return [f"+CMS ERROR: {300 + (self._missing() or 0)}"]
        if self.errors:
            return [f"+CMS ERROR: {self.errors.popleft()}"]
        if one.part is not None and one.part[2] == self.refuse_part:
            self.refuse_part = None
            return ["+CMS ERROR: 38"]
        if one.to in self.errors_for:
            return [f"+CMS ERROR: {self.errors_for[one.to]}"]
        if not self._has_network:
            return ["+CMS ERROR: 331"]
        self.sent.append(one)
        self._reference = (self._reference + 1) % 256
        if one.wants_report and self.reports:
            loop = asyncio.get_running_loop()
            now = datetime.now(pdu.BEIJING)
            loop.call_later(0.05, self.reports_on, self._reference, one.to, now, 0)
        return [f"+CMGS: {self._reference}", "OK"]

    @property
    def _has_network(self) -> bool:
        return self.registered and self._radio and not self.stuck and self._missing() is None

    def _missing(self) -> int | None:
        """The CME error while the SIM is not to be had: 10 not inserted, 11 PIN wanted, 12 PUK wanted."""
        if not self.sim_in:
            return 10
        if self.pin is None or self._open:
            return None
        return 11 if self.pin_tries else 12

    def _try_pin(self, tried: str) -> list[str]:
        if self.loses_pin:
            self.loses_pin = False
            self.unanswered.append("+CPIN")
            return []
        self.pins.append(tried)
        if self._missing() != 11:
            return ["+CME ERROR: 3"]
        if tried == self.pin:
            self._open, self.pin_tries = True, 3
            return ["OK"]
        self.pin_tries -= 1
        return ["+CME ERROR: 16" if self.pin_tries else "+CME ERROR: 12"]

    def _power(self, kind: str) -> list[str]:
        """+CFUN: 1 full, 0 and 4 without radio."""
        if kind not in {"0", "4"} and not self._radio:
            self.stuck = False
        self._radio = kind not in {"0", "4"}
        return ["OK"]

    def _in_charset(self, text: str) -> str:
        """A string as +CSCS wants it."""
        return text.encode("utf-16-be").hex().upper() if self._charset == "UCS2" else text

    def _ussd(self, quoted: str) -> list[str]:
        """The answer comes by itself, a moment after the code was taken."""
        code = bytes.fromhex(quoted).decode("utf-16-be") if self._charset == "UCS2" else quoted
        self.codes.append(code)
        said = "2" if self.balance is None else f'0,"{self._in_charset(self.balance)}",72'
        asyncio.get_running_loop().call_later(0.05, self._say, f"+CUSD: {said}")
        return ["OK"]

    def _reply(self, command: str) -> list[str]:
        asked = command.upper()
        missing = self._missing()
        if missing is not None and asked.startswith(_OF_THE_SIM):
            return [f"+CME ERROR: {missing}"]
        match asked:
            case "+CGSN":
                return [self.imei, "OK"]
            case "+CPIN?":
                match missing:
                    case 10:
                        return ["+CME ERROR: 10"]
                    case 11 | 12:
                        return [f"+CPIN: SIM {'PIN' if missing == 11 else 'PUK'}", "OK"]
                return ["+CPIN: READY", "OK"]
            case '+CSIM=10,"0020000100"':  # VERIFY PIN without a PIN tells the tries left, TS 102 221 11.1.9
                return [f'+CSIM: 4,"63C{self.pin_tries:X}"', "OK"] if self.tries_told else ["ERROR"]
            case '+CSIM=10,"002C000100"' | '+CSIM=10,"002C008100"':
                return ['+CSIM: 4,"63CA"', "OK"] if self.tries_told else ["ERROR"]
            case '+CSIM=10,"0020008100"':
                return ['+CSIM: 4,"63C3"', "OK"] if self.tries_told else ["ERROR"]
            case "+CFUN?":
                return [f"+CFUN: {1 if self._radio else 4}", "OK"]
            case "+CSCS?":
                return [f'+CSCS: "{self._charset}"', "OK"]
            case "+CRSM=176,12258,0,0,10" if not self.sim_in:
                return ["+CME ERROR: 10"]
            case "+CRSM=176,12258,0,0,10" if not self.sim_numbered:
                return ["ERROR"]
            case "D*99***1#":
                self.dialled += 1
                return ["CONNECT"]
        if pin := re.fullmatch(r'\+CPIN="(\d+)"', asked):
            return self._try_pin(pin[1])
        if kind := re.fullmatch(r"\+CFUN=(\d+)(?:,\d)?", asked):
            return self._power(kind[1])
        if charset := re.fullmatch(r'\+CSCS="(IRA|GSM|UCS2)"', asked):
            self._charset = charset[1]
            return ["OK"]
        if code := re.fullmatch(r'\+CUSD=1,"(.*)",\d+', asked):
            return self._ussd(code[1])
        if asked in _FIXED:
            return [*_FIXED[asked], "OK"]
        if any(asked.startswith(word) for word in _TAKEN):
            return ["OK"]
        match asked:
            case "+COPS=3,0" | "+COPS=3,2":
                self._names = asked == "+COPS=3,0"
                return ["OK"]
            case "+COPS?":
                if not self._has_network:
                    return ["+COPS: 0", "OK"]
                named = f'+COPS: 0,0,"{self._in_charset("CHINA MOBILE")}",2'
                return [named if self._names else '+COPS: 0,2,"46000",2', "OK"]
            case "+CREG?" | "+CGREG?":
                return [f"{asked[:-1]}: 0,{1 if self._has_network else 2}", "OK"]
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
    "+CPMS=?": ['+CPMS: ("SM"),("SM"),("SM")'],
    "+CPMS?": ['+CPMS: "SM",0,50,"SM",0,50,"SM",0,50'],
    "+CNMI=?": ["+CNMI: (0-2),(0-3),(0,2),(0-2),(0,1)"],
    "+CIND=?": [],
    "+CGDCONT=?": ['+CGDCONT: (1-10),"IP",,,(0,1),(0,1)'],
    "+CGDCONT?": ['+CGDCONT: 1,"IP","cmnet","",0,0'],
    "+CGACT?": ["+CGACT: 1,0"],
    "+CGATT?": ["+CGATT: 1"],
}
_TAKEN = ("E0", "V1", "X4", "&C1", "Z", "+CMEE", "+CREG=", "+CGREG=", "+CMGF=", "+CPMS=", "+CNMI=", "+CLIP=",
          "+CRC=", "+CCWA=", "+CUSD=", "+CSSN=", "+CGDCONT=", "+CGACT=", "+CGATT=")  # fmt: skip
_OF_THE_SIM = ("+CIMI", "+CNUM", "+CLCK", "+CPMS", "+CMGL", "+CMGR", "+CMGD")
"""What needs an open SIM. Its serial number (EF-ICCID) may be read by anybody, TS 102 221."""
