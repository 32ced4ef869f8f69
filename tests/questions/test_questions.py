"""An answer belongs to the question the phone had seen when it was written."""

import pytest

from gateway import store as gateway_store
from gateway.message import Channel, Draft, Priority, State
from gateway.outbox import Outbox
from gateway.phone import Phone, PhoneKind
from gateway.verdict import Verdict
from village import questions
from village.people import phones

NUMBER = "+8619900000001"
MINUTE = 60_000


class Asking:
    def __init__(self, db, vault, clock, phone_id):
        self.db, self.clock, self.outbox, self.phone_id = db, clock, Outbox(vault, clock), phone_id

    async def ask(self, number, *states, kind="notice", subject_id=None):
        def unit(tx):
            sms = Draft(
                to=NUMBER, channel=Channel.SMS, kind=kind, priority=Priority.NOTICE, reference="x", text=f"问{number}"
            )
            message_id = self.outbox.enqueue(tx, sms)
            for _ in range(2):
                questions.ask(
                    tx, self.phone_id, kind=kind, number=number, subject_id=subject_id or number, message_id=message_id
                )
            for state in states:
                about = gateway_store.known(tx, message_id)
                verdict = Verdict(state, about.standing.tries, about.standing.due_ms, None)
                gateway_store.move(tx, about, verdict, self.clock.now_ms())
            return message_id

        return await self.db.write(unit)

    async def newest(self, before_ms=None, **more):
        at_ms = self.clock.now_ms() if before_ms is None else before_ms
        found = await self.db.read(lambda tx: questions.newest(tx, self.phone_id, at_ms, **more))
        return None if found is None else found.number


SENT = (State.SENDING, State.ACCEPTED)


@pytest.fixture
async def asking(db, vault, clock):
    phone_id = await db.write(lambda tx: phones.admit(tx, vault, Phone(NUMBER, PhoneKind.MOBILE), clock.now_ms()))
    return Asking(db, vault, clock, phone_id)


async def test_the_newest_question_is_answered(asking):
    await asking.ask(17, *SENT)
    await asking.clock.advance(MINUTE)
    await asking.ask(18, *SENT)
    await asking.clock.advance(MINUTE)
    assert await asking.newest() == 18


async def test_a_late_answer_finds_the_older_question(asking):
    await asking.ask(17, *SENT)
    await asking.clock.advance(MINUTE)
    written_ms = asking.clock.now_ms()
    await asking.clock.advance(MINUTE)
    await asking.ask(18, *SENT)
    assert await asking.newest(written_ms) == 17


async def test_what_waits_in_the_queue_counts_only_for_trying_out(asking):
    await asking.ask(17, *SENT)
    await asking.clock.advance(MINUTE)
    await asking.ask(18)
    await asking.clock.advance(MINUTE)
    assert await asking.newest() == 17
    assert await asking.newest(waiting=True) == 18


async def test_what_was_never_sent_was_never_asked(asking):
    await asking.ask(17)
    await asking.ask(18, State.SENDING, State.FAILED)
    await asking.ask(19, State.WITHDRAWN)
    await asking.clock.advance(MINUTE)
    assert await asking.newest() is None


async def test_a_message_of_unknown_fate_counts_only_where_nothing_else_was_asked(asking):
    await asking.ask(17, State.SENDING, State.UNKNOWN)
    await asking.clock.advance(MINUTE)
    assert await asking.newest() == 17
    await asking.ask(18, *SENT)
    await asking.clock.advance(MINUTE)
    await asking.ask(19, State.SENDING, State.UNKNOWN)
    await asking.clock.advance(MINUTE)
    assert await asking.newest() == 18


async def test_the_centre_s_clock_has_whole_seconds(asking):
    await asking.clock.advance(700)
    await asking.ask(17, *SENT)
    written_ms = asking.clock.now_ms() // 1000 * 1000
    assert await asking.newest(written_ms) == 17
    assert await asking.newest(written_ms - 1000) is None


async def test_kind_and_number_narrow_the_question(asking):
    await asking.ask(17, *SENT)
    await asking.clock.advance(MINUTE)
    await asking.ask(23, *SENT, kind="poll")
    await asking.clock.advance(MINUTE)
    assert await asking.newest() == 23
    assert await asking.newest(kinds={"notice"}) == 17
    assert await asking.newest(number=17) == 17
    assert await asking.newest(kinds=set()) is None
