"""Card, clock, power, heat and memory judged, and read from a kernel's files."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from village.doctor.computer import (
    _SOURCES,
    ClockSeen,
    Disk,
    days_left,
    examine_clock,
    examine_disk,
    examine_heat,
    examine_memory,
    examine_power,
)
from village.doctor.finding import Finding, Verdict
from village.doctor.looking import KEY_FILES, key_files, look
from village.ground.clock import parse_iso

NOW_MS = parse_iso("2026-12-05T09:10:00")
DAY_MS = 86_400_000
MIB, GIB = 1 << 20, 1 << 30
ROOT = Path(__file__).parents[2]


def verdict_of(finding: Finding | None) -> Verdict | None:
    return None if finding is None else finding.verdict


@pytest.mark.parametrize(
    ("disk", "full", "verdict", "words"),
    [
        (Disk(12 * GIB), False, Verdict.GOOD, "还有12.0 GB"),
        (Disk(12 * GIB), True, Verdict.BAD, "满了，现在什么都记不下来（还有12.0 GB）"),
        (Disk(0), True, Verdict.BAD, "满了，现在什么都记不下来（还有0 MB）"),
        (Disk(12 * GIB, read_only=True), True, Verdict.BAD, "只能读，不能写：卡多半坏了"),
        (Disk(49 * MIB), False, Verdict.BAD, "快满了，还有49 MB"),
        (Disk(400 * MIB), False, Verdict.MIND, "还有400 MB"),
        (Disk(12 * GIB, False, 10 * MIB, NOW_MS - 6 * DAY_MS), False, Verdict.GOOD, "还有12.0 GB"),
        (
            Disk(12 * GIB, False, 100 * MIB, NOW_MS - 10 * DAY_MS),
            False,
            Verdict.GOOD,
            "还有12.0 GB，照现在的用法够1228天",
        ),
        (Disk(12 * GIB, False, MIB, NOW_MS - 30 * DAY_MS), False, Verdict.GOOD, "还有12.0 GB，照现在的用法够十年以上"),
        (Disk(GIB, False, GIB, NOW_MS - 30 * DAY_MS), False, Verdict.MIND, "还有1.0 GB，照现在的用法够30天"),
        (Disk(400 * MIB, False, MIB, NOW_MS - 30 * DAY_MS), False, Verdict.MIND, "还有400 MB"),
    ],
)
def test_the_card(disk: Disk, full: bool, verdict: Verdict, words: str) -> None:
    found = examine_disk(disk, full=full, now_ms=NOW_MS)
    assert (found.verdict, str(found.said)) == (verdict, words)
    assert (found.do is None) == (verdict is Verdict.GOOD)


def test_days_are_not_promised_by_a_clock_before_the_beginning() -> None:
    assert days_left(Disk(GIB, False, MIB, NOW_MS), 0) is None


@pytest.mark.parametrize(
    ("clock", "verdict", "words"),
    [
        (ClockSeen(NOW_MS, False), Verdict.BAD, "今天 9:10，是猜的：停过电，没有人告诉它现在几点，投票不会截止"),
        (ClockSeen(0, False), Verdict.BAD, "今天 8:00，是猜的：停过电，没有人告诉它现在几点，投票不会截止"),
        (ClockSeen(NOW_MS, True), Verdict.GOOD, "今天 9:10，准"),
        (ClockSeen(NOW_MS, True, "network"), Verdict.GOOD, "今天 9:10，准，跟着互联网"),
        (
            ClockSeen(NOW_MS, True, "modem", NOW_MS - DAY_MS),
            Verdict.GOOD,
            "今天 9:10，准，昨天 9:10照运营商的网对过",
        ),
        (ClockSeen(NOW_MS, True, "desk", NOW_MS), Verdict.GOOD, "今天 9:10，准，今天 9:10照村务台上有人告诉的对过"),
        (ClockSeen(NOW_MS, True, sample=True), Verdict.GOOD, "今天 9:10，样板村的钟，可以往前拨"),
    ],
)
def test_the_clock(clock: ClockSeen, verdict: Verdict, words: str) -> None:
    found = examine_clock(clock)
    assert (found.verdict, str(found.said)) == (verdict, words)


def test_every_source_of_time_has_a_name() -> None:
    """As the table's own check lists them."""
    said = (ROOT / "village/ground/migrations/0001_time.sql").read_text("utf-8")
    listed = re.search(r"source IN \(([^)]*)\)", said)
    assert listed is not None
    assert set(re.findall(r"'(\w+)'", listed[1])) == set(_SOURCES)


@pytest.mark.parametrize(
    ("throttled", "verdict"),
    [(None, None), (0x0, Verdict.GOOD), (0x50005, Verdict.BAD), (0x50000, Verdict.MIND), (0x20002, Verdict.GOOD)],
)
def test_power(throttled: int | None, verdict: Verdict | None) -> None:
    assert verdict_of(examine_power(throttled)) is verdict


@pytest.mark.parametrize(
    ("celsius", "verdict"),
    [(None, None), (-5, Verdict.GOOD), (69, Verdict.GOOD), (70, Verdict.MIND), (80, Verdict.BAD)],
)
def test_heat(celsius: int | None, verdict: Verdict | None) -> None:
    assert verdict_of(examine_heat(celsius)) is verdict


@pytest.mark.parametrize(
    ("available", "verdict"),
    [(None, None), (400 * MIB, Verdict.GOOD), (99 * MIB, Verdict.MIND), (29 * MIB, Verdict.BAD)],
)
def test_memory(available: int | None, verdict: Verdict | None) -> None:
    assert verdict_of(examine_memory(available)) is verdict


# as a kernel writes it


def kernel(tmp_path: Path, **files: str) -> Path:
    names = {
        "heat": "sys/class/thermal/thermal_zone0/temp",
        "throttled": "sys/devices/platform/soc/soc:firmware/get_throttled",
        "alarm": "sys/class/hwmon/hwmon1/in0_lcrit_alarm",
        "alarm_name": "sys/class/hwmon/hwmon1/name",
        "memory": "proc/meminfo",
    }
    for what, text in files.items():
        path = tmp_path / "kernel" / names[what]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "ascii")
    return tmp_path / "kernel"


def test_a_raspberry_pi_is_read(tmp_path: Path) -> None:
    pi = kernel(
        tmp_path, heat="48312\n", throttled="50005\n", memory="MemTotal:  948304 kB\nMemAvailable:  512000 kB\n"
    )
    seen = look(tmp_path, pi)
    assert (seen.celsius, seen.throttled, seen.available_bytes) == (48, 0x50005, 500 * MIB)


@pytest.mark.parametrize(("alarm", "throttled"), [("0", 0), ("1", 0x10000)])
def test_a_newer_kernels_alarm_stands_in_for_the_firmware(tmp_path: Path, alarm: str, throttled: int) -> None:
    assert look(tmp_path, kernel(tmp_path, alarm=alarm, alarm_name="rpi_volt\n")).throttled == throttled
    assert look(tmp_path, kernel(tmp_path, alarm=alarm, alarm_name="acpitz\n")).throttled is None


def test_what_is_not_there_or_nonsense_is_left_out(tmp_path: Path) -> None:
    seen = look(tmp_path, kernel(tmp_path, heat="hot", throttled="?", memory="MemAvailable: many kB\n"))
    assert (seen.celsius, seen.throttled, seen.available_bytes) == (None, None, None)
    bare = look(tmp_path, tmp_path / "no kernel")
    assert (bare.celsius, bare.throttled, bare.available_bytes) == (None, None, None)
    assert bare.free_bytes > 0
    assert not bare.read_only


def test_this_computer_can_be_looked_at(tmp_path: Path) -> None:
    (tmp_path / "village.db").write_bytes(b"x" * 1000)
    seen = look(tmp_path)
    assert seen.used_bytes == 1000
    assert seen.available_bytes is not None


def test_a_card_that_can_only_be_read_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not look(tmp_path).read_only
    asked = os.statvfs

    def turned_read_only(path: Path) -> os.statvfs_result:
        """As the kernel answers after it has met a fault on the card."""
        told = list(asked(path))
        told[8] |= os.ST_RDONLY
        return os.statvfs_result(told)

    monkeypatch.setattr(os, "statvfs", turned_read_only)
    assert look(tmp_path).read_only


def test_key_files_and_who_may_read_them(tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    for name in KEY_FILES:
        (tmp_path / name).write_text("secret")
        (tmp_path / name).chmod(0o600)
    (tmp_path / "sign.key").chmod(0o640)
    (tmp_path / "tls" / "desk.key").unlink()
    seen = key_files(tmp_path)
    assert [(Path(key.path).name, key.there, key.open_to_others) for key in seen] == [
        ("village.key", True, False),
        ("sign.key", True, True),
        ("authority.key", True, False),
        ("desk.key", False, False),
    ]
