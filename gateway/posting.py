"""The units of work around one try: claim it, write its end down, take a report, clean up after a crash.

Plain functions on a transaction; what has changed is told to the village inside the same transaction. Never calls a
carrier.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from gateway import calls_store, home_store, queue_store, refusals_store, store, tries_store
from gateway.backoff import next_try_ms
from gateway.choosing import Freight, Share, Way, may_go_elsewhere
from gateway.failures import GaveWayError, TransportDownError, TransportFailure, Trouble, where
from gateway.ground import Clock, Vault
from gateway.message import MOVES, CallEvent, CallStep, Channel, Events, Moved, Priority, State
from gateway.purse import Purse
from gateway.quiet import QuietHours
from gateway.segments import MAX_PARTS, count
from gateway.transport import Accepted, Fate, Report
from gateway.verdict import (
    Claim,
    Outcome,
    Spoken,
    Standing,
    Verdict,
    after_interruption,
    after_report,
    after_try,
    is_for_good,
    never_seen,
)

log = logging.getLogger(__name__)

_UNTOLD = frozenset({State.SENDING, State.QUEUED})

_BATCH = 500

_ASKED_FOR_MS = 30 * 86_400_000
"""No notice is news for longer, and a modem's unknowns, which nobody can be asked about, stay for good."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one look at the queue gave. `broke`: the month whose budget does not cover the next one; empty: it does.
    `short_fen`: what that one costs. `reserved`: it would, were nothing under way."""

    claims: tuple[Claim, ...]
    broke: str = ""
    short_fen: int = 0
    reserved: bool = False


def _no_ways() -> Collection[Way]:
    return ()


@dataclass(frozen=True, slots=True)
class Posting:
    """What all units of one gateway share. `ways`: the lines there are just now."""

    vault: Vault
    clock: Clock
    events: Events
    quiet: QuietHours | None
    purse: Purse
    ways: Callable[[], Collection[Way]] = _no_ways

    def may_go(self, now_ms: int) -> list[Priority]:
        """The priorities that may be sent now, most urgent first. With a guessed clock: all."""
        if self.quiet is None or not self.clock.trusted or self.quiet.is_open(now_ms):
            return sorted(Priority)
        return [priority for priority in sorted(Priority) if priority.wakes_people]

    def next_due_ms(self, tx: sqlite3.Connection, channel: Channel, transport: str, share: Share) -> int | None:
        """When this lane has something to send; at or before now: at once."""
        now_ms = self.clock.now_ms()
        may_go, mine = self.may_go(now_ms), tries_store.lane_id(tx, transport)
        alarms = [priority for priority in may_go if priority in share.fresh and priority.is_emergency]
        fresh = [priority for priority in may_go if priority in share.fresh and not priority.is_emergency]
        turned = [priority for priority in may_go if priority in share.turned]
        held = [priority for priority in self.held(now_ms) if priority in share.fresh]
        limits = self._limits(tx, transport)
        dues = [
            queue_store.next_due_ms(tx, channel, alarms, lane_id=mine, limits=limits),
            queue_store.next_due_ms(tx, channel, fresh, _pick(share), lane_id=mine, limits=limits),
            queue_store.next_due_ms(tx, channel, turned, queue_store.Pick.TURNED_AWAY, lane_id=mine, limits=limits),
        ]
        held_ms = queue_store.next_due_ms(tx, channel, held, _pick(share), lane_id=mine, limits=limits)
        if held_ms is not None and self.quiet is not None:
            dues.append(max(held_ms, self.quiet.next_open_ms(now_ms)))
        return min((due_ms for due_ms in dues if due_ms is not None), default=None)

    def _limits(self, tx: sqlite3.Connection, transport: str) -> queue_store.Limits:
        line = self.purse.line(transport)
        return queue_store.Limits(line.kinds, line.abroad, refusals_store.any_refused(tx))

    def alarm_waits(self, tx: sqlite3.Connection, channel: Channel) -> bool:
        """Whether an emergency is due that no lane has taken."""
        emergencies = [priority for priority in Priority if priority.is_emergency]
        due_ms = queue_store.next_due_ms(tx, channel, emergencies)
        return due_ms is not None and due_ms <= self.clock.now_ms()

    def claim(
        self, tx: sqlite3.Connection, channel: Channel, transport: str, limit: int, share: Share, *, flying: int = 0
    ) -> Claimed:
        """Take up to `limit` messages for one try each. Those whose time is over expire on the way.

        `flying`: parts this lane has under way, which its budget has not paid for yet.
        """
        now_ms, trusted = self.clock.now_ms(), self.clock.trusted
        lane_id, line = tries_store.lane(tx, transport), self.purse.line(transport)
        limits = self._limits(tx, transport)
        claims: list[Claim] = []
        for priority in self.may_go(now_ms):
            pick = queue_store.Pick.TURNED_AWAY
            if priority in share.fresh:
                pick = queue_store.Pick.ANY if priority.is_emergency else _pick(share)
            if len(claims) >= limit or priority not in share.fresh | share.turned:
                continue
            room = limit - len(claims)
            found, unreadable = queue_store.due(
                tx,
                self.vault,
                channel,
                priority,
                now_ms=now_ms,
                limit=room,
                pick=pick,
                lane_id=lane_id,
                limits=limits,
            )
            if unreadable:
                self._give_up(tx, [store.known(tx, message_id) for message_id in unreadable], now_ms)
            late = [c for c in found if trusted and c.expires_ms is not None and c.expires_ms <= now_ms]
            if late:
                self.end_late(tx, [store.known(tx, claim.message_id) for claim in late], now_ms)
                found = [claim for claim in found if claim not in late]
            claims += found
        if line.postscript and channel is Channel.SMS:
            claims = [_with(claim, line.postscript) for claim in claims]
        covered = self.purse.affordable(tx, transport, claims, flying)
        if covered:
            tries_store.take(tx, covered, lane_id, now_ms)
        if len(covered) == len(claims):
            return Claimed(tuple(covered))
        short_fen = max(claims[len(covered)].parts, 1) * line.price_fen
        left_fen = self.purse.left_fen(tx, transport, 0)
        reserved = left_fen is not None and left_fen >= short_fen
        return Claimed(tuple(covered), self.purse.month(tx), short_fen, reserved)

    def record(self, tx: sqlite3.Connection, transport: str, ended: Sequence[tuple[Claim, Outcome]]) -> None:
        """Write down how tries ended, and tell."""
        if not ended:
            return
        now_ms, trusted = self.clock.now_ms(), self.clock.trusted
        lane_id, early = tries_store.lane(tx, transport), tries_store.has_early(tx)
        moved: list[Moved | None] = []
        late = [one for one in ended if not tries_store.is_under_way(tx, one[0].message_id, one[0].attempt)]
        ended = [one for one in ended if one not in late]
        for claim, outcome in late:  # written off meanwhile, and paid for; that it was taken is news all the same
            if isinstance(outcome, Accepted):
                ref = outcome.carrier_ref
                tries_store.taken(tx, claim.message_id, claim.attempt, lane_id=lane_id, carrier_ref=ref, now_ms=now_ms)
                late_word = Report(ref, State.ACCEPTED)
                moved.append(self._apply(tx, claim.message_id, claim.attempt, late_word, transport))
        for claim, outcome in ended:
            if isinstance(outcome, Accepted):  # the usual case needs no look at the row
                about, ref = _as_claimed(claim), outcome.carrier_ref
                if ref != claim.our_reference:
                    tries_store.taken(
                        tx, claim.message_id, claim.attempt, lane_id=lane_id, carrier_ref=ref, now_ms=now_ms
                    )
            else:
                about = store.known(tx, claim.message_id)
                if isinstance(outcome, GaveWayError) and calls_store.did_its_work(tx, claim.message_id, claim.attempt):
                    outcome = Spoken(now_ms)  # noqa: PLW2901 - it was cut off after it had been heard
                if isinstance(outcome, TransportFailure) and not isinstance(outcome, TransportDownError | GaveWayError):
                    tries_store.went_wrong(
                        tx, claim.message_id, claim.attempt, lane_id=lane_id, error=str(outcome), now_ms=now_ms
                    )
                if about.standing.state != State.SENDING or about.attempts != claim.attempt:
                    continue
            elsewhere = is_for_good(outcome) and self._pass_on(tx, about, transport)
            verdict = after_try(about.standing, outcome, now_ms, trusted=trusted, elsewhere=elsewhere)
            at_ms = outcome.heard_ms if isinstance(outcome, Spoken) else None
            moved.append(store.move(tx, about, verdict, now_ms, at_ms=at_ms))
            if early:
                ref = outcome.carrier_ref if isinstance(outcome, Accepted) else claim.our_reference
                reports = tries_store.pop_early(tx, lane_id, ref)
                moved += [self._apply(tx, claim.message_id, claim.attempt, report, transport) for report in reports]
        self.purse.pay(tx, transport, lane_id, ended, now_ms)
        tries_store.no_longer_under_way(tx, [(claim.message_id, claim.attempt) for claim, _ in ended])
        self.tell(tx, moved)

    def report(self, tx: sqlite3.Connection, transport: str, reports: Sequence[Report]) -> None:
        """Take what a carrier says; what it says of a try we have not heard the end of is kept until we have."""
        if not reports:
            return
        lane_id = tries_store.lane(tx, transport)
        moved: list[Moved | None] = []
        for report in reports:
            found = tries_store.find_try(tx, lane_id, report.carrier_ref)
            if found is None:
                now_ms = self.clock.now_ms()
                tries_store.keep_early(tx, lane_id, report, now_ms if report.at_ms is None else report.at_ms, now_ms)
            else:
                moved.append(self._apply(tx, *found, report, transport))
        self.tell(tx, moved)

    def _apply(
        self, tx: sqlite3.Connection, message_id: int, number: int, report: Report, transport: str
    ) -> Moved | None:
        now_ms = self.clock.now_ms()
        about = store.known(tx, message_id)
        latest = number == about.attempts
        open_still = latest and State.QUEUED in MOVES[about.standing.state]
        elsewhere = open_still and is_for_good(report) and self._pass_on(tx, about, transport)
        verdict = after_report(
            about.standing, report, latest=latest, now_ms=now_ms, trusted=self.clock.trusted, elsewhere=elsewhere
        )
        return None if verdict is None else store.move(tx, about, verdict, now_ms, at_ms=report.at_ms)

    def _pass_on(self, tx: sqlite3.Connection, about: store.Known, transport: str) -> bool:
        """This line's carrier will never take it: it is not asked again, where another line is left that may be."""
        message_id = about.standing.message_id
        refused = refusals_store.refused_by(tx, message_id) | {transport}
        if about.standing.stopped or not may_go_elsewhere(self.freight(tx, about), self.ways(), refused):
            return False
        refusals_store.refuse(tx, message_id, tries_store.lane(tx, transport))
        return True

    def freight(self, tx: sqlite3.Connection, about: store.Known) -> Freight:
        standing = about.standing
        home_only = home_store.is_kept(tx, standing.message_id)
        return Freight(standing.channel, about.kind, standing.priority, home_only)

    def end_late(self, tx: sqlite3.Connection, late: Sequence[store.Known], now_ms: int) -> None:
        verdicts = [Verdict(State.EXPIRED, a.standing.tries, a.standing.due_ms, a.error) for a in late]
        self.tell(tx, [store.move(tx, a, verdict, now_ms) for a, verdict in zip(late, verdicts, strict=True)])

    def _give_up(self, tx: sqlite3.Connection, unreadable: Sequence[store.Known], now_ms: int) -> None:
        error = str(Trouble.UNREADABLE)
        verdicts = [Verdict(State.FAILED, a.standing.tries, a.standing.due_ms, error) for a in unreadable]
        self.tell(tx, [store.move(tx, a, verdict, now_ms) for a, verdict in zip(unreadable, verdicts, strict=True)])

    def held(self, now_ms: int) -> list[Priority]:
        may_go = self.may_go(now_ms)
        return [priority for priority in Priority if priority not in may_go]

    # after a crash

    def interrupted(self, tx: sqlite3.Connection, limit: int = _BATCH, transport: str | None = None) -> int:
        """Tries that were under way when the program, or that one lane, stopped; returns how many were found (call
        until 0)."""
        now_ms = self.clock.now_ms()
        found = tries_store.under_way(tx, limit, transport)
        moved = []
        for message_id, number in found:
            about = store.known(tx, message_id)
            if about.standing.state != State.SENDING or about.attempts != number or about.lane_id is None:
                continue
            self.purse.pay_interrupted(tx, about.lane_id, message_id, number, now_ms)
            tries_store.went_wrong(
                tx, message_id, number, lane_id=about.lane_id, error=Trouble.INTERRUPTED, now_ms=now_ms
            )
            heard = calls_store.did_its_work(tx, message_id, number)
            moved.append(store.move(tx, about, after_interruption(about.standing, heard=heard), now_ms))
            for report in tries_store.pop_early(tx, about.lane_id, about.our_reference):
                moved.append(self._apply(tx, message_id, number, report, tries_store.name(tx, about.lane_id)))
        tries_store.no_longer_under_way(tx, found)
        self.tell(tx, moved)
        return len(found)

    def doubtful(self, tx: sqlite3.Connection) -> list[tuple[store.Known, str, str, int]]:
        """Unknown SMS with the transport and our reference of their newest try, and when it began: what can be asked
        about. After a month nobody asks any more."""
        unknown = store.unknown(tx, self.clock.now_ms() - _ASKED_FOR_MS)
        return [(about, lane, about.our_reference, began_ms) for about, lane, began_ms in unknown]

    def settle(self, tx: sqlite3.Connection, about: store.Known, transport: str, fate: Fate) -> bool:
        """The carrier was asked about an unknown message and has answered; it took its time, so look again first.
        Whether that ended the doubt: one that took it and never reports is as silent as before."""
        now_ms, asked = self.clock.now_ms(), about.attempts
        about = store.known(tx, about.standing.message_id)
        if about.attempts != asked or about.standing.state != State.UNKNOWN:
            return True
        if fate.said == State.ACCEPTED and not tries_store.has_gone_wrong(tx, about.standing.message_id, asked):
            return False  # we knew that: it was accepted, and never reported on
        if fate.said == State.QUEUED:
            self.purse.give_back(tx, transport, about.standing.message_id)
            self.tell(tx, [store.move(tx, about, never_seen(about.standing), now_ms)])
            return True
        message_id = about.standing.message_id
        lane_id, ref = tries_store.lane(tx, transport), fate.carrier_ref
        if ref:
            tries_store.taken(tx, message_id, about.attempts, lane_id=lane_id, carrier_ref=ref, now_ms=now_ms)
        report = Report(ref, fate.said, fate.at_ms, fate.trouble, fate.code, fate.final)
        early = tries_store.pop_early(tx, lane_id, ref)
        self.tell(tx, [self._apply(tx, message_id, about.attempts, r, transport) for r in (report, *early)])
        return True

    def send_again(self, tx: sqlite3.Connection, about: store.Known) -> bool:
        """An emergency nobody can say anything about goes out again, by its table; nothing else ever does."""
        asked = about.attempts
        about = store.known(tx, about.standing.message_id)
        standing = about.standing
        if about.attempts != asked or standing.state != State.UNKNOWN:
            return False
        if not standing.priority.is_emergency or standing.stopped:
            return False
        wait_ms = next_try_ms(_trouble(about.error), standing.tries, standing.priority, spread=standing.message_id)
        if wait_ms is None:
            return False
        now_ms = self.clock.now_ms()
        verdict = Verdict(State.QUEUED, standing.tries, now_ms + wait_ms, about.error)
        return store.move(tx, about, verdict, now_ms) is not None

    # calls

    def call_step(
        self,
        tx: sqlite3.Connection,
        claim: Claim,
        what: CallStep,
        *,
        key: str | None = None,
        node: str | None = None,
        why: str | None = None,
        answers: bool = True,
    ) -> None:
        """Something happened in a call: kept, and told in the same unit. Which key it was is told and not kept.

        `answers`: whether the key answered what was asked; only those are counted.
        """
        now_ms = self.clock.now_ms()
        match what:
            case CallStep.ANSWERED:
                calls_store.begins(tx, claim.message_id, claim.attempt, now_ms)
            case CallStep.HEARD:
                calls_store.heard(tx, claim.message_id, claim.attempt, now_ms)
            case CallStep.KEY if answers:
                calls_store.key_pressed(tx, claim.message_id, claim.attempt)
            case CallStep.ENDED:
                calls_store.ends(tx, claim.message_id, claim.attempt, now_ms, why or "")
        event = CallEvent(claim.message_id, claim.kind, claim.reference, what, key, now_ms, why, node)
        guarded(tx, lambda: self.events.call(tx, event), f"call message={claim.message_id}")

    def tell(self, tx: sqlite3.Connection, moved: Sequence[Moved | None]) -> None:
        """Tell the village. Where its answer raises, that answer is undone and logged; the gateway's truth stays."""
        told = [move for move in moved if move is not None and move.after not in _UNTOLD]
        if not told:
            return
        tx.execute("SAVEPOINT told")
        try:
            for move in told:
                self.events.moved(tx, move)
        except Exception:  # noqa: BLE001 - told again one by one, so that only the one that fails is lost
            tx.execute("ROLLBACK TO told")
            for move in told:
                guarded(tx, lambda move=move: self.events.moved(tx, move), f"moved message={move.message_id}")  # type: ignore[misc]
        tx.execute("RELEASE told")


def _pick(share: Share) -> queue_store.Pick:
    return queue_store.Pick.SPARING if share.spares else queue_store.Pick.ANY


def _with(claim: Claim, postscript: str) -> Claim:
    """Left as it is where the carrier would not take it so long."""
    text = claim.content + postscript
    parts = count(text).parts
    return claim if parts > MAX_PARTS else replace(claim, content=text, parts=parts)


def guarded(tx: sqlite3.Connection, tell: Callable[[], None], about: str) -> str | None:
    """Run the village's answer in a savepoint; where it raises, undo and log that answer alone and return its name."""
    tx.execute("SAVEPOINT told_one")
    trouble = None
    try:
        tell()
    except Exception as raised:  # noqa: BLE001 - a mistake up there must not stop the lanes down here
        tx.execute("ROLLBACK TO told_one")
        trouble = type(raised).__name__
        log.error("the village could not take it in event=%s raised=%s", about, where(raised))
    tx.execute("RELEASE told_one")
    return trouble


def _as_claimed(claim: Claim) -> store.Known:
    """The row as the claim left it, without reading it again."""
    standing = Standing(
        message_id=claim.message_id,
        channel=claim.channel,
        priority=claim.priority,
        state=State.SENDING,
        tries=claim.tries,
        due_ms=claim.due_ms,
        expires_ms=claim.expires_ms,
        stopped=False,
    )
    return store.Known(standing, claim.kind, claim.reference, claim.attempt, None, None, claim.mark)


def _trouble(error: str | None) -> Trouble:
    word = (error or "").partition("/")[0]
    return Trouble(word) if word in set(Trouble) else Trouble.OTHER
