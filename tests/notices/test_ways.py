"""Which phone gets what."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Channel, State
from village.notices.ladder import next_rung
from village.notices.notice import Channels, UnitKind
from village.notices.ways import NoWay, allot, ways_to
from village.people.store import Addressee, PhoneRow

_serial = itertools.count(1)


def phone(kind: str = "mobile", *, channel: str = "sms", opted: str = "all", phone_id: int | None = None) -> PhoneRow:
    number = phone_id if phone_id is not None else next(_serial)
    return PhoneRow(
        number, b"", bytes(16), f"199****{number:04}", kind, opted, channel, slow=False, dialect=None,  # type: ignore[arg-type]
    )  # fmt: skip


def person(household: int, *phones: PhoneRow, resident: int | None = None) -> Addressee:
    return Addressee(
        resident_id=resident or next(_serial), household_id=household, household=f"户{household}", group_no=1,
        name="王德福", born=None, away=False, lives_alone=False, represents_household=False, phones=phones,
    )  # fmt: skip


def ways(row: PhoneRow, channels: Channels) -> tuple[str, ...]:
    return tuple(way for _, found in ways_to([row], channels) for way in found)


BOTH = Channels()


@pytest.mark.parametrize(
    ("row", "channels", "expected"),
    [
        (phone(), BOTH, ("sms",)),
        (phone(channel="call"), BOTH, ("call",)),
        (phone(channel="both"), BOTH, ("sms", "call")),
        (phone("landline", channel="call"), BOTH, ("call",)),
        (phone("landline", channel="call"), Channels(call=False), ()),
        (phone(channel="call"), Channels(call=False), ("sms",)),
        (phone(channel="sms"), Channels(sms=False), ("call",)),
        (phone(channel="both"), Channels(sms=False), ("call",)),
        (phone(), Channels(sms=False, call=False), ()),
        (phone(opted="alerts"), BOTH, ()),
        (phone(opted="none"), BOTH, ()),
    ],
)
def test_each_phone_is_reached_the_way_its_owner_wants(
    row: PhoneRow, channels: Channels, expected: tuple[str, ...]
) -> None:
    assert ways(row, channels) == expected


def test_a_landline_is_not_rung_for_somebody_whose_mobile_got_it() -> None:
    mobile, landline = phone(), phone("landline", channel="call")
    assert [row for row, _ in ways_to([landline, mobile], BOTH)] == [mobile]
    assert [row for row, _ in ways_to([landline, phone(opted="none")], BOTH)] == [landline]


def test_a_shared_phone_gets_one_copy_that_serves_all() -> None:
    shared = phone(phone_id=900)
    made = allot([person(1, shared), person(1, shared), person(2, shared)], UnitKind.HOUSEHOLD, BOTH)
    assert [(copy.phone.id, copy.serves) for copy in made.deliveries] == [(900, (0, 1))]
    assert len(made.units) == 2
    assert made.people == 3


def test_why_a_household_has_no_way_is_told() -> None:
    people = [
        person(1),
        person(2, phone(opted="none")),
        person(3, phone("landline", channel="call")),
        person(4, phone()),
    ]
    made = allot(people, UnitKind.HOUSEHOLD, Channels(call=False))
    assert [unit.no_way for unit in made.units] == [NoWay.NO_PHONE, NoWay.OPTED_OUT, NoWay.NO_CHANNEL, None]


def test_a_household_without_a_line_is_told_apart_from_one_without_a_way() -> None:
    people = [person(1), person(2, phone(opted="alerts")), person(3, phone()), person(4, phone("landline"))]
    lines = {
        (False, False): [NoWay.NO_PHONE, NoWay.OPTED_OUT, NoWay.NO_LINE, NoWay.NO_LINE],
        (True, False): [NoWay.NO_PHONE, NoWay.OPTED_OUT, None, NoWay.NO_LINE],
        (False, True): [NoWay.NO_PHONE, NoWay.OPTED_OUT, None, None],
    }
    for (texts, calls), expected in lines.items():
        made = allot(people, UnitKind.HOUSEHOLD, BOTH, usable=Channels(texts, calls))
        assert [unit.no_way for unit in made.units] == expected
    only_sms = allot(people, UnitKind.HOUSEHOLD, Channels(call=False), usable=Channels(sms=False, call=False))
    assert [unit.no_way for unit in only_sms.units][2:] == [NoWay.NO_LINE, NoWay.NO_CHANNEL]


def test_persons_count_one_by_one_where_persons_are_addressed() -> None:
    made = allot([person(1, phone()), person(1)], UnitKind.PERSON, BOTH)
    assert [unit.no_way for unit in made.units] == [None, NoWay.NO_PHONE]


_PHONES = st.builds(
    phone,
    st.sampled_from(["mobile", "landline"]),
    channel=st.sampled_from(["sms", "call", "both"]),
    opted=st.sampled_from(["all", "alerts", "none"]),
    phone_id=st.integers(1, 12),
)
_PEOPLE = st.lists(st.builds(lambda h, p: person(h, *p), st.integers(1, 6), st.lists(_PHONES, max_size=3)), max_size=15)


@given(_PEOPLE, st.sampled_from(list(UnitKind)), st.builds(Channels, st.booleans(), st.booleans(), st.booleans()))
def test_nobody_is_both_served_and_without_a_way(people: list[Addressee], kind: UnitKind, channels: Channels) -> None:
    made = allot(people, kind, channels)
    served = {place for copy in made.deliveries for place in copy.serves}
    for place, unit in enumerate(made.units):
        assert (place in served) == (unit.no_way is None)
    assert len({copy.phone.id for copy in made.deliveries}) == len(made.deliveries)
    assert all(copy.channels for copy in made.deliveries)
    allowed = {name for name, on in ((Channel.SMS, channels.sms), (Channel.CALL, channels.call)) if on}
    assert all(set(copy.channels) <= allowed for copy in made.deliveries)


@pytest.mark.parametrize(
    ("channel", "after", "error", "channels", "expected"),
    [
        (Channel.SMS, State.FAILED, "full_phone", BOTH, Channel.CALL),
        (Channel.SMS, State.UNKNOWN, "interrupted", BOTH, Channel.CALL),
        (Channel.SMS, State.FAILED, "dead_number/21", BOTH, None),
        (Channel.SMS, State.FAILED, "full_phone", Channels(call=False), None),
        (Channel.SMS, State.DELIVERED, None, BOTH, None),
        (Channel.SMS, State.EXPIRED, None, BOTH, None),
        (Channel.SMS, State.WITHDRAWN, None, BOTH, None),
        (Channel.CALL, State.FAILED, "no_answer", BOTH, None),
    ],
)
def test_the_ladder(
    channel: Channel, after: State, error: str | None, channels: Channels, expected: Channel | None
) -> None:
    assert next_rung(channel, after, error, channels, phone_kind="mobile") is expected
