"""Suggestions are kept as drafts, each with a number that a keypad can name."""

import pytest

from gateway.phone import Phone, PhoneKind
from village.community.numbers import REST_MS, free_number
from village.community.store import (
    Kind,
    by_number,
    draft,
    has_seconded,
    listed,
    mark_read,
    same_again,
    second,
    suggestion_of,
    unread,
)
from village.people import changes_store, phones
from village.people.changes_store import Hand

DAY_MS = 86_400_000


def test_numbers_that_were_never_used_come_first():
    assert free_number([], 0) == 1
    assert free_number([(1, None), (2, 0)], 0) == 3


def test_a_number_rests_ninety_days():
    used = [(number, 0) for number in range(1, 100)]
    assert free_number(used, REST_MS - 1) is None
    assert free_number(used, REST_MS) == 1


def test_what_is_open_never_loses_its_number():
    assert free_number([(number, None) for number in range(1, 100)], 10**15) is None
    used = [(number, None if number != 40 else 5) for number in range(1, 100)]
    assert free_number(used, 5 + REST_MS) == 40


def test_the_one_that_rested_longest_goes_first():
    used = [(number, number if number != 1 else 500) for number in range(1, 100)]
    assert free_number(used, REST_MS + 1000) == 2


@pytest.fixture
async def phone_ids(db, vault, clock):
    def settle(tx):
        hand = Hand("测试", clock.now_ms())
        household = changes_store.add_household(tx, hand, head="王德福", group_no=3)
        resident = changes_store.add_resident(tx, hand, household_id=household, position=0, name="王德福")
        made = []
        for number in ("+8619900000001", "+8619900000002"):
            phone_id = phones.admit(tx, vault, Phone(number, PhoneKind.MOBILE), hand.at_ms)
            phones.hold(tx, phone_id, resident, "desk", by="测试", at_ms=hand.at_ms)
            made.append(phone_id)
        return resident, made

    return await db.write(settle)


async def test_the_same_sms_makes_one_draft(db, vault, phone_ids, clock):
    resident, (phone, _) = phone_ids

    def keep(tx):
        return draft(tx, vault, text="修路", phone_id=phone, resident_id=resident, at_ms=clock.now_ms(), inbox_id=7)

    first, again = await db.write(keep), await db.write(keep)
    assert first == again
    assert (first.number, first.who, first.group_no) == (1, "王德福", 3)
    assert await db.read(unread) == 1


async def test_each_phone_seconds_once(db, vault, phone_ids, clock):
    _, (phone, other) = phone_ids

    def unit(tx):
        made = draft(tx, vault, text="修路", phone_id=phone, resident_id=None, at_ms=1)
        counts = [second(tx, made.id, other, 2), second(tx, made.id, other, 3)]
        return counts, has_seconded(tx, made.id, other), has_seconded(tx, made.id, phone)

    assert await db.write(unit) == ([1, 1], True, False)


async def test_calls_for_help_have_no_number_and_are_read_first(db, vault, phone_ids, clock):
    _, (phone, _) = phone_ids

    def unit(tx):
        help_ = draft(tx, vault, text="要车", phone_id=phone, resident_id=None, at_ms=1, kind=Kind.HELP)
        idea = draft(tx, vault, text="种树", phone_id=phone, resident_id=None, at_ms=2)
        read = draft(tx, vault, text="修路", phone_id=phone, resident_id=None, at_ms=3)
        assert mark_read(tx, read.id, by="陈", at_ms=4)
        assert not mark_read(tx, read.id, by="李", at_ms=5)
        assert same_again(tx, vault, phone, "种树", Kind.SUGGESTION) == idea
        assert same_again(tx, vault, phone, "要车", Kind.SUGGESTION) is None
        assert by_number(tx, vault, 1) == idea
        assert suggestion_of(tx, vault, 99) is None
        return help_.number, [one.text for one in listed(tx, vault)]

    assert await db.write(unit) == (None, ["要车", "种树", "修路"])


async def test_a_number_written_into_a_suggestion_is_not_in_the_file(db, vault, phone_ids):
    _, (phone, _) = phone_ids
    await db.write(lambda tx: draft(tx, vault, text="修路,找我13800001234", phone_id=phone, resident_id=None, at_ms=1))
    for path in db.path.parent.glob("village.db*"):
        assert b"13800001234" not in path.read_bytes()
