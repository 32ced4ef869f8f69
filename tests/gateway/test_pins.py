"""What was tried on a SIM is remembered the same, with a village's file and without one."""

from __future__ import annotations

import pytest

from gateway.pins import MOST_TIMES, PinMemory, Pins, PinsOfThisProcess, PinTry
from village.ground.database import Database
from village.ground.privacy import Vault

pytestmark = pytest.mark.asyncio

_SIM, _PIN, _OTHER = "sim-1", "24681357", "13572468"


@pytest.fixture(params=["file", "process"])
def memory(request: pytest.FixtureRequest, db: Database, vault: Vault) -> PinMemory:
    return Pins(db, vault) if request.param == "file" else PinsOfThisProcess()


async def test_a_try_is_cut_off_until_the_sim_has_answered(memory: PinMemory) -> None:
    assert await memory.tried(_SIM, _PIN) is None
    await memory.begin(_SIM, _PIN, 3)
    assert await memory.tried(_SIM, _PIN) == PinTry(refused=False, left=3, times=1)
    await memory.refused(_SIM, _PIN)
    assert await memory.tried(_SIM, _PIN) == PinTry(refused=True, left=3, times=1)
    assert await memory.tried("sim-2", _PIN) is None
    assert await memory.tried(_SIM, _OTHER) is None


async def test_every_try_is_counted_and_a_new_one_is_open_again(memory: PinMemory) -> None:
    await memory.begin(_SIM, _PIN, 3)
    await memory.refused(_SIM, _PIN)
    await memory.begin(_SIM, _PIN, None)
    assert await memory.tried(_SIM, _PIN) == PinTry(refused=False, left=None, times=2)


async def test_one_that_was_taken_is_forgotten_and_what_this_sim_refused_is_wrong_for_good(memory: PinMemory) -> None:
    for sim, pin in ((_SIM, _OTHER), ("sim-2", _OTHER), (_SIM, _PIN)):
        await memory.begin(sim, pin, 3)
    for sim in (_SIM, "sim-2"):
        await memory.refused(sim, _OTHER)
    await memory.taken(_SIM, _PIN)
    assert await memory.tried(_SIM, _PIN) is None
    assert await memory.tried(_SIM, _OTHER) == PinTry(refused=True, left=3, times=MOST_TIMES)
    assert await memory.tried("sim-2", _OTHER) == PinTry(refused=True, left=3, times=1)
