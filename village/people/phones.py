"""Phones as the village keeps them: sealed, found by fingerprint, held by up to nine people.

Never shows a number; opening one is for what sends (`Vault.open`) and for the clerk who asks to see it.
"""

from __future__ import annotations

import sqlite3

from gateway.outbox import Outbox
from gateway.phone import Phone, PhoneKind, display, mask
from village.ground.privacy import Vault
from village.people import changes_store as changes
from village.people import store
from village.people.changes_store import Hand, SlotsFullError
from village.people.store import Channel, PhoneRow, Source

__all__ = [
    "SlotsFullError",
    "admit",
    "hold",
    "let_go",
    "set_channel",
    "set_dialect",
    "set_home_only",
    "set_slow",
    "shown",
]


def admit(tx: sqlite3.Connection, vault: Vault, number: Phone, at_ms: int) -> int:
    """The id of this phone, made where the village did not know it. Raises ValueError for what no villager holds."""
    if number.kind not in {PhoneKind.MOBILE, PhoneKind.LANDLINE}:
        raise ValueError("short and service numbers belong to nobody in the village")
    fingerprint = vault.fingerprint(number.e164)
    known = store.phone_by_fingerprint(tx, fingerprint)
    if known is not None:
        return known.id
    return changes.add_phone(
        tx,
        Hand("", at_ms),
        sealed=vault.seal(number.e164),
        fingerprint=fingerprint,
        masked=mask(number.e164),
        kind="mobile" if number.kind is PhoneKind.MOBILE else "landline",
    )


def hold(tx: sqlite3.Connection, phone_id: int, resident_id: int, source: Source, *, by: str, at_ms: int) -> int:
    """Their slot on this phone. Raises SlotsFullError at the tenth person."""
    return changes.hold(tx, Hand(by, at_ms), phone_id=phone_id, resident_id=resident_id, source=source)


def let_go(tx: sqlite3.Connection, phone_id: int, resident_id: int, *, by: str, at_ms: int) -> bool:
    return changes.let_go(tx, Hand(by, at_ms), phone_id=phone_id, resident_id=resident_id)


def set_channel(tx: sqlite3.Connection, phone_id: int, channel: Channel | None, *, by: str, at_ms: int) -> bool:
    return changes.set_channel(tx, Hand(by, at_ms), phone_id, channel)


def set_slow(tx: sqlite3.Connection, phone_id: int, slow: bool, *, by: str, at_ms: int) -> bool:
    return changes.set_slow(tx, Hand(by, at_ms), phone_id, slow)


def set_dialect(tx: sqlite3.Connection, phone_id: int, dialect: str | None, *, by: str, at_ms: int) -> bool:
    return changes.set_dialect(tx, Hand(by, at_ms), phone_id, dialect)


def set_home_only(
    tx: sqlite3.Connection,
    vault: Vault,
    outbox: Outbox,
    phone: PhoneRow,
    home_only: bool,
    *,
    by: str,
    at_ms: int,
    resident_id: int | None = None,
) -> bool:
    """Whether this number may not leave the country; the gateway is told in the same unit. True where it changed."""
    outbox.keep_home(tx, vault.open(phone.sealed), home_only=home_only)
    return changes.set_home_only(tx, Hand(by, at_ms), phone.id, home_only, resident_id=resident_id)


def shown(vault: Vault, phone: PhoneRow) -> str:
    """The number in full, for the clerk who asked to see it; the asking is noted by whoever calls this."""
    return display(vault.open(phone.sealed))
