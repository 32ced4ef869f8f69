"""The rungs after the first copy: reminder, call, second call at another time of day, then somebody knocks. Pure rules.

Never climbs past the last rung, and never knows who is on the phone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.message import Channel, State
from village.ground.clock import beijing
from village.notices.notice import Channels, Notice, Rung

_MIN_MS = 60_000
_HOUR_MS = 60 * _MIN_MS


# one phone: when its SMS fails there is no need to wait for the call

_NOBODY_THERE = frozenset({"dead_number", "content", "unreadable"})
"""A call would end as the SMS did: the number does not exist, or the words cannot be sent."""

_NEXT = {Channel.SMS: Channel.CALL}
"""The door follows the last rung by itself: a household with nothing left under way is on the list."""

_FAILED = frozenset({State.FAILED, State.UNKNOWN})
"""Not `expired`: what was not worth sending any more is not worth a call. `unknown` counts as unreached."""


def nobody_there(error: str | None) -> bool:
    """Whether this error says that a call, or another one, would end the same way."""
    return (error or "").partition("/")[0] in _NOBODY_THERE


def next_rung(
    channel: Channel, after: State, error: str | None, channels: Channels, *, phone_kind: str
) -> Channel | None:
    """The channel to try next on the same phone, or None where only the door is left."""
    following = _NEXT.get(channel)
    if after not in _FAILED or nobody_there(error) or following is None:
        return None
    return following if channels.call and phone_kind in ("mobile", "landline") else None


# all who have not answered: when the next rung comes


@dataclass(frozen=True, slots=True)
class Ladder:
    """How long after a notice its rungs come, as the village wants it. `second_call`: whether there is one."""

    remind_after_h: int = 4
    call_after_h: int = 8
    second_call: bool = True

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """0 hours: that rung is left out."""
        wanted = ((Rung.REMINDER, self.remind_after_h > 0), (Rung.CALL, self.call_after_h > 0))
        found = [rung for rung, there in wanted if there]
        return (*found, Rung.SECOND_CALL) if self.second_call and Rung.CALL in found else tuple(found)


_URGENT_MS: Mapping[Rung, int] = {Rung.REMINDER: 5 * _MIN_MS, Rung.CALL: 10 * _MIN_MS, Rung.SECOND_CALL: 25 * _MIN_MS}
"""Danger to life: minutes, at any hour."""

_SHARE = {Rung.REMINDER: 0.25, Rung.CALL: 0.5}
"""Where little time is left before the door list opens: these shares of it, instead of hours."""

_APART_MS = 3 * _HOUR_MS
"""Two calls closer than this find the same empty house."""

OpenHours = Sequence[tuple[int, int]]


def rung_ms(
    rung: Rung,
    notice: Notice,
    ladder: Ladder,
    climbed: Mapping[Rung, int],
    *,
    door_ms: int,
    open_hours: OpenHours,
    reminded_ms: int | None = None,
) -> int | None:
    """When the rung comes; None where it does not: not before the door list opens, or before there was a first call.

    `climbed`: when earlier rungs of this wording really were. `open_hours`: spans of minutes of the Beijing day.
    `reminded_ms`: when the reminder comes or came, where it does. The night may have put it off: whoever is reminded
    when the office opens is not rung in the same minute.
    """
    since_ms = max(notice.start_ms, notice.version_ms)
    if notice.urgent:
        at_ms = since_ms + after_first_ms(rung, notice, ladder, door_ms)
    elif rung is Rung.SECOND_CALL:
        if Rung.CALL not in climbed:
            return None
        at_ms = other_time_ms(climbed[Rung.CALL], open_hours)
    else:
        at_ms = next_open_ms(since_ms + after_first_ms(rung, notice, ladder, door_ms), open_hours)
        if rung is Rung.CALL and reminded_ms is not None:
            spans = _spans_ms(ladder, door_ms - reminded_ms)
            later = [max(at_ms, next_open_ms(reminded_ms + span_ms, open_hours)) for span_ms in spans]
            at_ms = next((each for each in later if each < door_ms), door_ms)
    return at_ms if at_ms < door_ms else None


def after_first_ms(rung: Rung, notice: Notice, ladder: Ladder, door_ms: int) -> int:
    """How long after the first copy the reminder or the call comes, as if every hour were open."""
    if notice.urgent:
        return _URGENT_MS[rung]
    hours = ladder.remind_after_h if rung is Rung.REMINDER else ladder.call_after_h
    left_ms = door_ms - max(notice.start_ms, notice.version_ms)
    return min(hours * _HOUR_MS, round(left_ms * _SHARE[rung]))


def _spans_ms(ladder: Ladder, left_ms: int) -> list[int]:
    """From the reminder to the call, best first: the village's hours, or a third of what is left before the door list
    opens. A third of what a quarter leaves is the quarter up to `_SHARE`'s half.
    """
    hours_ms = (ladder.call_after_h - ladder.remind_after_h) * _HOUR_MS
    return [hours_ms, left_ms // 3] if 2 * hours_ms <= left_ms else [left_ms // 3]


def is_open(at_ms: int, open_hours: OpenHours) -> bool:
    """Whether ordinary messages go out at that instant."""
    return next_open_ms(at_ms, open_hours) == at_ms


def next_open_ms(at_ms: int, open_hours: OpenHours) -> int:
    """`at_ms` itself where it lies in open hours, else their next beginning."""
    midnight_ms, minute = _of_day(at_ms)
    if any(opens <= minute < closes for opens, closes in open_hours):
        return at_ms
    begins = [opens for opens, _ in open_hours]
    later = [opens for opens in begins if opens > minute]
    return midnight_ms + (later[0] if later else begins[0] + 24 * 60) * _MIN_MS


def other_time_ms(first_ms: int, open_hours: OpenHours) -> int:
    """The next time of day at which somebody may be home who was not at the first: who is out in the morning is back
    in the evening, and the other way round."""
    midnight_ms, _ = _of_day(first_ms)
    morning, evening = open_hours[0][0] + 30, max(open_hours[-1][1] - 150, open_hours[-1][0])
    times = [midnight_ms + (day * 24 * 60 + minute) * _MIN_MS for day in (0, 1, 2) for minute in (morning, evening)]
    return next(
        at_ms for at_ms in times if at_ms >= first_ms + _APART_MS and _part_of_day(at_ms) != _part_of_day(first_ms)
    )


def _part_of_day(at_ms: int) -> int:
    hour = beijing(at_ms).hour
    return 0 if hour < 12 else 1 if hour < 17 else 2


def _of_day(at_ms: int) -> tuple[int, int]:
    """Beijing's midnight before, and the minutes since."""
    moment = beijing(at_ms)
    minute = moment.hour * 60 + moment.minute
    return at_ms - minute * _MIN_MS - moment.second * 1000 - moment.microsecond // 1000, minute


def due_rung(times: Mapping[Rung, int | None], climbed: Collection[Rung], now_ms: int) -> Rung | None:
    """The rung to climb now. After a long power cut not one after the other: the reminder gives way to the call."""
    highest = max(climbed, default=Rung.FIRST)
    due = [rung for rung, at_ms in times.items() if at_ms is not None and at_ms <= now_ms and rung > highest]
    if Rung.CALL in due:
        return Rung.CALL
    return min(due, default=None)
