"""CBOR with one text for one meaning: what does not encode to the very same bytes again is refused.

Never accepts what cbor2 forgives (trailing bytes, long forms, duplicate keys, indefinite lengths). Types are the
caller's to check; on the wire there are arrays, whole numbers, bytes, text, true, false and null.
"""

from __future__ import annotations

import cbor2

from sync.failures import NotCanonicalError

_DEEPEST = 8


def encode(value: object) -> bytes:
    """Arrays from lists and tuples, numbers in their shortest form."""
    return cbor2.dumps(value)


def decode(data: bytes) -> object:
    """Raises NotCanonicalError."""
    try:
        value: object = cbor2.loads(
            data, max_depth=_DEEPEST, allow_indefinite=False, allow_duplicate_keys=False, strict_hashable_types=False
        )
        again = cbor2.dumps(value)
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as broken:
        raise NotCanonicalError("not CBOR of ours") from broken
    if again != data:
        raise NotCanonicalError("not the one text for its meaning")
    return value
