"""Codes on paper: whoever guesses is stopped, and nobody who holds a good one is."""

from __future__ import annotations

import asyncio
from collections import Counter

import aiohttp
import pytest

from sync.enrolment import Code, Refused, make_request, read_refusal
from sync.keys import SigningKey
from tests.county.test_county import enrols
from tests.sync.samples import STRANGER
from village.county import store
from village.county.app import running
from village.county.core import core
from village.county.enrolling import MOST_WRONG, MOST_WRONG_OF_ONE, UNNAMED, codes, issue_code
from village.ground.wording import RefusalError
from village.link import store as link_store

HOUR_MS = 3_600_000


async def issued(county, village: str = "白水村") -> Code:
    return await issue_code(county.db, county.clock, village=village, by="李")


async def guess(county, code: Code) -> Refused:
    """Somebody who knows how the code begins and not how it goes on."""
    raw = make_request(STRANGER, "某村", code, b"g" * 32)
    async with aiohttp.ClientSession() as session, session.post(county.exchange_url + "enrol", data=raw) as answer:
        assert answer.status == 403
        found = read_refusal(await answer.read())
    assert found is not None
    return found[0]


async def tries(county) -> int:
    return int(await county.db.read(lambda tx: tx.execute("SELECT count(*) FROM enrol_try").fetchone()[0]))


async def guessed_out(county) -> None:
    """Nobody may guess any more, at any code."""
    for _ in range(MOST_WRONG // MOST_WRONG_OF_ONE):
        code = await issued(county)
        for _ in range(MOST_WRONG_OF_ONE):
            assert await guess(county, code) is Refused.WRONG


async def test_guesses_are_limited_for_all_callers_together_and_over_a_restart(place, town):
    async with running(place, any_port=True) as county:
        good = await issued(county, "青山村")
        await guessed_out(county)
    async with running(place, any_port=True) as county:
        with pytest.raises(RefusalError, match=r"等[56]\d分钟"):
            await town.link.enrol(county.exchange_url, good.shown)
        await county.db.write(lambda tx: tx.execute("UPDATE enrol_try SET at_ms = at_ms - 3600001"))
        await town.link.enrol(county.exchange_url, good.shown)


async def test_whoever_guesses_at_one_code_stops_no_other(county, town):
    good, other = await issued(county, "青山村"), await issued(county)
    found = [await guess(county, other) for _ in range(MOST_WRONG_OF_ONE + 5)]
    assert found == [Refused.WRONG] * MOST_WRONG_OF_ONE + [Refused.WAIT] * 5
    await town.link.enrol(county.exchange_url, good.shown)


async def test_a_burst_of_guesses_is_counted_one_by_one(county):
    code = await issued(county)
    found = Counter(await asyncio.gather(*(guess(county, code) for _ in range(40))))
    assert found == {Refused.WRONG: MOST_WRONG_OF_ONE, Refused.WAIT: 40 - MOST_WRONG_OF_ONE}
    assert await tries(county) == MOST_WRONG_OF_ONE


async def test_noise_that_can_hit_nothing_locks_nobody_out(county, town):
    used = Code.read(await enrols(county, town))
    old = await issued(county)
    await county.db.write(lambda tx: tx.execute("UPDATE enrol_code SET expires_ms = 5 WHERE used_ms IS NULL"))
    good = await issued(county)
    found = [await guess(county, code) for code in (Code("!!!!", ""), used, old) for _ in range(MOST_WRONG)]
    assert found == [Refused.WRONG] * MOST_WRONG + [Refused.WAIT] * 2 * MOST_WRONG
    async with aiohttp.ClientSession() as session:
        for _ in range(MOST_WRONG + 1):
            async with session.post(county.exchange_url + "enrol", data=b"noise") as answer:
                assert answer.status == 403
    assert await tries(county) == MOST_WRONG
    assert await guess(county, good) is Refused.WAIT  # told like any other guess which ids there are
    assert await tries(county) == MOST_WRONG + 1  # and counted
    await type(town)(town.db, town.clock, STRANGER, "白水村").link.enrol(county.exchange_url, good.shown)


async def test_a_lost_answer_is_given_again_while_others_have_to_wait(county, town):
    code = await enrols(county, town)
    good = await issued(county)
    await guessed_out(county)
    await town.link.enrol(county.exchange_url, code)
    other = type(town)(town.db, town.clock, SigningKey.from_seed(b"o" * 32), "白水村")
    with pytest.raises(RefusalError, match="分钟"):
        await other.link.enrol(county.exchange_url, good.shown)


async def test_guesses_from_a_clock_that_was_ahead_stop_nobody(county, town):
    await guessed_out(county)
    await county.db.write(lambda tx: tx.execute("UPDATE enrol_try SET at_ms = at_ms + 86400000"))
    await enrols(county, town)
    assert await tries(county) == 0


async def test_a_wait_ends(county, town, clock):
    good = await issued(county, "青山村")
    for _ in range(MOST_WRONG_OF_ONE):
        await guess(county, good)
    with pytest.raises(RefusalError, match="60分钟"):
        await town.link.enrol(county.exchange_url, good.shown)
    await county.db.write(lambda tx: tx.execute("UPDATE enrol_try SET at_ms = at_ms - ?", (HOUR_MS // 2,)))
    with pytest.raises(RefusalError, match="30分钟"):
        await town.link.enrol(county.exchange_url, good.shown)


# whose code


async def villages(county) -> list[tuple[str, bool]]:
    return [(one.name, one.revoked_ms is not None) for one in await county.db.read(core(store.villages))]


async def test_a_village_that_is_known_takes_no_other_villages_name(county, town):
    await enrols(county, town)
    other = await issued(county, "白水村")
    with pytest.raises(RefusalError, match="不对"):
        await town.link.enrol(county.exchange_url, other.shown)
    assert await villages(county) == [("青山村", False)]
    (found, _) = await county.db.read(core(codes))
    assert (found.village, found.used_ms, found.turned_away) == ("白水村", None, 1)
    await type(town)(town.db, town.clock, STRANGER, "白水村").link.enrol(county.exchange_url, other.shown)
    assert await villages(county) == [("青山村", False), ("白水村", False)]
    assert await tries(county) == 0


async def test_a_code_that_names_no_village_is_good_for_any_and_renames_none(county, town):
    await town.link.enrol(county.exchange_url, (await issued(county, UNNAMED)).shown)
    await county.db.write(core(lambda c: store.rename(c, 1, "青山村")))
    await town.link.enrol(county.exchange_url, (await issued(county, UNNAMED)).shown)
    assert await villages(county) == [("青山村", False)]


async def test_a_village_comes_back_under_the_name_it_has_now(county, town):
    await enrols(county, town)
    before = await town.db.read(link_store.county)
    await county.db.write(core(lambda c: store.rename(c, 1, "青山新村")))
    with pytest.raises(RefusalError, match="不对"):
        await town.link.enrol(county.exchange_url, (await issued(county, "青山村")).shown)
    await town.link.enrol(county.exchange_url, (await issued(county, "青山新村")).shown)
    assert await villages(county) == [("青山新村", False)]
    assert (await town.db.read(link_store.county)).village_no == before.village_no == 1


async def test_a_revoked_village_comes_back_only_with_what_was_issued_since(county, town):
    used = await enrols(county, town)
    early = await issued(county, "青山村")
    await county.db.write(core(lambda c: store.revoke(c, 1, county.clock.now_ms())))
    with pytest.raises(RefusalError, match="用过"):
        await town.link.enrol(county.exchange_url, used)
    with pytest.raises(RefusalError, match="过期"):
        await town.link.enrol(county.exchange_url, early.shown)
    assert await villages(county) == [("青山村", True)]
    late = await issued(county, "青山村")
    await town.link.enrol(county.exchange_url, late.shown)
    assert await villages(county) == [("青山村", False)]
    await town.link.enrol(county.exchange_url, late.shown)  # the answer was lost
    for code, why in ((used, "用过"), (early.shown, "过期")):
        with pytest.raises(RefusalError, match=why):
            await town.link.enrol(county.exchange_url, code)


async def test_a_clock_that_was_ahead_when_it_was_revoked_keeps_nobody_out(county, town):
    await enrols(county, town)
    await county.db.write(core(lambda c: store.revoke(c, 1, county.clock.now_ms() + 400 * 24 * HOUR_MS)))
    await town.link.enrol(county.exchange_url, (await issued(county, "青山村")).shown)
    assert await villages(county) == [("青山村", False)]
