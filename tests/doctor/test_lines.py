"""Every way a line can be down has a sentence and something to do; signal, credit and queue in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.condition import NOTES as EVERY_NOTE
from gateway.condition import Condition
from gateway.failures import Trouble
from gateway.lanes import LaneStatus
from gateway.message import Channel
from village.doctor.finding import Finding, Part, Verdict
from village.doctor.lines import (
    LONG_WAIT_MS,
    NOTES,
    OF_ONE_MESSAGE,
    PATIENCE_MS,
    STALE_MS,
    TROUBLES,
    Waiting,
    ailment_of,
    examine_line,
    examine_queue,
    no_lines,
)
from village.ground.clock import parse_iso

NOW_MS = parse_iso("2026-12-05T09:10:00")
HOUR_MS = 3_600_000


def lane(trouble: Trouble | None = None, *, for_ms: int = HOUR_MS, name: str = "modem", up: bool = False) -> LaneStatus:
    channel = Channel.CALL if name == "simulator-calls" else Channel.SMS
    return LaneStatus(name, channel, up, trouble, NOW_MS - for_ms, 0, 1, broke=False, stuck=False)


def line_of(status: LaneStatus, condition: Condition | None = None) -> Finding:
    return examine_line(status, condition, now_ms=NOW_MS, price_fen=10)[0]


def about(condition: Condition, part: Part) -> Finding:
    found = examine_line(lane(up=True), condition, now_ms=NOW_MS, price_fen=10)
    return next(finding for finding in found if finding.part is part)


def test_no_note_and_no_trouble_is_without_words() -> None:
    assert set(NOTES) == set(EVERY_NOTE)
    assert set(TROUBLES) | OF_ONE_MESSAGE == set(Trouble)
    assert not set(TROUBLES) & OF_ONE_MESSAGE


@pytest.mark.parametrize("note", sorted(EVERY_NOTE))
def test_every_note_of_a_line_says_what_to_do(note: str) -> None:
    found = line_of(lane(Trouble.UNPLUGGED), Condition(note=note))
    assert (found.part, found.verdict) == (Part.LINE, Verdict.BAD)
    assert str(NOTES[note].said) in str(found.said)
    assert "断了1小时" in str(found.said)
    assert found.do is not None
    assert str(found.title) == "线路（短信·上网卡）"


@pytest.mark.parametrize("trouble", list(Trouble))
def test_every_trouble_of_a_line_says_what_to_do(trouble: Trouble) -> None:
    found = line_of(lane(trouble), Condition())
    assert found.verdict is Verdict.BAD
    assert found.do is not None
    expected = TROUBLES[Trouble.OTHER if trouble in OF_ONE_MESSAGE else trouble]
    assert str(expected.said) in str(found.said)


@pytest.mark.parametrize(
    ("note", "trouble", "words"),
    [
        ("no_device", Trouble.UNPLUGGED, "没有插好"),
        ("no_sim", Trouble.UNPLUGGED, "手机卡"),
        ("", Trouble.NO_CREDIT, "话费用完"),
        ("a word of tomorrow", Trouble.NO_CREDIT, "话费用完"),
        ("", None, "毛病"),
    ],
)
def test_the_note_outranks_the_trouble_and_an_unknown_one_does_not_count(
    note: str, trouble: Trouble | None, words: str
) -> None:
    assert words in str(ailment_of(note, trouble).said)


def test_what_may_pass_by_itself_is_given_five_minutes() -> None:
    early = line_of(lane(Trouble.NO_SIGNAL, for_ms=PATIENCE_MS - 1), Condition(note="searching"))
    late = line_of(lane(Trouble.NO_SIGNAL, for_ms=PATIENCE_MS), Condition(note="searching"))
    at_once = line_of(lane(Trouble.UNPLUGGED, for_ms=1), Condition(note="no_sim"))
    assert [f.verdict for f in (early, late, at_once)] == [Verdict.MIND, Verdict.BAD, Verdict.BAD]


def test_a_clock_that_was_put_back_makes_no_negative_time() -> None:
    assert "断了1分钟" in str(line_of(lane(Trouble.UNPLUGGED, for_ms=-HOUR_MS)).said)


def test_a_line_that_works_names_its_operator() -> None:
    assert str(line_of(lane(up=True), Condition(operator="中国移动")).said) == "通，中国移动"
    assert line_of(lane(up=True)).verdict is Verdict.GOOD
    assert line_of(lane(up=True), Condition(note="resetting")).verdict is Verdict.MIND


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("modem", "线路（短信·上网卡）"),
        ("simulator", "线路（短信·模拟）"),
        ("simulator-calls", "线路（电话·模拟）"),
        ("modem-123456", "线路（短信·上网卡 123456）"),
        ("pigeon-2", "线路（短信·pigeon-2）"),
    ],
)
def test_lines_go_by_the_names_a_clerk_knows(name: str, title: str) -> None:
    assert str(line_of(lane(name=name, up=True)).title) == title


def test_a_line_that_does_not_move_is_not_called_good() -> None:
    found = line_of(replace(lane(up=True), stuck=True), Condition(operator="中国移动"))
    assert (found.verdict, str(found.said)) == (Verdict.BAD, "卡住了：有等着发的，可是一动不动")


def test_a_month_that_is_paid_out_is_a_line_of_its_own() -> None:
    found = examine_line(replace(lane(up=True), broke=True), Condition(), now_ms=NOW_MS, price_fen=10)
    assert [(finding.part, finding.verdict) for finding in found] == [
        (Part.LINE, Verdict.GOOD),
        (Part.BUDGET, Verdict.BAD),
    ]


@pytest.mark.parametrize(
    ("percent", "verdict", "words"),
    [
        (100, Verdict.GOOD, "好（100%）"),
        (78, Verdict.GOOD, "好（78%）"),
        (48, Verdict.GOOD, "好（48%）"),
        (47, Verdict.GOOD, "够用（47%）"),
        (32, Verdict.GOOD, "够用（32%）"),
        (31, Verdict.MIND, "弱（31%），有的短信会慢"),
        (6, Verdict.MIND, "弱（6%），有的短信会慢"),
        (5, Verdict.BAD, "几乎没有（5%）"),
        (0, Verdict.BAD, "几乎没有（0%）"),
    ],
)
def test_signal_in_words(percent: int, verdict: Verdict, words: str) -> None:
    found = about(Condition(signal=percent), Part.SIGNAL)
    assert (found.verdict, str(found.said)) == (verdict, words)
    assert (found.do is None) == (verdict is Verdict.GOOD)


def test_no_signal_is_shown_of_a_line_without_a_device() -> None:
    found = examine_line(lane(Trouble.UNPLUGGED), Condition(note="no_sim", signal=0), now_ms=NOW_MS, price_fen=10)
    assert [finding.part for finding in found] == [Part.LINE]


@pytest.mark.parametrize(
    ("fen", "age_ms", "verdict", "words"),
    [
        (5230, 0, Verdict.GOOD, "52.30元（今天 9:10查的），大约还能发523条"),
        (1000, 25 * HOUR_MS, Verdict.GOOD, "10.00元（昨天 8:10查的），大约还能发100条"),
        (999, 0, Verdict.MIND, "9.99元（今天 9:10查的），大约还能发99条"),
        (5230, STALE_MS + 1, Verdict.MIND, "52.30元（2026年11月21日 9:09查的），大约还能发523条"),
        (0, 0, Verdict.BAD, "0.00元（今天 9:10查的）"),
        (-305, 0, Verdict.BAD, "-3.05元（今天 9:10查的）"),
        (5230, None, Verdict.GOOD, "52.30元（不知道哪天查的），大约还能发523条"),
    ],
)
def test_credit_with_its_date(fen: int, age_ms: int | None, verdict: Verdict, words: str) -> None:
    at_ms = None if age_ms is None else NOW_MS - age_ms
    found = about(Condition(balance_fen=fen, balance_ms=at_ms), Part.BALANCE)
    assert (found.verdict, str(found.said)) == (verdict, words)
    assert (found.do is None) == (verdict is Verdict.GOOD)


def test_what_the_carrier_wrote_is_not_repeated() -> None:
    """It often names the number the credit belongs to."""
    condition = Condition(balance_fen=5230, balance_ms=NOW_MS, balance_said="您的号码19900000001余额52.30元")
    found = examine_line(lane(up=True), condition, now_ms=NOW_MS, price_fen=10)
    assert "1990000" not in "".join(f"{finding.said}{finding.do}" for finding in found)


def test_free_messages_are_not_counted_by_their_price() -> None:
    found = examine_line(lane(up=True), Condition(balance_fen=5, balance_ms=NOW_MS), now_ms=NOW_MS, price_fen=0)
    assert (found[1].verdict, str(found[1].said)) == (Verdict.GOOD, "0.05元（今天 9:10查的）")


@pytest.mark.parametrize(
    ("percent", "verdict"),
    [(100, Verdict.GOOD), (30, Verdict.GOOD), (29, Verdict.MIND), (15, Verdict.MIND), (14, Verdict.BAD)],
)
def test_the_phones_battery(percent: int, verdict: Verdict) -> None:
    assert about(Condition(battery=percent), Part.BATTERY).verdict is verdict


def test_a_village_without_a_line_is_told_so_and_is_not_broken() -> None:
    assert no_lines().verdict is Verdict.MIND


@pytest.mark.parametrize(
    ("waiting", "up", "verdict", "words"),
    [
        (Waiting(), True, Verdict.GOOD, "没有"),
        (Waiting(), False, Verdict.GOOD, "没有"),
        (Waiting(0, 7), True, Verdict.GOOD, "7条到点再发"),
        (Waiting(3, 7, NOW_MS - 20 * 60_000), True, Verdict.GOOD, "3条，最早的等了20分钟，正在发"),
        (Waiting(3, 0, NOW_MS - 20 * 60_000), False, Verdict.MIND, "3条，最早的等了20分钟"),
        (Waiting(3, 0, NOW_MS - LONG_WAIT_MS - 1), True, Verdict.MIND, "3条，最早的等了6小时"),
        (Waiting(3, 0, NOW_MS + HOUR_MS), True, Verdict.GOOD, "3条，最早的等了1分钟，正在发"),
        (Waiting(3, 0, NOW_MS - 50 * HOUR_MS), True, Verdict.MIND, "3条，最早的等了2天"),
    ],
)
def test_the_queue_in_words(waiting: Waiting, up: bool, verdict: Verdict, words: str) -> None:
    found = examine_queue(waiting, any_line_up=up, now_ms=NOW_MS)
    assert (found.verdict, str(found.said)) == (verdict, words)
    assert (found.do is None) == (verdict is Verdict.GOOD)


@pytest.mark.parametrize(
    ("kind", "trouble", "words", "never"),
    [
        ("twilio", Trouble.NO_CREDIT, "Twilio", "充话费"),
        ("twilio", Trouble.REFUSED, "secrets.toml", "10086"),
        ("twilio", Trouble.TIMEOUT, "路由器", "拔下来"),
        ("phone", Trouble.UNPLUGGED, "Wi-Fi", "USB"),
        ("phone", Trouble.REFUSED, "SMS Gateway", "10086"),
        ("phone", Trouble.NO_CREDIT, "充话费", "Twilio"),
        ("modem", Trouble.UNPLUGGED, "USB", "Wi-Fi"),
    ],
)
def test_what_to_do_fits_the_kind_of_line(kind: str, trouble: Trouble, words: str, never: str) -> None:
    told = ailment_of("", trouble, kind)
    assert words in f"{told.said}{told.do}"
    assert never not in f"{told.said}{told.do}"
