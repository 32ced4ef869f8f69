"""Ringing once: free for the villager, and an answer all the same."""

from __future__ import annotations

import pytest

from gateway.inbox import Inbox
from gateway.transport import Ring
from tests.keywords.conftest import STRANGER, WANG, Events, Street
from village.notices.notice import Channels

pytestmark = pytest.mark.asyncio


async def ring(street: Street, caller: str) -> None:
    def unit(tx):  # type: ignore[no-untyped-def]
        events = Events(street.answering)
        inbox = Inbox(street.means.vault, street.clock, events)
        ring_id = inbox.take_ring(tx, Ring(caller, street.clock.now_ms()), "test")
        trouble = tx.execute("SELECT trouble FROM ring WHERE id = :id", {"id": ring_id}).fetchall()
        assert all(row[0] is None for row in trouble)

    await street.db.write(unit)


async def waiting(street: Street) -> list[tuple[str, str]]:
    rows = await street.ask("SELECT channel, kind FROM message_state WHERE state = 'queued' ORDER BY id")
    return [(row["channel"], row["kind"]) for row in rows]


async def test_who_rings_is_rung_back_and_read_what_he_was_sent(street: Street) -> None:
    await street.sends(channels=Channels(sms=True, call=False))
    await ring(street, WANG)
    assert await waiting(street) == [("call", "notice")]


async def test_two_reports_of_one_ringing_are_one_call(street: Street) -> None:
    await street.sends(channels=Channels(sms=True, call=False))
    await ring(street, WANG)
    await street.clock.advance(5_000)
    await ring(street, WANG)
    await street.clock.advance(60_000)
    await ring(street, WANG)  # again, and his call still waits
    assert len(await street.ask("SELECT 1 FROM ring")) == 2
    assert await waiting(street) == [("call", "notice")]


async def test_without_a_line_for_calls_he_is_written_to_three_times_a_day_at_most(street: Street) -> None:
    await street.sends()
    street.without_calls()
    for _ in range(5):
        await ring(street, WANG)
        await street.clock.advance(60_000)
    assert [kind for channel, kind in await waiting(street) if channel == "sms"] == ["ring"] * 3


@pytest.mark.parametrize("caller", [STRANGER, "95588", "+8610086", "未知"])
async def test_nobody_else_is_answered(street: Street, caller: str) -> None:
    await street.sends(channels=Channels(sms=True, call=False))
    await ring(street, caller)
    assert await waiting(street) == []
