"""The reset ladder: which rung, when, and when none."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from gateway.transports.modem_ladder import Health, Ladder, Rung, climb

_MINUTE = 60_000
_WELL = Ladder()


def _climbed(seen: Health, minutes: int, ladder: Ladder = _WELL, **carrying: bool) -> Iterator[tuple[float, Rung]]:
    """Minute and rung, looked at every five seconds."""
    for now_ms in range(0, minutes * _MINUTE + 1, 5_000):
        ladder, rung = climb(ladder, seen, now_ms, **carrying)
        if rung is not None:
            yield now_ms / _MINUTE, rung


def test_without_a_network_each_rung_has_its_own_waiting_time() -> None:
    assert list(_climbed(Health.DEAF, 48)) == [
        (3, Rung.TOGGLE),
        (8, Rung.POWER),
        (18, Rung.REPROBE),
        (48, Rung.RESTART),
    ]


def test_a_modem_that_answers_nothing_is_pushed_sooner() -> None:
    assert [rung for _, rung in _climbed(Health.MUTE, 4)][:4] == [Rung.TOGGLE, Rung.POWER, Rung.REPROBE, Rung.RESTART]


def test_after_the_last_rung_it_begins_again_with_more_patience_and_never_ends() -> None:
    times = [minute for minute, rung in _climbed(Health.DEAF, 3000) if rung == Rung.TOGGLE]
    assert times[:2] == [3, 48 + 2 * 3]
    gaps = [round(b - a) for a, b in itertools.pairwise(times)]
    assert gaps == sorted(gaps)
    assert gaps[-1] <= 12 * 48


@pytest.mark.parametrize("seen", [Health.DEAF, Health.FAILED])
def test_a_modem_that_carries_data_is_left_alone(seen: Health) -> None:
    assert list(_climbed(seen, 600, carries_data=True)) == []


def test_unless_it_answers_nothing_at_all() -> None:
    assert next(iter(_climbed(Health.MUTE, 5, carries_data=True)))[1] == Rung.TOGGLE


def test_modemmanager_is_not_started_anew_while_another_stick_carries_data() -> None:
    rungs = {rung for _, rung in _climbed(Health.MUTE, 600, others_carry_data=True)}
    assert rungs == {Rung.TOGGLE, Rung.POWER, Rung.REPROBE}


def test_a_modem_without_a_sim_is_asked_anew_and_nothing_else() -> None:
    assert {rung for _, rung in _climbed(Health.FAILED, 600)} == {Rung.REPROBE}


@pytest.mark.parametrize("seen", [Health.WELL, Health.LEFT_ALONE, Health.GONE])
def test_well_waiting_for_a_person_or_unplugged_is_not_pushed(seen: Health) -> None:
    assert list(_climbed(seen, 600)) == []


def test_a_modem_that_vanished_because_it_had_fallen_silent_needs_a_new_modemmanager() -> None:
    mute, _ = climb(Ladder(), Health.MUTE, 0)
    gone, _ = climb(mute, Health.GONE, 0)
    assert gone.resetting
    restarts = list(_climbed(Health.GONE, 600, gone))
    assert restarts[0] == (pytest.approx(1 / 3), Rung.RESTART)
    assert {rung for _, rung in restarts} == {Rung.RESTART}
    assert len(restarts) == 6  # then somebody has taken it away


def test_a_modem_that_is_away_for_a_moment_because_it_was_reset_goes_on_where_it_was() -> None:
    ladder = Ladder()
    rungs = []
    for now_ms in range(0, 20 * _MINUTE, 5_000):
        away = any(0 < now_ms - at_ms < 30_000 for at_ms, _ in rungs)
        ladder, rung = climb(ladder, Health.GONE if away else Health.DEAF, now_ms)
        if rung is not None:
            rungs.append((now_ms, rung))
    assert [rung for _, rung in rungs] == [Rung.TOGGLE, Rung.POWER, Rung.REPROBE]


def test_success_leads_back_to_the_first_rung() -> None:
    ladder = Ladder()
    for now_ms in range(0, 9 * _MINUTE, 5_000):
        ladder, _ = climb(ladder, Health.DEAF, now_ms)
    assert (ladder.climbed, ladder.resetting) == (2, True)
    ladder, rung = climb(ladder, Health.WELL, 9 * _MINUTE)
    assert (ladder.climbed, ladder.resetting, rung) == (0, False, None)
    assert next(iter(_climbed(Health.DEAF, 5, ladder)))[1] == Rung.TOGGLE
