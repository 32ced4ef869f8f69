"""Facts about what comes in: kept once, whole, before anybody reads it."""

from __future__ import annotations

import sqlite3

from gateway.transport import Inbound
from tests.gateway.conftest import LI, WANG, Rig


async def take(rig: Rig, sender: str = WANG, text: str = "9", **more: object) -> int | None:
    inbound = Inbound(sender, text, **more)  # type: ignore[arg-type]
    return await rig.db.write(lambda tx: rig.gateway.inbox.take(tx, inbound, "modem"))


async def rows(rig: Rig) -> list[dict[str, object]]:
    return await rig.db.read(lambda tx: [dict(row) for row in tx.execute("SELECT * FROM inbox ORDER BY id")])


async def test_a_text_comes_through_whole(rig: Rig) -> None:
    await rig.start()
    rig.carrier.send_from(WANG, " 收到９ \n😀")
    await rig.until(lambda: rig.recorder.received_sms)
    sms = rig.recorder.received_sms[0]
    assert (sms.sender, sms.text, sms.transport) == (WANG, " 收到９ \n😀", "simulator")
    assert sms.centre_ms is not None
    assert sms.centre_ms <= sms.received_ms
    await rig.until(lambda: rig.carrier.thread(WANG)[0].state == "delivered")


async def test_the_same_sender_centre_time_and_text_is_one_message(rig: Rig) -> None:
    assert await take(rig, centre_ms=1000) is not None
    assert await take(rig, centre_ms=1000) is None
    assert await take(rig, sender="19900000001", centre_ms=1000) is None
    assert await take(rig, centre_ms=2000) is not None
    assert await take(rig, text="8", centre_ms=1000) is not None
    assert await take(rig, sender=LI, centre_ms=1000) is not None
    assert len(rig.recorder.received_sms) == 4


async def test_the_file_does_not_show_who_sent_the_same_text(rig: Rig) -> None:
    """Two ballots for the same option would bear one print; a clerk who texts his own finds all who voted like him."""
    await take(rig, text="1", centre_ms=1000)
    await take(rig, sender=LI, text="1", centre_ms=1000)
    await take(rig, text="1", centre_ms=9000)
    prints = [row["text_print"] for row in await rows(rig)]
    assert prints[0] != prints[1]
    assert prints[0] == prints[2]
    repeated = await rig.db.read(lambda tx: rig.gateway.inbox.repeats(tx, WANG, "1", 0))
    assert repeated == 2


async def test_the_same_carriers_id_is_one_message(rig: Rig) -> None:
    assert await take(rig, carrier_id="SM1") is not None
    assert await take(rig, text="another", carrier_id="SM1") is None
    assert await take(rig, carrier_id="SM2") is not None


async def test_what_the_village_cannot_read_is_kept_and_says_so(rig: Rig) -> None:
    def fails(what: object) -> bool:
        return getattr(what, "text", None) == "9"

    rig.recorder.fails_on = fails
    kept = await take(rig, centre_ms=1)
    assert kept is not None
    assert [row["trouble"] for row in await rows(rig)] == ["RuntimeError"]
    assert await rig.db.read(rig.gateway.inbox.troubled) == [kept]
    rig.recorder.fails_on = lambda _: False
    assert await rig.db.write(lambda tx: rig.gateway.inbox.hand_over(tx, kept))
    assert [row["trouble"] for row in await rows(rig)] == [None]
    assert [sms.text for sms in rig.recorder.received_sms] == ["9", "9"]


async def test_what_the_village_did_before_its_mistake_is_undone(rig: Rig) -> None:
    class Village:
        def received(self, tx: sqlite3.Connection, sms: object) -> None:
            tx.execute("UPDATE inbox SET transport = 'half done'")
            raise RuntimeError

        def moved(self, tx: sqlite3.Connection, moved: object) -> None: ...

        def call(self, tx: sqlite3.Connection, event: object) -> None: ...

    rig.gateway.inbox._events = Village()
    await take(rig, centre_ms=1)
    assert [row["transport"] for row in await rows(rig)] == ["modem"]


async def test_senders_that_are_no_phones_are_kept_as_they_came(rig: Rig) -> None:
    await take(rig, sender="10086", text="余额不足")
    await take(rig, sender="工商银行", text="验证码")
    assert [sms.sender for sms in rig.recorder.received_sms] == ["10086", "工商银行"]


async def test_a_robot_that_repeats_itself_is_counted(rig: Rig) -> None:
    for n in range(5):
        await take(rig, text="我在开会" if n < 4 else " 我在开会", centre_ms=n)
    await take(rig, text="9", centre_ms=9)
    inbox = rig.gateway.inbox
    assert await rig.db.read(lambda tx: inbox.repeats(tx, WANG, "我在开会", 0)) == 5
    assert await rig.db.read(lambda tx: inbox.repeats(tx, LI, "我在开会", 0)) == 0


async def test_a_text_offered_again_after_a_crash_is_handed_over_once(rig: Rig) -> None:
    await rig.start()
    rig.carrier.send_from(WANG, "9")
    await rig.until(lambda: rig.recorder.received_sms, step_ms=20)
    await rig.crash()
    rig.carrier._book._db.execute("UPDATE note SET state = 'waiting', due_ms = 0 WHERE mine = 1")
    await rig.start()
    await rig.until(lambda: rig.carrier.thread(WANG)[0].state == "delivered")
    assert len(rig.recorder.received_sms) == 1
