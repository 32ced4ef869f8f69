"""The ledger in sqlite3: the village's end, which has one other side, the county.

Never decides; plain SQL on the unit of work the caller opened.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from sync.kinds import Writer
from sync.ledger import Peer
from sync.record import START, Head, Record, decode_record

_MOST_RANGES = 64


class SqliteLedger:
    """`own_log`: the log we write; `peer_log`: theirs, None while there is nobody to speak to."""

    def __init__(
        self, tx: sqlite3.Connection, own_log: bytes, peer_log: bytes | None = None, *, writer: Writer = Writer.VILLAGE
    ) -> None:
        self._tx = tx
        self._own_log = own_log
        self._peer_log = peer_log
        self._writer = writer
        self._their_writer = Writer.COUNTY if writer is Writer.VILLAGE else Writer.VILLAGE
        self._epoch = 1

    def own_head(self) -> Head:
        row = self._tx.execute(
            "SELECT seq, hash FROM own_record WHERE epoch = :epoch ORDER BY seq DESC LIMIT 1", {"epoch": self._epoch}
        ).fetchone()
        return Head.before(self._own_log, self._epoch) if row is None else Head(self._own_log, self._epoch, *row)

    def add_own(self, record: Record) -> None:
        self._tx.execute(
            "INSERT INTO own_record (epoch, seq, hash, encoded) VALUES (:epoch, :seq, :hash, :encoded)",
            {"epoch": record.epoch, "seq": record.seq, "hash": record.hash, "encoded": record.encoded},
        )

    def own_after(self, seq: int, limit: int) -> list[Record]:
        rows = self._tx.execute(
            "SELECT encoded FROM own_record WHERE epoch = :epoch AND seq > :seq ORDER BY seq LIMIT :limit",
            {"epoch": self._epoch, "seq": seq, "limit": limit},
        )
        return [decode_record(row[0], self._writer) for row in rows]

    def own_hash(self, seq: int) -> bytes | None:
        if seq == 0:
            return START
        row = self._tx.execute(
            "SELECT hash FROM own_record WHERE epoch = :epoch AND seq = :seq", {"epoch": self._epoch, "seq": seq}
        ).fetchone()
        return None if row is None else bytes(row[0])

    def _log(self) -> bytes:
        if self._peer_log is None:
            raise LookupError("nobody to speak to")
        return self._peer_log

    def peer(self) -> Peer:
        """Raises LookupError before `begin_peer`."""
        row = self._tx.execute("SELECT * FROM peer WHERE log = :log", {"log": self._log()}).fetchone()
        if row is None:
            raise LookupError("nobody to speak to")
        head = Head(row["log"], row["epoch"], row["head_seq"], row["head_hash"])
        return Peer(head, row["acked_seq"], row["spoke_ms"], row["went_back"], row["frozen"] or "")

    def set_peer(self, peer: Peer) -> None:
        self._tx.execute(
            "INSERT OR REPLACE INTO peer (log, epoch, head_seq, head_hash, acked_seq, spoke_ms, went_back, frozen)"
            " VALUES (:log, :epoch, :seq, :hash, :acked, :spoke, :back, :frozen)",
            {
                "log": peer.head.log, "epoch": peer.head.epoch, "seq": peer.head.seq, "hash": peer.head.hash,
                "acked": peer.acked_seq, "spoke": peer.spoke_ms, "back": peer.went_back, "frozen": peer.frozen or None,
            },
        )  # fmt: skip

    def peer_hashes(self, first: int, last: int) -> dict[int, bytes]:
        head = self.peer().head
        rows = self._tx.execute(
            "SELECT seq, hash FROM peer_record WHERE log = :log AND epoch = :epoch AND seq BETWEEN :first AND :last",
            {"log": head.log, "epoch": head.epoch, "first": first, "last": last},
        )
        found = {int(row[0]): bytes(row[1]) for row in rows}
        return found | ({head.seq: head.hash} if first <= head.seq <= last else {})

    def keep(self, records: Sequence[Record]) -> None:
        self._tx.executemany(
            "INSERT INTO peer_record (log, epoch, seq, hash, encoded) VALUES (:log, :epoch, :seq, :hash, :encoded)",
            [{"log": r.log, "epoch": r.epoch, "seq": r.seq, "hash": r.hash, "encoded": r.encoded} for r in records],
        )

    def pending_after(self, seq: int, limit: int) -> list[Record]:
        rows = self._tx.execute(
            "SELECT encoded FROM peer_record WHERE log = :log AND epoch = :epoch AND seq > :seq ORDER BY seq"
            " LIMIT :limit",
            {"log": self._log(), "epoch": self._epoch, "seq": seq, "limit": limit},
        )
        return [decode_record(row[0], self._their_writer) for row in rows]

    def pending_ranges(self, seq: int) -> list[tuple[int, int]]:
        rows = self._tx.execute(
            "SELECT min(seq), max(seq) FROM (SELECT seq, seq - row_number() OVER (ORDER BY seq) AS run FROM peer_record"
            " WHERE log = :log AND epoch = :epoch AND seq > :seq) GROUP BY run ORDER BY 1 LIMIT :limit",
            {"log": self._log(), "epoch": self._epoch, "seq": seq, "limit": _MOST_RANGES},
        )
        return [(row[0], row[1]) for row in rows]

    def keep_fork(self, record: Record) -> None:
        self._tx.execute(
            "INSERT OR IGNORE INTO peer_fork (log, epoch, seq, hash, encoded)"
            " VALUES (:log, :epoch, :seq, :hash, :encoded)",
            {
                "log": record.log, "epoch": record.epoch, "seq": record.seq, "hash": record.hash,
                "encoded": record.encoded,
            },
        )  # fmt: skip


def waiting(tx: sqlite3.Connection, peer_log: bytes | None) -> int:
    """Records of ours that the other side has not acknowledged; all of them while there is nobody."""
    row = tx.execute(
        "SELECT coalesce((SELECT max(seq) FROM own_record), 0)"
        " - coalesce((SELECT acked_seq FROM peer WHERE log = :log), 0)",
        {"log": peer_log},
    ).fetchone()
    return int(row[0])
