"""The look, held to its promises: what is read can be read, what is pressed can be hit."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import village.web.kit.apps

STATIC = Path(village.web.kit.apps.__file__).parent / "static"
TOKENS = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6})", (STATIC / "tokens.css").read_text("utf-8")))


def _luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    channels = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    ("ink", "ground"),
    [
        ("ink", "paper"),
        ("ink", "card"),
        ("ink", "persimmon-wash"),
        ("ink", "pine-wash"),
        ("soft", "paper"),
        ("soft", "card"),
        ("pine", "paper"),
        ("pine", "white"),
        ("pine", "pine-wash"),
        ("white", "pine"),
        ("white", "ink"),
        ("white", "alarm"),
        ("alarm", "white"),
        ("persimmon", "persimmon-wash"),
        ("rail-ink", "rail"),
        ("rail-ink", "pine"),
    ],
)
def test_every_pair_of_ink_and_ground_reaches_seven_to_one(ink: str, ground: str) -> None:
    one, other = sorted((_luminance(TOKENS[ink]), _luminance(TOKENS[ground])))
    assert (other + 0.05) / (one + 0.05) >= 7


def test_colours_stand_in_one_place() -> None:
    """The rail's two hover shades and the half tone of a bar are drawing, not text."""
    drawing = {"#39423d", "#ffd9b8", "#86a590"}
    for name in ("look.css", "desk.css"):
        used = set(re.findall(r"#[0-9a-f]{3,6}\b", (STATIC / name).read_text("utf-8")))
        assert used - drawing - {"#fff"} == set(), name


def test_targets_and_text_are_as_large_as_promised() -> None:
    assert "--target: 60px; --text: 150%" in (STATIC / "tokens.css").read_text("utf-8")
    assert "--text: 106.25%; --target: 44px" in (STATIC / "desk.css").read_text("utf-8")
