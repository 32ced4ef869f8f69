"""What one end has to keep, for its own log and for one other side's; all of it inside the caller's unit of work.

Never decides: `exchange` does. The village keeps it with sqlite3 (`store.py`), the county with SQLAlchemy; one test of
this contract runs on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sync.record import Head, Record


@dataclass(frozen=True, slots=True)
class Peer:
    """The other side. `head`: everything of its log up to there is kept and follows. `acked_seq`: how much of our own
    log it has, durably. `frozen`: the name of what made us stop taking its records; empty: nothing."""

    head: Head
    acked_seq: int
    spoke_ms: int | None
    went_back: int
    frozen: str


class Ledger(Protocol):
    # our own log

    def own_head(self) -> Head: ...

    def add_own(self, record: Record) -> None:
        """Keep the record after our head."""
        ...

    def own_after(self, seq: int, limit: int) -> list[Record]:
        """Our records from `seq` + 1 on, in order, at most so many."""
        ...

    def own_hash(self, seq: int) -> bytes | None:
        """Of our record in that place; of place 0 what stands before the first; None where we have none."""
        ...

    # the other side

    def peer(self) -> Peer: ...

    def set_peer(self, peer: Peer) -> None: ...

    def peer_hashes(self, first: int, last: int) -> dict[int, bytes]:
        """By place, of their records from `first` to `last` that we have, pending ones and the head itself too."""
        ...

    def keep(self, records: Sequence[Record]) -> None:
        """Keep records of theirs that are not kept yet, whether they follow the head or lie beyond a gap."""
        ...

    def pending_after(self, seq: int, limit: int) -> list[Record]:
        """Their kept records from `seq` + 1 on, in order; the first may be further away."""
        ...

    def pending_ranges(self, seq: int) -> list[tuple[int, int]]:
        """Which places beyond `seq` are kept, as runs (first, last), at most 64 of them."""
        ...

    def keep_fork(self, record: Record) -> None:
        """Keep a record whose place is taken by another."""
        ...
