"""What the county is told, derived from what stands in the village's own tables: nothing is told that did not happen.

Never asks a room to remember the county, and never tells anything about a person. Each look compares what is true now
with what was told last, so a power cut before, between or after loses nothing and doubles nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import cbor2

from sync.kinds import (
    Body,
    HealthNoted,
    NoticePublished,
    NoticeReached,
    NoticeStopped,
    PollClosed,
    PollCounted,
    PollOpened,
    PollWithdrawn,
    VillageBegan,
    encode_body,
)
from village.link import store
from village.notices import store as notices
from village.notices.notice import Notice, State
from village.notices.office import Office
from village.notices.reach import Reach, reach
from village.people import store as people
from village.polls import store as polls
from village.polls.poll import Poll, PollKind
from village.polls.poll import State as PollState
from village.polls.result_store import Result, result_of

Append = Callable[[sqlite3.Connection, Body], object]
"""Writes a body into the village's own log, in the unit of work it is given."""

SMALL = 5
"""Cells smaller than this say too much about single people (facts/sync.md, Votes; facts/governance.md, 26)."""

_DAY_MS = 86_400_000
_NOTICES_SINCE_MS = 7 * _DAY_MS
"""A notice is followed for a week; after that nobody acts on its reach any more."""
_REACH_EVERY_MS, _OLD_REACH_EVERY_MS = 30 * 60_000, 6 * 3_600_000
_POLLS_LOOKED_AT = 40
_NOTICES_LOOKED_AT = 60


@dataclass(frozen=True, slots=True)
class Village:
    """How this village calls itself."""

    name: str
    groups: int


@dataclass(frozen=True, slots=True)
class Health:
    """How the village's computer is doing, as the county may know it."""

    version: str
    waiting: int
    lines: int
    lines_down: int
    disk_free_mb: int


class Reporter:
    """Looks at the rooms and tells what is new; `append` is the log's."""

    def __init__(self, append: Append, village: Village, office: Office) -> None:
        self._append = append
        self._village = village
        self._office = office

    def report(self, tx: sqlite3.Connection, now_ms: int, health: Health) -> int:
        """Tell everything that is new; how many records that was."""
        return self.report_events(tx, now_ms, health) + self.report_reach(tx, now_ms)

    def report_events(self, tx: sqlite3.Connection, now_ms: int, health: Health) -> int:
        """What happened once: notices published and stopped, polls and their results; how the village is doing."""
        told = self._tell(tx, 0, self._began(tx), now_ms, every_ms=_DAY_MS)
        for notice in reversed(notices.every_notice(tx, limit=_NOTICES_LOOKED_AT)):
            if notice.went_out:
                told += self._tell(tx, notice.id, _published(tx, notice), now_ms)
                if notice.state is State.STOPPED and notice.stopped_ms is not None:
                    told += self._tell(tx, notice.id, NoticeStopped(notice.id, notice.stopped_ms), now_ms)
        for poll in reversed(polls.polls(tx, limit=_POLLS_LOOKED_AT)):
            told += sum(self._tell(tx, poll.id, body, now_ms) for body in _of_poll(tx, poll))
        noted = HealthNoted(
            health.version, health.waiting, health.lines, health.lines_down, health.disk_free_mb, now_ms
        )
        return told + self._tell(tx, 0, noted, now_ms, every_ms=_DAY_MS, but=replace(noted, noted_ms=0))

    def report_reach(self, tx: sqlite3.Connection, now_ms: int) -> int:
        """How far each notice of the last week has come, where that has changed."""
        told = 0
        for notice in notices.running(tx, now_ms - _NOTICES_SINCE_MS):
            if not notice.went_out or not notice.channels.reaches_phones:
                continue
            young = now_ms - notice.start_ms < _DAY_MS
            every_ms = _REACH_EVERY_MS if young else _OLD_REACH_EVERY_MS
            before = store.told(tx, NoticeReached.CODE, notice.id)
            if before is not None and now_ms - before.told_ms < every_ms:
                continue
            body = _reached(reach(tx, notice.id, now_ms, self._office), now_ms)
            told += self._tell(tx, notice.id, body, now_ms, but=replace(body, as_of_ms=0))
        return told

    def _began(self, tx: sqlite3.Connection) -> VillageBegan:
        groups = people.groups(tx)
        return VillageBegan(
            name=self._village.name,
            groups=self._village.groups,
            households=sum(group.households for group in groups),
            people=sum(group.residents for group in groups),
            cites=None,
        )

    def _tell(
        self,
        tx: sqlite3.Connection,
        subject: int,
        body: Body,
        now_ms: int,
        *,
        every_ms: int = 0,
        but: Body | None = None,
    ) -> int:
        """Append `body` where it says something else than last time; 1 if it did.

        `but`: the body as it is compared, without what always changes. `every_ms`: no sooner than that after the last.
        """
        print_ = sha256(cbor2.dumps(encode_body(but or body))).digest()[:16]
        before = store.told(tx, body.CODE, subject)
        if before is not None and (before.print == print_ or now_ms - before.told_ms < every_ms):
            return 0
        self._append(tx, body)
        store.note_told(tx, body.CODE, subject, print_, now_ms)
        return 1


def _published(tx: sqlite3.Connection, notice: Notice) -> NoticePublished:
    """What stands on no public page stays in the village: a text for a few may name somebody."""
    return NoticePublished(
        notice=notice.id,
        version=notice.version,
        number=notice.number,
        issuer=str(notice.issuer),
        text=notice.text if notice.channels.page else "",
        audience=str(notice.audience.in_words()),
        unit=str(notice.unit),
        urgent=notice.urgent,
        county_notice=store.relayed_from(tx, notice.id),
        published_ms=notice.start_ms,
        due_ms=notice.due_ms,
    )


def _reached(seen: Reach, now_ms: int) -> NoticeReached:
    funnel = seen.funnel
    return NoticeReached(
        notice=seen.notice.id,
        version=seen.notice.version,
        units=funnel.units,
        accepted=funnel.accepted,
        delivered=funnel.delivered,
        heard=funnel.heard,
        confirmed=funnel.confirmed,
        unreached=funnel.unreached,
        groups=tuple(
            (
                group.group_no,
                group.funnel.units,
                _if_many(group.funnel.heard + group.funnel.confirmed, group.funnel.units),
            )
            for group in seen.groups
        ),
        as_of_ms=now_ms,
    )


def _if_many(count: int, of: int) -> int | None:
    return count if of >= SMALL else None


def _of_poll(tx: sqlite3.Connection, poll: Poll) -> list[Body]:
    """Everything that has become of a poll so far."""
    said: list[Body] = [
        PollOpened(
            poll=poll.id,
            number=poll.number,
            kind=str(poll.kind),
            question=poll.question,
            options=poll.options,
            opened_ms=poll.opened_ms,
            closes_ms=poll.closes_ms,
            eligible=poll.eligible,
            roll=poll.roll_hash,
            pack=poll.pack,
            basis="" if poll.basis is None else poll.basis.title,
        )
    ]
    if poll.state is PollState.WITHDRAWN and poll.withdrawn_ms is not None:
        said.append(PollWithdrawn(poll.id, poll.withdrawn_ms))
    if poll.closed_ms is not None:
        said.append(PollClosed(poll.id, poll.closed_ms, polls.turnout(tx, poll.id).cast))
    result = result_of(tx, poll.id)
    if poll.state is PollState.COUNTED and result is not None:
        said.append(_counted(poll, result))
    return said


def _counted(poll: Poll, result: Result) -> PollCounted:
    return PollCounted(
        poll=poll.id,
        counted_ms=poll.counted_ms or 0,
        eligible=poll.eligible,
        roll=poll.roll_hash,
        attended=result.attended,
        counts=carried(poll.kind, result),
        late=result.late,
        valid=result.valid,
        passed=result.passed,
        pack=result.pack,
        receipts=result.receipts,
        ledger=result.ledger_head,
        complete=result.complete,
    )


def carried(kind: PollKind, result: Result) -> tuple[int | None, ...]:
    """The counts as they leave the village: from a handful of ballots nothing may be read.

    The first option of a household poll stays: without it nobody could check the rule.
    """
    if result.attended < SMALL:
        return tuple(None for _ in result.counts)
    return tuple(
        None if 0 < count < SMALL and not (kind is PollKind.HOUSEHOLD and place == 0) else count
        for place, count in enumerate(result.counts)
    )
