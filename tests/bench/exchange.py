"""Records to the county, until the village knows that the county has them on its disk; and an exchange of nothing.

In turn (A-B-B-A) beside morango in one run, the same records, over the same metered wire. Ours are hash-chained,
signed, sealed and applied to the county's tables; the clock starts at the first request, with everything in the log.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench import morango
from tests.bench.child import ChildError, module, started
from tests.bench.figure import Figure, spread
from tests.bench.metered import Metered, metered
from tests.bench.yard import Yard, alternating


@dataclass(frozen=True, slots=True)
class Told:
    """What telling COUNT records came to, and an exchange with nothing to say after that."""

    elapsed_s: float
    wire: Metered
    idle: Metered


def measure(yard: Yard) -> Iterator[Figure]:
    count = yard.scale.records
    first = tell(yard.fresh("exchange"), count)
    yield Figure(
        name="idle_exchange_bytes",
        unit="bytes",
        value=first.idle.bytes,
        how="one exchange when both have everything, up and down, everything TCP carries (above TLS it is the same)",
        detail={"up": first.idle.up, "down": first.idle.down, "connections": first.idle.connections},
    )
    if not morango.PYTHON.exists():
        yield Figure(name="sync_vs_morango", unit="times", reason=morango.NO_MORANGO)
        yield Figure(name="bytes_vs_morango", unit="times", reason=morango.NO_MORANGO)
        return
    ours: list[Told] = []
    theirs: list[morango.Pushed] = []
    for order in alternating("ours", "morango", yard.scale.sync_pairs):
        for side in order:
            if side == "ours":
                ours.append(tell(yard.fresh("exchange"), count))
            else:
                theirs.append(morango.push(yard.fresh("morango"), count))
    ratios = [their.elapsed_s / our.elapsed_s for our, their in zip(ours, theirs, strict=True)]
    our_bytes = [each.wire.bytes / count for each in ours]
    their_bytes = [each.wire.bytes / count for each in theirs]
    yield Figure(
        name="sync_vs_morango",
        unit="times",
        value=round(statistics.median(ratios), 1),
        how=(
            f"{count} records as a village logs them; ours: hash-chained, signed, sealed, applied at the county, fsync "
            "on both sides, from log to acknowledgement; morango 0.8: serialising, pushing, deserialising, its records "
            "unsigned, Django's development server, SQLite on both sides"
        ),
        detail={
            "ratio": spread(ratios, 1),
            "ours_per_s": spread([count / each.elapsed_s for each in ours], 0),
            "morango_per_s": spread([count / each.elapsed_s for each in theirs], 0),
        },
    )
    yield Figure(
        name="bytes_vs_morango",
        unit="times",
        value=round(statistics.median(our_bytes) / statistics.median(their_bytes), 2),
        how=f"bytes up and down for the same {count} records until they are acknowledged, everything TCP carries",
        detail={
            "ours_per_record": spread(our_bytes, 1),
            "morango_per_record": spread(their_bytes, 1),
            "morango_with_nothing_to_say": theirs[0].idle.bytes,
        },
    )


def tell(folder: Path, count: int) -> Told:
    """A fresh village tells a fresh county. Raises ChildError where not everything arrived."""
    with started(module("county_end", folder / "county")) as county:
        at = county.line()
        with metered(at["port"]) as wire:
            url = f"http://127.0.0.1:{wire.port}"
            with started(module("village_end", folder / "village", count, url, at["code"])) as village:
                village.line()
                wire.read()
                village.tell("go")
                said = village.line()
                told = wire.read()
                village.tell("go")
                village.line()
                idle = wire.read()
        county.stop()
        arrived = county.line()
    if (said["waiting"], arrived["records"], arrived["aside"]) != (0, count, 0):
        raise ChildError(f"of {count} records the county has {arrived['records']}, set aside {arrived['aside']}")
    return Told(said["elapsed_s"], told, idle)
