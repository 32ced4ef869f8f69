"""What the app on the phone says of a message → what the outbox has to do about it. Pure; never logs.

The app writes a sentence into a recipient's `error` (and a webhook's `reason`). It holds one of Android's own result
names, or the SMS centre's status; it may also hold a number (the centre's, the villager's), so only the name or the
status is ever kept as a code.

Sources: capcom6/android-sms-gateway, app/src/main/java/me/capcom/smsgateway/modules/messages/MessagesService.kt (the
sentences, and which result name goes into them); android-sms-gateway/docs-web, docs/faq/errors.md (what the names mean
to its users); 3GPP TS 23.040 §9.2.3.15 for the centre's status.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.failures import (
    OutcomeUnknownError,
    RejectedError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
)
from gateway.transports.modem_failures import report_trouble

LOCKED_OUT_MS = 300_000
"""Newer versions shut everybody out for five minutes after ten wrong passwords: no more looks than that."""


@dataclass(frozen=True, slots=True)
class Mishap:
    """`final`: no second try can mend it. `line`: it is the phone that cannot send now, not this one message."""

    trouble: Trouble
    code: str
    final: bool = False
    line: bool = False


_AGAIN, _FOR_GOOD, _THE_LINE = (False, False), (True, False), (False, True)

RESULTS: Mapping[str, tuple[Trouble, tuple[bool, bool]]] = MappingProxyType(
    {
        # Android's catch-all; its users mostly find an empty SIM behind it, but as often a bad moment of the network
        "RESULT_ERROR_GENERIC_FAILURE": (Trouble.OTHER, _AGAIN),
        "RESULT_ERROR_NO_SERVICE": (Trouble.NO_SIGNAL, _THE_LINE),
        "RESULT_ERROR_RADIO_OFF": (Trouble.NO_SIGNAL, _THE_LINE),
        "RESULT_RADIO_NOT_AVAILABLE": (Trouble.NO_SIGNAL, _THE_LINE),
        "RESULT_RIL_RADIO_NOT_AVAILABLE": (Trouble.NO_SIGNAL, _THE_LINE),
        "RESULT_RIL_NETWORK_NOT_READY": (Trouble.NO_SIGNAL, _THE_LINE),
        "RESULT_RIL_SIM_ABSENT": (Trouble.NO_SIGNAL, _THE_LINE),
        "RESULT_NO_DEFAULT_SMS_APP": (Trouble.REFUSED, _THE_LINE),
        "RESULT_INVALID_SMSC_ADDRESS": (Trouble.REFUSED, _THE_LINE),
        "RESULT_RIL_INVALID_SMSC_ADDRESS": (Trouble.REFUSED, _THE_LINE),
        # Android lets an app send so many in half an hour; then somebody has to press a button, or wait
        "RESULT_ERROR_LIMIT_EXCEEDED": (Trouble.CONGESTION, _THE_LINE),
        "RESULT_UNEXPECTED_EVENT_STOP_SENDING": (Trouble.CONGESTION, _THE_LINE),
        "RESULT_RIL_REQUEST_RATE_LIMITED": (Trouble.CONGESTION, _AGAIN),
        "RESULT_RIL_SMS_SEND_FAIL_RETRY": (Trouble.CONGESTION, _AGAIN),
        "RESULT_SMS_SEND_RETRY_FAILED": (Trouble.CONGESTION, _AGAIN),
        "RESULT_SMS_BLOCKED_DURING_EMERGENCY": (Trouble.CONGESTION, _AGAIN),
        "RESULT_NETWORK_ERROR": (Trouble.CONGESTION, _AGAIN),
        "RESULT_RIL_NETWORK_ERR": (Trouble.CONGESTION, _AGAIN),
        "RESULT_NETWORK_REJECT": (Trouble.REFUSED, _AGAIN),
        "RESULT_RIL_NETWORK_REJECT": (Trouble.REFUSED, _AGAIN),
        "RESULT_ERROR_FDN_CHECK_FAILURE": (Trouble.REFUSED, _FOR_GOOD),
        "RESULT_ERROR_SHORT_CODE_NOT_ALLOWED": (Trouble.REFUSED, _FOR_GOOD),
        "RESULT_ERROR_SHORT_CODE_NEVER_ALLOWED": (Trouble.REFUSED, _FOR_GOOD),
        "RESULT_ERROR_NULL_PDU": (Trouble.CONTENT, _FOR_GOOD),
        "RESULT_ENCODING_ERROR": (Trouble.CONTENT, _FOR_GOOD),
        "RESULT_RIL_ENCODING_ERR": (Trouble.CONTENT, _FOR_GOOD),
        "RESULT_INVALID_SMS_FORMAT": (Trouble.CONTENT, _FOR_GOOD),
        "RESULT_RIL_INVALID_SMS_FORMAT": (Trouble.CONTENT, _FOR_GOOD),
    }
)
"""What is not in here is tried again as `other`."""

_SENTENCES: Mapping[str, tuple[str, Trouble, tuple[bool, bool]]] = MappingProxyType(
    {
        "ttl expired": ("ttl-expired", Trouble.TIMEOUT, _FOR_GOOD),
        "invalid phone number": ("invalid-number", Trouble.DEAD_NUMBER, _FOR_GOOD),
        "invalid destinationaddress": ("invalid-number", Trouble.DEAD_NUMBER, _FOR_GOOD),
        "no sims found": ("no-sim", Trouble.NO_SIGNAL, _THE_LINE),
        "sim selection requires": ("no-permission", Trouble.REFUSED, _THE_LINE),
        "sending sms message: uid": ("no-permission", Trouble.REFUSED, _THE_LINE),
    }
)
"""Sentences without a result name: the app's own, and those of Android's exceptions it quotes."""

_NAME = re.compile(r"RESULT_[A-Z_]{3,60}")
_CENTRE = re.compile(r"Delivery result from SC .*: (\d{1,3})\s*\Z", re.DOTALL)
_NO_SIM = re.compile(r"\bSIM \d{1,2} not found")


def mishap(said: str) -> Mishap:
    """Why a message failed, from the app's sentence."""
    if centre := _CENTRE.search(said):
        status = int(centre[1])
        trouble, final = report_trouble(status)
        return Mishap(trouble, f"{status:02x}", final)
    if name := _NAME.search(said):
        trouble, (final, line) = RESULTS.get(name[0], (Trouble.OTHER, _AGAIN))
        return Mishap(trouble, name[0], final, line)
    if _NO_SIM.search(said):
        return Mishap(Trouble.NO_SIGNAL, "no-sim", line=True)
    lower = said.lower()
    for sentence, (code, trouble, (final, line)) in _SENTENCES.items():
        if sentence in lower:
            return Mishap(trouble, code, final, line)
    return Mishap(Trouble.OTHER, "")


CANCELLED = Mishap(Trouble.OTHER, "cancelled", final=True)
"""Somebody took it back by hand, at the phone: no carrier said no, and no other line is asked."""


def refusal(status: int, said: str) -> TransportFailure:
    """The failure behind an HTTP status that came in answer to one message.

    5xx is unknown, not "later": the app answers 500 to any exception, also to one after it has written the message
    down. It can be asked by id, so unknown does not last. A 400 nobody knows is tried again, and not refused for good:
    after a change of the app's contract it would otherwise cost every message in the queue.
    """
    code = str(status)
    if status in (401, 403):
        return TransportDownError(Trouble.REFUSED, code, after_ms=LOCKED_OUT_MS)
    if status == 429:
        return RetryLaterError(Trouble.CONGESTION, code)
    if status in (400, 422):
        return _bad_request(code, said.lower())
    if status >= 500:
        return OutcomeUnknownError(Trouble.OTHER, code)
    return TransportDownError(Trouble.REFUSED, code)  # a redirect, a 404: whoever lives at that address, it is no phone


def _bad_request(code: str, said: str) -> TransportFailure:
    if "text message is empty" in said:
        return RejectedError(Trouble.CONTENT, code)
    if "already expired" in said:
        return RejectedError(Trouble.TIMEOUT, code)
    if "phone number" in said and "empty" not in said:
        return RejectedError(Trouble.DEAD_NUMBER, code)
    if "sim number" in said or "simnumber" in said:
        return TransportDownError(Trouble.REFUSED, code)
    return RetryLaterError(Trouble.REFUSED, code)
