"""How a village and its county come to know each other's keys: a code on paper, used once, that never crosses the wire.

Both sides prove that they know the code with a MAC over everything said, so that nobody in between can put keys of
their own in. Never decides whether a code is still good; the county's program does.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from sync import cbor
from sync.certificate import LONGEST_NAME, Certificate, read
from sync.envelope import sign, unchecked_payload, verify
from sync.failures import BundleError, CertificateError, SyncError
from sync.keys import LOG_BYTES, PUBLIC_BYTES, PublicKey, SealingPublicKey, SigningKey
from sync.record import HASH_BYTES, Head, some_bytes, whole

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O, U, so that a code can be read out over the phone."""
_LOOKALIKES = str.maketrans("OILU", "011V")
_ID_LETTERS, _SECRET_LETTERS = 4, 12
"""20 bits that find the code, 60 that are secret: nobody tries them out, not even offline (scrypt)."""

_CONTEXT = b"ejiajia/enrol/1"
_VERSION = 1
_NONCE_BYTES, _MAC_BYTES = 16, 32
_REQUEST_FIELDS, _ANSWER_FIELDS = 8, 8
LARGEST_BYTES = 8192


class CodeError(SyncError):
    """Not a code at all: mistyped."""


class EnrolmentError(SyncError):
    """What came is no enrolment, or does not prove that its sender knows the code."""


class Refused(StrEnum):
    """Why the county says no."""

    WRONG = "wrong"
    USED = "used"
    EXPIRED = "expired"
    WAIT = "wait"


def encode_refusal(why: Refused, wait_s: int = 0) -> bytes:
    """What the county answers instead; not signed, since it promises nothing."""
    return cbor.encode((_VERSION, str(why), wait_s))


def read_refusal(said: bytes) -> tuple[Refused, int] | None:
    """None where it says nothing we understand."""
    try:
        row = cbor.decode(said)
        if type(row) is not list or len(row) != 3 or row[1] not in list(Refused):
            return None
        return Refused(row[1]), whole(row[2], high=86_400)
    except BundleError:
        return None


@dataclass(frozen=True, slots=True, repr=False)
class Code:
    """`id` finds it, `secret` proves it."""

    id: str
    secret: str

    @classmethod
    def new(cls) -> Code:
        letters = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LETTERS + _SECRET_LETTERS))
        return cls(letters[:_ID_LETTERS], letters[_ID_LETTERS:])

    @classmethod
    def read(cls, typed: str) -> Code:
        """As somebody typed it: lower case, spaces, dashes, full-width letters, O for 0. Raises CodeError."""
        plain = unicodedata.normalize("NFKC", typed).upper().translate(_LOOKALIKES)
        letters = "".join(sign for sign in plain if sign.isalnum())
        if len(letters) != _ID_LETTERS + _SECRET_LETTERS or not set(letters) <= set(_ALPHABET):
            raise CodeError("sixteen letters and digits")
        return cls(letters[:_ID_LETTERS], letters[_ID_LETTERS:])

    @property
    def shown(self) -> str:
        """As it stands on paper: ABCD-EFGH-JKMN-PQRS."""
        letters = self.id + self.secret
        return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))

    def key(self) -> bytes:
        """32 bytes; what the county keeps instead of the code. Costs a moment and 16 MB, for whoever would try."""
        return hashlib.scrypt(self.secret.encode(), salt=_CONTEXT + self.id.encode(), n=2**14, r=8, p=1, dklen=32)


def _mac(key: bytes, who: bytes, said: bytes) -> bytes:
    return hmac.new(key, who + said, hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class Request:
    """A village that wants to be known, as its county reads it."""

    code_id: str
    village: str
    key: PublicKey
    sealing: SealingPublicKey
    log: bytes
    said: bytes
    mac: bytes
    raw: bytes

    def proves(self, code_key: bytes) -> bool:
        return hmac.compare_digest(self.mac, _mac(code_key, b"village", self.said))


def make_request(key: SigningKey, village: str, code: Code, code_key: bytes) -> bytes:
    """Signed by the village's own key, so that nobody can enrol a key they do not have."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    row = (_VERSION, code.id, village, key.public.raw, key.sealing.raw, key.public.log, nonce)
    mac = _mac(code_key, b"village", cbor.encode(row))
    return sign(cbor.encode((*row, mac)), key, _CONTEXT)


def read_request(raw: bytes) -> Request:
    """Raises EnrolmentError."""
    try:
        if len(raw) > LARGEST_BYTES:
            raise EnrolmentError("too large")
        row = cbor.decode(unchecked_payload(raw))
        if type(row) is not list or len(row) != _REQUEST_FIELDS:
            raise EnrolmentError("not a request")
        version, code_id, village, key, sealing, log, nonce, mac = row
        whole(version, low=_VERSION, high=_VERSION)
        some_bytes(nonce, _NONCE_BYTES)
        public = PublicKey(some_bytes(key, PUBLIC_BYTES))
        verify(raw, {public.key_id: public}.get, _CONTEXT)
        if type(code_id) is not str or len(code_id) != _ID_LETTERS:
            raise EnrolmentError("no code is named")
        if some_bytes(log, LOG_BYTES) != public.log:
            raise EnrolmentError("a log that is not this key's")
        return Request(
            code_id=code_id,
            village=_name(village),
            key=public,
            sealing=SealingPublicKey(some_bytes(sealing, PUBLIC_BYTES)),
            log=log,
            said=cbor.encode(tuple(row[:-1])),
            mac=some_bytes(mac, _MAC_BYTES),
            raw=raw,
        )
    except BundleError as broken:
        raise EnrolmentError("not a request") from broken


def _name(village: object) -> str:
    if type(village) is str and 1 <= len(village) <= LONGEST_NAME and village.isprintable():
        return village
    raise EnrolmentError("a village without a name")


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What the village learns: whom it answers to, and from where it reads the county's log."""

    county: str
    key: PublicKey
    sealing: SealingPublicKey
    head: Head
    issued: bytes
    certificate: Certificate


def make_answer(
    code_key: bytes, request: Request, county: SigningKey, *, name: str, head: Head, issued: bytes
) -> bytes:
    """`issued`: the certificate; `head`: where the county's log stands now."""
    row = (_VERSION, name, county.public.raw, county.sealing.raw, head.epoch, head.seq, head.hash, issued)
    said = cbor.encode(row)
    return cbor.encode((said, _mac(code_key, b"county", request.raw + said)))


def read_answer(raw: bytes, code_key: bytes, request_raw: bytes, ours: SigningKey) -> Enrolled:
    """Raises EnrolmentError where whoever answered does not know the code, or certified somebody else."""
    try:
        outer = cbor.decode(raw) if len(raw) <= LARGEST_BYTES else None
        if type(outer) is not list or len(outer) != 2 or type(outer[0]) is not bytes or type(outer[1]) is not bytes:
            raise EnrolmentError("not an answer")
        said, mac = outer
        if not hmac.compare_digest(mac, _mac(code_key, b"county", request_raw + said)):
            raise EnrolmentError("whoever answered does not know the code")
        row = cbor.decode(said)
        if type(row) is not list or len(row) != _ANSWER_FIELDS:
            raise EnrolmentError("not an answer")
        version, name, key, sealing, epoch, seq, hash_, issued = row
        whole(version, low=_VERSION, high=_VERSION)
        public = PublicKey(some_bytes(key, PUBLIC_BYTES))
        if type(issued) is not bytes:
            raise EnrolmentError("no certificate")
        certificate = read(issued, public)
        if (certificate.key, certificate.sealing, certificate.log) != (ours.public, ours.sealing, ours.public.log):
            raise EnrolmentError("a certificate for somebody else")
        if certificate.county_log != public.log:
            raise EnrolmentError("a certificate of another county")
        return Enrolled(
            county=_name(name),
            key=public,
            sealing=SealingPublicKey(some_bytes(sealing, PUBLIC_BYTES)),
            head=Head(public.log, whole(epoch, low=1), whole(seq), some_bytes(hash_, HASH_BYTES)),
            issued=issued,
            certificate=certificate,
        )
    except (BundleError, CertificateError) as broken:
        raise EnrolmentError("not an answer") from broken
