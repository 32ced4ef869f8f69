"""The HTTP API of "SMS Gateway for Android" (capcom6/android-sms-gateway, Apache-2.0) in its local-server mode.

Says what was answered, and where there was no answer whether the request may have arrived. Never retries, never
follows a redirect, never keeps a connection, never logs.

Read for it: repository capcom6/android-sms-gateway, CHANGELOG.md up to v1.75.0 (2026-09-04), and under
app/src/main/java/me/capcom/smsgateway/modules/ localserver/routes/{Messages,Inbox,Webhooks,Device}Routes.kt,
localserver/domain/{messages/PostMessageRequest,InboxRefreshRequest}.kt, localserver/WebService.kt,
receiver/ReceiverService.kt, incoming/IncomingMessagesService.kt, webhooks/plugins/PayloadSingingPlugin.kt; repository
android-sms-gateway/docs-web, docs/features/{webhooks,reading-messages,status-tracking,health,sending-messages}.md.
Since when: POST /messages with `textMessage` 1.39, GET /messages 1.44, 409 on a known id 1.58 (silently the same
before), GET /inbox and POST /inbox/refresh 1.59, one time for one text by whatever way it came 1.67.

Its Python client (android-sms-gateway/client-py) is small, but knows neither /inbox nor the list of messages in all its
versions, wraps every failure in one exception, so that "never sent" and "perhaps sent" look alike, and brings a second
session with its own time-outs. A village needs just that difference; aiohttp is here anyway.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import aiohttp

from gateway.failures import GatewayError
from gateway.ground import Clock
from gateway.message import Priority

CALL_MS = 20_000
"""An app that is awake answers in milliseconds; a phone on weak Wi-Fi in seconds."""

PAGE = 100

_EXPEDITED = 100
"""From this priority on the app passes over its own limits and delays."""

_MOST_BYTES = 4 * 1024 * 1024


class NotReachedError(GatewayError):
    """No connection came about: nothing of the request has left this house."""


class CutOffError(GatewayError):
    """There was a connection and no whole answer: the request may have arrived."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`said`: the parsed JSON, None where it is none. `total`: how many rows there are in all pages. `at_ms`: what the
    phone's own clock said."""

    status: int
    said: Any = None
    total: int | None = None
    at_ms: int | None = None

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a list; empty for anything else."""
        return [row for row in self.said if isinstance(row, dict)] if isinstance(self.said, list) else []

    @property
    def sentence(self) -> str:
        """What the app says of an error."""
        said = self.said.get("message") if isinstance(self.said, dict) else None
        return said if isinstance(said, str) else ""


@dataclass(slots=True)
class _Mark:
    connected: bool = False


@dataclass(frozen=True, slots=True)
class SmsGateApi:
    """`url`: where the phone listens, http://192.168.1.20:8080 and the like."""

    url: str
    user: str
    password: str = field(repr=False)
    clock: Clock

    # messages

    async def post_message(
        self, reference: str, to: str, text: str, *, sim: int | None, priority: Priority, ttl_s: int | None
    ) -> Reply:
        """Hand one text to the phone, under our own id. Raises NotReachedError, CutOffError.

        The number is ours and already in its canonical form; the app's own check is left out, for its table of number
        ranges is as old as the app and would refuse a villager with a new one.
        """
        body: dict[str, Any] = {
            "id": reference,
            "textMessage": {"text": text},
            "phoneNumbers": [to],
            "withDeliveryReport": True,
            "priority": _EXPEDITED if priority.is_emergency else 0,
        }
        if sim is not None:
            body["simNumber"] = sim
        if ttl_s is not None:
            body["ttl"] = ttl_s
        return await self._call("POST", "/messages", query={"skipPhoneValidation": "true"}, body=body)

    async def message(self, reference: str) -> Reply:
        return await self._call("GET", f"/messages/{reference}")

    async def messages(self, from_ms: int, to_ms: int, *, limit: int = PAGE, offset: int = 0) -> Reply:
        """What the phone has been given to send between two moments of its own clock, newest first."""
        return await self._call("GET", "/messages", query=_span(from_ms, to_ms, limit, offset))

    # what came in

    async def inbox(self, from_ms: int, to_ms: int, *, limit: int = PAGE, offset: int = 0) -> Reply:
        """SMS the app knows of with a centre's time in that span, newest first. `contentPreview` is the whole text."""
        return await self._call("GET", "/inbox", query={**_span(from_ms, to_ms, limit, offset), "type": "SMS"})

    async def refresh(self, since_ms: int, until_ms: int) -> Reply:
        """Let the app look through the phone's own SMS store for what it has missed; it answers when it has."""
        body = {**_period(since_ms, until_ms), "messageTypes": ["SMS"]}
        # the first word is for 1.59 to 1.70, the second for 1.71 and later
        return await self._call(
            "POST", "/inbox/refresh", body={**body, "triggerWebhooks": False, "webhookDelivery": "Disabled"}
        )

    async def export(self, since_ms: int, until_ms: int) -> Reply:
        """Older versions have no list of what came in: let the app call us once more for each text of that time."""
        return await self._call("POST", "/messages/inbox/export", body=_period(since_ms, until_ms))

    # the phone itself

    async def health(self) -> Reply:
        """Without password. The app answers 500 and the same JSON while a check fails, a Wi-Fi without internet say."""
        return await self._call("GET", "/health")

    async def devices(self) -> Reply:
        return await self._call("GET", "/device")

    async def webhooks(self) -> Reply:
        return await self._call("GET", "/webhooks")

    async def put_webhook(self, hook_id: str, url: str, event: str) -> Reply:
        """Register, or replace what has that id."""
        return await self._call("POST", "/webhooks", body={"id": hook_id, "url": url, "event": event})

    async def drop_webhook(self, hook_id: str) -> Reply:
        return await self._call("DELETE", f"/webhooks/{hook_id}")

    # one exchange

    async def _call(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> Reply:
        mark = _Mark()
        calling = asyncio.ensure_future(self._exchange(method, path, query or {}, body, mark))
        waiting = asyncio.ensure_future(self.clock.sleep_ms(CALL_MS))
        try:
            await asyncio.wait({calling, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if calling.done():
                return calling.result()
        except (aiohttp.ClientError, OSError) as broken:
            if mark.connected:
                raise CutOffError(type(broken).__name__) from broken
            raise NotReachedError(type(broken).__name__) from broken
        finally:
            for task in (calling, waiting):
                task.cancel()
            await asyncio.gather(calling, waiting, return_exceptions=True)
        raise CutOffError("silent") if mark.connected else NotReachedError("silent")

    async def _exchange(
        self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None, mark: _Mark
    ) -> Reply:
        trace = aiohttp.TraceConfig()
        trace.on_connection_create_end.append(_connected)
        async with (
            aiohttp.ClientSession(
                headers={"Authorization": aiohttp.encode_basic_auth(self.user, self.password)},
                connector=aiohttp.TCPConnector(force_close=True, socket_factory=_socket),
                timeout=aiohttp.ClientTimeout(total=None),  # the village's clock says when it has been long enough
                trace_configs=[trace],
            ) as session,
            session.request(
                method,
                self.url.rstrip("/") + path,
                params=query,
                json=body,
                allow_redirects=False,
                trace_request_ctx=mark,
            ) as response,
        ):
            return Reply(
                response.status,
                _parsed(await _read(response)),
                _number(response.headers.get("X-Total-Count", "")),
                _date_ms(response.headers.get("Date", "")),
            )


async def _connected(
    session: aiohttp.ClientSession,  # noqa: ARG001 - aiohttp's signature
    context: SimpleNamespace,
    params: aiohttp.TraceConnectionCreateEndParams,  # noqa: ARG001 - aiohttp's signature
) -> None:
    context.trace_request_ctx.connected = True


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Closing it throws away what has not gone out yet: else a request we gave up on could still leave this house when
    the Wi-Fi comes back minutes later (`smsgate.py` relies on this where it says a message was never seen)."""
    made = socket.socket(*address[:3])
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return made


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body; of one that is larger than anything the app says, nothing."""
    body = bytearray()
    async for chunk in response.content.iter_chunked(64 * 1024):
        body += chunk
        if len(body) > _MOST_BYTES:
            return b""
    return bytes(body)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _span(from_ms: int, to_ms: int, limit: int, offset: int) -> dict[str, str]:
    return {"from": iso(from_ms), "to": iso(to_ms), "limit": str(limit), "offset": str(offset)}


def _period(since_ms: int, until_ms: int) -> dict[str, str]:
    return {"since": iso(since_ms), "until": iso(until_ms)}


def iso(moment_ms: int) -> str:
    """A time as the app reads it: with milliseconds and a zone."""
    return datetime.fromtimestamp(max(moment_ms, 0) / 1000, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _number(said: str) -> int | None:
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else None


def _date_ms(said: str) -> int | None:
    try:
        return int(parsedate_to_datetime(said).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
