"""Findings as they are sorted, counted, told and carried from the server to the command."""

from __future__ import annotations

import json

import pytest

from village.doctor.finding import (
    TITLES,
    VERDICTS,
    Finding,
    Part,
    Verdict,
    anything_bad,
    packed,
    summary,
    told,
    unpacked,
    worst_first,
)
from village.ground.wording import Wording, chinese, say

INNER = say("今天 {hour}", hour="9:10")
FULL = Finding(Part.LINE, Verdict.BAD, say("断了{lasting}", lasting=INNER), say("拔下来"), say("短信"))


def test_every_part_and_verdict_has_its_words() -> None:
    assert set(TITLES) == set(Part)
    assert set(VERDICTS) == set(Verdict)


def test_the_worst_comes_first_and_equals_keep_the_order_of_parts() -> None:
    found = [
        Finding(part, verdict, say("通"))
        for part, verdict in [
            (Part.COUNTY, Verdict.ABSENT),
            (Part.PORTS, Verdict.GOOD),
            (Part.LINE, Verdict.GOOD),
            (Part.DISK, Verdict.MIND),
            (Part.CLOCK, Verdict.BAD),
            (Part.LINE, Verdict.BAD),
        ]
    ]
    assert [(f.part, f.verdict) for f in worst_first(found)] == [
        (Part.LINE, Verdict.BAD),
        (Part.CLOCK, Verdict.BAD),
        (Part.DISK, Verdict.MIND),
        (Part.LINE, Verdict.GOOD),
        (Part.PORTS, Verdict.GOOD),
        (Part.COUNTY, Verdict.ABSENT),
    ]


@pytest.mark.parametrize(
    ("verdicts", "words", "bad"),
    [
        ("good absent", "都好", False),
        ("mind good", "1条留意，没有要处理的", False),
        ("bad good bad", "2条要处理", True),
        ("bad mind mind", "1条要处理，2条留意", True),
    ],
)
def test_one_sentence_over_all(verdicts: str, words: str, bad: bool) -> None:
    found = [Finding(Part.LINE, Verdict(verdict), say("通")) for verdict in verdicts.split()]
    assert str(summary(found)) == words
    assert anything_bad(found) is bad


@pytest.mark.parametrize("finding", [FULL, Finding(Part.QUEUE, Verdict.GOOD, say("{n}条", n=3))])
def test_a_finding_comes_over_the_wire_as_it_left(finding: Finding) -> None:
    there = unpacked(json.loads(json.dumps(packed(finding))))
    assert there == finding
    assert told(there, chinese) == told(finding, chinese)


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"part": "nose", "verdict": "good", "said": {"words": "通", "values": {}}, "do": None, "line": None},
        {"part": "line", "verdict": "fine", "said": {"words": "通", "values": {}}, "do": None, "line": None},
        {"part": "line", "verdict": "good", "said": "通", "do": None, "line": None},
        {"part": "line", "verdict": "good", "said": {"words": 1, "values": {}}, "do": None, "line": None},
        "通",
        None,
    ],
)
def test_what_is_no_finding_is_refused(made: object) -> None:
    with pytest.raises(ValueError, match="not a"):
        unpacked(made)  # type: ignore[arg-type]


def test_a_value_that_could_hold_anything_is_not_packed() -> None:
    with pytest.raises(TypeError, match="cannot be told"):
        packed(Finding(Part.LINE, Verdict.GOOD, Wording("{x}", (("x", object()),))))


def test_the_shape_of_json_is_a_promise() -> None:
    """Whoever reads `village doctor --json` may rely on these names; a new part may come, none may change."""
    assert told(FULL, chinese) == {
        "part": "line",
        "line": "短信",
        "verdict": "bad",
        "title": "线路（短信）",
        "said": "断了今天 9:10",
        "do": "拔下来",
    }
    assert {verdict.value for verdict in Verdict} == {"good", "mind", "bad", "absent"}
    assert {
        "server", "settings", "line", "signal", "balance", "budget", "battery", "queue", "speech", "county",
        "clock", "disk", "database", "power", "heat", "memory", "keys", "certificate", "ports",
    } <= {part.value for part in Part}  # fmt: skip
