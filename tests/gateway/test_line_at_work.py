"""A notice to 300 households on one line at its line rate: it is hardly ever idle, and an alarm leaves next."""

from __future__ import annotations

import itertools

import pytest

from gateway.message import Priority
from gateway.transport import Accepted, Parcel
from tests.gateway.conftest import LI, Rig, draft
from tests.gateway.test_lanes import HandCarrier

PACE_MS = 7_500
HOUSEHOLDS = 300


class Line(HandCarrier):
    """Takes each text at once and remembers when, on the village's stopwatch."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(window=1, pace_ms=PACE_MS, name="modem")
        self._rig = rig
        self.taken: list[tuple[int, Parcel]] = []

    async def send(self, parcel: Parcel) -> Accepted:
        self.taken.append((self._rig.clock.monotonic_ms(), parcel))
        return Accepted(parcel.reference)


async def worked(rig: Rig, line: Line, count: int) -> None:
    """Time goes from one due moment to the next, so that no step of the clock is counted as idleness of the line."""
    while True:
        await rig.db.idle()
        if len(line.taken) >= count:
            return
        due_ms = rig.clock.next_due_ms
        await rig.clock.advance(1 if due_ms is None else max(due_ms, 1))


@pytest.mark.parametrize(("text", "parts"), [("【青山村】通知17:停水。收到请回9", 1), ("【青山村】" + "长" * 100, 2)])
async def test_the_line_is_busy_from_the_first_to_the_last(rig: Rig, text: str, parts: int) -> None:
    line = Line(rig)
    await rig.start(sms=[line], calls=[])
    await rig.send_all([draft(f"+861990000{n:04d}", text) for n in range(HOUSEHOLDS)])
    await worked(rig, line, HOUSEHOLDS)
    budget_ms = PACE_MS * parts
    took_ms = line.taken[-1][0] - line.taken[0][0] + budget_ms
    assert HOUSEHOLDS * budget_ms / took_ms >= 0.98
    starts = [at_ms for at_ms, _ in line.taken]
    assert all(later - earlier >= budget_ms for earlier, later in itertools.pairwise(starts))


async def test_an_alarm_in_the_middle_leaves_next(rig: Rig) -> None:
    line = Line(rig)
    await rig.start(sms=[line], calls=[])
    await rig.send_all([draft(f"+861990000{n:04d}") for n in range(HOUSEHOLDS)])
    await worked(rig, line, HOUSEHOLDS // 2)
    alarm = await rig.send(LI, priority=Priority.EMERGENCY)
    await worked(rig, line, HOUSEHOLDS // 2 + 1)
    assert line.taken[-1][1].message_id == alarm
