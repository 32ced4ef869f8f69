"""How long something lasted, as far as anybody can know."""

from __future__ import annotations

from village.web.kit.sessions import IDLE_MS, LONGEST_MS, Session, Stamp


def stamp(run: str, mono_ms: int, wall_ms: int, trusted: bool = True) -> Stamp:
    return Stamp(run, mono_ms, wall_ms, trusted)


def test_within_one_run_the_stopwatch_counts() -> None:
    assert stamp("a", 100, 9_000).until(stamp("a", 400, 5)) == 300


def test_across_a_restart_two_trusted_clocks_count() -> None:
    assert stamp("a", 100, 9_000).until(stamp("b", 0, 9_500)) == 500


def test_across_a_restart_a_guessed_clock_counts_nothing() -> None:
    assert stamp("a", 100, 9_000).until(stamp("b", 0, 99_000, trusted=False)) == 0
    assert stamp("a", 100, 9_000, trusted=False).until(stamp("b", 0, 99_000)) == 0


def test_a_clock_set_back_counts_nothing() -> None:
    assert stamp("a", 100, 9_000).until(stamp("b", 0, 5)) == 0


def test_a_session_is_over_when_idle_or_old() -> None:
    session = Session(1, 1, "", 0, stamp("a", 0, 0), age_ms=LONGEST_MS - IDLE_MS)
    assert not session.over(stamp("a", IDLE_MS, 0))
    assert session.over(stamp("a", IDLE_MS + 1, 0))
    assert Session(1, 1, "", 0, stamp("a", 0, 0), age_ms=LONGEST_MS).over(stamp("a", 1, 0))
