"""The reading table: input → words, input → words with a calendar, input → sounds of the real voice."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

from audio.espeak import RATE_HZ, Espeak
from audio.lexicon import Lexicon
from audio.prediction import fits, pieces, predicted_s
from audio.reading import readable
from audio.speech import Speech
from tests.audio.table import DATED, SOUNDS, TABLE
from village.ground.calendar import lunar_words
from village.ground.clock import parse_iso

SATURDAY = datetime.date(2026, 12, 5)


def lunar(day: datetime.date) -> str:
    """The village's own tables, as it passes them in."""
    return lunar_words(parse_iso(f"{day}T12:00:00"))


class VillageCalendar:
    """What the village has to hand to speech."""

    def __init__(self, today: datetime.date | None) -> None:
        self._today = today

    def today(self) -> datetime.date | None:
        return self._today

    def lunar(self, day: datetime.date) -> str:
        return lunar(day)


@pytest.mark.parametrize(
    ("written", "said"),
    [pytest.param(*case, id=f"{kind}: {case[0]}") for kind, cases in TABLE.items() for case in cases],
)
def test_a_sentence_is_read_as_the_table_says(written: str, said: str) -> None:
    assert readable(written) == said
    assert readable(said) == said


def test_the_table_is_what_it_should_be() -> None:
    written = [case[0] for cases in TABLE.values() for case in cases]
    assert len(written) == len(set(written)) >= 200
    assert all(len(cases) >= 5 for cases in TABLE.values())
    assert not [said for cases in TABLE.values() for _, said in cases if re.search(r"[0-9a-z]", said)]
    assert len(SOUNDS) >= 20


@pytest.mark.parametrize(("written", "said"), DATED)
def test_a_near_day_has_its_name_and_its_farmers_date(written: str, said: str) -> None:
    assert readable(written, SATURDAY, lunar) == said


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (datetime.date(2027, 1, 13), "后天，腊月初八，一月十五日星期五施粥"),
        (datetime.date(2027, 1, 14), "明天，腊月初八，一月十五日星期五施粥"),
        (datetime.date(2027, 1, 15), "今天，腊月初八，一月十五日星期五施粥"),
        (datetime.date(2027, 1, 16), "一月十五日施粥"),
        (datetime.date(2027, 1, 5), "腊月初八，一月十五日星期五施粥"),
        (datetime.date(2027, 1, 1), "一月十五日施粥"),
    ],
)
def test_the_eighth_of_the_twelfth_month(today: datetime.date, said: str) -> None:
    assert readable("1月15日施粥", today, lunar) == said


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (datetime.date(2027, 1, 13), "后天，腊月初八施粥"),
        (datetime.date(2027, 1, 15), "今天，腊月初八施粥"),
        (datetime.date(2027, 1, 12), "腊月初八施粥"),
    ],
)
def test_a_farmers_date_is_named_from_today(today: datetime.date, said: str) -> None:
    assert readable("腊月8施粥", today, lunar) == said


def test_beyond_the_lunar_tables_a_date_is_still_read() -> None:
    assert readable("12月6日停水", SATURDAY, lambda _: "") == "明天十二月六日星期日停水"


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak()


@pytest.mark.parametrize(("written", "sounds"), SOUNDS)
def test_a_sentence_sounds_as_the_table_says(espeak: Espeak, written: str, sounds: str) -> None:
    said = espeak.phonemes(Lexicon.built_in().spoken(readable(written)))
    assert re.sub(r"[\s|_',]", "", said) == sounds


@pytest.mark.parametrize("rate_wpm", [110, 112, 124, 155, 160])
def test_no_sentence_of_the_table_is_taken_for_a_wrong_one(espeak: Espeak, rate_wpm: int) -> None:
    """The check of lengths must never refuse what was said well: then it would not be said at all."""
    lexicon, refused = Lexicon.built_in(), []
    for written in [case[0] for cases in TABLE.values() for case in cases]:
        said = pieces(lexicon.spoken(readable(written)))
        sounds = [espeak.phonemes(piece) for piece in said]
        length_s = sum(len(espeak.say(piece, "cmn", rate_wpm)) for piece in said) / 2 / RATE_HZ
        if not fits(length_s, predicted_s(said, sounds, rate_wpm), rate_wpm):
            refused.append(written)
    assert refused == []


async def test_a_clip_names_the_day_where_the_time_is_known(tmp_path: Path) -> None:
    known = Speech(tmp_path, calendar=VillageCalendar(SATURDAY))
    guessed = Speech(tmp_path, calendar=VillageCalendar(None))
    assert (await known.clip("12月6日停水")).words == "明天，农历十月二十八，十二月六日星期日停水"
    assert (await guessed.clip("12月6日停水")).words == "十二月六日停水"
    await known.close()
    await guessed.close()
