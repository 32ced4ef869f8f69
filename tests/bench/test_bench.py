"""The bench still runs: each figure's path at a tiny scale, and the page shows what the file says. Asserts no time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.bench import (
    against_kannel,
    ballots,
    cold_start,
    disk,
    exchange,
    idle,
    modem_line,
    morango,
    notice,
    page,
    replies,
    waiting,
)
from tests.bench.child import ROOT
from tests.bench.figure import Figure, percentile
from tests.bench.kannel import BEARERBOX
from tests.bench.kernel import disk_bytes, tree_memory
from tests.bench.line_smsc import line
from tests.bench.machine import described
from tests.bench.record import BEGIN, END, as_json, table, write
from tests.bench.targets import TARGETS
from tests.bench.yard import TINY, Yard, alternating


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Yard:
    return Yard(tmp_path_factory.mktemp("yard"), TINY)


def taken(figures: list[Figure]) -> dict[str, float]:
    return {figure.name: figure.value for figure in figures if figure.value is not None}


def test_a_notice_reaches_every_phone_of_the_roster(yard: Yard) -> None:
    (figure,) = notice.measure(yard)
    assert figure.value is not None
    assert figure.detail["people"] == 602
    assert figure.detail["messages"] == 499


@pytest.mark.needs("strace")
def test_bytes_and_fsyncs_come_from_the_kernel(yard: Yard) -> None:
    figures = taken(list(disk.measure(yard)))
    assert set(figures) == {"disk_bytes_per_message", "fsyncs_per_message"}
    assert 0 < figures["fsyncs_per_message"] < 1


@pytest.mark.needs("strace")
def test_64_answers_and_64_ballots_are_timed_on_a_slow_disk(yard: Yard) -> None:
    figures = list(replies.measure(yard))
    assert {figure.name for figure in figures} == {"reply_p99_ms_slow_disk", "ballot_p99_ms_slow_disk"}
    for figure in figures:
        assert figure.detail["answers"] == 64
        assert figure.value is not None
        assert figure.value >= replies.DELAY_MS


def test_a_long_queue_is_compared_with_a_short_one(yard: Yard) -> None:
    assert set(taken(list(waiting.measure(yard)))) == {"waiting_10000_vs_100_mb", "waiting_10000_vs_100_dispatch"}


def test_kannel_takes_the_same_messages_where_it_is_installed(yard: Yard) -> None:
    (figure,) = against_kannel.measure(yard)
    assert (figure.value is None) == (BEARERBOX is None)


def test_every_ballot_is_answered_with_a_receipt(yard: Yard) -> None:
    rate, texts = ballots.ours(yard, yard.scale.ballots)
    assert rate > 0
    assert len(texts) == yard.scale.ballots
    (figure,) = ballots.measure(yard)
    assert (figure.value is None) == (BEARERBOX is None)


def test_the_county_gets_every_record_and_bytes_are_counted(yard: Yard) -> None:
    figures = {figure.name: figure for figure in exchange.measure(yard)}
    assert set(figures) == {"idle_exchange_bytes", "sync_vs_morango", "bytes_vs_morango"}
    assert figures["idle_exchange_bytes"].detail["connections"] == 1
    assert (figures["sync_vs_morango"].value is None) == (not morango.PYTHON.exists())


def test_a_peer_that_is_missing_leaves_a_reason(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(against_kannel, "BEARERBOX", None)
    (figure,) = against_kannel.measure(yard)
    assert (figure.value, figure.reason) == (None, "Kannel is not installed (Debian: apt-get install kannel)")


@pytest.mark.scenario
def test_the_served_village_is_weighed(yard: Yard) -> None:
    (weight,) = page.measure(yard)
    parts = weight.detail["parts"]
    assert isinstance(parts, dict)
    assert "/" in parts
    assert any(path.endswith(".css") for path in parts)
    (start,) = cold_start.measure(yard)
    assert start.value is not None


@pytest.mark.scenario
def test_memory_is_read_after_time_has_gone_by(yard: Yard) -> None:
    (figure,) = idle.measure(yard)
    assert figure.value is not None


def test_memory_and_bytes_are_ours_to_read(tmp_path: Path) -> None:
    memory = tree_memory(os.getpid())
    assert 0 < memory.private_mb <= memory.pss_mb <= memory.rss_mb
    assert disk_bytes() >= 0


def test_every_target_has_one_figure_and_the_page_shows_the_file(tmp_path: Path) -> None:
    figures = [Figure(name=target.name, unit="s", value=1.5, how="by hand") for target in TARGETS[:2]]
    figures += [Figure(name=target.name, unit="s", reason="not built") for target in TARGETS[2:]]
    said = as_json(figures, described(tmp_path))
    docs = tmp_path / "performance.md"
    docs.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    write(said, tmp_path / "build" / "bench.json", docs)
    read = json.loads((tmp_path / "build" / "bench.json").read_text("utf-8"))
    assert set(read) == {"machine", *(target.name for target in TARGETS)}
    assert read[TARGETS[0].name]["value"] == 1.5
    assert read[TARGETS[-1].name]["value"] is None
    assert docs.read_text("utf-8") == f"before\n{BEGIN}\n{table(read)}\n{END}\nafter\n"


def test_the_page_has_room_for_every_target() -> None:
    page_text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    shown = page_text.partition(BEGIN)[2].partition(END)[0]
    assert "kernel Linux" in shown
    assert all(f"| {target.what} |" in shown for target in TARGETS)


@pytest.mark.needs("modemmanager", "dbus")
def test_the_modem_line_is_watched_through_the_real_modemmanager(yard: Yard) -> None:
    (figure,) = modem_line.measure(yard)
    assert figure.value is not None
    assert 0 < figure.value <= 100
    assert figure.detail["messages"] == 4


def test_a_figure_is_a_value_or_a_reason() -> None:
    with pytest.raises(ValueError, match="a value, or a reason"):
        Figure(name="x", unit="s")


def test_verdicts_know_which_way_is_better() -> None:
    by_name = {target.name: target for target in TARGETS}
    assert by_name["idle_pss_mb"].verdict(60) == "met"
    assert by_name["idle_pss_mb"].verdict(66) == "MISSED"
    assert by_name["notice_vs_kannel_spool"].verdict(1.7) == "aim met"
    assert by_name["notice_vs_kannel_spool"].verdict(0.9) == "MISSED"


def test_percentile_is_a_sample() -> None:
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([7], 0.99) == 7


def test_pairs_turn_round() -> None:
    assert alternating("a", "b", 3) == [("a", "b"), ("b", "a"), ("a", "b")]


def test_lines_are_those_of_the_fake_smsc() -> None:
    assert line("100", "200", "hello") == b"100 200 text hello\n"
    assert line("100", "200", "收到") == b"100 200 data e6R0\n"  # 0x6536 0x5230
