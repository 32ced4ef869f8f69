"""Twilio's numbers find their class."""

from __future__ import annotations

import pytest

from gateway.failures import OutcomeUnknownError, RejectedError, RetryLaterError, TransportDownError, Trouble
from gateway.message import State
from gateway.transports.twilio_failures import CODES, STATES, failure_of, is_final, report_trouble
from gateway.verdict import is_for_good

NUMBER_FOR_GOOD = (13224, 21211, 21214, 21217, 21266, 21614, 21635, 30005, 30006)
TEXT_FOR_GOOD = (21617, 30004)
NOT_BY_TWILIO = (30007,)
BY_ITS_OWNERS_WISH = (21610,)
PAUSE = (10001, 20003, 20404, 21212, 21408, 21601, 21606, 21608, 21701, 21703, 21704, 21705, 30002)
RETRY = (10004, 14107, 20429, 21611, 22005, 30001, 30008, 30017, 30036, 30410, 63018)
LATER_OR_BY_VOICE = (21612, 30003)


def test_no_code_of_the_table_is_left_out_here() -> None:
    told = {*NUMBER_FOR_GOOD, *TEXT_FOR_GOOD, *NOT_BY_TWILIO, *BY_ITS_OWNERS_WISH}
    assert set(CODES) == {*told, *PAUSE, *RETRY, *LATER_OR_BY_VOICE}


@pytest.mark.parametrize("code", NUMBER_FOR_GOOD)
def test_a_number_that_never_works_is_rejected(code: int) -> None:
    failure = failure_of(400, code)
    assert isinstance(failure, RejectedError)
    assert failure.code == str(code)
    assert failure.trouble == Trouble.DEAD_NUMBER
    assert report_trouble("undelivered", code) == (failure.trouble, True)


@pytest.mark.parametrize("code", NOT_BY_TWILIO)
def test_what_only_twilio_will_not_carry_is_left_to_another_line(code: int) -> None:
    failure = failure_of(400, code)
    assert isinstance(failure, RejectedError)
    assert is_for_good(failure)
    assert report_trouble("undelivered", code) == (Trouble.REFUSED, True)


@pytest.mark.parametrize("code", BY_ITS_OWNERS_WISH)
def test_a_person_who_wrote_stop_is_texted_over_no_other_line(code: int) -> None:
    failure = failure_of(400, code)
    assert isinstance(failure, RejectedError)
    assert not is_for_good(failure)
    assert failure.trouble != Trouble.DEAD_NUMBER
    assert report_trouble("undelivered", code) == (failure.trouble, True)


@pytest.mark.parametrize("code", TEXT_FOR_GOOD)
def test_a_text_that_never_passes_is_rejected(code: int) -> None:
    failure = failure_of(400, code)
    assert isinstance(failure, RejectedError)
    assert failure.trouble == Trouble.CONTENT
    assert report_trouble("failed", code) == (Trouble.CONTENT, True)


@pytest.mark.parametrize("code", PAUSE)
def test_what_a_person_has_to_mend_pauses_the_line_and_costs_no_message(code: int) -> None:
    failure = failure_of(400, code)
    assert isinstance(failure, TransportDownError)
    assert failure.trouble == (Trouble.NO_CREDIT if code in (10001, 30002) else Trouble.REFUSED)
    assert report_trouble("failed", code) == (failure.trouble, False)


@pytest.mark.parametrize("code", [*RETRY, *LATER_OR_BY_VOICE])
def test_what_passes_is_tried_again(code: int) -> None:
    failure = failure_of(400, code)
    assert isinstance(failure, RetryLaterError)
    assert report_trouble("undelivered", code) == (failure.trouble, False)


def test_what_may_have_arrived_is_tried_again_in_an_emergency_only() -> None:
    from gateway.backoff import next_try_ms
    from gateway.message import Priority

    trouble, final = report_trouble("undelivered", 30410)
    assert (trouble, final) == (Trouble.TIMEOUT, False)
    assert next_try_ms(trouble, 1, Priority.NOTICE) is None
    assert next_try_ms(trouble, 1, Priority.EMERGENCY) is not None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
def test_after_a_broken_answer_nobody_knows_whatever_code_it_bears(status: int) -> None:
    for code in (None, 20500, 21211):
        assert isinstance(failure_of(status, code), OutcomeUnknownError)


def test_too_many_requests_were_never_processed_and_twilios_wish_is_kept() -> None:
    failure = failure_of(429, 20429, after_ms=7000)
    assert isinstance(failure, RetryLaterError)
    assert (failure.trouble, failure.after_ms) == (Trouble.CONGESTION, 7000)
    assert isinstance(failure_of(429, None), RetryLaterError)


@pytest.mark.parametrize(
    ("status", "kind", "trouble"),
    [
        (302, TransportDownError, Trouble.NO_SIGNAL),
        (400, RetryLaterError, Trouble.OTHER),
        (401, TransportDownError, Trouble.REFUSED),
        (403, TransportDownError, Trouble.REFUSED),
        (404, TransportDownError, Trouble.REFUSED),
    ],
)
def test_an_answer_without_a_known_code_is_judged_by_its_status(status: int, kind: type, trouble: Trouble) -> None:
    failure = failure_of(status, None)
    assert isinstance(failure, kind)
    assert (failure.trouble, failure.code) == (trouble, str(status))


def test_every_status_of_an_outbound_message_has_its_state() -> None:
    from twilio.rest.api.v2010.account.message import MessageInstance

    published = {word for name, word in vars(MessageInstance.Status).items() if name.isupper()}
    assert published - set(STATES) == {"receiving", "received", "partially_delivered"}
    assert {word for word in STATES if is_final(word)} == {"delivered", "read", "undelivered", "failed", "canceled"}
    assert report_trouble("canceled", None) == (Trouble.OTHER, True)
    assert report_trouble("failed", None) == (Trouble.OTHER, False)
    assert STATES["read"] == State.DELIVERED
