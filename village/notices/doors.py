"""The door list: who has to be told in person, what was tried before, who goes, and who has been.

Never drops somebody silently: a household leaves the list by answering, by being ticked off, with name and time, or
once the roster says that nobody of it is there any more.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.message import Channel
from gateway.message import State as MessageState
from village.ground.clock import beijing
from village.ground.wording import RefusalError, Wording, say
from village.notices.climb_store import climbed_each
from village.notices.confirm import Via
from village.notices.notice import Notice, Rung, UnitId, UnitKind
from village.notices.office import Office
from village.notices.reach import to_visit
from village.notices.reach_store import Try, UnitRow, put_visit, put_who, tries_each, unit_rows, units_each
from village.notices.running import running
from village.notices.steps import second_to_come
from village.notices.store import add_confirmation, lapse_confirmation_by, notice_of
from village.notices.ways import NoWay
from village.people.born import Born
from village.people.store import everybody


@dataclass(frozen=True, slots=True)
class Door:
    """One household (or person) on the list."""

    unit_id: UnitId
    household_id: int
    name: str
    group_no: int
    age: int | None
    alone: bool
    away: bool
    had_old: bool
    """Knows the old words: has to hear that they were wrong."""
    tried: tuple[Wording, ...]
    who: str
    ticked_ms: int | None
    ticked_by: str | None

    @property
    def ticked(self) -> bool:
        return self.ticked_ms is not None

    def as_json(self) -> dict[str, object]:
        return {
            "household": self.household_id, "name": self.name, "group": self.group_no, "age": self.age,
            "alone": self.alone, "away": self.away, "tried": [str(step) for step in self.tried], "who": self.who,
            "ticked_ms": self.ticked_ms, "ticked_by": self.ticked_by,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class DoorList:
    notice: Notice
    doors: tuple[Door, ...]
    opens_ms: int
    """From when those who only did not answer are on it."""

    @property
    def open(self) -> tuple[Door, ...]:
        return tuple(door for door in self.doors if not door.ticked)

    @property
    def groups(self) -> dict[int, list[Door]]:
        """In group order, for one sheet a group."""
        numbers = sorted({door.group_no for door in self.doors})
        return {number: [door for door in self.doors if door.group_no == number] for number in numbers}

    def as_json(self) -> dict[str, object]:
        return {
            "number": self.notice.number,
            "unit": str(self.notice.unit),
            "open": len(self.open),
            "doors": [door.as_json() for door in self.doors],
        }


def doors(tx: sqlite3.Connection, notice_id: int, now_ms: int, office: Office) -> DoorList:
    """Those to visit and those already visited for this version. Raises RefusalError (404)."""
    notice = notice_of(tx, notice_id)
    return _door_lists(tx, [notice], now_ms, office)[0]


def open_doors(tx: sqlite3.Connection, now_ms: int, office: Office) -> list[DoorList]:
    """Every running notice that still has somebody to be told, newest first."""
    return [found for found in _door_lists(tx, running(tx, office, now_ms), now_ms, office) if found.open]


def _door_lists(tx: sqlite3.Connection, notices: Sequence[Notice], now_ms: int, office: Office) -> list[DoorList]:
    climbed, units = climbed_each(tx, notices), units_each(tx, [notice.id for notice in notices])
    listed = {notice.id: _listed(notice, units[notice.id], now_ms, office, climbed[notice.id]) for notice in notices}
    any_listed = [unit.id for rows in listed.values() for unit in rows]
    tries = tries_each(tx, [notice_id for notice_id, rows in listed.items() if rows], any_listed)
    leaders = _leaders(tx) if any_listed else {}
    lists = []
    for notice in notices:
        found = [_door(unit, notice, tries.get(unit.id, []), leaders, now_ms) for unit in listed[notice.id]]
        opens_ms = notice.door_ms(office.door_after_h)
        lists.append(DoorList(notice, tuple(sorted(found, key=_most_in_need_first)), opens_ms))
    return lists


def _listed(
    notice: Notice, units: Sequence[UnitRow], now_ms: int, office: Office, climbed: Mapping[Rung, int]
) -> list[UnitRow]:
    door_ms, again = notice.door_ms(office.door_after_h), second_to_come(notice, office, climbed)
    return [
        unit for unit in units if unit.ticked_ms is not None or to_visit(unit, notice, door_ms, now_ms, again=again)
    ]


def _most_in_need_first(door: Door) -> tuple[bool, int, bool, bool, int]:
    return door.ticked, door.group_no, door.away, not door.alone, -(door.age or 0)


def _leaders(tx: sqlite3.Connection) -> dict[int, str]:
    """The first leader each group's roster names."""
    named: dict[int, str] = {}
    for person in everybody(tx):
        if person.marks.group_leader:
            named.setdefault(person.group_no, person.name)
    return named


def _door(unit: UnitRow, notice: Notice, tries: Sequence[Try], leaders: dict[int, str], now_ms: int) -> Door:
    shown_age = unit.alone or notice.unit is UnitKind.PERSON
    return Door(
        unit_id=unit.id,
        household_id=unit.household_id,
        name=unit.name,
        group_no=unit.group_no,
        age=Born.from_iso(unit.born).age_on(beijing(now_ms).date()) if unit.born and shown_age else None,
        alone=unit.alone,
        away=unit.away,
        had_old=unit.had_old,
        tried=tuple(tried_words(unit, [one for one in tries if one.version == notice.version])),
        who=unit.who or leaders.get(unit.group_no, ""),
        ticked_ms=unit.ticked_ms,
        ticked_by=unit.ticked_by,
    )


_NO_WAY = {
    NoWay.NO_PHONE: say("没有电话"),
    NoWay.OPTED_OUT: say("已退订短信"),
    NoWay.NO_CHANNEL: say("这条没走他的那条路"),
    NoWay.NO_LINE: say("还没有接线路"),
}

_ENDS = {
    "dead_number": say("空号"),
    "full_phone": say("手机满了"),
    "no_signal": say("没信号"),
    "busy": say("占线"),
    "no_answer": say("没人接"),
    "hung_up": say("没听完就挂了"),
    "refused": say("运营商不收"),
    "content": say("运营商不收"),
    "no_credit": say("话费用完"),
    "no_line": say("不走国外线路"),
}

_STATES = {
    MessageState.QUEUED: say("还在排队"),
    MessageState.SENDING: say("正在发"),
    MessageState.ACCEPTED: say("交了运营商，没到"),
    MessageState.DELIVERED: say("到了"),
    MessageState.UNKNOWN: say("不知到没到"),
    MessageState.EXPIRED: say("过期没发"),
    MessageState.WITHDRAWN: say("撤回了"),
    MessageState.FAILED: say("没发成"),
}


def tried_words(unit: UnitRow, tries: Sequence[Try]) -> list[Wording]:
    """短信1 空号 · 电话2 没人接"""
    if not tries:
        return [_NO_WAY[unit.no_way or NoWay.NO_PHONE]]
    times: Counter[tuple[Channel, Wording]] = Counter()
    for one in tries:
        unanswered = one.channel is Channel.SMS and one.state is MessageState.DELIVERED
        times[one.channel, say("到了，没回") if unanswered else outcome(one)] += max(one.tries, 1)
    return [
        say("短信{n} {how}", n=times[key], how=how) if (key := (channel, how))[0] is Channel.SMS
        else say("电话{n} {how}", n=times[key], how=how)
        for channel, how in times
    ]  # fmt: skip


def outcome(one: Try) -> Wording:
    """What became of one message, in two or three words."""
    if one.channel is Channel.CALL and one.heard_ms is not None:
        return say("听完了")
    reason = (one.error or "").partition("/")[0]
    if one.state is None:
        return say("记录已清")
    return _ENDS.get(reason, _STATES[one.state]) if one.state is MessageState.FAILED else _STATES[one.state]


# writing


def assign(tx: sqlite3.Connection, notice_id: int, unit_id: int, who: str) -> None:
    """Somebody else than the group's leader goes. Raises RefusalError (404, 422)."""
    notice, _ = _unit(tx, notice_id, unit_id)
    if len(who) > 20:
        raise RefusalError(say("名字最多20个字"), status=422)
    put_who(tx, unit_id, notice.version, who.strip())


def tick(tx: sqlite3.Connection, notice_id: int, unit_id: int, *, seen_version: int, by: str, now_ms: int) -> None:
    """Told at the door: this confirms. Ticking twice keeps the first name and time.

    Raises RefusalError (404; 409 where the notice was corrected since the sheet was printed).
    """
    notice, unit = _unit(tx, notice_id, unit_id)
    if notice.version != seen_version:
        raise RefusalError(
            say("通知{number}已经更正，{name}家听到的是旧的，要再去说一声", number=notice.number, name=unit.name),
            status=409,
        )
    if unit.ticked_ms is not None:
        return
    put_visit(tx, unit_id, notice.version, ticked_ms=now_ms, ticked_by=by)
    add_confirmation(
        tx, notice_id=notice.id, version=notice.version, unit_id=unit_id, via=Via.DOOR, phone_id=None, by=by,
        at_ms=now_ms, lapsed_ms=None,
    )  # fmt: skip


def untick(tx: sqlite3.Connection, notice_id: int, unit_id: int, *, now_ms: int) -> None:
    """Ticked by mistake. An answer the household gave itself stays. Raises RefusalError (404)."""
    notice, unit = _unit(tx, notice_id, unit_id)
    if unit.ticked_ms is None:
        return
    put_visit(tx, unit_id, notice.version, ticked_ms=None, ticked_by=None)
    lapse_confirmation_by(tx, unit_id, Via.DOOR, now_ms)


def _unit(tx: sqlite3.Connection, notice_id: int, unit_id: int) -> tuple[Notice, UnitRow]:
    notice = notice_of(tx, notice_id)
    found = unit_rows(tx, notice_id, unit_id)
    if not found:
        raise RefusalError(say("上门单上没有这一户"), status=404)
    return notice, found[0]
