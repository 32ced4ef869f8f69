"""The notices' own tables: notices, versions, units, copies, confirmations, drafts.

Never decides anything; everything runs inside the caller's unit of work.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.message import Channel
from gateway.message import State as MessageState
from village.ground.clock import beijing
from village.ground.wording import RefusalError, say
from village.notices.notice import Channels, CopyKind, Issuer, Notice, NoticeId, Order, Rung, State, UnitId, UnitKind
from village.notices.tasks_store import day_over_ms
from village.notices.unsent_store import STILL_UNSENT
from village.notices.ways import Unit
from village.people.audience import Audience

_NOTICE = """
    SELECT n.id, n.number, n.state, n.version, n.opened_with, n.audience, n.unit, n.by_sms, n.by_call, n.on_page,
           n.urgent, n.issuer, n.author, n.created_ms, n.start_ms, n.stopped_ms, n.stopped_by, n.rungs,
           v.text, v.short_text, v.due_ms, v.created_ms AS version_ms,
           EXISTS (SELECT 1 FROM notice_unit u WHERE u.notice_id = n.id) AS went_out
      FROM notice n JOIN notice_version v ON v.notice_id = n.id AND v.version = n.version
"""


def _notice(row: sqlite3.Row) -> Notice:
    return Notice(
        id=NoticeId(row["id"]),
        number=row["number"],
        state=State(row["state"]),
        version=row["version"],
        opened_with=row["opened_with"],
        text=row["text"],
        short_text=row["short_text"],
        due_ms=row["due_ms"],
        audience=Audience.from_json(row["audience"]),
        unit=UnitKind(row["unit"]),
        channels=Channels(bool(row["by_sms"]), bool(row["by_call"]), bool(row["on_page"])),
        urgent=bool(row["urgent"]),
        issuer=Issuer(row["issuer"]),
        author=row["author"],
        created_ms=row["created_ms"],
        start_ms=row["start_ms"],
        version_ms=row["version_ms"],
        stopped_ms=row["stopped_ms"],
        stopped_by=row["stopped_by"],
        rungs=tuple(Rung(int(rung)) for rung in row["rungs"]),
        went_out=bool(row["went_out"]),
    )


# reading


def notice_of(tx: sqlite3.Connection, notice_id: int) -> Notice:
    """Raises RefusalError (404)."""
    row = tx.execute(_NOTICE + " WHERE n.id = :id", {"id": notice_id}).fetchone()
    if row is None:
        raise RefusalError(say("没有这条通知"), status=404)
    return _notice(row)


def standing(tx: sqlite3.Connection, notice_id: int) -> tuple[int, State]:
    """The current version and state, for the many events that need no more. Raises RefusalError (404)."""
    row = tx.execute("SELECT version, state FROM notice WHERE id = :id", {"id": notice_id}).fetchone()
    if row is None:
        raise RefusalError(say("没有这条通知"), status=404)
    return row["version"], State(row["state"])


def newest_by_number(tx: sqlite3.Connection, number: int) -> Notice | None:
    """The notice that bears the number now; a planned one bears it once it is out."""
    row = tx.execute(
        _NOTICE + " WHERE n.number = :number AND went_out ORDER BY n.id DESC LIMIT 1", {"number": number}
    ).fetchone()
    return None if row is None else _notice(row)


def latest(tx: sqlite3.Connection, *, limit: int, public_only: bool = True) -> list[Notice]:
    """What has gone out and was not stopped, newest first."""
    rows = tx.execute(
        _NOTICE
        + " WHERE n.state = 'sent' AND (n.on_page = 1 OR :all) ORDER BY n.start_ms DESC, n.id DESC LIMIT :limit",
        {"all": not public_only, "limit": limit},
    )
    return [_notice(row) for row in rows]


def on_the_page(tx: sqlite3.Connection, *, limit: int) -> list[Notice]:
    """What the public page lists; one that was stopped stays, marked, for those who read it before."""
    rows = tx.execute(
        _NOTICE + " WHERE went_out AND n.on_page = 1 ORDER BY n.start_ms DESC, n.id DESC LIMIT :limit",
        {"limit": limit},
    )
    return [_notice(row) for row in rows]


def every_notice(tx: sqlite3.Connection, *, limit: int = 200) -> list[Notice]:
    """For the desk: newest first, those still to come on top."""
    rows = tx.execute(_NOTICE + " ORDER BY n.start_ms DESC, n.id DESC LIMIT :limit", {"limit": limit})
    return [_notice(row) for row in rows]


_RUNNING = """
    n.state = 'sent' AND n.id IN (
        SELECT id FROM notice WHERE start_ms >= :begun
        UNION SELECT notice_id FROM notice_version WHERE created_ms >= :begun
        UNION SELECT w.notice_id FROM notice_version w JOIN notice m ON m.id = w.notice_id AND m.version = w.version
               WHERE w.due_ms >= :since
        UNION SELECT notice_id FROM notice_task WHERE by_day >= :day)
"""
"""Four days, each with an index of its own: a maximum over them would read every notice there ever was."""


def _running(since_ms: int, door_after_ms: int) -> dict[str, object]:
    return {"since": since_ms, "begun": since_ms - door_after_ms, "day": beijing(since_ms).date().isoformat()}


def running(tx: sqlite3.Connection, since_ms: int, *, door_after_ms: int = 0) -> list[Notice]:
    """Out, not stopped, and with one of their days since then: start, wording, due time, or day of what is to be done.

    `door_after_ms`: how long after start and wording the doors open where there is no due time. Newest first.
    """
    rows = tx.execute(
        f"{_NOTICE} WHERE {_RUNNING} ORDER BY +n.start_ms DESC, n.id DESC",  # +: sorted here, not read in that order
        _running(since_ms, door_after_ms),
    )
    return [_notice(row) for row in rows]


def runs(tx: sqlite3.Connection, notice_id: int, since_ms: int, *, door_after_ms: int = 0) -> bool:
    """Whether `running` would find it."""
    row = tx.execute(
        f"SELECT 1 FROM notice n WHERE n.id = :id AND {_RUNNING}",
        {"id": notice_id, **_running(since_ms, door_after_ms)},
    ).fetchone()
    return row is not None


def planned(tx: sqlite3.Connection) -> list[Notice]:
    """Those still to come, the nearest first."""
    rows = tx.execute(f"{_NOTICE} WHERE n.state = 'planned' ORDER BY n.start_ms, n.id")
    return [_notice(row) for row in rows]


def planned_until(tx: sqlite3.Connection, now_ms: int) -> list[Notice]:
    rows = tx.execute(
        _NOTICE + " WHERE n.state = 'planned' AND n.start_ms <= :now ORDER BY n.start_ms, n.id", {"now": now_ms}
    )
    return [_notice(row) for row in rows]


def notice_of_request(tx: sqlite3.Connection, request: str) -> Notice | None:
    row = tx.execute(_NOTICE + " WHERE n.request = :request", {"request": request}).fetchone()
    return None if row is None else _notice(row)


def numbers_in_use(tx: sqlite3.Connection) -> list[tuple[int, int, int]]:
    """Per number its last notice's id and the instant from which it counts as over; 0 where it never went out."""
    rows = tx.execute(
        "SELECT n.number, max(n.id) AS id,"
        " max(CASE WHEN n.stopped_ms IS NULL THEN max(n.start_ms, coalesce(v.due_ms, 0))"
        " WHEN EXISTS (SELECT 1 FROM notice_unit u WHERE u.notice_id = n.id) THEN n.stopped_ms ELSE 0 END) AS over_ms,"
        " max(CASE WHEN n.stopped_ms IS NULL THEN t.by_day END) AS by_day"
        " FROM notice n JOIN notice_version v ON v.notice_id = n.id AND v.version = n.version"
        " LEFT JOIN notice_task t ON t.notice_id = n.id GROUP BY n.number"
    )
    return [(row["number"], row["id"], max(row["over_ms"], _day_over_ms(row["by_day"]))) for row in rows]


def _day_over_ms(day: str | None) -> int:
    return 0 if day is None else day_over_ms(date.fromisoformat(day))


# writing


def add_notice(
    tx: sqlite3.Connection, order: Order, *, number: int, unit: UnitKind, state: State, start_ms: int, now_ms: int
) -> NoticeId:
    """The notice and its first version."""
    notice_id = tx.execute(
        "INSERT INTO notice (number, state, version, opened_with, audience, unit, by_sms, by_call, on_page, urgent,"
        " issuer, author, request, created_ms, start_ms, rungs) VALUES (:number, :state, 1, 1, :audience, :unit, :sms,"
        " :call, :page, :urgent, :issuer, :author, :request, :now, :start, :rungs) RETURNING id",
        {
            "number": number, "state": state, "audience": order.audience.to_json(), "unit": unit,
            "sms": order.channels.sms, "call": order.channels.call, "page": order.channels.page, "urgent": order.urgent,
            "issuer": order.issuer, "author": order.author, "request": order.request, "now": now_ms, "start": start_ms,
            "rungs": "".join(str(int(rung)) for rung in order.rungs or ()),
        },
    ).fetchone()[0]  # fmt: skip
    _add_version(
        tx, notice_id, 1, text=order.text, short_text=order.short_text, due_ms=order.due_ms, author=order.author,
        now_ms=now_ms,
    )  # fmt: skip
    return NoticeId(notice_id)


def _add_version(
    tx: sqlite3.Connection, notice_id: int, version: int, *, text: str, short_text: str, due_ms: int | None,
    author: str, now_ms: int,
) -> None:  # fmt: skip
    tx.execute(
        "INSERT INTO notice_version (notice_id, version, text, short_text, due_ms, author, created_ms)"
        " VALUES (:notice, :version, :text, :short, :due, :author, :now)",
        {"notice": notice_id, "version": version, "text": text, "short": short_text, "due": due_ms, "author": author,
         "now": now_ms},
    )  # fmt: skip


def begin_version(
    tx: sqlite3.Connection, notice: Notice, *, text: str, short_text: str, due_ms: int | None, author: str, now_ms: int
) -> None:
    """The next wording becomes the current one; what was stopped lives again."""
    version = notice.version + 1
    _add_version(tx, notice.id, version, text=text, short_text=short_text, due_ms=due_ms, author=author, now_ms=now_ms)
    tx.execute(
        "UPDATE notice SET version = :version, state = CASE state WHEN 'planned' THEN 'planned' ELSE 'sent' END,"
        " stopped_ms = NULL, stopped_by = NULL WHERE id = :id",
        {"version": version, "id": notice.id},
    )


def mark_sent(tx: sqlite3.Connection, notice_id: int, now_ms: int) -> bool:
    """False where it is not planned any more."""
    changed = tx.execute(
        "UPDATE notice SET state = 'sent', start_ms = :now, opened_with = version WHERE id = :id AND state = 'planned'",
        {"id": notice_id, "now": now_ms},
    )
    return changed.rowcount == 1


def mark_stopped(tx: sqlite3.Connection, notice_id: int, by: str, now_ms: int) -> None:
    tx.execute(
        "UPDATE notice SET state = 'stopped', stopped_ms = :now, stopped_by = :by"
        " WHERE id = :id AND state <> 'stopped'",
        {"id": notice_id, "now": now_ms, "by": by},
    )


def add_units(tx: sqlite3.Connection, notice_id: int, units: Sequence[Unit]) -> list[UnitId]:
    """Freeze who was addressed, in this order; their ids in the same order."""
    return [
        UnitId(
            tx.execute(
                "INSERT INTO notice_unit (notice_id, household_id, resident_id, group_no, name, born, alone, away,"
                " no_way, place) VALUES (:notice, :household, :resident, :group, :name, :born, :alone, :away,"
                " :no_way, :place)"
                " RETURNING id",
                {
                    "notice": notice_id, "household": unit.household_id, "resident": unit.resident_id,
                    "group": unit.group_no, "name": unit.name, "born": unit.born, "alone": unit.alone,
                    "away": unit.away, "no_way": unit.no_way, "place": place,
                },
            ).fetchone()[0]
        )
        for place, unit in enumerate(units)
    ]  # fmt: skip


def units_of(tx: sqlite3.Connection, notice_id: int) -> dict[tuple[int, int | None], UnitId]:
    """The frozen units by household and, where persons were addressed, resident."""
    rows = tx.execute(
        "SELECT id, household_id, resident_id FROM notice_unit WHERE notice_id = :notice ORDER BY place",
        {"notice": notice_id},
    )
    return {(row["household_id"], row["resident_id"]): UnitId(row["id"]) for row in rows}


def mark_no_way(tx: sqlite3.Connection, unit_id: int, no_way: str | None) -> None:
    tx.execute("UPDATE notice_unit SET no_way = :no_way WHERE id = :id", {"no_way": no_way, "id": unit_id})


def add_copy(
    tx: sqlite3.Connection, *, notice_id: int, version: int, phone_id: int, channel: Channel, kind: CopyKind,
    message_id: int, serves: Iterable[int], now_ms: int, rung: Rung = Rung.FIRST,
) -> None:  # fmt: skip
    """One message that carries this version's words to a phone, and the units it serves."""
    copy_id = tx.execute(
        "INSERT INTO notice_copy (notice_id, version, phone_id, channel, kind, message_id, created_ms, rung)"
        " VALUES (:notice, :version, :phone, :channel, :kind, :message, :now, :rung) RETURNING id",
        {"notice": notice_id, "version": version, "phone": phone_id, "channel": channel, "kind": kind,
         "message": message_id, "now": now_ms, "rung": rung},
    ).fetchone()[0]  # fmt: skip
    tx.executemany(
        "INSERT OR IGNORE INTO notice_copy_serves (copy_id, unit_id) VALUES (:copy, :unit)",
        [{"copy": copy_id, "unit": unit_id} for unit_id in serves],
    )


# copies


@dataclass(frozen=True, slots=True)
class CopyRow:
    notice_id: int
    version: int
    phone_id: int
    channel: Channel
    kind: CopyKind
    message_id: int
    state: MessageState | None
    """None: the gateway has forgotten the message."""
    accepted_ms: int | None
    """Of a call: when it was picked up."""
    rung: Rung

    @property
    def may_have_been_read(self) -> bool:
        """Read, or perhaps read: whoever got this copy has to hear of a correction."""
        if self.channel is Channel.CALL and self.accepted_ms is not None:
            return True
        gone = (MessageState.SENDING, MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN)
        return self.state is None or self.state in gone


_COPY = """
    SELECT c.id AS copy_id, c.notice_id, c.version, c.phone_id, c.channel, c.kind, c.message_id,
           c.rung, m.state, m.accepted_ms
      FROM notice_copy c LEFT JOIN message_state m ON m.id = c.message_id
"""


def _copy(row: sqlite3.Row) -> CopyRow:
    return CopyRow(
        notice_id=row["notice_id"],
        version=row["version"],
        phone_id=row["phone_id"],
        channel=Channel(row["channel"]),
        kind=CopyKind(row["kind"]),
        message_id=row["message_id"],
        state=None if row["state"] is None else MessageState(row["state"]),
        accepted_ms=row["accepted_ms"],
        rung=Rung(row["rung"]),
    )


def copies_of(tx: sqlite3.Connection, notice_id: int, *, phone_id: int | None = None) -> list[CopyRow]:
    """Every message that carried the notice, of all versions, oldest first."""
    rows = tx.execute(
        _COPY + " WHERE c.notice_id = :notice AND (:phone IS NULL OR c.phone_id = :phone) ORDER BY c.id",
        {"notice": notice_id, "phone": phone_id},
    )
    return [_copy(row) for row in rows]


def copy_of_message(tx: sqlite3.Connection, message_id: int) -> CopyRow | None:
    """None where the message is none of ours."""
    row = tx.execute(_COPY + " WHERE c.message_id = :message", {"message": message_id}).fetchone()
    return None if row is None else _copy(row)


def unsent_to(tx: sqlite3.Connection, phone_id: int, since_ms: int) -> list[int]:
    """Messages of notices running since then that may still be sent to this phone of our own accord."""
    rows = tx.execute(
        "SELECT c.message_id FROM notice_copy c JOIN message_state m ON m.id = c.message_id"
        f" WHERE c.phone_id = :phone AND c.kind <> 'asked' AND {STILL_UNSENT}"
        f" AND c.notice_id IN (SELECT n.id FROM notice n WHERE {_RUNNING})",
        {"phone": phone_id, **_running(since_ms, 0)},
    )
    return [row["message_id"] for row in rows]


def version_of_message(tx: sqlite3.Connection, message_id: int) -> tuple[int, int] | None:
    """The notice and the version a message carried."""
    row = tx.execute(
        "SELECT notice_id, version FROM notice_copy WHERE message_id = :message", {"message": message_id}
    ).fetchone()
    return None if row is None else (row["notice_id"], row["version"])


def units_served(tx: sqlite3.Connection, notice_id: int, version: int) -> set[UnitId]:
    """The units that any copy of this version we sent of our own accord was meant for."""
    rows = tx.execute(
        "SELECT DISTINCT s.unit_id FROM notice_copy c JOIN notice_copy_serves s ON s.copy_id = c.id"
        " WHERE c.notice_id = :notice AND c.version = :version AND c.kind <> 'asked'",
        {"notice": notice_id, "version": version},
    )
    return {UnitId(row["unit_id"]) for row in rows}


def served_by_message(tx: sqlite3.Connection, message_id: int) -> list[UnitId]:
    rows = tx.execute(
        "SELECT s.unit_id FROM notice_copy c JOIN notice_copy_serves s ON s.copy_id = c.id"
        " WHERE c.message_id = :message ORDER BY s.unit_id",
        {"message": message_id},
    )
    return [UnitId(row["unit_id"]) for row in rows]


# confirmations


def add_confirmation(
    tx: sqlite3.Connection, *, notice_id: int, version: int, unit_id: int, via: str, phone_id: int | None, by: str,
    at_ms: int, lapsed_ms: int | None,
) -> bool:  # fmt: skip
    """False where this unit has confirmed this version before."""
    added = tx.execute(
        "INSERT INTO notice_confirmation (notice_id, version, unit_id, via, phone_id, recorded_by, at_ms, lapsed_ms)"
        " SELECT :notice, :version, :unit, :via, :phone, :by, :at, :lapsed WHERE NOT EXISTS (SELECT 1 FROM"
        " notice_confirmation WHERE unit_id = :unit AND version = :version"
        " AND (lapsed_ms IS NULL OR :lapsed IS NOT NULL))",
        {"notice": notice_id, "version": version, "unit": unit_id, "via": via, "phone": phone_id, "by": by, "at": at_ms,
         "lapsed": lapsed_ms},
    )  # fmt: skip
    return added.rowcount == 1


def lapse_confirmations(tx: sqlite3.Connection, notice_id: int, now_ms: int) -> int:
    changed = tx.execute(
        "UPDATE notice_confirmation SET lapsed_ms = :now WHERE notice_id = :notice AND lapsed_ms IS NULL",
        {"now": now_ms, "notice": notice_id},
    )
    return changed.rowcount


def lapse_confirmation_by(tx: sqlite3.Connection, unit_id: int, via: str, now_ms: int) -> None:
    """The one that counts, where it came this way."""
    tx.execute(
        "UPDATE notice_confirmation SET lapsed_ms = :now WHERE unit_id = :unit AND lapsed_ms IS NULL AND via = :via",
        {"now": now_ms, "unit": unit_id, "via": via},
    )


def confirmed_units(tx: sqlite3.Connection, notice_id: int) -> set[UnitId]:
    """Those whose confirmation stands."""
    rows = tx.execute(
        "SELECT unit_id FROM notice_confirmation WHERE notice_id = :notice AND lapsed_ms IS NULL", {"notice": notice_id}
    )
    return {UnitId(row["unit_id"]) for row in rows}


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: int
    text: str
    short_text: str
    due_ms: int | None
    author: str
    created_ms: int


def versions_of(tx: sqlite3.Connection, notice_id: int) -> list[VersionRow]:
    """Every wording, oldest first."""
    rows = tx.execute(
        "SELECT version, text, short_text, due_ms, author, created_ms FROM notice_version WHERE notice_id = :notice"
        " ORDER BY version",
        {"notice": notice_id},
    )
    return [VersionRow(*row) for row in rows]


# drafts


def keep_draft(tx: sqlite3.Connection, author: str, fields: dict[str, list[str]], now_ms: int) -> None:
    """What a clerk has typed; one draft a clerk, the newest."""
    tx.execute(
        "INSERT INTO notice_draft (author, fields, saved_ms) VALUES (:author, :fields, :now)"
        " ON CONFLICT (author) DO UPDATE SET fields = excluded.fields, saved_ms = excluded.saved_ms",
        {"author": author, "fields": json.dumps(fields, ensure_ascii=False), "now": now_ms},
    )


def draft_of(tx: sqlite3.Connection, author: str) -> tuple[dict[str, list[str]], int] | None:
    row = tx.execute("SELECT fields, saved_ms FROM notice_draft WHERE author = :author", {"author": author}).fetchone()
    return None if row is None else (json.loads(row["fields"]), row["saved_ms"])


def forget_draft(tx: sqlite3.Connection, author: str) -> None:
    tx.execute("DELETE FROM notice_draft WHERE author = :author", {"author": author})
