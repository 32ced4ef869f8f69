"""By what a delivery report finds its message."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.transports.modem_reference import References
from tests.gateway.conftest import LI, WANG


def _at(day: int, hour: int, minute: int = 0) -> int:
    return int(datetime(2026, 12, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


def test_a_report_finds_its_message_over_every_midnight() -> None:
    references = References()
    for hour in range(24):
        sent = references.sent(hour, WANG, _at(5, hour, 59))
        assert references.reported(hour, WANG, _at(6, hour, 1)) == sent


def test_a_guessed_clock_loses_no_report() -> None:
    references = References()
    sent = references.sent(7, WANG, 0)
    assert references.reported(7, WANG, _at(5, 1)) == sent


def test_after_a_restart_the_day_of_the_centres_time_decides_and_ends_at_night() -> None:
    sent = References().sent(7, WANG, _at(5, 15, 59))  # one minute to midnight in the village
    assert References().reported(7, WANG.removeprefix("+86"), _at(5, 16, 1)) == sent
    assert References().reported(7, WANG, _at(6, 16, 1)) != sent


def test_a_reference_that_comes_round_again_means_the_later_message() -> None:
    references = References()
    first = references.sent(7, WANG, _at(5, 1))
    second = references.sent(7, WANG, _at(7, 1))
    assert first != second
    assert references.reported(7, WANG, _at(7, 1)) == second


def test_two_numbers_with_one_reference_are_kept_apart_and_the_oldest_are_forgotten() -> None:
    references = References()
    mine = references.sent(7, WANG, _at(5, 1))
    assert references.sent(7, LI, _at(5, 1)) != mine
    for n in range(300):
        references.sent(n % 256, f"+86199000001{n:02d}", _at(5, 2))
    assert references.reported(7, WANG, _at(6, 20)) != mine  # only the day is left, and it is another
