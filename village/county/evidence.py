"""The signed bytes a village's records came in, kept; and the file made of them: the county's key, the village's
certificate, and the village's own signed bundles.

Whoever has it can verify a result without asking anybody. Never needs a secret key and never opens a folder; what it
proves it works out from the bytes alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, insert, select

from sync import cbor
from sync.certificate import Certificate, read
from sync.exchange import Signed, open_signed
from sync.failures import BundleError, CertificateError, NotCanonicalError
from sync.keys import PUBLIC_BYTES, PublicKey, SealingPublicKey
from sync.kinds import PollCounted, PollOpened, Writer
from sync.record import Head, Record
from village.county import tables
from village.county.verification import Log, Rung, ladder
from village.ground.wording import RefusalError, say

MAGIC = b"EJE1"
_FIELDS = 4
LARGEST_BYTES = 64 * 1024 * 1024


def keep(connection: Connection, no: int, opened: Signed, now_ms: int) -> None:
    """What was taken into the log, unless an earlier bundle shows all of it."""
    records = opened.bundle.records
    if not records:
        return
    row = tables.evidence.c
    first, last = records[0].seq, records[-1].seq
    again = select(row.id).where(row.village_no == no, row.first_seq <= first, row.last_seq >= last).limit(1)
    if connection.execute(again).first() is None:
        _add(connection, tables.evidence, no, opened, now_ms)


def keep_fork(connection: Connection, no: int, opened: Signed, now_ms: int) -> None:
    """What contradicts the log; the same again is not kept again."""
    row = tables.fork_evidence.c
    again = select(row.id).where(row.village_no == no, row.signed == opened.signed).limit(1)
    if connection.execute(again).first() is None:
        _add(connection, tables.fork_evidence, no, opened, now_ms)


def _add(connection: Connection, table: Table, no: int, opened: Signed, now_ms: int) -> None:
    bundle = opened.bundle
    newest = connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
    connection.execute(
        insert(table).values(
            id=newest + 1, village_no=no, first_seq=bundle.before.seq + 1, last_seq=bundle.after.seq,
            received_ms=now_ms, signed=opened.signed,
        )
    )  # fmt: skip


def export(connection: Connection, county: PublicKey, sealing: SealingPublicKey, village_no: int) -> bytes:
    """Everything a village has signed, as one file. Raises RefusalError (404)."""
    village = tables.village.c
    certificate = connection.execute(select(village.certificate).where(village.no == village_no)).scalar()
    if certificate is None:
        raise RefusalError(say("没有这个村"), status=404)
    row = tables.evidence.c
    signed = connection.execute(
        select(row.signed).where(row.village_no == village_no).order_by(row.first_seq, row.id)
    ).scalars()
    return MAGIC + cbor.encode((county.raw, sealing.raw, certificate, list(signed)))


@dataclass(frozen=True, slots=True)
class PollEvidence:
    """One poll in the file, with its steps."""

    opened: PollOpened
    counted: PollCounted | None
    rungs: tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a file proves. `certificate` None: it is not the county's whose key stands in the file."""

    county: PublicKey
    certificate: Certificate | None
    bundles: int
    records: int
    log: Log
    polls: tuple[PollEvidence, ...]


def verify(content: bytes) -> Evidence:
    """Raises RefusalError for what is no evidence file; a false one is read and found to be false."""
    county, sealing, issued, bundles = _read(content)
    try:
        certificate: Certificate | None = read(issued, county)
    except CertificateError:
        certificate = None
    records, signed = _records(bundles, sealing, certificate)
    head, unbroken = _chain(records, certificate)
    log = Log(signed, unbroken, head)
    opened: dict[int, PollOpened] = {}
    counted: dict[int, PollCounted] = {}
    for record in records:  # the first of each stands, as on the county's pages
        match record.body:
            case PollOpened() as body:
                opened.setdefault(body.poll, body)
            case PollCounted() as body:
                counted.setdefault(body.poll, body)
    polls = tuple(
        PollEvidence(one, counted.get(number), tuple(ladder(log, one, counted.get(number))))
        for number, one in sorted(opened.items())
    )
    return Evidence(county, certificate, len(bundles), len(records), log, polls)


def _read(content: bytes) -> tuple[PublicKey, SealingPublicKey, bytes, list[bytes]]:
    wrong = RefusalError(say("这不是凭据文件，或者文件坏了"), status=422)
    if not content.startswith(MAGIC) or len(content) > LARGEST_BYTES:
        raise wrong
    try:
        row = cbor.decode(content[len(MAGIC) :])
    except NotCanonicalError as broken:
        raise wrong from broken
    if type(row) is not list or len(row) != _FIELDS or type(row[3]) is not list:
        raise wrong
    county, sealing, issued, bundles = row
    if any(type(each) is not bytes for each in (county, sealing, issued, *bundles)):
        raise wrong
    if len(county) != PUBLIC_BYTES or len(sealing) != PUBLIC_BYTES:
        raise wrong
    return PublicKey(county), SealingPublicKey(sealing), issued, bundles


def _records(
    bundles: Sequence[bytes], sealing: SealingPublicKey, certificate: Certificate | None
) -> tuple[list[Record], bool]:
    """Every record of every bundle that the certified key signed, by place; False where one was not."""
    if certificate is None:
        return [], False
    known = {certificate.key.key_id: certificate.key}
    found: dict[int, Record] = {}
    good = True
    for signed in bundles:
        try:
            bundle = open_signed(signed, sealing, known.get, Writer.VILLAGE).bundle
        except BundleError:
            good = False
            continue
        for record in bundle.records:
            good = good and found.get(record.seq, record).hash == record.hash
            found.setdefault(record.seq, record)
    return [found[seq] for seq in sorted(found)], good and bool(found)


def _chain(records: Sequence[Record], certificate: Certificate | None) -> tuple[int, bool]:
    """How far the records follow one another from the log's beginning, and whether that is all of them."""
    if certificate is None:
        return 0, False
    head = Head.before(certificate.log, certificate.epoch)
    for record in records:
        if (record.log, record.seq, record.prev) != (head.log, head.seq + 1, head.hash):
            return head.seq, False
        head = record.head
    return head.seq, bool(records)
