"""The county's word on whose key this is: village, keys, log, and until when; a COSE_Sign1 by the county.

Never stops a village from working: one that has lapsed is warned about, not obeyed less (facts/sync.md, Identity).
"""

from __future__ import annotations

from dataclasses import dataclass

from sync import cbor
from sync.envelope import sign, verify
from sync.failures import BundleError, CertificateError
from sync.keys import LOG_BYTES, PUBLIC_BYTES, PublicKey, SealingPublicKey, SigningKey
from sync.record import some_bytes, whole

_CONTEXT = b"ejiajia/certificate/1"
_VERSION = 1
_FIELDS = 10
LASTS_MS = 3 * 365 * 86_400_000
WARN_MS = 60 * 86_400_000
LONGEST_NAME = 20


@dataclass(frozen=True, slots=True)
class Certificate:
    """`village_no`: the county's own number for the village. `log`, `epoch`: the log this key writes."""

    county_log: bytes
    village_no: int
    village: str
    key: PublicKey
    sealing: SealingPublicKey
    log: bytes
    epoch: int
    issued_ms: int
    expires_ms: int


def issue(county: SigningKey, certificate: Certificate) -> bytes:
    """The certificate as it travels and is kept."""
    row = (
        _VERSION, certificate.county_log, certificate.village_no, certificate.village, certificate.key.raw,
        certificate.sealing.raw, certificate.log, certificate.epoch, certificate.issued_ms, certificate.expires_ms,
    )  # fmt: skip
    return sign(cbor.encode(row), county, _CONTEXT)


def read(issued: bytes, county: PublicKey) -> Certificate:
    """Raises CertificateError for whatever this county has not signed."""
    try:
        payload, _ = verify(issued, lambda key_id: county if key_id == county.key_id else None, _CONTEXT)
        row = cbor.decode(payload)
        if type(row) is not list or len(row) != _FIELDS or row[0] != _VERSION:
            raise CertificateError("not a certificate of ours")
        _, county_log, village_no, village, key, sealing, log, epoch, issued_ms, expires_ms = row
        if type(village) is not str or not 1 <= len(village) <= LONGEST_NAME:
            raise CertificateError("a certificate without a name")
        return Certificate(
            county_log=some_bytes(county_log, LOG_BYTES),
            village_no=whole(village_no, low=1),
            village=village,
            key=PublicKey(some_bytes(key, PUBLIC_BYTES)),
            sealing=SealingPublicKey(some_bytes(sealing, PUBLIC_BYTES)),
            log=some_bytes(log, LOG_BYTES),
            epoch=whole(epoch, low=1),
            issued_ms=whole(issued_ms),
            expires_ms=whole(expires_ms),
        )
    except BundleError as broken:
        raise CertificateError("not a certificate of this county") from broken
