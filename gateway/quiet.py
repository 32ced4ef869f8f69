"""Quiet hours: when the village may speak of its own accord, and how a morning's backlog is let out.

Never judges whether a message matters enough to pass (`Priority.wakes_people`), nor whether the clock can be believed.
No law sets quiet hours for SMS; 07:00–12:30 and 14:00–21:00 is the village's own custom, midday rest included.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.failures import GatewayError

_DAY_MS = 86_400_000
_BEIJING_MS = 8 * 3_600_000
"""China keeps one time zone and no summer time."""

STAGGER_MS = 20 * 60_000
"""What waited for the end of quiet hours leaves within this time, not at once: networks take a burst for spam, and the
answers would burst too."""

_GOLDEN_MS = 741_641

_TIME = re.compile(r"([01]\d|2[0-4]):([0-5]\d)\Z")


class QuietHoursError(GatewayError):
    """Times that are not times, or not in order."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """`open`: the hours in which anything may be sent, Beijing time, in order and apart."""

    open: tuple[tuple[str, str], ...] = (("07:00", "12:30"), ("14:00", "21:00"))

    def __post_init__(self) -> None:
        edges = [edge for window in self._windows() for edge in window]
        if not edges or edges != sorted(set(edges)) or edges[-1] > _DAY_MS:
            raise QuietHoursError("open hours must be in order, apart, and within one day")

    def _windows(self) -> list[tuple[int, int]]:
        return [(_of_day_ms(begin), _of_day_ms(end)) for begin, end in self.open]

    def is_open(self, now_ms: int) -> bool:
        of_day = (now_ms + _BEIJING_MS) % _DAY_MS
        return any(begin <= of_day < end for begin, end in self._windows())

    def next_open_ms(self, now_ms: int) -> int:
        """Now where it is open, else the moment the next open hours begin."""
        if self.is_open(now_ms):
            return now_ms
        of_day = (now_ms + _BEIJING_MS) % _DAY_MS
        midnight_ms = now_ms - of_day
        begins = [begin for begin, _ in self._windows()]
        later = [begin for begin in begins if begin > of_day]
        return midnight_ms + (later[0] if later else begins[0] + _DAY_MS)

    def release_ms(self, now_ms: int, spread: int) -> int:
        """When something that may not go now is let out; `spread` (the message's id) places it within the stagger."""
        if self.is_open(now_ms):
            return now_ms
        # steps of the golden section fill the time evenly, however many there are
        return self.next_open_ms(now_ms) + spread * _GOLDEN_MS % STAGGER_MS


def _of_day_ms(text: str) -> int:
    match = _TIME.match(text)
    if match is None:
        raise QuietHoursError(f"{text!r} is not a time like 07:00")
    return (int(match[1]) * 60 + int(match[2])) * 60_000
