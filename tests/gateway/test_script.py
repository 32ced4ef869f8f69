"""Facts about calls: the machine without a phone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.script import (
    MOST_STEPS,
    Action,
    Chosen,
    End,
    Happening,
    Heard,
    HungUp,
    Listen,
    Machine,
    Node,
    Played,
    Pressed,
    Say,
    Script,
    ScriptError,
    Silence,
    Why,
)

NOTICE = Script(
    {
        "start": Node(("您好，青山村村委会。",), silent="notice", wait_ms=500, answers={"9": "notice"}),
        "notice": Node(
            ("通知。明天停水。", "听清楚了按9。"), {"9": "thanks", "*": "notice"}, silent="again", heard=True
        ),
        "again": Node(("通知。明天停水。",), {"9": "thanks", "*": "again"}, slow=True, heard=True, other="again"),
        "thanks": Node(("记下了。",)),
    }
)


def walk(*happenings: Happening, script: Script = NOTICE) -> list[Action]:
    machine = Machine(script)
    actions = machine.begin()
    for happening in happenings:
        actions += machine.on(happening)
    return actions


def test_nine_after_the_message_confirms_and_ends() -> None:
    assert walk(Played(), Silence(), Played(), Pressed("9"), Played()) == [
        Say(("您好，青山村村委会。",), False),
        Listen(500),
        Say(("通知。明天停水。", "听清楚了按9。"), False),
        Heard(),
        Listen(6000),
        Chosen("9", "notice"),
        Say(("记下了。",), False),
        End(Why.FINISHED),
    ]


def test_a_key_pressed_while_it_speaks_counts() -> None:
    assert Chosen("9", "notice") in walk(Played(), Silence(), Pressed("9"))
    assert Heard() not in walk(Played(), Silence(), Pressed("9"), Played())


def test_silence_repeats_slower_then_ends() -> None:
    actions = walk(Played(), Silence(), Played(), Silence(), Played(), Silence())
    assert Say(("通知。明天停水。",), True) in actions
    assert actions[-1] == End(Why.FINISHED)


def test_heard_is_said_once() -> None:
    actions = walk(Played(), Silence(), Played(), Pressed("*"), Played(), Pressed("*"), Played())
    assert actions.count(Heard()) == 1


def test_a_star_repeats() -> None:
    assert walk(Played(), Silence(), Played(), Pressed("*"))[-2:] == [Chosen("*", "notice"), NOTICE_SAY]


def test_a_key_says_in_which_node_it_was_pressed() -> None:
    assert Chosen("9", "start") in walk(Pressed("9"))
    assert Chosen("9", "again") in walk(Played(), Silence(), Played(), Silence(), Pressed("9"))


NOTICE_SAY = Say(("通知。明天停水。", "听清楚了按9。"), False)


def test_a_key_without_meaning_is_ignored_or_leads_where_the_script_says() -> None:
    assert walk(Played(), Silence(), Played(), Pressed("5"))[-1] == Listen(6000)
    assert walk(Played(), Silence(), Played(), Silence(), Pressed("5"))[-1] == Say(("通知。明天停水。",), True)


def test_hanging_up_ends_at_once_and_nothing_follows() -> None:
    assert walk(HungUp(), Played(), Pressed("9"), Silence())[-1] == End(Why.HUNG_UP)


def test_silence_while_it_speaks_is_no_answer() -> None:
    assert walk(Silence()) == walk()


def test_a_child_with_the_keys_does_not_hold_the_line() -> None:
    actions = walk(Played(), Silence(), *[Pressed("*")] * (MOST_STEPS + 5))
    assert actions[-1] == End(Why.TOO_LONG)


def test_all_lines_are_known_before_the_call() -> None:
    assert ("通知。明天停水。", True) in NOTICE.lines()
    assert len(NOTICE.lines()) == len(set(NOTICE.lines())) == 5


def test_written_and_read_again() -> None:
    again = Script.from_json(NOTICE.to_json())
    assert again.to_json() == NOTICE.to_json()
    assert walk(Played(), Silence(), Played(), script=again) == walk(Played(), Silence(), Played())


@pytest.mark.parametrize(
    "nodes",
    [
        {},
        {"other": Node(("a",))},
        {"start": Node(())},
        {"start": Node(("  ",))},
        {"start": Node(("a",), {"9": "gone"})},
        {"start": Node(("a",), {"x": "start"})},
        {"start": Node(("a",), silent="gone")},
        {"start": Node(("a",), silent="start")},
        {"start": Node(("a",), silent="b"), "b": Node(("b",), silent="start")},
        {"start": Node(("a",), silent="b"), "b": Node(("b",), silent="c"), "c": Node(("c",), silent="b")},
    ],
)
def test_a_script_that_does_not_hold_together_is_refused(nodes: dict[str, Node]) -> None:
    with pytest.raises(ScriptError):
        Script(nodes)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"start":"a","nodes":{"a":1}}', "null", '{"start":"a","nodes":[]}'])
def test_what_is_no_script_is_refused(text: str) -> None:
    with pytest.raises(ScriptError):
        Script.from_json(text)


HAPPENINGS = st.one_of(
    st.just(Played()), st.just(Silence()), st.just(HungUp()), st.sampled_from("0123456789*#").map(Pressed)
)


@given(st.lists(HAPPENINGS, max_size=300))
def test_whatever_happens_a_call_ends_once_and_says_nothing_after(happenings: list[Happening]) -> None:
    actions = walk(*happenings)
    ends = [n for n, action in enumerate(actions) if isinstance(action, End)]
    assert len(ends) <= 1
    if ends:
        assert ends[0] == len(actions) - 1
    assert actions.count(Heard()) <= 1
    assert walk(*happenings, *[Played(), Silence()] * 10)[-1] == actions[-1] or isinstance(
        walk(*happenings, *[Played(), Silence()] * 10)[-1], End
    )


BACK = Script(
    {
        "start": Node(("装不装？",), answers={"1": "back"}, leads_on=True),
        "back": Node(("您选的是装。对，按8；要改，按7。",), answers={"8": "done", "7": "start"}, whole=True),
        "done": Node(("记下了。",)),
    }
)


def test_what_has_to_be_heard_whole_takes_its_key_when_it_was() -> None:
    machine = Machine(BACK)
    machine.begin()
    (leads, _) = machine.on(Pressed("1"))
    assert leads == Chosen("1", "start", answers=False)
    assert machine.on(Pressed("8")) == []  # while it still speaks
    assert machine.on(Pressed("7")) == []  # the last one is meant
    assert machine.on(Pressed("8")) == []
    assert machine.on(Played()) == [Chosen("8", "back"), Say(("记下了。",), slow=False)]


def test_what_was_pressed_too_early_is_gone_with_the_call() -> None:
    machine = Machine(BACK)
    machine.begin()
    machine.on(Pressed("1"))
    machine.on(Pressed("8"))
    assert machine.on(HungUp()) == [End(Why.HUNG_UP)]


def test_a_script_that_was_queued_before_these_words_were_still_reads() -> None:
    old = BACK.to_json().replace(',"leads_on":true', "").replace(',"leads_on":false', "")
    old = old.replace(',"whole":true', "").replace(',"whole":false', "")
    assert "whole" not in old
    assert not Script.from_json(old).nodes["back"].whole
    assert Script.from_json(BACK.to_json()) == BACK
