"""Does what was decided, inside the unit in which the SMS was received: all of it is kept, or none.

Never decides; only what shows itself in the doing (a code right or wrong, an answer to an old wording) may change the
reply.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gateway.message import Channel, Draft, Priority
from gateway.phone import display
from gateway.script import Node, Script
from village import questions
from village.community import store as community
from village.keywords import store
from village.keywords.decision import (
    AddSecond,
    Alarm,
    CancelRinging,
    CastBallot,
    Confirm,
    Effect,
    Keep,
    MarkDone,
    NoteFetched,
    Opt,
    Redeem,
    Ring,
    Speak,
    TickDoors,
    Withhold,
)
from village.keywords.door_replies import DoorReplies
from village.keywords.of_tasks import units_done
from village.keywords.poll_replies import PollReplies
from village.keywords.replies import Replies, Reply
from village.keywords.task_replies import TaskReplies
from village.notices import tasks_store
from village.notices.confirm import confirm, note_asked, read_to
from village.notices.done import Done, mark_done
from village.notices.notice import Notice
from village.notices.office import Means
from village.notices.stop_notice import spare_phone
from village.notices.store import notice_of
from village.notices.tick_doors import tick_listed
from village.people import phones
from village.people.optout import set_opted
from village.people.registration import redeem
from village.polls import store as polls
from village.polls.cast_ballot import Outcome, cast
from village.polls.dispatch import spare_phone as spare_from_polls
from village.polls.poll import Via

SAME_ALARM_MS = 10 * 60_000
"""One call to the one on duty, however often somebody in fear presses send."""

DUTY_KIND = "duty"


@dataclass(frozen=True, slots=True)
class Duty:
    """Who is rung when somebody calls for help; `e164` None: nobody, the desk alone shows it."""

    e164: str | None = None
    mobile: bool = True


@dataclass(frozen=True, slots=True)
class Doing:
    """What carrying out needs, and the SMS it is for."""

    tx: sqlite3.Connection
    means: Means
    replies: Replies
    duty: Duty
    inbox_id: int
    fingerprint: bytes
    now_ms: int
    acknowledge: bool
    trusted: bool
    """Whether the clock is more than a guess."""

    def confirm(self, effect: Confirm) -> Reply | None:
        done = confirm(
            self.tx,
            effect.notice_id,
            via="sms",
            at_ms=effect.answered_ms,
            phone_id=effect.phone_id,
            message_id=effect.message_id,
        )
        if not done.counted:
            return self.replies.stale(done.notice.number)
        return self.replies.ack(done.notice.number) if self.acknowledge else None

    def redeem(self, effect: Redeem) -> Reply | None:
        done = redeem(self.tx, self.means.vault, effect.e164, effect.code, self.now_ms)
        if done.outcome == "registered" and done.holder is not None:
            return self.replies.registered(done.holder.name, done.holder.group_no)
        if done.outcome == "wrong":
            return self.replies.bad_code(done.tries_left)
        return self.replies.phone_full() if done.outcome == "full" else None

    def cast(self, effect: CastBallot) -> Reply | None:
        """The ballot is kept in the unit that received it; what became of it is what is answered."""
        poll = polls.poll_of(self.tx, effect.poll_id)
        done = cast(
            self.tx,
            self.means.vault,
            poll,
            effect.voter_id,
            effect.choice,
            via=Via.SMS,
            sent_ms=effect.sent_ms,
            received_ms=self.now_ms,
            source=f"inbox/{self.inbox_id}",
            trusted=self.trusted,
        )
        replies = PollReplies(self.replies)
        if done.outcome is Outcome.LATE:
            return None  # what is said of the deadline was decided already
        if done.outcome is Outcome.EARLIER:
            return replies.earlier(poll, done.receipt)
        if not effect.alone:
            return replies.shared(poll, effect.voter, done.receipt)
        if done.delayed:
            return replies.delayed(poll, effect.choice, done.receipt, effect.sent_ms)
        if done.before is None or not self._came_from(effect.phone_id, done.before_source):
            return replies.voted(poll, effect.choice, done.receipt)
        if done.outcome is Outcome.CHANGED:
            return replies.changed(poll, done.before, effect.choice, done.receipt)
        return replies.same(poll, effect.choice, done.receipt)

    def _came_from(self, phone_id: int, source: str | None) -> bool:
        """What was chosen before is told to the phone it came from and to no other, whoever's name that bears now."""
        return source is not None and store.phone_of_ballot(self.tx, source) == phone_id

    def opt(self, effect: Opt) -> None:
        set_opted(self.tx, effect.phone_id, effect.level, how="sms", at_ms=self.now_ms)
        if effect.level != "all":
            spare_phone(self.tx, self.means.outbox, effect.phone_id, self.now_ms)
            spare_from_polls(self.tx, self.means.outbox, effect.phone_id)

    def ring(self, effect: Ring) -> None:
        message_id = read_to(self.tx, self.means, notice_of(self.tx, effect.notice_id), effect.phone, self.now_ms)
        store.note_call(self.tx, message_id, effect.phone.id, effect.notice_id)

    def cancel(self, effect: CancelRinging) -> None:
        self.means.outbox.withdraw(self.tx, list(effect.message_ids))

    def keep(self, effect: Keep) -> None:
        community.draft(
            self.tx,
            self.means.vault,
            text=effect.text,
            phone_id=effect.phone_id,
            resident_id=effect.resident_id,
            at_ms=self.now_ms,
            kind=effect.kind,
            inbox_id=self.inbox_id,
        )

    def second(self, effect: AddSecond) -> None:
        community.second(self.tx, effect.suggestion_id, effect.phone_id, self.now_ms)

    def mark_done(self, effect: MarkDone) -> Reply | None:
        """Answered always: what is done is done for good, and a digit is soon pressed by mistake."""
        notice = notice_of(self.tx, effect.notice_id)
        task = tasks_store.task_of(self.tx, notice.id)
        units = units_done(self.tx, notice, effect)
        mark_done(
            self.tx,
            self.means.outbox,
            notice.id,
            units,
            via=Done.SMS,
            phone_id=effect.phone_id,
            now_ms=self.now_ms,
        )
        names = [unit.name for unit in tasks_store.task_units(self.tx, notice.id) if unit.unit_id in units]
        return TaskReplies(self.replies).done(notice, task, names)

    def tick_doors(self, effect: TickDoors) -> Reply:
        """What was ticked is what is answered: between two texts a household may have answered for itself."""
        done = tick_listed(
            self.tx,
            effect.notice_id,
            effect.group_no,
            effect.numbers,
            in_hand=effect.in_hand,
            seen_version=effect.version,
            by=effect.by,
            now_ms=self.now_ms,
        )
        return DoorReplies(self.replies).ticked(done)

    def speak(self, effect: Speak) -> None:
        phone, by = effect.phone, effect.phone.masked
        if effect.choice == 4:
            phones.set_channel(self.tx, phone.id, "sms", by=by, at_ms=self.now_ms)
            return
        if phone.channel == "sms":
            phones.set_channel(self.tx, phone.id, None, by=by, at_ms=self.now_ms)
        if effect.choice == 3:
            phones.set_slow(self.tx, phone.id, True, by=by, at_ms=self.now_ms)
        else:
            phones.set_slow(self.tx, phone.id, False, by=by, at_ms=self.now_ms)
            dialect = "普通话" if effect.choice == 1 else "本地话"
            phones.set_dialect(self.tx, phone.id, dialect, by=by, at_ms=self.now_ms)

    def withhold(self, effect: Withhold, sender: str) -> None:
        store.withhold(
            self.tx,
            inbox_id=self.inbox_id,
            why="addressed" if effect.sign is None else effect.sign.value,
            sender=self.means.vault.seal(sender),
            phone_id=effect.phone_id,
            text=self.means.vault.seal(effect.text),
            at_ms=self.now_ms,
        )

    def alarm(self, effect: Alarm) -> None:
        again = store.rung_since(self.tx, self.fingerprint, self.now_ms - SAME_ALARM_MS)
        alarm_id = store.raise_alarm(
            self.tx,
            inbox_id=self.inbox_id,
            sender=self.means.vault.seal(effect.e164),
            fingerprint=self.fingerprint,
            phone_id=effect.phone_id,
            at_ms=self.now_ms,
            rung=self.duty.e164 is not None and not again,
        )
        if self.duty.e164 is not None and not again:
            self.means.outbox.enqueue_many(self.tx, self._ringing(effect, alarm_id, self.duty.e164))

    def _ringing(self, effect: Alarm, alarm_id: int, to: str) -> list[Draft]:
        who = "、".join(effect.names[:2]) or "没登记的号码"
        number, signature = display(effect.e164), self.means.office.signature
        spoken = f"紧急。{who}刚才发短信求救，电话{number}。请马上回电。"
        text = f"【{signature}】紧急:{who}发短信求救,电话{number}。请马上回电,报警打110"
        drafts = []
        if self.means.office.calls:
            nodes = {"start": Node(says=(spoken, spoken, spoken), heard=True)}
            drafts.append(self._to_duty(to, alarm_id, Channel.CALL, script=Script(nodes=nodes)))
        if self.duty.mobile:
            drafts.append(self._to_duty(to, alarm_id, Channel.SMS, text=text))
        return drafts

    def _to_duty(
        self, to: str, alarm_id: int, channel: Channel, *, text: str = "", script: Script | None = None
    ) -> Draft:
        return Draft(
            to=to,
            channel=channel,
            kind=DUTY_KIND,
            priority=Priority.EMERGENCY,
            reference=f"{DUTY_KIND}/{alarm_id}",
            text=text,
            script=script,
        )

    def note_fetched(self, effect: NoteFetched, message_id: int) -> None:
        """The reply is itself a copy of the notice: it can be answered, and will be corrected."""
        notice: Notice = notice_of(self.tx, effect.notice_id)
        note_asked(self.tx, notice, effect.phone_id, channel=Channel.SMS, message_id=message_id, now_ms=self.now_ms)
        questions.ask(
            self.tx,
            effect.phone_id,
            kind="notice",
            number=notice.number,
            subject_id=notice.id,
            message_id=message_id,
        )


def carry_out(doing: Doing, effect: Effect, sender: str) -> Reply | None:
    """Do one thing. Returns the reply that follows from it, where it decides one."""
    match effect:
        case Confirm():
            return doing.confirm(effect)
        case Redeem():
            return doing.redeem(effect)
        case CastBallot():
            return doing.cast(effect)
        case MarkDone():
            return doing.mark_done(effect)
        case TickDoors():
            return doing.tick_doors(effect)
        case Opt():
            doing.opt(effect)
        case Ring():
            doing.ring(effect)
        case CancelRinging():
            doing.cancel(effect)
        case Keep():
            doing.keep(effect)
        case AddSecond():
            doing.second(effect)
        case Speak():
            doing.speak(effect)
        case Withhold():
            doing.withhold(effect, sender)
        case Alarm():
            doing.alarm(effect)
        case NoteFetched():
            pass  # once the reply has a message id
    return None
