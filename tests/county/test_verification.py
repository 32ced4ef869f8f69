"""Facts about the ladder: what was checked is said, what could not be checked is said too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.county.test_county import COUNTED, OPENED
from village.county.verification import CHAIN, ROLL, RULE, SIGNATURE, TALLY, Found, Log, ladder

GOOD = Log(signed=True, unbroken=True, head_seq=9)


def found(log=GOOD, opened=OPENED, counted=COUNTED):
    return {rung.name: rung.found for rung in ladder(log, opened, counted)}


def test_everything_passes_where_everything_holds():
    assert set(found().values()) == {Found.PASSED}


@pytest.mark.parametrize(
    ("what", "step"),
    [
        ({"log": replace(GOOD, signed=False)}, SIGNATURE),
        ({"log": replace(GOOD, unbroken=False)}, CHAIN),
        ({"log": replace(GOOD, frozen=True)}, CHAIN),
        ({"counted": replace(COUNTED, roll=b"x" * 32)}, ROLL),
        ({"counted": replace(COUNTED, eligible=209)}, ROLL),
        ({"counted": replace(COUNTED, counts=(131, 30, 8))}, TALLY),
        ({"counted": replace(COUNTED, counts=(131, 37))}, TALLY),
        ({"counted": replace(COUNTED, counts=(131, None, 30))}, TALLY),
        ({"counted": replace(COUNTED, attended=211, counts=(150, 31, 30))}, TALLY),
        ({"counted": replace(COUNTED, passed=False)}, RULE),
        ({"counted": replace(COUNTED, valid=False)}, RULE),
        ({"counted": replace(COUNTED, pack="cn-1999")}, RULE),
        ({"counted": replace(COUNTED, attended=139, counts=(131, 1, 7))}, RULE),
    ],
)
def test_each_thing_that_is_wrong_fails_its_own_step(what, step):
    assert found(**what)[step] is Found.FAILED


def test_hidden_cells_are_reckoned_with():
    assert found(counted=replace(COUNTED, attended=164, counts=(131, 30, None)))[TALLY] is Found.PASSED
    few = replace(COUNTED, attended=3, counts=(None, None, None), valid=False, passed=False)
    assert (found(counted=few)[TALLY], found(counted=few)[RULE]) == (Found.PASSED, Found.OPEN)


def test_what_cannot_be_checked_is_said_to_be_open():
    assert {found(counted=None)[step] for step in (ROLL, TALLY, RULE)} == {Found.OPEN}
    unknown = {"opened": replace(OPENED, pack="cn-2026"), "counted": replace(COUNTED, pack="cn-2026")}
    assert found(**unknown)[RULE] is Found.OPEN


def test_an_opinion_never_passes():
    opinion = replace(OPENED, kind="opinion")
    assert found(opened=opinion, counted=replace(COUNTED, valid=None, passed=None))[RULE] is Found.PASSED
    assert found(opened=opinion, counted=COUNTED)[RULE] is Found.FAILED
