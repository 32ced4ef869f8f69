"""What an examination found: one plain line, and what to do about it.

Never holds a phone number, a key or a text of anybody's: findings are read out over the phone and sent to helpers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from village.ground.wording import Translate, Wording, say


class Verdict(StrEnum):
    """`mind`: it works, and somebody should look at it; `absent`: this village does not have it, which is no fault."""

    BAD = "bad"
    MIND = "mind"
    GOOD = "good"
    ABSENT = "absent"


class Part(StrEnum):
    """What was looked at. The words are part of what `--json` promises; their order is the order of lines."""

    SERVER = "server"
    SETTINGS = "settings"
    LINE = "line"
    SIGNAL = "signal"
    BALANCE = "balance"
    BUDGET = "budget"
    BATTERY = "battery"
    QUEUE = "queue"
    SPEECH = "speech"
    COUNTY = "county"
    CLOCK = "clock"
    DISK = "disk"
    DATABASE = "database"
    POWER = "power"
    HEAT = "heat"
    MEMORY = "memory"
    KEYS = "keys"
    CERTIFICATE = "certificate"
    PORTS = "ports"


TITLES: Mapping[Part, Wording] = MappingProxyType(
    {
        Part.SERVER: say("服务"),
        Part.SETTINGS: say("设置"),
        Part.LINE: say("线路"),
        Part.SIGNAL: say("信号"),
        Part.BALANCE: say("话费"),
        Part.BUDGET: say("预算"),
        Part.BATTERY: say("手机电池"),
        Part.QUEUE: say("等着发的"),
        Part.SPEECH: say("声音"),
        Part.COUNTY: say("县里"),
        Part.CLOCK: say("钟"),
        Part.DISK: say("存储卡"),
        Part.DATABASE: say("数据库"),
        Part.POWER: say("供电"),
        Part.HEAT: say("温度"),
        Part.MEMORY: say("内存"),
        Part.KEYS: say("钥匙文件"),
        Part.CERTIFICATE: say("村务台证书"),
        Part.PORTS: say("端口"),
    }
)

VERDICTS: Mapping[Verdict, Wording] = MappingProxyType(
    {
        Verdict.BAD: say("要处理"),
        Verdict.MIND: say("留意"),
        Verdict.GOOD: say("好"),
        Verdict.ABSENT: say("没有接"),
    }
)

_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
_ORDER = {part: place for place, part in enumerate(Part)}


@dataclass(frozen=True, slots=True)
class Finding:
    """`said`: how it is; `do`: the one thing to do, where there is one; `line`: which line, where it is of a line."""

    part: Part
    verdict: Verdict
    said: Wording
    do: Wording | None = None
    line: Wording | None = None

    @property
    def title(self) -> Wording:
        title = TITLES[self.part]
        return title if self.line is None else say("{part}（{line}）", part=title, line=self.line)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """What has to be done comes first; among equals the order of `Part`."""
    return sorted(findings, key=lambda finding: (_RANK[finding.verdict], _ORDER[finding.part]))


def anything_bad(findings: Iterable[Finding]) -> bool:
    return any(finding.verdict is Verdict.BAD for finding in findings)


def summary(findings: Sequence[Finding]) -> Wording:
    """One sentence over all of them."""
    bad = sum(finding.verdict is Verdict.BAD for finding in findings)
    mind = sum(finding.verdict is Verdict.MIND for finding in findings)
    if bad and mind:
        return say("{bad}条要处理，{mind}条留意", bad=bad, mind=mind)
    if bad:
        return say("{bad}条要处理", bad=bad)
    return say("{mind}条留意，没有要处理的", mind=mind) if mind else say("都好")


# on the wire: between the server and a command of the same version, beside it on one computer


def packed(finding: Finding) -> dict[str, object]:
    """As JSON keeps it; the words stay sentences with values, so that the reader's language is the reader's."""
    return {
        "part": finding.part.value,
        "verdict": finding.verdict.value,
        "said": _packed(finding.said),
        "do": None if finding.do is None else _packed(finding.do),
        "line": None if finding.line is None else _packed(finding.line),
    }


def unpacked(made: Mapping[str, object]) -> Finding:
    """Raises ValueError for what is no finding: the server may be of another version."""
    try:
        do, line = made["do"], made["line"]
        return Finding(
            Part(str(made["part"])),
            Verdict(str(made["verdict"])),
            _unpacked(made["said"]),
            None if do is None else _unpacked(do),
            None if line is None else _unpacked(line),
        )
    except (KeyError, TypeError) as broken:
        raise ValueError("not a finding") from broken


def _packed(words: Wording) -> dict[str, object]:
    values = {name: _packed(value) if isinstance(value, Wording) else value for name, value in words.values}
    if not all(isinstance(value, str | int | dict) for value in values.values()):
        raise TypeError(f"a value that cannot be told: {words.msgid}")
    return {"words": words.msgid, "values": values}


def _unpacked(made: object) -> Wording:
    if not isinstance(made, dict):
        raise ValueError("not a sentence")
    words, values = made.get("words"), made.get("values")
    if not isinstance(words, str) or not isinstance(values, dict):
        raise ValueError("not a sentence")
    return Wording(words, tuple((n, _unpacked(v) if isinstance(v, dict) else v) for n, v in values.items()))


# for whoever reads it


def told(finding: Finding, translate: Translate) -> dict[str, str | None]:
    """One line of `village doctor --json`."""
    return {
        "part": finding.part.value,
        "line": None if finding.line is None else finding.line.text(translate),
        "verdict": finding.verdict.value,
        "title": finding.title.text(translate),
        "said": finding.said.text(translate),
        "do": None if finding.do is None else finding.do.text(translate),
    }
