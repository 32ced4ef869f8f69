"""How a village is laid out, and what its rooms are made from: for the server, and for a command beside it.

Never opens a port and never sends anything.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from gateway.outbox import Outbox
from gateway.simulated.carrier import Carrier
from sync.keys import SigningKey
from village.config import NONE, Config
from village.ground.clock import Clock
from village.ground.wording import RefusalError, say
from village.keywords.answering import Answering, AnswerSettings
from village.lines import budget_left
from village.notices.ladder import Ladder
from village.notices.office import Means, Office
from village.place import NewVillage, Place
from village.sample.village import SAMPLE, fill, is_filled
from village.web.kit.authority import make_authority, own_names

_SAMPLE_SEED = 20261205


def found(folder: Path, village: NewVillage) -> Place:
    """Lay out a new village: settings, keys, its own certificate authority. Raises RefusalError."""
    place = Place.make(folder, village)
    complete(place)
    return place


def complete(place: Place) -> None:
    """What `found` makes after the settings; after a power cut between the two it is made at the next start."""
    with contextlib.suppress(FileExistsError):
        SigningKey.make(place.folder / "sign.key")
    with contextlib.suppress(FileExistsError):
        make_authority(place.tls_folder, place.config.village.name, hosts_of(place.config), place.clock().now_ms())


async def found_sample(folder: Path) -> Place:
    """青山村 with its roster, its carrier and its notices; nothing leaves before it is served.

    A sample that a power cut left half made is finished. Raises RefusalError where a whole village lives already.
    """
    try:
        place = found(folder, SAMPLE)
    except RefusalError as refused:
        if refused.status != 409:
            raise
        place = await _half_made(folder)
    clock = place.clock()
    async with place.database(clock) as db:
        carrier = carrier_of(place, clock)
        try:
            await fill(db, clock, place.vault(), carrier, means_of(place, clock))
        finally:
            carrier.close()
    return place


async def _half_made(folder: Path) -> Place:
    """Raises RefusalError unless the folder holds a sample that was never finished."""
    place = Place.open(folder)
    async with place.database(place.clock()) as db:
        if not place.config.village.sample or await db.read(is_filled):
            raise RefusalError(say("{folder} 里已经有一个村了，什么都没有改", folder=folder), status=409)
    complete(place)
    return place


def means_of(place: Place, clock: Clock) -> Means:
    """What sending needs, for the server and for a command beside it."""
    vault = place.vault()
    return Means(
        outbox=Outbox(vault, clock),
        vault=vault,
        office=office_of(place.config),
        left_fen=budget_left(place.config, clock),
    )


def office_of(config: Config) -> Office:
    """The settings as notices see them."""
    return Office(
        village=config.village.name,
        signature=config.village.signature,
        phone=config.village.duty_phone,
        duty_name=config.village.duty_name,
        sms_number=config.village.sms_number,
        sms_price_fen=config.sms.price_fen,
        call_price_fen=config.calls.price_fen_per_minute,
        sms_per_minute=config.sms.per_minute,
        call_lines=config.calls.lines,
        texts=bool(config.sms.transports),
        calls=config.calls.transport != NONE,
        open_hours=config.open_hours,
        door_after_h=config.notices.door_after_hours,
        ladder=Ladder(config.notices.remind_after_hours, config.notices.call_after_hours, config.notices.second_call),
    )


def answering_of(place: Place, clock: Clock, means: Means) -> Answering:
    """What villagers' messages are read by."""
    village = place.config.village
    settings = AnswerSettings(
        duty_phone=village.duty_phone,
        area_code=village.area_code,
        acknowledge=place.config.sms.acknowledge,
        directory=place.config.directory,
    )
    return Answering(means, clock, settings)


def carrier_of(place: Place, clock: Clock) -> Carrier:
    return Carrier.open(place.folder / "carrier.db", clock, seed=_SAMPLE_SEED)


def hosts_of(config: Config) -> tuple[str, ...]:
    """The names the desk answers to: those of the settings, and this computer's own."""
    return (*config.web.names, *own_names())
