"""Who signs: one Ed25519 key for a village or a county, kept in a file of its owner's.

Never overwrites a key and never prints one; what may be shown is its fingerprint.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64


class SyncError(Exception):
    """The root of what can go wrong between a village and its county."""


class KeyFileError(SyncError):
    """The signing key is missing, damaged, or readable by others."""


class SignatureError(SyncError):
    """Signed by somebody else, or altered."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What the other side knows of a signer: 32 bytes (RFC 8032)."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != PUBLIC_BYTES:
            raise SignatureError("a public key has 32 bytes")

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits in groups of four, short enough to be read out over the phone."""
        digest = hashlib.sha256(self.raw).hexdigest()[:16]
        return " ".join(digest[start : start + 4] for start in range(0, 16, 4))

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises SignatureError."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature as broken:
            raise SignatureError("signed by somebody else, or altered") from broken


class SigningKey:
    """Signs for one owner; `SigningKey.make` writes it, `SigningKey.read` finds it again."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = PublicKey(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def make(cls, path: Path) -> SigningKey:
        """A new key in a file that only its owner can read. Raises FileExistsError, OSError."""
        if path.exists():
            raise FileExistsError(path)
        private = Ed25519PrivateKey.generate()
        raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        beside = path.with_name(f".{path.name}.part")  # half a key must never stand under the key's name
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(raw.hex().encode() + b"\n")
            file.flush()
            os.fsync(handle)
        beside.rename(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return cls(private)

    @classmethod
    def read(cls, path: Path) -> SigningKey:
        """Raises KeyFileError."""
        try:
            if path.stat().st_mode & 0o077:
                raise KeyFileError(f"{path}: chmod 600")
            return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text("ascii").strip())))
        except FileNotFoundError as missing:
            raise KeyFileError(f"{path}: not found") from missing
        except ValueError as broken:
            raise KeyFileError(f"{path}: not a signing key") from broken

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)
