"""A stand-in for Twilio's REST API of 2010-04-01 and for its webhooks, on a real socket of this machine.

Keeps to what twilio.com/docs publishes: the Message and Balance resources, errors as JSON with code, message, more_info
and status, lists newest first with `next_page_uri`, dates in RFC 2822, the magic numbers of test accounts, signed
callbacks without one for the first status. Where the docs are silent it takes the harder reading: a message that was
not sent yet has no `date_sent`, so no list by date shows it. Statuses move only when a test moves them.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import itertools
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlencode, urlsplit

import aiohttp
from aiohttp import web

from village.ground.clock import MovableClock

ACCOUNT = "AC" + "0a" * 16
TOKEN = "primary-token-of-a-village-that-does-not-exist"
NUMBER = "+15005550006"
SERVICE = "MG" + "0b" * 16
PUBLIC = "https://qingshan.example"

MAGIC_TO = {
    "+15005550001": 21211,
    "+15005550002": 21612,
    "+15005550003": 21408,
    "+15005550004": 21610,
    "+15005550009": 21614,
}
MAGIC_FROM = {"+15005550001": 21212, "+15005550007": 21606, "+15005550008": 21611}

STEPS = ("queued", "sending", "sent", "delivered")
_ENDS = ("delivered", "undelivered", "failed", "canceled", "read", "received")
_PATH = f"/2010-04-01/Accounts/{ACCOUNT}"


@dataclass
class Message:
    sid: str
    to: str
    sender: str | None
    body: str
    direction: str
    status: str
    created_ms: int
    updated_ms: int
    sent_ms: int | None = None
    service: str | None = None
    error_code: int | None = None
    callback: str = ""
    given: dict[str, str] = field(default_factory=dict)
    """The form it was made of."""

    def resource(self) -> dict[str, object]:
        return {
            "account_sid": ACCOUNT,
            "api_version": "2010-04-01",
            "body": self.body,
            "date_created": _rfc2822(self.created_ms),
            "date_sent": None if self.sent_ms is None else _rfc2822(self.sent_ms),
            "date_updated": _rfc2822(self.updated_ms),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None if self.error_code is None else "it has a page of its own",
            "from": self.sender,
            "messaging_service_sid": self.service,
            "num_media": "0",
            "num_segments": "0" if self.service else "1",
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{_PATH}/Messages/{self.sid}/Media.json"},
            "to": self.to,
            "uri": f"{_PATH}/Messages/{self.sid}.json",
        }


class StandIn:
    def __init__(self, clock: MovableClock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self._runner: web.AppRunner
        self._server: asyncio.Server
        self._opening: asyncio.Future[None]
        self._port = 0
        self._village: dict[str, str] = {}
        self._released = asyncio.Event()
        self._session: aiohttp.ClientSession | None = None
        self.messages: dict[str, Message] = {}
        self.asked: list[str] = []
        """Method and path with query of every request."""
        self.number_errors: dict[str, int] = {}
        self.balance: tuple[str, str] | None = ("12.3", "USD")
        self.suspended = False
        self.throttle = 0
        """So many requests get 429 and are not processed."""
        self.broken = 0
        """So many requests get 503."""
        self.take_and_break = 0
        """So many messages are taken, and the answer is a 500."""
        self.take_and_hang = 0
        self.hang = 0
        """So many messages are (not) taken, and no answer comes."""
        self.take_and_babble = 0
        """So many messages are taken, and what comes back is no JSON."""
        self.before_answering: Callable[[str], Awaitable[None]] | None = None
        """What happens between taking a message and saying so."""

    # being there

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        app = web.Application(middlewares=[self._at_the_door])
        app.router.add_post(_PATH + "/Messages.json", self._create)
        app.router.add_get(_PATH + "/Messages.json", self._list)
        app.router.add_get(_PATH + "/Messages/{sid}.json", self._one)
        app.router.add_get(_PATH + "/Balance.json", self._say_balance)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        self.bring_back()
        await self._opening

    def take_down(self) -> None:
        """From now on nobody can connect."""
        self._server.close()

    def bring_back(self) -> None:
        """From now on anybody can, at the same address."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self._port))
        listening.listen()
        self._port = listening.getsockname()[1]
        self._opening = asyncio.ensure_future(self._open(listening))

    async def _open(self, listening: socket.socket) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._runner.server, sock=listening)

    def release(self) -> None:
        """Whoever hangs gets his answer."""
        self._released.set()
        self._released = asyncio.Event()

    async def close(self) -> None:
        self.release()
        await self._opening
        self._server.close()
        await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def village_is_at(self, public: str, local: str) -> None:
        """The world reaches the village at `public`; in truth it listens at `local`."""
        self._village[public] = local

    # the REST API

    @web.middleware
    async def _at_the_door(self, request: web.Request, handler: object) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        answer = await self._let_in(request, handler)
        answer.headers["Date"] = format_datetime(_moment(self._clock.now_ms()), usegmt=True)
        return answer

    async def _let_in(self, request: web.Request, handler: object) -> web.StreamResponse:
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if not hmac.compare_digest(request.headers.get("Authorization", ""), expected):
            return _error(401, 20003, "Authenticate")
        if self.throttle:
            self.throttle -= 1
            return _error(429, 20429, "Too many requests", {"Retry-After": "7"})
        if self.broken:
            self.broken -= 1
            return _error(503, 20503, "Service unavailable")
        if self.suspended:
            return _error(401, 10001, "Account is not active")
        try:
            return await handler(request)  # type: ignore[operator]
        except web.HTTPNotFound:
            return _error(404, 20404, f"The requested resource {request.path} was not found")

    async def _create(self, request: web.Request) -> web.StreamResponse:
        form = {key: str(value) for key, value in (await request.post()).items()}
        if self.hang:
            self.hang -= 1
            await self._released.wait()
            raise web.HTTPInternalServerError
        code = self._refusal(form)
        if code is not None:
            return _error(400, code, f"Unable to create record: {form.get('To')} …")
        message = self._make(form)
        if self.before_answering is not None:
            await self.before_answering(message.sid)
        if self.take_and_hang:
            self.take_and_hang -= 1
            await self._released.wait()
        if self.take_and_break:
            self.take_and_break -= 1
            return _error(500, 20500, "Internal server error")
        if self.take_and_babble:
            self.take_and_babble -= 1
            return web.Response(status=201, text="<html>")
        return web.json_response(message.resource(), status=201)

    def _refusal(self, form: dict[str, str]) -> int | None:
        """Why such a message cannot be made: the first reason there is."""
        to, sender, service = form.get("To", ""), form.get("From", ""), form.get("MessagingServiceSid", "")
        if not to:
            return 21604
        if not form.get("Body"):
            return 21602
        if not sender and not service:
            return 21603
        if service and service != SERVICE:
            return 21701
        if sender in MAGIC_FROM:
            return MAGIC_FROM[sender]
        if sender and sender != NUMBER:
            return 21606
        if not re.fullmatch(r"\+[1-9]\d{6,14}", to):
            return 21211
        if len(form["Body"]) > 1600:
            return 21617
        validity = form.get("ValidityPeriod", "1")
        if not validity.isdigit() or not 1 <= int(validity) <= 36_000:
            return 21624
        if not form.get("StatusCallback", "https://").startswith(("https://", "http://")):
            return 21609
        if form.get("SmartEncoded", "false") not in ("true", "false"):
            return 20001
        return self.number_errors.get(to, MAGIC_TO.get(to))

    def _make(self, form: dict[str, str]) -> Message:
        now_ms, service = self._clock.now_ms(), form.get("MessagingServiceSid")
        message = Message(
            sid=self._new_sid(),
            to=form["To"],
            sender=None if service else form["From"],
            body=form["Body"],
            direction="outbound-api",
            status="accepted" if service else "queued",
            created_ms=now_ms,
            updated_ms=now_ms,
            service=service,
            callback=form.get("StatusCallback", "").partition("#")[0],
            given=form,
        )
        self.messages[message.sid] = message
        return message

    async def _one(self, request: web.Request) -> web.StreamResponse:
        message = self.messages.get(request.match_info["sid"])
        if message is None:
            raise web.HTTPNotFound
        return web.json_response(message.resource())

    async def _list(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        size, page = int(query.get("PageSize", 50)), int(query.get("Page", 0))
        if not 1 <= size <= 1000:
            return _error(400, 20001, "PageSize")
        found = [one for one in self.messages.values() if self._matches(one, dict(query))]
        found.sort(key=lambda one: (one.sent_ms or one.created_ms, one.sid), reverse=True)
        # a page begins behind the last message of the one before: new ones do not shift it
        after = query.get("PageToken", "").removeprefix("PA")
        start = next((n + 1 for n, one in enumerate(found) if one.sid == after), 0)
        shown = found[start : start + size]
        more = start + size < len(found)
        kept = {key: value for key, value in query.items() if key not in ("Page", "PageToken")} | {"PageSize": size}

        def uri(number: int, token: str = "") -> str:
            where = kept | {"Page": number} | ({"PageToken": token} if token else {})
            return f"{_PATH}/Messages.json?{urlencode(where)}"

        return web.json_response(
            {
                "messages": [one.resource() for one in shown],
                "start": start,
                "end": start + len(shown) - 1,
                "page": page,
                "page_size": size,
                "uri": uri(page),
                "first_page_uri": uri(0),
                "previous_page_uri": None,
                "next_page_uri": uri(page + 1, "PA" + shown[-1].sid) if more else None,
            }
        )

    def _matches(self, one: Message, query: dict[str, str]) -> bool:
        if query.get("To", one.to) != one.to or query.get("From", one.sender) != one.sender:
            return False
        since, until, on = (query.get(key) for key in ("DateSent>", "DateSent<", "DateSent"))
        if since is None and until is None and on is None:
            return True
        if one.sent_ms is None:
            return False
        second = one.sent_ms // 1000 * 1000
        return (
            (since is None or second >= _iso_ms(since))
            and (until is None or second <= _iso_ms(until))
            and (on is None or _moment(second).date() == _moment(_iso_ms(on)).date())
        )

    async def _say_balance(self, _: web.Request) -> web.StreamResponse:
        if self.balance is None:
            raise web.HTTPNotFound
        return web.json_response({"account_sid": ACCOUNT, "balance": self.balance[0], "currency": self.balance[1]})

    # what a test does at Twilio's side

    def move(self, sid: str, status: str, code: int | None = None) -> None:
        """A message gets another status; nobody is called."""
        one = self.messages[sid]
        one.status, one.error_code, one.updated_ms = status, code, self._clock.now_ms()
        if status in ("sent", "delivered", "undelivered") and one.sent_ms is None:
            one.sent_ms = one.updated_ms
        if one.service and one.sender is None and status != "accepted":
            one.sender = NUMBER

    def progress(self) -> None:
        """Every message takes its next step on the way to its phone."""
        for one in list(self.messages.values()):
            if one.status not in _ENDS:
                step = STEPS.index(one.status) + 1 if one.status in STEPS else 0
                self.move(one.sid, STEPS[step])

    def villager_sends(self, number: str, text: str, *, to: str = NUMBER) -> Message:
        now_ms = self._clock.now_ms()
        one = Message(self._new_sid(), to, number, text, "inbound", "received", now_ms, now_ms, now_ms)
        self.messages[one.sid] = one
        return one

    def texts_on(self, number: str) -> list[str]:
        return [one.body for one in self.messages.values() if one.to == number and one.status in ("delivered", "read")]

    def sent_to(self, number: str) -> list[Message]:
        return [one for one in self.messages.values() if one.to == number and one.direction == "outbound-api"]

    def _new_sid(self) -> str:
        return f"SM{next(self._numbers):032x}"

    # calling the village

    async def say_status(self, sid: str, status: str, code: int | None = None, **more: str) -> int:
        """A status callback, signed; the village's HTTP status."""
        one = self.messages[sid]
        fields = {
            "AccountSid": ACCOUNT,
            "ApiVersion": "2010-04-01",
            "From": one.sender or "",
            "MessageSid": sid,
            "MessageStatus": status,
            "SmsSid": sid,
            "SmsStatus": status,
            "To": one.to,
        }
        if one.service:
            fields["MessagingServiceSid"] = one.service
        if code is not None:
            fields |= {"ErrorCode": str(code)}
        return (await self.call(one.callback, list((fields | more).items())))[0]

    async def say_inbound(self, one: Message, url: str) -> tuple[int, str]:
        """The webhook of a text, signed; the village's HTTP status and body."""
        fields = [
            ("AccountSid", ACCOUNT),
            ("ApiVersion", "2010-04-01"),
            ("Body", one.body),
            ("From", one.sender or ""),
            ("FromCountry", "CN"),
            ("MessageSid", one.sid),
            ("NumMedia", "0"),
            ("NumSegments", "1"),
            ("SmsMessageSid", one.sid),
            ("SmsSid", one.sid),
            ("SmsStatus", "received"),
            ("To", one.to),
        ]
        return await self.call(url, fields)

    async def call(
        self,
        url: str,
        fields: Iterable[tuple[str, str]],
        *,
        token: str = TOKEN,
        signature: str | None = None,
        headers: dict[str, str] | None = None,
        tamper: Iterable[tuple[str, str]] | None = None,
    ) -> tuple[int, str]:
        """POST a form as Twilio does. `tamper`: what is really sent, where that is not what was signed."""
        fields = list(fields)
        sign = sign_form(url, fields, token) if signature is None else signature
        body = urlencode(list(fields if tamper is None else tamper)).encode()
        kind = "application/x-www-form-urlencoded; charset=UTF-8"
        return await self._post(url, body, {"Content-Type": kind, "X-Twilio-Signature": sign} | (headers or {}))

    async def call_json(self, url: str, said: object, *, hashed: bytes | None = None) -> tuple[int, str]:
        """POST JSON as Twilio does: the hash of the body in the query, the query in the signature."""
        body = json.dumps(said).encode()
        url += ("&" if "?" in url else "?") + "bodySHA256=" + hashlib.sha256(hashed or body).hexdigest()
        return await self._post(
            url, body, {"Content-Type": "application/json", "X-Twilio-Signature": sign_form(url, [], TOKEN)}
        )

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        address = urlsplit(url)
        local = self._village[f"{address.scheme}://{address.netloc}"] + url.partition(address.netloc)[2]
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.post(local, data=body, headers=headers) as answer:
            return answer.status, await answer.text()


def sign_form(url: str, fields: Iterable[tuple[str, str]], token: str) -> str:
    """X-Twilio-Signature by the published rule: the address, then every name with its values, sorted, HMAC-SHA1."""
    said = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(token.encode(), said.encode(), "sha1")).decode()


def _error(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    said = {"code": code, "message": message, "more_info": more, "status": status}
    return web.json_response(said, status=status, headers=headers)


def _moment(instant_ms: int) -> datetime:
    return datetime.fromtimestamp(instant_ms // 1000, UTC)


def _rfc2822(instant_ms: int) -> str:
    return _moment(instant_ms).strftime("%a, %d %b %Y %H:%M:%S +0000")


def _iso_ms(said: str) -> int:
    moment = datetime.fromisoformat(said)
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


@contextlib.asynccontextmanager
async def standing_in(clock: MovableClock) -> AsyncIterator[StandIn]:
    stand_in = StandIn(clock)
    await stand_in.start()
    try:
        yield stand_in
    finally:
        await stand_in.close()
