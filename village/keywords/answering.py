"""Every SMS that comes in: who wrote, what it asks, what is done, and what is answered, in the unit that received it.

Never answers a robot, a loop or a number that floods us; never loses a text: the gateway has stored it before we look,
and each gets a row that says what became of it.
"""

from __future__ import annotations

import sqlite3
import unicodedata
from dataclasses import dataclass, replace

from gateway.message import Channel, Draft, MissedCall, Priority, ReceivedSms
from gateway.phone import NotAPhoneError, PhoneKind, canonical_sender, never_answer, parse
from village.ground.clock import Clock
from village.ground.normalise import simplified
from village.ground.wording import say
from village.keywords import store
from village.keywords.carry_out import Doing, Duty, carry_out
from village.keywords.commands import Supervise, Suspicious
from village.keywords.decide import decide
from village.keywords.decision import (
    CastBallot,
    Confirm,
    Decision,
    Intent,
    MarkDone,
    NoteFetched,
    Redeem,
    Ring,
    Sender,
    TickDoors,
)
from village.keywords.grammar import read
from village.keywords.reading import SINCE_MS, Reading
from village.keywords.replies import Replies, Reply
from village.keywords.throttle import NEVER_THROTTLED, Patience, patience
from village.notices.office import Means
from village.people.store import holders, phone_by_fingerprint
from village.polls.ledger_store import forget_ballots

REPLY_KIND = "reply"
"""What the gateway calls our messages."""

RING_KIND = "ring"
"""An SMS to somebody who rang and cannot be rung back."""

_RINGS_MS, _RINGS_MOST = 24 * 3_600_000, 3
_RECENT_MOST = 50

_ECHO_TEXTS, _ECHO_MS = 5, 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class AnswerSettings:
    """`duty_phone`: who is rung for 110, as written in the settings. `directory`: names and numbers for 06."""

    duty_phone: str = ""
    area_code: str = ""
    acknowledge: bool = False
    """Whether a 9 is answered; it doubles the cost of a notice."""
    directory: tuple[tuple[str, str], ...] = ()

    def duty(self) -> Duty:
        """Nobody is rung where the number is none that can be dialled from here."""
        try:
            phone = parse(self.duty_phone, area_code=self.area_code or None)
        except NotAPhoneError:
            return Duty()
        if phone.kind not in (PhoneKind.MOBILE, PhoneKind.LANDLINE):
            return Duty()
        return Duty(phone.e164, mobile=phone.kind is PhoneKind.MOBILE)


class Answering:
    """The village's side of the gateway's inbox: `received` is its Events.received."""

    def __init__(self, means: Means, clock: Clock, settings: AnswerSettings | None = None) -> None:
        self._means = means
        self._clock = clock
        self._settings = settings or AnswerSettings()
        office = means.office
        self._duty = self._settings.duty()
        can_ring = self._duty.e164 is not None and (office.calls or self._duty.mobile)
        self._replies = Replies(office.signature, office.phone, office.calls, rings_duty=can_ring)

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        """Decide, do and answer, all in the gateway's unit. The same inbox row a second time changes nothing."""
        if store.is_noted(tx, sms.id):
            return
        now_ms = self._clock.now_ms()
        sender = self._sender(tx, sms.sender)
        decision = self.decide(tx, sms)
        reply = self._carry_out(tx, sms, sender, decision, now_ms)
        decision = self._restrained(tx, sender, replace(decision, reply=reply), now_ms)
        message_id = self._answer(tx, sms, sender, decision, now_ms)
        store.note(
            tx,
            inbox_id=sms.id,
            fingerprint=sender.fingerprint,
            phone_id=sender.phone.id if sender.phone else None,
            person=_is_person(sms.sender),
            at_ms=now_ms,
            intent=decision.intent.value,
            why=decision.why,
            shown=decision.shown,
            concerns=decision.concerns,
            reply_key=decision.reply.key if decision.reply else None,
            message_id=message_id,
        )

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None:
        """Ringing once is free, and asks to be called back: who is registered is read the newest notice.

        Where no call can go out he is sent what there is by SMS, a few times a day at most. Nobody else is answered:
        most calls to a number nobody has written to are sold.
        """
        if not _is_person(missed.caller):
            return
        sender = self._sender(tx, missed.caller)
        if sender.phone is None or not sender.holders:
            return
        now_ms = self._clock.now_ms()
        calls = self._means.office.calls
        sms = ReceivedSms(0, missed.caller, "02" if calls else "01", missed.at_ms, now_ms, missed.transport)
        decision = self.decide(tx, sms)
        rings = [effect for effect in decision.effects if isinstance(effect, Ring)]
        if calls:
            doing = self._doing(tx, sms, sender, now_ms)
            for ring in rings:
                carry_out(doing, ring, missed.caller)
        elif decision.reply is not None and self._may_hear_again(tx, missed.caller, now_ms):
            draft = Draft(
                to=missed.caller,
                channel=Channel.SMS,
                kind=RING_KIND,
                priority=Priority.REPLY,
                reference=f"{RING_KIND}/{missed.id}",
                text=decision.reply.text,
            )
            self._means.outbox.enqueue(tx, draft)

    def _may_hear_again(self, tx: sqlite3.Connection, caller: str, now_ms: int) -> bool:
        sent = self._means.outbox.recent(tx, caller, limit=_RECENT_MOST)
        told = [one for one in sent if one.kind == RING_KIND and one.queued_ms >= now_ms - _RINGS_MS]
        return len(told) < _RINGS_MOST

    def decide(self, tx: sqlite3.Connection, sms: ReceivedSms, *, rehearsed: bool = False) -> Decision:
        """What would be done, before it is done and before the throttle. Reads only."""
        if not _is_person(sms.sender):
            return Decision(Intent.IGNORE, say("不是人用的号码：只存不回"), shown=_harmless(sms.text))
        command = read(sms.text)
        # a robot sends our words back as they are; a complaint that quotes them begins with its own
        if not isinstance(command, Supervise) and self._is_loop(tx, sms):
            trap = isinstance(command, Suspicious)
            return Decision(Intent.IGNORE, say("是我们自己的话转回来了：只存不回"), shown=not trap)
        sender = self._sender(tx, sms.sender)
        now_ms = self._clock.now_ms()
        reading = Reading(
            tx,
            self._means.vault,
            self._means.office,
            self._replies,
            self._settings.directory,
            sender,
            sms.text,
            self._answered_ms(sms),
            now_ms,
            store.answered(tx, sender.fingerprint, now_ms - SINCE_MS),
            self._clock.trusted,
            rehearsed,
        )
        return decide(reading, command)

    def rehearse(self, tx: sqlite3.Connection, sender: str, text: str) -> Decision:
        """What the village would do with this text now, its reply included; nothing of it stays.

        What still waits to be sent is taken to have arrived: a committee tries its wording before the first answer. And
        it is answered as if nobody had voted yet: a reply to a second ballot would tell the first one to whoever asks.
        """
        tx.execute("SAVEPOINT rehearsal")
        try:
            forget_ballots(tx)
            return self._rehearsed(tx, sender, text)
        finally:
            tx.execute("ROLLBACK TO rehearsal")
            tx.execute("RELEASE rehearsal")

    def _rehearsed(self, tx: sqlite3.Connection, sender: str, text: str) -> Decision:
        now_ms = self._clock.now_ms()
        sms = ReceivedSms(0, canonical_sender(sender), text, None, now_ms, "interpret")
        decision = self.decide(tx, sms, rehearsed=True)
        telling = tuple(
            effect
            for effect in decision.effects
            if isinstance(effect, CastBallot | Confirm | MarkDone | Redeem | TickDoors)
        )
        who = self._sender(tx, sms.sender)
        reply = self._carry_out(tx, sms, who, replace(decision, effects=telling), now_ms)
        return self._restrained(tx, who, replace(decision, reply=reply), now_ms)

    def _sender(self, tx: sqlite3.Connection, number: str) -> Sender:
        fingerprint = self._means.vault.fingerprint(number)
        phone = phone_by_fingerprint(tx, fingerprint)
        return Sender(number, fingerprint, phone, tuple(holders(tx, phone.id)) if phone else ())

    def _is_loop(self, tx: sqlite3.Connection, sms: ReceivedSms) -> bool:
        """Our own number, signature, or last words to that number without it (some carriers take it off)."""
        signature = f"【{self._means.office.signature}】"
        said = _bare(sms.text)
        if signature in said or sms.sender == canonical_sender(self._means.office.sms_number):
            return True
        since_ms = self._clock.now_ms() - _ECHO_MS
        recent = self._means.outbox.recent(tx, sms.sender, limit=_ECHO_TEXTS)
        ours = (_bare(sent.text).removeprefix(signature) for sent in recent if sent.queued_ms >= since_ms)
        return any(text and text in said for text in ours)

    def _answered_ms(self, sms: ReceivedSms) -> int:
        """When it was written: as the SMS centre says, but never after it came; by a guessed clock the later."""
        if sms.centre_ms is None:
            return sms.received_ms
        if not self._clock.trusted:
            return max(sms.centre_ms, sms.received_ms)
        return min(sms.centre_ms, sms.received_ms)

    def _carry_out(
        self, tx: sqlite3.Connection, sms: ReceivedSms, sender: Sender, decision: Decision, now_ms: int
    ) -> Reply | None:
        doing = self._doing(tx, sms, sender, now_ms)
        reply = decision.reply
        for effect in decision.effects:
            reply = carry_out(doing, effect, sms.sender) or reply
        return reply

    def _doing(self, tx: sqlite3.Connection, sms: ReceivedSms, sender: Sender, now_ms: int) -> Doing:
        return Doing(
            tx,
            self._means,
            self._replies,
            self._duty,
            sms.id,
            sender.fingerprint,
            now_ms,
            self._settings.acknowledge,
            self._clock.trusted,
        )

    def _restrained(self, tx: sqlite3.Connection, sender: Sender, decision: Decision, now_ms: int) -> Decision:
        """The decision with its reply replaced by THROT, or by silence, where this number had enough answers."""
        if decision.reply is None or decision.reply.key in NEVER_THROTTLED:
            return decision
        answered = store.answered(tx, sender.fingerprint, now_ms - SINCE_MS)
        match patience(answered, len(sender.holders), now_ms):
            case Patience.OPEN:
                return decision
            case Patience.TELL:
                return replace(decision, reply=self._replies.throttled())
            case Patience.TELL_TODAY:
                return replace(decision, reply=self._replies.throttled_today())
            case Patience.SILENT:
                return replace(decision, reply=None)

    def _answer(
        self, tx: sqlite3.Connection, sms: ReceivedSms, sender: Sender, decision: Decision, now_ms: int
    ) -> int | None:
        if decision.reply is None:
            return None
        urgent = decision.intent is Intent.EMERGENCY
        message_id = self._means.outbox.enqueue(
            tx,
            Draft(
                to=sms.sender,
                channel=Channel.SMS,
                kind=REPLY_KIND,
                priority=Priority.EMERGENCY if urgent else Priority.REPLY,
                reference=f"{REPLY_KIND}/{sms.id}",
                text=decision.reply.text,
            ),
        )
        doing = self._doing(tx, sms, sender, now_ms)
        for effect in decision.effects:
            if isinstance(effect, NoteFetched) and decision.reply.key == "NOTICE":
                doing.note_fetched(effect, message_id)
        return message_id


def _is_person(sender: str) -> bool:
    """A number somebody may hold in the hand: no short code, service number or name."""
    if never_answer(sender):
        return False
    try:
        return parse(sender).kind in (PhoneKind.MOBILE, PhoneKind.LANDLINE)
    except NotAPhoneError:
        return False


def _bare(text: str) -> str:
    return "".join(simplified(unicodedata.normalize("NFKC", text)).split())


def _harmless(text: str) -> bool:
    """What a robot sends may be a code for the village's own SIM; a balance or a weather warning may be read."""
    return not any(word in text for word in ("验证码", "校验码", "动态码", "密码"))
