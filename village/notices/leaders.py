"""Each group's leader gets his part of the door list by SMS, numbered, and ticks it by SMS (上门17 3).

At most two messages a leader and wording: one about those whom nothing can reach any more, one when the list opens.
Never names a phone number, never renumbers a household, and sends nothing by a guessed clock.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.message import Channel, Draft, Priority
from gateway.message import State as MessageState
from gateway.segments import count
from village.ground.clock import beijing
from village.ground.wording import Wording, say
from village.notices import leaders_store
from village.notices.doors import tick
from village.notices.leaders_store import LetterRow, Numbered
from village.notices.notice import Notice, UnitId, UnitKind
from village.notices.office import Means, Office
from village.notices.reach import to_visit
from village.notices.reach_store import UnitRow, unit_rows
from village.notices.running import is_running, running
from village.notices.steps import rings_again
from village.notices.store import notice_of
from village.people.store import PhoneRow, ResidentRow, everybody, holders, resident

log = logging.getLogger(__name__)

KIND = "leader"
"""What the gateway calls our messages."""

LONGEST_PARTS = 3
"""Of one list: what an old phone shows without losing a part (facts/sms.md has notices of one or two)."""

_HOUR_MS = 3_600_000

_NOTHING_CAME, _OPENED = 1, 2
"""The two rounds: households nothing can reach any more, and everybody who has not answered in time."""

_SETTLES_MS = 2 * _HOUR_MS
_SETTLES_URGENT_MS = 15 * 60_000
"""How long after a notice its failures are gathered, so that the leader gets one list and not one SMS a household."""


class NoLeader(StrEnum):
    """Why nobody in a group can be sent its part."""

    NOBODY = "nobody"
    NO_MOBILE = "no_mobile"
    OPTED_OUT = "opted_out"
    CALLS_ONLY = "calls_only"

    def in_words(self) -> Wording:
        return _WHY_NOT[self]


_WHY_NOT = {
    NoLeader.NOBODY: say("花名册上没有组长"),
    NoLeader.NO_MOBILE: say("组长没有登记手机"),
    NoLeader.OPTED_OUT: say("组长退订了短信"),
    NoLeader.CALLS_ONLY: say("组长只听电话，不看短信"),
}


@dataclass(frozen=True, slots=True)
class Leader:
    resident_id: int
    name: str
    phone: PhoneRow


def leaders_by_group(people: Iterable[ResidentRow]) -> dict[int, Leader | NoLeader]:
    """The first leader of each group whom an SMS reaches, else what is against it; groups without one are left out.

    A phone in his hand alone comes before one he shares with his family.
    """
    return {
        group_no: next((one for one in leaders if isinstance(one, Leader)), leaders[0])
        for group_no, leaders in _every_leader(people).items()
    }


def _every_leader(people: Iterable[ResidentRow]) -> dict[int, list[Leader | NoLeader]]:
    """By group, in the roster's order."""
    people = list(people)
    hands = Counter(phone.id for person in people for phone in person.phones)
    found: dict[int, list[Leader | NoLeader]] = {}
    for person in people:
        if person.marks.group_leader:
            phone = _phone_of(person, hands)
            usable = Leader(person.id, person.name, phone) if isinstance(phone, PhoneRow) else phone
            found.setdefault(person.group_no, []).append(usable)
    return found


def _phone_of(person: ResidentRow, hands: Counter[int]) -> PhoneRow | NoLeader:
    mobiles = [phone for phone in person.phones if phone.kind == "mobile"]
    if not mobiles:
        return NoLeader.NO_MOBILE
    willing = [phone for phone in mobiles if phone.opted == "all"]
    if not willing:
        return NoLeader.OPTED_OUT
    reading = [phone for phone in willing if phone.channel != "call" and not person.marks.cannot_read]
    if not reading:
        return NoLeader.CALLS_ONLY
    return min(reading, key=lambda phone: hands[phone.id] > 1)


def groups_led(tx: sqlite3.Connection, phone_id: int) -> dict[int, str]:
    """The groups that somebody behind this phone leads, with the name each tick is written under."""
    led: dict[int, str] = {}
    for holder in holders(tx, phone_id):
        person = resident(tx, holder.resident_id)
        if person is not None and person.marks.group_leader:
            led.setdefault(person.group_no, person.name)
    return led


# telling the leaders


def tell_leaders(tx: sqlite3.Connection, means: Means, now_ms: int, *, trusted: bool) -> int:
    """Send the lists that are due; returns how many. The mark and the messages are kept in the caller's one unit.

    Ordinary lists are made in open hours, when they can leave: made at night they would be old by the morning. A list
    that still waits when nobody on it is left to be told is taken back, and one that failed goes to the group's next
    leader, once.
    """
    if not trusted or not means.office.texts:
        return 0
    sent = 0
    awake = _awake(means.office, now_ms)
    for notice in running(tx, means.office, now_ms):
        _take_back_needless(tx, means, notice)
        if not notice.channels.reaches_phones or not (awake or notice.urgent):
            continue
        number = _round_due(tx, notice, means.office, now_ms)
        if number is not None:
            leaders_store.add_round(tx, notice.id, notice.version, number, now_ms)
            sent += _tell(tx, means, notice, number, now_ms)
        sent += _tell_the_next(tx, means, notice, now_ms)
    return sent


def _take_back_needless(tx: sqlite3.Connection, means: Means, notice: Notice) -> None:
    waiting = leaders_store.letters_waiting(tx, notice.id, notice.version)
    if waiting:
        told = {row.id for row in unit_rows(tx, notice.id) if _is_told(row)}
        needless = [one.message_id for one in waiting if told.issuperset(of.unit_id for of in one.listed)]
        means.outbox.withdraw(tx, needless)


def _tell_the_next(tx: sqlite3.Connection, means: Means, notice: Notice, now_ms: int) -> int:
    """Whoever leads the group beside the one whose letter failed; the numbers stay as they were.

    One that was taken back (its leader opted out, or all on it had answered and an answer was undone) may go to
    anybody.
    """
    lost = leaders_store.letters_lost(tx, notice.id, notice.version)
    if not lost:
        return 0
    rows = {row.id: row for row in unit_rows(tx, notice.id)}
    leaders = _every_leader(everybody(tx))
    sent = 0
    for letter in lost:
        others = [one for one in leaders.get(letter.group_no, []) if isinstance(one, Leader)]
        leader = next((one for one in others if letter.withdrawn or one.phone.id != letter.phone_id), None)
        left = [one for one in letter.listed if not _is_told(rows[UnitId(one.unit_id)])]
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


def _awake(office: Office, now_ms: int) -> bool:
    moment = beijing(now_ms)
    minute = moment.hour * 60 + moment.minute
    return any(opens <= minute < closes for opens, closes in office.open_hours)


def first_list_ms(notice: Notice, door_ms: int) -> int:
    """From when those nothing reached are put together for their leader."""
    settles_ms = _SETTLES_URGENT_MS if notice.urgent else _SETTLES_MS
    return min(max(notice.start_ms, notice.version_ms) + settles_ms, door_ms)


def _round_due(tx: sqlite3.Connection, notice: Notice, office: Office, now_ms: int) -> int | None:
    done = leaders_store.rounds_done(tx, notice.id, notice.version)
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


def list_text(
    office: Office,
    notice: Notice,
    group: Sequence[UnitRow],
    *,
    first: int,
    more: bool,
    numbers: Sequence[int] | None = None,
) -> tuple[str, int]:
    """The SMS with as many of them as three parts hold, and how many those are; the rest is sent to the office.

    Most in need first, as the door list has them. `more`: there was a list of the same wording before. `numbers`: which
    they bear, where they do not follow each other.
    """
    numbers = range(first, first + len(group)) if numbers is None else numbers
    word = unit_word(notice)
    again = "又" if more else "还"
    start = f"【{office.signature}】{_named(notice)}{again}有{len(group)}{word}没听到:"
    for fits in range(len(group), 0, -1):
        names = " ".join(
            numbered_name(number, unit.name, alone=unit.alone)
            for number, unit in zip(numbers, group[:fits], strict=False)
        )
        out = f"。其余{len(group) - fits}{word}见村委会" if fits < len(group) else ""
        text = f"{start}{names}{out}。说到一{word}回 {tick_words(notice.number, first)}"
        if count(text).parts <= LONGEST_PARTS or fits == 1:
            return text, fits
    raise AssertionError("a list of nobody is not sent")


def _named(notice: Notice) -> str:
    return f"{'更正' if notice.corrected else ''}通知{notice.number}"


def unit_word(notice: Notice) -> str:
    return "家" if notice.unit is UnitKind.HOUSEHOLD else "人"


def numbered_name(number: int, name: str, *, alone: bool = False) -> str:
    """2李桂英(独居)"""
    return f"{number}{name}{'(独居)' if alone else ''}"


def tick_words(notice_number: int, number: int | None = None) -> str:
    """What is texted back. A word and digits: digits alone are ballots and services (facts/sms.md)."""
    return f"上门{notice_number}" + ("" if number is None else f" {number}")


# ticking


@dataclass(frozen=True, slots=True)
class Listed:
    """A household on a leader's list; `told`: it has answered, listened, or been ticked."""

    number: int
    unit_id: int
    name: str
    alone: bool
    told: bool


def listed(tx: sqlite3.Connection, notice: Notice, group_no: int) -> list[Listed]:
    """What the group's leader was sent of the current wording, in the order of the numbers."""
    rows = {row.id: row for row in unit_rows(tx, notice.id)}
    return [
        Listed(one.number, one.unit_id, row.name, row.alone, _is_told(row))
        for one in leaders_store.numbered(tx, notice.id, notice.version, group_no)
        if (row := rows.get(UnitId(one.unit_id))) is not None
    ]


def _is_told(row: UnitRow) -> bool:
    return row.confirmed_ms is not None or row.heard_ms is not None or row.ticked_ms is not None


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one SMS of a leader did: who was ticked by it, who had been told before, and who is left."""

    notice: Notice
    now: tuple[Listed, ...]
    before: tuple[Listed, ...]
    left: tuple[Listed, ...]
    coming: int = 0
    """How many more stand on a list that has not reached him yet."""


def tick_listed(
    tx: sqlite3.Connection,
    notice_id: int,
    group_no: int,
    numbers: Collection[int] | None,
    *,
    in_hand: Collection[int] | None = None,
    seen_version: int,
    by: str,
    now_ms: int,
) -> Ticked:
    """Tick these numbers of the group's list, or all (None) of those `in_hand`. What bears no number is left alone.

    `in_hand`: the numbers that had reached him when he wrote (None: all); nobody else is ticked.

    Raises RefusalError (404; 409 where the notice was corrected since the list).
    """
    notice = notice_of(tx, notice_id)
    everything = listed(tx, notice, group_no)
    ours = [one for one in everything if in_hand is None or one.number in in_hand]
    wanted = [one for one in ours if numbers is None or one.number in numbers]
    now = tuple(one for one in wanted if not one.told)
    for one in now:
        tick(tx, notice.id, one.unit_id, seen_version=seen_version, by=by, now_ms=now_ms)
    ticked = {one.unit_id for one in now}
    return Ticked(
        notice,
        now=now,
        before=tuple(one for one in wanted if one.told) if numbers is not None else (),
        left=tuple(one for one in ours if not one.told and one.unit_id not in ticked),
        coming=sum(not one.told for one in everything) - sum(not one.told for one in ours),
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
