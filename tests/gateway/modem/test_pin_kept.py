"""What a SIM has refused is kept in the village's file: the same PIN is not entered twice, whatever is started anew."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from gateway.pins import Pins
from gateway.transports.modem import Modem, ModemSettings
from tests.gateway.modem.conftest import ModemRig, running
from tests.gateway.modem.emulator import OTHER_IMEI, Emulator
from tests.gateway.sms_contract import Ear, parcel
from village.ground.database import Database
from village.ground.privacy import Vault

pytestmark = [pytest.mark.asyncio, pytest.mark.needs("modemmanager", "dbus")]

_OURS, _THE_SIMS = "24681357", "13572468"


@pytest.fixture
def settings() -> ModemSettings:
    return ModemSettings("modem", per_minute=600, pin=_OURS)


@pytest.fixture
def pins(db: Database, vault: Vault) -> Pins:
    return Pins(db, vault)


Started = Callable[..., contextlib.AbstractAsyncContextManager[tuple[Modem, Ear]]]


@pytest.fixture
def started(rig: ModemRig, settings: ModemSettings, pins: Pins) -> Started:
    """The server, as often as one likes: nothing is left of the one before but the file."""

    @contextlib.asynccontextmanager
    async def start(pin: str = _OURS) -> AsyncIterator[tuple[Modem, Ear]]:
        modem = Modem(replace(settings, pin=pin, bus=rig.around.address), rig.clock, pins)
        async with running(modem) as ear:
            yield modem, ear

    return start


async def _refused(rig: ModemRig, started: Started, pin: str = _OURS) -> None:
    async with started(pin) as (modem, _):
        await rig.until(lambda: modem.condition().note == "pin_wrong")


@pytest.mark.parametrize("told", [True, False])
async def test_three_starts_enter_a_wrong_pin_once(rig: ModemRig, started: Started, told: bool) -> None:
    rig.emulator.pin, rig.emulator.tries_told = _THE_SIMS, told
    await rig.plug_in()
    for _ in range(4):
        async with started() as (modem, _ear):
            await rig.until(lambda modem=modem: modem.condition().note == "pin_wrong")
            await rig.clock.advance(120_000)
            await rig.until(lambda modem=modem: modem.condition().note == "pin_wrong")
    assert rig.emulator.pins == [_OURS]
    assert rig.emulator.pin_tries == 2


async def test_nor_after_a_power_cut_with_a_new_modemmanager(rig: ModemRig, started: Started) -> None:
    rig.emulator.pin = _THE_SIMS
    await rig.plug_in()
    await _refused(rig, started)
    rig.around.crash()
    await rig.emulator.unplug()
    rig.around.start()
    await rig.answers()
    await rig.plug_in()
    await _refused(rig, started)
    assert rig.emulator.pins == [_OURS]


async def test_the_sim_is_known_again_in_another_stick(rig: ModemRig, started: Started) -> None:
    rig.emulator.pin = _THE_SIMS
    await rig.plug_in()
    await _refused(rig, started)
    await rig.unplug()
    other = Emulator(f"other-{os.getpid()}", OTHER_IMEI)
    other.pin, other.pin_tries = _THE_SIMS, rig.emulator.pin_tries
    await rig.plug_in(emulator=other)
    await _refused(rig, started)
    assert (rig.emulator.pins, other.pins) == ([_OURS], [])
    await other.unplug()


async def test_where_the_sims_number_cannot_be_read_the_stick_remembers(rig: ModemRig, started: Started) -> None:
    rig.emulator.pin, rig.emulator.sim_numbered = _THE_SIMS, False
    await rig.plug_in()
    await _refused(rig, started)
    rig.emulator.sim_numbered = True  # and it can, the next time
    await rig.unplug()
    await rig.plug_in()
    await _refused(rig, started)
    assert rig.emulator.pins == [_OURS]


async def test_another_pin_in_the_settings_is_tried_and_the_first_one_stays_refused(
    rig: ModemRig, started: Started
) -> None:
    rig.emulator.pin = _THE_SIMS
    await rig.plug_in()
    await _refused(rig, started)
    async with started(_THE_SIMS) as (modem, ear):
        await rig.until(lambda: "up" in ear.link)
        await modem.send(parcel(rig.number))
    await rig.unplug()
    await rig.plug_in()
    await _refused(rig, started)
    assert rig.emulator.pins == [_OURS, _THE_SIMS]


async def test_a_right_pin_is_entered_at_every_start(rig: ModemRig, started: Started, db: Database) -> None:
    rig.emulator.pin = _OURS
    for _ in range(2):
        await rig.plug_in()
        async with started() as (_, ear):
            await rig.until(lambda ear=ear: "up" in ear.link)
        await rig.unplug()
    assert rig.emulator.pins == [_OURS, _OURS]
    assert await db.read(lambda tx: tx.execute("SELECT count(*) FROM pin_try").fetchone()[0]) == 0


async def _cut_off(rig: ModemRig, started: Started) -> None:
    """The server ends while the PIN is on its way."""
    rig.emulator.pin, rig.emulator.loses_pin = _OURS, True
    await rig.plug_in()
    async with started():
        await rig.until(lambda: "+CPIN" in rig.emulator.unanswered)
    await rig.until(lambda: not rig.emulator.commands[-1].startswith('AT+CPIN="'))  # ModemManager has given it up
    assert rig.emulator.pins == []


async def _minutes_pass(rig: ModemRig) -> None:
    """Two and a half of them, with real time in between in which a PIN could be entered."""
    for _ in range(10):
        with contextlib.suppress(TimeoutError):
            await rig.until(lambda: rig.emulator.pins, 0.2)
        await rig.clock.advance(15_000)
    with contextlib.suppress(TimeoutError):
        await rig.until(lambda: rig.emulator.pins, 0.5)


async def test_a_try_that_was_cut_off_is_made_again_where_the_sim_has_counted_none(
    rig: ModemRig, started: Started
) -> None:
    await _cut_off(rig, started)
    async with started() as (modem, ear):
        await rig.until(lambda: modem.condition().note == "pin_wrong")
        assert rig.emulator.pins == []
        await rig.as_time_passes(lambda: "up" in ear.link, minutes=3)
    assert rig.emulator.pins == [_OURS]


@pytest.mark.parametrize("right", [True, False])
async def test_where_the_sim_tells_no_number_of_tries_it_is_made_again_once_in_all(
    rig: ModemRig, started: Started, right: bool
) -> None:
    rig.emulator.tries_told = False
    await _cut_off(rig, started)
    rig.emulator.pin = _OURS if right else _THE_SIMS
    async with started() as (modem, ear):
        await rig.until(lambda: modem.condition().note == "pin_wrong")
        assert rig.emulator.pins == []
        await _minutes_pass(rig)
        assert rig.emulator.pins == [_OURS]
        if right:
            await rig.until(lambda: "up" in ear.link)
            return
    async with started() as (modem, _):
        await rig.until(lambda: modem.condition().note == "pin_wrong")
        await rig.clock.advance(120_000)
        await rig.until(lambda: modem.condition().note == "pin_wrong")
    assert rig.emulator.pins == [_OURS]


async def test_cut_off_twice_where_the_sim_tells_nothing_it_is_left_to_a_person(
    rig: ModemRig, started: Started
) -> None:
    rig.emulator.tries_told = False
    await _cut_off(rig, started)
    rig.emulator.loses_pin = True
    rig.emulator.unanswered.clear()
    async with started():
        await rig.as_time_passes(lambda: "+CPIN" in rig.emulator.unanswered, minutes=3)
    await rig.until(lambda: not rig.emulator.commands[-1].startswith('AT+CPIN="'))
    async with started() as (modem, _):
        await rig.until(lambda: modem.condition().note == "pin_wrong")
        await _minutes_pass(rig)
    assert rig.emulator.pins == []


async def test_cut_off_without_a_number_and_taken_with_one_it_is_entered_at_every_start(
    rig: ModemRig, started: Started, db: Database
) -> None:
    rig.emulator.sim_numbered = False
    await _cut_off(rig, started)
    rig.emulator.sim_numbered = True
    for times in (1, 2, 3):
        await rig.unplug()
        await rig.plug_in()
        async with started() as (_, ear):
            await rig.as_time_passes(lambda ear=ear: "up" in ear.link, minutes=3)
        assert rig.emulator.pins == [_OURS] * times
    assert await db.read(lambda tx: tx.execute("SELECT count(*) FROM pin_try").fetchone()[0]) == 0


@pytest.mark.parametrize("numbered", [True, False])
@pytest.mark.parametrize("right", [True, False])
async def test_a_sim_that_shows_all_its_tries_again_gets_the_refused_pin_once_more(
    rig: ModemRig, started: Started, db: Database, numbered: bool, right: bool
) -> None:
    """Somebody has unlocked it in a phone; or, where no number can be read, it is another SIM."""
    rig.emulator.pin, rig.emulator.sim_numbered = _THE_SIMS, numbered
    await rig.plug_in()
    await _refused(rig, started)
    await rig.unplug()
    rig.emulator.pin_tries = 3
    rig.emulator.pin = _OURS if right else _THE_SIMS
    await rig.plug_in()
    async with started() as (modem, ear):
        await rig.until(lambda: modem.condition().note == "pin_wrong")
        assert rig.emulator.pins == [_OURS]
        await _minutes_pass_until(rig, 2)
        if right:
            await rig.until(lambda: "up" in ear.link)
            return
        await asyncio.wait_for(_kept(db, "refused = 1 AND times = 2"), 10)
    await rig.unplug()
    rig.emulator.pin_tries = 3
    await rig.plug_in()
    async with started() as (modem, _):
        await rig.until(lambda: modem.condition().note == "pin_wrong")
        await _minutes_pass_until(rig, 3)
    assert rig.emulator.pins == [_OURS, _OURS]


async def _kept(db: Database, condition: str) -> None:
    """Once that is on the disk."""
    with db.changed() as changed:
        while not await db.read(lambda tx: tx.execute(f"SELECT 1 FROM pin_try WHERE {condition}").fetchall()):
            await changed.wait()
            changed.clear()


async def _minutes_pass_until(rig: ModemRig, tries: int) -> None:
    """Two and a half of them, or until a PIN was entered so often."""
    for _ in range(10):
        with contextlib.suppress(TimeoutError):
            await rig.until(lambda: len(rig.emulator.pins) >= tries, 0.2)
        await rig.clock.advance(15_000)


async def test_nor_where_it_tells_fewer_than_before(rig: ModemRig, started: Started) -> None:
    await _cut_off(rig, started)
    rig.emulator.pin_tries = 2
    await rig.unplug()
    await rig.plug_in()
    async with started() as (modem, _):
        await rig.until(lambda: modem.condition().note == "pin_wrong")
        await _minutes_pass(rig)
        assert modem.condition().note == "pin_wrong"
    assert rig.emulator.pins == []


async def test_what_cannot_be_written_down_is_not_entered(
    rig: ModemRig, started: Started, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    rig.emulator.pin = _OURS
    full = "CREATE TRIGGER full BEFORE INSERT ON pin_try BEGIN SELECT RAISE(FAIL, 'full'); END"
    await db.write(lambda tx: tx.execute(full))
    await rig.plug_in()
    async with started() as (modem, ear):
        await rig.until(lambda: "not taken" in caplog.text)
        assert rig.emulator.pins == []
        await db.write(lambda tx: tx.execute("DROP TRIGGER full"))
        await rig.as_time_passes(lambda: "up" in ear.link, minutes=1)
        await modem.send(parcel(rig.number))


async def test_the_file_holds_no_pin_and_no_sim(rig: ModemRig, started: Started, db: Database) -> None:
    rig.emulator.pin = _THE_SIMS
    await rig.plug_in()
    await _refused(rig, started)
    rows = await db.read(lambda tx: [tuple(row) for row in tx.execute("SELECT sim, pin, refused FROM pin_try")])
    ((sim, pin, refused),) = rows
    assert (len(sim), len(pin), refused) == (16, 16, 1)
    await db.close()
    kept = b"".join(file.read_bytes() for file in db.path.parent.glob(db.path.name + "*"))
    assert _OURS.encode() not in kept
    assert b"8986013050" not in kept
