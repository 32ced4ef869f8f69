"""Pure parts: waits, sources, drawings, dates, browsers."""

from __future__ import annotations

import itertools

import pytest

from village.ground.clock import MovableClock, parse_iso
from village.ground.wording import RefusalError
from village.web.kit import charts, dates
from village.web.kit.accounts import browser_words
from village.web.kit.patience import FREE, LONGEST_WAIT_MS, Patience, is_here, network_of


async def test_the_wait_doubles_and_is_bounded() -> None:
    clock = MovableClock(0)
    patience = Patience(clock)
    for _ in range(FREE):
        patience.take(["a"])
    waits = []
    for _ in range(14):
        with pytest.raises(RefusalError) as refused:
            patience.take(["a"])
        assert refused.value.status == 429
        waited = 0
        while True:
            await clock.advance(1_000)
            waited += 1
            try:
                patience.take(["a"])
            except RefusalError:
                continue
            break
        waits.append(waited)
    assert waits[:5] == [2, 4, 8, 16, 32]
    assert max(waits) == waits[-1] == LONGEST_WAIT_MS // 1000


async def test_a_right_guess_forgives_and_a_day_forgets() -> None:
    clock = MovableClock(0)
    patience = Patience(clock)
    for _ in range(FREE):
        patience.take(["a", "b"])
    patience.forgive(["a"])
    patience.take(["a"])
    with pytest.raises(RefusalError):
        patience.take(["b"])
    await clock.advance(25 * 3_600_000)
    patience.take(["b"])


def test_one_household_is_one_source() -> None:
    assert network_of("192.168.1.7") == "192.168.1.7"
    assert network_of("::ffff:192.168.1.7") == "192.168.1.7"
    assert network_of("fe80::1%wlan0") == "fe80::/64"
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")
    assert network_of(None) == "unknown"
    assert is_here("127.0.0.1")
    assert is_here("::1")
    assert not is_here("192.168.1.7")
    assert not is_here(None)


def test_names_at_the_ends_of_lines_never_overlap() -> None:
    drawn = charts.lines([(f"{n}组", [(0.0, 0.0), (1.0, 0.99 - n / 1000)]) for n in range(8)])
    heights = sorted(line.name_y for line in drawn)
    assert all(below - above >= 20 for above, below in itertools.pairwise(heights))
    assert all(0 <= line.name_y <= charts.HEIGHT for line in drawn)
    assert len({line.dash for line in drawn[:6]}) == 6


def test_an_empty_line_stands_at_the_start() -> None:
    (line,) = charts.lines([("1组", [])])
    assert line.end_y > charts.HEIGHT / 2


def test_a_bar_never_runs_over() -> None:
    cut = charts.segments([(150, "yes", ""), (100, "no", "")], 200)
    assert sum(piece.width for piece in cut) == 100
    assert charts.segments([(1, "yes", "")], 0)[0].width == 0
    assert charts.percent(300, 200) == 100


@pytest.mark.parametrize(
    ("at", "chinese", "english"),
    [
        ("2026-12-05T08:05:00", "今天 8:05", "today 8:05"),
        ("2026-12-04T23:59:00", "昨天 23:59", "yesterday 23:59"),
        ("2026-03-01T07:00:00", "3月1日 7:00", "1 Mar 7:00"),
        ("2025-12-31T07:00:00", "2025年12月31日 7:00", "31 Dec 2025 7:00"),
    ],
)
def test_moments_are_said_as_people_say_them(at: str, chinese: str, english: str) -> None:
    now_ms = parse_iso("2026-12-05T09:10:00")
    assert dates.when(parse_iso(at), now_ms, "zh") == chinese
    assert dates.when(parse_iso(at), now_ms, "en") == english


def test_spans_are_rounded_to_what_matters() -> None:
    assert dates.lasting(10, "zh") == "1分钟"
    assert dates.lasting(100 * 60_000, "zh") == "2小时"
    assert dates.lasting(4 * 86_400_000, "en") == "4 days"
    assert dates.day(parse_iso("2026-12-05T09:10:00"), "en") == "Sat 5 Dec"


def test_a_browser_is_named_so_that_its_owner_knows_it() -> None:
    assert browser_words("Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/140 Safari Edg/140") == "Windows 电脑 · Edge"
    assert browser_words("Mozilla/5.0 (Linux; Android 14) Chrome MicroMessenger") == "安卓手机 · 微信"
    assert browser_words("curl/8") == ""
