"""CBOR with one text for one meaning: what does not encode to the very same bytes again is refused.

Never accepts what cbor2 forgives (trailing bytes, long forms, duplicate keys, indefinite lengths). Types are the
caller's to check; on the wire there are arrays, whole numbers, bytes, text, true, false and null.
"""

from __future__ import annotations

import cbor2

from sync.failures import NotCanonicalError

_DEEPEST = 8
_BROKEN = (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError)


def encode(value: object) -> bytes:
    """Arrays from lists and tuples, numbers in their shortest form."""
    return cbor2.dumps(value)


def decode(data: bytes) -> object:
    """Raises NotCanonicalError."""
    value = decode_unchecked(data)
    try:
        again = cbor2.dumps(value)
    except _BROKEN as broken:
        raise NotCanonicalError("not CBOR of ours") from broken
    if again != data:
        raise NotCanonicalError("not the one text for its meaning")
    return value


def decode_unchecked(data: bytes) -> object:
    """For a caller that encodes what it has understood and compares that with `data`. Raises NotCanonicalError."""
    try:
        value: object = cbor2.loads(
            data, max_depth=_DEEPEST, allow_indefinite=False, allow_duplicate_keys=False, strict_hashable_types=False
        )
    except _BROKEN as broken:
        raise NotCanonicalError("not CBOR of ours") from broken
    return value
