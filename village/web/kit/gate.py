"""Who may open which page of the desk, and from where.

Every handler carries a mark; one without a mark stops the server from starting. Never looks at what a form says.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

from aiohttp import web

from village.ground.database import DiskFullError
from village.ground.wording import RefusalError, say
from village.web.kit import store
from village.web.kit.assets import PREFIX as ASSETS
from village.web.kit.frame import FRAME, LANGUAGE, VISITOR, Account, Frame, Role, Visitor, visitor_of
from village.web.kit.language import language_of
from village.web.kit.sessions import TOUCH_MS, Stamp, key_hash, new_key

__all__ = ["Account", "Role", "account_of", "allowed", "anyone", "signed_in"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
F = TypeVar("F", bound=Callable[..., Any])

_MARK = "_desk_mark"
_EVERYBODY: frozenset[Role] | None = None
FIRST, LOGIN, NEW_PASSWORD = "/first", "/login", "/me/password"
_WITHOUT_NEW_PASSWORD = frozenset({NEW_PASSWORD, "/logout"})


class SignInNeededError(RefusalError):
    """Nobody is signed in at this browser, or not any more."""


def allowed(*roles: Role) -> Callable[[F], F]:
    """This page is for accounts of these roles."""

    def mark(handler: F) -> F:
        setattr(handler, _MARK, frozenset(roles))
        return handler

    return mark


def signed_in(handler: F) -> F:
    """This page is for every account."""
    setattr(handler, _MARK, frozenset(Role))
    return handler


def anyone(handler: F) -> F:
    """This page needs no account."""
    setattr(handler, _MARK, _EVERYBODY)
    return handler


def account_of(request: web.Request) -> Account:
    """Who is signed in. Raises SignInNeededError."""
    account = visitor_of(request).account
    if account is None:
        raise SignInNeededError(say("请先登录。"), status=401)
    return account


def refuse_unmarked(app: web.Application) -> None:
    """Raises ValueError where a handler of the desk does not say whom it is for."""
    for route in app.router.routes():
        if not hasattr(route.handler, _MARK):
            raise ValueError(f"{route.method} {route.resource}: mark it @allowed, @signed_in or @anyone")


@web.middleware
async def read_language(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[LANGUAGE] = language_of(request)
    return await handler(request)


@web.middleware
async def refuse_foreign_posts(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A form is taken only from a page of this very address."""
    if request.method not in ("GET", "HEAD", "OPTIONS") and not _own_origin(request):
        raise RefusalError(say("这份表单不是从本页面交来的，没有收。"), status=403)
    return await handler(request)


def _own_origin(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin == f"{'https' if request.secure else 'http'}://{request.headers.get('Host', '')}"
    # programs send neither; what a browser sends without Origin it marks with its site
    return request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")


@web.middleware
async def keep_gate(request: web.Request, handler: Handler) -> web.StreamResponse:
    frame = request.app[FRAME]
    if not _own_host(frame, request):
        raise RefusalError(say("村务台不认这个网址，请用本机地址或村里的网址打开。"), status=421)
    if request.path.startswith(ASSETS):
        return await handler(request)  # what is the same for everybody needs no look into the database
    request[VISITOR], fresh = await _visitor(frame, request)
    roles: frozenset[Role] | None = getattr(request.match_info.handler, _MARK, _EVERYBODY)
    if roles is not None:
        turned_away = await _turn_away(frame, request, roles)
        if turned_away is not None:
            return turned_away
    response = await handler(request)
    if fresh and not response.prepared:
        response.set_cookie(_visit_cookie(frame), fresh, httponly=True, samesite="Strict", secure=request.secure)
    return response


def _own_host(frame: Frame, request: web.Request) -> bool:
    """A name that somebody else's DNS points here is refused; an address cannot be pointed."""
    try:
        name = (urlsplit(f"//{request.headers.get('Host', '')}").hostname or "").rstrip(".")
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost") or name in frame.hosts:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _visitor(frame: Frame, request: web.Request) -> tuple[Visitor, str]:
    """Who this is, and the throw-away cookie to set where the browser has none yet."""
    key = request.cookies.get(session_cookie(frame, request), "")
    if key:
        found = await frame.db.read(lambda tx: store.session_by_key(tx, key_hash(key)))
        now = Stamp.now(frame.clock)
        if found is not None and not found[0].over(now):
            session, account = found
            if session.seen.run != now.run or session.quiet_ms(now) > TOUCH_MS:
                with contextlib.suppress(DiskFullError):  # a full disk must not put the clerk out
                    await frame.db.write(lambda tx: store.touch_session(tx, session, now))
            return Visitor(key_hash(key), account, session.id), ""
    visit = request.cookies.get(_visit_cookie(frame), "")
    fresh = "" if visit else new_key()
    return Visitor(key_hash(visit or fresh)), fresh


def session_cookie(frame: Frame, request: web.Request) -> str:
    """Cookies know no port: the village's own suffix keeps two villages on one machine apart."""
    return f"__Host-{frame.cookie}" if request.secure else frame.cookie


def _visit_cookie(frame: Frame) -> str:
    return f"{frame.cookie}-visit"


async def _turn_away(frame: Frame, request: web.Request, roles: frozenset[Role]) -> web.StreamResponse | None:
    account = visitor_of(request).account
    if account is None:
        if request.method not in ("GET", "HEAD"):
            raise SignInNeededError(say("登录已经过期。什么都没有丢：您写的在下面，登录后再交一次。"), status=401)
        first = not await frame.db.read(store.has_accounts)
        onward = "" if request.path == "/" else f"?next={quote(request.path_qs, safe='/')}"
        return web.Response(
            status=303, headers={"Location": FIRST if first else LOGIN + onward, "Cache-Control": "no-store"}
        )
    if account.must_change and request.path not in _WITHOUT_NEW_PASSWORD:
        return web.Response(status=303, headers={"Location": NEW_PASSWORD, "Cache-Control": "no-store"})
    if account.role not in roles:
        names = [words for role, words in frame.office.roles.items() if role in roles]
        raise RefusalError(say("您的账号打不开这一页。能打开它的是："), *names, status=403)
    return None
