"""What an ID-card number says (GB 11643-1999: birth date, sex, check digit), so that the number itself can be dropped.

Never keeps, returns or prints a number; what is quoted back to a clerk goes through `hide_digits` first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_SHAPE = re.compile(r"\d{17}[\dX]|\d{15}", re.ASCII)
_LONG_DIGITS = re.compile(r"\d{4,}[\dXx*]*", re.ASCII)
_QUOTE_CHARS = 16


class IdTrouble(StrEnum):
    SHAPE = "shape"
    CHECK = "check"
    DATE = "date"


class NotAnIdError(ValueError):
    """`trouble` says why; the number is not in the message."""

    def __init__(self, trouble: IdTrouble) -> None:
        super().__init__(str(trouble))
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class IdSays:
    born: date
    sex: str


def read_id(text: str) -> IdSays:
    """Birth date and sex out of an 18- or old 15-digit number. Raises NotAnIdError."""
    digits = re.sub(r"[\s-]", "", text).upper()
    if not _SHAPE.fullmatch(digits):
        raise NotAnIdError(IdTrouble.SHAPE)
    if len(digits) == 18:
        total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=False))
        if _CHECKS[total % 11] != digits[17]:
            raise NotAnIdError(IdTrouble.CHECK)
        birth, odd = digits[6:14], int(digits[16])
    else:
        birth, odd = "19" + digits[6:12], int(digits[14])
    try:
        born = date(int(birth[:4]), int(birth[4:6]), int(birth[6:]))
    except ValueError:
        raise NotAnIdError(IdTrouble.DATE) from None
    if born.year < 1880:
        raise NotAnIdError(IdTrouble.DATE)
    return IdSays(born, "男" if odd % 2 else "女")


def looks_like_id(text: str) -> bool:
    """Whether the text is an ID-card number by its shape."""
    return _SHAPE.fullmatch(re.sub(r"[\s-]", "", text).upper()) is not None


def hide_digits(text: str) -> str:
    """Short enough to quote, with every longer run of digits cut after the third."""
    shown = _LONG_DIGITS.sub(lambda run: run[0][:3] + "…", " ".join(text.split()))
    return shown if len(shown) <= _QUOTE_CHARS else shown[:_QUOTE_CHARS] + "…"
