"""What a village's verified record becomes at the county: a line in its tables, in the unit that keeps the record.

Never believes a figure more than its signature; whether a result holds is `verification`'s.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, insert, select, update

from sync.kinds import (
    HealthNoted,
    NoticePublished,
    NoticeReached,
    NoticeStopped,
    PollClosed,
    PollCounted,
    PollOpened,
    PollWithdrawn,
    VillageBegan,
)
from sync.record import Record
from village.county import tables


def without_superseded(records: Sequence[Record]) -> list[Record]:
    """Those that say something a later one of them does not say anew: of figures only the newest stay on a page."""
    newest: dict[tuple[int, int], int] = {}
    for record in records:
        match record.body:
            case HealthNoted():
                newest[HealthNoted.CODE, 0] = record.seq
            case NoticeReached() as reached:
                newest[NoticeReached.CODE, reached.notice] = record.seq
    kept = []
    for record in records:
        which = record.body.notice if isinstance(record.body, NoticeReached) else 0
        if newest.get((record.body.CODE, which), record.seq) == record.seq:
            kept.append(record)
    return kept


def apply(connection: Connection, village_no: int, record: Record) -> None:
    """Each record comes here once, in order."""
    match record.body:
        case VillageBegan() as began:
            _of_village(connection, village_no, groups=began.groups, households=began.households, people=began.people)
        case HealthNoted() as health:
            _of_village(
                connection, village_no, version=health.version, waiting=health.waiting, lines=health.lines,
                lines_down=health.lines_down, disk_free_mb=health.disk_free_mb, noted_ms=health.noted_ms,
            )  # fmt: skip
        case NoticePublished() as notice:
            _published(connection, village_no, notice)
        case NoticeStopped() as stopped:
            _of_notice(connection, village_no, stopped.notice, stopped_ms=stopped.stopped_ms)
        case NoticeReached() as reached:
            _of_notice(
                connection, village_no, reached.notice, units=reached.units, accepted=reached.accepted,
                delivered=reached.delivered, heard=reached.heard, confirmed=reached.confirmed,
                unreached=reached.unreached, groups=json.dumps(reached.groups), as_of_ms=reached.as_of_ms,
            )  # fmt: skip
        case PollOpened() as opened:
            _opened(connection, village_no, opened, record.seq)
        case PollClosed() as closed:
            _of_poll(connection, village_no, closed.poll, closed_ms=closed.closed_ms, ballots=closed.ballots)
        case PollWithdrawn() as withdrawn:
            _of_poll(connection, village_no, withdrawn.poll, withdrawn_ms=withdrawn.withdrawn_ms)
        case PollCounted() as counted:
            _counted(
                connection, village_no, counted.poll, counted_ms=counted.counted_ms, counted_seq=record.seq,
                counted_eligible=counted.eligible, counted_roll=counted.roll, counted_pack=counted.pack,
                attended=counted.attended, counts=json.dumps(counted.counts), late=counted.late, valid=counted.valid,
                passed=counted.passed, receipts=counted.receipts, ledger=counted.ledger, complete=counted.complete,
            )  # fmt: skip


_OF_VILLAGE = update(tables.village).where(tables.village.c.no == bindparam("of"))
_OF_NOTICE = update(tables.notice).where(
    tables.notice.c.village_no == bindparam("of"), tables.notice.c.notice == bindparam("which")
)
_OF_POLL = update(tables.poll).where(
    tables.poll.c.village_no == bindparam("of"), tables.poll.c.poll == bindparam("which")
)
_COUNTED = _OF_POLL.where(tables.poll.c.counted_seq.is_(None))
_IS_NOTICE = select(tables.notice.c.notice).where(
    tables.notice.c.village_no == bindparam("of"), tables.notice.c.notice == bindparam("which")
)
_IS_POLL = select(tables.poll.c.poll).where(
    tables.poll.c.village_no == bindparam("of"), tables.poll.c.poll == bindparam("which")
)
"""Made once: putting a statement together costs SQLAlchemy more than running it costs the database."""


def _of_village(connection: Connection, no: int, /, **values: object) -> None:
    connection.execute(_OF_VILLAGE, {"of": no, **values})


def _of_notice(connection: Connection, no: int, notice: int, /, **values: object) -> None:
    connection.execute(_OF_NOTICE, {"of": no, "which": notice, **values})


def _of_poll(connection: Connection, no: int, poll: int, /, **values: object) -> None:
    connection.execute(_OF_POLL, {"of": no, "which": poll, **values})


def _counted(connection: Connection, no: int, poll: int, /, **values: object) -> None:
    """The first result stands: a second one would be another count of the same ballots (the chain shows both)."""
    connection.execute(_COUNTED, {"of": no, "which": poll, **values})


def _published(connection: Connection, no: int, said: NoticePublished) -> None:
    """The first version makes the line, a correction changes its words; the reach it had stays until the next."""
    values = {
        "version": said.version, "number": said.number, "issuer": said.issuer, "text": said.text,
        "audience": said.audience, "unit": said.unit, "urgent": said.urgent, "county_notice": said.county_notice,
        "published_ms": said.published_ms, "due_ms": said.due_ms,
    }  # fmt: skip
    if connection.execute(_IS_NOTICE, {"of": no, "which": said.notice}).first() is None:
        new = {"village_no": no, "notice": said.notice, "groups": "[]"}
        connection.execute(insert(tables.notice), new | values)
    else:
        _of_notice(connection, no, said.notice, **values)


def _opened(connection: Connection, no: int, said: PollOpened, seq: int) -> None:
    """A poll is opened once; a second opening under one number changes nothing (the chain shows both)."""
    if connection.execute(_IS_POLL, {"of": no, "which": said.poll}).first() is None:
        connection.execute(
            insert(tables.poll),
            {
                "village_no": no, "poll": said.poll, "number": said.number, "kind": said.kind,
                "question": said.question, "options": json.dumps(said.options, ensure_ascii=False),
                "opened_ms": said.opened_ms, "closes_ms": said.closes_ms, "eligible": said.eligible,
                "roll": said.roll, "pack": said.pack, "basis": said.basis, "opened_seq": seq, "counts": "[]",
            },
        )  # fmt: skip
