"""The county's ledger (`sync.ledger.Ledger`) for one village, in SQLAlchemy Core: one log of ours, one of theirs each.

Never decides; `sync.exchange` does.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, func, insert, select, update

from sync.kinds import Writer
from sync.ledger import Peer
from sync.record import START, Head, Record, decode_record
from village.county import tables

_EPOCH = 1
_MOST_RANGES = 64


class CountyLedger:
    """`own_log`: the county's; `village_no`: whose log is the other side's."""

    def __init__(self, connection: Connection, own_log: bytes, village_no: int) -> None:
        self._connection = connection
        self._own_log = own_log
        self._no = village_no

    def own_head(self) -> Head:
        return own_head(self._connection, self._own_log)

    def add_own(self, record: Record) -> None:
        self._connection.execute(
            insert(tables.own_record).values(
                epoch=record.epoch, seq=record.seq, hash=record.hash, encoded=record.encoded
            )
        )

    def own_after(self, seq: int, limit: int) -> list[Record]:
        own = tables.own_record.c
        rows = self._connection.execute(
            select(own.encoded).where(own.epoch == _EPOCH, own.seq > seq).order_by(own.seq).limit(limit)
        )
        return [decode_record(row.encoded, Writer.COUNTY) for row in rows]

    def own_hash(self, seq: int) -> bytes | None:
        if seq == 0:
            return START
        own = tables.own_record.c
        found: bytes | None = self._connection.execute(
            select(own.hash).where(own.epoch == _EPOCH, own.seq == seq)
        ).scalar()
        return found

    def peer(self) -> Peer:
        """Raises LookupError for a village nobody knows."""
        village = tables.village.c
        row = self._connection.execute(
            select(
                village.log, village.epoch, village.head_seq, village.head_hash, village.acked_seq, village.spoke_ms,
                village.went_back, village.frozen,
            ).where(village.no == self._no)
        ).first()  # fmt: skip
        if row is None:
            raise LookupError(self._no)
        head = Head(row.log, row.epoch, row.head_seq, row.head_hash)
        return Peer(head, row.acked_seq, row.spoke_ms, row.went_back, row.frozen)

    def set_peer(self, peer: Peer) -> None:
        self._connection.execute(
            update(tables.village)
            .where(tables.village.c.no == self._no)
            .values(
                epoch=peer.head.epoch,
                head_seq=peer.head.seq,
                head_hash=peer.head.hash,
                acked_seq=peer.acked_seq,
                spoke_ms=peer.spoke_ms,
                went_back=peer.went_back,
                frozen=peer.frozen,
            )
        )

    def peer_hashes(self, first: int, last: int) -> dict[int, bytes]:
        theirs, head = tables.record.c, self.peer().head
        rows = self._connection.execute(
            select(theirs.seq, theirs.hash).where(
                theirs.village_no == self._no, theirs.epoch == head.epoch, theirs.seq.between(first, last)
            )
        )
        found: dict[int, bytes] = {row.seq: row.hash for row in rows}
        return found | ({head.seq: head.hash} if first <= head.seq <= last else {})

    def keep(self, records: Sequence[Record]) -> None:
        if records:
            self._connection.execute(
                insert(tables.record),
                [
                    {"village_no": self._no, "epoch": r.epoch, "seq": r.seq, "hash": r.hash, "encoded": r.encoded}
                    for r in records
                ],
            )

    def pending_after(self, seq: int, limit: int) -> list[Record]:
        theirs = tables.record.c
        rows = self._connection.execute(
            select(theirs.encoded)
            .where(theirs.village_no == self._no, theirs.epoch == _EPOCH, theirs.seq > seq)
            .order_by(theirs.seq)
            .limit(limit)
        )
        return [decode_record(row.encoded, Writer.VILLAGE) for row in rows]

    def pending_ranges(self, seq: int) -> list[tuple[int, int]]:
        theirs = tables.record.c
        run = (theirs.seq - func.row_number().over(order_by=theirs.seq)).label("run")
        runs = (
            select(theirs.seq.label("seq"), run)
            .where(and_(theirs.village_no == self._no, theirs.epoch == _EPOCH, theirs.seq > seq))
            .subquery()
        )
        first = func.min(runs.c.seq).label("first")
        rows = self._connection.execute(
            select(first, func.max(runs.c.seq).label("last")).group_by(runs.c.run).order_by(first).limit(_MOST_RANGES)
        )
        return [(row.first, row.last) for row in rows]

    def keep_fork(self, record: Record) -> None:
        fork = tables.record_fork.c
        values = {
            "village_no": self._no, "epoch": record.epoch, "seq": record.seq, "hash": record.hash,
            "encoded": record.encoded,
        }  # fmt: skip
        known = self._connection.execute(
            select(fork.seq).where(
                fork.village_no == self._no, fork.epoch == record.epoch, fork.seq == record.seq,
                fork.hash == record.hash,
            )
        ).first()  # fmt: skip
        if known is None:
            self._connection.execute(insert(tables.record_fork).values(**values))


def own_head(connection: Connection, own_log: bytes) -> Head:
    """Where the county's own log stands."""
    own = tables.own_record.c
    row = connection.execute(
        select(own.seq, own.hash).where(own.epoch == _EPOCH).order_by(own.seq.desc()).limit(1)
    ).first()
    return Head.before(own_log, _EPOCH) if row is None else Head(own_log, _EPOCH, row.seq, row.hash)
