"""A poll for the street: opened, asked, and what each voter's ballot says."""

from __future__ import annotations

from village.polls import ledger_store, store
from village.polls.close_poll import close_due
from village.polls.count_poll import LISTENED_MS, count_due
from village.polls.open_poll import open_poll
from village.polls.poll import YES_NO_ABSTAIN, Order, PollKind
from village.polls.standing import standing

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LIGHTS = ("东头", "西头", "学校")


async def opens(
    street, kind=PollKind.OPINION, options=YES_NO_ABSTAIN, *, question="东路口装不装减速带", asked=True, **more
):
    """A poll that everybody's phone has been asked, a minute ago; or that stands on the page alone."""

    def unit(tx):
        order = Order(
            kind,
            question,
            options,
            street.clock.now_ms() + more.pop("lasts_ms", DAY_MS),
            number=more.pop("number", 23),
            **more,
        )
        poll = open_poll(tx, street.means, order, street.clock.now_ms())
        if asked:
            street.carry(tx)
        return poll

    poll = await street.db.write(unit)
    await street.clock.advance(60_000)
    return poll


async def opens_lights(street, **more):
    return await opens(street, options=LIGHTS, question="路灯装哪", **more)


async def closes(street, poll, *, after_ms=60_000):
    """Its deadline passes."""
    await street.clock.advance(poll.closes_ms - street.clock.now_ms() + after_ms)
    await street.db.write(lambda tx: close_due(tx, street.clock.now_ms(), trusted=True))


async def counts(street, poll):
    """Half an hour passes after its deadline, and it is counted."""
    await street.clock.advance(max(poll.closes_ms + LISTENED_MS - street.clock.now_ms(), 0))
    up = {"test": poll.opened_ms}
    return await street.db.write(
        lambda tx: count_due(tx, street.means, street.clock.now_ms(), trusted=True, up_since_ms=up)
    )


async def tally(street, poll):
    """What each voter's standing ballot says."""

    def unit(tx):
        found = {v.name: standing(tx, street.means.vault, poll, v.id) for v in store.voters(tx, poll.id)}
        return {name: one.choice for name, one in found.items() if one is not None}

    return await street.db.read(unit)


async def late(street, poll):
    """How many ballots are listed as late."""
    return await street.db.read(lambda tx: len(ledger_store.late_ballots(tx, poll.id, poll.closes_ms)))
