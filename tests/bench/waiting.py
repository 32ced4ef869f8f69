"""A long queue: what ten thousand waiting messages cost in memory and in time to the first one sent, beside a hundred.

One and the other in turn (A-B-B-A), each in a process of its own; medians of the paired differences and ratios.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.bench.bench_village import copied, roster_village
from tests.bench.child import answer
from tests.bench.figure import Figure, spread
from tests.bench.yard import Yard, alternating


def measure(yard: Yard) -> Iterator[Figure]:
    few, many = yard.scale.waiting
    queues = {count: _queue(yard, count) for count in (few, many)}
    pairs = [
        {count: _started(yard, queues[count], few) for count in order}
        for order in alternating(few, many, yard.scale.pairs)
    ]
    more_mb = [pair[many]["peak_mb"] - pair[few]["peak_mb"] for pair in pairs]
    longer = [pair[many]["first_ms"] / pair[few]["first_ms"] for pair in pairs]
    how = f"{many:,} waiting against {few:,}, gateway started on them, {few} sent, window 64"
    yield Figure(
        name="waiting_10000_vs_100_mb",
        unit="MB more",
        value=round(statistics.median(more_mb), 2),
        how=f"peak memory (VmHWM); {how}",
        detail={
            "more_mb": spread(more_mb, 2),
            "few_mb": spread([pair[few]["peak_mb"] for pair in pairs], 2),
            "many_mb": spread([pair[many]["peak_mb"] for pair in pairs], 2),
        },
    )
    yield Figure(
        name="waiting_10000_vs_100_dispatch",
        unit="times",
        value=round(statistics.median(longer), 2),
        how=f"gateway's start → first message with the carrier; {how}",
        detail={
            "ratio": spread(longer, 2),
            "few_ms": spread([pair[few]["first_ms"] for pair in pairs], 2),
            "many_ms": spread([pair[many]["first_ms"] for pair in pairs], 2),
        },
    )


def _queue(yard: Yard, count: int) -> Path:
    folder = copied(yard, roster_village(yard), f"waiting-{count}")
    answer("fill_outbox", folder, count)
    return folder


def _started(yard: Yard, queue: Path, after: int) -> dict[str, float]:
    said: dict[str, float] = answer("first_dispatch", copied(yard, queue, "waiting"), after)
    return said
