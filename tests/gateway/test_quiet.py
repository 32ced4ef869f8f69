"""Facts about quiet hours, back-off and estimates."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backoff import EMERGENCY_STEPS_MS, LONGEST_MS, STEPS_MS, next_try_ms
from gateway.estimate import minutes_until_last
from gateway.failures import Trouble
from gateway.message import Priority
from gateway.quiet import STAGGER_MS, QuietHours, QuietHoursError

BEIJING = timezone(timedelta(hours=8))


def at(text: str) -> int:
    return round(datetime.fromisoformat(f"2026-12-{text}").replace(tzinfo=BEIJING).timestamp() * 1000)


@pytest.mark.parametrize(
    ("now", "is_open", "opens"),
    [
        ("05T06:59", False, "05T07:00"),
        ("05T07:00", True, "05T07:00"),
        ("05T12:29", True, "05T12:29"),
        ("05T12:30", False, "05T14:00"),
        ("05T20:59", True, "05T20:59"),
        ("05T21:00", False, "06T07:00"),
        ("05T00:00", False, "05T07:00"),
        ("05T23:59", False, "06T07:00"),
    ],
)
def test_the_villages_day(now: str, is_open: bool, opens: str) -> None:
    hours = QuietHours()
    assert hours.is_open(at(now)) is is_open
    assert hours.next_open_ms(at(now)) == at(opens)


@given(st.integers(0, 86_400_000 * 400), st.integers(0, 100_000))
def test_what_waits_is_let_out_in_open_hours_within_the_stagger(since_ms: int, spread: int) -> None:
    hours = QuietHours()
    now_ms = at("01T00:00") + since_ms
    release_ms = hours.release_ms(now_ms, spread)
    assert hours.is_open(release_ms)
    assert 0 <= release_ms - hours.next_open_ms(now_ms) < STAGGER_MS


def test_neighbours_do_not_leave_together() -> None:
    releases = {QuietHours().release_ms(at("05T22:00"), n) // 60_000 for n in range(1, 200)}
    assert len(releases) == 20


@pytest.mark.parametrize(
    "windows", [(), (("7:00", "12:00"),), (("12:00", "07:00"),), (("07:00", "12:00"), ("11:00", "13:00"))]
)
def test_hours_that_make_no_sense_are_refused(windows: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(QuietHoursError):
        QuietHours(windows)


def test_danger_and_answers_pass_quiet_hours() -> None:
    assert [p.wakes_people for p in sorted(Priority)] == [True, True, True, True, False, False, False]


def test_a_dead_number_is_not_tried_again() -> None:
    assert next_try_ms(Trouble.DEAD_NUMBER, 1, Priority.NOTICE) is None
    assert next_try_ms(Trouble.DEAD_NUMBER, 1, Priority.EMERGENCY) is None


def test_a_doubtful_message_is_only_sent_again_in_an_emergency() -> None:
    for trouble in (Trouble.TIMEOUT, Trouble.INTERRUPTED):
        assert all(next_try_ms(trouble, 1, p) is None for p in Priority if not p.is_emergency)
        assert next_try_ms(trouble, 1, Priority.EMERGENCY) is not None


def test_an_emergency_call_is_redialled_after_2_5_and_10_minutes() -> None:
    waits = [next_try_ms(Trouble.NO_ANSWER, tries, Priority.EMERGENCY) for tries in (1, 2, 3)]
    assert waits == [108_000, 270_000, 540_000]  # spread 0 is a tenth early
    assert next_try_ms(Trouble.NO_ANSWER, 4, Priority.EMERGENCY) is None


@given(st.sampled_from(Trouble), st.integers(1, 20), st.sampled_from(Priority), st.integers(0, 10**6))
def test_the_table_is_kept_within_a_tenth_and_ends(
    trouble: Trouble, tries: int, priority: Priority, spread: int
) -> None:
    table = EMERGENCY_STEPS_MS if priority.is_emergency else STEPS_MS
    wait = next_try_ms(trouble, tries, priority, spread=spread)
    steps = table.get(trouble, ())
    assert (wait is None) == (tries > len(steps))
    if wait is not None:
        assert abs(wait - steps[tries - 1]) <= steps[tries - 1] / 10
        assert wait <= LONGEST_MS


def test_minutes_until_the_last_villager() -> None:
    assert minutes_until_last(sms_parts=0, call_seconds=0) == 0
    assert minutes_until_last(sms_parts=300, call_seconds=0) == 38
    assert minutes_until_last(sms_parts=8, call_seconds=300 * 60) == 300
    assert minutes_until_last(sms_parts=8, call_seconds=300 * 60, lines=4) == 75
