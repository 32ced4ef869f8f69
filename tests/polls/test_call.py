"""Facts about a poll's call: silence never votes, the choice is read back, the receipt spoken is the ballot's."""

from __future__ import annotations

import pytest

from gateway.message import CallEvent, CallStep, Channel
from gateway.script import Chosen, End, Machine, Played, Pressed, Say, Script, Silence
from tests.polls.conftest import DAY_MS
from village.polls import ledger_store, store
from village.polls.events import poll_call
from village.polls.poll import Voter
from village.polls.spoken import Asked, confirm_node, confirmed_by, poll_script
from village.polls.standing import standing


def voter(voter_id: int, name: str) -> Voter:
    return Voter(voter_id, 1, voter_id, voter_id, voter_id, 1, name, 1)  # type: ignore[arg-type]


@pytest.fixture
async def poll(db, booth):
    await db.write(lambda tx: booth.house(tx, "王德福"))
    return await db.write(booth.ask)


def walk(script: Script, *happenings):
    machine = Machine(script)
    actions = machine.begin()
    for happening in happenings:
        actions += machine.on(happening)
    return actions


TO_THE_QUESTION = (Played(), Silence(), Played(), Silence(), Played(), Pressed("8"))


async def test_one_voter_is_asked_read_back_and_given_a_receipt(booth, poll):
    script = poll_script(booth.means.office, poll, [Asked(voter(7, "王德福"), "73041")])
    actions = walk(script, *TO_THE_QUESTION, Played(), Pressed("1"), Played(), Pressed("8"), Played(), Silence())
    said = [line for action in actions if isinstance(action, Say) for line in action.lines]
    assert said == [
        "您好，青山村村委会，电话88001234。不要钱，不要密码。",
        "村里问一件事，不是选举。",
        "请问是王德福本人吗？是，按8；不是，按7。",
        "东路口装不装减速带？同意按1，不同意按2，弃权按3，再听按星号。",
        "您选的是同意。对，按8；要改，按7。",
        "记下了，回执号七三零四幺，七三零四幺。",
        "以这个号为准。",
        "到12月6日9点10分前都能改。",
        "有事请打村委会电话，再见。",
    ]
    keys = [(action.node, action.key) for action in actions if isinstance(action, Chosen)]
    assert [confirmed_by(node, key) for node, key in keys[:-1]] == [None, None]
    confirmed = confirmed_by(*keys[-1])
    assert confirmed is not None
    assert (confirmed.voter_id, confirmed.choice) == (7, 1)


async def test_silence_wrong_keys_and_hanging_up_never_vote(booth, poll):
    script = poll_script(booth.means.office, poll, [Asked(voter(7, "王德福"), "73041")])
    silent = walk(script, *TO_THE_QUESTION, Played(), Silence(), Played(), Silence(), Played())
    unsure = walk(script, *TO_THE_QUESTION, Played(), Pressed("1"), Played(), Silence(), Played())
    other = walk(script, *TO_THE_QUESTION, Played(), Pressed("6"), Pressed("9"), Pressed("0"), Played(), Silence())
    stranger = walk(script, Played(), Silence(), Played(), Silence(), Played(), Pressed("7"), Played())
    for actions in (silent, unsure, other, stranger):
        assert not any(isinstance(a, Chosen) and confirmed_by(a.node, a.key) for a in actions)
    assert isinstance(stranger[-1], End)


async def test_a_mind_changed_at_the_read_back_asks_again(booth, poll):
    script = poll_script(booth.means.office, poll, [Asked(voter(7, "王德福"), "73041")])
    actions = walk(
        script, *TO_THE_QUESTION, Played(), Pressed("1"), Played(), Pressed("7"), Played(), Pressed("2"), Played(),
        Pressed("8"),
    )  # fmt: skip
    cast = [found for a in actions if isinstance(a, Chosen) and (found := confirmed_by(a.node, a.key))]
    assert [(one.voter_id, one.choice) for one in cast] == [(7, 2)]


async def test_a_shared_phone_asks_for_whom_and_goes_round(booth, poll):
    people = [Asked(voter(7, "王德福"), "73041"), Asked(voter(8, "李桂英"), "40915")]
    script = poll_script(booth.means.office, poll, people)
    actions = walk(
        script, Played(), Silence(), Played(), Silence(), Played(), Pressed("2"), Played(), Pressed("1"), Played(),
        Pressed("8"), Played(), Silence(), Played(), Pressed("1"), Played(), Pressed("2"), Played(), Pressed("8"),
        Played(), Silence(), Played(), Silence(), Played(),
    )  # fmt: skip
    cast = [found for a in actions if isinstance(a, Chosen) and (found := confirmed_by(a.node, a.key))]
    assert [(one.voter_id, one.choice) for one in cast] == [(8, 1), (7, 2)]
    said = "".join(line for action in actions if isinstance(action, Say) for line in action.lines)
    assert "给谁投？王德福按1，李桂英按2。" in said
    assert "还有别人要投吗？" in said


async def test_nine_voters_and_six_options_make_a_script_of_some_size(booth, poll):
    from dataclasses import replace

    six = replace(poll, options=("东头", "西头", "南头", "北头", "学校", "都不装"))
    people = [Asked(voter(place, f"人{place}"), str(10_000 + place)) for place in range(1, 10)]
    script = poll_script(booth.means.office, six, people)
    assert len(script.lines()) < 40
    assert Script.from_json(script.to_json()) == script


async def test_key_8_after_the_read_back_casts_once_with_the_spoken_receipt(db, booth, clock):
    def unit(tx):
        house = booth.house(tx, "王德福")
        booth.wants(tx, house.phones[0], "call")
        poll = booth.ask(tx)
        (copy,) = store.copies_of(tx, poll.id)
        assert copy.channel is Channel.CALL
        (one,) = store.voters(tx, poll.id)
        return poll, copy.message_id, one.id

    poll, message_id, voter_id = await db.write(unit)
    receipt = await db.read(lambda tx: ledger_store.receipt_of_call(tx, message_id, voter_id))

    def event(key, node):
        return CallEvent(message_id, "poll", f"poll/{poll.id}", CallStep.KEY, key, clock.now_ms(), None, node)

    for key, node in (("8", "who"), ("2", f"ask-{voter_id}"), ("7", confirm_node(voter_id, 2))):
        await db.write(lambda tx, key=key, node=node: poll_call(tx, booth.means, event(key, node)))
    assert await db.read(lambda tx: standing(tx, booth.means.vault, poll, voter_id)) is None
    for _ in range(2):
        await db.write(lambda tx: poll_call(tx, booth.means, event("8", confirm_node(voter_id, 2))))
    stands = await db.read(lambda tx: standing(tx, booth.means.vault, poll, voter_id))
    assert (stands.choice, stands.receipt) == (2, receipt)
    assert await db.read(lambda tx: len(ledger_store.ledger(tx, poll.id))) == 1


async def test_a_script_of_another_poll_casts_nothing(db, booth, clock):
    def unit(tx):
        house = booth.house(tx, "王德福")
        booth.wants(tx, house.phones[0], "call")
        one, other = booth.ask(tx), booth.ask(tx)
        (copy,) = store.copies_of(tx, one.id)
        (stranger,) = store.voters(tx, other.id)
        node = confirm_node(stranger.id, 1)
        event = CallEvent(copy.message_id, "poll", "", CallStep.KEY, "8", clock.now_ms(), None, node)
        poll_call(tx, booth.means, event)
        return store.turnout(tx, one.id).cast + store.turnout(tx, other.id).cast

    assert await db.write(unit) == 0


async def test_no_call_begins_shortly_before_the_deadline(db, booth, clock):
    def unit(tx):
        house = booth.house(tx, "王德福")
        booth.wants(tx, house.phones[0], "call")
        poll = booth.ask(tx, closes_ms=clock.now_ms() + DAY_MS)
        (copy,) = store.copies_of(tx, poll.id)
        row = tx.execute("SELECT expires_ms FROM message_state WHERE id = :id", {"id": copy.message_id}).fetchone()
        return poll.closes_ms - row["expires_ms"]

    assert await db.write(unit) == 720_000
