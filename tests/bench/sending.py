"""One run of the sender against the fake SMSC: both as processes of their own, every message accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.bench_village import copied, roster_village
from tests.bench.child import ChildError, module, started
from tests.bench.yard import Yard

ANY = 10**9
"""More lines than any run sends: the fake SMSC takes what comes until the sender hangs up."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run came to. `receivers`: each message's number, in no order; `*_epoch_s`: time as strace writes it."""

    people: int
    messages: int
    window: int
    commits: int
    elapsed_s: float
    ordered_s: float
    disk_bytes: int
    folding_bytes: int
    begin_epoch_s: float
    end_epoch_s: float
    closed_epoch_s: float
    receivers: tuple[str, ...]

    @property
    def rate(self) -> float:
        return self.messages / self.elapsed_s


def send_notices(yard: Yard, count: int, *, ends: str = "accepted", before: Sequence[str] = ()) -> Sent:
    """A fresh village orders so many notices. Raises ChildError where the fake SMSC got anything else than was sent."""
    folder = copied(yard, roster_village(yard), "sending")
    with started(module("send_notices", folder, count, ends, before=before)) as sender:
        port = sender.line()["port"]
        with started(module("fake_smsc", port, ANY)) as smsc:
            smsc.line()
            said = sender.line()
            while "receivers" not in (taken := smsc.line()):
                pass
    if Counter(said["receivers"]) != Counter(taken["receivers"]):
        raise ChildError("what the fake SMSC took is not what was sent")
    if said["resting"] != said["messages"]:
        raise ChildError(f"{said['resting']} of {said['messages']} messages are {ends}")
    return Sent(
        people=said["people"],
        messages=said["messages"],
        window=said["window"],
        commits=said["commits"],
        elapsed_s=said["end_s"] - said["begin_s"],
        ordered_s=said["ordered_s"],
        disk_bytes=said["disk_bytes"],
        folding_bytes=said["folding_bytes"],
        begin_epoch_s=said["begin_epoch_s"],
        end_epoch_s=said["end_epoch_s"],
        closed_epoch_s=said["closed_epoch_s"],
        receivers=tuple(said["receivers"]),
    )
