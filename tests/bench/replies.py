"""A villager's 9 and a voter's ballot on a slow SD card: from arrival until effect and queued reply cannot be lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.bench.bench_village import copied, roster_village
from tests.bench.child import ChildError, answer
from tests.bench.figure import Figure, percentile
from tests.bench.kernel import NO_STRACE, STRACE, delaying_syncs
from tests.bench.yard import Yard

DELAY_MS = 20


@dataclass(frozen=True, slots=True)
class _Race:
    name: str
    child: str
    who: str
    what: str


_RACES = (
    _Race("reply_p99_ms_slow_disk", "answer_nines", "64 villagers answer 9", "the confirmation and the queued reply"),
    _Race("ballot_p99_ms_slow_disk", "cast_ballots", "64 voters send a ballot", "the ballot and the queued receipt"),
)


def measure(yard: Yard) -> Iterator[Figure]:
    for race in _RACES:
        yield _figure(yard, race)


def _figure(yard: Yard, race: _Race) -> Figure:
    unit = "ms"
    if STRACE is None:
        return Figure(name=race.name, unit=unit, reason=NO_STRACE)
    slow = _answers(yard, race.child, before=delaying_syncs(DELAY_MS))
    fast = _answers(yard, race.child, before=[])
    return Figure(
        name=race.name,
        unit=unit,
        value=round(percentile(slow["durable_ms"], 0.99), 1),
        how=(
            f"{race.who} at once, {yard.scale.rounds} times; every fsync returns {DELAY_MS} ms late; until {race.what} "
            "are on the disk; p99 of all"
        ),
        detail={
            "answers": len(slow["durable_ms"]),
            "median_ms": round(percentile(slow["durable_ms"], 0.5), 1),
            "p99_until_the_carrier_has_the_reply_ms": round(percentile(slow["taken_ms"], 0.99), 1),
            "p99_without_delay_ms": round(percentile(fast["durable_ms"], 0.99), 1),
        },
    )


def _answers(yard: Yard, child: str, before: list[str]) -> dict[str, Any]:
    folder = copied(yard, roster_village(yard), "replies")
    said: dict[str, Any] = answer(child, folder, yard.scale.rounds, before=before)
    if said["understood"] != len(said["durable_ms"]):
        raise ChildError(f"{said['understood']} of {len(said['durable_ms'])} were understood")
    return said
