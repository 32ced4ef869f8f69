"""One request of a village's: opened, verified, kept, told apart, answered. What does not verify is set aside with its
reason, and nothing else waits for it.

Never answers before what it acknowledges is on the disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from sync import envelope
from sync.bundle import open_payload
from sync.exchange import Signed, answer, freeze
from sync.failures import BundleError, ForkError, RevokedError
from sync.keys import PublicKey, SealingPublicKey, SigningKey
from sync.kinds import Writer
from sync.record import Record
from village.county import tables
from village.county.applying import apply, without_superseded
from village.county.core import core
from village.county.evidence import keep, keep_fork
from village.county.hearing import is_fresh
from village.county.ledger import CountyLedger
from village.county.setting_aside import Refused, set_aside
from village.ground.clock import Clock
from village.ground.database import Database

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Known:
    """A village whose key we certified."""

    no: int
    key: PublicKey
    sealing: SealingPublicKey
    revoked: bool


@dataclass(slots=True)
class _Arrived:
    """A bundle as far as it could be opened: what we know of it where it is refused. `sender`: whose signature was
    verified, whatever is wrong inside."""

    sealed: bytes
    signed: bytes | None = None
    sender: Known | None = None

    def refused(self, reason: str) -> Refused:
        no = None if self.sender is None else self.sender.no
        return Refused(no, reason, self.sealed, alike=self.sealed if self.signed is None else self.signed)


class Exchanging:
    def __init__(self, db: Database, clock: Clock, key: SigningKey) -> None:
        self._db = db
        self._clock = clock
        self._key = key

    async def take(self, sealed: bytes) -> bytes:
        """The sealed answer. Raises BundleError for what was quarantined instead."""
        known = {village.key.key_id: village for village in await self._db.read(core(villages_known))}
        arrived = _Arrived(sealed)
        try:
            opened = await asyncio.to_thread(self._open, arrived, known)
        except BundleError as refused:
            self._warn(arrived, refused)
            reason = refused.name
            await self._db.write(core(lambda c: self._set_aside(c, arrived, reason)))
            raise
        said = await self._db.write(core(lambda c: self._answered(c, known[opened.signer.key_id], arrived, opened)))
        if isinstance(said, BundleError):
            self._warn(arrived, said)
            raise said
        return said

    def _warn(self, arrived: _Arrived, refused: BundleError) -> None:
        log.warning("bundle refused reason=%s village=%s", refused.name, arrived.sender.no if arrived.sender else "?")

    def _open(self, arrived: _Arrived, known: dict[bytes, Known]) -> Signed:
        """Step by step, so that what does not decode is still known to be its signer's. Raises BundleError."""
        recipient = self._key.sealing.key_id
        arrived.signed = envelope.unseal(arrived.sealed, self._key)
        payload, signer = envelope.verify(
            arrived.signed, lambda key_id: _key_of(known, key_id), envelope.context_for(recipient)
        )
        arrived.sender = known[signer.key_id]
        if arrived.sender.revoked:
            raise RevokedError("this village's certificate was revoked")
        return Signed(open_payload(payload, recipient, Writer.VILLAGE), arrived.signed, signer)

    def _answered(
        self, connection: Connection, sender: Known, arrived: _Arrived, opened: Signed
    ) -> bytes | BundleError:
        """What goes back, or why nothing was taken; returned and not raised, so that what tells of it is kept with it:
        a power cut leaves a fork noticed and proven, or not seen yet."""
        try:
            with connection.begin_nested():
                return self._kept(connection, sender, arrived.sealed, opened)
        except BundleError as refused:
            if isinstance(refused, ForkError):
                self._freeze(connection, sender, opened)
            self._set_aside(connection, arrived, refused.name)
            return refused

    def _kept(self, connection: Connection, sender: Known, sealed: bytes, opened: Signed) -> bytes:
        """Raises BundleError."""
        if is_revoked(connection, sender.no):  # since we looked
            raise RevokedError("this village's certificate was revoked")
        now_ms = self._clock.now_ms()
        ledger = CountyLedger(connection, self._key.public.log, sender.no)
        before = ledger.peer()
        said, taken = answer(ledger, opened.bundle, self._key, sender.sealing, now_ms=now_ms)
        after = ledger.peer()
        if not is_fresh(connection, sender.no, sealed, opened.bundle, before=before, after=after):
            ledger.set_peer(replace(after, spoke_ms=before.spoke_ms))  # answered all the same: it may be a lost answer
        self._apply(connection, sender, taken.records)
        keep(connection, sender.no, opened, now_ms)
        return said

    def _freeze(self, connection: Connection, sender: Known, opened: Signed) -> None:
        """The bundle that forked is the proof, as it was signed. What comes while the village is frozen proves nothing
        more, and a copied key sends as much as it likes; a person stands between a thaw and the next proof."""
        ledger = CountyLedger(connection, self._key.public.log, sender.no)
        if not ledger.peer().frozen:
            keep_fork(connection, sender.no, opened, self._clock.now_ms())
        freeze(ledger, opened.bundle)

    def _set_aside(self, connection: Connection, arrived: _Arrived, reason: str) -> None:
        set_aside(connection, arrived.refused(reason), self._clock.now_ms())

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
            set_aside(
                connection, Refused(sender.no, "not-applied", record.encoded, record.encoded), self._clock.now_ms()
            )


def villages_known(connection: Connection) -> list[Known]:
    village = tables.village.c
    rows = connection.execute(select(village.no, village.public_key, village.sealing_key, village.revoked_ms))
    return [
        Known(row.no, PublicKey(row.public_key), SealingPublicKey(row.sealing_key), row.revoked_ms is not None)
        for row in rows
    ]


def is_revoked(connection: Connection, no: int) -> bool:
    village = tables.village.c
    return connection.execute(select(village.revoked_ms).where(village.no == no)).scalar() is not None


def _key_of(known: dict[bytes, Known], key_id: bytes) -> PublicKey | None:
    found = known.get(key_id)
    return None if found is None else found.key
