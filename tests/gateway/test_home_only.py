"""A number that stays at home: no line that leaves the country ever takes its messages, and nothing waits for ever."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import replace

import pytest

from gateway.choosing import PATIENCE_MS, Freight, Line, Share, Way, only_abroad, share
from gateway.failures import OutcomeUnknownError, RejectedError, RetryLaterError, Trouble
from gateway.message import Channel, Priority
from gateway.posting import Posting
from gateway.purse import Purse
from tests.gateway.conftest import LI, WANG, Rig, call_draft, draft
from tests.gateway.test_choosing import Breakable
from tests.gateway.test_lanes import HandCarrier

ABROAD = Line(rank=1, abroad=True)
HOUR_MS = 3_600_000
MODEM = Way("modem", Channel.SMS, 0, up=True, since_ms=0, broke=False)
TWILIO = Way("twilio", Channel.SMS, 0, up=True, since_ms=0, broke=False, abroad=True)
NOTICE = Freight(Channel.SMS, "notice", Priority.NOTICE, home_only=True)


async def keep_home(rig: Rig, number: str = WANG, *, home_only: bool = True) -> None:
    await rig.db.write(lambda tx: rig.gateway.outbox.keep_home(tx, number, home_only=home_only))


def test_a_line_that_leaves_the_country_keeps_no_home_line_from_its_work() -> None:
    home = replace(MODEM, rank=1)
    mine = share(home, [home, TWILIO], 0)
    assert mine.fresh == set(Priority)
    assert not mine.spares


def test_only_a_number_that_stays_at_home_can_be_without_a_line() -> None:
    assert only_abroad(NOTICE, [TWILIO])
    assert not only_abroad(replace(NOTICE, home_only=False), [TWILIO])
    assert not only_abroad(NOTICE, [TWILIO, replace(MODEM, up=False)])
    assert not only_abroad(NOTICE, [TWILIO, replace(MODEM, broke=True)])
    assert only_abroad(NOTICE, [TWILIO, replace(MODEM, kinds=frozenset({"poll"}))])
    assert not only_abroad(NOTICE, [replace(TWILIO, kinds=frozenset({"poll"}))])
    assert not only_abroad(NOTICE, [])
    assert only_abroad(NOTICE, [TWILIO, replace(MODEM, channel=Channel.CALL)])


@pytest.mark.parametrize("priority", list(Priority))
async def test_it_is_never_taken_abroad_while_the_others_are(rig: Rig, priority: Priority) -> None:
    home, abroad = Breakable(window=4, name="home"), HandCarrier(name="abroad")
    home.trouble = Trouble.UNPLUGGED
    await rig.start(sms=[home, abroad], calls=[], lines={"abroad": ABROAD})
    await keep_home(rig)
    stays, goes = await rig.send_all([draft(WANG, priority=priority), draft(LI, priority=priority)])
    await rig.until(lambda: abroad.asked, within_ms=2 * PATIENCE_MS[priority] + 60_000, step_ms=1000)
    await rig.let_pass(HOUR_MS, step_ms=30_000)
    assert {parcel.message_id for parcel in abroad.parcels} == {goes}
    assert await rig.state(stays) == "queued"
    home.trouble = None
    await rig.until(lambda: stays in home.asked, step_ms=5000)


@pytest.mark.parametrize("rank", [0, 1, 2])
async def test_the_home_line_takes_it_wherever_it_stands_in_the_villages_order(rig: Rig, rank: int) -> None:
    home, abroad = HandCarrier(name="home"), HandCarrier(name="abroad")
    await rig.start(sms=[abroad, home], lines={"abroad": ABROAD, "home": Line(rank=rank)})
    await keep_home(rig)
    message = await rig.send(WANG)
    await rig.until(lambda: message in home.asked)
    assert abroad.parcels == []


async def test_what_its_own_carrier_turned_away_waits_for_no_line_abroad(rig: Rig) -> None:
    home, abroad = HandCarrier(name="home"), HandCarrier(name="abroad")
    await rig.start(sms=[home, abroad], lines={"abroad": ABROAD})
    await keep_home(rig)
    message = await rig.send(WANG)
    await rig.until(lambda: message in home.asked)
    home.fail(message, RetryLaterError(Trouble.CONGESTION, "42"))
    await rig.until(lambda: len(home.parcels) == 2, within_ms=HOUR_MS, step_ms=5000)
    home.fail(message, RejectedError(Trouble.REFUSED, "69"))
    await rig.until(rig.reaches(message, "failed"))
    assert abroad.parcels == []


async def test_an_alarm_in_doubt_does_not_go_abroad_the_second_time(rig: Rig) -> None:
    home, abroad = HandCarrier(name="home"), HandCarrier(name="abroad")
    await rig.start(sms=[home, abroad], lines={"abroad": ABROAD})
    await keep_home(rig)
    alarm = await rig.send(WANG, priority=Priority.EMERGENCY)
    await rig.until(lambda: alarm in home.asked)
    home.fail(alarm, OutcomeUnknownError(Trouble.TIMEOUT))
    await rig.until(lambda: len(home.parcels) == 2, within_ms=HOUR_MS, step_ms=5000)
    assert abroad.parcels == []


async def test_where_every_line_leaves_the_country_it_ends_and_says_why(rig: Rig) -> None:
    abroad = HandCarrier(name="abroad")
    await rig.start(sms=[abroad], lines={"abroad": ABROAD})
    await keep_home(rig)
    notice, alarm, other = await rig.send_all(
        [draft(WANG), draft(WANG, kind="alert", priority=Priority.EMERGENCY), draft(LI)]
    )
    await rig.until(rig.reaches(notice, "failed"), within_ms=120_000)
    await rig.until(rig.reaches(alarm, "failed"), within_ms=120_000)
    assert (await rig.row(notice))["error"] == "no_line"
    assert [move.error for move in rig.recorder.moves if move.message_id == notice] == ["no_line"]
    assert list(abroad.asked) == [other]


async def test_a_call_to_it_is_not_ended_by_what_is_true_of_texts(rig: Rig) -> None:
    abroad = HandCarrier(name="abroad")
    await rig.start(sms=[abroad], lines={"abroad": ABROAD})
    await keep_home(rig)
    (call,) = await rig.send_all([call_draft(WANG, not_before_ms=rig.clock.now_ms() + HOUR_MS)])
    await rig.let_pass(HOUR_MS // 2, step_ms=30_000)
    assert await rig.state(call) == "queued"


async def test_it_ends_when_the_last_home_line_is_closed(rig: Rig) -> None:
    home, abroad = Breakable(name="home"), HandCarrier(name="abroad")
    home.trouble = Trouble.UNPLUGGED
    await rig.start(sms=[home, abroad], calls=[], lines={"abroad": ABROAD})
    await keep_home(rig)
    message = await rig.send(WANG)
    await rig.let_pass(10 * 60_000, step_ms=10_000)
    assert await rig.state(message) == "queued"
    closing = asyncio.ensure_future(rig.gateway.close("home"))
    await rig.until(closing.done)
    await rig.until(rig.reaches(message, "failed"), step_ms=5000)


async def test_consent_given_again_opens_the_way_again(rig: Rig) -> None:
    abroad = HandCarrier(name="abroad")
    await rig.start(sms=[abroad], lines={"abroad": ABROAD})
    await keep_home(rig)
    await keep_home(rig, home_only=False)
    message = await rig.send(WANG)
    await rig.until(lambda: message in abroad.asked)


async def statements(rig: Rig, lines: dict[str, Line]) -> list[str]:
    posting = Posting(rig.vault, rig.clock, rig.recorder, None, Purse(rig.clock, lines))

    def unit(tx: sqlite3.Connection) -> list[str]:
        found: list[str] = []
        tx.set_trace_callback(found.append)
        for mine in (Share(), Share(frozenset(), frozenset(Priority)), Share(spares=True)):
            posting.next_due_ms(tx, Channel.SMS, "hand", mine)
            posting.claim(tx, Channel.SMS, "hand", 16, mine)
        tx.set_trace_callback(None)
        return [text for text in found if "FROM message m" in text]

    return await rig.db.write(unit)


async def test_a_village_without_such_a_line_asks_for_nothing_more_than_before(rig: Rig) -> None:
    plain = await statements(rig, {"hand": Line()})
    assert plain
    assert not [text for text in plain if "home_only" in text or "refusal" in text]


async def test_a_line_abroad_still_finds_its_work_through_the_queues_index(rig: Rig) -> None:
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(200)])
    await keep_home(rig)
    abroad = [text for text in await statements(rig, {"hand": ABROAD}) if "home_only" in text]
    assert abroad

    def plans(tx: sqlite3.Connection) -> list[str]:
        return [row[3] for text in abroad for row in tx.execute(f"EXPLAIN QUERY PLAN {text}")]

    used = await rig.db.read(plans)
    assert not [step for step in used if step.startswith("SCAN") or "TEMP B-TREE" in step]
