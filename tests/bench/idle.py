"""Memory of the real server once a village day is over and nobody wants anything: PSS of the whole process tree."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from tests.bench.figure import Figure
from tests.bench.kernel import cpu_ticks, tree_memory
from tests.bench.served import sample_village, served, skip_time
from tests.bench.yard import Yard


def measure(yard: Yard) -> Iterator[Figure]:
    with served(sample_village(yard)) as village:
        fresh = tree_memory(village.pid)
        time.sleep(yard.scale.quiet_s)
        busy = tree_memory(village.pid)
        for to in yard.scale.skips:  # after three days every call of the sample's notices is made or given up
            skip_time(village.public_url, to)
        before = cpu_ticks(village.pid)
        time.sleep(yard.scale.idle_s)
        ticks = cpu_ticks(village.pid) - before
        idle = tree_memory(village.pid)
    yield Figure(
        name="idle_pss_mb",
        unit="MB",
        value=round(idle.pss_mb, 1),
        how=(
            f"smaps_rollup over the tree of `village serve`: the sample village works for {yard.scale.quiet_s:g} s "
            f"(messages, spoken calls), lives through {len(yard.scale.skips)} days at once, then "
            f"{yard.scale.idle_s:g} s go by"
        ),
        detail={
            "processes": idle.processes,
            "rss_mb": round(idle.rss_mb, 1),
            "private_mb": round(idle.private_mb, 1),
            "pss_after_start_mb": round(fresh.pss_mb, 1),
            "pss_at_work_mb": round(busy.pss_mb, 1),
            "processes_at_work": busy.processes,
            "cpu_percent_while_idle": round(100 * ticks / os.sysconf("SC_CLK_TCK") / max(yard.scale.idle_s, 1), 2),
        },
    )
