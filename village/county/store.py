"""What the county's pages read: villages, their notices and polls, what was set aside; and its own notices.

Never decides; every function runs in the unit of the caller. Small cells are hidden where they are shown.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from sync.kinds import CountyNotice, CountyNoticeWithdrawn, PollCounted, PollOpened
from village.county import tables
from village.county.verification import Log
from village.ground.wording import RefusalError, say

Row = Any
"""A row of SQLAlchemy's, its columns by name."""


@dataclass(frozen=True, slots=True)
class Village:
    no: int
    name: str
    fingerprint_key: bytes
    issued_ms: int
    expires_ms: int
    revoked_ms: int | None
    spoke_ms: int | None
    head_seq: int
    went_back: int
    frozen: str
    groups: int
    households: int
    people: int
    version: str
    waiting: int
    lines: int
    lines_down: int
    disk_free_mb: int | None
    noted_ms: int | None
    polls_open: int = 0


def villages(connection: Connection) -> list[Village]:
    """By number."""
    rows = connection.execute(select(tables.village).order_by(tables.village.c.no))
    open_polls: dict[int, int] = {row[0]: row[1] for row in connection.execute(_open_polls())}
    return [_village(row, open_polls.get(row.no, 0)) for row in rows]


def _open_polls() -> Any:
    poll = tables.poll.c
    return (
        select(poll.village_no, func.count())
        .where(poll.counted_ms.is_(None), poll.withdrawn_ms.is_(None))
        .group_by(poll.village_no)
    )


def village_of(connection: Connection, no: int) -> Village:
    """Raises RefusalError (404)."""
    row = connection.execute(select(tables.village).where(tables.village.c.no == no)).first()
    if row is None:
        raise RefusalError(say("没有这个村"), status=404)
    return _village(row, 0)


def _village(row: Row, polls_open: int) -> Village:
    return Village(
        no=row.no, name=row.name, fingerprint_key=row.public_key, issued_ms=row.issued_ms, expires_ms=row.expires_ms,
        revoked_ms=row.revoked_ms, spoke_ms=row.spoke_ms, head_seq=row.head_seq, went_back=row.went_back,
        frozen=row.frozen, groups=row.groups, households=row.households, people=row.people, version=row.version,
        waiting=row.waiting, lines=row.lines, lines_down=row.lines_down, disk_free_mb=row.disk_free_mb,
        noted_ms=row.noted_ms, polls_open=polls_open,
    )  # fmt: skip


def rename(connection: Connection, no: int, name: str) -> None:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 20:
        raise RefusalError(say("村名要1到{most}个字", most=20), status=422)
    connection.execute(update(tables.village).where(tables.village.c.no == no).values(name=name))


def revoke(connection: Connection, no: int, now_ms: int) -> bool:
    """From now on its bundles are set aside, and only a code issued later lets it in again; False where it was revoked
    already."""
    newest_code = select(func.coalesce(func.max(tables.enrol_code.c.no), 0)).scalar_subquery()
    done = connection.execute(
        update(tables.village)
        .where(tables.village.c.no == no, tables.village.c.revoked_ms.is_(None))
        .values(revoked_ms=now_ms, barred=newest_code)
    )
    return done.rowcount == 1


def thaw(connection: Connection, no: int) -> bool:
    """A person has decided: what the county has of this village's log stands, and it may go on from there."""
    done = connection.execute(
        update(tables.village).where(tables.village.c.no == no, tables.village.c.frozen != "").values(frozen="")
    )
    return done.rowcount == 1


# notices


@dataclass(frozen=True, slots=True)
class Notice:
    """A village's notice and its reach. `groups`: (group, units, heard or confirmed; None where it is small)."""

    village_no: int
    village: str
    notice: int
    number: int
    version: int
    text: str
    audience: str
    unit: str
    urgent: bool
    county_notice: int | None
    published_ms: int
    due_ms: int | None
    stopped_ms: int | None
    units: int | None
    delivered: int | None
    reached: int | None
    unreached: int | None
    groups: tuple[tuple[int, int, int | None], ...]
    as_of_ms: int | None


def notices(
    connection: Connection, *, village_no: int | None = None, county_notice: int | None = None, limit: int = 100
) -> list[Notice]:
    """Newest first; of one village, or those that pass one notice of the county's on."""
    notice, village = tables.notice.c, tables.village.c
    wanted = select(tables.notice, village.name.label("village")).join(tables.village, village.no == notice.village_no)
    if village_no is not None:
        wanted = wanted.where(notice.village_no == village_no)
    if county_notice is not None:
        wanted = wanted.where(notice.county_notice == county_notice)
    rows = connection.execute(wanted.order_by(notice.published_ms.desc(), notice.notice.desc()).limit(limit))
    return [
        Notice(
            village_no=row.village_no, village=row.village, notice=row.notice, number=row.number, version=row.version,
            text=row.text, audience=row.audience, unit=row.unit, urgent=bool(row.urgent),
            county_notice=row.county_notice, published_ms=row.published_ms, due_ms=row.due_ms,
            stopped_ms=row.stopped_ms, units=row.units, delivered=row.delivered,
            reached=None if row.units is None else row.heard + row.confirmed, unreached=row.unreached,
            groups=tuple(tuple(group) for group in json.loads(row.groups)), as_of_ms=row.as_of_ms,
        )
        for row in rows
    ]  # fmt: skip


# polls


@dataclass(frozen=True, slots=True)
class Poll:
    village_no: int
    village: str
    opened: PollOpened
    closed_ms: int | None
    ballots: int | None
    withdrawn_ms: int | None
    counted: PollCounted | None
    log: Log

    @property
    def shown_counts(self) -> tuple[tuple[str, int | None], ...]:
        """What may be shown: fewer than five are hidden on every page of the county's, whatever the village sent."""
        if self.counted is None:
            return ()
        return tuple(
            (label, None if count is None or 0 < count < 5 or self.counted.attended < 5 else count)
            for label, count in zip(self.opened.options, self.counted.counts, strict=False)
        )


def polls(connection: Connection, *, village_no: int | None = None, limit: int = 200) -> list[Poll]:
    """Newest first."""
    poll, village = tables.poll.c, tables.village.c
    wanted = select(tables.poll, village.name.label("village"), village.head_seq, village.frozen).join(
        tables.village, village.no == poll.village_no
    )
    if village_no is not None:
        wanted = wanted.where(poll.village_no == village_no)
    rows = connection.execute(wanted.order_by(poll.opened_ms.desc(), poll.poll.desc()).limit(limit))
    return [_poll(row) for row in rows]


def poll_of(connection: Connection, village_no: int, number: int) -> Poll:
    """Raises RefusalError (404)."""
    found = [one for one in polls(connection, village_no=village_no) if one.opened.poll == number]
    if not found:
        raise RefusalError(say("没有这次征求意见"), status=404)
    return found[0]


def _poll(row: Row) -> Poll:
    opened = PollOpened(
        row.poll, row.number, row.kind, row.question, tuple(json.loads(row.options)), row.opened_ms, row.closes_ms,
        row.eligible, row.roll, row.pack, row.basis,
    )  # fmt: skip
    counted = None
    if row.counted_ms is not None:
        counted = PollCounted(
            row.poll, row.counted_ms, row.counted_eligible, row.counted_roll, row.attended,
            tuple(json.loads(row.counts)), row.late, _truth(row.valid), _truth(row.passed), row.counted_pack,
            row.receipts, row.ledger, bool(row.complete),
        )  # fmt: skip
    # whatever stands in these tables came in a signed bundle and followed the head when it was taken
    log = Log(signed=True, unbroken=True, head_seq=row.head_seq, frozen=bool(row.frozen))
    return Poll(row.village_no, row.village, opened, row.closed_ms, row.ballots, row.withdrawn_ms, counted, log)


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)


# what was set aside


@dataclass(frozen=True, slots=True)
class SetAside:
    id: int
    village: str | None
    village_no: int | None
    reason: str
    received_ms: int
    size: int
    times: int
    handled_ms: int | None
    handled_by: str | None


def set_aside(connection: Connection, *, limit: int = 100) -> list[SetAside]:
    """Those nobody has looked at first, then the newest."""
    row, village = tables.quarantine.c, tables.village.c
    rows = connection.execute(
        select(
            row.id, village.name, row.village_no, row.reason, row.received_ms, row.size, row.times, row.handled_ms,
            row.handled_by,
        )
        .join(tables.village, village.no == row.village_no, isouter=True)
        .order_by(row.handled_ms.isnot(None), row.received_ms.desc())
        .limit(limit)
    )  # fmt: skip
    return [SetAside(*each) for each in rows]


def waiting_aside(connection: Connection) -> int:
    row = tables.quarantine.c
    return int(connection.execute(select(func.count()).where(row.handled_ms.is_(None))).scalar_one())


def handle(connection: Connection, aside_id: int, *, by: str, now_ms: int) -> None:
    row = tables.quarantine.c
    connection.execute(
        update(tables.quarantine)
        .where(row.id == aside_id, row.handled_ms.is_(None))
        .values(handled_ms=now_ms, handled_by=by)
    )


# the county's own notices


@dataclass(frozen=True, slots=True)
class Own:
    """A notice of the county's. `fetched`: villages that have it, durably; `of`: for how many it is."""

    notice: int
    seq: int
    text: str
    issuer: str
    issued_ms: int
    due_ms: int | None
    villages: tuple[int, ...]
    author: str
    withdrawn_ms: int | None
    fetched: tuple[int, ...] = ()
    of: int = 0


def own_notices(connection: Connection, limit: int = 100) -> list[Own]:
    """Newest first."""
    own = tables.county_notice.c
    village = tables.village.c
    acked = select(village.no, village.acked_seq).where(village.revoked_ms.is_(None))
    heads: dict[int, int] = {row.no: row.acked_seq for row in connection.execute(acked)}
    rows = connection.execute(select(tables.county_notice).order_by(own.notice.desc()).limit(limit))
    found = []
    for row in rows:
        named = tuple(json.loads(row.villages))
        whom = [no for no in heads if not named or no in named]
        found.append(
            Own(
                row.notice, row.seq, row.text, row.issuer, row.issued_ms, row.due_ms, named, row.author,
                row.withdrawn_ms, tuple(no for no in whom if heads[no] >= row.seq), len(whom),
            )
        )  # fmt: skip
    return found


def own_notice(connection: Connection, number: int) -> Own:
    """Raises RefusalError (404)."""
    found = [one for one in own_notices(connection, 10_000) if one.notice == number]
    if not found:
        raise RefusalError(say("没有这条通知"), status=404)
    return found[0]


def next_own_number(connection: Connection) -> int:
    newest = select(func.coalesce(func.max(tables.county_notice.c.notice), 0))
    return int(connection.execute(newest).scalar_one()) + 1


def keep_own(connection: Connection, body: CountyNotice, *, seq: int, author: str) -> None:
    connection.execute(
        insert(tables.county_notice).values(
            notice=body.notice, seq=seq, text=body.text, issuer=body.issuer, issued_ms=body.issued_ms,
            due_ms=body.due_ms, villages=json.dumps(body.villages), author=author,
        )
    )  # fmt: skip


def keep_withdrawn(connection: Connection, body: CountyNoticeWithdrawn) -> None:
    own = tables.county_notice.c
    connection.execute(
        update(tables.county_notice).where(own.notice == body.notice).values(withdrawn_ms=body.withdrawn_ms)
    )


def unknown_villages(connection: Connection, numbers: tuple[int, ...]) -> list[int]:
    """Of these, those no village bears."""
    village = tables.village.c
    known = set(connection.execute(select(village.no).where(or_(village.no.in_(numbers)))).scalars())
    return [number for number in numbers if number not in known]
