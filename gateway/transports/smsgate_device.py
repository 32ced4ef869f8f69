"""The phone as it introduces itself: which one it is, what its app can, what time it has, its battery and its SIM.

Never asks it anything; what was read is passed in.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from gateway.condition import Condition
from gateway.ground import Clock

log = logging.getLogger(__name__)


class Device:
    def __init__(self, clock: Clock, *, line: str, sim: int | None) -> None:
        """`sim`: the slot that is the village's, from 1; None: whichever there is."""
        self._clock = clock
        self._line = line
        self._sim = sim
        self._id = ""
        self._met: tuple[int, int] | None = None
        """What its clock showed, and what the stopwatch did then: no step of the village's clock changes that."""
        self.version: tuple[int, ...] = ()

    def met(self, about: Mapping[str, Any], health: Any, phone_ms: int | None) -> bool:
        """True where it is another phone than before, or one that was reset. `phone_ms`: what its clock showed."""
        device_id = str(about.get("id", ""))
        another = self._id not in ("", device_id)
        if another:
            log.warning("another phone, or one that was reset line=%s", self._line)
        self._id = device_id
        self.version = _version(_about(health).get("version"))
        self._met = None if phone_ms is None else (phone_ms, self._clock.monotonic_ms())
        return another

    def condition(self, about: Mapping[str, Any], health: Any, held_note: str) -> Condition:
        """`held_note`: why it is left alone for a while, where it is."""
        cards = about.get("simCards")
        mine = [card for card in cards if self._is_mine(card)] if isinstance(cards, list) else []
        return Condition(
            operator=str(mine[0].get("carrierName") or "") if mine else "",
            device=str(about.get("name", "")),
            battery=_battery(_about(health)),
            note="no_sim" if cards and not mine else held_note,
        )

    def _is_mine(self, card: Any) -> bool:
        return isinstance(card, dict) and self._sim in (None, card.get("simNumber"))

    @property
    def ahead_ms(self) -> int:
        """How far its clock is before the village's; 0 where that is not known."""
        now_ms = self.now_ms()
        return 0 if now_ms is None else now_ms - self._clock.now_ms()

    def now_ms(self) -> int | None:
        """The phone's clock as last heard; before that the village's own, if it can be trusted."""
        if self._met is not None:
            phone_ms, at_ms = self._met
            return phone_ms + self._clock.monotonic_ms() - at_ms
        return self._clock.now_ms() if self._clock.trusted else None


def _about(health: Any) -> Mapping[str, Any]:
    return health if isinstance(health, dict) else {}


def _version(said: Any) -> tuple[int, ...]:
    """1.75.0 → (1, 75, 0); empty, and so older than any, where it is none."""
    parts = str(said).removeprefix("v").partition("-")[0].split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else ()


def _battery(about: Mapping[str, Any]) -> int | None:
    checks = about.get("checks")
    level = checks.get("battery:level") if isinstance(checks, dict) else None
    percent = level.get("observedValue") if isinstance(level, dict) else None
    return int(percent) if isinstance(percent, int | float) and 0 <= percent <= 100 else None
