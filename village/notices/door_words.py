"""A leader's part of the door list as an SMS, and the words by which he ticks it: 上门17 3.

Never names a phone number, and never says more than three parts hold.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.segments import count
from village.notices.notice import Notice, UnitKind
from village.notices.office import Office
from village.notices.reach_store import UnitRow

LONGEST_PARTS = 3
"""Of one list: what an old phone shows without losing a part (facts/sms.md has notices of one or two)."""


def list_text(
    office: Office,
    notice: Notice,
    group: Sequence[UnitRow],
    *,
    first: int,
    more: bool,
    numbers: Sequence[int] | None = None,
) -> tuple[str, int]:
    """The SMS with as many of them as three parts hold, and how many those are; the rest is sent to the office.

    Most in need first, as the door list has them. `more`: there was a list of the same wording before. `numbers`: which
    they bear, where they do not follow each other.
    """
    numbers = range(first, first + len(group)) if numbers is None else numbers
    word = unit_word(notice)
    again = "又" if more else "还"
    start = f"【{office.signature}】{_named(notice)}{again}有{len(group)}{word}没听到:"
    for fits in range(len(group), 0, -1):
        names = " ".join(
            numbered_name(number, unit.name, alone=unit.alone)
            for number, unit in zip(numbers, group[:fits], strict=False)
        )
        out = f"。其余{len(group) - fits}{word}见村委会" if fits < len(group) else ""
        text = f"{start}{names}{out}。说到一{word}回 {tick_words(notice.number, first)}"
        if count(text).parts <= LONGEST_PARTS or fits == 1:
            return text, fits
    raise AssertionError("a list of nobody is not sent")


def _named(notice: Notice) -> str:
    return f"{'更正' if notice.corrected else ''}通知{notice.number}"


def unit_word(notice: Notice) -> str:
    return "家" if notice.unit is UnitKind.HOUSEHOLD else "人"


def numbered_name(number: int, name: str, *, alone: bool = False) -> str:
    """2李桂英(独居)"""
    return f"{number}{name}{'(独居)' if alone else ''}"


def tick_words(notice_number: int, number: int | None = None) -> str:
    """What is texted back. A word and digits: digits alone are ballots and services (facts/sms.md)."""
    return f"上门{notice_number}" + ("" if number is None else f" {number}")
