"""One digit is one digit, however it was written."""

import importlib.util
import json
import random
from pathlib import Path

import pytest

from village.ground.normalise import _table, normalise, simplified

ONES = [
    "1",
    "１",
    "①",
    "⑴",
    "1️⃣",
    "1.",
    "1。",
    "１、",
    "1\u200b",
    "\ufeff1",
    "👍1",
    "1👍",
    "(1)",
    "“1”",
    "「1」",
    "1!",
    "1~",
    "1,",
    "༡",
    "᠑",
    "¹",
    "1。。。",
    "❤️1❤️",
    " 1 ",
    "\u30001\u3000",
    "1\n",
]


@pytest.mark.parametrize("typed", ONES)
def test_every_spelling_of_one_is_one(typed):
    assert normalise(typed) == "1"


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("投 1", "投1"),
        ("23 1", "23 1"),
        ("23　1", "23 1"),
        ("退訂", "退订"),
        ("贊成", "赞成"),
        ("棄權!", "弃权"),
        ("ＴＰ１", "tp1"),
        ("不 同 意", "不同意"),
        ("收到。谢谢！", "收到。谢谢"),
        ("①和②", "1和2"),
        ("？", "?"),
    ],
)
def test_the_same_words_look_the_same(typed, plain):
    assert normalise(typed) == plain


@pytest.mark.parametrize("typed", ["", " ", "　", "…", "。。。", "👍", "🙏🙏", "\u200b\u200d", "~~", "\ufe0f"])
def test_what_says_nothing_leaves_nothing(typed):
    assert normalise(typed) == ""


@pytest.mark.parametrize("typed", ["1❌", "1 ✖", "1👎", "1🚫"])
def test_a_sign_that_says_no_does_not_vanish(typed):
    assert normalise(typed) == "1×"


def test_numerals_stay_words():
    assert normalise("三组停水两天") == "三组停水两天"


def test_normalising_twice_changes_nothing():
    rng = random.Random(7)
    signs = "1２③一壹投同意不。、,!~ 　\u200b️⃣👍❌()“”【】.退訂tTlO#*-/"
    for _ in range(3000):
        text = "".join(rng.choice(signs) for _ in range(rng.randint(0, 12)))
        once = normalise(text)
        assert normalise(once) == once, text


def test_our_table_is_the_library_s_table():
    spec = importlib.util.find_spec("zhconv")
    words = json.loads((Path(spec.submodule_search_locations[0]) / "zhcdict.json").read_text("utf-8"))["zh2Hans"]
    single = [(old, new) for old, new in words.items() if len(old) == 1]
    assert len(single) > 4000
    assert all(simplified(old) == new for old, new in single if not _in_gb2312(old))


def _in_gb2312(sign):
    return sign.encode("gb2312", "ignore") != b""


def test_reading_simplified_text_loads_no_table():
    _table.cache_clear()
    normalise("同意，谢谢村长")
    assert _table.cache_info().currsize == 0
