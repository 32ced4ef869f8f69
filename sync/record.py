"""A record: one thing that happened, in its place in a log, bound to everything before it.

Never holds anything personal (`kinds.py` is the list). Its order is its sequence number; the wall time is what the
writer's clock said, and `trusted` whether that clock could be believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from sync import cbor
from sync.failures import ChainError, FieldError
from sync.kinds import Body, Writer, decode_body, encode_body, kind_of

VERSION = 1
HASH_BYTES, BOOT_BYTES = 32, 8
START = bytes(HASH_BYTES)
"""What stands before the first record."""

_PURPOSE = b"ejiajia/record/1"
_FIELDS = 13
_LARGEST = 2**62


@dataclass(frozen=True, slots=True)
class Head:
    """The last record known of a log; `seq` 0: none yet."""

    log: bytes
    epoch: int
    seq: int
    hash: bytes

    @classmethod
    def before(cls, log: bytes, epoch: int = 1) -> Head:
        """Where a log begins."""
        return cls(log, epoch, 0, START)


@dataclass(frozen=True, slots=True)
class Stamp:
    """When it was written, as far as the writer knew."""

    boot_id: bytes
    monotonic_ms: int
    wall_ms: int
    trusted: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A record with its encoding, which is what is hashed, kept and compared."""

    log: bytes
    epoch: int
    seq: int
    prev: bytes
    stamp: Stamp
    body: Body
    encoded: bytes
    hash: bytes

    @property
    def head(self) -> Head:
        return Head(self.log, self.epoch, self.seq, self.hash)


def make_record(before: Head, stamp: Stamp, body: Body) -> Record:
    """The record after `before`. The body must have been checked."""
    seq = before.seq + 1
    encoded = cbor.encode(
        (
            VERSION, before.log, before.epoch, seq, before.hash, body.CODE, body.SCHEMA, body.PRIORITY, stamp.boot_id,
            stamp.monotonic_ms, stamp.wall_ms, 1 if stamp.trusted else 0, encode_body(body),
        )
    )  # fmt: skip
    return Record(before.log, before.epoch, seq, before.hash, stamp, body, encoded, sha256(_PURPOSE + encoded).digest())


def decode_record(data: bytes, writer: Writer) -> Record:
    """A record from its own encoding (as a log keeps it). Raises BundleError."""
    row = cbor.decode_unchecked(data)  # compared below
    if type(row) is not list or len(row) != _FIELDS:
        raise FieldError("not a record")
    version, log, epoch, seq, prev, code, schema, priority, boot_id, monotonic_ms, wall_ms, quality, values = row
    kind = kind_of(code, schema, writer)
    whole(version, low=VERSION, high=VERSION)
    whole(priority, low=kind.PRIORITY, high=kind.PRIORITY)
    if type(values) is not list:
        raise FieldError("not a record")
    whole(epoch, low=1)
    whole(seq, low=1)
    some_bytes(log, 16)
    some_bytes(prev, HASH_BYTES)
    stamp = checked_stamp(boot_id, monotonic_ms, wall_ms, quality)
    record = make_record(Head(log, epoch, seq - 1, prev), stamp, decode_body(kind, values))
    if record.encoded != data:
        raise FieldError("not a record of ours")
    return record


def checked_stamp(boot_id: object, monotonic_ms: object, wall_ms: object, quality: object) -> Stamp:
    """Raises FieldError."""
    if type(quality) is not int or quality not in (0, 1):
        raise FieldError("a clock is trusted or guessed")
    return Stamp(some_bytes(boot_id, BOOT_BYTES), whole(monotonic_ms), whole(wall_ms), quality == 1)


def whole(value: object, *, low: int = 0, high: int = _LARGEST) -> int:
    """Raises FieldError."""
    if type(value) is int and low <= value <= high:
        return value
    raise FieldError("not a whole number that fits")


def some_bytes(value: object, length: int) -> bytes:
    """Raises FieldError."""
    if type(value) is bytes and len(value) == length:
        return value
    raise FieldError("not bytes of that length")


def follow(head: Head, records: list[Record]) -> Head:
    """Where the log stands after these. Raises ChainError where one does not follow the one before it."""
    for record in records:
        if (record.log, record.epoch, record.seq, record.prev) != (head.log, head.epoch, head.seq + 1, head.hash):
            raise ChainError("does not follow")
        head = record.head
    return head
