"""What is refused is set aside under whoever signed it, and one sender's rubbish pushes nobody else's out."""

from __future__ import annotations

import pytest

from sync import cbor, envelope
from sync.bundle import make_payload
from sync.record import Head
from tests.county.test_county import enrols, post
from tests.sync.samples import STRANGER, records
from village.county import store
from village.county.core import core
from village.county.setting_aside import MOST_OF_A_VILLAGE, MOST_OF_STRANGERS, Refused, set_aside
from village.ground.clock import parse_iso

NOW_MS = parse_iso("2026-12-05T09:10:00")


def sealed(county, key, payload: bytes) -> bytes:
    sealing = county.place.key.sealing
    return envelope.seal(envelope.sign(payload, key, envelope.context_for(sealing.key_id)), sealing)


def foreign(county) -> bytes:
    return make_payload(
        Head.before(STRANGER.public.log), records(1, key=STRANGER), county.place.key.sealing.key_id, None
    )


async def aside(county) -> list[tuple[str, int | None, int]]:
    rows = await county.db.read(core(lambda c: store.set_aside(c, limit=1000)))
    return sorted((one.reason, one.village_no, one.times) for one in rows)


async def set_all_aside(county, many: list[Refused]) -> None:
    def unit(connection) -> None:
        for one in many:
            set_aside(connection, one, NOW_MS)

    await county.db.write(core(unit))


def rubbish(village_no: int | None, count: int, reason: str = "field") -> list[Refused]:
    return [Refused(village_no, reason, b"%d" % n, b"%d" % n) for n in range(count)]


@pytest.fixture
async def villages(county, town):
    """Two of them: 1 and 2."""
    await enrols(county, town)
    await enrols(county, type(town)(town.db, town.clock, STRANGER, "白水村"))


async def test_one_villages_rubbish_pushes_out_no_other_villages(county, villages):
    await set_all_aside(county, [*rubbish(2, 1, "ack"), *rubbish(None, 1, "seal"), *rubbish(1, 3 * MOST_OF_A_VILLAGE)])
    kept = await aside(county)
    assert ("ack", 2, 1) in kept
    assert ("seal", None, 1) in kept
    assert sum(no == 1 for _, no, _ in kept) == MOST_OF_A_VILLAGE


async def test_strangers_noise_pushes_out_no_villages(county, villages):
    await set_all_aside(county, [*rubbish(2, 1, "ack"), *rubbish(None, 3 * MOST_OF_STRANGERS)])
    kept = await aside(county)
    assert ("ack", 2, 1) in kept
    assert len(kept) == 1 + MOST_OF_STRANGERS


async def test_whoever_has_a_revoked_key_is_a_stranger_and_still_named(county, villages):
    many = [*rubbish(1, 1, "ack"), *rubbish(1, 3 * MOST_OF_STRANGERS, "revoked"), *rubbish(None, 10)]
    await set_all_aside(county, many)
    kept = await aside(county)
    assert ("ack", 1, 1) in kept
    assert ("revoked", 1, 1) in kept
    assert len(kept) == 1 + MOST_OF_STRANGERS


async def test_what_is_sealed_anew_is_counted_and_not_kept_again(county, town):
    await enrols(county, town)
    one, other = (sealed(county, town.key, foreign(county)) for _ in range(2))
    assert one != other
    for body in (one, other, one):
        assert await post(county, body) == (422, "foreign-log")
    assert await aside(county) == [("foreign-log", 1, 3)]


async def test_the_same_bytes_of_two_villages_are_two(county, villages):
    await set_all_aside(county, [*rubbish(1, 2), *rubbish(2, 2), *rubbish(1, 1)])
    assert await aside(county) == [("field", 1, 1), ("field", 1, 2), ("field", 2, 1), ("field", 2, 1)]


async def test_what_a_village_signed_and_cannot_be_read_is_that_villages(county, town):
    await enrols(county, town)
    head, _ = cbor.decode(make_payload(Head.before(town.key.public.log), [], county.place.key.sealing.key_id, None))
    for payload in (b"\xff\x00", cbor.encode([1, 2, 3]), cbor.encode([[*head[:5], 1, *head[6:]], b""])):
        status, name = await post(county, sealed(county, town.key, payload))
        assert status == 422
        assert (name, 1, 1) in await aside(county)
    assert len(await aside(county)) == 3


async def test_a_signature_that_does_not_hold_is_nobodys(county, town):
    await enrols(county, town)
    payload = foreign(county)
    signed = envelope.sign(payload, town.key, b"another context")
    assert await post(county, envelope.seal(signed, county.place.key.sealing)) == (422, "signature")
    assert await aside(county) == [("signature", None, 1)]


async def test_a_revoked_village_is_told_so_whatever_it_sends(county, town):
    await enrols(county, town)
    await county.db.write(core(lambda c: store.revoke(c, 1, 5)))
    assert await post(county, sealed(county, town.key, b"\xff\x00")) == (422, "revoked")
    assert await aside(county) == [("revoked", 1, 1)]
