"""Who writes too much is told once; what he asks for is still done."""

from village.keywords.throttle import Answered, Patience, patience

MINUTE, HOUR = 60_000, 3_600_000


def burst(count, end_ms=0, key="UNK"):
    return [Answered(end_ms - (count - at) * 1000, key) for at in range(count)]


def test_five_replies_in_ten_minutes_are_patience_enough():
    assert patience(burst(4), 1, 0) is Patience.OPEN
    assert patience(burst(5), 1, 0) is Patience.TELL


def test_told_once_then_silence_for_an_hour():
    answered = [*burst(5), Answered(0, "THROT")]
    assert patience(answered, 1, MINUTE) is Patience.SILENT
    assert patience(answered, 1, HOUR - 1) is Patience.SILENT
    assert patience(answered, 1, HOUR) is Patience.OPEN


def test_old_replies_do_not_count_as_a_burst():
    assert patience(burst(5), 1, 11 * MINUTE) is Patience.OPEN


def test_twenty_in_a_day_end_the_day():
    answered = [Answered(at * 20 * MINUTE, "UNK") for at in range(20)]
    now = 20 * 20 * MINUTE
    assert patience(answered, 1, now) is Patience.TELL_TODAY
    told = [*answered, Answered(now, "THROT")]
    assert patience(told, 1, now + 5 * HOUR) is Patience.SILENT
    assert patience(told, 1, now + 25 * HOUR) is Patience.OPEN


def test_a_shared_phone_may_ask_more():
    assert patience(burst(19), 4, 0) is Patience.OPEN
    assert patience(burst(20), 4, 0) is Patience.TELL


def test_calls_for_help_do_not_use_it_up():
    assert patience(burst(50, key="POLICE"), 1, 0) is Patience.OPEN
