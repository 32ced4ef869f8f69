"""Whom a clerk means by a few words."""

from __future__ import annotations

import pytest

from village.ground.database import Database
from village.ground.wording import RefusalError
from village.notices.addressing import audience_of
from village.people.audience import Audience


@pytest.mark.parametrize("words", [["3", "4"], ["3组、4组"], ["第3组", "４组"], ["3,4"]])
async def test_groups_are_named_in_many_ways(db: Database, town, words: list[str]) -> None:
    await db.write(lambda tx: [town.house(tx, "甲", group=3), town.house(tx, "乙", group=4)])
    assert await db.read(lambda tx: audience_of(tx, "groups", words)) == Audience.groups({3, 4})


async def test_households_and_people_are_found_by_name(db: Database, town) -> None:
    house = await db.write(lambda tx: town.house(tx, "王德福", group=3, people=2))
    for words in (["王德福"], ["王德福家"], ["3组王德福"]):
        assert await db.read(lambda tx, w=words: audience_of(tx, "household", w)) == Audience.households({house.id})
    for words in (["王德福", "王德福1"], ["王德福、王德福1"], ["3组王德福，王德福1"]):
        assert await db.read(lambda tx, w=words: audience_of(tx, "person", w)) == Audience.residents(house.residents)


async def test_two_of_one_name_are_both_shown(db: Database, town) -> None:
    await db.write(lambda tx: [town.house(tx, "王德福", group=3), town.house(tx, "王德福", group=5)])
    with pytest.raises(RefusalError, match="3组王德福、5组王德福"):
        await db.read(lambda tx: audience_of(tx, "household", ["王德福"]))
    assert await db.read(lambda tx: audience_of(tx, "household", ["5组王德福"]))


async def test_everything_wrong_is_said_at_once(db: Database, town) -> None:
    with pytest.raises(RefusalError) as refused:
        await db.read(lambda tx: audience_of(tx, "person", ["张三", "李四"]))
    assert [str(reason) for reason in refused.value.reasons] == ["花名册里没有“张三”", "花名册里没有“李四”"]


@pytest.mark.parametrize(("kind", "words"), [("groups", []), ("groups", ["9"]), ("person", [" "]), ("dogs", [])])
async def test_nobody_meant_is_refused(db: Database, town, kind: str, words: list[str]) -> None:
    with pytest.raises(RefusalError):
        await db.read(lambda tx: audience_of(tx, kind, words))


async def test_plain_kinds_need_no_names(db: Database, town) -> None:
    for kind, audience in (
        ("everyone", Audience.everyone()),
        ("party", Audience.party()),
        ("reps", Audience.household_reps()),
    ):
        assert await db.read(lambda tx, k=kind: audience_of(tx, k)) == audience
