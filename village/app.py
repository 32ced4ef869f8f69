"""The composition of a village: builds every room, passes each what it needs, starts and stops the whole.

Knows all rooms and decides nothing in any of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass

from audio.speech import Speech
from gateway.choosing import Line
from gateway.gateway import Gateway, Settings
from gateway.message import CallEvent, MissedCall, Moved, ReceivedSms
from gateway.pins import Pins
from gateway.quiet import QuietHours
from gateway.shift_store import shift_times as shift_messages
from gateway.simulated.carrier import Carrier
from gateway.transport import CallTransport, SmsTransport
from gateway.transports.simulator import SimulatorCalls, SimulatorSms
from sync.journal import Journal
from sync.keys import SigningKey
from village.chores import scheduled
from village.config import MODEM
from village.desk import desk_app
from village.doctor.asking import answering as answering_doctors
from village.doctor.doctor import Doctor
from village.doctor.doctor import Village as Examined
from village.doctor.finding import Finding
from village.founding import answering_of, carrier_of, complete, hosts_of, means_of
from village.ground.at_work import at_work
from village.ground.clock import Clock, MovableClock
from village.ground.database import Database
from village.ground.folder import serving
from village.ground.reasons import reason_of
from village.ground.timekeeping import Timekeeper
from village.ground.wording import RefusalError, say
from village.keywords.answering import Answering
from village.lines import Wiring, build, calls_line, named_lines, refuse_without_secrets
from village.link.county_link import CountyLink
from village.link.store import shift_times as shift_link
from village.notices.events import notice_call, notice_moved, task_call
from village.notices.office import Means
from village.notices.shift_store import shift_times as shift_notices
from village.parts import Parts
from village.permits.store import shift_times as shift_permits
from village.place import Place, skip_time
from village.polls.events import poll_call
from village.polls.listening import Listening
from village.polls.shift_store import shift_times as shift_polls
from village.sample.content import suggestions
from village.sample.village import fill, is_filled
from village.secret_file import SECRETS_NAME, read_secrets
from village.switchboard import Switchboard
from village.version import VERSION
from village.web import (
    callbacks,
    phones,
    public,
)
from village.web.kit.accounts import Accounts
from village.web.kit.apps import make_public_app
from village.web.kit.authority import (
    authority_fingerprint,
    certificate_ends_ms,
    keep_certificate_fresh,
    server_context,
)
from village.web.kit.first_visit import first_visit_code
from village.web.kit.serving import Door, listening
from village.web.phone_credit import Sim

log = logging.getLogger(__name__)

_SLICE_MS = 300_000
"""Skipped time passes in slices, and in each what has fallen due is done: a rung of the ladder, the end of a poll."""

_BREATH_S = 0.0005
_STILL_TURNS = 10
_MOST_BREATHS = 4000
"""At one step of skipped time: real time for the threads and the speech worker, how many turns of the loop nothing may
have begun, and how often that is looked at."""

_DESK_CONNECTIONS = 128
"""A committee's browsers, several times over; all doors together stay below the 1024 files Debian gives a process."""

_LAST_TRIES_S = 3.0
"""How long a stop waits for messages that are with a carrier; a call is not waited for, it is dialled again."""


class _Events:
    """What the gateway tells: each room hears of its own messages, inside the gateway's unit of work."""

    def __init__(self, answering: Answering, means: Means, clock: Clock) -> None:
        self._answering = answering
        self._means = means
        self._clock = clock

    def received(self, tx: sqlite3.Connection, sms: ReceivedSms) -> None:
        self._answering.received(tx, sms)

    def rang(self, tx: sqlite3.Connection, missed: MissedCall) -> None:
        self._answering.rang(tx, missed)

    def moved(self, tx: sqlite3.Connection, moved: Moved) -> None:
        notice_moved(tx, self._means, moved, self._clock.now_ms())

    def call(self, tx: sqlite3.Connection, event: CallEvent) -> None:
        notice_call(tx, event)
        task_call(tx, self._means, event)
        poll_call(tx, self._means, event)


@dataclass(frozen=True, slots=True)
class Running:
    """A village that is being served."""

    place: Place
    clock: Clock
    db: Database
    gateway: Gateway
    carrier: Carrier | None
    first_code: str | None
    public_url: str
    loopback_url: str
    desk_url: str
    fingerprint: str
    """Of the village's own authority: who installs its certificate compares it."""
    link: CountyLink
    failure: asyncio.Future[None]

    async def failed(self) -> None:
        """Return never; raise what made one of the village's own tasks end."""
        await asyncio.shield(self.failure)


@contextlib.asynccontextmanager
async def running(place: Place, *, any_port: bool = False, listen: str | None = None) -> AsyncIterator[Running]:
    """Serve the village until the block ends. Raises RefusalError where it cannot start."""
    with serving(place.folder):
        complete(place)
        clock = place.clock()
        async with place.database(clock) as db, contextlib.AsyncExitStack() as stack:
            yield await _start(place, clock, db, stack, any_port=any_port, listen=listen)


async def _start(
    place: Place,
    clock: Clock,
    db: Database,
    stack: contextlib.AsyncExitStack,
    *,
    any_port: bool,
    listen: str | None,
) -> Running:
    config, vault = place.config, place.vault()
    timekeeper = Timekeeper(db, clock, (shift_messages, shift_notices, shift_polls, shift_link, shift_permits))
    await timekeeper.begin()
    means = means_of(place, clock)
    answering = answering_of(place, clock, means)
    speech = Speech(place.clips_folder)
    stack.push_async_callback(speech.close)

    carrier = None
    sms: list[SmsTransport] = []
    calls: list[CallTransport] = []
    lines: dict[str, Line] = {}
    if config.sms.simulated and isinstance(clock, MovableClock):
        carrier = carrier_of(place, clock)
        stack.callback(carrier.close)
        sms.append(SimulatorSms(carrier, pace_ms=60_000 // config.sms.per_minute))
        calls.append(SimulatorCalls(carrier, lines=config.calls.lines))
        lines = {line.name: line.line for line in named_lines(config)} | {calls[0].name: calls_line(config)}
        if not await db.read(is_filled):
            await fill(db, clock, vault, carrier, means)

    async def tell_time(wall_ms: int) -> None:
        """A network's time ends a guess; where the time is known already, a wrong cell must not move it."""
        if not clock.trusted:
            with contextlib.suppress(ValueError):  # a time no living network can mean
                await timekeeper.tell(wall_ms, "modem")

    gateway = Gateway(
        db=db,
        clock=clock,
        vault=vault,
        events=_Events(answering, means, clock),
        sms=sms,
        calls=calls,
        voice=speech,
        settings=Settings(quiet=QuietHours(_spans(config.open_hours))),
        outbox=means.outbox,
        tell_time=tell_time,
        lines=lines,
    )
    secrets = read_secrets(place.folder / SECRETS_NAME)
    refuse_without_secrets(config, secrets)
    real = [] if config.sms.simulated else named_lines(config)
    wiring = Wiring(config, secrets, clock, Pins(db, vault))
    switchboard = Switchboard(gateway, real, lambda line, first_ms: build(line, wiring, first_ms), db, clock)
    await switchboard.settle()
    await gateway.recover()

    key = SigningKey.read(place.folder / "sign.key")
    link = CountyLink(db, clock, key, config.village.name)
    parts = Parts(
        place=place,
        clock=clock,
        db=db,
        means=means,
        gateway=gateway,
        switchboard=switchboard,
        speech=speech,
        timekeeper=timekeeper,
        link=link,
        listening_since=Listening(clock),
    )
    schedule = scheduled(parts, Journal(key.public, clock))

    async def settle() -> None:
        """What other threads and the speech worker have begun comes to its end, and what follows from that, too."""
        still = 0
        for _ in range(_MOST_BREATHS):
            still = still + 1 if db.at_rest and speech.at_rest else 0
            if still > _STILL_TURNS:
                return
            await asyncio.sleep(0 if still else _BREATH_S)

    async def skip(duration_ms: int) -> None:
        if not isinstance(clock, MovableClock):
            raise RefusalError(say("只有样板村能拨时间"), status=409)
        for left_ms in range(duration_ms, 0, -_SLICE_MS):
            await skip_time(place.folder, clock, min(left_ms, _SLICE_MS), settle)
            await schedule.ring_timely()
        await schedule.ring()

    examined = Examined(
        place.folder,
        VERSION,
        config.sms.price_fen,
        lambda: certificate_ends_ms(place.tls_folder),
        _see_modem(switchboard) if MODEM in config.sms.transports else None,
    )
    doctor = Doctor(db, clock, examined, lines=gateway, county=link, voice=speech)

    first_code = await db.write(lambda tx: first_visit_code(tx, place.key))
    public_routes = public.routes(db, clock, means.office, speech) + callbacks.routes(switchboard.called)
    if carrier is not None:
        public_routes += phones.routes(
            carrier,
            clock,
            skip,
            db=db,
            vault=vault,
            office=means.office.village + "村委会",
            office_phone=means.office.phone,
            suggestions=suggestions(),
            line=link,
            sim=Sim(sms[0].name, config.sms.price_fen),
        )
    public_app = make_public_app(db=db, clock=clock, key=place.key, village=config.village.name, routes=public_routes)
    accounts = Accounts(db, clock, place.key)
    stack.callback(accounts.close)
    context = server_context(place.tls_folder, hosts_of(config), clock)
    ports = (0, 0, 0) if any_port else (config.web.public_port, config.web.loopback_port, config.web.desk_port)
    host = listen or config.web.listen
    try:
        (public_at,) = await stack.enter_async_context(listening(public_app, Door(host, ports[0])))
        loopback_at, desk_at = await stack.enter_async_context(
            listening(
                desk_app(parts, accounts=accounts, doctor=doctor),
                Door("127.0.0.1", ports[1], most=_DESK_CONNECTIONS),
                Door(host, ports[2], context, most=_DESK_CONNECTIONS),
            )
        )
    except OSError as taken:
        raise RefusalError(
            say("开不了 {host} 上的端口（{reason}）。改 village.toml 的 [web]，或加 --any-port",
                host=host, reason=reason_of(taken))
        ) from taken  # fmt: skip

    failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    work: list[Coroutine[object, object, object]] = [
        timekeeper.run(),
        link.run(),
        keep_certificate_fresh(place.tls_folder, hosts_of(config), clock, context),
    ]
    if carrier is not None:
        work.append(carrier.run())
    await stack.enter_async_context(at_work(work, failure))
    await stack.enter_async_context(_sending(gateway, failure))
    schedule.start()
    stack.callback(schedule.stop)
    await stack.enter_async_context(answering_doctors(place.folder, doctor.examine_aloud))
    return Running(
        place=place,
        clock=clock,
        db=db,
        gateway=gateway,
        carrier=carrier,
        first_code=first_code,
        public_url=public_at.typed,
        loopback_url=loopback_at.typed,
        desk_url=desk_at.typed,
        fingerprint=authority_fingerprint(place.tls_folder),
        link=link,
        failure=failure,
    )


def _see_modem(switchboard: Switchboard) -> Callable[[str], Awaitable[Finding]]:
    """Imported here: a village without a modem does not carry D-Bus in its memory."""
    from village.doctor.modem_seen import see_modem

    return lambda name: see_modem(switchboard.lines[name].device, name=name)


@contextlib.asynccontextmanager
async def _sending(gateway: Gateway, failure: asyncio.Future[None]) -> AsyncIterator[None]:
    """The gateway at work. At the end what is with a carrier may still come to its end: cut off it would be unknown."""
    async with at_work([gateway.run()], failure) as (running_gateway,):
        try:
            yield
        finally:
            failure.cancel()
            gateway.stop()
            await asyncio.wait({running_gateway}, timeout=_LAST_TRIES_S)


def _spans(open_hours: Sequence[tuple[int, int]]) -> tuple[tuple[str, str], ...]:
    return tuple((_clock_text(begin), _clock_text(end)) for begin, end in open_hours)


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
