"""The village the story plays in: the running server, the clerk's browser, the villagers' phones, and an honest eye.

Acts only through pages and commands; looks only at pages and, read-only, at the files on the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from village.founding import office_of
from village.notices.reach import Reach, reach
from village.place import Place, sample_clock
from village.story.browser import Browser, Form, LostError, Page
from village.story.server import Server

T = TypeVar("T")

COUNTY_CLERK = "李经办"
CLERK, PASSWORD = "陈会计", "shuiku-lihua-banma"
_LOOK_EVERY_S = 0.05
_LOOKS_A_STEP = 12
"""After each ten minutes of village time the server gets this many looks of real time to do its work."""

_COMMAND_S = 120
_MOBILE_DIGITS = 11


class StoryError(Exception):
    """Something the story tells did not happen."""


def expect(happened: bool, what: str) -> None:
    """Raises StoryError."""
    if not happened:
        raise StoryError(what)


class World:
    """Open with `opened`; one for the whole day."""

    def __init__(self, folder: Path, session: aiohttp.ClientSession, seed: int) -> None:
        self.place = Place.open(folder)
        self.folder = folder
        self.server = Server(folder)
        self.desk = Browser(session, "")
        self.public = Browser(session, "")
        self.county = Browser(session, "")
        self.office = office_of(self.place.config)
        self.first_code = ""
        self.notice_id = 0
        self.poll_id = 0
        self._county_code: str | None = None
        self.cuts = 0
        self._cut = False
        self._dice = random.Random(seed)

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, folder: Path, seed: int) -> AsyncIterator[World]:
        jar = aiohttp.CookieJar(unsafe=True)  # the desk is at an address, not a name
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            world = cls(folder, session, seed)
            try:
                await world.start()
                yield world
            finally:
                await world.server.kill()

    async def start(self) -> None:
        addresses = await self.server.start()
        self.desk.address, self.public.address = addresses.loopback, addresses.public
        self.county.address = addresses.county
        if addresses.first_code is not None:
            self.first_code = addresses.first_code
        self._county_code = addresses.county_code

    # power cuts

    def threaten(self) -> None:
        """In the step that begins now the power will be cut: at the first form that is sent, or at `may_be_cut`."""
        self._cut = True

    async def may_be_cut(self) -> None:
        """The moment of the cut, for a step that sends no form at the desk."""
        if self._cut:
            await self._cut_power()

    async def _cut_power(self) -> None:
        self._cut = False
        self.cuts += 1
        await self.server.kill()
        await self.start()

    async def send(
        self, form: Form, filled: Mapping[str, str | Sequence[str]], upload: tuple[str, bytes] | None = None
    ) -> Page:
        """Send a form at the desk. Under threat the server dies meanwhile, and the clerk sends it again."""
        if self._cut:
            sending = asyncio.create_task(self.desk.send(form, filled, upload))
            await asyncio.wait({sending}, timeout=self._dice.uniform(0.0, 0.04))
            await self._cut_power()
            await asyncio.gather(sending, return_exceptions=True)
        return await self.desk.send(form, filled, upload)

    # time

    def now_ms(self) -> int:
        return sample_clock(self.folder).now_ms()

    async def skip(self, to: str) -> None:
        """`seconds` (ten), `minutes` (ten), `hour` or `morning`."""
        page = await self.public.open("/phones")
        moved = await self.public.send(page.form("/phones/time"), {"to": to})
        expect(moved.status == 200, f"time did not move: {moved.status} {moved.said[:200]}")

    async def until(
        self, happened: Callable[[], Awaitable[T | None]], what: str, *, minutes: float = 0, by: str = "minutes"
    ) -> T:
        """What `happened` returns once it does, within so many minutes of village time. Raises StoryError.

        Time moves `by` ten minutes or, for what is over sooner than that, by ten `seconds`.
        """
        passed = 0.0
        while True:
            for _ in range(_LOOKS_A_STEP if minutes else _LOOKS_A_STEP * 20):
                found = await happened()
                if found:
                    return found
                await asyncio.sleep(_LOOK_EVERY_S)
            if passed >= minutes:
                raise StoryError(what)
            await self.skip(by)
            passed += 10 if by == "minutes" else 1 / 6

    # phones

    async def _phone(self, number: str) -> Page:
        return await self.public.open(f"/phones?on={number}")

    async def press(self, number: str, what: str, text: str = "") -> Page:
        """Press a button of this phone: `send`, `answer`, `end`, `power_off`, or a key."""
        page = await self._phone(number)
        return await self.public.send(page.form(f"/phones/{number}"), {"do": what, "text": text})

    async def screen(self, number: str) -> Page:
        return await self.public.open(f"/phones/{number}/screen")

    async def answered(self, number: str, typed: str, expected: str) -> str:
        """Type a text on this phone and wait for a message that carries `expected`; returns that message."""
        before = len(self.received(number))
        await self.press(number, "send", typed)
        await self.may_be_cut()

        async def new() -> str | None:
            return next((text for text in self.received(number)[before:] if expected in text), None)

        return await self.until(new, f"{typed!r} got no answer with {expected!r}", minutes=30)

    def received(self, number: str) -> list[str]:
        """Every text that lies on this phone, oldest first; the carrier's own memory."""
        rows = self._carrier(
            "SELECT text FROM note WHERE number = :number AND NOT mine AND state = 'delivered' ORDER BY id",
            number=_e164(number),
        )
        return [text for (text,) in rows]

    def who_received(self, like: str) -> set[str]:
        """The phones on which a text of this pattern (SQL LIKE) lies."""
        rows = self._carrier(
            "SELECT DISTINCT number FROM note WHERE NOT mine AND state = 'delivered' AND text LIKE :like", like=like
        )
        return {number for (number,) in rows}

    def sent_twice(self) -> list[tuple[str, int]]:
        """Phones that were handed the same notice text more than once, and how often."""
        return self._carrier(
            "SELECT number, count(*) FROM note"
            " WHERE NOT mine AND state IN ('waiting', 'delivered') AND text LIKE '%通知__:%'"
            " GROUP BY number, text HAVING count(*) > 1"
        )

    def _carrier(self, sql: str, **values: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'carrier.db'}?mode=ro", uri=True)) as carrier:
            return carrier.execute(sql, values).fetchall()

    # looking

    def look(self, reading: Callable[[sqlite3.Connection], T]) -> T:
        """Read the village's file as it is on the disk now."""
        uri = f"file:{self.place.database_path}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=20)) as tx:
            tx.row_factory = sqlite3.Row
            return reading(tx)

    def reach(self) -> Reach:
        return self.look(lambda tx: reach(tx, self.notice_id, self.now_ms(), self.office))

    def count(self, sql: str, **values: object) -> int:
        return int(self.look(lambda tx: tx.execute(sql, values).fetchone()[0]))

    def inbox_of(self, number: str) -> int:
        """How many texts of this number the village has kept."""
        whose = self.place.vault().fingerprint(_e164(number))
        return self.count("SELECT count(*) FROM inbox WHERE fingerprint = :whose", whose=whose)

    async def command(self, *arguments: str) -> dict[str, object]:
        """Run `village …` beside the server. Raises StoryError unless it exits with 0; returns its JSON."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "village.cli", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), _COMMAND_S)
        expect(process.returncode == 0, f"village {arguments[0]}: {err.decode(errors='replace')[:500]}")
        told: dict[str, object] = json.loads(out)
        return told

    async def page(self, path: str) -> Page:
        """A page of the desk, as the clerk, who signs in again where the session has ended. Raises LostError."""
        page = await self.desk.open(path)
        if "/login" in page.url:
            await self.sign_in()
            page = await self.desk.open(path)
        if page.status != 200 or "/login" in page.url or "/first" in page.url:
            raise LostError(f"{path}: {page.status} at {page.url}: {page.said[:300]}")
        return page

    # the county

    async def county_page(self, path: str) -> Page:
        """A page of the county's desk, as its clerk, who makes the first account with the one-time code."""
        page = await self.county.open(path)
        if "/first" in page.url:
            first = page.form("/first")
            filled = {"code": self._county_code or "", "name": COUNTY_CLERK}
            await self.county.send(first, filled | {"password": PASSWORD, "password_again": PASSWORD})
            page = await self.county.open(path)
        if "/login" in page.url:
            await self.county.send(page.form("/login"), {"name": COUNTY_CLERK, "password": PASSWORD})
            page = await self.county.open(path)
        if page.status != 200 or "/login" in page.url or "/first" in page.url:
            raise LostError(f"{path}: {page.status} at {page.url}: {page.said[:300]}")
        return page

    async def county_polls(self) -> list[dict[str, object]]:
        """Which polls the county knows, from its file."""
        with contextlib.closing(self._county_file()) as file:
            rows = file.execute("SELECT number, counted_ms IS NOT NULL FROM poll ORDER BY village_no, poll").fetchall()
        return [{"number": number, "counted": bool(counted)} for number, counted in rows]

    def _county_file(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.server.county_folder / 'county.db'}?mode=ro", uri=True, timeout=20)

    def county_bytes(self) -> bytes:
        """Everything the county has written down, as it lies on the disk."""
        return b"".join(path.read_bytes() for path in sorted(self.server.county_folder.glob("county.db*")))

    async def evidence(self) -> Path:
        """The first village's evidence, downloaded from the county's desk."""
        await self.county_page("/villages/1")
        path = self.folder / "village-1.evidence"
        path.write_bytes(await self.county.fetch("/villages/1/evidence"))
        return path

    async def run_county(self, *arguments: str) -> tuple[int, str]:
        """Run `county …`; its exit code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "village.county.cli", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await asyncio.wait_for(process.communicate(), _COMMAND_S)
        assert process.returncode is not None  # noqa: S101 - it has ended
        return process.returncode, out.decode()

    async def county_command(self, *arguments: str) -> str:
        """What `county …` printed. Raises StoryError unless it exits with 0."""
        code, out = await self.run_county(*arguments)
        expect(code == 0, f"county {arguments[0]}: {code} {out[:500]}")
        return out

    async def switch_line(self, to: str) -> None:
        """`cut` or `restore` the line between village and county."""
        page = await self.public.open("/phones")
        await self.public.send(page.form("/phones/line"), {"line": to})

    async def take_phone(self, number: str) -> None:
        """A phone nobody has registered."""
        page = await self.public.open("/phones")
        await self.public.send(page.form("/phones/new"), {"number": number})

    async def sign_in(self) -> None:
        login = (await self.desk.open("/login")).form("/login")
        await self.desk.send(login, {"name": CLERK, "password": PASSWORD})


def _e164(number: str) -> str:
    """A mobile as the carrier knows it; a service number is its digits."""
    return f"+86{number}" if len(number) == _MOBILE_DIGITS else number
