"""Which poll a bare digit or word answers: an answer belongs to the question that was asked before it was written.

Never guesses between two, and never lets a late answer reach another question than its own. Reads only.
"""

from __future__ import annotations

from dataclasses import dataclass

from village import questions
from village.keywords.reading import Reading
from village.people.store import PhoneRow
from village.polls import store
from village.polls.dispatch import KIND
from village.polls.poll import Poll, State

_LATE_MS = 7 * 86_400_000
"""Whoever answers a week after the deadline answers something else."""


@dataclass(frozen=True, slots=True)
class Bound:
    """`polls`: what a bare digit may be a ballot in; one: it is. `over`: the poll it answers, which takes no ballots
    any more. `barred`: something is open, but nobody on this phone votes in it. `unasked`: open to this phone, which
    has been asked something else."""

    polls: tuple[Poll, ...] = ()
    over: Poll | None = None
    barred: Poll | None = None
    unasked: tuple[Poll, ...] = ()

    @property
    def one(self) -> Poll | None:
        return self.polls[0] if len(self.polls) == 1 else None


def bind(reading: Reading, phone: PhoneRow) -> Bound:
    """What this phone's answer belongs to, by what it had been asked when the answer was written."""
    running = store.running_polls(reading.tx)
    written = [poll for poll in running if poll.accepts(reading.answered_ms, trusted=reading.trusted)]
    mine = tuple(poll for poll in written if store.eligible_on(reading.tx, poll.id, phone.id))
    barred = next((poll for poll in written if poll not in mine), None)
    newest = questions.newest(reading.tx, phone.id, reading.answered_ms, kinds={KIND}, waiting=reading.rehearsed)
    if newest is None and not written and len(lately := over_lately(reading)) == 1:
        return Bound(over=lately[0])  # nobody asked this phone, but the question stood on the page
    if newest is not None and newest.subject_id not in {poll.id for poll in written}:
        last = store.poll_of(reading.tx, newest.subject_id)
        if _is_over(reading, last):
            return Bound(mine, last, barred)
    asked = tuple(poll for poll in mine if _was_asked(reading, phone, poll))
    unasked = tuple(poll for poll in mine if poll not in asked) if asked else ()
    return Bound(asked or mine, None, barred, unasked)


def over_lately(reading: Reading) -> tuple[Poll, ...]:
    """The polls somebody may still be answering although they are over, the last to close first."""
    recent = store.polls_closing_after(reading.tx, reading.answered_ms - _LATE_MS)
    return tuple(poll for poll in recent if _is_over(reading, poll))


def _is_over(reading: Reading, poll: Poll) -> bool:
    if poll.state is State.WITHDRAWN:
        return poll.withdrawn_ms is not None and reading.answered_ms <= poll.withdrawn_ms + _LATE_MS
    late_ms = reading.answered_ms - poll.closes_ms
    return late_ms <= _LATE_MS and not poll.takes_at(reading.answered_ms, trusted=reading.trusted)


def _was_asked(reading: Reading, phone: PhoneRow, poll: Poll) -> bool:
    asked = questions.newest(
        reading.tx, phone.id, reading.answered_ms, kinds={KIND}, number=poll.number, waiting=reading.rehearsed
    )
    return asked is not None and asked.subject_id == poll.id
