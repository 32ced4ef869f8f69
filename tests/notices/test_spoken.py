"""What a call says: who rings, twice the notice, one question, and silence is safe."""

from __future__ import annotations

from gateway.script import Script
from village.notices.office import Office
from village.notices.spoken import GOODBYE, call_seconds, greeting, script

OFFICE = Office(village="青山村", signature="青山村", phone="88001234")


def test_the_caller_says_who_it_is_first() -> None:
    assert greeting(OFFICE) == "您好，青山村村委会，电话88001234。不要钱，不要密码。"
    assert greeting(Office(village="石桥", signature="石桥")) == "您好，石桥村村委会。不要钱，不要密码。"


def test_whoever_says_nothing_hears_it_twice_and_is_asked_twice() -> None:
    made = script(OFFICE, "12月6日停水", corrected=False)
    said, node = [], made.nodes[made.start]
    while True:
        said += node.says
        if node.silent is None:
            break
        node = made.nodes[node.silent]
    assert said == [
        "您好，青山村村委会，电话88001234。不要钱，不要密码。", "通知。12月6日停水。", "通知。12月6日停水。",
        "听清楚了按9，再听一遍按星号。", "听清楚了按9，再听一遍按星号。", "有事请打村委会电话，再见。",
    ]  # fmt: skip


def test_the_first_full_play_counts_as_heard() -> None:
    made = script(OFFICE, "12月6日停水", corrected=False)
    assert [name for name, node in made.nodes.items() if node.heard] == ["notice"]
    assert made.nodes["notice"].says == ("通知。12月6日停水。",)


def test_a_key_during_the_greeting_confirms_nothing() -> None:
    start = script(OFFICE, "12月6日停水", corrected=False).nodes["start"]
    assert not start.answers
    assert start.other == "notice"


def test_nine_confirms_and_star_repeats_from_everywhere_it_asks() -> None:
    made = script(OFFICE, "12月6日停水", corrected=False)
    for name in ("notice", "again", "ask"):
        assert made.nodes[name].answers == {"9": "thanks", "*": "again"}
    assert not made.nodes["thanks"].asks


def test_a_correction_says_so_first() -> None:
    made = script(OFFICE, "改到12月7日", corrected=True, slow=True)
    assert made.nodes["notice"].says == ("更正通知，前一次说的作废。改到12月7日。",)
    assert all(node.slow for node in made.nodes.values() if node.says != (GOODBYE,))
    assert Script.from_json(made.to_json()) == made


def test_a_longer_notice_holds_the_line_longer() -> None:
    assert call_seconds(OFFICE, "水" * 340, corrected=False) - call_seconds(OFFICE, "水" * 170, corrected=False) == 120
