"""What people do with accounts: the first visit, signing in and out, adding, changing, removing.

Never lets the committee lock itself out: the last committee account can neither go nor change its role.
"""

from __future__ import annotations

import base64
import logging
import secrets
import sqlite3
from dataclasses import dataclass

from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.privacy import derive
from village.ground.wording import RefusalError, say
from village.web.kit import store
from village.web.kit.first_visit import is_code
from village.web.kit.forms import Form
from village.web.kit.frame import Account, Role
from village.web.kit.once import leads_to, once
from village.web.kit.passwords import Passwords, refuse_weak
from village.web.kit.patience import Patience, is_here, network_of
from village.web.kit.sessions import Session, Stamp, key_hash, new_key
from village.web.kit.tokens import sign

log = logging.getLogger(__name__)

NAME_LONGEST = 20
_STARTER_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
"""Nothing that two people read differently from paper: no l and 1, no o and 0, no i."""

_STARTER_LENGTH = 12
_EVENTS_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Source:
    """Where a guess comes from: an address, and what the browser kept from an earlier sign-in."""

    remote: str | None
    known: str = ""
    browser: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`key` goes into the browser's session cookie, `known` into the one that outlives it."""

    account: Account
    key: str
    known: str


class Accounts:
    """All of it over one database; one for the whole server, so that wrong guesses are counted in one place."""

    def __init__(self, db: Database, clock: Clock, key: bytes) -> None:
        self._db = db
        self._clock = clock
        self._key = key
        self._known_key = derive(key, "known-browser-1")
        self._passwords = Passwords()
        self._patience = Patience(clock)

    def close(self) -> None:
        self._passwords.close()

    async def open_first(self, form: Form, source: Source) -> SignedIn:
        """The first visit: code, name, password twice. Raises RefusalError."""
        name = _name(form)
        password = _new_password(form, name)
        guess = self._guess_keys(None, source)
        self._patience.take(guess)
        if not await self._db.read(lambda tx: is_code(tx, self._key, form.text("code"))):
            raise RefusalError(say("这个一次性密码不对。它在启动服务的窗口里，12位数字。"), status=422)
        hashed = await self._passwords.hash(password)

        def unit(tx: sqlite3.Connection) -> SignedIn:
            once(tx, form)
            # asked again inside the transaction: two first visits at once make one account
            if not is_code(tx, self._key, form.text("code")):
                raise RefusalError(say("第一个账号已经有了，请直接登录。"), status=409)
            now_ms = self._clock.now_ms()
            made = store.add_account(tx, name, Role.COMMITTEE, hashed, must_change=False, at_ms=now_ms)
            store.use_first_visit(tx)
            store.note_event(tx, made, made, "made", at_ms=now_ms, role=Role.COMMITTEE)
            return self._open_session(tx, Account(made, name, Role.COMMITTEE), source.browser)

        signed_in = await self._db.write(unit)
        self._patience.forgive(guess)
        log.info("first account made account=%d", signed_in.account.id)
        return signed_in

    async def sign_in(self, form: Form, source: Source) -> SignedIn:
        """Raises RefusalError: 422 wrong name or password, 429 too many guesses."""
        name, password = form.text("name"), form.password("password")
        found = await self._db.read(lambda tx: store.account_named(tx, name))
        account, hashed = found if found else (None, None)
        guess = self._guess_keys(account, source)
        self._patience.take(guess)
        wrong = RefusalError(say("名字或密码不对。忘了密码，请村委会的人在“账号”里重设。"), status=422)
        if not await self._passwords.check(password, hashed) or account is None or hashed is None:
            log.info("sign-in refused account=%s", account.id if account else "-")
            raise wrong
        self._patience.forgive(guess)
        fresh = await self._passwords.hash(password) if self._passwords.worn(hashed) else None

        def unit(tx: sqlite3.Connection) -> SignedIn:
            # the check took a while: a password that was reset meanwhile, or its account removed, opens nothing
            if store.account_named(tx, name) != found:
                raise wrong
            if fresh is not None:
                store.set_password(tx, account.id, fresh, must_change=account.must_change)
            return self._open_session(tx, account, source.browser)

        signed_in = await self._db.write(unit)
        log.info("signed in account=%d", account.id)
        return signed_in

    def _guess_keys(self, account: Account | None, source: Source) -> list[str]:
        """Strangers share one count per account; a browser that was signed in, or this computer, has its own."""
        if account and self._is_known(account, source.known):
            return [f"known:{account.id}:{source.known}"]
        if is_here(source.remote):
            return [f"here:{account.id if account else '-'}"]
        by_source = f"source:{network_of(source.remote)}"
        return [f"account:{account.id}", by_source] if account else [by_source]

    def _open_session(self, tx: sqlite3.Connection, account: Account, browser: str) -> SignedIn:
        key, stamp = new_key(), Stamp.now(self._clock)
        store.open_session(
            tx, account.id, key_hash(key), browser=browser_words(browser), seen=stamp, at_ms=self._clock.now_ms()
        )
        return SignedIn(account, key, self._known(account, secrets.token_urlsafe(9)))

    def _known(self, account: Account, nonce: str) -> str:
        mac = base64.urlsafe_b64encode(sign(self._known_key, f"{account.id}.{nonce}".encode())).decode().rstrip("=")
        return f"{nonce}.{mac}"

    def _is_known(self, account: Account, known: str) -> bool:
        nonce, dot, _ = known.partition(".")
        return bool(dot) and secrets.compare_digest(self._known(account, nonce).encode(), known.encode())

    async def sign_out(self, session_id: int) -> None:
        await self._db.write(lambda tx: store.close_session(tx, session_id))

    async def listed(self) -> tuple[list[Account], list[store.AccountEvent]]:
        """All accounts, and what was last done to them."""
        return await self._db.read(lambda tx: (store.accounts(tx), store.events(tx, _EVENTS_SHOWN)))

    async def one(self, account_id: int) -> Account:
        """Raises RefusalError where it is gone."""
        return await self._db.read(lambda tx: _existing(tx, account_id))

    async def first_visit_open(self) -> bool:
        return not await self._db.read(store.has_accounts)

    async def sessions(self, account: Account) -> list[Session]:
        now = Stamp.now(self._clock)
        found = await self._db.read(lambda tx: store.sessions_of(tx, account.id))
        return [session for session in found if not session.over(now)]

    def quiet_ms(self, session: Session) -> int:
        """How long that browser has not been seen, as far as anybody knows."""
        return session.quiet_ms(Stamp.now(self._clock))

    async def close_session(self, account: Account, session_id: int) -> None:
        """Sign another browser of the same account out. Raises RefusalError where it is not theirs."""

        def unit(tx: sqlite3.Connection) -> None:
            if session_id not in {session.id for session in store.sessions_of(tx, account.id)}:
                raise RefusalError(say("那一处已经退出了。"), status=409)
            store.close_session(tx, session_id)

        await self._db.write(unit)

    async def close_other_sessions(self, account: Account, session_id: int) -> None:
        await self._db.write(lambda tx: store.close_sessions(tx, account.id, but=session_id))

    async def change_password(self, form: Form, account: Account, session_id: int) -> None:
        """Needs the old one; every other browser is signed out. Raises RefusalError."""
        password = _new_password(form, account.name)
        guess = [f"change:{account.id}"]
        self._patience.take(guess)
        before = await self._db.read(lambda tx: store.password_of(tx, account.id))
        if not await self._passwords.check(form.password("password_now"), before):
            raise RefusalError(say("现在的密码不对。"), status=422)
        self._patience.forgive(guess)
        if password == form.password("password_now"):
            raise RefusalError(say("新密码和现在的一样，请换一个。"), status=422)
        hashed = await self._passwords.hash(password)

        def unit(tx: sqlite3.Connection) -> None:
            once(tx, form)
            if store.password_of(tx, account.id) != before:
                raise RefusalError(say("密码刚刚被改过，请重新登录。"), status=409)
            store.set_password(tx, account.id, hashed, must_change=False)
            store.close_sessions(tx, account.id, but=session_id)
            store.note_event(tx, account.id, account.id, "password", at_ms=self._clock.now_ms())
            leads_to(tx, form, "/me")

        await self._db.write(unit)
        log.info("password changed account=%d", account.id)

    async def add(self, form: Form, by: Account) -> tuple[Account, str]:
        """A new account and its starting password, which is shown once and changed at the first sign-in."""
        name = _name(form)
        role = Role(form.choice("role", say("职责"), [role.value for role in Role]))
        starter = _starter()
        hashed = await self._passwords.hash(starter)

        def unit(tx: sqlite3.Connection) -> Account:
            once(tx, form)
            leads_to(tx, form, "/accounts")
            if store.account_named(tx, name):
                raise RefusalError(say("已经有叫“{name}”的账号了，请换个叫法，比如加上职务。", name=name), status=409)
            now_ms = self._clock.now_ms()
            made = store.add_account(tx, name, role, hashed, must_change=True, at_ms=now_ms)
            store.note_event(tx, made, by.id, "made", at_ms=now_ms, role=role)
            return Account(made, name, role, must_change=True)

        account = await self._db.write(unit)
        log.info("account made account=%d by=%d role=%s", account.id, by.id, role)
        return account, starter

    async def reset(self, form: Form, account_id: int, by: Account) -> tuple[Account, str]:
        """A new starting password for somebody who forgot theirs; they are signed out everywhere."""
        starter = _starter()
        hashed = await self._passwords.hash(starter)

        def unit(tx: sqlite3.Connection) -> Account:
            once(tx, form)
            leads_to(tx, form, "/accounts")
            account = _existing(tx, account_id)
            if account.id == by.id:
                raise RefusalError(say("自己的密码请在“我的账号”里改。"), status=409)
            store.set_password(tx, account.id, hashed, must_change=True)
            store.close_sessions(tx, account.id)
            store.note_event(tx, account.id, by.id, "reset", at_ms=self._clock.now_ms())
            return account

        account = await self._db.write(unit)
        log.info("password reset account=%d by=%d", account.id, by.id)
        return account, starter

    async def reset_at_the_machine(self, name: str) -> str:
        """A new starting password for whoever stands at the computer itself: nobody at the desk knows one any more.

        Raises RefusalError (404) for nobody.
        """
        starter = _starter()
        hashed = await self._passwords.hash(starter)

        def unit(tx: sqlite3.Connection) -> Account:
            found = store.account_named(tx, name)
            if found is None:
                named = "、".join(account.name for account in store.accounts(tx))
                raise RefusalError(say("没有叫“{name}”的账号。现有的：{named}", name=name, named=named), status=404)
            account, _ = found
            store.set_password(tx, account.id, hashed, must_change=True)
            store.close_sessions(tx, account.id)
            store.note_event(tx, account.id, account.id, "reset", at_ms=self._clock.now_ms())
            return account

        account = await self._db.write(unit)
        log.info("password reset at the machine account=%d", account.id)
        return starter

    async def set_role(self, form: Form, account_id: int, by: Account) -> Account:
        """Raises RefusalError for the last committee account."""
        role = Role(form.choice("role", say("职责"), [role.value for role in Role]))

        def unit(tx: sqlite3.Connection) -> Account:
            once(tx, form)
            leads_to(tx, form, "/accounts")
            account = _existing(tx, account_id)
            if account.role is not role:
                _keep_one_committee(tx, account)
                store.set_role(tx, account.id, role)
                store.note_event(tx, account.id, by.id, "role", at_ms=self._clock.now_ms(), role=role)
            return account

        return await self._db.write(unit)

    async def remove(self, form: Form, account_id: int, by: Account) -> Account:
        """Raises RefusalError for the last committee account."""

        def unit(tx: sqlite3.Connection) -> Account:
            once(tx, form)
            leads_to(tx, form, "/accounts")
            account = _existing(tx, account_id)
            _keep_one_committee(tx, account)
            now_ms = self._clock.now_ms()
            store.remove_account(tx, account.id, now_ms)
            store.close_sessions(tx, account.id)
            store.note_event(tx, account.id, by.id, "removed", at_ms=now_ms)
            return account

        account = await self._db.write(unit)
        log.info("account removed account=%d by=%d", account.id, by.id)
        return account


def _existing(tx: sqlite3.Connection, account_id: int) -> Account:
    account = store.account(tx, account_id)
    if account is None:
        raise RefusalError(say("这个账号已经删掉了。"), status=409)
    return account


def _keep_one_committee(tx: sqlite3.Connection, account: Account) -> None:
    if account.role is Role.COMMITTEE and store.count_role(tx, Role.COMMITTEE) == 1:
        raise RefusalError(say("这是最后一个村委会账号，动了就没有人能管账号了。"), status=409)


def _name(form: Form) -> str:
    name = form.needed("name", say("名字"), longest=NAME_LONGEST)
    if not name.isprintable():
        raise RefusalError(say("名字里有看不见的字，请重新写。"), status=422)
    return name


def _new_password(form: Form, name: str) -> str:
    password = form.password("password")
    refuse_weak(password, name)
    if password != form.password("password_again"):
        raise RefusalError(say("两遍密码不一样，请再写一次。"), status=422)
    return password


def _starter() -> str:
    letters = "".join(secrets.choice(_STARTER_ALPHABET) for _ in range(_STARTER_LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, _STARTER_LENGTH, 4))


_PROGRAMS = (
    ("MicroMessenger", "微信"),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
)
_MACHINES = (
    ("Android", "安卓手机"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows 电脑"),
    ("Mac OS", "苹果电脑"),
    ("Linux", "Linux 电脑"),
)


def browser_words(agent: str) -> str:
    """What a clerk recognises their own browser by; the whole line a browser sends is kept nowhere."""
    program = next((word for mark, word in _PROGRAMS if mark in agent), "")
    machine = next((word for mark, word in _MACHINES if mark in agent), "")
    return " · ".join(word for word in (machine, program) if word)
