"""Facts about what the county is told: what happened, once, in order, and nothing about a person."""

from __future__ import annotations

import random
import sqlite3

import pytest

from sync.kinds import (
    Body,
    HealthNoted,
    NoticePublished,
    NoticeReached,
    NoticeStopped,
    PollClosed,
    PollCounted,
    PollOpened,
    PollWithdrawn,
    VillageBegan,
    checked,
    encode_body,
)
from tests.polls.conftest import DAY_MS, Booth
from village.link import store
from village.link.reporting import Health, Reporter, Village
from village.notices.correct_notice import correct_notice
from village.notices.notice import Channels
from village.notices.office import Means, Office
from village.notices.stop_notice import stop_notice
from village.people.audience import Audience
from village.polls import store as polls
from village.polls.close_poll import close_due
from village.polls.count_poll import LISTENED_MS, count_due
from village.polls.poll import PollKind
from village.polls.withdraw_poll import withdraw

HEALTH = Health("0.1.0", 3, 2, 1, 9000)
OFFICE = Office(village="青山村", signature="青山村", phone="88001234", sms_number="+8619900000110")


@pytest.fixture
def booth(vault, clock) -> Booth:
    from gateway.outbox import Outbox

    return Booth(Means(Outbox(vault, clock), vault, OFFICE), clock)


class Told:
    """The village's own log, in memory."""

    def __init__(self) -> None:
        self.bodies: list[Body] = []
        self.reporter = Reporter(self._append, Village("青山村", 8), OFFICE)

    def _append(self, _tx: sqlite3.Connection, body: Body) -> None:
        self.bodies.append(checked(body))

    def of(self, kind: type[Body]) -> list[Body]:
        return [body for body in self.bodies if isinstance(body, kind)]


@pytest.fixture
def told() -> Told:
    return Told()


async def looks(db, clock, told, health=HEALTH) -> list[Body]:
    """One look; what it added."""
    before = len(told.bodies)
    await db.write(lambda tx: told.reporter.report(tx, clock.now_ms(), health))
    return told.bodies[before:]


async def test_what_happened_is_told_once(db, clock, booth, told):
    await db.write(lambda tx: booth.houses(tx, 6) and booth.send(tx))
    kinds = [type(body) for body in await looks(db, clock, told)]
    assert kinds == [VillageBegan, NoticePublished, HealthNoted, NoticeReached]
    assert await looks(db, clock, told) == []


async def test_figures_are_told_no_more_often_than_they_may_be(db, clock, booth, told):
    notice = await db.write(lambda tx: booth.houses(tx, 6) and booth.send(tx))
    await looks(db, clock, told)

    async def one_more():
        def unit(tx):
            queued = [row["id"] for row in booth.messages(tx, notice) if row["state"] == "queued"]
            booth.deliver(tx, queued[0])

        await db.write(unit)

    await one_more()
    assert await looks(db, clock, told) == []  # half an hour has not gone by
    await clock.advance(30 * 60_000)
    (reached,) = await looks(db, clock, told)
    assert (reached.delivered, reached.version) == (1, 1)
    await clock.advance(30 * 60_000)
    assert await looks(db, clock, told) == []  # nothing has changed
    await clock.advance(DAY_MS)
    await one_more()
    assert [type(body) for body in await looks(db, clock, told, Health("0.1.0", 0, 2, 0, 9000))] == [
        HealthNoted,
        NoticeReached,
    ]
    await clock.advance(8 * DAY_MS)
    await one_more()
    assert not [body for body in await looks(db, clock, told) if isinstance(body, NoticeReached)]  # a week is over


async def test_a_correction_is_the_next_version_and_a_stop_is_told_after_it(db, clock, booth, told):
    notice = await db.write(lambda tx: booth.houses(tx, 2) and booth.send(tx))
    await looks(db, clock, told)

    def unit(tx):
        made = correct_notice(
            tx, booth.means, notice.id, text="停水改到周日", short_text="", due_ms=None, seen_version=notice.version,
            by="王", now_ms=clock.now_ms(),
        ).notice  # fmt: skip
        stop_notice(tx, booth.means, made.id, seen_version=made.version, by="王", now_ms=clock.now_ms())

    await db.write(unit)
    published, stopped = (await looks(db, clock, told))[:2]
    assert (published.version, published.text) == (2, "停水改到周日")
    assert isinstance(stopped, NoticeStopped)


async def test_what_stands_on_no_public_page_goes_up_without_its_words(db, clock, booth, told):
    def unit(tx):
        house = booth.house(tx, "王德福")
        named = Audience.households([house.id])
        booth.send(tx, "王德福家的低保材料缺一页", named, channels=Channels(page=False))

    await db.write(unit)
    await looks(db, clock, told)
    (published,) = told.of(NoticePublished)
    assert (published.text, published.audience) == ("", "点名的1户")
    assert "王德福" not in repr([encode_body(body) for body in told.bodies])


async def test_small_groups_are_not_shown_apart(db, clock, booth, told):
    def unit(tx):
        booth.houses(tx, 6, group=1)
        booth.houses(tx, 4, group=2)
        booth.send(tx)

    await db.write(unit)
    await looks(db, clock, told)
    (reached,) = told.of(NoticeReached)
    assert reached.groups == ((1, 6, 0), (2, 4, None))


async def held(db, booth, told, choices, kind=PollKind.OPINION):
    """A poll from its opening to its count; a look after every step."""

    def opens(tx):
        booth.houses(tx, 8)
        return booth.ask(tx, kind, **({"basis_id": booth.basis(tx)} if kind is PollKind.HOUSEHOLD else {}))

    poll = await db.write(opens)
    await looks(db, booth.clock, told)

    def votes(tx):
        for voter, choice in zip(polls.voters(tx, poll.id), choices, strict=False):
            booth.votes(tx, poll, voter.id, choice)

    await db.write(votes)
    quiet = await looks(db, booth.clock, told)
    await db.write(lambda tx: close_due(tx, poll.closes_ms + 1, trusted=True))
    await looks(db, booth.clock, told)
    after_ms = poll.closes_ms + LISTENED_MS
    await db.write(lambda tx: count_due(tx, booth.means, after_ms, trusted=True, up_since_ms={}))
    await looks(db, booth.clock, told)
    return poll, quiet


async def test_a_poll_is_told_from_its_opening_to_its_count_and_never_a_ballot(db, clock, booth, told):
    poll, quiet = await held(db, booth, told, [1, 1, 1, 1, 1, 2, 3])
    assert quiet == []  # while it is open not even the turnout leaves the village
    (opened,), (closed,), (counted,) = told.of(PollOpened), told.of(PollClosed), told.of(PollCounted)
    assert (opened.roll, opened.eligible, opened.basis) == (poll.roll_hash, 8, "")
    assert closed.ballots == 7
    assert (counted.attended, counted.counts) == (7, (5, None, None))  # one and one could be known
    assert await looks(db, clock, told) == []


@pytest.mark.parametrize(
    "case",
    [
        (PollKind.OPINION, [1, 2, 3, 1], (None, None, None)),  # four ballots say too much
        (PollKind.OPINION, [1] * 8, (8, 0, 0)),
        (PollKind.HOUSEHOLD, [1, 1, 2, 2, 2, 2, 2, 3], (2, 5, None)),  # without the yes votes nobody could check it
        (PollKind.HOUSEHOLD, [1, 1, 2], (None, None, None)),
    ],
)
async def test_counts_of_a_handful_stay_in_the_village(db, booth, told, case):
    kind, choices, counts = case
    await held(db, booth, told, choices, kind)
    (counted,) = told.of(PollCounted)
    assert (counted.counts, counted.attended) == (counts, len(choices))


async def test_a_withdrawn_poll_is_told_so(db, clock, booth, told):
    poll = await db.write(lambda tx: booth.houses(tx, 2) and booth.ask(tx))
    await looks(db, clock, told)
    await db.write(lambda tx: withdraw(tx, booth.means, poll.id, why="问错了", by="王", now_ms=clock.now_ms()))
    assert [type(body) for body in await looks(db, clock, told)] == [PollWithdrawn]


async def test_a_look_that_was_undone_is_looked_again(db, clock, booth, told):
    """A power cut before the commit: neither the record nor the note that it was told is there."""
    await db.write(lambda tx: booth.houses(tx, 2) and booth.send(tx))

    class CutError(Exception): ...

    def cut(tx):
        told.reporter.report(tx, clock.now_ms(), HEALTH)
        raise CutError

    with pytest.raises(CutError):
        await db.write(cut)
    told.bodies.clear()
    assert len(await looks(db, clock, told)) == 4


async def test_whatever_happens_in_whatever_order_the_log_says_it_once(db, clock, booth, told):
    """Random days: at the end the newest record of every kind is what the tables say, and no two are alike."""
    dice = random.Random(7)
    await db.write(lambda tx: booth.houses(tx, 9))
    running = []
    for _ in range(60):
        what = dice.randrange(4)
        if what == 0:
            await db.write(booth.send)
        elif what == 1 and len(running) < 5:
            running.append(await db.write(booth.ask))
        elif what == 2 and running:
            poll = dice.choice(running)
            voter = dice.choice(await db.read(lambda tx, poll=poll: polls.voters(tx, poll.id)))
            choice = dice.randrange(1, 4)
            await db.write(lambda tx, poll=poll, voter=voter, choice=choice: booth.votes(tx, poll, voter.id, choice))
        else:
            await clock.advance(dice.randrange(3_600_000))
        if dice.random() < 0.5:
            await looks(db, clock, told)
    await looks(db, clock, told)
    for kind in (NoticePublished, PollOpened):
        said = [encode_body(body) for body in told.of(kind)]
        assert len(said) == len({repr(each) for each in said})
    assert {body.poll for body in told.of(PollOpened)} == {poll.id for poll in running}


def test_the_log_may_hold_no_field_a_name_could_stand_in():
    """Every text a village may write is one it publishes anyway; the list of them is short and looked at."""
    from sync.kinds import KINDS, Writer

    texts = {
        f"{kind.__name__}.{name}"
        for kind in KINDS.values()
        if kind.WRITER is Writer.VILLAGE
        for name, declared in kind.__annotations__.items()
        if "str" in declared and "ClassVar" not in declared
    }
    assert texts == {
        "VillageBegan.name", "NoticePublished.issuer", "NoticePublished.text", "NoticePublished.audience",
        "NoticePublished.unit", "PollOpened.kind", "PollOpened.question", "PollOpened.options", "PollOpened.pack",
        "PollOpened.basis", "PollCounted.pack", "HealthNoted.version",
    }  # fmt: skip


# the county's notices coming down


async def test_a_county_notice_for_others_does_not_wait_here(db, clock):
    from sync.kinds import CountyNotice, CountyNoticeWithdrawn
    from sync.record import Head, Stamp, make_record
    from village.link.downlink import take_down
    from village.link.store import County

    known = County("http://c:8090", "县", b"p" * 32, b"s" * 32, b"l" * 16, b"c", "", 3, 2**41, 1)

    def record(body):
        return make_record(Head.before(b"l" * 16), Stamp(b"b" * 8, 1, 1, True), checked(body))

    def unit(tx):
        store.keep_county(tx, known)
        for number, villages in ((1, ()), (2, (1, 2)), (3, (2, 3))):
            take_down(tx, record(CountyNotice(number, f"第{number}条", "县林业局", 5, None, villages)), clock)
        take_down(tx, record(CountyNotice(1, "换了字", "县林业局", 5, None, ())), clock)
        take_down(tx, record(CountyNoticeWithdrawn(3, 9)), clock)
        take_down(tx, record(CountyNoticeWithdrawn(77, 9)), clock)

    await db.write(unit)
    rows = {row.id: row for row in await db.read(store.county_notices)}
    assert set(rows) == {1, 3}
    assert (rows[1].text, rows[1].waits, rows[3].waits) == ("第1条", True, False)
