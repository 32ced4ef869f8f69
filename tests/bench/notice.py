"""A notice to everybody, ordered → in the outbox → taken by the carrier → every state on the disk."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from tests.bench.figure import Figure, spread
from tests.bench.sending import send_notices
from tests.bench.yard import Yard


def measure(yard: Yard) -> Iterator[Figure]:
    runs = [send_notices(yard, 1) for _ in range(yard.scale.runs)]
    one = runs[0]
    yield Figure(
        name="notice_600_s",
        unit="s",
        value=round(statistics.median(run.elapsed_s for run in runs), 3),
        how=(
            f"one SMS notice to everybody in the sample roster: {one.people} people, {one.messages} phones, with its "
            f"reach rows and questions; fake SMSC on a line protocol, window {one.window}; median"
        ),
        detail={
            "people": one.people,
            "messages": one.messages,
            "window": one.window,
            "seconds": spread([run.elapsed_s for run in runs]),
            "messages_per_s": spread([run.rate for run in runs], 0),
            "ordered_s": spread([run.ordered_s for run in runs]),
        },
    )
