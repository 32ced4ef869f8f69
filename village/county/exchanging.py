"""One request of a village's: opened, verified, kept, told apart, answered. What does not verify is set aside with its
reason, and nothing else waits for it.

Never answers before what it acknowledges is on the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from sync.exchange import Signed, answer, freeze, open_bundle
from sync.failures import BundleError, ForkError, RevokedError
from sync.keys import PublicKey, SealingPublicKey, SigningKey
from sync.kinds import Writer
from sync.record import Record
from village.county import tables
from village.county.applying import apply, without_superseded
from village.county.core import core
from village.county.ledger import CountyLedger
from village.ground.clock import Clock
from village.ground.database import Database

log = logging.getLogger(__name__)

MOST_ASIDE, MOST_ASIDE_OF_STRANGERS = 500, 50
"""The newest are kept. A stranger who sends noise fills no disk, and drives nothing of a village's out."""

_KEPT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Known:
    """A village whose key we certified."""

    no: int
    key: PublicKey
    sealing: SealingPublicKey
    revoked: bool


class Exchanging:
    def __init__(self, db: Database, clock: Clock, key: SigningKey) -> None:
        self._db = db
        self._clock = clock
        self._key = key

    async def take(self, sealed: bytes) -> bytes:
        """The sealed answer. Raises BundleError for what was quarantined instead."""
        known = {village.key.key_id: village for village in await self._db.read(core(villages_known))}
        sender: Known | None = None
        try:
            opened = await asyncio.to_thread(
                open_bundle, sealed, self._key, lambda key_id: _key_of(known, key_id), Writer.VILLAGE
            )
            sender = known[opened.signer.key_id]
            if sender.revoked:
                raise RevokedError("this village's certificate was revoked")
            return await self._kept(sender, opened)
        except BundleError as refused:
            name = refused.name
            await self._db.write(core(lambda c: self._set_aside(c, sender, name, sealed)))
            log.warning("bundle refused reason=%s village=%s", name, sender.no if sender else "?")
            raise

    async def _kept(self, sender: Known, opened: Signed) -> bytes:
        def unit(connection: Connection) -> bytes:
            now_ms = self._clock.now_ms()
            ledger = CountyLedger(connection, self._key.public.log, sender.no)
            said, taken = answer(ledger, opened.bundle, self._key, sender.sealing, now_ms=now_ms)
            self._apply(connection, sender, taken.records)
            _keep_evidence(connection, sender.no, opened, now_ms)
            return said

        try:
            return await self._db.write(core(unit))
        except ForkError:
            await self._db.write(
                core(lambda c: freeze(CountyLedger(c, self._key.public.log, sender.no), opened.bundle))
            )
            raise

    def _apply(self, connection: Connection, sender: Known, records: Sequence[Record]) -> None:
        """All at once; where that fails, one by one, to find the one it fails for."""
        try:
            with connection.begin_nested():
                for record in without_superseded(records):
                    apply(connection, sender.no, record)
        except Exception:
            log.warning("records not applied together village=%d count=%d", sender.no, len(records), exc_info=True)
            for record in records:
                self._apply_one(connection, sender, record)

    def _apply_one(self, connection: Connection, sender: Known, record: Record) -> None:
        """A record that our own pages cannot take is kept in the log, set aside by name, and blocks nothing."""
        try:
            with connection.begin_nested():
                apply(connection, sender.no, record)
        except Exception:
            log.exception("record not applied village=%d seq=%d kind=%d", sender.no, record.seq, record.body.CODE)
            self._set_aside(connection, sender, "not-applied", record.encoded)

    def _set_aside(self, connection: Connection, sender: Known | None, reason: str, sealed: bytes) -> None:
        """The same bytes again are counted, not kept again."""
        row, now_ms = tables.quarantine.c, self._clock.now_ms()
        print_ = hashlib.sha256(reason.encode() + b"\n" + sealed).digest()
        again = connection.execute(
            update(tables.quarantine)
            .where(row.print == print_)
            .values(times=row.times + 1, received_ms=now_ms, handled_ms=None, handled_by=None)
        )
        if again.rowcount:
            return
        newest = connection.execute(select(func.coalesce(func.max(row.id), 0))).scalar_one()
        connection.execute(
            insert(tables.quarantine).values(
                id=newest + 1, village_no=None if sender is None else sender.no, reason=reason, received_ms=now_ms,
                size=len(sealed), sealed=sealed[:_KEPT_BYTES], times=1, print=print_,
            )
        )  # fmt: skip
        alike = row.village_no.is_(None) if sender is None else row.village_no.is_not(None)
        most = MOST_ASIDE_OF_STRANGERS if sender is None else MOST_ASIDE
        kept = select(row.id).where(alike).order_by(row.id.desc()).limit(most)
        connection.execute(tables.quarantine.delete().where(alike, row.id.not_in(kept)))


def villages_known(connection: Connection) -> list[Known]:
    village = tables.village.c
    rows = connection.execute(select(village.no, village.public_key, village.sealing_key, village.revoked_ms))
    return [
        Known(row.no, PublicKey(row.public_key), SealingPublicKey(row.sealing_key), row.revoked_ms is not None)
        for row in rows
    ]


def _key_of(known: dict[bytes, Known], key_id: bytes) -> PublicKey | None:
    found = known.get(key_id)
    return None if found is None else found.key


def _keep_evidence(connection: Connection, no: int, opened: Signed, now_ms: int) -> None:
    records = opened.bundle.records
    if not records:
        return
    row = tables.evidence.c
    first, last = records[0].seq, records[-1].seq
    again = select(row.id).where(row.village_no == no, row.first_seq <= first, row.last_seq >= last).limit(1)
    if connection.execute(again).first() is not None:
        return
    newest = connection.execute(select(func.coalesce(func.max(row.id), 0))).scalar_one()
    connection.execute(
        insert(tables.evidence).values(
            id=newest + 1, village_no=no, first_seq=first, last_seq=last, received_ms=now_ms,
            signed=opened.signed,
        )
    )  # fmt: skip
