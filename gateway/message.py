"""What a message is, the states it goes through, and what the village gets to know of it.

Never touches a database or a carrier. The order of states is a table; `lifted` is the guard no carrier's word passes
that would take a message back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Protocol

from gateway.script import Script


class Channel(StrEnum):
    SMS = "sms"
    CALL = "call"


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


class Priority(IntEnum):
    """Smaller goes first: the county's red alarm, its orange one, the village's own urgent word. A reply a villager
    waits for goes before anything else the village says of its own accord."""

    EMERGENCY = 0
    ALERT = 5
    URGENT = 10
    REPLY = 20
    REMINDER = 30
    NOTICE = 40
    DAILY = 50

    @property
    def is_emergency(self) -> bool:
        """The county's alarm: it takes any line there is, and rather arrives twice than never."""
        return self <= Priority.ALERT

    @property
    def saves_lives(self) -> bool:
        """An alarm, or the village's own word of danger to life: no budget stops it."""
        return self <= Priority.URGENT

    @property
    def wakes_people(self) -> bool:
        """Whether quiet hours do not hold it back: danger, and the answer to somebody who has just written."""
        return self <= Priority.REPLY


_HOUR_MS = 3_600_000

LIFETIME_MS: Mapping[Priority, int] = MappingProxyType(
    {
        Priority.EMERGENCY: 6 * _HOUR_MS,
        Priority.ALERT: 6 * _HOUR_MS,
        Priority.URGENT: 12 * _HOUR_MS,
        Priority.REPLY: 24 * _HOUR_MS,
        Priority.REMINDER: 24 * _HOUR_MS,
        Priority.NOTICE: 72 * _HOUR_MS,
        Priority.DAILY: 24 * _HOUR_MS,
    }
)
"""How long a message is worth sending where its draft does not say: old ones must not flood out after a repair."""

RANK: Mapping[State, int] = MappingProxyType(
    {
        State.QUEUED: 0,
        State.SENDING: 1,
        State.UNKNOWN: 2,
        State.ACCEPTED: 3,
        State.FAILED: 4,
        State.EXPIRED: 4,
        State.WITHDRAWN: 4,
        State.DELIVERED: 5,
    }
)
"""How much is known. What a carrier says may only raise it, so its words may arrive in any order and any number."""

FINAL = frozenset({State.DELIVERED, State.FAILED, State.EXPIRED, State.WITHDRAWN})

MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.QUEUED: frozenset(
            # a late report about an earlier try may still settle a message that waits for its next one
            {State.SENDING, State.WITHDRAWN, State.EXPIRED, State.FAILED, State.DELIVERED}
        ),
        State.SENDING: frozenset(
            {
                State.QUEUED,
                State.ACCEPTED,
                State.DELIVERED,
                State.FAILED,
                State.EXPIRED,
                State.UNKNOWN,
                State.WITHDRAWN,
            }
        ),
        # back to queued only where the carrier says it never saw it, or in an emergency
        State.UNKNOWN: frozenset(
            {State.QUEUED, State.ACCEPTED, State.DELIVERED, State.FAILED, State.EXPIRED, State.WITHDRAWN}
        ),
        # back to queued only on the carrier's report that the phone did not take it now
        State.ACCEPTED: frozenset(
            {State.QUEUED, State.DELIVERED, State.FAILED, State.EXPIRED, State.UNKNOWN, State.WITHDRAWN}
        ),
        # a phone that did get it after all outranks a carrier that gave up
        State.FAILED: frozenset({State.DELIVERED}),
        State.EXPIRED: frozenset({State.DELIVERED}),
        State.WITHDRAWN: frozenset({State.DELIVERED}),
        State.DELIVERED: frozenset(),
    }
)
"""Every step there is. The store changes no state outside this table."""


def lifted(before: State, said: State) -> State:
    """The state after a carrier said `said`: its words only ever lift, so the order they come in does not matter."""
    return said if RANK[said] > RANK[before] and said in MOVES[before] else before


class CallStep(StrEnum):
    ANSWERED = "answered"
    HEARD = "heard"
    KEY = "key"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message before it is in the outbox. An SMS has a text, a call a script; `reference` is the caller's own."""

    to: str
    channel: Channel
    kind: str
    priority: Priority
    reference: str
    text: str = ""
    script: Script | None = None
    not_before_ms: int = 0
    expires_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ReceivedSms:
    """A text as it came in, stored before anybody reads it. `sender` is E.164 where it is a phone, else as it came."""

    id: int
    sender: str
    text: str
    centre_ms: int | None
    received_ms: int
    transport: str


@dataclass(frozen=True, slots=True)
class MissedCall:
    """Somebody rang and was not answered, kept before anybody acts on it. `caller` is E.164 where it is a phone."""

    id: int
    caller: str
    at_ms: int
    transport: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A message changed its state; told in the unit that changes it."""

    message_id: int
    channel: Channel
    kind: str
    reference: str
    before: State
    after: State
    at_ms: int
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CallEvent:
    """Something happened in a call; told in the unit that records it. `why` comes with ENDED only, `key` and the `node`
    of the script in which it was pressed with KEY only."""

    message_id: int
    kind: str
    reference: str
    what: CallStep
    key: str | None
    at_ms: int
    why: str | None = None
    node: str | None = None

    def __repr__(self) -> str:
        """Without the key: it may be a ballot, and reprs end up in logs."""
        return f"CallEvent(message_id={self.message_id}, kind={self.kind!r}, what={self.what.value})"


class Events(Protocol):
    """What the village does when something happens; each runs inside the gateway's own unit of work."""

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        """A new text, already kept. Raising loses nothing: the row stays and says so."""
        ...

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None:
        """Somebody rang, already kept. Raising loses nothing, as above."""
        ...

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None:
        """Told of every change but the claim and the way back into the queue."""
        ...

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None: ...
