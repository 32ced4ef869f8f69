"""What would happen if this notice were sent: who gets what, what it costs, how long it takes. Writes nothing.

Never promises: the roster may change before a planned notice goes out.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from gateway.estimate import minutes_until_last
from gateway.message import Channel
from gateway.segments import Segments, count
from village.ground.clock import beijing
from village.ground.wording import RefusalError, Wording, say
from village.notices.compose import lint, refuse_too_long, reminder_text, sms_text
from village.notices.notice import Order, Rung, UnitKind, checked, unit_of
from village.notices.numbers import next_number, refuse_taken
from village.notices.office import Means, Office
from village.notices.spoken import ASK, call_seconds, greeting, spoken_notice
from village.notices.ways import Allotment, Unit, allot
from village.people.store import select


@dataclass(frozen=True, slots=True)
class Recipient:
    """One phone and whom it serves."""

    masked: str
    names: tuple[str, ...]
    group_no: int
    sms: bool
    call: bool


@dataclass(frozen=True, slots=True)
class Plan:
    order: Order
    number: int
    """The number it will bear, unless somebody else sends first."""
    unit: UnitKind
    units: int
    people: int
    phones: int
    text: str
    """The exact SMS."""
    segments: Segments
    call_lines: tuple[str, ...]
    call_seconds: int
    sms: int
    calls: int
    recipients: tuple[Recipient, ...]
    no_way: tuple[Unit, ...]
    """They go straight to the door list."""
    parts: int
    sms_fen: int
    """Of `fen`, what the SMS cost."""
    fen: int
    steps: tuple[Rung, ...]
    """What follows by itself to those who do not answer."""
    more_fen: int
    """What that costs at most: where nobody answers."""
    starts_ms: int
    done_ms: int
    minutes: int
    """From `now` (or the planned time) until the last one has it."""
    warnings: tuple[Wording, ...]

    @property
    def yuan(self) -> str:
        return f"{self.fen / 100:.2f}"

    def as_json(self) -> dict[str, object]:
        return {
            "number": self.number, "unit": str(self.unit), "units": self.units, "people": self.people,
            "urgent": self.order.urgent, "phones": self.phones, "sms": self.sms, "calls": self.calls, "text": self.text,
            "segments": self.segments.parts, "parts": self.parts, "fen": self.fen, "minutes": self.minutes,
            "then": [rung.name.lower() for rung in self.steps], "more_fen": self.more_fen,
            "starts_ms": self.starts_ms, "call": list(self.call_lines),
            "no_way": [{"name": unit.name, "group": unit.group_no, "why": str(unit.no_way)} for unit in self.no_way],
            "warnings": [str(warning) for warning in self.warnings],
        }  # fmt: skip


def plan(tx: sqlite3.Connection, means: Means, order: Order, now_ms: int) -> Plan:
    """Raises RefusalError for whatever `send_notice` would refuse."""
    late = order.at_ms is not None and order.at_ms <= now_ms
    order = checked(order, now_ms)
    if order.number is not None:
        refuse_taken(tx, order.number, now_ms)
    number = order.number if order.number is not None else next_number(tx, now_ms, urgent=order.urgent)
    refuse_too_long(means.office, number, order.channels, order.text, order.short_text)
    people = select(tx, order.audience)
    if not people:
        raise RefusalError(say("花名册里没有这样的人：{whom}", whom=order.audience.in_words()), status=422)
    usable = means.office.open_of(order.channels)
    allotment = allot(people, unit_of(order.audience), order.channels, usable=usable)
    made = reckon(order, number, allotment, means.office, now_ms)
    left_fen = means.left_fen(tx)
    if left_fen is not None and made.sms_fen > left_fen and not order.urgent:
        short = say(
            "本月短信的钱不够：这条要{yuan}元，只剩{left}元。发到用完为止；三天里没有加钱，剩下的就不发了，列进上门单",
            yuan=f"{made.sms_fen / 100:.2f}", left=f"{max(left_fen, 0) / 100:.2f}",
        )  # fmt: skip
        made = replace(made, warnings=(short, *made.warnings))
    if late:
        made = replace(made, warnings=(say("定的时间已经过了，会马上发"), *made.warnings))
    return made


def reckon(order: Order, number: int, allotment: Allotment, office: Office, now_ms: int) -> Plan:
    """The figures; pure."""
    text = sms_text(office, number, order.text, order.short_text, calls=order.channels.call)
    segments = count(text)
    sms, calls = allotment.count(Channel.SMS), allotment.count(Channel.CALL)
    parts, each_call_s = sms * segments.parts, call_seconds(office, order.text, corrected=False)
    minutes = minutes_until_last(
        sms_parts=parts,
        call_seconds=calls * each_call_s,
        calls=calls,
        sms_parts_per_minute=office.sms_per_minute,
        lines=office.call_lines,
    )
    asked_ms = order.at_ms if order.at_ms is not None else now_ms
    starts_ms, done_ms = asked_ms, asked_ms + minutes * 60_000
    if not order.urgent and (sms or calls):
        starts_ms, done_ms = within_open_hours(asked_ms, minutes, office.open_hours)
    steps = _steps(order, office)
    mobiles = sum(Channel.SMS in delivery.channels for delivery in allotment.deliveries)
    reminder = count(reminder_text(office, number, order.text, order.short_text, calls=order.channels.call)).parts
    each_call_fen = -(-each_call_s // 60) * office.call_price_fen
    more_fen = sum(
        mobiles * reminder * office.sms_price_fen
        if rung is Rung.REMINDER
        else len(allotment.deliveries) * each_call_fen
        for rung in steps
    )
    made = Plan(
        order=order,
        number=number,
        unit=unit_of(order.audience),
        units=len(allotment.units),
        people=allotment.people,
        phones=len(allotment.deliveries),
        text=text,
        segments=segments,
        call_lines=(greeting(office), *[spoken_notice(order.text, corrected=False)] * 2, ASK),
        call_seconds=each_call_s,
        sms=sms,
        calls=calls,
        recipients=_recipients(allotment),
        no_way=tuple(u for u in allotment.units if u.no_way is not None and order.channels.reaches_phones),
        parts=parts,
        sms_fen=parts * office.sms_price_fen,
        fen=parts * office.sms_price_fen + calls * each_call_fen,
        steps=steps,
        more_fen=more_fen,
        starts_ms=starts_ms,
        done_ms=done_ms,
        minutes=(done_ms - asked_ms) // 60_000,
        warnings=(),
    )
    return replace(made, warnings=tuple(_warnings(made, office)))


def _steps(order: Order, office: Office) -> tuple[Rung, ...]:
    """The order's rungs, or the village's usual ones, as far as there is a line and the notice goes that way."""
    rungs = office.ladder.rungs if order.rungs is None else order.rungs
    ways = {Channel.SMS: order.channels.sms, Channel.CALL: order.channels.call}
    return tuple(rung for rung in rungs if office.carries(rung.channel) and ways[rung.channel])


def _warnings(made: Plan, office: Office) -> list[Wording]:
    order = made.order
    warnings = lint(order, made.number, made.sms, office)
    if order.urgent and (made.sms or made.calls):
        warnings.insert(0, say("急事：现在就发，夜里、午休也会响。只用于危及人命的事"))
    if order.channels.sms and not office.texts:
        warnings.append(say("村里还没有接短信的线路，这条一条短信也不发"))
    if order.channels.call and not office.calls:
        warnings.append(say("村里还没有接打电话的线路，这条一个电话也不打"))
    if order.due_ms is not None and made.done_ms > order.due_ms:
        warnings.append(say("来不及：发完最后一个要{minutes}分钟，晚于“几时前要人人知道”", minutes=made.minutes))
    return warnings


def _recipients(allotment: Allotment) -> tuple[Recipient, ...]:
    return tuple(
        Recipient(
            masked=delivery.phone.masked,
            names=tuple(allotment.units[place].name for place in delivery.serves),
            group_no=allotment.units[delivery.serves[0]].group_no,
            sms=Channel.SMS in delivery.channels,
            call=Channel.CALL in delivery.channels,
        )
        for delivery in allotment.deliveries
    )


def within_open_hours(start_ms: int, minutes: int, open_hours: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """When the first minute of work falls and when the last one ends, if only open hours are worked."""
    moment = beijing(start_ms)
    midnight_ms = (
        start_ms - ((moment.hour * 60 + moment.minute) * 60 + moment.second) * 1000 - moment.microsecond // 1000
    )
    left_ms, first_ms = minutes * 60_000, None
    while True:
        for opens, closes in open_hours:
            begin_ms = max(midnight_ms + opens * 60_000, start_ms)
            end_ms = midnight_ms + closes * 60_000
            if begin_ms >= end_ms:
                continue
            first_ms = begin_ms if first_ms is None else first_ms
            if left_ms <= end_ms - begin_ms:
                return first_ms, begin_ms + left_ms
            left_ms -= end_ms - begin_ms
        midnight_ms += 86_400_000
