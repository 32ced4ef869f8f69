"""青山村 is large enough, lawful enough and troubled enough to try everything on."""

from __future__ import annotations

from collections import Counter, defaultdict

from gateway.phone import parse
from village.sample.roster import DEAD, NOBODYS, ONE_VOTER, PARTY_AWAY, SHARED_BY_FOUR, SampleRow, roster_rows

ROWS = roster_rows()


def households() -> dict[str, list[SampleRow]]:
    found: defaultdict[str, list[SampleRow]] = defaultdict(list)
    for row in ROWS:
        found[row.head].append(row)
    return found


def held_by(number: str) -> list[SampleRow]:
    return [row for row in ROWS if number in row.phones]


def test_the_village_is_the_same_every_time() -> None:
    assert roster_rows() == ROWS


def test_the_village_has_its_size() -> None:
    assert len(households()) == 210
    assert 590 <= len(ROWS) <= 610
    assert set(Counter(row.group for row in ROWS)) == set(range(1, 9))
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_the_fixed_handles_are_who_the_design_says() -> None:
    assert [(row.name, row.group, row.party) for row in held_by(ONE_VOTER)] == [("王德福", 3, False)]
    assert len(held_by(SHARED_BY_FOUR)) == 4
    assert all(row.born < "2008-12-05" for row in held_by(SHARED_BY_FOUR))
    (away,) = held_by(PARTY_AWAY)
    assert away.party
    assert away.where
    assert held_by(NOBODYS) == []
    assert len(held_by(DEAD)) == 1


def test_every_number_is_made_up() -> None:
    numbers = {number for row in ROWS for number in row.phones}
    assert all(number.startswith(("199000", "0571-8800")) for number in numbers)
    assert all(parse(number) for number in numbers)


def test_representatives_are_as_many_and_as_many_women_as_the_law_asks() -> None:
    """村民委员会组织法 25: one for 5 to 15 households, at least a third women."""
    chosen = [row for row in ROWS if row.representative]
    assert 5 <= 210 / len(chosen) <= 15
    assert 3 * sum(row.sex == "女" for row in chosen) >= len(chosen)
    for group in range(1, 9):
        homes = {row.head for row in ROWS if row.group == group}
        assert 5 <= len(homes) / sum(row.group == group for row in chosen) <= 15


def test_every_household_has_one_head_and_one_voice() -> None:
    for rows in households().values():
        assert [row.relation for row in rows].count("户主") == 1
        assert sum(row.speaks_for_household for row in rows) == 1
        assert len({row.group for row in rows}) == 1


def test_there_is_everybody_a_notice_has_trouble_with() -> None:
    assert sum(not any(row.phones for row in rows) for rows in households().values()) >= 8
    assert sum(row.alone for row in ROWS) >= 15
    assert sum(bool(row.where) for row in ROWS) >= 60
    assert sum(row.cannot_read and row.calls for row in ROWS) >= 5
    assert sum(bool(row.dialect) for row in ROWS) >= 20
    assert any(number.startswith("0571") for row in ROWS for number in row.phones)
    assert sum(row.leader for row in ROWS) == 8
    assert sum(row.party for row in ROWS) >= 25


def test_nobody_is_older_or_younger_than_their_place_in_the_household() -> None:
    for rows in households().values():
        head = rows[0].born
        for row in rows[1:]:
            if row.relation in {"子", "女"}:
                assert row.born > head
            elif row.relation in {"父", "母"}:
                assert row.born < head
