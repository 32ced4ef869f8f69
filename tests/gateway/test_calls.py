"""Facts about calls, from dialling to the last word."""

from __future__ import annotations

import pytest

from gateway.message import CallStep, Priority, State
from gateway.simulated.handset import Habit, NoCallError, Rule
from gateway.transports.simulator import SimulatorCalls
from tests.gateway.conftest import LI, WANG, ZHAO, Rig, call_draft

SHORT_MS = 30 * 60_000


def steps(rig: Rig) -> list[str]:
    return [event.what if event.key is None else f"{event.what} {event.key}" for event in rig.recorder.calls]


async def ring(rig: Rig, **more: object) -> int:
    await rig.start()
    call = (await rig.send_all([call_draft(**more)]))[0]
    await rig.until(lambda: rig.carrier.call(WANG))
    return call


async def prompt_with(rig: Rig, words: str) -> None:
    def heard() -> bool:
        view = rig.carrier.call(WANG)
        return view is not None and view.prompt is not None and words in view.prompt.text

    await rig.until(heard, step_ms=100)


async def test_a_call_is_answered_heard_and_confirmed_with_a_key(rig: Rig) -> None:
    call = await ring(rig)
    view = rig.carrier.call(WANG)
    assert view is not None
    assert (view.state, view.prompt) == ("ringing", None)
    rig.carrier.answer(WANG)
    await prompt_with(rig, "按9")
    await rig.until(lambda: CallStep.HEARD in steps(rig))
    rig.carrier.press(WANG, "9")
    await prompt_with(rig, "记下了")
    await rig.until(rig.reaches(call, "delivered"))
    row = await rig.row(call)
    assert steps(rig) == ["answered", "heard", "key 9", "ended"]
    assert [event.node for event in rig.recorder.calls] == [None, None, "notice", None]  # where the key was pressed
    assert rig.recorder.calls[-1].why == "finished"
    assert row["accepted_ms"] <= row["heard_ms"] <= row["delivered_ms"]
    assert rig.carrier.call(WANG) is None
    assert [(m.before, m.after) for m in rig.recorder.moves] == [("sending", "delivered")]


async def test_a_key_pressed_while_it_speaks_cuts_the_prompt(rig: Rig) -> None:
    call = await ring(rig)
    rig.carrier.answer(WANG)
    await prompt_with(rig, "通知。")
    rig.carrier.press(WANG, "9")
    await prompt_with(rig, "记下了")
    await rig.until(rig.reaches(call, "delivered"))
    assert steps(rig) == ["answered", "key 9", "ended"]
    assert (await rig.row(call))["heard_ms"] is None


async def test_everything_is_spoken_before_the_phone_rings(rig: Rig) -> None:
    await ring(rig)
    assert {text for text, _ in rig.speaker.spoken} == {
        "您好，青山村村委会。",
        "通知。明天停水。",
        "听清楚了按9。",
        "记下了。",
    }


async def test_hanging_up_after_the_message_is_heard_not_confirmed(rig: Rig) -> None:
    call = await ring(rig)
    rig.carrier.answer(WANG)
    await rig.until(lambda: CallStep.HEARD in steps(rig))
    rig.carrier.hang_up(WANG)
    await rig.until(rig.reaches(call, "delivered"))
    assert steps(rig) == ["answered", "heard", "ended"]
    assert rig.recorder.calls[-1].why == "hung_up"


async def test_hanging_up_early_is_tried_once_more_then_failed(rig: Rig) -> None:
    call = await ring(rig)
    for _ in range(2):
        await rig.until(lambda: rig.carrier.call(WANG), within_ms=60 * 60_000, step_ms=2000)
        rig.carrier.answer(WANG)
        await prompt_with(rig, "您好")
        rig.carrier.hang_up(WANG)
        await rig.until(lambda: rig.carrier.call(WANG) is None)
    await rig.until(rig.reaches(call, "failed"))
    row = await rig.row(call)
    assert (row["error"], row["tries"]) == ("hung_up", 2)


@pytest.mark.parametrize(
    ("rule", "error", "tries"),
    [(Rule(no_answer=True), "no_answer", 3), (Rule(busy=True), "busy/486", 4), (Rule(dead=True), "dead_number/404", 1)],
)
async def test_a_call_nobody_takes_is_tried_by_the_table_and_then_failed(
    rig: Rig, rule: Rule, error: str, tries: int
) -> None:
    rig.carrier.set_rule(WANG, rule)
    await rig.start()
    call, other = await rig.send_all([call_draft(WANG), call_draft(LI)])
    rig.carrier.add(LI, habit=Habit(answers_calls=1.0, listens_whole=1.0))
    await rig.until(rig.reaches(other, "delivered"))
    await rig.until(rig.reaches(call, "failed"), within_ms=5 * 3_600_000, step_ms=5000)
    row = await rig.row(call)
    assert (row["error"], row["tries"]) == (error, tries)


async def test_a_refused_call_is_busy_and_comes_again(rig: Rig) -> None:
    call = await ring(rig)
    rig.carrier.refuse(WANG)
    await rig.until(rig.reaches(call, "queued"))
    assert (await rig.row(call))["error"] == "busy"
    await rig.until(lambda: rig.carrier.call(WANG))


async def test_a_phone_that_is_off_is_called_later(rig: Rig) -> None:
    rig.carrier.set_power(WANG, False)
    await rig.start()
    call = (await rig.send_all([call_draft()]))[0]
    await rig.until(rig.reaches(call, "sending"))
    await rig.until(rig.reaches(call, "queued"))
    assert (await rig.row(call))["error"] == "no_signal/480"


async def test_a_villager_with_the_habit_listens_and_presses_nine(rig: Rig) -> None:
    for number in (WANG, LI, ZHAO):
        rig.carrier.add(number, habit=Habit(answers_calls=1.0, listens_whole=1.0))
    await rig.start()
    await rig.send_all([call_draft(number) for number in (WANG, LI, ZHAO)])
    await rig.until(rig.all_are("delivered"))
    assert steps(rig).count("key 9") == 3


async def test_no_more_calls_at_once_than_lines(rig: Rig) -> None:
    await rig.start(calls=[SimulatorCalls(rig.carrier, lines=2)])
    await rig.send_all([call_draft(number) for number in (WANG, LI, ZHAO)])
    await rig.until(lambda: rig.carrier.call(WANG) and rig.carrier.call(LI))
    await rig.let_pass(10_000)
    assert rig.carrier.call(ZHAO) is None
    rig.carrier.refuse(LI)
    await rig.until(lambda: rig.carrier.call(ZHAO))


async def test_a_silent_listener_hears_it_and_the_call_ends_by_itself(rig: Rig) -> None:
    call = await ring(rig)
    rig.carrier.answer(WANG)
    await rig.until(rig.reaches(call, "delivered"))
    assert rig.recorder.calls[-1].why == "finished"


async def test_without_a_voice_the_phone_does_not_ring_and_the_call_waits(rig: Rig) -> None:
    rig.speaker.broken = True
    await rig.start()
    call = (await rig.send_all([call_draft()]))[0]
    await rig.settled()
    row = await rig.row(call)
    assert (row["state"], row["error"]) == ("queued", "speech")
    rig.speaker.broken = False
    rig.carrier.add(WANG, habit=Habit(answers_calls=1.0, listens_whole=1.0))
    await rig.until(rig.reaches(call, "delivered"))


async def test_a_call_cut_off_by_our_crash_is_dialled_again(rig: Rig) -> None:
    call = await ring(rig)
    rig.carrier.answer(WANG)
    await prompt_with(rig, "您好")
    await rig.crash()
    assert await rig.start() == 1
    await rig.until(lambda: rig.carrier.call(WANG))
    rig.carrier.answer(WANG)
    await rig.until(rig.reaches(call, "delivered"))
    assert (await rig.row(call))["tries"] == 2


async def test_a_call_that_was_heard_before_our_crash_is_not_dialled_again(rig: Rig) -> None:
    call = await ring(rig)
    rig.carrier.answer(WANG)
    await rig.until(lambda: CallStep.HEARD in steps(rig))
    await rig.crash()
    await rig.start()
    assert await rig.state(call) == "delivered"
    await rig.let_pass(60_000)
    assert rig.carrier.call(WANG) is None


async def test_a_key_of_a_ballot_is_not_kept_by_the_gateway(rig: Rig) -> None:
    await ring(rig)
    rig.carrier.answer(WANG)
    await prompt_with(rig, "通知。")
    rig.carrier.press(WANG, "9")
    await rig.until(rig.all_are("delivered"))
    row = await rig.db.read(lambda tx: dict(tx.execute("SELECT * FROM call_outcome").fetchone()))
    assert row["keys"] == 1
    assert "9" not in {row["why"]}


async def test_wrong_keys_are_refused_by_the_handset(rig: Rig) -> None:
    await ring(rig)
    with pytest.raises(NoCallError):
        rig.carrier.press(WANG, "9")
    rig.carrier.answer(WANG)
    for key in ("", "99", "a"):
        with pytest.raises(NoCallError):
            rig.carrier.press(WANG, key)


async def test_an_emergency_call_redials_sooner(rig: Rig) -> None:
    rig.carrier.set_rule(WANG, Rule(no_answer=True))
    await rig.start()
    call = (await rig.send_all([call_draft(priority=Priority.EMERGENCY)]))[0]
    await rig.until(rig.reaches(call, State.FAILED), within_ms=40 * 60_000, step_ms=2000)
    assert (await rig.row(call))["tries"] == 4


async def test_an_emergency_call_ends_a_daily_one_which_then_waits(rig: Rig) -> None:
    await rig.start(calls=[SimulatorCalls(rig.carrier, lines=1)])
    daily = (await rig.send_all([call_draft(WANG, priority=Priority.DAILY)]))[0]
    await rig.until(lambda: rig.carrier.call(WANG))
    rig.carrier.answer(WANG)
    alarm = (await rig.send_all([call_draft(LI, priority=Priority.EMERGENCY)]))[0]
    await rig.until(lambda: rig.carrier.call(LI), within_ms=5000)
    assert rig.carrier.call(WANG) is None
    assert await rig.state(daily) == "queued"
    rig.carrier.answer(LI)
    await rig.until(rig.reaches(alarm, "delivered"))
    await rig.until(lambda: rig.carrier.call(WANG))
    rig.carrier.answer(WANG)
    await rig.until(rig.reaches(daily, "delivered"))
    assert (await rig.row(daily))["tries"] == 1


async def test_a_reply_somebody_asked_for_is_not_ended_by_an_emergency(rig: Rig) -> None:
    await rig.start(calls=[SimulatorCalls(rig.carrier, lines=1)])
    await rig.send_all([call_draft(WANG, priority=Priority.REPLY)])
    await rig.until(lambda: rig.carrier.call(WANG))
    rig.carrier.answer(WANG)
    await rig.send_all([call_draft(LI, priority=Priority.EMERGENCY)])
    await rig.let_pass(3000)
    assert rig.carrier.call(WANG)
