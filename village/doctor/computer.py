"""The computer itself: card, clock, power, heat, memory; what was measured, judged and put into words.

Never measures; `looking.py` does. What this computer cannot tell is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from village.doctor.finding import Finding, Part, Verdict
from village.doctor.moments import moment
from village.ground.wording import Wording, say

_MIB = 1 << 20
_DAY_MS = 86_400_000

LITTLE_BYTES, TOO_LITTLE_BYTES = 500 * _MIB, 50 * _MIB
"""Spoken clips may take 256 MB at most and the database a few; below the second, SQLite soon finds no room."""

FEW_DAYS = 60
MANY_DAYS = 3650

OLD_ENOUGH_DAYS = 7
"""A village younger than this has not yet shown how fast it fills its card."""


@dataclass(frozen=True, slots=True)
class Disk:
    """`used_bytes`: what the village keeps in its folder, all of it since `begun_ms`; None: not known."""

    free_bytes: int
    read_only: bool = False
    used_bytes: int | None = None
    begun_ms: int | None = None


def days_left(disk: Disk, now_ms: int) -> int | None:
    """At the pace of the village's whole life; None while that is too short to tell, or nothing grows."""
    if disk.used_bytes is None or disk.begun_ms is None:
        return None
    lived_days = (now_ms - disk.begun_ms) / _DAY_MS
    if lived_days < OLD_ENOUGH_DAYS or disk.used_bytes <= 0:
        return None
    return int(disk.free_bytes / (disk.used_bytes / lived_days))


def examine_disk(disk: Disk, *, full: bool, now_ms: int) -> Finding:
    """`full`: the database could not keep something and nothing since."""
    free = say("还有{free}", free=_size(disk.free_bytes))
    room = say("删掉这台电脑上别的大文件，或者换一张大些的卡。已经记下的都在。")
    if disk.read_only:
        return Finding(
            Part.DISK,
            Verdict.BAD,
            say("只能读，不能写：卡多半坏了"),
            say("先把村里的文件夹整个拷到U盘，再换一张新卡。现在什么都记不下来。"),
        )
    if full:
        return Finding(Part.DISK, Verdict.BAD, say("满了，现在什么都记不下来（{free}）", free=free), room)
    if disk.free_bytes < TOO_LITTLE_BYTES:
        return Finding(Part.DISK, Verdict.BAD, say("快满了，{free}", free=free), room)
    left = days_left(disk, now_ms)
    if disk.free_bytes < LITTLE_BYTES or (left is not None and left < FEW_DAYS):
        said = free if left is None or left > MANY_DAYS else say("{free}，照现在的用法够{n}天", free=free, n=left)
        return Finding(Part.DISK, Verdict.MIND, said, room)
    if left is None:
        return Finding(Part.DISK, Verdict.GOOD, free)
    if left > MANY_DAYS:
        return Finding(Part.DISK, Verdict.GOOD, say("{free}，照现在的用法够十年以上", free=free))
    return Finding(Part.DISK, Verdict.GOOD, say("{free}，照现在的用法够{n}天", free=free, n=left))


def _size(count: int) -> str:
    return f"{count / (1 << 30):.1f} GB" if count >= 1 << 30 else f"{count // _MIB} MB"


_SOURCES: Mapping[str, Wording] = MappingProxyType(
    {
        "modem": say("运营商的网"),
        "county": say("县里"),
        "centre": say("短信中心"),
        "desk": say("村务台上有人告诉的"),
        "network": say("互联网"),
    }
)
"""One for each source `clock_step` may name."""


@dataclass(frozen=True, slots=True)
class ClockSeen:
    """`source`: who set it last, a word of `clock_step`, empty where nobody had to; `told_ms`: what it said then.

    `sample`: the sample village's own clock, which anybody may move.
    """

    now_ms: int
    trusted: bool
    source: str = ""
    told_ms: int | None = None
    sample: bool = False


def examine_clock(clock: ClockSeen) -> Finding:
    now = moment(clock.now_ms, clock.now_ms)
    if clock.sample:
        return Finding(Part.CLOCK, Verdict.GOOD, say("{now}，样板村的钟，可以往前拨", now=now))
    if not clock.trusted:
        return Finding(
            Part.CLOCK,
            Verdict.BAD,
            say("{now}，是猜的：停过电，没有人告诉它现在几点，投票不会截止", now=now),
            say("看一眼手表，到村务台“村里的钟”那一页把时间告诉它。"),
        )
    source = _SOURCES.get(clock.source)
    if source is None:
        return Finding(Part.CLOCK, Verdict.GOOD, say("{now}，准", now=now))
    if clock.told_ms is None:
        return Finding(Part.CLOCK, Verdict.GOOD, say("{now}，准，跟着{source}", now=now, source=source))
    when = moment(clock.told_ms, clock.now_ms)
    said = say("{now}，准，{when}照{source}对过", now=now, when=when, source=source)
    return Finding(Part.CLOCK, Verdict.GOOD, said)


UNDER_VOLTAGE, UNDER_VOLTAGE_BEFORE = 0x1, 0x1_0000
"""Bits 0 and 16 of the Raspberry Pi firmware's `get_throttled`: now, and at some time since it was switched on."""

_BETTER_POWER = say("换成原装的电源和短而粗的线，上网卡插在自己带电源的USB分线器上。电不够，上网卡会掉线，存储卡会坏。")


def examine_power(throttled: int | None) -> Finding | None:
    """Of a Raspberry Pi; None for any other computer."""
    if throttled is None:
        return None
    if throttled & UNDER_VOLTAGE:
        return Finding(Part.POWER, Verdict.BAD, say("电不够"), _BETTER_POWER)
    if throttled & UNDER_VOLTAGE_BEFORE:
        return Finding(Part.POWER, Verdict.MIND, say("开机以后有过电不够的时候"), _BETTER_POWER)
    return Finding(Part.POWER, Verdict.GOOD, say("够"))


HOT_C, TOO_HOT_C = 70, 80
"""A Raspberry Pi slows itself down at 80 °C (its documentation, "Frequency management and thermal control")."""


def examine_heat(celsius: int | None) -> Finding | None:
    if celsius is None:
        return None
    said = say("{celsius}°C", celsius=celsius)
    if celsius >= TOO_HOT_C:
        do = say("马上挪到阴凉通风的地方，不要盖住，擦掉灰；离开太阳和炉子。")
        return Finding(Part.HEAT, Verdict.BAD, said, do)
    if celsius >= HOT_C:
        return Finding(Part.HEAT, Verdict.MIND, said, say("偏热。挪到阴凉通风的地方，不要盖住。"))
    return Finding(Part.HEAT, Verdict.GOOD, said)


LITTLE_MEMORY_BYTES, TOO_LITTLE_MEMORY_BYTES = 100 * _MIB, 30 * _MIB


def examine_memory(available_bytes: int | None) -> Finding | None:
    if available_bytes is None:
        return None
    said = say("还有{free}", free=_size(available_bytes))
    do = say("这台电脑上关掉不是村里用的程序；还不行，关掉电源再开。")
    if available_bytes < TOO_LITTLE_MEMORY_BYTES:
        return Finding(Part.MEMORY, Verdict.BAD, said, do)
    if available_bytes < LITTLE_MEMORY_BYTES:
        return Finding(Part.MEMORY, Verdict.MIND, said, do)
    return Finding(Part.MEMORY, Verdict.GOOD, said)
