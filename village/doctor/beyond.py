"""The county and the voice: what lies at the other end of a wire, or in a process of its own.

Never speaks to the county; its link says how it stands.
"""

from __future__ import annotations

from typing import Protocol

from village.doctor.finding import Finding, Part, Verdict
from village.doctor.moments import day, lasting, moment
from village.ground.wording import say
from village.link.county_link import LinkState
from village.link.trouble import in_words

_DAY_MS = 86_400_000

SILENT_MS = 7 * _DAY_MS
"""A village has the internet a few hours a week: a week without the county is long, less is nothing."""

RENEW_MS = 60 * _DAY_MS
"""As the page 县里 tells it: two months before."""

_CONNECT = say("一条不会丢。有网的时候把这台电脑连上，到“县里”那一页按一下“现在就说一次”。")
_AS_USUAL = (in_words("unreachable"), in_words("busy"))
"""Nobody at the other end is how a village lives most of the week; the rest somebody has to look at."""


def examine_county(state: LinkState, *, now_ms: int, trusted: bool) -> Finding:
    if state.county is None:
        do = say("不急，村里的事照办。要报给县里，就向县里要一张登记码，到村务台“县里”那一页登记。")
        return Finding(Part.COUNTY, Verdict.ABSENT, say("还没有登记"), do)
    waiting = say("{n}条等着报", n=state.waiting) if state.waiting else say("都报上去了")
    if state.spoke_ms is None:
        said = say("登记了，还没有对上过，{waiting}", waiting=waiting)
        return Finding(Part.COUNTY, Verdict.MIND, said, state.trouble or _CONNECT)
    said = say("{when}对上的，{waiting}", when=moment(state.spoke_ms, now_ms), waiting=waiting)
    expires_ms = state.county.expires_ms
    if trusted and expires_ms - now_ms < RENEW_MS:
        said = say("{said}；登记到{day}为止", said=said, day=day(expires_ms))
        return Finding(Part.COUNTY, Verdict.MIND, said, say("向县里要一张新的登记码，到“县里”那一页再登记一次。"))
    silent_ms = now_ms - state.spoke_ms
    if trusted and silent_ms > SILENT_MS:
        said = say("{said}；有{lasting}没有对上了", said=said, lasting=lasting(silent_ms))
        return Finding(Part.COUNTY, Verdict.MIND, said, state.trouble or _CONNECT)
    if state.trouble is not None and state.trouble not in _AS_USUAL:
        return Finding(Part.COUNTY, Verdict.MIND, said, state.trouble)
    return Finding(Part.COUNTY, Verdict.GOOD, said)


class Spoken(Protocol):
    """What came of a sentence; the clips of `audio.speech` fit."""

    @property
    def duration_s(self) -> float: ...

    @property
    def level_dbfs(self) -> float: ...


SENTENCE = "村里的声音好着呢，听得清楚。"
"""Thirteen syllables: two and a half to five seconds at the speed calls are read at."""

SHORTEST_S, LONGEST_S = 1.5, 10.0
QUIETEST_DBFS = -40.0
"""A telephone's own noise; clips are levelled far above it."""


def examine_spoken(spoken: Spoken | None) -> Finding:
    """None: no sound came, or none in time."""
    again = say("过一会儿再试。还不行，关掉这台电脑的电源再开；电话先等着，短信照发。")
    if spoken is None:
        return Finding(Part.SPEECH, Verdict.BAD, say("念不出来"), again)
    seconds = say("{n}秒", n=f"{spoken.duration_s:.1f}")
    if not SHORTEST_S <= spoken.duration_s <= LONGEST_S:
        return Finding(Part.SPEECH, Verdict.BAD, say("念得不对，长短不像一句话（{seconds}）", seconds=seconds), again)
    if spoken.level_dbfs < QUIETEST_DBFS:
        return Finding(Part.SPEECH, Verdict.BAD, say("念出来没有声音"), again)
    return Finding(Part.SPEECH, Verdict.GOOD, say("念得出来（试念了{seconds}）", seconds=seconds))


def no_room_to_speak() -> Finding:
    """The sentence could not be kept as a file."""
    return Finding(Part.SPEECH, Verdict.BAD, say("存不下念好的声音"), say("存储卡满了，或者不让写：看“存储卡”那一条。"))


def untried(*, calls_wait: bool) -> Finding:
    """Without trying: what the queue shows. Speaking costs a Raspberry Pi a second or two, so the page asks first."""
    if calls_wait:
        do = say("按下面“试念一句”。还不行，关掉这台电脑的电源再开；电话先等着，短信照发。")
        return Finding(Part.SPEECH, Verdict.BAD, say("有电话因为念不出来在等着"), do)
    return Finding(Part.SPEECH, Verdict.GOOD, say("没有电话在等它"))
