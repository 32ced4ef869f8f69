"""Facts about what a text costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.segments import Segments, count, encoding_of, split


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", Segments("gsm7", 0, 1, 160, 0)),
        ("hello", Segments("gsm7", 5, 1, 155, 0)),
        ("a" * 160, Segments("gsm7", 160, 1, 0, 0)),
        ("a" * 161, Segments("gsm7", 161, 2, 145, 1)),
        ("a" * 306, Segments("gsm7", 306, 2, 0, 0)),
        ("a" * 307, Segments("gsm7", 307, 3, 152, 1)),
        ("€" * 80, Segments("gsm7", 160, 1, 0, 0)),
        ("€" * 81, Segments("gsm7", 162, 2, 143, 1)),
        ("字" * 70, Segments("ucs2", 70, 1, 0, 0)),
        ("字" * 71, Segments("ucs2", 71, 2, 63, 1)),
        ("字" * 134, Segments("ucs2", 134, 2, 0, 0)),
        ("字" * 135, Segments("ucs2", 135, 3, 66, 1)),
        ("😀" * 35, Segments("ucs2", 70, 1, 0, 0)),
        ("😀" * 36, Segments("ucs2", 72, 2, 61, 1)),
        ("c", Segments("gsm7", 1, 1, 159, 0)),
        ("ç", Segments("ucs2", 1, 1, 69, 0)),
        ("`", Segments("ucs2", 1, 1, 69, 0)),
        (
            "【青山村】通知17:12月6日周六早8点到下午3点停水,请存水。收到请回9,想听电话念回0217",
            Segments("ucs2", 48, 1, 22, 0),
        ),
    ],
)
def test_counted_as_the_carrier_counts(text: str, segments: Segments) -> None:
    assert count(text) == segments


def test_an_escape_is_never_torn_from_its_character() -> None:
    parts = split("a" * 152 + "€" + "b" * 10)
    assert parts == ["a" * 152, "€" + "b" * 10]


def test_a_surrogate_pair_is_never_torn() -> None:
    parts = split("字" * 66 + "😀" + "字" * 10)
    assert parts == ["字" * 66, "😀" + "字" * 10]
    assert count("字" * 66 + "😀" + "字" * 66).parts == 3


@given(st.text(max_size=400))
def test_parts_are_whole_within_the_limit_and_as_many_as_counted(text: str) -> None:
    parts = split(text)
    segments = count(text)
    assert "".join(parts) == text
    assert len(parts) == segments.parts
    units = [
        len(part.encode("utf-16-le", "surrogatepass")) // 2
        if segments.encoding == "ucs2"
        else sum(2 if c in "\f^{}\\[~]|€" else 1 for c in part)
        for part in parts
    ]
    limit = (
        (70 if segments.encoding == "ucs2" else 160)
        if len(parts) == 1
        else (67 if segments.encoding == "ucs2" else 153)
    )
    assert all(n <= limit for n in units)
    assert sum(units) == segments.units
    assert segments.left == limit - units[-1]


def test_chinese_punctuation_makes_it_ucs2() -> None:
    assert encoding_of("ok") == "gsm7"
    assert encoding_of("ok，") == "ucs2"
