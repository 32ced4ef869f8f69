"""What a simulated phone is set to do, and what one sees of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gateway.failures import GatewayError


class NoCallError(GatewayError):
    """There is no call on this phone that could be answered, ended or given a key."""


class HandsetOffError(GatewayError):
    """A phone that is switched off sends nothing."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What always happens with one number. `retry_first`: so many tries are told to come back later."""

    dead: bool = False
    busy: bool = False
    no_answer: bool = False
    lose_reports: bool = False
    delay_ms: int | None = None
    retry_first: int = 0


@dataclass(frozen=True, slots=True)
class Faults:
    """What sometimes happens with any number; shares of 1.

    drop: accepted and never seen again · duplicate: reports and villagers' texts come twice, the second report late and
    out of order · hang: no answer, taken or not · congest: come back later · reorder_ms: reports and texts overtake ·
    wrong_order: the report overtakes the answer, and what was true before is said once more after the end · refuse:
    this carrier does not want it.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    lose_report: float = 0.0
    hang: float = 0.0
    congest: float = 0.0
    refuse: float = 0.0
    wrong_order: float = 0.0
    reorder_ms: int = 0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, from–to in milliseconds."""

    accept_ms: tuple[int, int] = (150, 700)
    deliver_ms: tuple[int, int] = (800, 6000)
    report_ms: tuple[int, int] = (200, 1500)
    inbound_ms: tuple[int, int] = (300, 1500)
    dial_ms: tuple[int, int] = (800, 2500)


@dataclass(frozen=True, slots=True)
class Habit:
    """A villager who acts by himself: reads within so long, then answers with these chances."""

    reads_within_ms: int = 30 * 60_000
    confirms: float = 0.6
    answers_calls: float = 0.7
    listens_whole: float = 0.85
    presses: str = "9"


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is being played into a call. `serial` grows with every new one."""

    path: Path
    text: str
    elapsed_ms: int
    duration_ms: int
    serial: int


@dataclass(frozen=True, slots=True)
class CallView:
    state: Literal["ringing", "talking"]
    since_ms: int
    prompt: Prompt | None


@dataclass(frozen=True, slots=True)
class HandsetView:
    """One phone as its owner sees it, and as the sample village's page shows it."""

    number: str
    label: str
    on: bool
    signal: bool
    full: bool
    unread: int
    newest_ms: int | None
    rule: Rule
    call: CallView | None

    @property
    def reachable(self) -> bool:
        return self.on and self.signal


@dataclass(frozen=True, slots=True)
class Note:
    """A text on a phone. `mine`: typed on it; then `state` says whether it has reached the village."""

    id: int
    mine: bool
    text: str
    at_ms: int
    state: Literal["waiting", "delivered"]
    parts: int
