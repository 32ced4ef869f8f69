"""Where messages wait: what the village puts in, takes back, and asks about. Never sends anything itself.

All of it runs on the unit of work the caller opened, so a notice and its messages are kept or lost together.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from gateway import home_store, queue_store, segments, store
from gateway.failures import DraftError
from gateway.ground import Clock, Vault
from gateway.message import LIFETIME_MS, Channel, Draft, State
from gateway.phone import is_e164
from gateway.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as its number's history shows it; `text` of a call is empty."""

    id: int
    channel: Channel
    kind: str
    reference: str
    text: str
    state: State
    queued_ms: int
    accepted_ms: int | None


class Outbox:
    def __init__(self, vault: Vault, clock: Clock) -> None:
        self._vault = vault
        self._clock = clock

    def enqueue(self, tx: sqlite3.Connection, draft: Draft) -> int:
        """Keep one message until it is sent; returns its id. Raises DraftError where it can never be sent."""
        return self.enqueue_many(tx, [draft])[0]

    def enqueue_many(self, tx: sqlite3.Connection, drafts: Iterable[Draft]) -> list[int]:
        """Keep many, in the order in which they are to go. Raises DraftError; then the caller's unit fails whole."""
        now_ms, trusted = self._clock.now_ms(), self._clock.trusted
        bodies: dict[str, tuple[int, int]] = {}
        ids = []
        for draft in drafts:
            content = _content(draft)
            if content not in bodies:
                bodies[content] = (store.body(tx, self._vault, content), _parts(draft, content))
            body_id, parts = bodies[content]
            recipient_id, previous_id = store.recipient(tx, self._vault, draft.to)
            row = store.Row(
                channel=draft.channel,
                kind=draft.kind,
                reference=draft.reference,
                priority=draft.priority,
                recipient_id=recipient_id,
                previous_id=previous_id,
                body_id=body_id,
                parts=parts,
                due_ms=draft.not_before_ms,
                expires_ms=_expires_ms(draft, now_ms) if trusted else draft.expires_ms,
            )
            ids.append(store.add(tx, row, now_ms))
        return ids

    def withdraw(self, tx: sqlite3.Connection, ids: Iterable[int]) -> list[int]:
        """Take back what has not left yet; returns which did not. No event is told for those.

        What is with the carrier stays there, but is marked: should that try fail it becomes withdrawn, not retried.
        """
        now_ms = self._clock.now_ms()
        withdrawn = []
        for message_id in ids:
            about = store.known(tx, message_id)
            standing = about.standing
            if standing.state == State.QUEUED:
                verdict = Verdict(State.WITHDRAWN, standing.tries, standing.due_ms)
                if store.move(tx, about, verdict, now_ms) is not None:
                    withdrawn.append(message_id)
            else:
                store.stop_one(tx, message_id)
        return withdrawn

    def put_off(self, tx: sqlite3.Connection, ids: Iterable[int], until_ms: int) -> None:
        """What still waits does not go before then; an instant that is past lets it go now. All else stays as it is."""
        queue_store.put_off(tx, [(message_id, until_ms) for message_id in ids])

    def keep_home(self, tx: sqlite3.Connection, e164: str, *, home_only: bool) -> None:
        """Whether that number may not leave the country; holds for good, also for what already waits."""
        recipient_id, _ = store.recipient(tx, self._vault, e164)
        home_store.keep(tx, recipient_id, home_only=home_only)

    def recent(self, tx: sqlite3.Connection, e164: str, *, limit: int = 5) -> list[Sent]:
        """What that number was last sent, newest first."""
        return [
            Sent(
                id=row["id"],
                channel=Channel(row["channel"]),
                kind=row["kind"],
                reference=row["reference"],
                text=self._vault.open(row["content"]) if row["channel"] == Channel.SMS else "",
                state=State(row["state"]),
                queued_ms=row["queued_ms"],
                accepted_ms=row["accepted_ms"],
            )
            for row in store.history(tx, self._vault, e164, limit)
        ]


def _content(draft: Draft) -> str:
    if not is_e164(draft.to):
        raise DraftError("the recipient is not an E.164 number")
    if draft.channel == Channel.CALL:
        if draft.script is None:
            raise DraftError("a call needs a script")
        return draft.script.to_json()
    if draft.script is not None:
        raise DraftError("an SMS has no script")
    if not draft.text.strip():
        raise DraftError("an SMS needs a text")
    return draft.text


def _parts(draft: Draft, content: str) -> int:
    if draft.channel == Channel.CALL:
        return 0
    parts = segments.count(content).parts
    if parts > segments.MAX_PARTS:
        raise DraftError(f"{parts} parts; carriers take {segments.MAX_PARTS}")
    return parts


def _expires_ms(draft: Draft, now_ms: int) -> int:
    if draft.expires_ms is not None:
        return draft.expires_ms
    return max(now_ms, draft.not_before_ms) + LIFETIME_MS[draft.priority]
