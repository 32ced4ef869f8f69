"""When a modem that hangs is pushed, and how hard: a pure state machine with its table of waiting times.

Never touches a modem and reads no clock: it is told what was seen and when, and answers with one rung or none. Back to
the first rung as soon as the modem is well. A modem over which somebody's data runs is left alone, unless it answers
nothing at all: then no data runs over it either, whatever it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

_SECOND, _MINUTE = 1_000, 60_000


class Health(StrEnum):
    """How a modem is.

    `DEAF`: answers, but has no network. `MUTE`: listed, and answers no command. `FAILED`: ModemManager has given it
    up, most often for want of a SIM. `GONE`: not listed any more; it may have been unplugged. `LEFT_ALONE`: waits for
    a person.
    """

    WELL = "well"
    DEAF = "deaf"
    MUTE = "mute"
    FAILED = "failed"
    GONE = "gone"
    LEFT_ALONE = "left_alone"


class Rung(StrEnum):
    TOGGLE = "toggle"
    """Disable and enable: every subscription made anew, the SIM's messages listed again."""
    POWER = "power"
    """The modem's own reset, or its radio off and on."""
    REPROBE = "reprobe"
    """ModemManager forgets this modem and asks it anew what it is."""
    RESTART = "restart"
    """ModemManager itself is started anew: the only way back once it has dropped a modem that fell silent."""


RUNGS: Mapping[Health, tuple[tuple[Rung, int], ...]] = MappingProxyType(
    {
        Health.DEAF: (
            (Rung.TOGGLE, 3 * _MINUTE),
            (Rung.POWER, 5 * _MINUTE),
            (Rung.REPROBE, 10 * _MINUTE),
            (Rung.RESTART, 30 * _MINUTE),
        ),
        Health.MUTE: (
            (Rung.TOGGLE, 10 * _SECOND),
            (Rung.POWER, 30 * _SECOND),
            (Rung.REPROBE, _MINUTE),
            (Rung.RESTART, 2 * _MINUTE),
        ),
        Health.FAILED: ((Rung.REPROBE, 5 * _MINUTE),),
        Health.GONE: ((Rung.RESTART, 20 * _SECOND),),
    }
)
"""What is tried in which order, and how long it must have been ill, or the rung before must have had, until then."""

_PATIENCE_CAP = 12
"""After the last rung it begins again with twice the patience, up to twelve times: some cellars have no signal."""

_COMING_BACK_MS = _MINUTE
"""A stick that was reset is unplugged, in effect, until it has found itself again."""

_GIVEN_UP = 6
"""After so many rounds one that is not listed has been taken away."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """What is known of one modem's illness.

    `since_ms`: when it, or the last rung, began. `climbed`: rungs tried for it in this round; `rounds`: how often the
    whole ladder was climbed since the modem was last well; `pushed`: whether any rung was tried since.
    """

    ill: Health = Health.WELL
    since_ms: int = 0
    climbed: int = 0
    rounds: int = 0
    pushed: bool = False

    @property
    def resetting(self) -> bool:
        """Whether it was pushed since it was last well, or is about to be because it answers nothing."""
        return self.pushed or self.ill in (Health.MUTE, Health.GONE)


def climb(
    ladder: Ladder, seen: Health, now_ms: int, *, carries_data: bool = False, others_carry_data: bool = False
) -> tuple[Ladder, Rung | None]:
    """The ladder after what was `seen` at the monotonic `now_ms`, and the rung that is due now."""
    if seen == Health.GONE:
        if ladder.pushed and now_ms - ladder.since_ms < _COMING_BACK_MS:
            return ladder, None
        if not ladder.resetting or ladder.rounds >= _GIVEN_UP:
            seen = Health.LEFT_ALONE  # unplugged, as far as anybody can tell
    if seen in (Health.WELL, Health.LEFT_ALONE):
        return Ladder(seen, now_ms), None
    if seen != ladder.ill:
        return Ladder(seen, now_ms, rounds=ladder.rounds, pushed=ladder.pushed), None
    rung, wait_ms = RUNGS[seen][ladder.climbed]
    if now_ms - ladder.since_ms < wait_ms * min(2**ladder.rounds, _PATIENCE_CAP):
        return ladder, None
    if carries_data and seen != Health.MUTE:
        return ladder, None
    climbed, rounds = ladder.climbed + 1, ladder.rounds
    if climbed == len(RUNGS[seen]):
        climbed, rounds = 0, rounds + 1
    after = Ladder(seen, now_ms, climbed, rounds, pushed=True)
    if rung == Rung.RESTART and others_carry_data:
        return after, None  # it would end the data of every stick
    return after, rung
