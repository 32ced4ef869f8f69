"""What 9 and 办好了 come to where something has to be done by a day: which reminder they answer, and for whom.

Reads only. 收到 to a reminder says that it was read; only 9, which it asks for, and 办好了 say that it is done.
"""

from __future__ import annotations

import sqlite3

from village import questions
from village.ground.wording import say
from village.keywords.commands import DoneIt, Received
from village.keywords.decision import Confirm, Decision, Intent, MarkDone
from village.keywords.reading import Reading
from village.keywords.task_replies import TaskReplies
from village.notices import dispatch, tasks, tasks_store
from village.notices.confirm import units_behind
from village.notices.notice import Notice, State, UnitId
from village.notices.store import notice_of
from village.people.store import PhoneRow
from village.questions import Question

_BOTH = frozenset({dispatch.KIND, tasks.KIND})


def reminded(reading: Reading, phone: PhoneRow, command: Received) -> Decision | None:
    """A bare 9 or 收到 whose newest question is a reminder; None: it answers a notice, or nothing."""
    if command.number is not None or command.about:
        return None
    asked = _asked(reading, phone)
    if asked is None or asked.kind != tasks.KIND:
        return None
    notice = notice_of(reading.tx, asked.subject_id)
    if command.nine:
        return _done(reading, phone, notice, asked.message_id)
    knows = Confirm(phone.id, notice.id, None, reading.answered_ms)
    return Decision(
        Intent.CONFIRM,
        say("收到通知{number}的提醒，还没办", number=notice.number),
        TaskReplies(reading.replies).known(notice),
        (knows,),
        f"notice/{notice.id}",
    )


def done_it(reading: Reading, phone: PhoneRow, command: DoneIt) -> Decision | None:
    """办好了: of the reminder, or the notice with something to do, that this phone had last; None: of neither."""
    asked = _asked(reading, phone, command.number)
    notice = None if asked is None else notice_of(reading.tx, asked.subject_id)
    if asked is None or notice is None or tasks_store.task_of(reading.tx, notice.id) is None:
        return None
    if notice.state is not State.SENT:
        return None
    message_id = asked.message_id if asked.kind == tasks.KIND else None
    if message_id is None and len(units_behind(reading.tx, notice, phone.id)) != 1:
        return None  # whose it is that is done, a person finds out
    return _done(reading, phone, notice, message_id)


def _asked(reading: Reading, phone: PhoneRow, number: int | None = None) -> Question | None:
    return questions.newest(
        reading.tx, phone.id, reading.answered_ms, kinds=_BOTH, number=number, waiting=reading.rehearsed
    )


def _done(reading: Reading, phone: PhoneRow, notice: Notice, message_id: int | None) -> Decision:
    """Who has done it knows of it."""
    return Decision(
        Intent.CONFIRM,
        say("通知{number}要办的，办好了", number=notice.number),
        effects=(
            Confirm(phone.id, notice.id, None, reading.answered_ms),
            MarkDone(phone.id, notice.id, message_id),
        ),
        concerns=f"notice/{notice.id}",
    )


def units_done(tx: sqlite3.Connection, notice: Notice, effect: MarkDone) -> list[UnitId]:
    """Those the reminder named; without one, the one household behind the phone."""
    if effect.message_id is not None:
        return tasks_store.reminded_units(tx, effect.message_id)
    return units_behind(tx, notice, effect.phone_id)
