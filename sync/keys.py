"""Who signs and for whom a bundle is sealed: one file with one secret for a village or a county.

Never overwrites a key and never prints one; what may be shown is its fingerprint. The sealing key is derived from the
same secret (HKDF), so that there is one file to keep and one to lose.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sync.failures import SealError, SignatureError, SyncError

PUBLIC_BYTES = 32
SIGNATURE_BYTES = 64
KEY_ID_BYTES = 8
LOG_BYTES = 16

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)
"""RFC 9180, base mode. ChaCha20: a Pi has no AES instructions."""

SEAL_OVERHEAD_BYTES = 32 + 16
"""The encapsulated key and the tag."""


class KeyFileError(SyncError):
    """The signing key is missing, damaged, or readable by others."""


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

    @property
    def key_id(self) -> bytes:
        """8 bytes by which a bundle names its signer."""
        return hashlib.sha256(b"ejiajia/key/1" + self.raw).digest()[:KEY_ID_BYTES]

    @property
    def log(self) -> bytes:
        """16 bytes: the log that this key began."""
        return hashlib.sha256(b"ejiajia/log/1" + self.raw).digest()[:LOG_BYTES]

    def verify(self, signature: bytes, message: bytes) -> None:
        """Raises SignatureError."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature as broken:
            raise SignatureError("signed by somebody else, or altered") from broken


@dataclass(frozen=True, slots=True)
class SealingPublicKey:
    """For whom a bundle is sealed: 32 bytes (RFC 7748)."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != PUBLIC_BYTES:
            raise SealError("a sealing key has 32 bytes")

    @property
    def key_id(self) -> bytes:
        """8 bytes by which a bundle names its recipient."""
        return hashlib.sha256(b"ejiajia/seal/1" + self.raw).digest()[:KEY_ID_BYTES]

    def seal(self, plain: bytes, info: bytes) -> bytes:
        """Encapsulated key, ciphertext, tag; 48 bytes longer than `plain`. Raises SealError for a key that is none."""
        try:
            return _SUITE.encrypt(plain, X25519PublicKey.from_public_bytes(self.raw), info)
        except ValueError as broken:
            raise SealError("not a key that can be sealed for") from broken


class SigningKey:
    """Signs and unseals for one owner; `SigningKey.make` writes it, `SigningKey.read` finds it again."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = PublicKey(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        derived = HKDF(SHA256(), 32, salt=None, info=b"ejiajia seal 1").derive(seed)
        self._unsealing = X25519PrivateKey.from_private_bytes(derived)
        self.sealing = SealingPublicKey(self._unsealing.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """The key of these 32 bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

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
            return cls.from_seed(bytes.fromhex(path.read_text("ascii").strip()))
        except FileNotFoundError as missing:
            raise KeyFileError(f"{path}: not found") from missing
        except ValueError as broken:
            raise KeyFileError(f"{path}: not a signing key") from broken

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._private.sign(message)

    def unseal(self, sealed: bytes, info: bytes) -> bytes:
        """Raises SealError."""
        try:
            return _SUITE.decrypt(sealed, self._unsealing, info)
        except (InvalidTag, ValueError) as broken:
            raise SealError("the seal does not open") from broken
