"""The whole gateway on a real database: whatever Twilio says, however often and in whatever order, the end is one."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from gateway.message import Priority
from gateway.transports.twilio_sms import TwilioSms
from tests.gateway.conftest import WANG, Rig, draft
from tests.gateway.twilio.conftest import Traffic, TwilioRig, public
from tests.gateway.twilio.stand_in import PUBLIC

pytestmark = pytest.mark.asyncio

INBOUND = f"{PUBLIC}/callbacks/twilio/inbound"
HOUR_MS = 3_600_000


class Village:
    """A gateway whose only line is Twilio; started and cut off as often as one likes."""

    def __init__(self, rig: Rig, twilio: TwilioRig, traffic: Traffic) -> None:
        self.rig = rig
        self.twilio = twilio.stand_in
        self._lines = twilio
        self._traffic = traffic
        rig.settled = self._settled  # type: ignore[method-assign]
        self.line: TwilioSms

    async def _settled(self) -> None:
        """Neither the database nor Twilio is at work."""
        quiet = 0
        while quiet < 3:
            await self.rig.db.idle()
            quiet = 0 if self._traffic.under_way else quiet + 1
            await self._traffic.over()

    async def start(self, **more: Any) -> int:
        self.line = self._lines.another(**more)
        found = await self.rig.start(sms=[self.line], calls=[])
        await self.rig.until(lambda: self.line.condition().balance_said)
        return found

    async def say(self, *words: tuple[str, str, int | None]) -> None:
        """Twilio calls with each of these (SID, status, code) at once; returns when all are answered."""
        calling = asyncio.gather(*(self.twilio.say_status(sid, status, code) for sid, status, code in words))
        await self.rig.until(calling.done)
        assert calling.result() == [204] * len(words)

    async def sids(self) -> dict[int, str]:
        def unit(tx: sqlite3.Connection) -> dict[int, str]:
            return dict(tx.execute("SELECT message_id, carrier_ref FROM taken").fetchall())

        return await self.rig.db.read(unit)

    async def row(self, message: int) -> tuple[str, str | None]:
        row = await self.rig.row(message)
        return str(row["state"]), row["error"]

    async def received(self) -> int:
        return await self.rig.db.read(lambda tx: int(tx.execute("SELECT count(*) FROM inbox").fetchone()[0]))


@pytest.fixture
async def village(rig: Rig, carrier_rig: TwilioRig, traffic: Traffic) -> AsyncIterator[Village]:
    village = Village(rig, carrier_rig, traffic)
    yield village
    await rig.crash()


async def send_many(village: Village, count: int) -> list[int]:
    """Distinct messages, all taken by Twilio."""
    messages = await village.rig.send_all([draft(f"+86199000{n + 10:05d}", f"通知{n}") for n in range(count)])
    await village.rig.until(village.rig.all_are("accepted"))
    return messages


WAYS: Sequence[tuple[tuple[tuple[str, int | None], ...], str, str | None]] = [
    ((("queued", None), ("sending", None), ("sent", None), ("delivered", None)), "delivered", None),
    ((("accepted", None), ("queued", None), ("delivered", None), ("read", None)), "delivered", None),
    ((("queued", None), ("sending", None), ("sent", None), ("undelivered", 30005)), "failed", "dead_number/30005"),
    ((("queued", None), ("sending", None), ("sent", None), ("failed", 30007)), "failed", "refused/30007"),
    ((("queued", None), ("sent", None), ("canceled", None)), "failed", "other/canceled"),
    # a phone that is off: it waits for its next try, whichever word comes last
    ((("queued", None), ("sending", None), ("sent", None), ("undelivered", 30003)), "queued", "no_signal/30003"),
    # Twilio gave it up and the phone had it all the same
    ((("sent", None), ("undelivered", 30005), ("delivered", None)), "delivered", None),
    ((("sent", None), ("undelivered", 30003), ("delivered", None)), "delivered", None),
]


@pytest.mark.parametrize(("words", "state", "error"), WAYS)
async def test_statuses_in_every_order_end_in_the_same_state(
    village: Village, words: tuple[tuple[str, int | None], ...], state: str, error: str | None
) -> None:
    """Every permutation is one message; then every word is said once more, in the same order."""
    await village.start(public_url=PUBLIC, per_minute=6000)
    async with public(village.twilio, village.line):
        orders = list(itertools.permutations(words))
        messages = await send_many(village, len(orders))
        sids = await village.sids()
        for nth in (*range(len(words)), *range(len(words))):
            await village.say(*((sids[one], *order[nth]) for one, order in zip(messages, orders, strict=True)))
        ends = {await village.row(message) for message in messages}
    assert {(found, error and why) for found, why in ends} == {(state, error)}


async def test_statuses_that_overtake_the_answer_find_their_message(village: Village) -> None:
    """Twilio calls before it has answered: which message it means is not known yet."""
    await village.start(public_url=PUBLIC)
    async with public(village.twilio, village.line):
        said: list[int] = []

        async def say(sid: str) -> None:
            said.extend([await village.twilio.say_status(sid, status) for status in ("delivered", "sent", "queued")])

        village.twilio.before_answering = say
        village.rig.settled = village.rig.db.idle  # type: ignore[method-assign]  # time passes while Twilio thinks
        message = await village.rig.send()
        await village.rig.until(village.rig.reaches(message, "delivered"))
    assert said == [204, 204, 204]
    assert [str(one.after) for one in village.rig.recorder.moves] == ["accepted", "delivered"]


@pytest.mark.parametrize(
    ("ways", "more"),
    [(("poll",), {}), (("call",), {"public_url": PUBLIC}), (("poll", "call"), {"public_url": PUBLIC})],
)
async def test_polling_alone_calls_alone_and_both_end_in_the_same_states(
    village: Village, ways: tuple[str, ...], more: dict[str, Any]
) -> None:
    await village.start(per_minute=6000, **more)
    async with public(village.twilio, village.line):
        messages = await send_many(village, 12)
        sids = await village.sids()
        ends = [("delivered", None), ("undelivered", 30005)]
        for step in ([("sending", None)] * 2, [("sent", None)] * 2, ends):
            words = [(sids[message], *step[n % 2]) for n, message in enumerate(messages)]
            if "poll" in ways:
                for sid, status, code in words:
                    village.twilio.move(sid, status, code)
            if "call" in ways:
                await village.say(*words)
            await village.rig.let_pass(30_000)
        await village.rig.until(village.rig.all_are("delivered", "failed"), step_ms=1_000)
    assert await village.rig.states() == {"delivered": 6, "failed": 6}
    assert len(village.twilio.messages) == 12
    moves = [(one.message_id, one.after) for one in village.rig.recorder.moves]
    assert len(moves) == len(set(moves)) == 24  # accepted and the end of each, told once


async def test_a_power_cut_between_sending_and_report_loses_no_report(village: Village) -> None:
    await village.start(per_minute=6000)
    messages = await send_many(village, 10)
    sids = await village.sids()
    await village.rig.crash()
    for message in messages[:5]:
        village.twilio.move(sids[message], "delivered")
    village.twilio.villager_sends(WANG, "9")
    await village.rig.clock.advance(HOUR_MS)
    assert await village.start() == 0
    await village.rig.until(lambda: village.rig.recorder.received_sms)
    await village.rig.let_pass(30_000)
    assert await village.rig.states() == {"delivered": 5, "accepted": 5}
    for message in messages[5:]:
        village.twilio.move(sids[message], "delivered")
    await village.rig.until(village.rig.all_are("delivered"), step_ms=2_000)
    assert len(village.twilio.messages) == 11


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_is_lost_repeated_or_late_the_end_is_twilios(village: Village, seed: int) -> None:
    """Calls that come in any order, twice or never, polling between them, and the program cut off in the middle."""
    dice = random.Random(seed)
    await village.start(public_url=PUBLIC, per_minute=6000)
    messages = await send_many(village, 16)
    sids, ends = await village.sids(), {}
    words = []
    for message in messages:
        ends[message] = dice.choice([("delivered", None), ("undelivered", 30005), ("failed", 30007)])
        steps = [("queued", None), ("sending", None), ("sent", None), ends[message]] * dice.randint(1, 2)
        words += [(sids[message], *step) for step in steps if dice.random() < 0.6]
    dice.shuffle(words)
    cut = dice.randrange(len(words))
    for part in (words[:cut], words[cut:]):
        async with public(village.twilio, village.line):
            for n, word in enumerate(part):
                await village.say(word)
                if n % 8 == 7:  # Twilio's own record goes its way, whatever its calls say
                    for message in dice.sample(messages, 3):
                        village.twilio.move(sids[message], *ends[message])
                    await village.rig.let_pass(20_000)
        await village.rig.crash()
        await village.start(public_url=PUBLIC, per_minute=6000)
    for message in messages:
        village.twilio.move(sids[message], *ends[message])
    await village.rig.until(village.rig.all_are("delivered", "failed"), within_ms=2 * HOUR_MS, step_ms=5_000)
    for message in messages:
        assert (await village.row(message))[0] == ("delivered" if ends[message][0] == "delivered" else "failed")
    assert len(village.twilio.messages) == 16


async def test_a_replayed_text_and_its_listing_are_one_text(village: Village) -> None:
    await village.start(public_url=PUBLIC)
    async with public(village.twilio, village.line):
        one = village.twilio.villager_sends(WANG, "9")
        for _ in range(3):
            assert (await village.twilio.say_inbound(one, INBOUND))[0] == 200
        await village.rig.let_pass(HOUR_MS // 4, step_ms=5_000)
        assert any("DateSent" in asked for asked in village.twilio.asked)
        assert (await village.twilio.say_inbound(one, INBOUND))[0] == 200
        assert await village.received() == 1
        await village.rig.crash()
        await village.start(public_url=PUBLIC)
        await village.rig.let_pass(60_000)
    assert await village.received() == 1
    assert [(one.sender, one.text) for one in village.rig.recorder.received_sms] == [(WANG, "9")]


async def test_a_replayed_failure_does_not_use_up_the_next_try(village: Village) -> None:
    await village.start(public_url=PUBLIC)
    async with public(village.twilio, village.line):
        message = await village.rig.send()
        await village.rig.until(village.rig.reaches(message, "accepted"))
        (sid,) = (await village.sids()).values()
        for _ in range(3):
            await village.say((sid, "undelivered", 30003))
        assert (await village.rig.row(message))["tries"] == 1
        await village.rig.until(village.rig.reaches(message, "accepted"), within_ms=2 * HOUR_MS, step_ms=5_000)
        await village.say((sid, "undelivered", 30003))  # of the first try, once more
        assert await village.row(message) == ("accepted", None)
    assert len(village.twilio.sent_to(WANG)) == 2


@pytest.mark.parametrize("fault", ["take_and_break", "take_and_hang", "take_and_babble"])
async def test_a_message_whose_answer_was_lost_is_found_and_never_sent_again(village: Village, fault: str) -> None:
    await village.start(timeout_s=1)
    setattr(village.twilio, fault, 1)
    message = await village.rig.send()
    await village.rig.until(lambda: ("unknown",) in [(one.after,) for one in village.rig.recorder.moves])
    await village.rig.until(village.rig.reaches(message, "accepted"), step_ms=1_000)
    village.twilio.release()
    (one,) = village.twilio.sent_to(WANG)
    village.twilio.move(one.sid, "delivered")
    await village.rig.until(village.rig.reaches(message, "delivered"), step_ms=1_000)
    await village.rig.let_pass(HOUR_MS, step_ms=10_000)
    assert len(village.twilio.sent_to(WANG)) == 1


async def test_a_message_that_may_have_gone_nowhere_stays_unknown_and_is_not_sent_again(village: Village) -> None:
    await village.start(timeout_s=1)
    village.twilio.hang = 1
    message = await village.rig.send()
    await village.rig.until(village.rig.reaches(message, "unknown"))
    village.twilio.release()
    await village.rig.let_pass(3 * HOUR_MS, step_ms=20_000)
    assert (await village.row(message))[0] == "unknown"
    assert village.twilio.sent_to(WANG) == []


async def test_an_emergency_of_which_nobody_knows_goes_out_again(village: Village) -> None:
    await village.start(timeout_s=1)
    village.twilio.hang = 1
    message = await village.rig.send(priority=Priority.EMERGENCY, kind="alert")
    await village.rig.until(village.rig.reaches(message, "accepted"), step_ms=1_000)
    village.twilio.release()
    assert len(village.twilio.sent_to(WANG)) == 1


async def test_a_crash_while_twilio_thinks_is_unknown_and_not_sent_again(village: Village) -> None:
    await village.start()
    village.twilio.take_and_hang = 1
    message = await village.rig.send()
    village.rig.settled = village.rig.db.idle  # type: ignore[method-assign]  # Twilio thinks for good
    await village.rig.until(lambda: village.twilio.sent_to(WANG))
    await village.rig.crash()
    village.twilio.release()
    village.rig.settled = village._settled  # type: ignore[method-assign]
    assert await village.start() == 1
    await village.rig.let_pass(HOUR_MS, step_ms=10_000)
    assert (await village.row(message))[0] == "unknown"
    assert len(village.twilio.sent_to(WANG)) == 1


async def test_an_outage_pauses_the_line_and_the_messages_wait(village: Village) -> None:
    await village.start(per_minute=6000)
    village.twilio.take_down()
    messages = await village.rig.send_all([draft(f"+86199000{n + 10:05d}", f"通知{n}") for n in range(20)])
    await village.rig.let_pass(HOUR_MS, step_ms=10_000)
    assert await village.rig.states() == {"queued": 20}
    (lane,) = village.rig.gateway.lanes()
    assert (lane.up, lane.trouble) == (False, "no_signal")
    village.twilio.bring_back()
    await village.rig.until(village.rig.all_are("accepted"), step_ms=1_000)
    assert [(await village.rig.row(message))["tries"] for message in messages] == [1] * 20
    assert len(village.twilio.messages) == 20


async def test_a_number_abroad_does_not_hold_up_the_others(village: Village) -> None:
    await village.start()
    abroad = await village.rig.send("+15005550003")
    at_home = await village.rig.send(WANG)
    await village.rig.until(village.rig.reaches(at_home, "accepted"), step_ms=1_000)
    assert (await village.row(abroad))[0] == "queued"
