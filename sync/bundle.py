"""A bundle: records of the sender's log, and the acknowledgement of the receiver's; what is signed and sealed.

Never carries what the receiver can work out for itself: log, epoch, sequence, the hash before each record. Records lie
in columns, kind by kind, so that what repeats lies together and compresses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import zstandard

from sync import cbor
from sync.columns import columns_of, rows_of
from sync.envelope import LARGEST_BYTES, OVERHEAD_BYTES, SUITE
from sync.failures import (
    BundleError,
    CompressionError,
    FieldError,
    HeaderError,
    HeadError,
    NotCanonicalError,
    RecipientError,
    TooLargeError,
    UnknownSuiteError,
)
from sync.keys import KEY_ID_BYTES, LOG_BYTES
from sync.kinds import Writer
from sync.record import HASH_BYTES, VERSION, Head, Record, make_record, some_bytes, whole

RAW, ZSTD = 0, 1
_LEVEL = 9
"""Measured on kinds we log: beyond it a Pi's time buys nothing."""

MOST_RECORDS = 4096
LARGEST_RAW_BYTES = 2 * 1024 * 1024
"""What a bundle may become when it is opened, whatever it says."""

_WINDOW_BYTES = 4 * 1024 * 1024
_HEADER_FIELDS, _ACK_FIELDS = 13, 7
_MOST_RANGES, _MOST_REFUSED = 64, 64
_LONGEST_REASON = 20


@dataclass(frozen=True, slots=True)
class Ack:
    """What one side durably has of the other's log, told only after the commit.

    `ranges`: records beyond a gap, (first, last). `refused`: (sequence, reason) of what was quarantined.
    `next_contact_s`: when the county would like to hear again; None: as the village likes.
    """

    log: bytes
    epoch: int
    seq: int
    hash: bytes
    ranges: tuple[tuple[int, int], ...] = ()
    refused: tuple[tuple[int, str], ...] = ()
    next_contact_s: int | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle. `before` is the head its records follow; `after` where they lead."""

    before: Head
    after: Head
    records: tuple[Record, ...]
    ack: Ack | None


def make_payload(before: Head, records: Sequence[Record], recipient: bytes, ack: Ack | None) -> bytes:
    """What is to be signed. `records` must follow `before`; raises TooLargeError where they are too many."""
    if len(records) > MOST_RECORDS:
        raise TooLargeError("too many records for one bundle")
    raw = cbor.encode(columns_of([(record.stamp, record.body) for record in records])) if records else b""
    if len(raw) > LARGEST_RAW_BYTES:
        raise TooLargeError("too much for one bundle")
    packed = zstandard.ZstdCompressor(level=_LEVEL).compress(raw) if raw else b""
    codec, carried = (ZSTD, packed) if raw and len(packed) < len(raw) else (RAW, raw)
    after = records[-1].head if records else before
    header = (
        VERSION, SUITE, before.log, before.epoch, before.seq + 1, len(records), before.hash, after.hash, recipient,
        None if ack is None else _ack_row(ack), 1, codec, len(raw),
    )  # fmt: skip
    return cbor.encode((header, carried))


def _ack_row(ack: Ack) -> tuple[object, ...]:
    return (ack.log, ack.epoch, ack.seq, ack.hash, ack.ranges, ack.refused, ack.next_contact_s)


def split(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Runs of records of which each surely fits one bundle, compressed or not."""
    room = LARGEST_BYTES - OVERHEAD_BYTES - 4096
    start, size = 0, 0
    for place, record in enumerate(records):
        if place > start and (size + len(record.encoded) > room or place - start == MOST_RECORDS):
            yield records[start:place]
            start, size = place, 0
        size += len(record.encoded)
    if start < len(records):
        yield records[start:]


def open_payload(payload: bytes, recipient: bytes, writer: Writer) -> Bundle:
    """The records with their chain worked out again. Raises BundleError by the name of what is wrong."""
    read = cbor.decode(payload)
    if type(read) is not list or len(read) != 2 or type(read[0]) is not list or type(read[1]) is not bytes:
        raise HeaderError("not a bundle's payload")
    header, carried = read
    if len(header) != _HEADER_FIELDS:
        raise HeaderError("not a header of ours")
    try:
        version, suite, log, epoch, first, count, prev, head_hash, named, ack_row, schema, codec, raw_len = header
        before = Head(
            some_bytes(log, LOG_BYTES), whole(epoch, low=1), whole(first, low=1) - 1, some_bytes(prev, HASH_BYTES)
        )
        whole(version, low=VERSION, high=VERSION)
        whole(suite)
        whole(schema, low=1, high=1)
        whole(codec, high=ZSTD)
        whole(raw_len)
        whole(count, high=MOST_RECORDS)
        some_bytes(head_hash, HASH_BYTES)
        some_bytes(named, KEY_ID_BYTES)
        ack = None if ack_row is None else _read_ack(ack_row)
    except FieldError as broken:
        raise HeaderError("a header with a wrong field") from broken
    if suite != SUITE:
        raise UnknownSuiteError("another suite inside than outside")
    if named != recipient:
        raise RecipientError("made for somebody else")
    raw = _unpacked(carried, codec, raw_len)
    records = tuple(_records(raw, before, count, writer)) if count or raw else ()
    after = records[-1].head if records else before
    if after.hash != head_hash:
        raise HeadError("the records do not lead where the header says")
    return Bundle(before, after, records, ack)


def _read_ack(row: object) -> Ack:
    if type(row) is not list or len(row) != _ACK_FIELDS:
        raise FieldError("not an acknowledgement")
    log, epoch, seq, hash_, ranges, refused, next_contact_s = row
    if type(ranges) is not list or len(ranges) > _MOST_RANGES:
        raise FieldError("not an acknowledgement")
    if type(refused) is not list or len(refused) > _MOST_REFUSED:
        raise FieldError("not an acknowledgement")
    return Ack(
        some_bytes(log, LOG_BYTES),
        whole(epoch, low=1),
        whole(seq),
        some_bytes(hash_, HASH_BYTES),
        tuple(_read_range(each) for each in ranges),
        tuple(_read_refusal(each) for each in refused),
        None if next_contact_s is None else whole(next_contact_s, high=90 * 86_400),
    )


def _read_range(row: object) -> tuple[int, int]:
    if type(row) is not list or len(row) != 2:
        raise FieldError("not a range")
    first, last = whole(row[0], low=1), whole(row[1], low=1)
    if first > last:
        raise FieldError("not a range")
    return first, last


def _read_refusal(row: object) -> tuple[int, str]:
    if type(row) is not list or len(row) != 2 or type(row[1]) is not str or len(row[1]) > _LONGEST_REASON:
        raise FieldError("not a refusal")
    return whole(row[0]), row[1]


def _unpacked(carried: bytes, codec: int, raw_len: int) -> bytes:
    if raw_len > LARGEST_RAW_BYTES:
        raise TooLargeError("wants to become too large")
    if codec == RAW:
        if len(carried) != raw_len:
            raise CompressionError("another length than announced")
        return carried
    try:
        if zstandard.frame_content_size(carried) != raw_len:
            raise CompressionError("another length than announced")
        raw = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES).decompress(
            carried, max_output_size=raw_len, allow_extra_data=False
        )
    except zstandard.ZstdError as broken:
        raise CompressionError("does not unpack") from broken
    if len(raw) != raw_len:
        raise CompressionError("another length than announced")
    return raw


def _records(raw: bytes, head: Head, count: int, writer: Writer) -> Iterator[Record]:
    rows = rows_of(cbor.decode_unchecked(raw), count, writer)
    if cbor.encode(columns_of(rows)) != raw:
        raise NotCanonicalError("columns that could be written in another way")
    for stamp, body in rows:
        record = make_record(head, stamp, body)
        head = record.head
        yield record


__all__ = ["Ack", "Bundle", "BundleError", "make_payload", "open_payload", "split"]
