"""Records of the kinds a village really logs, day after day; the same seed gives the same ones, whoever sends them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from sync.kinds import Body, HealthNoted, NoticePublished, NoticeReached, PollClosed, PollCounted, PollOpened

HOUSEHOLDS, GROUPS = 210, 8
_BEGIN_MS = 1_796_432_400_000
_DAY_MS = 86_400_000
_REACHES = 12
"""How often the reach of one notice is told: as a county sees one that is followed for a week."""

_TEXTS = (
    "12月{day}日早8点到下午3点停水，请存水。",
    "医保12月{day}日截止，每人400元，不会用手机交的到村委会帮办。",
    "12月{day}日在村委会领化肥，每户两袋，带户口本。",
)


def bodies(count: int, seed: int = 1) -> list[tuple[int, Body]]:
    """So many (wall time in ms, body), in the order in which they were written."""
    days = _days(random.Random(seed))
    return [next(days) for _ in range(count)]


def _days(dice: random.Random) -> Iterator[tuple[int, Body]]:
    wall_ms, notice, poll = _BEGIN_MS, 0, 0
    while True:
        wall_ms += dice.randrange(_DAY_MS // 4, _DAY_MS)
        yield wall_ms, HealthNoted("0.1.0", dice.randrange(5), 2, 0, dice.randrange(9000, 9100), wall_ms - 20)
        notice += 1
        due_ms = wall_ms + 3 * _DAY_MS
        text = dice.choice(_TEXTS).format(day=dice.randrange(1, 31))
        yield (
            wall_ms,
            NoticePublished(
                notice, 1, 1 + notice % 99, "committee", text, "全村", "household", False, None, wall_ms - 5000, due_ms
            ),
        )
        heard = [0] * GROUPS
        for _ in range(_REACHES):
            wall_ms += dice.randrange(1_800_000, 7_200_000)
            heard = [min(26, before + dice.randrange(0, 5)) for before in heard]
            confirmed = sum(heard)
            groups = tuple((group, 26, had if had > 4 else None) for group, had in enumerate(heard, 1))
            yield wall_ms, NoticeReached(
                notice, 1, HOUSEHOLDS, 218, 205, min(confirmed, 9), confirmed, HOUSEHOLDS - confirmed, groups,
                wall_ms - 10,
            )  # fmt: skip
        if notice % 8 == 0:
            poll += 1
            for body in _poll(dice, poll, wall_ms):
                wall_ms += 1000
                yield wall_ms, body


def _poll(dice: random.Random, poll: int, wall_ms: int) -> list[Body]:
    roll, cast = dice.randbytes(32), dice.randrange(140, HOUSEHOLDS)
    yes, no = dice.randrange(80, 120), dice.randrange(5, 15)
    return [
        PollOpened(
            poll, 20 + poll % 80, "household", "东路口装不装减速带", ("同意", "不同意", "弃权"), wall_ms - 300,
            wall_ms + 3 * _DAY_MS, HOUSEHOLDS, roll, "cn-2018", "",
        ),
        PollClosed(poll, wall_ms, cast),
        PollCounted(
            poll, wall_ms, HOUSEHOLDS, roll, cast, (yes, no, cast - yes - no), dice.randrange(3), None, None,
            "cn-2018", dice.randbytes(32), dice.randbytes(32), True,
        ),
    ]  # fmt: skip
