"""What a text asks of the village; nothing guessed."""

import time

import pytest

from tests.keywords.fuzz import fuzz
from tests.keywords.messages import TABLE
from village.keywords.commands import Choice, PollChoice, SlotChoice
from village.keywords.grammar import read


@pytest.mark.parametrize(("typed", "command"), TABLE, ids=[repr(typed) for typed, _ in TABLE])
def test_the_table(typed, command):
    assert read(typed) == command


def test_the_table_is_long_enough():
    assert len(TABLE) >= 300
    assert len({typed for typed, _ in TABLE}) == len(TABLE)


def test_only_six_digits_are_a_code():
    for length in range(1, 12):
        text = "4" * length
        assert (type(read(text)).__name__ == "Code") == (length == 6)


def test_no_emergency_number_is_ever_a_ballot():
    for number in range(100, 200):
        assert not isinstance(read(str(number)), PollChoice | SlotChoice | Choice)


def test_the_raw_text_is_kept_as_typed():
    text = "  建議：村口的路燈壞了❌  "
    assert read(text).text == "村口的路燈壞了❌"


def test_a_story_with_option_words_is_no_ballot():
    long = "我们组里有十几户都同意修路，但是有几户不同意，村里能不能再开会商量一下，1月份之前定下来"
    assert type(read(long)).__name__ == "FreeText"


@pytest.mark.parametrize(
    "text", ["好" * 5000, "1 " * 3000, "不" * 4000, "a." * 3000, "投票" * 2000, "谢谢" * 24 + "x", "1" * 9000]
)
def test_long_and_hostile_texts_are_read_quickly(text):
    start = time.perf_counter()
    read(text)
    assert time.perf_counter() - start < 0.25


def test_random_texts_never_crash_and_never_confirm_without_a_word():
    """A sample of what `python -m tests.keywords.fuzz 100000` does."""
    fuzz(8000)
