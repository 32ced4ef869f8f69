"""Phone numbers at rest: sealed with AES-GCM, found again through a keyed hash.

Never protects a stolen computer: the key file lies on the same SD card (README says so). It protects a copied
database, a backup and an export.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from village.ground.files import write_whole

KEY_BYTES = 32
_NONCE_BYTES = 12


class KeyFileError(Exception):
    """The key file is missing, damaged or readable by others."""


class SealBrokenError(Exception):
    """A sealed value was made with another key, or was altered."""


def make_key_file(path: Path) -> bytes:
    """Write a new random key, readable by its owner alone. Raises FileExistsError: a key is never overwritten."""
    if path.exists():
        raise FileExistsError(path)
    key = os.urandom(KEY_BYTES)
    write_whole(path, key.hex().encode() + b"\n", mode=0o600)
    return key


def read_key_file(path: Path) -> bytes:
    """The 32 bytes in `path`. Raises KeyFileError with a reason a person can act on."""
    try:
        text = path.read_text("ascii").strip()
        if path.stat().st_mode & 0o077:
            raise KeyFileError(f"{path}: chmod 600")
        key = bytes.fromhex(text)
    except FileNotFoundError as missing:
        raise KeyFileError(f"{path}: not found") from missing
    except (ValueError, UnicodeDecodeError) as broken:
        raise KeyFileError(f"{path}: not a key") from broken
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"{path}: not a key")
    return key


def derive(key: bytes, purpose: str) -> bytes:
    """A key of its own for every purpose (RFC 5869), so that none can stand in for another."""
    return HKDFExpand(SHA256(), KEY_BYTES, purpose.encode()).derive(key)


_HALVES = "surrogatepass"
"""An SMS cut in the middle of a picture ends in half a character; it is kept as it came."""


def _bytes(text: str) -> bytes:
    return text.encode(errors=_HALVES)


class Vault:
    """Seals short texts (phone numbers) and finds them again without opening any."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(derive(key, "number-seal-1"))
        self._finder = derive(key, "number-find-1")

    def seal(self, number: str) -> bytes:
        """Nonce and ciphertext; two seals of one number differ."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, _bytes(number), None)

    def open(self, sealed: bytes) -> str:
        """Raises SealBrokenError."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode(errors=_HALVES)
        except (InvalidTag, ValueError) as broken:
            raise SealBrokenError("sealed with another key, or altered") from broken

    def fingerprint(self, number: str) -> bytes:
        """16 bytes that are the same for the same number and say nothing about it without the key."""
        return hmac.new(self._finder, _bytes(number), hashlib.sha256).digest()[:16]
