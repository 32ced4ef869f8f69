"""Everything that can be wrong with what arrives, each by its own name: the name stands on the quarantine page.

Never carries what was in the bundle: a reason is a word, not a quotation.
"""

from __future__ import annotations

from typing import ClassVar


class SyncError(Exception):
    """The root of what can go wrong between a village and its county."""


class BundleError(SyncError):
    """A bundle that is refused. `name` is stable: it is stored, sent and translated."""

    name: ClassVar[str] = "bundle"


class NotABundleError(BundleError):
    """Does not begin as a bundle does."""

    name = "not-a-bundle"


class UnknownSuiteError(BundleError):
    """Sealed by a suite of algorithms we do not know."""

    name = "unknown-suite"


class TooLargeError(BundleError):
    """Larger than any bundle may be, or wants to become."""

    name = "too-large"


class NotForUsError(BundleError):
    """Sealed for somebody else's key."""

    name = "not-for-us"


class SealError(BundleError):
    """The seal does not open: damaged, or altered on the way."""

    name = "seal"


class NotSignedError(BundleError):
    """What was inside is no COSE_Sign1."""

    name = "not-signed"


class AlgorithmError(BundleError):
    """Signed by another algorithm than the suite's."""

    name = "algorithm"


class UnknownSignerError(BundleError):
    """Signed by a key nobody here knows."""

    name = "unknown-signer"


class SignatureError(BundleError):
    """Signed by somebody else, or altered."""

    name = "signature"


class RevokedError(BundleError):
    """The signer's certificate has been revoked."""

    name = "revoked"


class NotCanonicalError(BundleError):
    """CBOR that could have been written in another way: more than one text for one meaning."""

    name = "not-canonical"


class HeaderError(BundleError):
    """A header that is none of ours."""

    name = "header"


class RecipientError(BundleError):
    """Signed for somebody else and sealed for us: copied out of another envelope."""

    name = "recipient"


class ForeignLogError(BundleError):
    """Records of a log that is not the signer's."""

    name = "foreign-log"


class EpochError(BundleError):
    """Records of an epoch that has ended, or has not begun."""

    name = "epoch"


class CompressionError(BundleError):
    """What was compressed does not come out as it was announced."""

    name = "compression"


class CountError(BundleError):
    """More or fewer records than the header says."""

    name = "count"


class UnknownKindError(BundleError):
    """A kind, or a version of it, that is not on the list."""

    name = "unknown-kind"


class ForbiddenKindError(BundleError):
    """A kind that only the other side may write."""

    name = "forbidden-kind"


class FieldError(BundleError):
    """A field that is missing, too many, or not what its kind says."""

    name = "field"


class HeadError(BundleError):
    """The records do not lead to the hash the header promises."""

    name = "head"


class ChainError(BundleError):
    """The records do not follow what is known of this log."""

    name = "chain"


class ForkError(BundleError):
    """Another record already stands in this place: two copies of one key are at work."""

    name = "fork"


class AckError(BundleError):
    """An acknowledgement of what was never sent."""

    name = "ack"


class CertificateError(SyncError):
    """A certificate that is not the county's, or not for this key."""
