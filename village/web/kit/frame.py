"""What all pages of one app share, and what is known of whoever asks for one.

Never holds anything of a room: rooms get their own parts as arguments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import jinja2
from aiohttp import web

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import Wording, say
from village.web.kit.assets import Assets
from village.web.kit.language import CHINESE


class Role(StrEnum):
    COMMITTEE = "committee"
    SUPERVISORY = "supervisory"
    COLLECTIVE = "collective"
    PARTY = "party"


ROLE_WORDS = {
    Role.COMMITTEE: say("村委会"),
    Role.SUPERVISORY: say("村务监督委员会"),
    Role.COLLECTIVE: say("村集体经济组织"),
    Role.PARTY: say("村党支部"),
}


@dataclass(frozen=True, slots=True)
class Office:
    """Whose desk it is: what it is called, who keeps its accounts, and what each role is called there.

    `roles`: those an account can have; the first one keeps the accounts.
    """

    desk: Wording
    keepers: Wording
    roles: Mapping[Role, Wording]


VILLAGE_OFFICE = Office(say("村务台"), say("村委会"), ROLE_WORDS)


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    name: str
    role: Role
    must_change: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """`binding` ties forms to this browser: the session at the desk, a throw-away cookie before, nothing in public."""

    binding: bytes
    account: Account | None = None
    session_id: int | None = None


@dataclass(frozen=True, slots=True)
class RailEntry:
    """One line of the desk's rail, shown to `roles` alone."""

    path: str
    label: Wording
    roles: frozenset[Role] = frozenset(Role)


async def no_foot() -> Sequence[Wording | RailEntry]:
    return ()


def no_warnings() -> Sequence[Wording]:
    return ()


@dataclass(frozen=True, slots=True)
class Frame:
    village: str
    desk: bool
    db: Database
    clock: Clock
    forms_key: bytes
    templates: jinja2.Environment
    assets: Assets
    hosts: frozenset[str] = frozenset()
    cookie: str = "desk"
    office: Office = VILLAGE_OFFICE
    rail: tuple[RailEntry, ...] = ()
    foot: Callable[[], Awaitable[Sequence[Wording | RailEntry]]] = no_foot
    """Quiet lines under the rail; an entry among them leads to the page behind it."""
    warnings: Callable[[], Sequence[Wording]] = no_warnings
    listening: set[asyncio.Task[object]] = field(default_factory=set)
    """Requests that stay open (live parts); they end when the server does."""


FRAME = web.AppKey("frame", Frame)
VISITOR = web.RequestKey("visitor", Visitor)
LANGUAGE = web.RequestKey("language", str)

_NOBODY = Visitor(b"public")


def visitor_of(request: web.Request) -> Visitor:
    """Who asks; an anonymous reader where no gate has looked."""
    visitor: Visitor = request.get(VISITOR, _NOBODY)
    return visitor


def reader_language(request: web.Request) -> str:
    language: str = request.get(LANGUAGE, CHINESE)
    return language
