"""Keyword → ballot → reply, through us and through Kannel with its spool and a handler, from the same fake SMSC.

In turn (A-B-B-A) in one run; the figure is the median of the paired ratios. The clock starts at the first text and
stops at the last reply. Ours decides, keeps ballot and reply with fsync before it answers; Kannel's handler keeps
nothing, and Kannel never fsyncs.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from tests.bench.bench_village import copied, roster_village
from tests.bench.child import Child, ChildError, module, started
from tests.bench.figure import Figure, spread
from tests.bench.kannel import BEARERBOX, NO_KANNEL, running
from tests.bench.yard import Yard, alternating

WINDOW = 64
REPLY = "【青山村】征求意见20已记:1同意。回执12345。改主意截止前再发,1日18点止"
"""As long as ours, for Kannel's handler to give."""

Texts = Sequence[tuple[str, str]]


def measure(yard: Yard) -> Iterator[Figure]:
    name, unit, count = "ballot_vs_kannel_spool", "times", yard.scale.ballots
    if BEARERBOX is None:
        yield Figure(name=name, unit=unit, reason=NO_KANNEL)
        return
    _, texts = ours(yard, count)
    pairs = []
    for order in alternating("ours", "kannel", yard.scale.pairs):
        pairs.append({side: ours(yard, count)[0] if side == "ours" else _kannel(yard, texts) for side in order})
    ratios = [pair["ours"] / pair["kannel"] for pair in pairs]
    yield Figure(
        name=name,
        unit=unit,
        value=round(statistics.median(ratios), 2),
        how=(
            f"{count} texts from the same numbers, {WINDOW} under way, same fake SMSC; ours: decided, ballot and reply "
            "on the disk with fsync before the reply leaves; Kannel: spool, an HTTP handler that keeps nothing, no "
            "fsync at all"
        ),
        detail={
            "ratio": spread(ratios, 2),
            "ours_per_s": spread([pair["ours"] for pair in pairs], 0),
            "kannel_per_s": spread([pair["kannel"] for pair in pairs], 0),
        },
    )


def ours(yard: Yard, count: int) -> tuple[float, Texts]:
    """Ballots a second, each with its durable reply, in a fresh village; and what was texted."""
    folder = copied(yard, roster_village(yard), "ballots")
    with started(module("take_ballots", folder, count)) as village:
        port = village.line()["port"]
        with started(module("texting_smsc", port, WINDOW)) as smsc:
            smsc.line()
            asked = village.line()
            rate = _texted(smsc, asked["texts"], skip=asked["asked"])
            village.stop()
            cast = village.line()["ballots"]
    if cast != count:
        raise ChildError(f"{cast} of {count} ballots stand in the ledger")
    return rate, asked["texts"]


def _kannel(yard: Yard, texts: Texts) -> float:
    with (
        running(yard.fresh("kannel")) as kannel,
        started(module("kannel_handler", kannel.handler_port, REPLY)) as handler,
    ):
        handler.line()
        with started(module("texting_smsc", kannel.smsc_port, WINDOW)) as smsc:
            smsc.line()
            return _texted(smsc, texts, skip=0)


def _texted(smsc: Child, texts: Texts, *, skip: int) -> float:
    """Replies a second. Raises ChildError where one is missing."""
    smsc.tell({"skip": skip, "texts": texts})
    said = smsc.line()
    if said["replies"] != len(texts):
        raise ChildError(f"{said['replies']} of {len(texts)} texts were answered")
    rate: float = said["replies"] / said["elapsed_s"]
    return rate
