"""The root of a list of receipts: RFC 9162's tree, so that one receipt can be proved to be in it.

Never knows what a receipt stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

_LEAF, _NODE = b"\x00", b"\x01"
"""RFC 9162, 2.1.1: a leaf can never be taken for a node."""


def root(leaves: Sequence[bytes]) -> bytes:
    """32 bytes; of an empty list the hash of nothing."""
    if not leaves:
        return sha256(b"").digest()
    return _root([sha256(_LEAF + leaf).digest() for leaf in leaves])


def _root(hashes: Sequence[bytes]) -> bytes:
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1  # the largest power of two below the length
    return sha256(_NODE + _root(hashes[:split]) + _root(hashes[split:])).digest()


def receipts_root(receipts: Sequence[str]) -> bytes:
    """Over the receipts in ascending order, each as its five digits."""
    return root([receipt.encode("ascii") for receipt in sorted(receipts)])
