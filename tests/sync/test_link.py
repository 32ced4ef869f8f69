"""Facts about the village's side of the line: real sockets, a clock that is moved, and a county that comes and goes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from aiohttp import web

from sync import journal
from sync.carriers.https import BusyError, HttpsCarrier, RefusedError, UnreachableError
from sync.envelope import LARGEST_BYTES
from sync.exchange import answer, open_bundle
from sync.failures import BundleError, ForkError, SignatureError
from sync.kinds import CountyNotice, HealthNoted, Writer
from sync.ledger import Peer
from sync.link import FIRST_RETRY_MS, IDLE_MS, LONGEST_RETRY_MS, County, FaultError, Link, called_back_ms, retry_ms
from sync.record import Head
from sync.store import SqliteLedger, waiting
from tests.sync.samples import COUNTY, START_MS, VILLAGE, bodies
from village.ground.database import Database
from village.ground.migrate import migrate
from village.link.trouble import in_words
from village.schema import PACKAGES


class FarSide:
    """A county on a real socket: the same exchange on a file of its own, and what a test wants it to do wrong."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.requests = 0
        self.instead: web.Response | None = None
        self.told: list[object] = []
        self.heard = asyncio.Event()
        self.url = ""

    def ledger(self, tx) -> SqliteLedger:
        return SqliteLedger(tx, COUNTY.public.log, VILLAGE.public.log, writer=Writer.COUNTY)

    async def post(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        sealed = await request.read()
        self.heard.set()
        if self.instead is not None:
            return web.Response(status=self.instead.status, body=self.instead.body, headers=dict(self.instead.headers))
        bundle = open_bundle(sealed, COUNTY, {VILLAGE.public.key_id: VILLAGE.public}.get, Writer.VILLAGE).bundle
        said, taken = await self.db.write(
            lambda tx: answer(self.ledger(tx), bundle, COUNTY, VILLAGE.sealing, now_ms=START_MS)
        )
        self.told += [record.body for record in taken.records]
        return web.Response(body=said)

    async def writes(self, text: str, clock) -> None:
        body = CountyNotice(1, text, "县应急局", START_MS, None, ())
        await self.db.write(lambda tx: journal.append(self.ledger(tx), clock, b"c" * 8, body))


@pytest.fixture
async def far(tmp_path) -> AsyncIterator[FarSide]:
    db = await Database.open(tmp_path / "county.db", lambda tx: migrate(tx, PACKAGES, START_MS) and None)
    side = FarSide(db)
    await db.write(lambda tx: side.ledger(tx).set_peer(Peer(Head.before(VILLAGE.public.log), 0, None, 0, "")))
    app = web.Application()
    app.router.add_post("/exchange", side.post)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    side.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield side
    await runner.cleanup()
    await db.close()


@pytest.fixture
async def link(db, clock, far) -> Link:
    county = County(COUNTY.public, COUNTY.sealing, HttpsCarrier(far.url))
    made = Link(
        db=db, clock=clock, key=VILLAGE, find=lambda _: county, apply=lambda _, record: taken.append(record.body),
        dice=random.Random(1),
    )  # fmt: skip
    taken: list[object] = []
    made.taken = taken  # type: ignore[attr-defined]
    await db.write(
        lambda tx: made.ledger(tx, COUNTY.public).set_peer(Peer(Head.before(COUNTY.public.log), 0, None, 0, ""))
    )
    return made


async def note(db, clock, number: int = 1) -> None:
    body = HealthNoted("0.1.0", number, 1, 0, 100, START_MS)
    await db.write(lambda tx: journal.Journal(VILLAGE.public, clock).append(tx, body))


async def test_what_was_written_goes_up_and_what_the_county_wrote_comes_down(db, clock, far, link):
    await note(db, clock)
    await far.writes("防火", clock)
    await link.speak()
    assert [type(body).__name__ for body in far.told] == ["HealthNoted"]
    assert [body.text for body in link.taken] == ["防火"]
    assert await db.read(lambda tx: waiting(tx, COUNTY.public.log)) == 0
    state = await link.state()
    assert (state.spoke_ms, state.waiting, state.trouble) == (clock.now_ms(), 0, "")
    before = far.requests
    await link.speak()
    assert far.requests == before + 1


async def test_a_cut_line_is_an_unreachable_county_and_loses_nothing(db, clock, far, link):
    link.cut = True
    await note(db, clock)
    with pytest.raises(UnreachableError):
        await link.speak()
    assert (await link.state()).trouble == "unreachable"
    assert far.requests == 0
    link.cut = False
    await link.speak()
    assert len(far.told) == 1
    assert (await link.state()).trouble == ""


@pytest.mark.parametrize(
    "case",
    [
        (web.Response(status=503, headers={"Retry-After": "77"}), BusyError, "busy"),
        (web.Response(status=404, body=b"gone"), RefusedError, "refused"),
        (web.Response(status=302, headers={"Location": "http://192.0.2.1/"}), RefusedError, "refused"),
        (web.Response(body=b"<html>Wi-Fi login</html>"), BundleError, "not-a-bundle"),
        (web.Response(body=bytes(LARGEST_BYTES + 5)), RefusedError, "refused"),
    ],
)
async def test_whatever_else_answers_is_named_and_nothing_is_lost(db, clock, far, link, case):
    instead, raised, trouble = case
    await note(db, clock)
    far.instead = instead
    with pytest.raises(raised):
        await link.speak()
    assert (await link.state()).trouble == trouble
    assert await db.read(lambda tx: waiting(tx, COUNTY.public.log)) == 1
    far.instead = None
    await link.speak()
    assert await db.read(lambda tx: waiting(tx, COUNTY.public.log)) == 0


async def test_nobody_at_that_address_is_unreachable(db, clock, link):
    county = County(COUNTY.public, COUNTY.sealing, HttpsCarrier("http://127.0.0.1:9"))
    link._find = lambda _: county
    with pytest.raises(UnreachableError):
        await link.speak()


async def test_a_village_without_a_county_keeps_its_log_and_asks_nobody(db, clock, far, link):
    link._find = lambda _: None
    await note(db, clock)
    assert await link.speak() is False
    assert far.requests == 0
    assert (await link.state()).waiting == 1


@contextlib.asynccontextmanager
async def running(link: Link) -> AsyncIterator[None]:
    task = asyncio.create_task(link.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def heard(far: FarSide, clock, within_ms: int) -> None:
    """Move the clock in small steps until the county is asked. Fails where that takes longer than `within_ms`."""
    far.heard.clear()
    passed = 0
    while not far.heard.is_set():
        assert passed <= within_ms, "never asked"
        await clock.advance(1000)
        passed += 1000
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(far.heard.wait()), 0.02)


async def test_it_asks_on_a_timer_of_its_own_and_soon_after_something_was_written(db, clock, far, link):
    async with running(link):
        await asyncio.wait_for(far.heard.wait(), 5)
        await heard(far, clock, IDLE_MS + 5000)
        await note(db, clock, 2)
        await heard(far, clock, 10_000)


async def test_it_comes_back_by_itself_after_a_long_outage(db, clock, far, link):
    far.instead = web.Response(status=500)
    async with running(link):
        await asyncio.wait_for(far.heard.wait(), 5)
        for _ in range(3):
            await heard(far, clock, LONGEST_RETRY_MS * 2)
        far.instead = None
        await note(db, clock, 3)
        await heard(far, clock, LONGEST_RETRY_MS * 2)
        while await db.read(lambda tx: waiting(tx, COUNTY.public.log)):
            await clock.advance(1000)
        assert len(far.told) == 1


async def test_a_fault_of_our_own_is_told_and_tried_again(db, clock, far, link):
    def broken(_):
        raise KeyError("a fault of our own")

    find, link._find = link._find, broken
    async with running(link):
        while link._trouble != "fault":
            await clock.advance(1000)
        link._find = find
        await note(db, clock)
        while link._trouble:
            await clock.advance(1000)
        assert len(far.told) == 1
        link._find = broken  # and while it rests
        await note(db, clock, 2)
        while link._trouble != "fault":
            await clock.advance(1000)


def test_retries_grow_are_bounded_and_differ_between_villages():
    grown = [retry_ms(failures, random.Random(5)) for failures in range(1, 12)]
    assert grown == sorted(grown)
    assert FIRST_RETRY_MS * 2 / 3 <= grown[0] <= FIRST_RETRY_MS
    for failures in (5, 30):
        waits = [retry_ms(failures, random.Random(seed)) for seed in range(50)]
        assert max(waits) <= LONGEST_RETRY_MS
        assert len(set(waits)) > 40


@pytest.mark.parametrize("told_s", [0, 1, 60, 86_400])
def test_a_busy_county_says_when_to_come_and_nobody_hammers_or_sleeps_a_day(told_s):
    for failures in (1, 4, 20):
        waits = [called_back_ms(told_s * 1000, failures, random.Random(seed)) for seed in range(60)]
        assert min(waits) >= FIRST_RETRY_MS * 2 // 3
        assert min(waits) >= min(told_s * 1000, LONGEST_RETRY_MS // 2)
        assert max(waits) <= LONGEST_RETRY_MS
        assert len(set(waits)) > 40


async def test_a_county_that_says_come_back_at_once_is_not_asked_at_once(db, clock, far, link):
    far.instead = web.Response(status=503, headers={"Retry-After": "0"})
    async with running(link):
        await asyncio.wait_for(far.heard.wait(), 5)
        while link._trouble != "busy":
            await clock.advance(1)
        before = far.requests
        for _ in range(9):
            await clock.advance(1000)
            await link.state()
        assert far.requests == before
        far.instead = None
        await heard(far, clock, FIRST_RETRY_MS)


async def test_a_county_that_says_come_tomorrow_is_asked_within_half_an_hour(db, clock, far, link):
    far.instead = web.Response(status=503, headers={"Retry-After": "86400"})
    async with running(link):
        await asyncio.wait_for(far.heard.wait(), 5)
        far.instead = None
        await heard(far, clock, LONGEST_RETRY_MS + 2000)


async def test_what_was_written_between_the_last_look_and_the_rest_is_not_slept_over(db, clock, far, link):
    speak, written = link.speak, []

    async def speaks_and_somebody_writes() -> bool:
        spoke = await speak()
        if not written:
            written.append(True)
            await note(db, clock, 9)
        return spoke

    link.speak = speaks_and_somebody_writes
    async with running(link):
        await asyncio.wait_for(far.heard.wait(), 5)
        while not written:
            await clock.advance(1)
        await heard(far, clock, 10_000)


@dataclass
class Line:
    """The real carrier over a line that is bad in one way: it breaks after so many questions, or with longer ones."""

    carrier: HttpsCarrier
    questions: int = 1_000_000
    longest: int = 1_000_000

    async def post(self, path: str, body: bytes) -> bytes:
        self.questions -= 1
        if self.questions < 0 or len(body) > self.longest:
            raise UnreachableError("broken off")
        return await self.carrier.post(path, body)


def over(link, far, **how) -> Line:
    line = Line(HttpsCarrier(far.url), **how)
    county = County(COUNTY.public, COUNTY.sealing, line)
    link._find = lambda _: county
    return line


async def test_a_line_that_breaks_with_every_long_question_is_asked_shorter_ones(db, clock, far, link):
    own = journal.Journal(VILLAGE.public, clock)
    await db.write(lambda tx: [own.append(tx, body) for body in bodies(400)] and None)
    over(link, far, longest=2500)
    tries = 0
    while await db.read(lambda tx: waiting(tx, COUNTY.public.log)):
        tries += 1
        assert tries < 40
        with contextlib.suppress(UnreachableError):
            await link.speak()
    assert len(far.told) == 400
    assert tries > 1  # the line was bad indeed


async def test_a_backlog_that_gets_shorter_is_no_row_of_failures(db, clock, far, link):
    for number in range(60):
        await note(db, clock, number)
    line = over(link, far)
    link._limit = 16
    tries = 0
    while await db.read(lambda tx: waiting(tx, COUNTY.public.log)):
        line.questions, tries = 1, tries + 1
        with contextlib.suppress(UnreachableError):
            await link.speak()
        assert link._failures <= 1
    assert tries > 1


async def test_a_county_whose_log_is_frozen_still_gets_ours(db, clock, far, link):
    def frozen(tx):
        ledger = link.ledger(tx, COUNTY.public)
        ledger.set_peer(replace(ledger.peer(), frozen="fork"))

    await db.write(frozen)
    await note(db, clock)
    await far.writes("防火", clock)
    with pytest.raises(ForkError):
        await link.speak()
    assert len(far.told) == 1
    assert await db.read(lambda tx: waiting(tx, COUNTY.public.log)) == 0
    assert (await link.state()).trouble == "fork"
    assert link.taken == []


async def test_a_record_our_rooms_cannot_take_waits_and_does_not_hold_back_ours(db, clock, far, link):
    apply = link._apply

    def broken(_, record):
        raise KeyError("a fault of our own")

    link._apply = broken
    await note(db, clock)
    await far.writes("防火", clock)
    with pytest.raises(FaultError):
        await link.speak()
    assert await db.read(lambda tx: waiting(tx, COUNTY.public.log)) == 0
    assert (await link.state()).trouble == "fault"
    link._apply = apply
    await link.speak()
    assert [body.text for body in link.taken] == ["防火"]
    assert len(far.told) == 1
    assert (await link.state()).trouble == ""


@pytest.mark.parametrize("name", ["ack", "fork", "revoked", "unknown-signer", "chain"])
async def test_what_the_county_refuses_is_told_by_its_name_and_in_words(db, clock, far, link, name):
    far.instead = web.Response(status=422, body=name.encode())
    await note(db, clock)
    with pytest.raises(RefusedError):
        await link.speak()
    trouble = (await link.state()).trouble
    assert trouble == f"they-say-{name}"
    assert "打电话给县里" in str(in_words(trouble))
    assert "无线网" not in str(in_words(trouble))


async def test_a_county_that_cannot_be_looked_up_is_a_trouble_like_others(db, clock, far, link):
    def broken(_):
        raise SignatureError("the county's key cannot be read")

    link._find = broken
    for failures in (1, 2):
        with pytest.raises(SignatureError):
            await link.speak()
        assert (link._failures, link._trouble) == (failures, "signature")
