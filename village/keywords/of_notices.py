"""What 9, 01, 0117, 02, 0217 and 020 come to: which notice an answer belongs to, and who may have which.

Reads only.
"""

from __future__ import annotations

from gateway.estimate import minutes_until_last
from gateway.message import Priority
from gateway.segments import count
from village import questions
from village.ground.clock import beijing
from village.ground.wording import say
from village.keywords import of_tasks, store
from village.keywords.commands import (
    Received,
)
from village.keywords.decision import (
    CancelRinging,
    Confirm,
    Decision,
    Intent,
    NoteFetched,
    Ring,
)
from village.keywords.gist import gist
from village.keywords.of_suggestions import suggestion
from village.keywords.reading import Reading
from village.keywords.replies import Reply
from village.notices.compose import LONGEST_SMS_PARTS, sms_text
from village.notices.notice import Notice, State
from village.notices.spoken import call_seconds
from village.notices.store import latest, newest_by_number, notice_of
from village.people.store import PhoneRow
from village.questions import Question

_NOTICE = "notice"
_LISTED_NOTICES = 3


def received(reading: Reading, phone: PhoneRow, command: Received) -> Decision:
    if (answered := of_tasks.reminded(reading, phone, command)) is not None:
        return answered
    asked = _asked(reading, phone, number=command.number)
    if command.number is not None and asked is None:
        notice = _readable(reading, phone, command.number)
        if notice is None:
            why = say("没有发给他的通知{number}", number=command.number)
            return Decision(Intent.CLARIFY, why, reading.replies.no_notice(command.number))
        return _confirmed(reading, phone, notice, None)
    if asked is None:
        if command.about:
            return suggestion(reading, phone, reading.text)
        return Decision(Intent.CLARIFY, say("他的手机上没有等着回的通知"), reading.replies.nothing_asked())
    notice = notice_of(reading.tx, asked.subject_id)
    if command.about and command.about not in notice.text:
        return suggestion(reading, phone, reading.text)
    return _confirmed(reading, phone, notice, asked.message_id)


def _asked(reading: Reading, phone: PhoneRow, *, number: int | None = None) -> Question | None:
    """The notice this phone had been sent last when the text was written."""
    return questions.newest(
        reading.tx, phone.id, reading.answered_ms, kinds={_NOTICE}, number=number, waiting=reading.rehearsed
    )


def _confirmed(reading: Reading, phone: PhoneRow, notice: Notice, message_id: int | None) -> Decision:
    return Decision(
        Intent.CONFIRM,
        say("收到通知{number}", number=notice.number),
        effects=(Confirm(phone.id, notice.id, message_id, reading.answered_ms),),
        concerns=f"notice/{notice.id}",
    )


def assent(reading: Reading, phone: PhoneRow) -> Decision:
    """好的 answers a notice only where the notice was the last thing the phone had from us."""
    asked = questions.newest(reading.tx, phone.id, reading.answered_ms, waiting=reading.rehearsed)
    answered_since = asked is not None and any(one.at_ms > asked.asked_ms for one in reading.answered)
    if asked is None or asked.kind != _NOTICE or answered_since:
        return Decision(Intent.IGNORE, say("应一声，没有等着他回的事：记下，不回"))
    return _confirmed(reading, phone, notice_of(reading.tx, asked.subject_id), asked.message_id)


def _readable(reading: Reading, phone: PhoneRow, number: int) -> Notice | None:
    """The notice of that number, if it still stands and this phone may have it: it is public, or was sent to it."""
    notice = newest_by_number(reading.tx, number)
    if notice is None or notice.state is not State.SENT:
        return None
    return notice if _open_to(reading, phone, notice) else None


def _open_to(reading: Reading, phone: PhoneRow, notice: Notice) -> bool:
    if notice.on_page:
        return True
    asked = _asked(reading, phone, number=notice.number)
    return asked is not None and asked.subject_id == notice.id


def _standing(reading: Reading, phone: PhoneRow | None) -> list[Notice]:
    notices = latest(reading.tx, limit=12, public_only=False)
    return [notice for notice in notices if notice.on_page or (phone is not None and _open_to(reading, phone, notice))]


def latest_notices(reading: Reading) -> Decision:
    notices = _standing(reading, reading.sender.phone)[:_LISTED_NOTICES]
    today = beijing(reading.now_ms).date()
    items = [gist(notice.number, notice.text, today) for notice in notices]
    return Decision(Intent.SERVICE, say("要最近的通知"), reading.replies.latest(items))


def notice_text(reading: Reading, phone: PhoneRow, number: int) -> Decision:
    notice = _readable(reading, phone, number)
    if notice is None:
        return Decision(
            Intent.SERVICE, say("没有通知{number}，或已停发", number=number), reading.replies.no_notice(number)
        )
    texts = [
        sms_text(reading.office, notice.number, text, calls=reading.office.calls)
        for text in (notice.text, notice.short_text or notice.text)
    ]
    text = next((text for text in texts if count(text).parts <= LONGEST_SMS_PARTS), None)
    concerns = f"notice/{notice.id}"
    if text is None:
        return Decision(
            Intent.SERVICE, say("通知{number}太长，短信装不下", number=number), reading.replies.too_long(number),
            concerns=concerns,
        )  # fmt: skip
    return Decision(
        Intent.SERVICE, say("要通知{number}的全文", number=number), Reply("NOTICE", text),
        (NoteFetched(phone.id, notice.id),), concerns,
    )  # fmt: skip


def call_me(reading: Reading, phone: PhoneRow, number: int | None) -> Decision:
    replies = reading.replies
    if not reading.office.calls:
        return Decision(Intent.SERVICE, say("要听电话，可是没有电话线路"), replies.no_calls())
    notice = _to_read_out(reading, phone) if number is None else _readable(reading, phone, number)
    if notice is None:
        reply = replies.nothing_to_read() if number is None else replies.no_notice(number)
        return Decision(Intent.SERVICE, say("没有可念的通知"), reply)
    waiting = next((call for call in store.waiting_calls(reading.tx, phone.id) if call.notice_id == notice.id), None)
    ahead = store.calls_ahead(reading.tx, Priority.REPLY, waiting.message_id if waiting else None)
    return Decision(
        Intent.SERVICE,
        say("打电话念通知{number}，前面有{ahead}个", number=notice.number, ahead=ahead),
        _calling(reading, notice, ahead),
        () if waiting else (Ring(phone, notice.id),),
        f"notice/{notice.id}",
    )


def _calling(reading: Reading, notice: Notice, ahead: int) -> Reply:
    lines = max(reading.office.call_lines, 1)
    if ahead < lines:
        return reading.replies.call()
    each_s = call_seconds(reading.office, notice.text, corrected=notice.corrected)
    minutes = minutes_until_last(sms_parts=0, call_seconds=ahead * each_s, calls=ahead, lines=lines)
    return reading.replies.call_queued(ahead, minutes)


def _to_read_out(reading: Reading, phone: PhoneRow) -> Notice | None:
    """What the phone was sent last, else the newest public one."""
    asked = _asked(reading, phone)
    if asked is not None and (notice := notice_of(reading.tx, asked.subject_id)).state is State.SENT:
        return notice
    return next(iter(_standing(reading, phone)), None)


def cancel_call(reading: Reading, phone: PhoneRow) -> Decision:
    waiting = store.waiting_calls(reading.tx, phone.id)
    if not waiting:
        return Decision(Intent.SERVICE, say("没有等着打给他的电话"), reading.replies.no_call_waiting())
    cancel = CancelRinging(tuple(call.message_id for call in waiting))
    return Decision(Intent.SERVICE, say("不用打了"), reading.replies.call_cancelled(), (cancel,))
