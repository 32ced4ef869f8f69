"""The two sites of a village as aiohttp apps: the public page in plain HTTP, the desk on loopback or HTTPS.

Never knows a page of a room; `app.py` passes their routes in.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from importlib import resources
from pathlib import Path

from aiohttp import web

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.privacy import derive
from village.ground.wording import Wording
from village.web.kit.assets import PREFIX as ASSETS
from village.web.kit.assets import Assets
from village.web.kit.errors import plain_pages
from village.web.kit.frame import FRAME, VILLAGE_OFFICE, Frame, Office, RailEntry, no_foot, no_warnings
from village.web.kit.gate import anyone, keep_gate, read_language, refuse_foreign_posts, refuse_unmarked
from village.web.kit.language import LANGUAGES, choose_language
from village.web.kit.live import hang_up, live
from village.web.kit.pages import templates as page_templates

__all__ = ["Office", "RailEntry", "make_desk_app", "make_public_app"]

_OWN_THINGS = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; media-src 'self'; connect-src"
    " 'self'; font-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def make_public_app(
    *,
    db: Database,
    clock: Clock,
    key: bytes,
    village: str,
    routes: Iterable[web.RouteDef],
    templates: Sequence[Path] = (),
    static: Sequence[Path] = (),
) -> web.Application:
    """What villagers read; no account, no JavaScript needed."""
    assets = _assets(static)
    frame = Frame(
        village=village,
        desk=False,
        db=db,
        clock=clock,
        forms_key=derive(key, "public-forms-1"),
        templates=page_templates(_folders(templates), assets),
        assets=assets,
    )
    app = web.Application(middlewares=[read_language, plain_pages, refuse_foreign_posts])
    return _fill(app, frame, routes)


def make_desk_app(
    *,
    db: Database,
    clock: Clock,
    key: bytes,
    village: str,
    routes: Iterable[web.RouteDef],
    rail: Sequence[RailEntry],
    hosts: Collection[str] = (),
    foot: Callable[[], Awaitable[Sequence[Wording | RailEntry]]] = no_foot,
    warnings: Callable[[], Sequence[Wording]] = no_warnings,
    templates: Sequence[Path] = (),
    static: Sequence[Path] = (),
    office: Office = VILLAGE_OFFICE,
) -> web.Application:
    """Where the committee works, or the county. Raises ValueError where a handler does not say whom it is for."""
    assets = _assets(static)
    frame = Frame(
        village=village,
        desk=True,
        db=db,
        clock=clock,
        forms_key=derive(key, "desk-forms-1"),
        templates=page_templates(_folders(templates), assets),
        assets=assets,
        hosts=frozenset(host.lower() for host in hosts),
        office=office,
        cookie=f"desk-{derive(key, 'desk-cookie-1').hex()[:8]}",
        rail=tuple(rail),
        foot=foot,
        warnings=warnings,
    )
    app = web.Application(middlewares=[read_language, plain_pages, keep_gate, refuse_foreign_posts])
    _fill(app, frame, [*routes, web.get("/live", live)])
    refuse_unmarked(app)
    return app


def _fill(app: web.Application, frame: Frame, routes: Iterable[web.RouteDef]) -> web.Application:
    app[FRAME] = frame
    serve = anyone(functools.partial(frame.assets.serve))
    app.router.add_get(ASSETS + "{name:[A-Za-z0-9_.-]{1,80}}", serve)
    app.router.add_get(f"/language/{{language:{'|'.join(LANGUAGES)}}}", anyone(functools.partial(choose_language)))
    app.router.add_routes(routes)
    app.on_response_prepare.append(_headers)
    app.on_shutdown.append(hang_up)
    return app


async def _headers(request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", _OWN_THINGS)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    headers.popall("Server", None)
    if request.app[FRAME].desk:
        headers.setdefault("Cache-Control", "no-store")


def _assets(more: Sequence[Path]) -> Assets:
    here = Path(str(resources.files("village.web")))
    return Assets([here / "kit" / "static", here / "static", *more])


def _folders(more: Sequence[Path]) -> list[Path]:
    return [Path(str(resources.files("village.web"))) / "templates", *more]
