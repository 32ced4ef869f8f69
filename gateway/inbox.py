"""What comes in: kept in full before anybody reads it, once however often it is offered, then handed over.

Never answers and never interprets; where the village's reading of a text fails, the text is still here.
"""

from __future__ import annotations

import sqlite3
import unicodedata

from gateway.ground import Clock, Vault
from gateway.message import Events, MissedCall, ReceivedSms
from gateway.phone import canonical_sender
from gateway.posting import guarded
from gateway.transport import Inbound, Ring

_ONE_RINGING_MS = 20_000
"""A line that reports one ringing twice (an unplugged modem that comes back) must not ring a villager back twice."""


class Inbox:
    def __init__(self, vault: Vault, clock: Clock, events: Events) -> None:
        self._vault = vault
        self._clock = clock
        self._events = events

    def take(self, tx: sqlite3.Connection, inbound: Inbound, transport: str) -> int | None:
        """Keep a text and hand it over; None where it was here before.

        The same is what a carrier gave the same id, or what one sender sent with the same text at the same centre time:
        a message that cannot be deleted from a SIM is read for ever.
        """
        sender = canonical_sender(inbound.sender)
        made = tx.execute(
            "INSERT INTO inbox (sender, fingerprint, text, text_print, centre_ms, received_ms, transport, carrier_key,"
            " once_key) VALUES (:sender, :fingerprint, :text, :text_print, :centre, :received, :transport,"
            " :carrier_key, :once_key) ON CONFLICT DO NOTHING",
            {
                "sender": self._vault.seal(sender),
                "fingerprint": self._vault.fingerprint(sender),
                "text": self._vault.seal(inbound.text),
                "text_print": self._text_print(sender, inbound.text),
                "centre": inbound.centre_ms,
                "received": self._clock.now_ms(),
                "transport": transport,
                "carrier_key": self._carrier_key(inbound, transport),
                "once_key": self._once_key(inbound, sender),
            },
        )
        if made.rowcount != 1 or made.lastrowid is None:
            return None
        self.hand_over(tx, made.lastrowid)
        return made.lastrowid

    def take_ring(self, tx: sqlite3.Connection, ring: Ring, transport: str) -> int | None:
        """Keep that somebody rang, and hand it over; None where it was here before.

        The same is what a carrier gave the same id, or what the same phone did within one ringing.
        """
        caller = canonical_sender(ring.caller)
        fingerprint = self._vault.fingerprint(caller)
        known = tx.execute(
            "SELECT 1 FROM ring WHERE (fingerprint = :fingerprint AND abs(at_ms - :at) < :apart)"
            " OR carrier_key = :carrier_key",
            {
                "fingerprint": fingerprint,
                "at": ring.at_ms,
                "apart": _ONE_RINGING_MS,
                "carrier_key": self._ring_key(ring, transport),
            },
        ).fetchone()
        if known is not None:
            return None
        made = tx.execute(
            "INSERT INTO ring (caller, fingerprint, at_ms, received_ms, transport, carrier_key)"
            " VALUES (:caller, :fingerprint, :at, :received, :transport, :carrier_key)",
            {
                "caller": self._vault.seal(caller),
                "fingerprint": fingerprint,
                "at": ring.at_ms,
                "received": self._clock.now_ms(),
                "transport": transport,
                "carrier_key": self._ring_key(ring, transport),
            },
        )
        ring_id = made.lastrowid
        if ring_id is None:
            raise AssertionError("an INSERT has a rowid")
        missed = MissedCall(ring_id, caller, ring.at_ms, transport)
        trouble = guarded(tx, lambda: self._events.rang(tx, missed), f"rang ring={ring_id}")
        tx.execute("UPDATE ring SET trouble = :trouble WHERE id = :id", {"trouble": trouble, "id": ring_id})
        return ring_id

    def hand_over(self, tx: sqlite3.Connection, inbox_id: int) -> bool:
        """Let the village read a text that is kept; False where it could not, and the row says so."""
        sms = self.received(tx, inbox_id)
        trouble = guarded(tx, lambda: self._events.received(tx, sms), f"received inbox={inbox_id}")
        tx.execute(
            "UPDATE inbox SET trouble = :trouble WHERE id = :id AND trouble IS NOT :trouble",
            {"trouble": trouble, "id": inbox_id},
        )
        return trouble is None

    def received(self, tx: sqlite3.Connection, inbox_id: int) -> ReceivedSms:
        """The text as it came. Raises LookupError."""
        row = tx.execute(
            "SELECT id, sender, text, centre_ms, received_ms, transport FROM inbox WHERE id = :id", {"id": inbox_id}
        ).fetchone()
        if row is None:
            raise LookupError(inbox_id)
        return ReceivedSms(
            id=row["id"],
            sender=self._vault.open(row["sender"]),
            text=self._vault.open(row["text"]),
            centre_ms=row["centre_ms"],
            received_ms=row["received_ms"],
            transport=row["transport"],
        )

    def troubled(self, tx: sqlite3.Connection, limit: int = 100) -> list[int]:
        """Texts the village could not take in; after a repair they can be handed over again."""
        rows = tx.execute("SELECT id FROM inbox WHERE trouble IS NOT NULL ORDER BY id LIMIT :limit", {"limit": limit})
        return [row[0] for row in rows]

    def repeats(self, tx: sqlite3.Connection, sender: str, text: str, since_ms: int) -> int:
        """How often this sender has sent this very text since then (this one included): robots repeat themselves."""
        return int(
            tx.execute(
                "SELECT count(*) FROM inbox WHERE fingerprint = :fingerprint AND received_ms >= :since"
                " AND text_print = :text_print",
                {
                    "fingerprint": self._vault.fingerprint(canonical_sender(sender)),
                    "since": since_ms,
                    "text_print": self._text_print(canonical_sender(sender), text),
                },
            ).fetchone()[0]
        )

    def _text_print(self, sender: str, text: str) -> bytes:
        """With the sender in it: of the text alone, all who sent the same ballot would bear the same print."""
        return self._vault.fingerprint(f"text\n{sender}\n{unicodedata.normalize('NFKC', text).strip()}")

    def _carrier_key(self, inbound: Inbound, transport: str) -> bytes | None:
        if inbound.carrier_id is None:
            return None
        return self._vault.fingerprint(f"carrier\n{transport}\n{inbound.carrier_id}")

    def _ring_key(self, ring: Ring, transport: str) -> bytes | None:
        if ring.carrier_id is None:
            return None
        return self._vault.fingerprint(f"ring\n{transport}\n{ring.carrier_id}")

    def _once_key(self, inbound: Inbound, sender: str) -> bytes | None:
        if inbound.centre_ms is None:
            return None
        return self._vault.fingerprint(f"once\n{sender}\n{inbound.centre_ms}\n{inbound.text}")
