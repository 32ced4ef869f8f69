"""Facts about the outbox: what goes in comes out once, or it is said why not."""

from __future__ import annotations

import logging
import sqlite3

import pytest

from gateway.failures import DraftError, Trouble
from gateway.message import Channel, Draft, Priority, State
from gateway.segments import MAX_PARTS
from gateway.simulated.handset import Rule
from gateway.transports.simulator import SimulatorSms
from tests.gateway.conftest import LI, SCRIPT, WANG, ZHAO, Rig, draft


async def test_a_message_goes_from_queued_to_delivered(rig: Rig) -> None:
    await rig.start()
    message = await rig.send(text="【青山村】通知17:停水")
    assert await rig.state(message) == State.QUEUED
    await rig.until(rig.reaches(message, "delivered"))
    row = await rig.row(message)
    assert rig.texts_on(WANG) == ["【青山村】通知17:停水"]
    assert row["queued_ms"] <= row["accepted_ms"] <= row["delivered_ms"] <= row["ended_ms"]
    assert (row["tries"], row["error"], row["parts"], row["kind"]) == (1, None, 1, "notice")
    assert row["fingerprint"] == rig.vault.fingerprint(WANG)
    assert [(m.before, m.after) for m in rig.recorder.moves] == [("sending", "accepted"), ("accepted", "delivered")]


async def test_a_message_and_what_it_belongs_to_are_kept_or_lost_together(rig: Rig) -> None:
    def unit(tx: sqlite3.Connection) -> None:
        rig.gateway.outbox.enqueue(tx, draft())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await rig.db.write(unit)
    assert await rig.states() == {}


@pytest.mark.parametrize(
    "wrong",
    [
        draft(to="19900000001"),
        draft(to="10086"),
        draft(text=""),
        draft(text="  "),
        draft(text="字" * 67 * MAX_PARTS + "字"),
        draft(channel=Channel.CALL, text=""),
        draft(script=SCRIPT),
    ],
)
async def test_what_can_never_be_sent_is_refused_at_once(rig: Rig, wrong: Draft) -> None:
    with pytest.raises(DraftError):
        await rig.db.write(lambda tx: rig.gateway.outbox.enqueue(tx, wrong))
    assert await rig.states() == {}


async def test_the_longest_text_that_is_taken_arrives_whole(rig: Rig) -> None:
    await rig.start()
    text = "字" * 67 * MAX_PARTS
    message = await rig.send(text=text)
    await rig.until(rig.reaches(message, "delivered"))
    assert rig.texts_on(WANG) == [text]
    assert (await rig.row(message))["parts"] == MAX_PARTS


async def test_a_dead_number_fails_and_holds_up_nobody(rig: Rig) -> None:
    rig.carrier.set_rule(WANG, Rule(dead=True))
    await rig.start(sms=[SimulatorSms(rig.carrier, window=1)])
    dead, *living = await rig.send_all([draft(WANG), draft(LI), draft(ZHAO)])
    await rig.until(rig.all_are("failed", "delivered"))
    assert await rig.state(dead) == "failed"
    assert (await rig.row(dead))["error"] == "dead_number/1"
    assert [await rig.state(one) for one in living] == ["delivered", "delivered"]
    assert (await rig.row(dead))["tries"] == 1


async def test_a_number_that_has_to_wait_holds_up_nobody(rig: Rig) -> None:
    rig.carrier.set_rule(WANG, Rule(retry_first=3))
    await rig.start(sms=[SimulatorSms(rig.carrier, window=1)])
    waiting, other = await rig.send_all([draft(WANG), draft(LI)])
    await rig.until(rig.reaches(other, "delivered"), within_ms=10_000)
    assert await rig.state(waiting) == "queued"
    await rig.until(rig.reaches(waiting, "delivered"), within_ms=30 * 60_000, step_ms=5_000)
    assert (await rig.row(waiting))["tries"] == 4
    assert rig.texts_on(WANG) == ["【青山村】通知17:停水"]


async def test_a_full_phone_is_tried_again_until_the_table_ends(rig: Rig) -> None:
    rig.carrier.set_full(WANG, True)
    await rig.start()
    message = await rig.send(priority=Priority.EMERGENCY)
    await rig.until(rig.reaches(message, "failed"), within_ms=60 * 60_000, step_ms=5_000)
    row = await rig.row(message)
    assert (row["error"], row["tries"]) == ("full_phone", 3)


async def test_a_phone_without_signal_gets_it_when_the_signal_returns(rig: Rig) -> None:
    rig.carrier.set_signal(WANG, False)
    await rig.start()
    message = await rig.send()
    await rig.let_pass(600_000, step_ms=10_000)
    assert await rig.state(message) == "accepted"
    assert rig.texts_on(WANG) == []
    rig.carrier.set_signal(WANG, True)
    await rig.until(rig.reaches(message, "delivered"), within_ms=10_000)
    assert rig.texts_on(WANG) == ["【青山村】通知17:停水"]


async def test_an_accepted_message_without_a_report_ages_out_to_unknown(rig: Rig) -> None:
    rig.carrier.set_rule(WANG, Rule(lose_reports=True))
    await rig.start()
    message = await rig.send()
    await rig.let_pass(30_000)
    assert await rig.state(message) == "accepted"
    # asked once it is unknown, the carrier does know
    await rig.until(rig.reaches(message, "delivered"), within_ms=80 * 3_600_000, step_ms=900_000)
    assert [m.after for m in rig.recorder.moves] == ["accepted", "unknown", "delivered"]


async def test_what_is_urgent_goes_first(rig: Rig) -> None:
    ids = await rig.send_all(
        [
            draft(WANG, priority=Priority.DAILY, text="广播"),
            draft(WANG, priority=Priority.NOTICE, text="通知"),
            draft(WANG, priority=Priority.REPLY, text="回复"),
            draft(WANG, priority=Priority.EMERGENCY, text="红色预警"),
            draft(WANG, priority=Priority.NOTICE, text="通知二"),
        ]
    )
    await rig.start(sms=[SimulatorSms(rig.carrier, window=1)])
    await rig.until(rig.all_are("delivered"))
    order = sorted(ids, key=[m.message_id for m in rig.recorder.moves if m.after == "accepted"].index)
    assert [ids.index(one) for one in order] == [3, 2, 1, 4, 0]


async def test_a_message_waits_for_its_time(rig: Rig) -> None:
    await rig.start()
    message = await rig.send(not_before_ms=rig.clock.now_ms() + 3_600_000)
    await rig.let_pass(3_500_000, step_ms=100_000)
    assert await rig.state(message) == "queued"
    await rig.until(rig.reaches(message, "delivered"), within_ms=200_000, step_ms=1000)


async def test_what_came_too_late_expires_and_is_never_sent(rig: Rig) -> None:
    late = await rig.send(expires_ms=rig.clock.now_ms() + 1000)
    await rig.clock.advance(2000)
    await rig.start()
    fresh = await rig.send(LI)
    await rig.until(rig.reaches(fresh, "delivered"))
    assert await rig.state(late) == "expired"
    assert rig.texts_on(WANG) == []
    assert ("queued", "expired") in [(m.before, m.after) for m in rig.recorder.moves]


async def test_a_message_without_an_end_gets_its_prioritys_lifetime(rig: Rig) -> None:
    message = await rig.send(priority=Priority.REPLY)
    row = await rig.row(message)
    assert row["expires_ms"] - row["queued_ms"] == 24 * 3_600_000


async def test_waiting_messages_expire_while_the_link_is_down(rig: Rig) -> None:
    rig.carrier.set_down(Trouble.NO_SIGNAL)
    await rig.start()
    message = await rig.send(expires_ms=rig.clock.now_ms() + 300_000)
    await rig.until(rig.reaches(message, "expired"), within_ms=600_000, step_ms=5000)


async def test_with_a_guessed_clock_nothing_expires_and_everything_goes(rig: Rig) -> None:
    rig.clock.set_trusted(False)
    first = await rig.send(expires_ms=rig.clock.now_ms() - 1)
    second = await rig.send()
    assert (await rig.row(second))["expires_ms"] is None
    await rig.start()
    await rig.until(rig.all_are("delivered"))
    assert await rig.state(first) == "delivered"


async def test_withdrawn_before_it_left_it_is_never_sent(rig: Rig) -> None:
    ids = await rig.send_all([draft(WANG), draft(LI)])
    assert await rig.db.write(lambda tx: rig.gateway.outbox.withdraw(tx, ids[:1])) == ids[:1]
    await rig.start()
    await rig.until(rig.all_are("delivered", "withdrawn"))
    assert rig.texts_on(WANG) == []
    assert await rig.db.write(lambda tx: rig.gateway.outbox.withdraw(tx, ids)) == []
    assert await rig.state(ids[1]) == "delivered"


async def test_withdrawn_while_it_is_being_sent_it_is_not_tried_again(rig: Rig) -> None:
    rig.carrier.set_rule(WANG, Rule(retry_first=9))
    await rig.start()
    message = await rig.send()
    await rig.until(rig.reaches(message, "sending"), step_ms=10)
    assert await rig.db.write(lambda tx: rig.gateway.outbox.withdraw(tx, [message])) == []
    await rig.until(rig.reaches(message, "withdrawn"))
    assert rig.texts_on(WANG) == []
    assert rig.recorder.moves[-1].after == State.WITHDRAWN


async def test_history_of_a_number_newest_first(rig: Rig) -> None:
    await rig.send_all([draft(WANG, f"第{n}条") for n in range(8)] + [draft(LI, "别人的")])
    recent = await rig.db.read(lambda tx: rig.gateway.outbox.recent(tx, WANG))
    assert [sent.text for sent in recent] == ["第7条", "第6条", "第5条", "第4条", "第3条"]
    assert await rig.db.read(lambda tx: rig.gateway.outbox.recent(tx, ZHAO)) == []


async def test_no_number_and_no_text_lies_in_clear_in_the_files(
    rig: Rig, tmp_path_factory: pytest.TempPathFactory
) -> None:
    await rig.start()
    await rig.send(text="【青山村】水管爆裂请存水")
    rig.carrier.send_from(WANG, "我要投赞成票")
    await rig.until(lambda: rig.recorder.received_sms)
    await rig.until(rig.all_are("delivered"))
    folder = rig.db.path.parent
    contents = b"".join(path.read_bytes() for path in folder.glob("village.db*"))
    for secret in (WANG, "19900000001", "水管爆裂", "赞成票"):
        assert secret.encode() not in contents


async def test_no_number_and_no_text_is_logged(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rig.carrier.set_rule(LI, Rule(dead=True))
    rig.recorder.fails_on = lambda _: True
    await rig.start()
    await rig.send_all([draft(WANG, "水管爆裂"), draft(LI, "水管爆裂")])
    rig.carrier.send_from(WANG, "赞成票")
    await rig.until(rig.all_are("delivered", "failed"))
    logged = "\n".join(record.getMessage() + str(record.exc_info) for record in caplog.records)
    assert "RuntimeError" in logged
    for secret in ("1990000", "水管", "赞成"):
        assert secret not in logged


async def test_a_mistake_of_the_village_stops_no_lane(rig: Rig) -> None:
    rig.recorder.fails_on = lambda what: getattr(what, "message_id", None) == 1
    await rig.start()
    ids = await rig.send_all([draft(WANG), draft(LI)])
    await rig.until(rig.all_are("delivered"))
    assert {m.message_id for m in rig.recorder.moves} == {ids[1]}


async def test_the_same_text_to_many_is_kept_once(rig: Rig) -> None:
    await rig.send_all([draft(f"+861990000{n:04d}", "一样的") for n in range(50)])

    def count(tx: sqlite3.Connection) -> tuple[int, int]:
        return (
            tx.execute("SELECT count(*) FROM body").fetchone()[0],
            tx.execute("SELECT count(*) FROM recipient").fetchone()[0],
        )

    assert await rig.db.read(count) == (1, 50)
