"""Correct a notice: whoever may have the old words hears that they were wrong, everybody else only the new.

Never lets an answer to the old words stand for the new ones.
"""

from __future__ import annotations

import logging
import sqlite3
from dataclasses import dataclass

from gateway.message import Channel
from village.ground.wording import RefusalError, say
from village.notices import store
from village.notices.compose import refuse_too_long
from village.notices.confirm import units_behind
from village.notices.dispatch import Letter, in_turn, post
from village.notices.notice import CopyKind, Notice, State, UnitId, refuse_texts, tidy
from village.notices.office import Means, Office
from village.notices.stop_notice import refuse_outdated, withdraw_unsent
from village.notices.ways import allot, ways_to
from village.people.store import phone_by_id, select

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Corrected:
    notice: Notice
    corrected: int
    """Phones that are told the old words were wrong."""
    renewed: int
    """Phones the old words never reached: they get the notice as if it were the first."""
    no_way: int
    """Households (or persons) that have to be told at the door."""
    lapsed: int
    """Confirmations of the old words."""


def correct_notice(
    tx: sqlite3.Connection,
    means: Means,
    notice_id: int,
    *,
    text: str,
    short_text: str = "",
    due_ms: int | None,
    seen_version: int,
    by: str,
    now_ms: int,
) -> Corrected:
    """Also revives a stopped notice. Raises RefusalError (409 where somebody was faster, 422 where nothing changes)."""
    notice = store.notice_of(tx, notice_id)
    text, short_text = tidy(text), tidy(short_text)
    short_text = short_text if short_text != text else ""
    wanted = (text, short_text, due_ms)
    if notice.version == seen_version + 1 and (notice.text, notice.short_text, notice.due_ms) == wanted:
        return _done_before(tx, notice)
    refuse_outdated(notice, seen_version)
    refuse_texts(text, short_text)
    if wanted == (notice.text, notice.short_text, notice.due_ms) and notice.state is not State.STOPPED:
        raise RefusalError(say("内容没有改动"), status=422)
    if due_ms is not None and due_ms <= max(now_ms, notice.start_ms):
        raise RefusalError(say("“几时前要人人知道”要晚于发出的时间"), status=422)
    refuse_too_long(means.office, notice.number, notice.channels, text, short_text)
    withdraw_unsent(tx, means, notice)
    if notice.state is State.STOPPED and not notice.went_out:
        raise RefusalError(say("这条通知没有发出去过，请重新写一条"), status=409)
    letters = _letters(tx, means.office, notice) if notice.went_out else []
    store.begin_version(tx, notice, text=text, short_text=short_text, due_ms=due_ms, author=by, now_ms=now_ms)
    lapsed = store.lapse_confirmations(tx, notice.id, now_ms)
    corrected = store.notice_of(tx, notice.id)
    post(tx, means, corrected, letters, now_ms)
    log.info("notice corrected notice=%d version=%d messages=%d", notice.id, corrected.version, len(letters))
    return _outcome(tx, corrected, letters, lapsed)


@dataclass(frozen=True, slots=True)
class CorrectionPlan:
    """What a correction would send, were it sent now."""

    corrected: int
    renewed: int
    messages: int
    calls: int


def plan_correction(tx: sqlite3.Connection, office: Office, notice: Notice) -> CorrectionPlan:
    """Looks only; what is queued now counts as withdrawn."""
    letters = _letters(tx, office, notice, frozen=False)
    phones = {kind: {letter.phone.id for letter in letters if letter.kind is kind} for kind in CopyKind}
    calls = sum(letter.channel is Channel.CALL for letter in letters)
    return CorrectionPlan(len(phones[CopyKind.CORRECTION]), len(phones[CopyKind.NOTICE]), len(letters) - calls, calls)


def _letters(tx: sqlite3.Connection, office: Office, notice: Notice, *, frozen: bool = True) -> list[Letter]:
    """Today's phones of those who were addressed then, and every other phone the old words went to.

    A phone that opted out since gets nothing more; its household is told at the door. One that was passed on hears of
    the correction and serves whoever holds it now, perhaps nobody: who had the old words on it is told at the door too.
    """
    units = store.units_of(tx, notice.id)
    had_it = {copy.phone_id for copy in store.copies_of(tx, notice.id) if copy.may_have_been_read}
    usable = office.open_of(notice.channels)
    allotment = allot(select(tx, notice.audience), notice.unit, notice.channels, usable=usable)
    places = {place: units[unit.key] for place, unit in enumerate(allotment.units) if unit.key in units}
    letters, seen = [], set()
    for delivery in in_turn(allotment.deliveries):
        serves = tuple(places[place] for place in delivery.serves if place in places)
        if not serves:
            continue
        seen.add(delivery.phone.id)
        kind = CopyKind.CORRECTION if delivery.phone.id in had_it else CopyKind.NOTICE
        letters += [Letter(delivery.phone, channel, kind, serves) for channel in delivery.channels]
    for phone_id in sorted(had_it - seen):
        phone = phone_by_id(tx, phone_id)
        if phone is None:
            continue
        serves = tuple(units_behind(tx, notice, phone_id))
        for _, channels in ways_to([phone], usable):
            letters += [Letter(phone, channel, CopyKind.CORRECTION, serves) for channel in channels]
    if frozen:
        _renew_no_way(tx, {unit.key: unit.no_way for unit in allotment.units}, units)
    return letters


def _renew_no_way(
    tx: sqlite3.Connection,
    reasons: dict[tuple[int, int | None], str | None],
    units: dict[tuple[int, int | None], UnitId],
) -> None:
    """Somebody may have got a phone, or lost one, since the notice went out."""
    for key, unit_id in units.items():
        if key in reasons:
            store.mark_no_way(tx, unit_id, reasons[key])


def _outcome(tx: sqlite3.Connection, notice: Notice, letters: list[Letter], lapsed: int) -> Corrected:
    told = {letter.phone.id for letter in letters if letter.kind is CopyKind.CORRECTION}
    fresh = {letter.phone.id for letter in letters if letter.kind is CopyKind.NOTICE}
    served = {unit_id for letter in letters for unit_id in letter.serves}
    return Corrected(notice, len(told), len(fresh), len(store.units_of(tx, notice.id)) - len(served), lapsed)


def _done_before(tx: sqlite3.Connection, notice: Notice) -> Corrected:
    """The same correction asked for again, after a power cut swallowed the answer."""
    copies = [copy for copy in store.copies_of(tx, notice.id) if copy.version == notice.version]
    told = {copy.phone_id for copy in copies if copy.kind is CopyKind.CORRECTION}
    fresh = {copy.phone_id for copy in copies if copy.kind is CopyKind.NOTICE}
    served = store.units_served(tx, notice.id, notice.version)
    return Corrected(notice, len(told), len(fresh), len(store.units_of(tx, notice.id)) - len(served), 0)
