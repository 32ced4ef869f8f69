"""What the app says of a message → failure class: the table, and what must never get out of a sentence."""

from __future__ import annotations

import pytest

from gateway.failures import (
    OutcomeUnknownError,
    RejectedError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
)
from gateway.transports.smsgate_failures import mishap, refusal


@pytest.mark.parametrize(
    ("said", "trouble", "code", "final", "line"),
    [
        (
            "Send result: RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)",
            Trouble.OTHER, "RESULT_ERROR_GENERIC_FAILURE", False, False,
        ),
        ("Send result: RESULT_ERROR_NO_SERVICE (…)", Trouble.NO_SIGNAL, "RESULT_ERROR_NO_SERVICE", False, True),
        ("Send result: RESULT_ERROR_RADIO_OFF (…)", Trouble.NO_SIGNAL, "RESULT_ERROR_RADIO_OFF", False, True),
        ("Send result: RESULT_ERROR_NULL_PDU (…)", Trouble.CONTENT, "RESULT_ERROR_NULL_PDU", True, False),
        ("RESULT_ERROR_LIMIT_EXCEEDED", Trouble.CONGESTION, "RESULT_ERROR_LIMIT_EXCEEDED", False, True),
        ("Send result: RESULT_NEW_IN_ANDROID_20 (…)", Trouble.OTHER, "RESULT_NEW_IN_ANDROID_", False, False),
        ("TTL expired", Trouble.TIMEOUT, "ttl-expired", True, False),
        ("sendSMS: Invalid phone number", Trouble.DEAD_NUMBER, "invalid-number", True, False),
        ("Can't send message: No SIMs found", Trouble.NO_SIGNAL, "no-sim", False, True),
        ("Can't send message: SIM 2 not found", Trouble.NO_SIGNAL, "no-sim", False, True),
        ("Delivery result from SC +8619900000000: 67", Trouble.DEAD_NUMBER, "43", True, False),
        ("Delivery result from SC +8619900000000: 70", Trouble.NO_SIGNAL, "46", False, False),
        ("Delivery result: 1", Trouble.OTHER, "", False, False),
        ("", Trouble.OTHER, "", False, False),
    ],
)  # fmt: skip
def test_a_sentence_finds_its_class(said: str, trouble: Trouble, code: str, final: bool, line: bool) -> None:
    found = mishap(said)
    assert (found.trouble, found.code, found.final, found.line) == (trouble, code, final, line)


@pytest.mark.parametrize(
    "said",
    ["Delivery result from SC +8619900000000: 67", "sendSMS: bad 19900000001", "Can't send message: 19900000001"],
)
def test_no_code_ever_holds_a_number(said: str) -> None:
    assert "199" not in mishap(said).code


@pytest.mark.parametrize(
    ("status", "said", "kind", "trouble"),
    [
        (401, "", TransportDownError, Trouble.REFUSED),
        (403, "", TransportDownError, Trouble.REFUSED),
        (404, "", TransportDownError, Trouble.REFUSED),
        (302, "", TransportDownError, Trouble.REFUSED),
        (429, "", RetryLaterError, Trouble.CONGESTION),
        (500, "database is locked", OutcomeUnknownError, Trouble.OTHER),
        (503, "", OutcomeUnknownError, Trouble.OTHER),
        (400, "Text message is empty", RejectedError, Trouble.CONTENT),
        (400, "message already expired", RejectedError, Trouble.TIMEOUT),
        (400, "Invalid phone number in row 1", RejectedError, Trouble.DEAD_NUMBER),
        (400, "Empty phone numbers list", RetryLaterError, Trouble.REFUSED),
        (400, "SIM number cannot be less than 1", TransportDownError, Trouble.REFUSED),
        (400, "Unexpected JSON token", RetryLaterError, Trouble.REFUSED),
    ],
)
def test_a_status_finds_its_class(status: int, said: str, kind: type[TransportFailure], trouble: Trouble) -> None:
    failure = refusal(status, said)
    assert type(failure) is kind
    assert (failure.trouble, failure.code) == (trouble, str(status))
