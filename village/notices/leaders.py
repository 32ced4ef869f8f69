"""Each group's leader gets his part of the door list by SMS, numbered so that he can tick it (`tick_doors.py`).

At most two messages a leader and wording: one about those whom nothing can reach any more, one when the list opens.
Never names a phone number, never renumbers a household, and sends nothing by a guessed clock.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.message import Channel, Draft, Priority
from gateway.message import State as MessageState
from village.ground.wording import Wording, say
from village.notices import leaders_store
from village.notices.door_words import list_text
from village.notices.ladder import is_open
from village.notices.leaders_store import LetterRow, Numbered, Written
from village.notices.notice import Notice, UnitId, UnitKind
from village.notices.office import Means, Office
from village.notices.reach import to_visit, waits
from village.notices.reach_store import UnitRow, unit_rows
from village.notices.running import is_running, running
from village.notices.steps import rings_again
from village.notices.who_leads import Leader, NoLeader, every_leader, leaders_by_group
from village.people.store import everybody

log = logging.getLogger(__name__)

KIND = "leader"
"""What the gateway calls our messages."""

_HOUR_MS = 3_600_000

_NOTHING_CAME, _OPENED = 1, 2
"""The two rounds: households nothing can reach any more, and everybody who has not answered in time."""

_SETTLES_MS = 2 * _HOUR_MS
_SETTLES_URGENT_MS = 15 * 60_000
"""How long after a notice its failures are gathered, so that the leader gets one list and not one SMS a household."""


def tell_leaders(tx: sqlite3.Connection, means: Means, now_ms: int, *, trusted: bool) -> int:
    """Send the lists that are due; returns how many. The mark and the messages are kept in the caller's one unit.

    Ordinary lists are made in open hours, when they can leave: made at night they would be old by the morning. A list
    that still waits when nobody on it is left to be told is taken back, and one that failed goes to the group's next
    leader, once.
    """
    if not trusted or not means.office.texts:
        return 0
    notices = running(tx, means.office, now_ms)
    _take_back_needless(tx, means, notices)
    done, lost = leaders_store.rounds_each(tx, notices), leaders_store.letters_lost(tx, notices)
    sent = 0
    awake = is_open(now_ms, means.office.open_hours)
    for notice in notices:
        if not notice.channels.reaches_phones or not (awake or notice.urgent):
            continue
        number = _round_due(notice, means.office, done[notice.id], now_ms)
        if number is not None:
            leaders_store.add_round(tx, notice.id, notice.version, number, now_ms)
            sent += _tell(tx, means, notice, number, now_ms)
        if notice.id in lost:
            sent += _tell_the_next(tx, means, notice, lost[notice.id], now_ms)
    return sent


def _take_back_needless(tx: sqlite3.Connection, means: Means, notices: Sequence[Notice]) -> None:
    for notice_id, waiting in leaders_store.letters_waiting(tx, notices).items():
        told = {row.id for row in unit_rows(tx, notice_id) if not waits(row)}
        needless = [one.message_id for one in waiting if told.issuperset(of.unit_id for of in one.listed)]
        means.outbox.withdraw(tx, needless)


def _tell_the_next(tx: sqlite3.Connection, means: Means, notice: Notice, lost: Sequence[Written], now_ms: int) -> int:
    """Whoever leads the group beside the one whose letter failed; the numbers stay as they were.

    One that was taken back (its leader opted out, or all on it had answered and an answer was undone) may go to
    anybody.
    """
    rows = {row.id: row for row in unit_rows(tx, notice.id)}
    leaders = every_leader(everybody(tx))
    sent = 0
    for letter in lost:
        others = [one for one in leaders.get(letter.group_no, []) if isinstance(one, Leader)]
        leader = next((one for one in others if letter.withdrawn or one.phone.id != letter.phone_id), None)
        left = [one for one in letter.listed if waits(rows[UnitId(one.unit_id)])]
        if leader is None or not left:
            continue
        group = [rows[UnitId(one.unit_id)] for one in left]
        numbers = [one.number for one in left]
        text, fits = list_text(means.office, notice, group, first=numbers[0], more=numbers[0] > 1, numbers=numbers)
        leaders_store.add_letter(
            tx, notice_id=notice.id, version=notice.version, number=letter.round, group_no=letter.group_no,
            resident_id=leader.resident_id, leader=leader.name, phone_id=leader.phone.id,
            message_id=means.outbox.enqueue(tx, _draft(means, notice, leader, text)), listed=(),
            left_out=letter.left_out + len(group) - fits, now_ms=now_ms, instead_of=letter.id,
        )  # fmt: skip
        sent += 1
        log.info("next leader told notice=%d group=%d", notice.id, letter.group_no)
    return sent


def first_list_ms(notice: Notice, door_ms: int) -> int:
    """From when those nothing reached are put together for their leader."""
    settles_ms = _SETTLES_URGENT_MS if notice.urgent else _SETTLES_MS
    return min(max(notice.start_ms, notice.version_ms) + settles_ms, door_ms)


def _round_due(notice: Notice, office: Office, done: Collection[int], now_ms: int) -> int | None:
    door_ms = notice.door_ms(office.door_after_h)
    if _OPENED in done:
        return None
    if now_ms >= door_ms:
        return _OPENED
    return _NOTHING_CAME if _NOTHING_CAME not in done and now_ms >= first_list_ms(notice, door_ms) else None


def _tell(tx: sqlite3.Connection, means: Means, notice: Notice, number: int, now_ms: int) -> int:
    """One SMS to every group with somebody on the list who bears no number yet."""
    told = leaders_store.numbered(tx, notice.id, notice.version)
    known = {one.unit_id for one in told}
    fresh: dict[int, list[UnitRow]] = {}
    for unit in _to_tell(tx, notice, means.office, now_ms):
        if unit.id not in known:
            fresh.setdefault(unit.group_no, []).append(unit)
    leaders = leaders_by_group(everybody(tx)) if fresh else {}
    sent = 0
    for group_no, group in sorted(fresh.items()):
        leader = leaders.get(group_no, NoLeader.NOBODY)
        if isinstance(leader, NoLeader):
            log.info("no leader to tell notice=%d group=%d why=%s", notice.id, group_no, leader.value)
            continue
        before = leaders_store.numbered(tx, notice.id, notice.version, group_no)
        first = before[-1].number + 1 if before else 1
        text, fits = list_text(means.office, notice, group, first=first, more=bool(before))
        message_id = means.outbox.enqueue(tx, _draft(means, notice, leader, text))
        leaders_store.add_letter(
            tx, notice_id=notice.id, version=notice.version, number=number, group_no=group_no,
            resident_id=leader.resident_id, leader=leader.name, phone_id=leader.phone.id, message_id=message_id,
            listed=[Numbered(first + place, unit.id) for place, unit in enumerate(group[:fits])],
            left_out=len(group) - fits, now_ms=now_ms,
        )  # fmt: skip
        sent += 1
    log.info("leaders told notice=%d version=%d round=%d letters=%d", notice.id, notice.version, number, sent)
    return sent


def _to_tell(tx: sqlite3.Connection, notice: Notice, office: Office, now_ms: int) -> list[UnitRow]:
    """The door list's open ones in its order, without what was tried on them: that is nothing for an SMS, and the
    dearest part of the list to read."""
    door_ms, again = notice.door_ms(office.door_after_h), rings_again(tx, notice, office)
    units = [
        unit
        for unit in unit_rows(tx, notice.id)
        if unit.ticked_ms is None and to_visit(unit, notice, door_ms, now_ms, again=again)
    ]
    persons = notice.unit is UnitKind.PERSON
    eldest_first = {unit.id: unit.born if unit.born and (unit.alone or persons) else "9999" for unit in units}
    return sorted(units, key=lambda unit: (unit.group_no, unit.away, not unit.alone, eldest_first[unit.id]))


def _draft(means: Means, notice: Notice, leader: Leader, text: str) -> Draft:
    return Draft(
        to=means.vault.open(leader.phone.sealed),
        channel=Channel.SMS,
        kind=KIND,
        priority=Priority.URGENT if notice.urgent else Priority.REMINDER,
        reference=f"{KIND}/{notice.id}/{notice.version}",
        text=text,
    )


# for the desk


@dataclass(frozen=True, slots=True)
class GroupTold:
    """What the desk shows beside a group's part of the door list."""

    letters: tuple[LetterRow, ...]
    leader: str
    """Who would be written to now; empty where nobody can be."""
    why_not: Wording | None
    due_ms: int | None
    """From when the next list goes out; None where none will."""

    @property
    def lost(self) -> LetterRow | None:
        """The last list, where it reached nobody: somebody has to carry the paper."""
        last = self.letters[-1] if self.letters else None
        return last if last is not None and last.state in (MessageState.FAILED, MessageState.EXPIRED) else None


def told_groups(tx: sqlite3.Connection, notice: Notice, office: Office, now_ms: int) -> dict[int, GroupTold]:
    """By group, for every group that was addressed."""
    letters: dict[int, list[LetterRow]] = {}
    for row in leaders_store.letters_of(tx, notice.id, notice.version):
        letters.setdefault(row.group_no, []).append(row)
    leaders = leaders_by_group(everybody(tx))
    due_ms = _next_list_ms(tx, notice, office, now_ms)
    found: dict[int, GroupTold] = {}
    for group_no in sorted({row.group_no for row in unit_rows(tx, notice.id)}):
        leader = leaders.get(group_no, NoLeader.NOBODY)
        why_not = leader.in_words() if isinstance(leader, NoLeader) else None
        if not office.texts:
            why_not = say("还没有接短信线路")
        name = leader.name if isinstance(leader, Leader) else ""
        found[group_no] = GroupTold(tuple(letters.get(group_no, ())), name, why_not, due_ms)
    return found


def _next_list_ms(tx: sqlite3.Connection, notice: Notice, office: Office, now_ms: int) -> int | None:
    if not notice.channels.reaches_phones:
        return None
    if not is_running(tx, office, notice, now_ms):
        return None
    done = leaders_store.rounds_done(tx, notice.id, notice.version)
    door_ms = notice.door_ms(office.door_after_h)
    if _OPENED in done:
        return None
    return door_ms if _NOTHING_CAME in done else first_list_ms(notice, door_ms)
