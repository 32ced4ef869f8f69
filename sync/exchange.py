"""The exchange: what one end sends next, and what it does with what the other end sent. The same on both ends.

Never touches a socket. Whatever is cut, doubled or comes in another order, both ends come to hold the same: records are
known by place and hash, and an acknowledgement is only written after what it acknowledges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sync import envelope
from sync.bundle import Ack, Bundle, make_payload, open_payload, split
from sync.failures import AckError, EpochError, ForeignLogError, ForkError
from sync.keys import PublicKey, SealingPublicKey, SigningKey
from sync.kinds import Writer
from sync.ledger import Ledger
from sync.record import Head, Record

MOST_SENT = 2000
"""Records in one bundle: a lost answer costs little, and a Pi opens it within a second."""

_STEP = 2000
_MOST_FORKING = 16


@dataclass(frozen=True, slots=True)
class Signed:
    """A bundle that was opened and verified, and the signed bytes it came in: they can be shown as evidence."""

    bundle: Bundle
    signed: bytes
    signer: PublicKey


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a bundle. `records`: those that now follow the head, in order, each told once and never again.
    `went_back`: the other side has less of our log than it had acknowledged."""

    records: tuple[Record, ...]
    went_back: bool


def open_bundle(sealed: bytes, key: SigningKey, find: envelope.FindKey, writer: Writer) -> Signed:
    """Unsealed, verified, decoded; nothing is looked up but the signer's key. Raises BundleError."""
    return open_signed(envelope.unseal(sealed, key), key.sealing, find, writer)


def open_signed(signed: bytes, recipient: SealingPublicKey, find: envelope.FindKey, writer: Writer) -> Signed:
    """The same for the signed bytes alone, which need no secret to be verified. Raises BundleError."""
    payload, signer = envelope.verify(signed, find, envelope.context_for(recipient.key_id))
    return Signed(open_payload(payload, recipient.key_id, writer), signed, signer)


def next_bundle(
    ledger: Ledger, key: SigningKey, recipient: SealingPublicKey, *, after: int | None = None,
    next_contact_s: int | None = None, limit: int = MOST_SENT,
) -> bytes:  # fmt: skip
    """Our records the other side lacks, as many as one bundle takes, and what we have of theirs; sealed.

    `after`: from where to send, where the other side has just said it; else from what it last acknowledged.
    """
    peer = ledger.peer()
    seq = peer.acked_seq if after is None else after
    before_hash = ledger.own_hash(seq)
    if before_hash is None:
        raise AckError("they acknowledged what we never wrote")
    own = ledger.own_head()
    waiting = ledger.own_after(seq, limit)
    records = next(iter(split(waiting)), [])
    ack = Ack(
        peer.head.log, peer.head.epoch, peer.head.seq, peer.head.hash, tuple(ledger.pending_ranges(peer.head.seq)),
        next_contact_s=next_contact_s,
    )  # fmt: skip
    before = Head(own.log, own.epoch, seq, before_hash)
    payload = make_payload(before, records, recipient.key_id, ack)
    signed = envelope.sign(payload, key, envelope.context_for(recipient.key_id))
    return envelope.seal(signed, recipient)


def take(ledger: Ledger, bundle: Bundle, *, now_ms: int, believe_less: bool) -> Taken:
    """Keep what is new, in the caller's unit of work; the same bundle again changes nothing.

    `believe_less`: whether an acknowledgement smaller than an earlier one means that they have lost something (an
    answer to our own question) or is only an old message. Raises BundleError where nothing of it may be taken.
    """
    went_back = take_ack(ledger, bundle.ack, believe_less=believe_less)
    records = take_records(ledger, bundle)
    ledger.set_peer(replace(ledger.peer(), spoke_ms=now_ms))
    return Taken(tuple(records), went_back)


def answer(
    ledger: Ledger, bundle: Bundle, key: SigningKey, recipient: SealingPublicKey, *, now_ms: int,
    next_contact_s: int | None = None,
) -> tuple[bytes, Taken]:  # fmt: skip
    """Take a bundle and say what comes back, in one unit; to be sent only once the unit is kept. Raises BundleError.

    What they have of our log is what they have just said, not what they said earlier: their memory may be younger.
    """
    taken = take(ledger, bundle, now_ms=now_ms, believe_less=False)
    after = None if bundle.ack is None else bundle.ack.seq
    return next_bundle(ledger, key, recipient, after=after, next_contact_s=next_contact_s), taken


def take_ack(ledger: Ledger, ack: Ack | None, *, believe_less: bool) -> bool:
    """Keep how much of our log they have; whether that is less than they had. Raises AckError."""
    if ack is None:
        return False
    own, peer = ledger.own_head(), ledger.peer()
    if (ack.log, ack.epoch) != (own.log, own.epoch):
        raise AckError("acknowledges another log")
    if ledger.own_hash(ack.seq) != ack.hash:
        raise AckError("acknowledges what we never wrote")
    if ack.seq > peer.acked_seq:
        ledger.set_peer(replace(peer, acked_seq=ack.seq))
    elif ack.seq < peer.acked_seq and believe_less:
        ledger.set_peer(replace(peer, acked_seq=ack.seq, went_back=peer.went_back + 1))
        return True
    return False


def take_records(ledger: Ledger, bundle: Bundle) -> list[Record]:
    """Keep those of their records that are new, and tell which follow the head now. Raises BundleError."""
    peer = ledger.peer()
    head = peer.head
    if bundle.before.log != head.log:
        raise ForeignLogError("records of another log")
    if bundle.before.epoch != head.epoch:
        raise EpochError("records of another epoch")
    if peer.frozen:
        raise ForkError("frozen until a person has decided")
    if not bundle.records:
        return []
    known = ledger.peer_hashes(bundle.records[0].seq, bundle.records[-1].seq)
    if any(known.get(record.seq, record.hash) != record.hash for record in bundle.records):
        raise ForkError("another record has this place")
    # what is not known and lies at or before the head was written before we began to read this log
    later = [record for record in bundle.records if record.seq > head.seq]
    ledger.keep([record for record in later if record.seq not in known])
    found = _following(head, later)
    if found:
        found += _beyond(ledger, found[-1].head)
        ledger.set_peer(replace(ledger.peer(), head=found[-1].head))
    return found


def _beyond(ledger: Ledger, head: Head) -> list[Record]:
    """What had come beyond the gap and now follows."""
    found: list[Record] = []
    while pending := _following(head, ledger.pending_after(head.seq, _STEP)):
        head = pending[-1].head
        found += pending
    return found


def _following(head: Head, records: list[Record]) -> list[Record]:
    """Those that follow the head one by one. Raises ForkError where one has the place and not the hash before it."""
    found: list[Record] = []
    for record in records:
        if record.seq != head.seq + 1:
            break
        if record.prev != head.hash:
            raise ForkError("follows another record than the one we have")
        head = record.head
        found.append(record)
    return found


def freeze(ledger: Ledger, bundle: Bundle) -> None:
    """Two records claim one place: keep both, take nothing more until a person decides (facts/sync.md, Identity).

    The first that forked are proof enough: a log that is frozen already grows by nothing that is sent to it.
    """
    peer = ledger.peer()
    if peer.frozen:
        return
    for record in _forking(ledger, peer.head, bundle.records)[:_MOST_FORKING]:
        ledger.keep_fork(record)
    ledger.set_peer(replace(peer, frozen=ForkError.name))


def _forking(ledger: Ledger, head: Head, records: Sequence[Record]) -> list[Record]:
    """Those that have a place another one has, or follow another record than the one before their place."""
    if not records:
        return []
    hashes = ledger.peer_hashes(max(records[0].seq - 1, 0), records[-1].seq) | {head.seq: head.hash}
    return [
        record
        for record in records
        if hashes.get(record.seq, record.hash) != record.hash or hashes.get(record.seq - 1, record.prev) != record.prev
    ]


def settled(ledger: Ledger) -> bool:
    """Whether the other side has everything we have written."""
    return ledger.peer().acked_seq >= ledger.own_head().seq
