"""The composition of a county: opens its file, puts the doors and the desk together, starts and stops the whole.

Knows all rooms of the county and decides nothing in any of them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from village.county import store
from village.county.core import core
from village.county.doors import Doors
from village.county.noticing import CountyLog
from village.county.pages import CLERK, routes
from village.county.place import CountyPlace
from village.ground.at_work import at_work
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.folder import serving
from village.ground.reasons import reason_of
from village.ground.timekeeping import Timekeeper
from village.ground.wording import RefusalError, Wording, say
from village.web import desk_accounts, desk_clock
from village.web.kit.accounts import Accounts
from village.web.kit.apps import Office, RailEntry, make_desk_app
from village.web.kit.authority import (
    authority_fingerprint,
    keep_certificate_fresh,
    make_authority,
    own_names,
    server_context,
)
from village.web.kit.first_visit import first_visit_code
from village.web.kit.frame import Role
from village.web.kit.serving import Door, listening

OFFICE = Office(say("县里的台子"), say("县里"), {CLERK: say("县里经办"), Role.SUPERVISORY: say("县里查看")})

_DESK_CONNECTIONS, _VILLAGE_CONNECTIONS = 128, 512


@dataclass(frozen=True, slots=True)
class Running:
    """A county that is being served."""

    place: CountyPlace
    db: Database
    clock: Clock
    exchange_url: str
    loopback_url: str
    desk_url: str
    first_code: str | None
    fingerprint: str
    failure: asyncio.Future[None]

    async def failed(self) -> None:
        """Return never; raise what made one of the county's own tasks end."""
        await asyncio.shield(self.failure)


@contextlib.asynccontextmanager
async def running(place: CountyPlace, *, any_port: bool = False, listen: str | None = None) -> AsyncIterator[Running]:
    """Serve the county until the block ends. Raises RefusalError where it cannot start."""
    with serving(place.folder):
        clock = place.clock()
        async with place.database(clock) as db, contextlib.AsyncExitStack() as stack:
            yield await _start(place, clock, db, stack, any_port=any_port, listen=listen)


async def _start(
    place: CountyPlace,
    clock: Clock,
    db: Database,
    stack: contextlib.AsyncExitStack,
    *,
    any_port: bool,
    listen: str | None,
) -> Running:
    timekeeper = Timekeeper(db, clock)
    await timekeeper.begin()
    log = CountyLog(place.key, clock)
    await db.write(lambda tx: log.begin(tx, place.name))
    first_code = await db.write(lambda tx: first_visit_code(tx, place.form_key))
    accounts = Accounts(db, clock, place.form_key)
    stack.callback(accounts.close)
    hosts = (*place.web.names, *own_names())
    with contextlib.suppress(FileExistsError):
        make_authority(place.tls_folder, place.name, hosts, clock.now_ms())
    context = server_context(place.tls_folder, hosts, clock)
    shown_address: list[str] = [place.web.address]

    async def foot() -> Sequence[Wording]:
        aside = await db.read(core(store.waiting_aside))
        known = len(await db.read(core(store.villages)))
        return [say("登记的村：{n}", n=known), *([say("隔离：{n}件没看", n=aside)] if aside else [])]

    def warnings() -> list[Wording]:
        said = []
        if db.full:
            said.append(say("存储卡满了：现在什么都记不下来。请先腾出空间，已经记下的都在。"))
        if not clock.trusted:
            said.append(say("这台电脑的钟是猜的，请到“钟”那一页核对。"))
        return said

    desk = make_desk_app(
        db=db,
        clock=clock,
        key=place.form_key,
        village=place.name,
        hosts=hosts,
        office=OFFICE,
        rail=[
            RailEntry("/", say("村")),
            RailEntry("/polls", say("投票")),
            RailEntry("/notices", say("通知")),
            RailEntry("/notices/new", say("写通知"), frozenset({CLERK})),
            RailEntry("/codes", say("登记码"), frozenset({CLERK})),
            RailEntry("/quarantine", say("隔离")),
            RailEntry("/clock", say("钟")),
            RailEntry("/accounts", say("账号"), frozenset({CLERK})),
            RailEntry("/ca", say("证书")),
        ],
        foot=foot,
        warnings=warnings,
        routes=[
            *routes(db, clock, place, log, lambda: shown_address[0]),
            *desk_clock.routes(clock, timekeeper),
            *desk_accounts.routes(accounts, place.tls_folder),
        ],
        templates=[_here() / "templates"],
        static=[_here() / "static"],
    )
    doors = Doors(db, clock, place.key, place.name)
    host = listen or place.web.listen
    web = place.web
    ports = (0, 0, 0) if any_port else (web.exchange_port, web.loopback_port, web.desk_port)
    try:
        (exchange_at,) = await stack.enter_async_context(
            listening(doors.app(), Door(host, ports[0], most=_VILLAGE_CONNECTIONS))
        )
        loopback_at, desk_at = await stack.enter_async_context(
            listening(
                desk,
                Door("127.0.0.1", ports[1], most=_DESK_CONNECTIONS),
                Door(host, ports[2], context, most=_DESK_CONNECTIONS),
            )
        )
    except OSError as taken:
        raise RefusalError(
            say("开不了 {host} 上的端口（{reason}）。改 county.toml 的 [web]，或加 --any-port",
                host=host, reason=reason_of(taken))
        ) from taken  # fmt: skip
    shown_address[0] = shown_address[0] or exchange_at.typed.rstrip("/")
    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    work = [timekeeper.run(), keep_certificate_fresh(place.tls_folder, hosts, clock, context)]
    await stack.enter_async_context(at_work(work, failure))
    return Running(
        place=place,
        db=db,
        clock=clock,
        exchange_url=exchange_at.typed,
        loopback_url=loopback_at.typed,
        desk_url=desk_at.typed,
        first_code=first_code,
        fingerprint=authority_fingerprint(place.tls_folder),
        failure=failure,
    )


def _here() -> Path:
    return Path(str(resources.files("village.county")))
