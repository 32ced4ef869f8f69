"""The same messages to the same fake SMSC, through us and through Kannel with its spool.

In turn (A-B-B-A) in one run; the figure is the median of the paired ratios. Our clock starts before the notice is
ordered and stops when every state is on the disk; Kannel's starts at the first request and stops at the last delivery.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.bench.bench_village import notice_sms
from tests.bench.child import ChildError, module, started
from tests.bench.figure import Figure, spread
from tests.bench.kannel import BEARERBOX, CONNECTIONS, NO_KANNEL, running, send
from tests.bench.sending import send_notices
from tests.bench.yard import Yard, alternating

WARM_UP = "+8619900000099"
"""One message goes through Kannel's whole path before its clock starts; ours starts cold."""


def measure(yard: Yard) -> Iterator[Figure]:
    name, unit = "notice_vs_kannel_spool", "times"
    if BEARERBOX is None:
        yield Figure(name=name, unit=unit, reason=NO_KANNEL)
        return
    receivers = send_notices(yard, yard.scale.notices).receivers
    alternated = alternating("ours", "kannel", yard.scale.pairs)
    pairs = [{side: _rate(yard, side, receivers) for side in order} for order in alternated]
    ratios = [pair["ours"] / pair["kannel"] for pair in pairs]
    yield Figure(
        name=name,
        unit=unit,
        value=round(statistics.median(ratios), 2),
        how=(
            f"{len(receivers)} messages each, same words, same numbers, same fake SMSC; ours: {yard.scale.notices} "
            "notices ordered, window 64, until every state is on the disk, with fsync; Kannel: HTTP over "
            f"{CONNECTIONS} connections, spool, until the last delivery; Kannel never fsyncs"
        ),
        detail={
            "ratio": spread(ratios, 2),
            "ours_per_s": spread([pair["ours"] for pair in pairs], 0),
            "kannel_per_s": spread([pair["kannel"] for pair in pairs], 0),
        },
    )


def _rate(yard: Yard, side: str, receivers: Sequence[str]) -> float:
    """Messages a second, from one fresh start."""
    return send_notices(yard, yard.scale.notices).rate if side == "ours" else _kannel_rate(yard, receivers)


def _kannel_rate(yard: Yard, receivers: Sequence[str]) -> float:
    text = notice_sms()
    with (
        running(yard.fresh("kannel")) as kannel,
        started(module("fake_smsc", kannel.smsc_port, len(receivers) + 1)) as smsc,
    ):
        smsc.line()
        send(kannel, [WARM_UP], text)
        smsc.line()
        begin_s = time.monotonic()
        send(kannel, receivers, text)
        taken = smsc.line()
    if Counter(taken["receivers"]) != Counter([WARM_UP, *receivers]):
        raise ChildError("what the fake SMSC took from Kannel is not what was sent")
    elapsed_s: float = taken["last_s"] - begin_s
    return len(receivers) / elapsed_s
