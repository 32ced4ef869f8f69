"""A villager's 9 on a slow SD card: from arrival until the confirmation and the queued reply cannot be lost."""

from __future__ import annotations

from collections.abc import Iterator

from tests.bench.bench_village import copied, roster_village
from tests.bench.child import answer
from tests.bench.figure import Figure, percentile
from tests.bench.kernel import NO_STRACE, STRACE, delaying_syncs
from tests.bench.yard import Yard

DELAY_MS = 20


def measure(yard: Yard) -> Iterator[Figure]:
    name, unit = "reply_p99_ms_slow_disk", "ms"
    if STRACE is None:
        yield Figure(name=name, unit=unit, reason=NO_STRACE)
        return
    slow = _answers(yard, before=delaying_syncs(DELAY_MS))
    fast = _answers(yard, before=[])
    yield Figure(
        name=name,
        unit=unit,
        value=round(percentile(slow["durable_ms"], 0.99), 1),
        how=(
            f"64 villagers answer 9 at once, {yard.scale.rounds} times; every fsync returns {DELAY_MS} ms late; until "
            "the confirmation and the queued reply are on the disk; p99 of all"
        ),
        detail={
            "answers": len(slow["durable_ms"]),
            "median_ms": round(percentile(slow["durable_ms"], 0.5), 1),
            "p99_until_the_carrier_has_the_reply_ms": round(percentile(slow["taken_ms"], 0.99), 1),
            "p99_without_delay_ms": round(percentile(fast["durable_ms"], 0.99), 1),
        },
    )


def _answers(yard: Yard, before: list[str]) -> dict[str, list[float]]:
    folder = copied(yard, roster_village(yard), "replies")
    said: dict[str, list[float]] = answer("answer_nines", folder, yard.scale.rounds, before=before)
    return said
