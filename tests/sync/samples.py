"""Records as a village really writes them, made from a seed; and two keys that everybody may know."""

from __future__ import annotations

import random

from sync.keys import SigningKey
from sync.kinds import (
    Body,
    HealthNoted,
    NoticePublished,
    NoticeReached,
    NoticeStopped,
    PollClosed,
    PollCounted,
    PollOpened,
    PollWithdrawn,
    VillageBegan,
    checked,
)
from sync.record import Head, Record, Stamp, make_record

VILLAGE = SigningKey.from_seed(b"v" * 32)
COUNTY = SigningKey.from_seed(b"c" * 32)
STRANGER = SigningKey.from_seed(b"s" * 32)

START_MS = 1_796_432_400_000
_TEXTS = (
    "12月6日早8点到下午3点停水，请存水。",
    "医保12月25日截止，每人400元，不会用手机交的到村委会帮办。",
    "12月8日在村委会领化肥，每户两袋，带户口本。",
)


def bodies(count: int, seed: int = 1) -> list[Body]:
    """Mostly reach, now and then a notice, a poll and its result, the village's health."""
    dice = random.Random(seed)
    made: list[Body] = []
    for place in range(count):
        at_ms = START_MS + place * 600_000 + dice.randrange(60_000)
        made.append(checked(_body(place, at_ms, dice)))
    return made


def _body(place: int, at_ms: int, dice: random.Random) -> Body:
    notice = 1 + place // 10
    if place == 0:
        return VillageBegan("青山村", 8, 210, 602, None)
    match place % 20:
        case 1:
            return NoticePublished(
                notice, 1, notice % 99 + 1, "committee", dice.choice(_TEXTS), "全村", "household", False,
                None if place % 40 else 7, at_ms, at_ms + 86_400_000,
            )  # fmt: skip
        case 2:
            return HealthNoted("0.1.0", dice.randrange(5), 2, 0, dice.randrange(9000, 9100), at_ms)
        case 3 if place % 100 == 3:
            return PollOpened(
                1 + place // 100, 20 + place // 100 % 80, "household", "东路口装不装减速带",
                ("同意", "不同意", "弃权"), at_ms, at_ms + 3 * 86_400_000, 210, dice.randbytes(32), "cn-2018", "",
            )  # fmt: skip
        case 3 if place % 100 == 23:
            return PollClosed(1 + place // 100, at_ms, dice.randrange(100, 210))
        case 3 if place % 100 == 43:
            return PollCounted(
                1 + place // 100, at_ms, 210, dice.randbytes(32), 168, (131, 30, None), dice.randrange(3), True, True,
                "cn-2018", dice.randbytes(32), dice.randbytes(32), True,
            )  # fmt: skip
        case 3 if place % 100 == 63:
            return PollWithdrawn(1 + place // 100, at_ms)
        case 4 if place % 100 == 4:
            return NoticeStopped(notice, at_ms)
    delivered = dice.randrange(100, 200)
    confirmed = dice.randrange(20, delivered)
    groups = tuple((no, 26, dice.randrange(27) if no < 8 else None) for no in range(1, 9))
    return NoticeReached(
        notice, 1, 210, delivered + 8, delivered, dice.randrange(10), confirmed, 210 - confirmed, groups, at_ms
    )


def records(count: int, seed: int = 1, head: Head | None = None, key: SigningKey = VILLAGE) -> list[Record]:
    """A log of its own from `head` on."""
    dice = random.Random(seed + 1000)
    head = head or Head.before(key.public.log)
    boot, mono, made = dice.randbytes(8), 0, []
    for place, body in enumerate(bodies(count, seed)):
        if place % 200 == 199:
            boot, mono = dice.randbytes(8), 0
        mono += dice.randrange(600_000)
        stamp = Stamp(boot, mono, START_MS + place * 600_000 + 61_000, place % 50 != 7)
        record = make_record(head, stamp, body)
        made.append(record)
        head = record.head
    return made
