"""Who an audience names, who holds a phone, and what channel a phone is reached by."""

from __future__ import annotations

import pytest

from tests.people.conftest import HEADER, ROWS, BringIn
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.people import phones, store
from village.people.audience import Audience
from village.people.born import Born
from village.people.store import GroupRow, PhoneRow


async def names(db: Database, audience: Audience) -> list[str]:
    return [each.name for each in await db.read(lambda tx: store.select(tx, audience))]


async def phone(db: Database, vault: Vault, number: str) -> PhoneRow:
    found = await db.read(lambda tx: store.phone_by_fingerprint(tx, vault.fingerprint(number)))
    assert found is not None
    return found


async def test_every_kind_of_audience_names_its_people(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    ids = {row.name: row for row in await db.read(store.everybody)}
    assert await names(db, Audience.everyone()) == ["王德福", "李桂英", "王小军", "李大山"]
    assert await names(db, Audience.groups({4})) == ["李大山"]
    assert await names(db, Audience.households({ids["王德福"].household_id})) == ["王德福", "李桂英", "王小军"]
    assert await names(db, Audience.residents({ids["李桂英"].id, ids["李大山"].id})) == ["李桂英", "李大山"]
    assert await names(db, Audience.household_reps()) == ["王德福", "李大山"]
    assert await names(db, Audience.party()) == ["王小军"]
    assert await names(db, Audience.away()) == ["王小军"]
    assert await names(db, Audience.representatives()) == []


async def test_an_addressee_carries_what_sending_needs(db: Database, vault: Vault, bring_in: BringIn) -> None:
    await bring_in()
    (addressee,) = await db.read(lambda tx: store.select(tx, Audience.party()))
    assert (addressee.household, addressee.group_no, addressee.away) == ("王德福", 3, True)
    assert addressee.born == Born(1985, 7, 8)
    assert [vault.open(each.sealed) for each in addressee.phones] == ["+8619900000004", "+8619900000005"]


async def test_a_shared_phone_has_its_holders_in_slot_order(db: Database, vault: Vault, bring_in: BringIn) -> None:
    await bring_in()
    shared = await phone(db, vault, "+8619900000004")
    found = await db.read(lambda tx: store.holders(tx, shared.id))
    assert [(each.slot, each.name, each.party) for each in found] == [(1, "李桂英", False), (2, "王小军", True)]


async def test_the_channel_follows_the_people_until_the_phone_chooses(
    db: Database, vault: Vault, clock: MovableClock, bring_in: BringIn
) -> None:
    header = [*HEADER, "不识字", "方言"]
    marked = [[*row, None, None] for row in ROWS]
    marked[0][-2:], marked[1][-2:] = ["是", "本地话"], ["是", None]
    marked[3][5] = "0571-88002001"
    await bring_in(marked, header)
    own, shared, line = [await phone(db, vault, n) for n in ("+8619900000001", "+8619900000004", "+8657188002001")]
    assert [(each.channel, each.dialect) for each in (own, shared, line)] == [
        ("call", "本地话"),
        ("both", None),
        ("call", None),
    ]
    await db.write(lambda tx: phones.set_channel(tx, own.id, "sms", by="x", at_ms=clock.now_ms()))
    await db.write(lambda tx: phones.set_dialect(tx, own.id, "普通话", by="x", at_ms=clock.now_ms()))
    await db.write(lambda tx: phones.set_slow(tx, own.id, True, by="x", at_ms=clock.now_ms()))
    own = await phone(db, vault, "+8619900000001")
    assert (own.channel, own.dialect, own.slow) == ("sms", "普通话", True)


async def test_a_freed_slot_is_not_given_to_the_next_one(
    db: Database, vault: Vault, clock: MovableClock, bring_in: BringIn
) -> None:
    await bring_in()
    shared = await phone(db, vault, "+8619900000004")
    ids = {row.name: row.id for row in await db.read(store.everybody)}
    now = clock.now_ms()
    await db.write(lambda tx: phones.let_go(tx, shared.id, ids["李桂英"], by="x", at_ms=now))
    slot = await db.write(lambda tx: phones.hold(tx, shared.id, ids["李大山"], "desk", by="x", at_ms=now))
    assert slot == 3


async def test_groups_count_their_households_without_a_phone(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    assert await db.read(store.groups) == [GroupRow(3, 1, 3, 0), GroupRow(4, 1, 1, 1)]


async def test_search_takes_what_is_typed_literally(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    assert [row.name for row in await db.read(lambda tx: store.search(tx, "德福"))] == ["王德福", "李桂英", "王小军"]
    assert await db.read(lambda tx: store.search(tx, "%")) == []


async def test_history_says_who_did_what_and_shows_no_number(db: Database, bring_in: BringIn) -> None:
    await bring_in()
    corrected = [list(row) for row in ROWS]
    corrected[0][5] = "19900000011"
    await bring_in(corrected)
    lines = await db.read(store.history)
    assert [(line.changed_by, line.name, line.what, line.before, line.after) for line in lines[:2]] == [
        ("测试", "王德福", "phone_added", "", "199****0011"),
        ("测试", "王德福", "phone_removed", "199****0001", ""),
    ]


@pytest.mark.parametrize(
    "audience",
    [Audience.everyone(), Audience.groups({1, 3}), Audience.residents({7}), Audience.party(), Audience.away()],
)
def test_an_audience_survives_being_written_down(audience: Audience) -> None:
    assert Audience.from_json(audience.to_json()) == audience
    assert str(audience.in_words())


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"kind":"groups","ids":[]}', '{"kind":"x","ids":[]}', '{"kind":"groups","ids":["1"]}']
)
def test_what_is_no_audience_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error is a ValueError too
        Audience.from_json(text)


def test_who_is_eighteen_is_known_or_said_not_to_be() -> None:
    from datetime import date

    day = date(2026, 12, 5)
    assert [Born.from_iso(text).adult_on(day) for text in ("2008-12-05", "2008-12-06", "2008-12", "2008", "2007")] == [
        True,
        False,
        None,
        None,
        True,
    ]
