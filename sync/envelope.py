"""Signed, then sealed: COSE_Sign1 (RFC 9052, Ed25519) inside HPKE (RFC 9180) for one recipient.

Never reads what is inside. The signature covers the recipient's key id, so that nobody can take a signed bundle out of
one envelope and put it into another; the signed form alone can be kept and shown as evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cbor2

from sync import cbor
from sync.failures import (
    AlgorithmError,
    NotABundleError,
    NotCanonicalError,
    NotForUsError,
    NotSignedError,
    SealError,
    TooLargeError,
    UnknownSignerError,
    UnknownSuiteError,
)
from sync.keys import KEY_ID_BYTES, SEAL_OVERHEAD_BYTES, SIGNATURE_BYTES, PublicKey, SealingPublicKey, SigningKey

MAGIC = b"EJ1"
SUITE = 1
"""Ed25519, X25519, HKDF-SHA256, ChaCha20-Poly1305, SHA-256. The Chinese SM2, SM3 and SM4 would be another number."""

LARGEST_BYTES = 256 * 1024
"""Sealed, with everything."""

BUNDLE = b"ejiajia/bundle/1"
_EDDSA = -8
_ALG, _KID = 1, 4
_COSE_SIGN1 = 18
_PREFIX_BYTES = len(MAGIC) + 1 + KEY_ID_BYTES
COSE_OVERHEAD_BYTES = 96
"""Array, protected header, signature: what signing adds at most."""

OVERHEAD_BYTES = _PREFIX_BYTES + SEAL_OVERHEAD_BYTES + COSE_OVERHEAD_BYTES

FindKey = Callable[[bytes], PublicKey | None]
"""From a key id to the key, where it is known."""


def sign(payload: bytes, key: SigningKey, context: bytes) -> bytes:
    """COSE_Sign1 over `payload`; `context` is authenticated and not carried."""
    protected = cbor.encode({_ALG: _EDDSA, _KID: key.public.key_id})
    signature = key.sign(_to_be_signed(protected, context, payload))
    return cbor.encode(cbor2.CBORTag(_COSE_SIGN1, [protected, {}, payload, signature]))


def verify(signed: bytes, find: FindKey, context: bytes) -> tuple[bytes, PublicKey]:
    """The payload and who signed it. Raises NotSignedError, AlgorithmError, UnknownSignerError, SignatureError."""
    protected, payload, signature = _opened(signed)
    try:
        header = cbor.decode(protected)
    except NotCanonicalError as broken:
        raise NotSignedError("a header that is none") from broken
    if not isinstance(header, Mapping):
        raise NotSignedError("a header that is none")
    if header.get(_ALG) != _EDDSA:
        raise AlgorithmError("not signed with Ed25519")
    key_id = header.get(_KID)
    if set(header) != {_ALG, _KID} or type(key_id) is not bytes:
        raise NotSignedError("a header with more or less than it may hold")
    key = find(key_id)
    if key is None:
        raise UnknownSignerError("signed by a key nobody here knows")
    key.verify(signature, _to_be_signed(protected, context, payload))
    return payload, key


def unchecked_payload(signed: bytes) -> bytes:
    """What a message says before its signature is checked: only to find the key in it. Raises NotSignedError."""
    return _opened(signed)[1]


def _opened(signed: bytes) -> tuple[bytes, bytes, bytes]:
    try:
        message = cbor.decode(signed)
    except NotCanonicalError as broken:
        raise NotSignedError("not a COSE_Sign1") from broken
    if type(message) is not cbor2.CBORTag or message.tag != _COSE_SIGN1:
        raise NotSignedError("not a COSE_Sign1")
    parts = message.value
    if type(parts) is not tuple or len(parts) != 4:  # inside a tag cbor2 gives what cannot be changed
        raise NotSignedError("not a COSE_Sign1")
    protected, unprotected, payload, signature = parts
    if not isinstance(unprotected, Mapping) or unprotected:
        raise NotSignedError("nothing stands outside the signature")
    if type(protected) is not bytes or type(payload) is not bytes or type(signature) is not bytes:
        raise NotSignedError("not a COSE_Sign1")
    if len(signature) != SIGNATURE_BYTES:
        raise NotSignedError("a signature has 64 bytes")
    return protected, payload, signature


def _to_be_signed(protected: bytes, context: bytes, payload: bytes) -> bytes:
    """RFC 9052, 4.4."""
    return cbor.encode(["Signature1", protected, context, payload])


def context_for(recipient: bytes) -> bytes:
    """What a bundle's signature says beside its bytes: for whom it was made."""
    return BUNDLE + recipient


def seal(signed: bytes, recipient: SealingPublicKey) -> bytes:
    """What travels. Raises TooLargeError."""
    sealed = MAGIC + bytes([SUITE]) + recipient.key_id + recipient.seal(signed, context_for(recipient.key_id))
    if len(sealed) > LARGEST_BYTES:
        raise TooLargeError("larger than a bundle may be")
    return sealed


def unseal(sealed: bytes, key: SigningKey) -> bytes:
    """The signed bytes. Raises NotABundleError, TooLargeError, UnknownSuiteError, NotForUsError, SealError."""
    if len(sealed) > LARGEST_BYTES:
        raise TooLargeError("larger than a bundle may be")
    if not sealed.startswith(MAGIC) or len(sealed) <= _PREFIX_BYTES:
        raise NotABundleError("does not begin as a bundle does")
    if sealed[len(MAGIC)] != SUITE:
        raise UnknownSuiteError("sealed by a suite we do not know")
    if sealed[len(MAGIC) + 1 : _PREFIX_BYTES] != key.sealing.key_id:
        raise NotForUsError("sealed for somebody else")
    if len(sealed) < _PREFIX_BYTES + SEAL_OVERHEAD_BYTES:
        raise SealError("the seal does not open")
    return key.unseal(sealed[_PREFIX_BYTES:], context_for(key.sealing.key_id))
