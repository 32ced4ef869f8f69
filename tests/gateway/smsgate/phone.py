"""A stand-in for "SMS Gateway for Android" 1.75 in local-server mode: its HTTP API on a real socket, and its silences.

Keeps to what is published (named in gateway/transports/smsgate_api.py): ways, statuses, JSON, basic auth, ids taken
once, states, signed webhooks that are tried again, and the phone's own SMS store behind the app's. Its clock is the
test's, `ahead_ms` off. What its users report goes wrong with it is a field to set.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import socket
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit
from zlib import crc32

import aiohttp
from aiohttp import web

from village.ground.clock import MovableClock

USER, PASSWORD, KEY = "sms", "geheim-8", "signing-key"
EVENTS = {"sms:received", "sms:sent", "sms:delivered", "sms:failed", "sms:data-received", "mms:received", "system:ping"}
_BEIJING = timezone(timedelta(hours=8))
_PROCESS_MS, _SEND_MS, _DELIVER_MS = 200, 500, 1_500
_FIRST_RETRY_MS, _MOST_TRIES = 10_000, 14


@dataclass
class Note:
    """A message somebody gave the app to send."""

    id: str
    to: str
    text: str
    sim: int | None
    priority: int
    created_ms: int
    valid_until_ms: int | None
    states: dict[str, int]
    state: str = "Pending"
    error: str | None = None


@dataclass(frozen=True)
class Sms:
    """One text in the phone's own store."""

    sender: str
    text: str
    sent_ms: int

    @property
    def hash(self) -> int:
        return crc32(f"{self.sender}|{self.text}|{self.sent_ms}".encode())


@dataclass
class Phone:
    clock: MovableClock
    ahead_ms: int = 0
    version: str = "1.75.0"
    battery: int = 94
    device_id: str = "ffffffffceb0b1db0000018e937c815b"
    user: str = USER
    password: str = PASSWORD
    signing_key: str = KEY
    sim_cards: list[dict[str, Any]] | None = None
    # what goes wrong
    fails: dict[str, str] = field(default_factory=dict)
    """Number → the app's sentence of why."""
    no_reports: bool = False
    worker_sleeps: bool = False
    hooks_silent: bool = False
    hooks_twice: bool = False
    deaf: bool = False
    """Android does not tell the app that a text came in."""
    no_internet: bool = False
    hangs: bool = False
    """Requests are read and never answered."""
    cuts: str = ""
    """The next message is cut off "before" it is written down, or "after"."""
    cut_kills: bool = False
    """And the app is gone with it."""
    answers: list[tuple[int, Any]] = field(default_factory=list)
    """What the next messages are answered with, instead of being taken."""
    # what it has
    notes: dict[str, Note] = field(default_factory=dict)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    store: list[Sms] = field(default_factory=list)
    incoming: dict[int, Sms] = field(default_factory=dict)
    hooks: dict[str, dict[str, str]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    posted: list[dict[str, Any]] = field(default_factory=list)
    spans: list[int] = field(default_factory=list)
    """How long a time of the phone's store it was made to look through, in ms."""
    calls: list[tuple[str, int]] = field(default_factory=list)
    """Which event it called about, and the village's status."""
    last_call: tuple[str, bytes, dict[str, str]] | None = None
    port: int = 0
    in_flight: int = 0
    """Requests and calls that will be answered without anything else happening."""

    def __post_init__(self) -> None:
        self._awake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None
        self._forever = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def now_ms(self) -> int:
        return self.clock.now_ms() + self.ahead_ms

    # the app's life

    async def install(self) -> None:
        app = web.Application(middlewares=[self._gate])
        for path in ("/message", "/messages"):
            app.router.add_get(path, self._list)
            app.router.add_post(path, self._post)
            app.router.add_get(path + "/{id}", self._get)
            app.router.add_post(path + "/inbox/export", self._export)
        for path in ("/webhook", "/webhooks"):
            app.router.add_get(path, self._hooks)
            app.router.add_post(path, self._put_hook)
            app.router.add_delete(path + "/{id}", self._drop_hook)
        app.router.add_get("/inbox", self._inbox)
        app.router.add_post("/inbox/refresh", self._refresh)
        app.router.add_get("/device", self._device)
        app.router.add_get("/health", self._health)
        self._runner = web.AppRunner(app, shutdown_timeout=0.01)
        await self._runner.setup()
        self.start()

    def start(self) -> None:
        """The app is opened; from this moment on the port takes connections."""
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self.port))
        listening.listen(16)
        self.port = listening.getsockname()[1]
        self._awake.set()
        self._go(self._serve(listening))

    async def _serve(self, listening: socket.socket) -> None:
        assert self._runner is not None
        assert self._runner.server is not None
        self._server = await asyncio.get_running_loop().create_server(self._runner.server, sock=listening)

    def kill(self) -> None:
        """Android's battery saver: the port is closed, connections are cut, nothing is processed."""
        self._awake.clear()
        if self._server is not None:
            self._server.close()
            self._server = None
        self._cut_all()

    def reset(self) -> None:
        """The app was installed anew: nothing is left of what it knew. The phone's own SMS are."""
        self.notes.clear()
        self.hooks.clear()
        self.incoming.clear()
        self.device_id = f"{crc32(self.device_id.encode()):032x}"

    def _cut_off(self) -> None:
        self.cuts = ""
        if self.cut_kills:
            self.kill()
        self._cut_all()

    def _cut_all(self) -> None:
        assert self._runner is not None
        assert self._runner.server is not None
        for connection in list(self._runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.kill()
        if self._runner is not None:
            await self._runner.cleanup()

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # the network's side

    def villager_sends(self, sender: str, text: str, *, sent_ms: int | None = None) -> None:
        """A text arrives, with the centre's own time, which is right and has whole seconds."""
        at_ms = self.clock.now_ms() if sent_ms is None else sent_ms
        sms = Sms(sender, text, at_ms // 1000 * 1000)
        self.store.append(sms)
        if self._awake.is_set() and not self.deaf:
            self._heard(sms, call=True)

    def _heard(self, sms: Sms, *, call: bool) -> None:
        if sms.hash in self.incoming:
            return
        self.incoming[sms.hash] = sms
        if call:
            self._emit(
                "sms:received",
                {
                    "messageId": f"{sms.hash:x}",
                    "message": sms.text,
                    "sender": sms.sender,
                    "phoneNumber": sms.sender,
                    "recipient": None,
                    "simNumber": 1,
                    "receivedAt": stamp(sms.sent_ms),
                },
            )

    def take(self, note_id: str, to: str, text: str) -> None:
        """Something to send, by whatever way it got in."""
        now_ms = self.now_ms()
        self.notes[note_id] = Note(note_id, to, text, None, 0, now_ms, None, {"Pending": now_ms})
        self._go(self._carry(self.notes[note_id]))

    def texts_on(self, number: str) -> list[str]:
        return [text for to, text in self.arrived if to == number]

    async def _carry(self, note: Note) -> None:
        """The app's worker, the radio and the network, for one message."""
        await self.clock.sleep_ms(_PROCESS_MS)
        while self.worker_sleeps or not self._awake.is_set():
            await self.clock.sleep_ms(_PROCESS_MS)
        if note.valid_until_ms is not None and note.valid_until_ms < self.now_ms():
            self._move(note, "Failed", "TTL expired")
            return
        self._move(note, "Processed")
        await self.clock.sleep_ms(_SEND_MS)
        why = self.fails.get(note.to, "")
        if why and not why.startswith("Delivery result"):
            self._move(note, "Failed", why)
            return
        self._move(note, "Sent")
        if why:
            await self.clock.sleep_ms(_DELIVER_MS)
            self._move(note, "Failed", why)
            return
        self.arrived.append((note.to, note.text))
        if not self.no_reports:
            await self.clock.sleep_ms(_DELIVER_MS)
            self._move(note, "Delivered")

    def _move(self, note: Note, state: str, error: str | None = None) -> None:
        if note.state == "Failed" or self.notes.get(note.id) is not note:
            return
        note.state, note.error = state, error
        note.states[state] = self.now_ms()
        event = {"Sent": "sms:sent", "Delivered": "sms:delivered", "Failed": "sms:failed"}.get(state)
        if event is not None:
            at = {"sms:sent": "sentAt", "sms:delivered": "deliveredAt", "sms:failed": "failedAt"}[event]
            payload = {"messageId": note.id, "phoneNumber": note.to, "recipient": note.to, "simNumber": note.sim}
            self._emit(event, {**payload, at: stamp(self.now_ms()), **({"reason": error} if error else {})})

    # calling the village

    def _emit(self, event: str, payload: dict[str, Any]) -> None:
        if self.hooks_silent:
            return
        for hook in [one for one in self.hooks.values() if one["event"] == event]:
            for number in range(2 if self.hooks_twice else 1):
                call = {
                    "id": f"call-{len(self.calls)}-{number}",
                    "webhookId": hook["id"],
                    "event": event,
                    "deviceId": self.device_id,
                    "payload": payload,
                }
                self._go(self._call(hook["url"], event, json.dumps(call, ensure_ascii=False).encode()))

    async def _call(self, url: str, event: str, body: bytes) -> None:
        pause_ms = _FIRST_RETRY_MS
        for _ in range(_MOST_TRIES):
            headers = self.sign(body)
            self.last_call = (url, body, headers)
            self.in_flight += 1
            try:
                status = await _post(url, body, headers)
            finally:
                self.in_flight -= 1
            self.calls.append((event, status))
            if 200 <= status < 300:
                return
            await self.clock.sleep_ms(pause_ms)
            pause_ms *= 2

    def sign(self, body: bytes) -> dict[str, str]:
        """The headers of a call: X-Timestamp in seconds, X-Signature over body and timestamp."""
        now_s = str(self.now_ms() // 1000)
        made = hmac.new(self.signing_key.encode(), body + now_s.encode(), hashlib.sha256).hexdigest()
        return {"X-Timestamp": now_s, "X-Signature": made, "Content-Type": "application/json"}

    # the API

    @web.middleware
    async def _gate(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if self.hangs:
            await request.read()
            await self._forever.wait()
        self.in_flight += 1
        try:
            return await self._answer(request, handler)
        finally:
            self.in_flight -= 1

    async def _answer(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        wanted = "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        if request.path != "/health" and request.headers.get("Authorization") != wanted:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="Access to SMS Gateway"'})
        try:
            response = await handler(request)
        except (ValueError, KeyError, TypeError) as wrong:
            response = web.json_response({"message": str(wrong)}, status=400)
        response.headers["Date"] = format_datetime(datetime.fromtimestamp(self.now_ms() // 1000, tz=UTC), usegmt=True)
        return response

    def _since(self, *version: int) -> None:
        """404, as of an address nobody has heard of, where this version does not have that yet."""
        if tuple(map(int, self.version.split("."))) < version:
            raise web.HTTPNotFound

    async def _post(self, request: web.Request) -> web.StreamResponse:
        said = await request.json()
        if self.cuts == "before":
            self._cut_off()
            raise web.HTTPServiceUnavailable
        if self.answers:
            status, body = self.answers.pop(0)
            return web.json_response(body, status=status)
        self.posted.append({**said, **request.query})
        note = self._written(said)
        if note.id in self.notes:
            if tuple(map(int, self.version.split("."))) >= (1, 58):
                return web.json_response({"message": "Message with the same ID already exists"}, status=409)
        else:
            self.notes[note.id] = note
            self._go(self._carry(note))
        if self.cuts == "after":
            self._cut_off()
        return web.json_response(self._row(self.notes[note.id], content=True), status=202)

    def _written(self, said: dict[str, Any]) -> Note:
        given = [said[kind] for kind in ("textMessage", "dataMessage", "message") if said.get(kind) is not None]
        if len(given) != 1:
            raise ValueError("Must specify exactly one of: textMessage, dataMessage, or message")
        text = given[0] if isinstance(given[0], str) else given[0]["text"]
        if not text:
            raise ValueError("Text message is empty")
        if not said["phoneNumbers"]:
            raise ValueError("Empty phone numbers list")
        if said.get("simNumber") is not None and said["simNumber"] < 1:
            raise ValueError("SIM number cannot be less than 1")
        if said.get("ttl") is not None and said.get("validUntil") is not None:
            raise ValueError("fields conflict: ttl and validUntil")
        now_ms = self.now_ms()
        valid_ms = now_ms + said["ttl"] * 1000 if said.get("ttl") is not None else None
        if valid_ms is not None and valid_ms < now_ms:
            raise ValueError("message already expired")
        note_id = said.get("id") or f"{crc32(text.encode()):x}"
        return Note(
            note_id, said["phoneNumbers"][0], text, said.get("simNumber"), int(said.get("priority", 0)), now_ms,
            valid_ms, {"Pending": now_ms},
        )  # fmt: skip

    def _row(self, note: Note, *, content: bool) -> dict[str, Any]:
        recipient = {"phoneNumber": note.to, "state": note.state}
        row = {
            "id": note.id,
            "deviceId": self.device_id,
            "state": note.state,
            "isHashed": False,
            "isEncrypted": False,
            "recipients": [{**recipient, "error": note.error} if note.error else recipient],
            "states": {state: stamp(at_ms) for state, at_ms in note.states.items()},
        }
        return {**row, "textMessage": {"text": note.text}} if content else row

    async def _get(self, request: web.Request) -> web.StreamResponse:
        note = self.notes.get(request.match_info["id"])
        return web.Response(status=404) if note is None else web.json_response(self._row(note, content=True))

    async def _list(self, request: web.Request) -> web.StreamResponse:
        self._since(1, 44)
        from_ms, to_ms = self._span(request)
        found = [note for note in self.notes.values() if from_ms <= note.created_ms <= to_ms]
        found.sort(key=lambda note: note.created_ms, reverse=True)
        return self._page(request, [self._row(note, content=False) for note in found])

    async def _inbox(self, request: web.Request) -> web.StreamResponse:
        self._since(1, 59)
        from_ms, to_ms = self._span(request)
        if request.query.get("type", "SMS") != "SMS":
            return web.json_response([], headers={"X-Total-Count": "0"})
        found = sorted(self.incoming.values(), key=lambda sms: sms.sent_ms, reverse=True)
        rows = [
            {
                "id": f"text:{sms.hash - (1 << 32) if sms.hash >> 31 else sms.hash}",
                "type": "SMS",
                "sender": sms.sender,
                "recipient": None,
                "simNumber": 1,
                "contentPreview": sms.text,
                "createdAt": stamp(sms.sent_ms),
                "attachments": [],
            }
            for sms in found
            if from_ms <= sms.sent_ms <= to_ms
        ]
        return self._page(request, rows)

    def _span(self, request: web.Request) -> tuple[int, int]:
        from_ms = read_stamp(request.query["from"]) if "from" in request.query else 0
        to_ms = read_stamp(request.query["to"]) if "to" in request.query else self.now_ms()
        if from_ms > to_ms:
            raise ValueError("Start date cannot be after end date")
        return from_ms, to_ms

    def _page(self, request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        limit, offset = int(request.query.get("limit", "50")), int(request.query.get("offset", "0"))
        if not 1 <= limit <= 500:
            raise ValueError("limit must be between 1 and 500")
        return web.json_response(rows[offset : offset + limit], headers={"X-Total-Count": str(len(rows))})

    async def _refresh(self, request: web.Request) -> web.StreamResponse:
        self._since(1, 59)
        said = await request.json()
        wants_calls = said.get("webhookDelivery", "Individual") != "Disabled"
        for sms in self._stored(said):
            self._heard(sms, call=wants_calls)
        return web.Response(status=202)

    async def _export(self, request: web.Request) -> web.StreamResponse:
        """Before 1.67 it called about every text of that time, since then only about those it had not heard of."""
        for sms in self._stored(await request.json()):
            if tuple(map(int, self.version.split("."))) < (1, 67):
                self.incoming.pop(sms.hash, None)
            self._heard(sms, call=True)
        return web.Response(status=202)

    def _stored(self, said: dict[str, Any]) -> list[Sms]:
        since_ms, until_ms = read_stamp(said["since"]), read_stamp(said["until"])
        self.spans.append(until_ms - since_ms)
        return [sms for sms in self.store if since_ms <= sms.sent_ms <= until_ms]

    async def _hooks(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(list(self.hooks.values()))

    async def _put_hook(self, request: web.Request) -> web.StreamResponse:
        said = await request.json()
        where = urlsplit(said["url"])
        if where.scheme != "https" and (where.scheme, where.hostname) != ("http", "127.0.0.1"):
            raise ValueError("url must start with https:// or http://127.0.0.1")
        if said["event"] not in EVENTS:
            raise ValueError("Unsupported event")
        hook_id = said.get("id") or f"hook-{len(self.hooks)}"
        self.hooks[hook_id] = {"id": hook_id, "url": said["url"], "event": said["event"], "source": "Local"}
        return web.json_response(self.hooks[hook_id], status=201)

    async def _drop_hook(self, request: web.Request) -> web.StreamResponse:
        self.hooks.pop(request.match_info["id"], None)
        return web.Response(status=204)

    async def _device(self, _: web.Request) -> web.StreamResponse:
        about = {"id": self.device_id, "name": "samsung/a12", "lastSeen": stamp(self.now_ms())}
        return web.json_response([about if self.sim_cards is None else {**about, "simCards": self.sim_cards}])

    async def _health(self, _: web.Request) -> web.StreamResponse:
        level = {"description": "Battery level in percent", "observedUnit": "percent", "observedValue": self.battery}
        online = {"description": "Internet connection status", "observedValue": 0 if self.no_internet else 1}
        status = "fail" if self.no_internet else "pass"
        return web.json_response(
            {
                "status": status,
                "version": self.version,
                "releaseId": 1,
                "checks": {
                    "battery:level": {**level, "status": "pass"},
                    "connection:status": {**online, "status": status},
                },
            },
            status=500 if self.no_internet else 200,
        )


async def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The village's status; 0 where it is not there."""
    with contextlib.suppress(aiohttp.ClientError):
        async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
            return response.status
    return 0


def stamp(at_ms: int) -> str:
    """The app writes times in the phone's own zone, with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000, tz=_BEIJING).isoformat(timespec="milliseconds")


def read_stamp(said: str) -> int:
    """As the app reads them: with a zone, with or without milliseconds."""
    moment = datetime.fromisoformat(said)
    if moment.tzinfo is None:
        raise ValueError("Invalid datetime")
    return round(moment.timestamp() * 1000)
