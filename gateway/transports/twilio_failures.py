"""Twilio's error numbers and statuses → what the outbox has to do about them. Tables, and functions that read them.

Sources: twilio.com/docs/api/errors (each number has a page there) and the Message resource's list of statuses, both as
of 2026. Never looks at a message, never at the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway.failures import (
    OutcomeUnknownError,
    RejectedError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
)
from gateway.message import State

Kind = type[RejectedError | RetryLaterError | TransportDownError]

CODES: Mapping[int, tuple[Kind, Trouble]] = MappingProxyType(
    {
        # this number, for good
        13224: (RejectedError, Trouble.DEAD_NUMBER),
        21211: (RejectedError, Trouble.DEAD_NUMBER),
        21214: (RejectedError, Trouble.DEAD_NUMBER),
        21217: (RejectedError, Trouble.DEAD_NUMBER),
        21266: (RejectedError, Trouble.DEAD_NUMBER),  # it is our own
        21614: (RejectedError, Trouble.DEAD_NUMBER),
        21635: (RejectedError, Trouble.DEAD_NUMBER),  # a landline
        30005: (RejectedError, Trouble.DEAD_NUMBER),
        30006: (RejectedError, Trouble.DEAD_NUMBER),
        # this text, for good
        21617: (RejectedError, Trouble.CONTENT),
        30004: (RejectedError, Trouble.CONTENT),
        # for good, by its owner's wish: he wrote STOP to this sender. The number lives, so it is not a dead one; and no
        # carrier said no, so not REFUSED, with which the next line would text him all the same: as one taken back
        21610: (RejectedError, Trouble.OTHER),
        # for good, but on this carrier's word alone: a filter of Twilio's or of its carrier's; it may pass another
        30007: (RejectedError, Trouble.REFUSED),
        # nothing will go until a person has done something
        10001: (TransportDownError, Trouble.NO_CREDIT),  # the account is not active: nearly always a bill
        20003: (TransportDownError, Trouble.REFUSED),
        20404: (TransportDownError, Trouble.REFUSED),
        21212: (TransportDownError, Trouble.REFUSED),
        21408: (TransportDownError, Trouble.REFUSED),
        21601: (TransportDownError, Trouble.REFUSED),
        21606: (TransportDownError, Trouble.REFUSED),
        21608: (TransportDownError, Trouble.REFUSED),
        21701: (TransportDownError, Trouble.REFUSED),
        21703: (TransportDownError, Trouble.REFUSED),
        21704: (TransportDownError, Trouble.REFUSED),
        21705: (TransportDownError, Trouble.REFUSED),
        30002: (TransportDownError, Trouble.NO_CREDIT),
        # another time
        10004: (RetryLaterError, Trouble.CONGESTION),
        14107: (RetryLaterError, Trouble.CONGESTION),
        20429: (RetryLaterError, Trouble.CONGESTION),  # never processed
        21611: (RetryLaterError, Trouble.CONGESTION),
        22005: (RetryLaterError, Trouble.CONGESTION),
        30001: (RetryLaterError, Trouble.CONGESTION),
        30017: (RetryLaterError, Trouble.CONGESTION),
        30036: (RetryLaterError, Trouble.CONGESTION),  # it lay ten hours in Twilio's queue and was never sent
        63018: (RetryLaterError, Trouble.CONGESTION),
        30008: (RetryLaterError, Trouble.OTHER),
        # "not retried to avoid duplicate message delivery", says its page: only an emergency goes out a second time
        30410: (RetryLaterError, Trouble.TIMEOUT),
        # later, or by voice
        21612: (RetryLaterError, Trouble.REFUSED),
        30003: (RetryLaterError, Trouble.NO_SIGNAL),
    }
)
"""What is not in here is tried again as `other`."""

BY_DESTINATION = frozenset({"21408", "21608"})
"""A permission that may be missing for one country or one number only, while all others go."""

STATES: Mapping[str, State] = MappingProxyType(
    {
        "accepted": State.ACCEPTED,
        "scheduled": State.ACCEPTED,
        "queued": State.ACCEPTED,
        "sending": State.ACCEPTED,
        "sent": State.ACCEPTED,
        "delivered": State.DELIVERED,
        "read": State.DELIVERED,
        "undelivered": State.FAILED,
        "failed": State.FAILED,
        "canceled": State.FAILED,
    }
)
"""What is not in here (`partially_delivered`, and what comes in) says nothing of a message of ours."""


def is_final(status: str) -> bool:
    """Whether Twilio will say no more of it; `read` may follow `delivered`, and says nothing new."""
    return STATES.get(status) in (State.DELIVERED, State.FAILED)


def failure_of(http_status: int, code: int | None, *, after_ms: int | None = None) -> TransportFailure:
    """The failure behind an HTTP answer that is no success. `after_ms`: Twilio's own wish (Retry-After).

    5xx, and 408 of something in between: the message may have been taken all the same.
    """
    word = str(code or http_status)
    if http_status >= 500 or http_status == 408:
        return OutcomeUnknownError(Trouble.TIMEOUT, word)
    if http_status == 429:
        return RetryLaterError(Trouble.CONGESTION, word, after_ms=after_ms)
    if http_status < 400:  # a page that wants somebody to sign in stands between us and Twilio
        return TransportDownError(Trouble.NO_SIGNAL, word)
    if code is not None and code in CODES:
        kind, trouble = CODES[code]
        return kind(trouble, word)
    if http_status in (401, 403, 404):
        return TransportDownError(Trouble.REFUSED, word)
    return RetryLaterError(Trouble.OTHER, word)


def report_trouble(status: str, code: int | None) -> tuple[Trouble, bool]:
    """Why a message that was taken did not arrive, and whether for good."""
    if status == "canceled":  # a person took it back: no carrier said no, and no other one is asked
        return Trouble.OTHER, True
    kind, trouble = CODES.get(code or 0, (RetryLaterError, Trouble.OTHER))
    return trouble, kind is RejectedError
