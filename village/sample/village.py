"""Makes 青山村: the roster through the real import, a handset for every number, notices through the real sending.

Never sends anything itself and never opens a port: what it queues goes out when the village is served.
Every step may be done again: after a power cut `fill` goes on where it stopped and doubles nothing.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from functools import partial

from gateway.phone import PhoneKind, parse
from gateway.simulated.carrier import Carrier
from gateway.simulated.handset import Habit, Rule
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.notices import store as notices
from village.notices.office import Means
from village.notices.send_notice import send_notice
from village.people import store as people
from village.people.importing import import_roster, refuse_errors
from village.people.reading import read_roster
from village.place import NewVillage
from village.polls.open_poll import open_poll
from village.sample.content import (
    AREA_CODE,
    AUTHOR,
    DUTY_NUMBER,
    DUTY_PHONE,
    LAST_REQUEST,
    NOTICES,
    POLL,
    SampleNotice,
    e164,
    suggestions,
)
from village.sample.roster import DEAD, GROUPS, NOBODYS, ROBOT, sample_csv

_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000

SAMPLE = NewVillage(
    name="青山村",
    signature="青山村",
    groups=GROUPS,
    duty_name=AUTHOR,
    duty_phone=DUTY_NUMBER,
    sms_number="19900000000",
    area_code=AREA_CODE,
    sample=True,
    listen="127.0.0.1",
    transport="simulator",
    per_minute=600,
    lines=4,
)


async def fill(db: Database, clock: Clock, vault: Vault, carrier: Carrier, means: Means) -> None:
    """Make the whole village, or what is still missing of it."""
    content = sample_csv()
    checked = await read_roster(content, "青山村花名册.csv", clock=clock, area_code=SAMPLE.area_code, groups=GROUPS)
    refuse_errors(checked)
    await db.write(lambda tx: import_roster(tx, vault, checked.roster, by=AUTHOR, at_ms=clock.now_ms()))
    hand_out(carrier, await db.read(lambda tx: numbers_of(tx, vault)))
    await db.write(lambda tx: open_poll(tx, means, POLL, clock.now_ms()))
    for notice in NOTICES:
        await db.write(partial(_send, means=means, notice=notice, now_ms=clock.now_ms()))


def _send(tx: sqlite3.Connection, *, means: Means, notice: SampleNotice, now_ms: int) -> None:
    send_notice(tx, means, notice.order, notice.sent_ms or now_ms)


def is_filled(tx: sqlite3.Connection) -> bool:
    """Whether the last step of `fill` is on the disk."""
    return notices.notice_of_request(tx, LAST_REQUEST) is not None


def numbers_of(tx: sqlite3.Connection, vault: Vault) -> list[str]:
    """Every number of the roster, in its order, once."""
    found = dict.fromkeys(phone.id for person in people.everybody(tx) for phone in person.phones)
    return [vault.open(phone.sealed) for key in found if (phone := people.phone_by_id(tx, key)) is not None]


def hand_out(carrier: Carrier, numbers: Sequence[str]) -> None:
    """A handset for every number, each with its own habits; those a visitor picks up first wait for the visitor."""
    own = {suggestion.number for suggestion in suggestions()}
    for number in [*numbers, e164(NOBODYS)]:
        carrier.add(number, habit=None if number in own else habit_of(number))
    carrier.add(ROBOT)
    carrier.add(DUTY_PHONE, label="村委会值班电话")
    mobiles = [number for number in numbers if number not in own and parse(number).kind is PhoneKind.MOBILE]
    full, silent, never = random.Random("青山村").sample(mobiles, 3)
    carrier.set_rule(e164(DEAD), Rule(dead=True))
    carrier.set_full(full, True)
    carrier.set_signal(silent, False)
    carrier.set_rule(never, Rule(no_answer=True))


def habit_of(number: str) -> Habit:
    """How the holder of this number goes about messages and calls; the same number always the same."""
    dice = random.Random(f"habit {number}")
    return dice.choices([QUICK, UNHURRIED, IN_THE_EVENING, NEVER], weights=[45, 32, 13, 10])[0]


QUICK = Habit(reads_within_ms=25 * _MINUTE_MS, confirms=0.86, answers_calls=0.85, listens_whole=0.92)
UNHURRIED = Habit(reads_within_ms=4 * _HOUR_MS, confirms=0.7, answers_calls=0.6, listens_whole=0.85)
IN_THE_EVENING = Habit(reads_within_ms=11 * _HOUR_MS, confirms=0.5, answers_calls=0.4, listens_whole=0.8)
NEVER = Habit(reads_within_ms=30 * _HOUR_MS, confirms=0.0, answers_calls=0.1, listens_whole=0.5)
"""Most read and confirm within the hour or the day, some late, some never: as a village does."""
