"""The one-time code with which the first committee account is made.

Derived from the key file and a nonce in the database, so that the server can print the same code at every start until
it is used, although it is stored nowhere. Never opens a second time while there is an account.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sqlite3
import unicodedata

from village.ground.privacy import derive
from village.web.kit import store

_DIGITS = 12


def first_visit_code(tx: sqlite3.Connection, key: bytes) -> str | None:
    """The code to print (`1234 5678 9012`), None once there is an account.

    For a write unit: the first call draws the nonce.
    """
    if store.has_accounts(tx):
        return None
    nonce = store.first_visit_nonce(tx)
    if nonce is None:
        nonce = os.urandom(16)
        store.set_first_visit(tx, nonce)
    return _code(key, nonce)


def is_code(tx: sqlite3.Connection, key: bytes, typed: str) -> bool:
    """Whether `typed` is the open code; spaces, dashes and full-width digits are no mistake."""
    nonce = store.first_visit_nonce(tx)
    digits = "".join(c for c in unicodedata.normalize("NFKC", typed) if c.isascii() and c.isdigit())
    return (
        nonce is not None
        and not store.has_accounts(tx)
        and hmac.compare_digest(digits, _code(key, nonce).replace(" ", ""))
    )


def _code(key: bytes, nonce: bytes) -> str:
    mac = hmac.new(derive(key, "first-visit-1"), nonce, hashlib.sha256).digest()
    digits = f"{int.from_bytes(mac, 'big') % 10**_DIGITS:0{_DIGITS}}"
    return " ".join(digits[start : start + 4] for start in range(0, _DIGITS, 4))
