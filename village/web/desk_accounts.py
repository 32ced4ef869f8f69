"""The desk's door: first visit, signing in and out, accounts, one's own password, the village's certificate.

Never sees a password in a place that is kept; `Accounts` does the work.
"""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from village.ground.wording import RefusalError, say
from village.web.kit.accounts import Accounts, SignedIn, Source
from village.web.kit.authority import authority_certificate, authority_fingerprint
from village.web.kit.forms import Form, read_form, take_form
from village.web.kit.frame import FRAME, Role, visitor_of
from village.web.kit.gate import FIRST, LOGIN, account_of, allowed, anyone, session_cookie, signed_in
from village.web.kit.language import is_local
from village.web.kit.pages import home_of, path_number, query_text, redirect, render
from village.web.kit.passwords import SHORTEST
from village.web.kit.sessions import LONGEST_MS

_KNOWN_LASTS_S = 365 * 24 * 3600


def routes(accounts: Accounts, tls_folder: Path | None = None) -> list[web.RouteDef]:
    """`tls_folder` holds the village's authority; None where the desk is on loopback alone."""
    door, office = _Door(accounts, tls_folder), _Office(accounts)
    return [
        web.get("/first", door.first),
        web.post("/first", door.open_first),
        web.get("/login", door.login),
        web.post("/login", door.sign_in),
        web.post("/logout", door.sign_out),
        web.get("/ca", door.certificate),
        web.get("/ca/village-ca.crt", door.certificate_file),
        web.get("/me", office.me),
        web.get("/me/password", office.new_password),
        web.post("/me/password", office.change_password),
        web.post("/me/sessions/others", office.close_others),
        web.post("/me/sessions/{id:[0-9]{1,15}}", office.close_one),
        web.get("/accounts", office.accounts),
        web.post("/accounts", office.add),
        web.get("/accounts/{id:[0-9]{1,15}}", office.account),
        web.post("/accounts/{id:[0-9]{1,15}}/role", office.set_role),
        web.post("/accounts/{id:[0-9]{1,15}}/reset", office.reset),
        web.post("/accounts/{id:[0-9]{1,15}}/remove", office.remove),
    ]


class _Door:
    """What stands before the gate."""

    def __init__(self, accounts: Accounts, tls_folder: Path | None) -> None:
        self._accounts = accounts
        self._tls_folder = tls_folder

    @anyone
    async def first(self, request: web.Request) -> web.StreamResponse:
        if not await self._accounts.first_visit_open():
            return await redirect(request, LOGIN, say("第一个账号已经有了，请登录。"))
        return await render(request, "accounts/first.html", shortest=SHORTEST)

    @anyone
    async def open_first(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        if not await self._accounts.first_visit_open():  # the second of two clicks, or somebody was faster
            return await redirect(request, LOGIN, say("第一个账号已经有了，请登录。"))
        try:
            signed_in_now = await self._accounts.open_first(form, _source(request))
        except RefusalError as refused:
            return await render(request, "accounts/first.html", form=form, refused=refused, shortest=SHORTEST)
        answer = await redirect(
            request, home_of(request, signed_in_now.account), say("账号建好了。记住密码：没有人能看到它。")
        )
        return _sit_down(request, answer, signed_in_now)

    @anyone
    async def login(self, request: web.Request) -> web.StreamResponse:
        onward = _onward(query_text(request, "next"))
        if visitor_of(request).account:
            return await redirect(request, onward or home_of(request))
        if await self._accounts.first_visit_open():
            return await redirect(request, FIRST)
        return await render(request, "accounts/login.html", onward=onward)

    @anyone
    async def sign_in(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        onward = _onward(form.text("next"))
        try:
            signed_in_now = await self._accounts.sign_in(form, _source(request))
        except RefusalError as refused:
            return await render(request, "accounts/login.html", form=form, refused=refused, onward=onward)
        answer = await redirect(request, onward or home_of(request, signed_in_now.account))
        return _sit_down(request, answer, signed_in_now)

    @anyone
    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        session_id = visitor_of(request).session_id
        if session_id is None:  # already out: nothing to prove, nothing to do
            await take_form(request)
        else:
            await read_form(request)
            await self._accounts.sign_out(session_id)
        answer = await redirect(request, LOGIN, say("您已退出。"))
        answer.del_cookie(session_cookie(request.app[FRAME], request), secure=request.secure)
        return answer

    @anyone
    async def certificate(self, request: web.Request) -> web.StreamResponse:
        if self._tls_folder is None:
            raise web.HTTPNotFound
        layout = "desk" if visitor_of(request).account else "plain"
        return await render(
            request,
            "accounts/certificate.html",
            layout=f"kit/{layout}.html",
            fingerprint=authority_fingerprint(self._tls_folder),
        )

    @anyone
    async def certificate_file(self, _request: web.Request) -> web.StreamResponse:
        if self._tls_folder is None:
            raise web.HTTPNotFound
        return web.Response(
            body=authority_certificate(self._tls_folder),
            content_type="application/x-x509-ca-cert",
            headers={"Content-Disposition": 'attachment; filename="village-ca.crt"'},
        )


class _Office:
    """What an account can do with itself, and the committee with all."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    @signed_in
    async def me(self, request: web.Request) -> web.StreamResponse:
        account = account_of(request)
        sessions = await self._accounts.sessions(account)
        return await render(
            request,
            "accounts/me.html",
            sessions=[(session, self._accounts.quiet_ms(session)) for session in sessions],
            here=visitor_of(request).session_id,
            longest_ms=LONGEST_MS,
        )

    @signed_in
    async def new_password(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "accounts/password.html", shortest=SHORTEST)

    @signed_in
    async def change_password(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        try:
            await self._accounts.change_password(form, account_of(request), _session_id(request))
        except RefusalError as refused:
            return await render(request, "accounts/password.html", form=form, refused=refused, shortest=SHORTEST)
        return await redirect(request, "/me", say("密码改好了，别的地方都已退出。"))

    @signed_in
    async def close_one(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        await self._accounts.close_session(account_of(request), path_number(request, "id"))
        return await redirect(request, "/me", say("那一处已经退出。"))

    @signed_in
    async def close_others(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        await self._accounts.close_other_sessions(account_of(request), _session_id(request))
        return await redirect(request, "/me", say("别的地方都已退出。"))

    @allowed(Role.COMMITTEE)
    async def accounts(self, request: web.Request) -> web.StreamResponse:
        return await self._accounts_page(request)

    @allowed(Role.COMMITTEE)
    async def add(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        try:
            account, starter = await self._accounts.add(form, account_of(request))
        except RefusalError as refused:
            return await self._accounts_page(request, form=form, refused=refused)
        return await render(request, "accounts/starter.html", made=account, starter=starter, again=False)

    @allowed(Role.COMMITTEE)
    async def account(self, request: web.Request) -> web.StreamResponse:
        shown = await self._accounts.one(path_number(request, "id"))
        return await render(request, "accounts/account.html", shown=shown, roles=_roles(request))

    @allowed(Role.COMMITTEE)
    async def set_role(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        account = await self._accounts.set_role(form, path_number(request, "id"), account_of(request))
        return await redirect(request, "/accounts", say("{name}的职责改好了。", name=account.name))

    @allowed(Role.COMMITTEE)
    async def reset(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        account, starter = await self._accounts.reset(form, path_number(request, "id"), account_of(request))
        return await render(request, "accounts/starter.html", made=account, starter=starter, again=True)

    @allowed(Role.COMMITTEE)
    async def remove(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        account = await self._accounts.remove(form, path_number(request, "id"), account_of(request))
        return await redirect(request, "/accounts", say("{name}的账号删掉了，已在各处退出。", name=account.name))

    async def _accounts_page(
        self, request: web.Request, *, form: Form | None = None, refused: RefusalError | None = None
    ) -> web.StreamResponse:
        listed, events = await self._accounts.listed()
        return await render(
            request,
            "accounts/accounts.html",
            form=form,
            refused=refused,
            accounts=listed,
            events=events,
            roles=_roles(request),
        )


def _roles(request: web.Request) -> list[tuple[str, object]]:
    return [(role.value, words) for role, words in request.app[FRAME].office.roles.items()]


def _source(request: web.Request) -> Source:
    return Source(
        request.remote, request.cookies.get(_known_cookie(request), ""), request.headers.get("User-Agent", "")
    )


def _known_cookie(request: web.Request) -> str:
    return f"{request.app[FRAME].cookie}-known"


def _sit_down(request: web.Request, answer: web.Response, signed_in_now: SignedIn) -> web.Response:
    answer.set_cookie(
        session_cookie(request.app[FRAME], request),
        signed_in_now.key,
        max_age=LONGEST_MS // 1000,
        httponly=True,
        samesite="Strict",
        secure=request.secure,
        path="/",
    )
    answer.set_cookie(
        _known_cookie(request),
        signed_in_now.known,
        max_age=_KNOWN_LASTS_S,
        httponly=True,
        samesite="Strict",
        secure=request.secure,
        path="/login",
    )
    return answer


def _session_id(request: web.Request) -> int:
    session_id = visitor_of(request).session_id
    if session_id is None:
        raise web.HTTPUnauthorized
    return session_id


def _onward(path: str) -> str:
    """Where to go after signing in: the page that was asked for, empty for the first one."""
    return path if is_local(path) and not path.startswith((LOGIN, "/logout")) else ""
