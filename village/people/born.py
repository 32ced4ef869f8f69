"""When somebody was born, as exactly as the village knows it: a day, a month or only a year.

Never guesses the missing part; where it matters (is somebody 18?) the answer may be "not known".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

_OLDEST = 1850


@dataclass(frozen=True, slots=True)
class Born:
    year: int
    month: int | None = None
    day: int | None = None

    def __post_init__(self) -> None:
        if not _OLDEST <= self.year <= 2999 or (self.month is None and self.day is not None):
            raise ValueError("no such birth date")
        date(self.year, self.month or 1, self.day or 1)

    @classmethod
    def on(cls, day: date) -> Born:
        return cls(day.year, day.month, day.day)

    @classmethod
    def from_iso(cls, text: str) -> Born:
        """Raises ValueError."""
        return cls(*(int(part) for part in text.split("-")))

    @classmethod
    def at_age(cls, age: int, today: date) -> Born:
        """The likeliest year; the birthday may still be to come, so it may be one year off."""
        return cls(today.year - age)

    def iso(self) -> str:
        parts = [f"{self.year:04d}"]
        if self.month is not None:
            parts.append(f"{self.month:02d}")
        if self.day is not None:
            parts.append(f"{self.day:02d}")
        return "-".join(parts)

    @property
    def exact(self) -> bool:
        return self.day is not None

    def age_on(self, day: date) -> int:
        """Years completed; where month or day are unknown, counted as if the birthday had passed."""
        before = (day.month, day.day) < (self.month or 1, self.day or 1)
        return day.year - self.year - before

    def adult_on(self, day: date) -> bool | None:
        """Whether the 18th birthday has passed; None where that cannot be known."""
        latest = Born(self.year, self.month or 12, self.day or (28 if (self.month or 12) == 2 else 30))
        if latest.age_on(day) >= 18:
            return True
        return None if self.age_on(day) >= 18 else False

    def agrees_with(self, other: Born) -> bool:
        """Whether both can be the same birth: what both know is equal; a bare year (from an age) may be one off."""
        if self.month is None or other.month is None:
            return abs(self.year - other.year) <= 1
        if (self.year, self.month) != (other.year, other.month):
            return False
        return self.day is None or other.day is None or self.day == other.day

    @property
    def parts(self) -> int:
        """How much is known: 1 year, 2 month, 3 day."""
        return 1 + (self.month is not None) + (self.day is not None)
