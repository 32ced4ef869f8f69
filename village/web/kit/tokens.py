"""The hidden field of every form: proof that the form is ours, and a number that is used up with it.

A nonce and its MAC under the village's key and the browser's binding: nothing is stored until the form has had its
effect, and two renderings never look alike, so that compression gives nothing away.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os

_BYTES = 16


def make_token(key: bytes, binding: bytes) -> str:
    nonce = os.urandom(_BYTES)
    return base64.urlsafe_b64encode(nonce + _mac(key, binding, nonce)).decode().rstrip("=")


def read_token(key: bytes, binding: bytes, token: str) -> bytes | None:
    """The nonce of a token of ours, None for every other text."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (ValueError, binascii.Error):
        return None
    nonce, mac = raw[:_BYTES], raw[_BYTES:]
    return nonce if hmac.compare_digest(mac, _mac(key, binding, nonce)) else None


def sign(key: bytes, text: bytes) -> bytes:
    """A short MAC for a value that a browser keeps for us."""
    return hmac.new(key, text, hashlib.sha256).digest()[:_BYTES]


def _mac(key: bytes, binding: bytes, nonce: bytes) -> bytes:
    return hmac.new(key, len(binding).to_bytes(2, "big") + binding + nonce, hashlib.sha256).digest()[:_BYTES]
