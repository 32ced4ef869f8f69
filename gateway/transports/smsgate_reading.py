"""What the app's rows and calls mean, and whether a call is the phone's. Pure; believes nothing of their form.

Sources: those named in `smsgate_api.py`; of the calls, docs-web docs/features/webhooks.md (payloads, signature) and the
app's webhooks/plugins/PayloadSingingPlugin.kt (hex HMAC-SHA256 of the body followed by the time in X-Timestamp).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

from gateway.callback import Callback
from gateway.message import State
from gateway.transport import Inbound, Report
from gateway.transports.smsgate_failures import CANCELLED, Mishap, mishap
from gateway.verdict import read_reference

FRESH_MS = 300_000
"""A call signed longer ago than this is somebody's recording; the app signs each repetition anew."""

_YEAR_2000_MS = 946_684_800_000


class Said(StrEnum):
    """The app's words for where a message is."""

    PENDING = "Pending"
    PROCESSED = "Processed"
    SENT = "Sent"
    DELIVERED = "Delivered"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def open(self) -> bool:
        return self in (Said.PENDING, Said.PROCESSED, Said.SENT)


@dataclass(frozen=True, slots=True)
class Seen:
    """One message of ours as the phone knows it. `at_ms`: since when it is so; `pending_ms`: when it was handed over,
    both by the phone's clock."""

    reference: str
    said: Said
    at_ms: int | None = None
    pending_ms: int | None = None
    why: Mishap | None = None

    def report(self) -> Report | None:
        """What of it is news to the outbox; None while the phone has merely got it."""
        match self.said:
            case Said.PENDING | Said.PROCESSED:
                return None
            case Said.SENT:
                return Report(self.reference, State.ACCEPTED, self.at_ms)
            case Said.DELIVERED:
                return Report(self.reference, State.DELIVERED, self.at_ms)
        why = self.why or mishap("")
        return Report(self.reference, State.FAILED, self.at_ms, why.trouble, why.code, why.final)


def is_ours(reference: str) -> bool:
    return read_reference(reference) is not None


def seen(row: Any) -> Seen | None:
    """A row of GET /messages, or the whole of GET /messages/{id}; None where it is none of ours or makes no sense.

    A message of ours has one recipient, and his state is the true one: the app brings the message's own up to date
    only when it is asked for by id.
    """
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not is_ours(row["id"]):
        return None
    recipients = row.get("recipients")
    one = recipients[0] if isinstance(recipients, list) and recipients and isinstance(recipients[0], dict) else row
    said = _word(one.get("state"))
    if said is None:
        return None
    states = row["states"] if isinstance(row.get("states"), dict) else {}
    return Seen(
        row["id"], said, moment_ms(states.get(said)), moment_ms(states.get(Said.PENDING)), _why(said, one.get("error"))
    )


_EVENTS: Mapping[str, tuple[Said, str]] = {
    "sms:sent": (Said.SENT, "sentAt"),
    "sms:delivered": (Said.DELIVERED, "deliveredAt"),
    "sms:failed": (Said.FAILED, "failedAt"),
}

EVENTS = ("sms:received", *_EVENTS)
"""What the phone is asked to call about. MMS and data SMS are not: the village can read neither."""


def heard(call: Any) -> Inbound | Seen | None:
    """A call of the app; None of what is no concern of the village."""
    if not isinstance(call, dict) or not isinstance(payload := call.get("payload"), dict):
        return None
    event = call.get("event")
    if event == "sms:received":
        return _text(payload, "message", "receivedAt")
    if not isinstance(event, str) or event not in _EVENTS:
        return None
    said, at = _EVENTS[event]
    reference = payload.get("messageId")
    if not isinstance(reference, str) or not is_ours(reference):
        return None
    return Seen(reference, said, moment_ms(payload.get(at)), None, _why(said, payload.get("reason")))


def text_in(row: Mapping[str, Any]) -> Inbound | None:
    """A row of GET /inbox."""
    return _text(row, "contentPreview", "createdAt") if row.get("type", "SMS") == "SMS" else None


def _text(row: Mapping[str, Any], text: str, at: str) -> Inbound | None:
    """The app's own id is left out. It is a 32-bit hash of sender, time and text in two different spellings, and its
    documentation warns that two texts may share one: the second villager's would be thrown away. Sender, centre time
    and text are the same by both ways, and the inbox knows a text by those."""
    sender = row.get("sender") or row.get("phoneNumber")
    if not isinstance(sender, str) or not isinstance(row.get(text), str):
        return None
    return Inbound(sender, row[text], moment_ms(row.get(at)))


def _word(said: Any) -> Said | None:
    return Said(said) if isinstance(said, str) and said in set(Said) else None


def _why(said: Said, sentence: Any) -> Mishap | None:
    if said is Said.CANCELLED:
        return CANCELLED
    return mishap(sentence if isinstance(sentence, str) else "") if said is Said.FAILED else None


def moment_ms(said: Any) -> int | None:
    """2026-12-05T09:10:00.000+08:00; None without a zone, for nonsense, and for the zero some phones write."""
    if not isinstance(said, str):
        return None
    try:
        moment = datetime.fromisoformat(said)
        at_ms = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None
    return at_ms if moment.tzinfo is not None and at_ms > _YEAR_2000_MS else None


# whose call it is


def token(name: str, password: str) -> str:
    """What the address the phone is given ends in, so that nobody calls it who has not seen it: hex, 128 bits."""
    return hmac.new(password.encode(), f"callback\n{name}".encode(), hashlib.sha256).hexdigest()[:32]


def objection(call: Callback, *, token: str, signing_key: str, phone_ms: int | None) -> int | None:
    """Why a call is not taken, as an HTTP status; None: it is the phone's.

    401 where a proof is missing, 403 where it is wrong or too old. `phone_ms`: what the phone's clock says now, by
    which it signs; None: unknown, then the age cannot be told, and the inbox alone sees that a text came before.
    """
    shown = parse_qs(call.query).get("key", [""])[0]
    if not shown:
        return 401
    if not hmac.compare_digest(shown.encode(), token.encode()):
        return 403
    if not signing_key:
        return None
    signature, signed_s = call.headers.get("x-signature", ""), call.headers.get("x-timestamp", "")
    if not signature or not signed_s:
        return 401
    wanted = hmac.new(signing_key.encode(), call.body + signed_s.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
        return 403
    if not (signed_s.isascii() and signed_s.isdigit() and len(signed_s) < 12):
        return 403
    return 403 if phone_ms is not None and abs(phone_ms - int(signed_s) * 1000) > FRESH_MS else None
