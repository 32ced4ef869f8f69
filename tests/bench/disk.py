"""What a message costs the SD card: bytes to the block device and forced writes, from the kernel's own counters.

The window runs from the order until every state is on the disk and the WAL is folded into the file, so that no cost is
left for later. The two are counted in runs of their own: strace slows what it counts.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from tests.bench.figure import Figure, spread
from tests.bench.kernel import NO_STRACE, STRACE, counting_syncs, syncs_between
from tests.bench.sending import Sent, send_notices
from tests.bench.yard import Yard


def measure(yard: Yard) -> Iterator[Figure]:
    yield _bytes(yard)
    yield _syncs(yard)


def _bytes(yard: Yard) -> Figure:
    runs = [send_notices(yard, yard.scale.notices) for _ in range(yard.scale.runs)]
    alone = send_notices(yard, 1)
    reported = send_notices(yard, yard.scale.notices, ends="delivered")
    one = runs[0]
    return Figure(
        name="disk_bytes_per_message",
        unit="bytes",
        value=round(statistics.median(_each(run) for run in runs)),
        how=(
            f"write_bytes of /proc/PID/io, {one.messages} messages in {yard.scale.notices} notices, window "
            f"{one.window}, everything of the notice included, until the WAL is folded into the file"
        ),
        detail={
            "window": one.window,
            "messages": one.messages,
            "bytes": spread([_each(run) for run in runs], 0),
            "before_folding": spread([run.disk_bytes / run.messages for run in runs], 0),
            "one_notice_alone": round(_each(alone)),
            "with_delivery_reports": round(_each(reported)),
        },
    )


def _each(run: Sent) -> float:
    return (run.disk_bytes + run.folding_bytes) / run.messages


def _syncs(yard: Yard) -> Figure:
    name, unit = "fsyncs_per_message", "fsyncs"
    if STRACE is None:
        return Figure(name=name, unit=unit, reason=NO_STRACE)
    log = yard.fresh("syncs.strace")

    def counted(ends: str) -> tuple[Sent, int, int]:
        sent = send_notices(yard, yard.scale.notices, ends=ends, before=counting_syncs(log))
        until_folded = syncs_between(log, sent.begin_epoch_s, sent.closed_epoch_s)
        return sent, until_folded, syncs_between(log, sent.begin_epoch_s, sent.end_epoch_s)

    runs = [counted("accepted") for _ in range(yard.scale.runs)]
    reported, reported_syncs, _ = counted("delivered")
    one, _, _ = runs[0]
    return Figure(
        name=name,
        unit=unit,
        value=round(statistics.median(syncs / sent.messages for sent, syncs, _ in runs), 4),
        how=(
            f"fsync and fdatasync under strace, {one.messages} messages in {yard.scale.notices} notices, window "
            f"{one.window}, until the WAL is folded into the file"
        ),
        detail={
            "window": one.window,
            "messages": one.messages,
            "fsyncs": spread([syncs for _, syncs, _ in runs], 0),
            "before_folding": spread([syncs for _, _, syncs in runs], 0),
            "commits": spread([sent.commits for sent, _, _ in runs], 0),
            "with_delivery_reports": round(reported_syncs / reported.messages, 4),
        },
    )
