"""Climb a notice's ladder: the next copy to those who have not answered, in one unit with the word that it was climbed.

Never rings or writes to somebody whose household (or who himself, where persons were addressed) has answered.

Whose first SMS has not left (line down, budget spent, a slow line) is not asked by a call why he did not answer it. The
first call passes him over while a second one is to come: most lines are back by then, and an SMS can be read again,
which a call cannot. The last call before the door rings him, or the first where the village has no SMS line any more:
then the call is the fail-over. What still waits is held back in the same unit while that call waits, rings and is tried
again, so that nobody gets both and a line that comes back does not send what is being told. Only a call that was heard
takes it out of the queue; one that reached nobody lets it go (`events.py`): nobody knows that calls work where the SMS
do not, both lines may hang on one stick. Only where other SMS of the notice have left within minutes the line is slow
and not down, and he is left to it. In danger to life everybody is rung, and every SMS keeps its chance.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.message import Channel
from gateway.message import State as MessageState
from village.notices import climb_store
from village.notices.dispatch import Letter, in_turn, post
from village.notices.ladder import after_first_ms, due_rung, is_open, nobody_there
from village.notices.notice import CopyKind, Notice, Rung, State, UnitKind
from village.notices.office import Means, Office
from village.notices.reach import waits
from village.notices.reach_store import unit_rows
from village.notices.running import running
from village.notices.steps import rung_times
from village.notices.store import notice_of
from village.notices.ways import Delivery, allot
from village.people.audience import Audience
from village.people.store import select

log = logging.getLogger(__name__)

_LEFT = frozenset({MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN})
"""An SMS that is out: only whoever may have it can be reminded of it."""

_UNSENT = frozenset({MessageState.QUEUED, MessageState.SENDING})

_SLOW_MS = 10 * 60_000
"""A line that carried something this short a while ago is not down: a modem carries six to ten a minute."""

_ENDED = frozenset({MessageState.FAILED, MessageState.UNKNOWN, MessageState.EXPIRED})
"""A call that reached nobody; one that still waits or rings is not doubled."""


def climb_due(tx: sqlite3.Connection, means: Means, now_ms: int, *, trusted: bool) -> list[tuple[Notice, Rung, int]]:
    """Every rung that is due: the notice, the rung, and how many messages were queued. With a guessed clock: none.

    Once the door list is open there is none either: after a power cut nobody is rung about what is over.
    """
    _spare_who_answered(tx, means, now_ms)
    _hold_again(tx, means, now_ms)
    if not trusted:
        return []
    climbed = []
    waiting = [
        notice
        for notice in running(tx, means.office, now_ms)
        if notice.rungs and notice.channels.reaches_phones and now_ms < notice.door_ms(means.office.door_after_h)
    ]
    for notice, done in zip(waiting, climb_store.climbed_each(tx, waiting).values(), strict=True):
        rung = due_rung(rung_times(notice, means.office, done), done, now_ms)
        if rung is None:
            late = _late_reminders(tx, means.office, notice, done, now_ms)
            if late:
                post(tx, means, notice, late, now_ms, rung=Rung.REMINDER)
                climb_store.climb_more(tx, (notice.id, notice.version, Rung.REMINDER), messages=len(late))
                log.info("late reminders notice=%d messages=%d", notice.id, len(late))
                climbed.append((notice, Rung.REMINDER, len(late)))
            continue
        sent = climb_store.copies_by_phone(tx, notice.id, notice.version)
        left_alone = _left_alone(notice, means.office, rung, done=done, sent=sent, now_ms=now_ms)
        letters = _letters(tx, means.office, notice, rung, sent=sent, left_alone=left_alone)
        if rung.channel is Channel.CALL and not notice.urgent:
            _give_way(tx, means, notice, letters, sent)
        post(tx, means, notice, letters, now_ms, rung=rung)
        climb_store.climb(tx, (notice.id, notice.version, rung), now_ms, messages=len(letters))
        log.info("rung climbed notice=%d rung=%s messages=%d", notice.id, rung.name, len(letters))
        climbed.append((notice, rung, len(letters)))
    return climbed


@dataclass(frozen=True, slots=True)
class NextStep:
    """What comes next by itself, and for how many phones it would be now. `rung` None: the door list."""

    rung: Rung | None
    at_ms: int
    phones: int


def next_step(tx: sqlite3.Connection, office: Office, notice: Notice, now_ms: int) -> NextStep | None:
    """None where nothing comes by itself any more."""
    if notice.state is not State.SENT or not notice.channels.reaches_phones:
        return None
    door_ms = notice.door_ms(office.door_after_h)
    if now_ms >= door_ms:
        return None
    done = climb_store.climbed(tx, notice.id, notice.version)
    times = rung_times(notice, office, done)
    highest = max(done, default=Rung.FIRST)
    ahead = [(at_ms, rung) for rung, at_ms in times.items() if at_ms is not None and rung > highest]
    due = due_rung(times, done, now_ms)
    if due is not None or ahead:
        at_ms, rung = min(ahead) if due is None else (now_ms, due)
        sent = climb_store.copies_by_phone(tx, notice.id, notice.version)
        left_alone = _left_alone(notice, office, rung, done=done, sent=sent, now_ms=now_ms)
        letters = _letters(tx, office, notice, rung, sent=sent, left_alone=left_alone)
        return NextStep(rung, max(at_ms, now_ms), len(letters))
    return NextStep(None, door_ms, 0)


_Sent = Mapping[int, Sequence[climb_store.PhoneCopy]]
"""By phone, what it was sent of the current wording."""


def _letters(
    tx: sqlite3.Connection,
    office: Office,
    notice: Notice,
    rung: Rung,
    *,
    sent: _Sent,
    left_alone: Collection[MessageState] = (),
) -> list[Letter]:
    """A copy for every phone through which somebody who has not answered is reached today, and that this rung can
    still tell something.

    Who holds a phone is asked again: it may have changed hands, or its owner left, since the first copy. A phone
    registered since begins with this rung.
    """
    persons = notice.unit is UnitKind.PERSON
    units = [unit for unit in unit_rows(tx, notice.id) if waits(unit)]
    if not units:
        return []
    waiting = {unit.resident_id if persons else unit.household_id: unit for unit in units}
    ids = [one for one in waiting if one is not None]
    whom = Audience.residents(ids) if persons else Audience.households(ids)
    today = allot(select(tx, whom), notice.unit, notice.channels, usable=office.open_of(notice.channels))
    letters = []
    for delivery in in_turn(today.deliveries):
        copies = sent.get(delivery.phone.id, [])
        if not _helps(rung, delivery, copies) or _waits_for_text(copies, left_alone):
            continue
        places = [today.units[place] for place in delivery.serves]
        serves = [waiting[place.resident_id if persons else place.household_id] for place in places]
        old = any(copy.kind is CopyKind.CORRECTION for copy in copies)
        if not copies:
            old = notice.corrected and any(unit.had_old for unit in serves)
        kind = CopyKind.CORRECTION if old else CopyKind.NOTICE
        letters.append(Letter(delivery.phone, rung.channel, kind, tuple(unit.id for unit in serves)))
    return letters


def _late_reminders(
    tx: sqlite3.Connection, office: Office, notice: Notice, done: Mapping[Rung, int], now_ms: int
) -> list[Letter]:
    """For those whose first SMS had not left when the others were reminded: as long after it as theirs came, unless a
    higher rung is climbed before."""
    if max(done, default=Rung.FIRST) is not Rung.REMINDER:
        return []
    if not notice.urgent and not is_open(now_ms, office.open_hours):
        return []
    span_ms = after_first_ms(Rung.REMINDER, notice, office.ladder, notice.door_ms(office.door_after_h))
    late = climb_store.left_late(tx, notice, after_ms=done[Rung.REMINDER], until_ms=now_ms - span_ms)
    if not late:
        return []
    sent = climb_store.copies_by_phone(tx, notice.id, notice.version)
    letters = _letters(tx, office, notice, Rung.REMINDER, sent=sent)
    return [letter for letter in letters if letter.phone.id in late]


def _helps(rung: Rung, delivery: Delivery, copies: Sequence[climb_store.PhoneCopy]) -> bool:
    if rung.channel is Channel.CALL and (delivery.phone.refuses_calls or any(map(_in_vain, copies))):
        return False
    if not copies:
        return rung.channel is Channel.CALL or Channel.SMS in delivery.channels
    calls = [copy for copy in copies if copy.channel is Channel.CALL]
    if rung is Rung.REMINDER:
        return any(copy.channel is Channel.SMS and copy.state in _LEFT for copy in copies)
    if rung is Rung.CALL:
        return not calls
    return all(copy.state in _ENDED for copy in calls)  # none: the first call passed it over


def _left_alone(
    notice: Notice, office: Office, rung: Rung, *, done: Mapping[Rung, int], sent: _Sent, now_ms: int
) -> frozenset[MessageState]:
    """The states of a first SMS for whose sake this rung passes a phone over.

    What is being sent this minute gets there, or `events.py` makes a call of it.
    """
    if rung.channel is not Channel.CALL or notice.urgent:
        return frozenset()
    if not office.texts:
        return frozenset({MessageState.SENDING})
    if rung is Rung.CALL and rung_times(notice, office, {**done, rung: now_ms}).get(Rung.SECOND_CALL) is not None:
        return _UNSENT
    texts = (copy for copies in sent.values() for copy in copies if copy.channel is Channel.SMS)
    slow = any(copy.accepted_ms is not None and copy.accepted_ms > now_ms - _SLOW_MS for copy in texts)
    return _UNSENT if slow else frozenset({MessageState.SENDING})


def _waits_for_text(copies: Sequence[climb_store.PhoneCopy], left_alone: Collection[MessageState]) -> bool:
    """Whether an SMS is to come and none has left before it."""
    states = {copy.state for copy in copies if copy.channel is Channel.SMS}
    return not states.isdisjoint(left_alone) and states.isdisjoint({None, *_LEFT})


def _give_way(tx: sqlite3.Connection, means: Means, notice: Notice, letters: Sequence[Letter], sent: _Sent) -> None:
    """The SMS that still wait for phones which are rung now.

    A reminder of one that has left is not needed any more, nor is one that no line will carry; the only one is held
    back until it is known whether the call was heard.
    """
    held = held_until_ms(notice, means.office)
    for letter in letters:
        texts = [copy for copy in sent.get(letter.phone.id, ()) if copy.channel is Channel.SMS]
        waiting = [copy.message_id for copy in texts if copy.state is MessageState.QUEUED]
        if not means.office.texts or any(copy.state is None or copy.state in _LEFT for copy in texts):
            means.outbox.withdraw(tx, waiting)
        else:
            means.outbox.put_off(tx, waiting, held)


_CALL_MS = 15 * 60_000
"""A call that begins just before the door list opens has rung and been heard by then: `gateway/conversation.py` ends
the longest after ten minutes."""


def held_until_ms(notice: Notice, office: Office) -> int:
    """Until when an SMS is held back for the sake of a call, should nothing be heard of that.

    No call is dialled once the door list is open.
    """
    return notice.door_ms(office.door_after_h) + _CALL_MS


def _hold_again(tx: sqlite3.Connection, means: Means, now_ms: int) -> None:
    """The gateway lets a retry go that is put off further than its own table goes (a clock that was wrong, at its
    start): while the call waits or rings it is held again."""
    for notice_id, message_ids in climb_store.texts_beside_calls(tx, now_ms).items():
        notice = notice_of(tx, notice_id)
        until_ms = held_until_ms(notice, means.office)
        if means.office.texts and now_ms < until_ms:
            means.outbox.put_off(tx, message_ids, until_ms)


def _in_vain(copy: climb_store.PhoneCopy) -> bool:
    return copy.state in _ENDED and nobody_there(copy.error)


def _spare_who_answered(tx: sqlite3.Connection, means: Means, now_ms: int) -> None:
    """What still waits for people who have answered since does not go out any more: whole rungs, one call after one
    failed SMS, and the first call to phones that want calls.

    A first SMS goes out even so. Where households answer as one, the answer is counted for the household, and the words
    are for each of its phones: it wakes nobody, and the son who works in the city has them nowhere else. A first call
    is not made: it would ask for a 9 that has been given, on the one line that others wait for. In danger to life it
    is made: everybody has to hear.
    """
    settled = climb_store.queued_for_nobody(tx)
    if settled:
        held = climb_store.texts_behind(tx, settled)
        withdrawn = set(means.outbox.withdraw(tx, settled))
        means.outbox.put_off(tx, [text for text, call in held if call in withdrawn], now_ms)
