"""The committee's desk: its rail, its foot and its pages, put together from the village's parts.

Decides nothing in any of them.
"""

from __future__ import annotations

from aiohttp import web

from gateway.calls_store import waits_for_speech
from gateway.gateway import Gateway
from gateway.message import Channel
from village.doctor.doctor import Doctor
from village.founding import hosts_of
from village.ground.calendar import short_moment
from village.ground.clock import Clock
from village.ground.wording import Wording, say
from village.link.county_link import LinkState
from village.parts import Parts
from village.switchboard import Switchboard
from village.web import (
    callbacks,
    desk_accounts,
    desk_basis,
    desk_clock,
    desk_county,
    desk_doctor,
    desk_lines,
    desk_messages,
    desk_notices,
    desk_polls,
    desk_roster,
    desk_suggestions,
)
from village.web.kit.accounts import Accounts
from village.web.kit.apps import RailEntry, make_desk_app
from village.web.kit.gate import Role

_READERS = frozenset({Role.COMMITTEE, Role.SUPERVISORY})
"""Villagers write to the committee; the supervisory committee may read along, nobody else."""


def desk_app(parts: Parts, *, accounts: Accounts, doctor: Doctor) -> web.Application:
    config, clock, db, means = parts.place.config, parts.clock, parts.db, parts.means

    def warnings() -> list[Wording]:
        said = []
        if db.full:
            said.append(say("存储卡满了：现在什么都记不下来。请先腾出空间，已经记下的都在。"))
        if not clock.trusted:
            said.append(say("村里的钟是猜的，请到“村里的钟”那一页核对。"))
        if not config.sms.transports:
            said.append(say("还没有接短信线路：通知只上公开页和上门单。"))
        return said

    async def foot() -> list[Wording | RailEntry]:
        dumb = await db.read(waits_for_speech)
        lanes = parts.gateway.lanes()
        down = [lane for lane in lanes if not lane.up]
        if not lanes:
            line = say("线路：没有接")
        elif down:
            line = say("线路：{down}条断了", down=len(down))
        else:
            line = say("线路：通")
        return [
            RailEntry(desk_doctor.PATH, line),
            *([say("声音：念不出来，电话先等着")] if dumb else []),
            _county_line(await parts.link.state(), clock),
        ]

    return make_desk_app(
        db=db,
        clock=clock,
        key=parts.place.key,
        village=config.village.name,
        hosts=hosts_of(config),
        rail=[
            RailEntry("/", say("今天")),
            RailEntry("/notices/new", say("写通知")),
            RailEntry("/notices", say("送达")),
            RailEntry("/doors", say("上门单")),
            RailEntry("/polls", say("投票")),
            RailEntry("/messages", say("来信"), _READERS),
            RailEntry("/suggestions", say("建议"), _READERS),
            RailEntry("/roster", say("花名册")),
            RailEntry("/county", say("县里")),
            RailEntry("/basis", say("依据")),
            RailEntry("/lines", say("线路")),
            RailEntry("/clock", say("村里的钟")),
            RailEntry(desk_doctor.PATH, say("设备")),
            RailEntry("/accounts", say("账号"), frozenset({Role.COMMITTEE})),
            RailEntry("/ca", say("证书")),
        ],
        foot=foot,
        warnings=warnings,
        routes=[
            *desk_notices.routes(db, clock, means, parts.speech),
            *desk_roster.routes(
                db,
                clock,
                means.vault,
                means.outbox,
                area_code=config.village.area_code,
                groups=config.village.groups,
                sms_number=config.village.sms_number,
            ),
            *desk_messages.routes(db, clock, means.vault),
            *desk_suggestions.routes(db, clock, means.vault),
            *desk_polls.routes(db, clock, means, parts.speech, parts.up_since_ms),
            *desk_basis.routes(db, clock),
            *desk_county.routes(db, clock, parts.link),
            *desk_lines.routes(
                db,
                clock,
                lines=lambda: _line_facts(parts.gateway, parts.switchboard),
                spending=parts.gateway.spending,
                settle=parts.switchboard.settle,
            ),
            *callbacks.routes(parts.switchboard.called),
            *desk_clock.routes(clock, parts.timekeeper),
            *desk_doctor.routes(clock, doctor),
            *desk_accounts.routes(accounts, parts.place.tls_folder),
        ],
    )


def _line_facts(gateway: Gateway, switchboard: Switchboard) -> list[desk_lines.LineFacts]:
    """Every line there is or could be, in the order in which they are asked."""
    statuses = {status.name: status for status in gateway.lanes()}
    conditions = gateway.conditions()
    facts = [
        desk_lines.LineFacts(name, line.title, line.need, statuses.pop(name, None), conditions.get(name))
        for name, line in switchboard.lines.items()
    ]
    titles = {Channel.SMS: say("短信（模拟）"), Channel.CALL: say("打电话（模拟）")}
    for name, status in statuses.items():
        facts.append(desk_lines.LineFacts(name, titles[status.channel], None, status, conditions.get(name)))
    return facts


def _county_line(state: LinkState, clock: Clock) -> Wording:
    """A quiet line at the foot: being without the county is normal, and nothing to be alarmed about."""
    if state.county is None:
        return say("县里：还没有登记")
    if state.spoke_ms is None:
        return say("县里：还没有对上过")
    when = short_moment(state.spoke_ms, clock.now_ms())
    if state.waiting and state.trouble is not None:
        return say("县里：{when}对上的，{n}条等着报", when=when, n=state.waiting)
    return say("县里：{when}对上的", when=when)
