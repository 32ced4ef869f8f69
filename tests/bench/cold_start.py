"""How long a villager waits after power has come back: from exec of the server to its first public page, read whole."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from tests.bench.figure import Figure, spread
from tests.bench.served import sample_village, served
from tests.bench.yard import Yard


def measure(yard: Yard) -> Iterator[Figure]:
    folder = sample_village(yard)
    starts = []
    for _ in range(yard.scale.starts):
        with served(folder) as village:
            starts.append(village.ready_s)
    yield Figure(
        name="cold_start_s",
        unit="s",
        value=round(statistics.median(starts), 3),
        how="exec of `village serve` on the sample village → 200 on its public page; files in the page cache; median",
        detail={"seconds": spread(starts)},
    )
