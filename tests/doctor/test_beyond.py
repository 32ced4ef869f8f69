"""County and voice in words; the voice also really tried."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from audio.speech import Speech
from village.doctor.beyond import (
    RENEW_MS,
    SENTENCE,
    SILENT_MS,
    examine_county,
    examine_spoken,
    no_room_to_speak,
    untried,
)
from village.doctor.finding import Verdict
from village.ground.clock import parse_iso
from village.link.county_link import LinkState
from village.link.store import County
from village.link.trouble import in_words

NOW_MS = parse_iso("2026-12-05T09:10:00")
FAR_MS = NOW_MS + 400 * 86_400_000
COUNTY = County("http://127.0.0.1:9", "样板县", b"", b"", b"", b"", "", 1, FAR_MS, NOW_MS)
SPOKE = LinkState(COUNTY, NOW_MS, 0, None, None)


@pytest.mark.parametrize(
    ("state", "verdict", "words"),
    [
        (LinkState(None, None, 3, None, None), Verdict.ABSENT, "还没有登记"),
        (SPOKE, Verdict.GOOD, "今天 9:10对上的，都报上去了"),
        (replace(SPOKE, waiting=4), Verdict.GOOD, "今天 9:10对上的，4条等着报"),
        (replace(SPOKE, trouble=in_words("unreachable"), waiting=4), Verdict.GOOD, "今天 9:10对上的，4条等着报"),
        (replace(SPOKE, trouble=in_words("fork")), Verdict.MIND, "今天 9:10对上的，都报上去了"),
        (replace(SPOKE, spoke_ms=None), Verdict.MIND, "登记了，还没有对上过，都报上去了"),
        (
            replace(SPOKE, spoke_ms=NOW_MS - SILENT_MS - 1, waiting=9),
            Verdict.MIND,
            "2026年11月28日 9:09对上的，9条等着报；有7天没有对上了",
        ),
        (
            replace(SPOKE, county=replace(COUNTY, expires_ms=NOW_MS + RENEW_MS - 1)),
            Verdict.MIND,
            "今天 9:10对上的，都报上去了；登记到2027年2月3日为止",
        ),
    ],
)
def test_the_county(state: LinkState, verdict: Verdict, words: str) -> None:
    found = examine_county(state, now_ms=NOW_MS, trusted=True)
    assert (found.verdict, str(found.said)) == (verdict, words)
    assert (found.do is None) == (verdict is Verdict.GOOD)


def test_what_the_county_said_is_what_to_do() -> None:
    found = examine_county(replace(SPOKE, trouble=in_words("they-say-revoked")), now_ms=NOW_MS, trusted=True)
    assert "请打电话给县里" in str(found.do)


def test_a_guessed_clock_counts_no_days() -> None:
    state = replace(SPOKE, spoke_ms=NOW_MS - 2 * SILENT_MS, county=replace(COUNTY, expires_ms=NOW_MS))
    assert examine_county(state, now_ms=NOW_MS, trusted=False).verdict is Verdict.GOOD


@dataclass(frozen=True)
class Sound:
    duration_s: float
    level_dbfs: float


@pytest.mark.parametrize(
    ("sound", "verdict", "words"),
    [
        (Sound(3.2, -20), Verdict.GOOD, "念得出来（试念了3.2秒）"),
        (Sound(0.4, -20), Verdict.BAD, "念得不对，长短不像一句话（0.4秒）"),
        (Sound(30, -20), Verdict.BAD, "念得不对，长短不像一句话（30.0秒）"),
        (Sound(3.2, -60), Verdict.BAD, "念出来没有声音"),
        (None, Verdict.BAD, "念不出来"),
    ],
)
def test_what_was_spoken(sound: Sound | None, verdict: Verdict, words: str) -> None:
    found = examine_spoken(sound)
    assert (found.verdict, str(found.said)) == (verdict, words)
    assert (found.do is None) == (verdict is Verdict.GOOD)


def test_without_trying_the_queue_tells() -> None:
    assert untried(calls_wait=False).verdict is Verdict.GOOD
    assert untried(calls_wait=True).verdict is Verdict.BAD
    assert no_room_to_speak().verdict is Verdict.BAD


async def test_the_real_voice_says_the_sentence_as_it_should(tmp_path: Path) -> None:
    speech = Speech(tmp_path)
    try:
        assert examine_spoken(await speech.clip(SENTENCE, fresh=True)).verdict is Verdict.GOOD
    finally:
        await speech.close()
