"""The reach view and the door list: one query each, checked against counting by hand."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.message import State as M
from gateway.outbox import Outbox
from village.ground.clock import MovableClock, parse_iso
from village.ground.database import Database
from village.ground.migrate import migrate
from village.ground.privacy import Vault
from village.ground.wording import RefusalError
from village.notices.confirm import confirm
from village.notices.correct_notice import correct_notice
from village.notices.doors import assign, doors, open_doors, tick, untick
from village.notices.office import Means, Office
from village.notices.reach import Stage, reach
from village.notices.stop_notice import stop_notice
from village.people.audience import Audience
from village.people.changes_store import come_back, leave, set_field
from village.people.phones import hold
from village.schema import PACKAGES

MINUTE, HOUR = 60_000, 3_600_000


def view(tx, town, notice):
    return reach(tx, notice.id, town.clock.now_ms(), town.means.office)


def door_list(tx, town, notice):
    return doors(tx, notice.id, town.clock.now_ms(), town.means.office)


async def test_the_funnel_counts_households_by_how_far_it_came(db: Database, town) -> None:
    def unit(tx):
        names = ("排队", "发送", "交出", "到了", "听完", "收到", "没发成", "无机")
        houses = {name: town.house(tx, name, phones=0 if name == "无机" else 1) for name in names}
        town.wants(tx, houses["听完"].phones[0], "call")
        notice = town.send(tx)
        ids = {row["phone"]: row["id"] for row in town.messages(tx, notice)}
        at = {name: ids[house.phones[0]] for name, house in houses.items() if house.phones}
        town.move(tx, at["发送"], M.SENDING)
        town.move(tx, at["交出"], M.SENDING, M.ACCEPTED)
        town.deliver(tx, at["到了"])
        town.listen(tx, at["听完"])
        town.deliver(tx, at["收到"])
        confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=houses["收到"].phones[0])
        town.fail(tx, at["没发成"], "dead_number")
        return view(tx, town, notice), door_list(tx, town, notice)

    made, listed = await db.write(unit)
    funnel = made.funnel
    assert (funnel.units, funnel.queued, funnel.accepted, funnel.delivered) == (8, 2, 4, 3)
    assert (funnel.heard, funnel.confirmed, funnel.unreached) == (1, 1, 2)
    assert [(door.name, [str(step) for step in door.tried]) for door in listed.open] == [
        ("没发成", ["短信1 空号"]), ("无机", ["没有电话"]),
    ]  # fmt: skip
    assert {tile.name: tile.stage for tile in made.tiles}["听完"] is Stage.HEARD


async def test_who_does_not_answer_in_time_is_visited(db: Database, town) -> None:
    def unit(tx):
        houses = [town.house(tx, "甲"), town.house(tx, "乙")]
        notice = town.send(tx, due_ms=town.clock.now_ms() + 5 * HOUR)
        for row in town.messages(tx, notice):
            town.deliver(tx, row["id"])
        confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=houses[0].phones[0])
        return notice

    notice = await db.write(unit)
    assert (await db.read(lambda tx: view(tx, town, notice))).funnel.unreached == 0
    await town.clock.advance(5 * HOUR)
    (door,) = (await db.read(lambda tx: door_list(tx, town, notice))).open
    assert (door.name, [str(step) for step in door.tried]) == ("乙", ["短信1 到了，没回"])


async def test_without_a_due_time_the_setting_decides(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "甲"))
    notice = await db.write(town.send)
    await db.write(lambda tx: town.deliver(tx, town.messages(tx, notice)[0]["id"]))
    await town.clock.advance(24 * HOUR - 1)
    assert not (await db.read(lambda tx: door_list(tx, town, notice))).doors
    await town.clock.advance(1)
    assert len((await db.read(lambda tx: door_list(tx, town, notice))).open) == 1


async def test_ticking_confirms_and_unticking_takes_it_back(db: Database, town) -> None:
    await db.write(lambda tx: town.house(tx, "无机", phones=0))
    notice = await db.write(town.send)
    (door,) = (await db.read(lambda tx: door_list(tx, town, notice))).open
    tick_it = lambda by: lambda tx: tick(tx, notice.id, door.unit_id, seen_version=1, by=by, now_ms=town.clock.now_ms())  # noqa: E731
    await db.write(tick_it("李组长"))
    await town.clock.advance(MINUTE)
    await db.write(tick_it("别人"))
    listed = await db.read(lambda tx: door_list(tx, town, notice))
    assert listed.open == ()
    assert [(one.ticked_by, one.ticked_ms) for one in listed.doors] == [("李组长", town.clock.now_ms() - MINUTE)]
    assert (await db.read(lambda tx: view(tx, town, notice))).funnel.confirmed == 1
    await db.write(lambda tx: untick(tx, notice.id, door.unit_id, now_ms=town.clock.now_ms()))
    assert len((await db.read(lambda tx: door_list(tx, town, notice))).open) == 1
    await db.write(tick_it("李组长"))
    assert (await db.read(lambda tx: view(tx, town, notice))).funnel.confirmed == 1


async def test_unticking_leaves_the_households_own_answer(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        notice = town.send(tx)
        town.fail(tx, town.messages(tx, notice)[0]["id"], "dead_number")
        (door,) = door_list(tx, town, notice).open
        confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=house.phones[0])
        tick(tx, notice.id, door.unit_id, seen_version=1, by="李", now_ms=town.clock.now_ms())
        untick(tx, notice.id, door.unit_id, now_ms=town.clock.now_ms())
        return view(tx, town, notice).funnel

    assert (await db.write(unit)).confirmed == 1


async def test_a_correction_sends_the_visitor_again(db: Database, town) -> None:
    def unit(tx):
        town.house(tx, "无机", phones=0)
        notice = town.send(tx)
        (door,) = door_list(tx, town, notice).open
        tick(tx, notice.id, door.unit_id, seen_version=1, by="李", now_ms=town.clock.now_ms())
        correct_notice(
            tx, town.means, notice.id, text="改了", due_ms=None, seen_version=1, by="李", now_ms=town.clock.now_ms()
        )
        return notice, door, door_list(tx, town, notice)

    notice, door, listed = await db.write(unit)
    assert [(one.had_old, one.ticked) for one in listed.open] == [(True, False)]
    with pytest.raises(RefusalError, match="已经更正") as refused:
        await db.write(
            lambda tx: tick(tx, notice.id, door.unit_id, seen_version=1, by="李", now_ms=town.clock.now_ms())
        )
    assert refused.value.status == 409


async def test_the_groups_leader_goes_unless_somebody_else_is_named(db: Database, town) -> None:
    def unit(tx):
        leader = town.house(tx, "李组长", group=3)
        set_field(tx, town.hand, leader.residents[0], "group_leader", 1)
        town.house(tx, "无机", group=3, phones=0)
        town.house(tx, "别组", group=4, phones=0)
        notice = town.send(tx)
        before = door_list(tx, town, notice)
        assign(tx, notice.id, before.open[0].unit_id, "王会计")
        return before, door_list(tx, town, notice)

    before, after = await db.write(unit)
    assert [door.who for door in before.open] == ["李组长", ""]
    assert [door.who for door in after.open] == ["王会计", ""]


async def test_alone_and_old_come_first_and_say_so(db: Database, town) -> None:
    def unit(tx):
        for name, born, alone in (("年轻", "1990", 0), ("独居", "1948-03-04", 1), ("老", "1950", 0)):
            house = town.house(tx, name, phones=0)
            set_field(tx, town.hand, house.residents[0], "born", born)
            set_field(tx, town.hand, house.residents[0], "lives_alone", alone)
        return door_list(tx, town, town.send(tx))

    listed = await db.write(unit)
    first = listed.open[0]
    assert (first.name, first.alone, first.age) == ("独居", True, 78)


async def test_stopped_notices_send_nobody_out(db: Database, town) -> None:
    def unit(tx):
        town.house(tx, "无机", phones=0)
        notice = town.send(tx)
        before = len(open_doors(tx, town.clock.now_ms(), town.means.office))
        stop_notice(tx, town.means, notice.id, seen_version=1, by="李", now_ms=town.clock.now_ms())
        return before, open_doors(tx, town.clock.now_ms(), town.means.office)

    assert await db.write(unit) == (1, [])


async def test_persons_are_listed_by_their_own_name(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "户主", people=2, phones=0)
        notice = town.send(tx, audience=Audience.residents([house.residents[1]]))
        return door_list(tx, town, notice)

    assert [door.name for door in (await db.write(unit)).open] == ["户主1"]


@pytest.mark.parametrize("persons", [False, True])
async def test_where_nobody_is_left_nobody_knocks_until_one_comes_back(db: Database, town, persons: bool) -> None:
    """A household of one and one of two: the second one's house is still a house, the person who left is gone."""

    def unit(tx):
        one, two = town.house(tx, "甲", phones=0), town.house(tx, "乙", people=2, phones=0)
        everybody = [*one.residents, *two.residents]
        notice = town.send(tx, audience=Audience.residents(everybody) if persons else None)
        assert view(tx, town, notice).funnel.unreached == (3 if persons else 2)
        for resident in (one.residents[0], two.residents[0]):
            leave(tx, town.hand, resident)
        return one, notice

    one, notice = await db.write(unit)
    left = [name for name in ("甲", "乙") if persons or name == "甲"]
    for _ in range(2):  # before the door list opens for those who did not answer, and after
        made = await db.read(lambda tx: view(tx, town, notice))
        assert [tile.name for tile in made.tiles if tile.stage is Stage.LEFT] == left
        assert made.funnel.unreached == 1
        listed = await db.read(lambda tx: door_list(tx, town, notice))
        assert [door.name for door in listed.doors] == ["乙1" if persons else "乙"]
        await town.clock.advance(25 * HOUR)
    await db.write(lambda tx: come_back(tx, town.hand, one.residents[0]))
    assert (await db.read(lambda tx: view(tx, town, notice))).funnel.unreached == 2


async def test_who_had_answered_before_he_left_has_answered(db: Database, town) -> None:
    def unit(tx):
        house = town.house(tx, "甲")
        notice = town.send(tx)
        confirm(tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=house.phones[0])
        leave(tx, town.hand, house.residents[0])
        return view(tx, town, notice)

    assert [tile.stage for tile in (await db.write(unit)).tiles] == [Stage.CONFIRMED]


async def test_the_curve_steps_up_as_households_answer(db: Database, town) -> None:
    houses = await db.write(lambda tx: [town.house(tx, f"户{n}", group=1 + n % 2) for n in range(4)])
    notice = await db.write(town.send)
    for wait, house in zip((0, 3, 3, 10), houses, strict=True):
        await town.clock.advance(wait * MINUTE)
        await db.write(
            lambda tx, house=house: confirm(
                tx, notice.id, via="sms", at_ms=town.clock.now_ms(), phone_id=house.phones[0]
            )
        )
    made = await db.read(lambda tx: view(tx, town, notice))
    assert made.curve == ((0, 1), (3, 2), (6, 3), (16, 4))
    assert [group.curve for group in made.groups] == [((0, 1), (6, 2)), ((0, 0), (3, 1), (16, 2))]


# against a plain reckoning

_FATES = {
    "queued": (),
    "sending": (M.SENDING,),
    "accepted": (M.SENDING, M.ACCEPTED),
    "delivered": (M.SENDING, M.ACCEPTED, M.DELIVERED),
    "failed": (M.SENDING, M.FAILED),
    "unknown": (M.SENDING, M.UNKNOWN),
    "heard": (),
}

_HOUSE = st.tuples(
    st.integers(1, 3),  # group
    st.lists(st.tuples(st.sampled_from(["sms", "call", "both"]), st.sampled_from(sorted(_FATES))), max_size=3),
    st.sampled_from(["", "sms", "door"]),  # how it confirmed
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(houses=st.lists(_HOUSE, min_size=1, max_size=8), late=st.booleans(), share=st.booleans())
def test_reach_and_doors_equal_counting_by_hand(tmp_path_factory, town_class, houses, late, share) -> None:
    clock = MovableClock(parse_iso("2026-12-05T09:10:00"))
    vault = Vault(b"k" * 32)
    path: Path = tmp_path_factory.mktemp("reach") / "v.db"
    tx = sqlite3.connect(path, isolation_level=None)
    tx.row_factory = sqlite3.Row
    tx.execute("PRAGMA synchronous = OFF")
    migrate(tx, PACKAGES, clock.now_ms())
    town = town_class(Means(Outbox(vault, clock), vault, Office("青山村", "青山村", calls=False)), clock)
    made = [town.house(tx, f"户{n}", group=group, phones=len(phones)) for n, (group, phones, _) in enumerate(houses)]
    for house, (_, phones, _) in zip(made, houses, strict=True):
        for phone_id, (channel, _) in zip(house.phones, phones, strict=True):
            town.wants(tx, phone_id, channel)
    served: dict[int, set[int]] = defaultdict(set)
    for house in made:
        for phone_id in house.phones:
            served[phone_id].add(house.id)
    if share and made[0].phones and len(made) > 1:
        hold(tx, made[0].phones[0], made[1].residents[0], "desk", by="", at_ms=0)
        served[made[0].phones[0]].add(made[1].id)
    notice = town.send(tx)

    fates = {phone: fate for house, (_, phones, _) in zip(made, houses, strict=True)
             for phone, (_, fate) in zip(house.phones, phones, strict=True)}  # fmt: skip
    got: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for row in town.messages(tx, notice):
        fate = fates[row["phone"]]
        if fate == "heard" and row["channel"] == "sms":
            fate = "delivered"
        if fate in ("delivered", "accepted") and row["channel"] == "call":
            fate = "heard"
        if fate == "heard":
            town.listen(tx, row["id"])
        else:
            town.move(tx, row["id"], *_FATES[fate])
        for household in served[row["phone"]]:
            got[household].append((row["channel"], fate))
    ticked = {}
    for house, (_, _, how) in zip(made, houses, strict=True):
        if how == "sms":
            confirm(tx, notice.id, via="sms", at_ms=clock.now_ms(), household_id=house.id)
        if how == "door":
            unit = tx.execute("SELECT id FROM notice_unit WHERE household_id = :h", {"h": house.id}).fetchone()["id"]
            tick(tx, notice.id, unit, seen_version=1, by="李", now_ms=clock.now_ms())
            ticked[house.id] = True
    now_ms = clock.now_ms() + (25 * HOUR if late else 0)

    expected = defaultdict(int)
    visit = set()
    for house, (group, _, how) in zip(made, houses, strict=True):
        copies = got[house.id]
        arrived = [fate for _, fate in copies]
        under_way = [fate for fate in arrived if fate in ("queued", "sending", "accepted")]
        stage = (
            "confirmed" if how
            else "heard" if "heard" in arrived
            else "delivered" if "delivered" in arrived
            else "nobody" if not under_way
            else "accepted" if "accepted" in arrived
            else "queued"
        )  # fmt: skip
        expected[group, stage] += 1
        if stage not in ("confirmed", "heard") and (stage == "nobody" or late):
            visit.add(house.id)
            expected[group, "unreached"] += 1
        expected[group, "delivered+"] += bool({"delivered", "heard"} & set(arrived))
    seen = reach(tx, notice.id, now_ms, town.means.office)
    for group in seen.groups:
        funnel = group.funnel
        number = group.group_no
        assert funnel.confirmed == expected[number, "confirmed"]
        assert funnel.heard == expected[number, "heard"]
        assert funnel.queued == expected[number, "queued"]
        assert funnel.delivered == expected[number, "delivered+"]
        assert funnel.unreached == expected[number, "unreached"]
        assert group.curve[-1][1] == funnel.confirmed + funnel.heard
    total = seen.funnel
    assert total.units == len(made) == sum(group.funnel.units for group in seen.groups)
    listed = doors(tx, notice.id, now_ms, town.means.office)
    assert {door.household_id for door in listed.open} == visit
    assert {door.household_id for door in listed.doors if door.ticked} == set(ticked)
    assert {tile.unit_id for tile in seen.tiles if tile.visit} == {door.unit_id for door in listed.open}
    tx.close()


@pytest.fixture
def town_class(town):  # type: ignore[no-untyped-def]
    return type(town)


async def test_six_hundred_people_are_reckoned_in_a_blink(db: Database, town) -> None:
    def unit(tx):
        for n in range(210):
            town.house(tx, f"户{n}", group=1 + n % 8, people=3, phones=2)
        notice = town.send(tx)
        for n, row in enumerate(town.messages(tx, notice)):
            if n % 3:
                town.deliver(tx, row["id"])
        return notice

    notice = await db.write(unit)
    seen: list[str] = []

    def counted(tx):
        tx.set_trace_callback(seen.append)
        made = view(tx, town, notice), door_list(tx, town, notice)
        tx.set_trace_callback(None)
        return made

    made, _ = await db.read(counted)
    assert made.funnel.units == 210
    assert sum("notice_unit" in statement for statement in seen) <= 8
