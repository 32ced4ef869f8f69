"""Record that a household (or person) has the notice: by SMS, by a key in a call, on the page, at the door.

Never lets an answer to an older wording confirm the current one: it is kept, and counts for nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from gateway.message import Channel
from village.ground.wording import RefusalError, say
from village.notices import store
from village.notices.dispatch import Letter, post
from village.notices.notice import CopyKind, Notice, State, UnitId, UnitKind
from village.notices.office import Means
from village.people.store import PhoneRow, holders
from village.questions import CENTRE_SLACK_MS


class Via(StrEnum):
    SMS = "sms"
    CALL = "call"
    PAGE = "page"
    DOOR = "door"
    WECHAT = "wechat"
    """Read off a list that a WeChat group kept, counted by a clerk."""
    TASK = "task"
    """Nobody has done what a notice asks without knowing of it: recorded at the desk as done."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    notice: Notice
    version: int
    """The wording that was answered."""
    counted: bool
    """Whether it is the current one."""
    units: int
    """Households or persons this speaks for; 0: a stranger's."""
    already: bool
    """Said before; once is enough."""


def confirm(
    tx: sqlite3.Connection,
    notice_id: int,
    *,
    via: Via | str,
    at_ms: int,
    phone_id: int | None = None,
    household_id: int | None = None,
    resident_id: int | None = None,
    message_id: int | None = None,
    by: str = "",
) -> Confirmed:
    """`message_id`: the message that was answered. Without it, the newest wording this phone had been sent by `at_ms`.

    Exactly one of phone, household and resident says who. Raises RefusalError (404) for a notice there is not.
    """
    notice = store.notice_of(tx, notice_id)
    version = _version_answered(tx, notice, phone_id, message_id, at_ms)
    units = _units(tx, notice, phone_id, household_id, resident_id)
    counted = version == notice.version and notice.state is not State.PLANNED
    added = [
        store.add_confirmation(
            tx, notice_id=notice.id, version=version, unit_id=unit_id, via=Via(via), phone_id=phone_id, by=by,
            at_ms=at_ms, lapsed_ms=None if counted else at_ms,
        )
        for unit_id in units
    ]  # fmt: skip
    return Confirmed(notice, version, counted, len(units), already=bool(units) and not any(added))


def _version_answered(
    tx: sqlite3.Connection, notice: Notice, phone_id: int | None, message_id: int | None, at_ms: int
) -> int:
    if message_id is not None:
        found = store.version_of_message(tx, message_id)
        if found is not None and found[0] == notice.id:
            return found[1]
    if phone_id is None:
        return notice.version
    copies = store.copies_of(tx, notice.id, phone_id=phone_id)
    seen = [
        copy.version for copy in copies if copy.accepted_ms is not None and copy.accepted_ms <= at_ms + CENTRE_SLACK_MS
    ]
    if seen:
        return max(seen)
    if at_ms + CENTRE_SLACK_MS >= notice.version_ms:
        return notice.version
    older = [row.version for row in store.versions_of(tx, notice.id) if row.created_ms <= at_ms + CENTRE_SLACK_MS]
    return max(older, default=1)


def _units(
    tx: sqlite3.Connection, notice: Notice, phone_id: int | None, household_id: int | None, resident_id: int | None
) -> list[UnitId]:
    """A phone speaks for those who hold it now: whoever it served when the copy went out may have passed it on."""
    units = store.units_of(tx, notice.id)
    if phone_id is not None:
        held_by = holders(tx, phone_id)
        if notice.unit is UnitKind.PERSON:
            people = {holder.resident_id for holder in held_by}
            return sorted(unit_id for (_, resident), unit_id in units.items() if resident in people)
        homes = {holder.household_id for holder in held_by}
        return sorted(unit_id for (household, _), unit_id in units.items() if household in homes)
    return [
        unit_id
        for (household, resident), unit_id in units.items()
        if (resident_id is not None and resident == resident_id) or (resident_id is None and household == household_id)
    ]


def confirm_units(
    tx: sqlite3.Connection, notice_id: int, unit_ids: Collection[int], *, via: Via, seen_version: int, by: str,
    now_ms: int,
) -> tuple[int, int]:  # fmt: skip
    """A clerk counts these as having the notice; returns how many are new, and how many had confirmed before.

    Raises RefusalError (404 for a household it never went to; 409 where it was stopped, or corrected since the clerk
    looked: those he read off a list answered the old words).
    """
    notice = store.notice_of(tx, notice_id)
    if notice.state is not State.SENT:
        raise RefusalError(say("通知{number}没有在发，什么都没有记", number=notice.number), status=409)
    if notice.version != seen_version:
        raise RefusalError(
            say("通知{number}刚刚更正过，名单里的人回的是旧的，什么都没有记", number=notice.number), status=409
        )
    if not set(store.units_of(tx, notice.id).values()).issuperset(unit_ids):
        raise RefusalError(say("这条通知没有发给这一户"), status=404)
    standing = store.confirmed_units(tx, notice.id)
    new = [unit_id for unit_id in sorted(unit_ids) if unit_id not in standing]
    for unit_id in new:
        store.add_confirmation(
            tx, notice_id=notice.id, version=notice.version, unit_id=unit_id, via=via, phone_id=None, by=by,
            at_ms=now_ms, lapsed_ms=None,
        )  # fmt: skip
    return len(new), len(set(unit_ids)) - len(new)


def take_back(tx: sqlite3.Connection, notice_id: int, unit_id: int, *, now_ms: int) -> None:
    """Counted off a list by mistake. What the household answered itself stays. Raises RefusalError (404)."""
    if unit_id not in store.units_of(tx, store.notice_of(tx, notice_id).id).values():
        raise RefusalError(say("这条通知没有发给这一户"), status=404)
    store.lapse_confirmation_by(tx, unit_id, Via.WECHAT, now_ms)


def units_behind(tx: sqlite3.Connection, notice: Notice, phone_id: int) -> list[UnitId]:
    """The households or persons an answer from this phone speaks for."""
    return _units(tx, notice, phone_id, None, None)


def note_asked(
    tx: sqlite3.Connection, notice: Notice, phone_id: int, *, channel: Channel, message_id: int, now_ms: int
) -> None:
    """A reply carried the notice's words to this phone (0117): should they prove wrong, it hears of it too."""
    serves = _units(tx, notice, phone_id, None, None)
    store.add_copy(
        tx, notice_id=notice.id, version=notice.version, phone_id=phone_id, channel=channel, kind=CopyKind.ASKED,
        message_id=message_id, serves=serves, now_ms=now_ms,
    )  # fmt: skip


def read_to(tx: sqlite3.Connection, means: Means, notice: Notice, phone: PhoneRow, now_ms: int) -> int:
    """Ring this phone and read it the notice (0217, 02), ahead of what nobody waits for. Returns the message's id.

    Raises RefusalError (409) for a notice that was stopped.
    """
    if notice.state is not State.SENT:
        raise RefusalError(say("通知{number}已经停发", number=notice.number), status=409)
    serves = tuple(_units(tx, notice, phone.id, None, None))
    return post(tx, means, notice, [Letter(phone, Channel.CALL, CopyKind.ASKED, serves)], now_ms)[0]
