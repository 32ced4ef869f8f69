"""Facts about how long a line has been up."""

from __future__ import annotations

from gateway.failures import Trouble
from gateway.lanes import LaneStatus
from gateway.message import Channel
from village.polls.listening import Listening

MINUTE_MS = 60_000


def lane(since_ms: int, *, up: bool = True, channel: Channel = Channel.SMS) -> LaneStatus:
    return LaneStatus("modem", channel, up, None if up else Trouble.OTHER, since_ms, 0, 1, broke=False, stuck=False)


async def test_it_counts_by_the_stopwatch_from_when_it_was_first_seen(clock):
    ears = Listening(clock)
    start_ms = clock.now_ms()
    assert ears.up_since_ms([lane(0)]) == {"modem": start_ms}
    await clock.advance(10 * MINUTE_MS)
    assert ears.up_since_ms([lane(0)]) == {"modem": start_ms}


async def test_a_break_begins_it_anew_and_a_line_that_is_down_is_none(clock):
    ears = Listening(clock)
    ears.up_since_ms([lane(0)])
    await clock.advance(10 * MINUTE_MS)
    assert ears.up_since_ms([lane(5, up=False)]) == {"modem": None}
    assert ears.up_since_ms([lane(6)]) == {"modem": clock.now_ms()}
    await clock.advance(MINUTE_MS)
    assert ears.up_since_ms([lane(9)]) == {"modem": clock.now_ms()}  # down and up again between two looks


async def test_calls_bring_no_ballots_late(clock):
    assert Listening(clock).up_since_ms([lane(0, channel=Channel.CALL)]) == {}
