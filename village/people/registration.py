"""A phone becomes a person's by a six-digit code on paper: handed out at the office, sent in once, gone.

Never stores a code, only its keyed hash, and never lets anybody guess: three wrong tries for a phone and thirty for
the whole village in a day. Six digits alone would fall to a few thousand messages.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass
from typing import Literal

from gateway.phone import NotAPhoneError, PhoneKind, parse
from village.ground.privacy import Vault
from village.ground.wording import RefusalError, say
from village.people import changes_store as changes
from village.people import codes_store as codes
from village.people import optout, phones, store
from village.people.changes_store import Hand
from village.people.store import Holder

_FIRST, _LAST = 100_000, 999_999

DAY_MS = 24 * 3_600_000
CODE_LIFE_MS = 30 * DAY_MS
"""Long enough for a paper that goes by hand to those who work away."""

TRIES_EACH = 3
TRIES_ALL = 30
"""Wrong tries in 24 hours; with 600 live codes a guesser has a chance of 1 in 50 a day, and the desk sees it."""

Outcome = Literal["registered", "wrong", "locked", "full"]


@dataclass(frozen=True, slots=True)
class Registration:
    """What came of a code that was sent in; `holder` and `phone_id` where it was right."""

    outcome: Outcome
    tries_left: int
    phone_id: int | None = None
    holder: Holder | None = None


def _hash(vault: Vault, code: str) -> bytes:
    return vault.fingerprint(f"registration-code:{code}")


def issue(tx: sqlite3.Connection, vault: Vault, resident_id: int, *, by: str, at_ms: int) -> str:
    """A fresh code for this person; earlier unused ones of theirs die. Raises RefusalError for nobody."""
    person = store.resident(tx, resident_id)
    if person is None or person.left_ms is not None:
        raise RefusalError(say("花名册里没有这个人"), status=404)
    codes.end_codes_of(tx, resident_id, at_ms)
    codes.end_expired(tx, at_ms)
    code = _fresh(tx, vault)
    codes.add_code(
        tx, resident_id=resident_id, code_hash=_hash(vault, code), by=by, at_ms=at_ms, expires_ms=at_ms + CODE_LIFE_MS
    )
    changes.note(tx, Hand(by, at_ms), "code_issued", resident_id=resident_id)
    return code


def _fresh(tx: sqlite3.Connection, vault: Vault) -> str:
    while True:
        code = str(_FIRST + secrets.randbelow(_LAST - _FIRST + 1))
        if not codes.is_live(tx, _hash(vault, code)):
            return code


def redeem(tx: sqlite3.Connection, vault: Vault, e164: str, code: str, at_ms: int) -> Registration:
    """Take a code that a phone sent in. Never raises over the code: a wrong try has to be committed to count.

    Raises NotAPhoneError where the sender is no number a villager can have.
    """
    number = parse(e164)
    if number.kind not in {PhoneKind.MOBILE, PhoneKind.LANDLINE}:
        raise NotAPhoneError("shape")
    who = vault.fingerprint(number.e164)
    codes.forget_tries(tx, before_ms=at_ms - DAY_MS)
    left = tries_left(tx, who, at_ms)
    if left == 0:
        return Registration("locked", 0)
    found = codes.live_code(tx, _hash(vault, code), at_ms)
    if found is None:
        codes.add_wrong_try(tx, who, at_ms)
        return Registration("wrong", tries_left(tx, who, at_ms))
    phone_id = phones.admit(tx, vault, number, at_ms)
    try:
        slot = phones.hold(tx, phone_id, found.resident_id, "code", by="code", at_ms=at_ms)
    except phones.SlotsFullError:
        return Registration("full", left, phone_id)
    codes.use_code(tx, found.id, phone_id, at_ms)
    codes.forget_tries(tx, fingerprint=who)
    hand = Hand("code", at_ms)
    changes.mark_registered(tx, hand, resident_id=found.resident_id, phone_id=phone_id)
    optout.set_opted(tx, phone_id, "all", how="code", at_ms=at_ms, by="code", resident_id=found.resident_id)
    holder = next(each for each in store.holders(tx, phone_id) if each.slot == slot)
    return Registration("registered", TRIES_EACH, phone_id, holder)


def tries_left(tx: sqlite3.Connection, fingerprint: bytes, at_ms: int) -> int:
    """How often this phone may still be wrong today."""
    since_ms = at_ms - DAY_MS
    if codes.wrong_tries(tx, since_ms) >= TRIES_ALL:
        return 0
    return max(0, TRIES_EACH - codes.wrong_tries(tx, since_ms, fingerprint))


def is_guarded(tx: sqlite3.Connection, at_ms: int) -> bool:
    """Whether so many codes were wrong today that none is taken: the desk says so."""
    return codes.wrong_tries(tx, at_ms - DAY_MS) >= TRIES_ALL


def let_in_again(tx: sqlite3.Connection, *, by: str, at_ms: int) -> None:
    """The committee looked into the wrong codes and takes codes again."""
    codes.forget_tries(tx, before_ms=at_ms)
    changes.note(tx, Hand(by, at_ms), "tries_forgotten")


def waiting_since(tx: sqlite3.Connection, resident_id: int, at_ms: int) -> int | None:
    """When this person's code was printed, where it still waits to be sent in."""
    return codes.waiting_since(tx, resident_id, at_ms)
