"""What becomes of a message after one try or one report: the outbox's whole judgement, as pure functions.

Never touches the database; `posting.py` writes down what is decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.backoff import next_try_ms
from gateway.failures import (
    GaveWayError,
    OutcomeUnknownError,
    RejectedError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
)
from gateway.message import MOVES, Channel, Priority, State, lifted
from gateway.transport import Accepted, Report

MOST_INTERRUPTED = 4
"""A call that was cut off by our own restart is dialled again this often; then something about it is wrong."""


_OURS = re.compile(r"([1-9][0-9]{0,17})-([1-9][0-9]{0,8})-([0-9a-f]{1,15})")


@dataclass(frozen=True, slots=True)
class Claim:
    """One message taken from the queue for one try, with everything the try and its record need."""

    message_id: int
    attempt: int
    channel: Channel
    kind: str
    reference: str
    priority: Priority
    to: str
    content: str
    parts: int
    mark: int
    due_ms: int
    expires_ms: int | None
    tries: int

    @property
    def our_reference(self) -> str:
        return our_reference(self.message_id, self.attempt, self.mark)


def our_reference(message_id: int, attempt: int, mark: int) -> str:
    """Ours, unique for good: the mark keeps it apart from a restored backup that counts its ids again."""
    return f"{message_id}-{attempt}-{mark:x}"


def read_reference(reference: str) -> tuple[int, int, int] | None:
    """Message, try and mark of a reference of ours; None for a carrier's own."""
    found = _OURS.fullmatch(reference)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3], 16))


@dataclass(frozen=True, slots=True)
class Spoken:
    """A call that did its work: the message was played whole, or somebody answered it with a key."""

    heard_ms: int


Outcome = Accepted | Spoken | TransportFailure


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a message stands when something new is learnt about it."""

    message_id: int
    channel: Channel
    priority: Priority
    state: State
    tries: int
    due_ms: int
    expires_ms: int | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The next state. `due_ms` and `tries` are what the row gets; `error` is None where all is well."""

    state: State
    tries: int
    due_ms: int
    error: str | None = None


def is_for_good(outcome: Outcome | Report) -> bool:
    """Whether this carrier, and it alone, says that it will never take this message. It has not, or says that it did
    not arrive: another one may be asked."""
    if isinstance(outcome, Report):
        return outcome.said == State.FAILED and outcome.final and outcome.trouble is Trouble.REFUSED
    return isinstance(outcome, RejectedError) and outcome.trouble is Trouble.REFUSED


def after_try(standing: Standing, outcome: Outcome, now_ms: int, *, trusted: bool, elsewhere: bool = False) -> Verdict:
    """One try has ended in `outcome`. `elsewhere`: that was for good, and another line may still take it."""
    counted = standing.tries + 1
    match outcome:
        case Accepted():
            return Verdict(State.ACCEPTED, counted, standing.due_ms)
        case Spoken():
            return Verdict(State.DELIVERED, counted, standing.due_ms)
        case TransportDownError() | GaveWayError():
            after = State.WITHDRAWN if standing.stopped else State.QUEUED
            return Verdict(after, standing.tries, standing.due_ms, str(outcome))
        case OutcomeUnknownError():
            return Verdict(State.UNKNOWN, counted, standing.due_ms, str(outcome))
        case RetryLaterError(trouble=trouble, after_ms=after_ms):
            return again(standing, trouble, str(outcome), counted, now_ms, trusted=trusted, at_least_ms=after_ms or 0)
        case RejectedError() if elsewhere:
            return Verdict(State.QUEUED, counted, now_ms, str(outcome))
        case RejectedError() | TransportFailure():
            return Verdict(State.FAILED, counted, standing.due_ms, str(outcome))


def after_report(
    standing: Standing, report: Report, *, latest: bool, now_ms: int, trusted: bool, elsewhere: bool = False
) -> Verdict | None:
    """A carrier has spoken about one try; None where that changes nothing.

    `latest`: whether it speaks of the newest try. That an older try failed, or was taken, is no news; that it arrived
    is. `elsewhere`: as in `after_try`.
    """
    if report.said == State.ACCEPTED and not latest:
        return None
    if report.said != State.FAILED:
        after = lifted(standing.state, report.said)
        counted = standing.tries + (standing.state == State.SENDING)
        return None if after == standing.state else Verdict(after, counted, standing.due_ms)
    if not latest or State.QUEUED not in MOVES[standing.state]:
        return None
    trouble = report.trouble or Trouble.OTHER
    error = f"{trouble}/{report.code}" if report.code else str(trouble)
    counted = standing.tries + (standing.state == State.SENDING)
    if report.final and elsewhere:
        return Verdict(State.QUEUED, counted, now_ms, error)
    if report.final:
        return Verdict(State.FAILED, counted, standing.due_ms, error)
    return again(standing, trouble, error, counted, now_ms, trusted=trusted)


def after_interruption(standing: Standing, *, heard: bool) -> Verdict:
    """Our own program stopped in the middle of the try.

    What a carrier did with an SMS nobody here knows. A call had us on the line to its end, so it can be dialled again.
    """
    counted = standing.tries + 1
    error = str(Trouble.INTERRUPTED)
    if standing.channel == Channel.SMS:
        return Verdict(State.UNKNOWN, counted, standing.due_ms, error)
    if heard:
        return Verdict(State.DELIVERED, counted, standing.due_ms)
    if standing.stopped:
        return Verdict(State.WITHDRAWN, counted, standing.due_ms, error)
    if counted >= MOST_INTERRUPTED:
        return Verdict(State.FAILED, counted, standing.due_ms, error)
    return Verdict(State.QUEUED, counted, standing.due_ms, error)


def never_seen(standing: Standing) -> Verdict:
    """The carrier was asked and has never seen it: it was not sent, so it may be."""
    if standing.stopped:
        return Verdict(State.WITHDRAWN, standing.tries, standing.due_ms, str(Trouble.INTERRUPTED))
    return Verdict(State.QUEUED, max(standing.tries - 1, 0), standing.due_ms)


def again(
    standing: Standing,
    trouble: Trouble,
    error: str,
    tries: int,
    now_ms: int,
    *,
    trusted: bool,
    at_least_ms: int = 0,
) -> Verdict:
    """Back into the queue where the table has another step and there is time for it; else failed, and said so now."""
    if standing.stopped:
        return Verdict(State.WITHDRAWN, tries, standing.due_ms, error)
    wait_ms = next_try_ms(trouble, tries, standing.priority, spread=standing.message_id)
    if wait_ms is None:
        return Verdict(State.FAILED, tries, standing.due_ms, error)
    due_ms = now_ms + max(wait_ms, at_least_ms)
    if trusted and standing.expires_ms is not None and due_ms >= standing.expires_ms:
        return Verdict(State.FAILED, tries, standing.due_ms, error)
    return Verdict(State.QUEUED, tries, due_ms, error)
