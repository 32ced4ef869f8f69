"""When the SIM's messages are listed anew: ModemManager misses a text that arrives while it reads or deletes another.

Pure. Listing makes the modem deaf for a second or more, so never in the middle of work, not at every text, and at the
latest ten minutes after one could have been missed: a SIM has room for fifty.
"""

from __future__ import annotations

_SECOND, _MINUTE = 1_000, 60_000

QUIET_MS = 5 * _SECOND
"""So long after the last text: its neighbours have arrived."""
IDLE_MS = 20 * _SECOND
"""So long after the last message sent: its report has arrived."""
GAP_MS = 3 * _MINUTE
LATEST_MS = 10 * _MINUTE
HOURLY_MS = 60 * _MINUTE
"""Without any sign that one was missed."""


class Listing:
    def __init__(self) -> None:
        self._listed_ms: int | None = None
        self._came_ms: int | None = None
        self._since_ms: int | None = None
        self._used_ms: int | None = None

    def came(self, now_ms: int) -> None:
        """A text came in: another may have come with it."""
        self._came_ms = now_ms
        self._since_ms = now_ms if self._since_ms is None else self._since_ms

    def used(self, now_ms: int) -> None:
        """A message was sent."""
        self._used_ms = now_ms

    def listed(self, now_ms: int) -> None:
        self._listed_ms, self._came_ms, self._since_ms = now_ms, None, None

    def due(self, now_ms: int) -> bool:
        if not self._is_wanted(now_ms):
            return False
        overdue = self._since_ms is not None and now_ms - self._since_ms >= LATEST_MS
        return overdue or self._used_ms is None or now_ms - self._used_ms >= IDLE_MS

    def _is_wanted(self, now_ms: int) -> bool:
        since_listed_ms = HOURLY_MS if self._listed_ms is None else now_ms - self._listed_ms
        if self._came_ms is None:
            return since_listed_ms >= HOURLY_MS
        return since_listed_ms >= GAP_MS and now_ms - self._came_ms >= QUIET_MS
