"""The contract between the lanes and whatever carries messages: a modem, a phone, Twilio, a PBX, the simulator.

A transport tries once and says what happened: it returns `Accepted` or raises one of `failures.py`. It never retries,
never queues, never writes to our database, and never logs a number or a text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gateway.condition import Condition
from gateway.failures import Trouble
from gateway.message import Priority, State


@dataclass(frozen=True, slots=True)
class Parcel:
    """One try of one SMS. `reference` is ours and unique for good; the carrier is given it where it can keep one.

    `expires_ms`: when it is no use any more; None also while the clock is guessed.
    """

    message_id: int
    attempt: int
    reference: str
    to: str
    text: str
    parts: int
    priority: Priority
    expires_ms: int | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The carrier has taken it. `carrier_ref`: by which its reports will call it."""

    carrier_ref: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a carrier later says of a message, any number of times and in any order.

    `said`: accepted, delivered or failed. A message of several parts is reported once, when all its parts are. `final`:
    a failure no second try can mend.
    """

    carrier_ref: str
    said: State
    at_ms: int | None = None
    trouble: Trouble | None = None
    code: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    """What a carrier that was asked says became of a try. `said` queued: it has never seen it. `final`: as in
    `Report`."""

    said: State
    carrier_ref: str = ""
    at_ms: int | None = None
    trouble: Trouble | None = None
    code: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class Inbound:
    """A text from a phone. `carrier_id`: the carrier's own id where it has one; `centre_ms`: the SMS centre's time."""

    sender: str
    text: str
    centre_ms: int | None = None
    carrier_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ring:
    """Somebody rang the village and was not answered: free for the caller, and an answer all the same.

    `carrier_id`: where the carrier has one for this call; `at_ms`: when it rang.
    """

    caller: str
    at_ms: int
    carrier_id: str | None = None


class Sink(Protocol):
    """Where a transport hands over what it hears. Each await returns when it is on the disk: acknowledge after that.

    What came together is best handed over together (`asyncio.gather`): then it shares one commit.
    """

    async def report(self, report: Report) -> None: ...

    async def received(self, inbound: Inbound) -> bool:
        """False: we had it already."""
        ...

    async def rang(self, ring: Ring) -> bool:
        """False: we had it already."""
        ...

    async def network_time(self, wall_ms: int) -> None:
        """What the network says the time is; said once a connection is made and now and then."""
        ...

    def up(self) -> None:
        """The link works; a paused lane goes on at once."""
        ...

    def down(self, trouble: Trouble, code: str = "") -> None:
        """The link is gone; nothing is sent until `up` or the lane's own next look."""
        ...


class SmsTransport(Protocol):
    @property
    def name(self) -> str:
        """Unique in one village and the same after a restart; it is stored with each try."""
        ...

    @property
    def window(self) -> int:
        """How many tries may be under way at once: a modem 1, a fast carrier what it answers in parallel."""
        ...

    @property
    def pace_ms(self) -> int:
        """How long one part has the line to itself, on the whole; 0: as fast as it answers."""
        ...

    @property
    def timeout_ms(self) -> int:
        """After this a try without an answer is unknown."""
        ...

    @property
    def reports(self) -> bool:
        """Whether it ever says that a phone has got a message."""
        ...

    def condition(self) -> Condition:
        """What it knows of itself just now; never waits."""
        ...

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled. Raising ends in a pause of the lane and a fresh start."""
        ...

    async def send(self, parcel: Parcel) -> Accepted:
        """Try once. Raises TransportFailure."""
        ...

    async def ask(self, reference: str, began_ms: int) -> Fate:
        """What became of the try with our `reference`. Raises CannotAskError, TransportFailure.

        `began_ms`: when that try began, or a little earlier, by the village's clock as it goes now: where a guessed one
        was put right, the instant has moved with it. No time is to be read from the reference.

        "Never seen" (queued) only where it is certain that it cannot still arrive: the outbox then sends it again.
        """
        ...


class Clip(Protocol):
    """Something to play; the village's own clips fit."""

    @property
    def path(self) -> Path: ...

    @property
    def duration_s(self) -> float: ...


class Voice(Protocol):
    """Text to clip. Raises whatever it likes; the call then waits."""

    async def clip(self, text: str, *, slow: bool = False) -> Clip: ...


@dataclass(frozen=True, slots=True)
class Answered:
    """Somebody lifted the phone."""


@dataclass(frozen=True, slots=True)
class Key:
    key: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The call is over. `trouble`: why it never was one (busy, no answer …), None where it was answered."""

    trouble: Trouble | None = None
    code: str = ""


LineEvent = Answered | Key | Ended


class CallLine(Protocol):
    """One call under way, ringing at first."""

    async def event(self) -> LineEvent:
        """The next thing that happens; after `Ended` nothing does. Safe to cancel: no event is lost."""
        ...

    async def play(self, clip: Clip, text: str) -> None:
        """Start playing at once, in place of whatever plays; returns when it has begun. `text` is what it says."""
        ...

    async def hang_up(self) -> None:
        """Idempotent; also ends a call that only rings."""
        ...


class CallTransport(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def window(self) -> int:
        """Lines."""
        ...

    @property
    def pace_ms(self) -> int: ...

    async def run(self, sink: Sink) -> None: ...

    async def dial(self, to: str, reference: str) -> CallLine:
        """Start ringing. Raises TransportFailure where that is already known not to work."""
        ...
