"""Twilio's own client, wrapped: the one file that imports it. Imported only where Twilio is configured and running.

Never retries, never logs. Twilio's errors leave here as the gateway's failures, its records as `Record`.

What the import costs beside `village.app` (Python 3.11, x86-64): 10.3 MB of PSS and 0.1 s, on a Pi a second or more.
3.2 MB are `twilio.rest.Client` with the `requests` it needs even where it is asynchronous; 7.1 MB the resources: a
package cannot be imported without its parents, so that Message alone costs as much as all of them. The signature's
validator alone: 16 kB.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import twilio.rest.api.v2010  # noqa: F401 - the client would load it at the first message, and hold up everybody
from twilio.base import values
from twilio.http import AsyncHttpClient
from twilio.http.response import Response
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from gateway.failures import OutcomeUnknownError, TransportDownError, TransportFailure, Trouble
from gateway.transports.twilio_callbacks import Form
from gateway.transports.twilio_failures import failure_of

API = "https://api.twilio.com"

_CONNECT_S = 10.0
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Record:
    """One Message resource. `at_ms`: when it was sent or came in, where it was not sent yet when it was created."""

    sid: str
    status: str
    inbound: bool
    created_ms: int
    at_ms: int
    updated_ms: int | None
    error_code: int | None
    messaging_service: str
    sender: str = field(repr=False)
    to: str = field(repr=False)
    text: str = field(repr=False)


class Wire(AsyncHttpClient):  # type: ignore[misc]  # twilio has no types
    """HTTP for Twilio's client, in place of its own asynchronous one.

    That one (9.13) ignores its time-out, so that a dead line holds a try for five minutes; writes every query string to
    the log; and uses what aiohttp has deprecated. This one also tells apart what was never sent and what may have been.
    """

    def __init__(self, base: str, timeout_s: float, monotonic_ms: Callable[[], int]) -> None:
        super().__init__(logging.getLogger(__name__), True, timeout_s)
        self._base = base
        self._monotonic_ms = monotonic_ms
        self._offset_ms: int | None = None
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=timeout_s, connect=min(_CONNECT_S, timeout_s / 2)),
            # a kept connection that died unseen would turn a message that never left into one of which nobody knows
            connector=aiohttp.TCPConnector(force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    @property
    def carrier_ms(self) -> int | None:
        """What time it is at Twilio, by its last answer; None before the first."""
        return None if self._offset_ms is None else self._offset_ms + self._monotonic_ms()

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_: object,
    ) -> Response:
        """Raises TransportFailure for everything but a success."""
        if not url.startswith(API + "/"):
            raise ValueError("the account's token goes to Twilio and nowhere else")
        signed = dict(headers or {})
        if auth is not None:
            signed["Authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        try:
            async with self._session.request(
                method,
                self._base + url.removeprefix(API),
                params={key: str(value) for key, value in (params or {}).items()},
                data={key: str(value) for key, value in data.items()} if data else None,
                headers=signed,
                allow_redirects=False,
            ) as answer:
                text = await answer.text()
                status, said = answer.status, answer.headers
        except aiohttp.ClientConnectorDNSError as lost:
            raise TransportDownError(Trouble.NO_SIGNAL, "dns") from lost
        except aiohttp.ClientSSLError as lost:
            raise TransportDownError(Trouble.NO_SIGNAL, "certificate") from lost
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as lost:
            raise TransportDownError(Trouble.NO_SIGNAL, "connect") from lost
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeDecodeError) as lost:
            raise OutcomeUnknownError(Trouble.TIMEOUT, type(lost).__name__) from lost
        self._hear_time(said.get("Date", ""))
        if not 200 <= status < 300:
            raise failure_of(status, _code(text), after_ms=_after_ms(said.get("Retry-After", "")))
        return Response(status, text, said)

    def _hear_time(self, said: str) -> None:
        try:
            self._offset_ms = round(parsedate_to_datetime(said).timestamp() * 1000) - self._monotonic_ms()
        except ValueError:
            return

    async def close(self) -> None:
        await self._session.close()


def _code(text: str) -> int | None:
    try:
        said = json.loads(text)
        return int(said["code"])
    except (ValueError, KeyError, TypeError):
        return None


def _after_ms(said: str) -> int | None:
    """Retry-After in seconds; a date is not something Twilio sends there."""
    return int(said) * 1000 if said.isascii() and said.isdigit() else None


class TwilioClient:
    """What the transport needs of Twilio. Every method raises TransportFailure; needs a running loop."""

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        base: str = API,
        timeout_s: float,
        monotonic_ms: Callable[[], int],
    ) -> None:
        """`base`: where `API` is looked for instead; for the tests' stand-in."""
        self._wire = Wire(base, timeout_s, monotonic_ms)
        self._client = Client(account_sid, auth_token, http_client=self._wire)

    @property
    def carrier_ms(self) -> int | None:
        return self._wire.carrier_ms

    async def create(
        self,
        to: str,
        text: str,
        *,
        sender: str,
        messaging_service: str,
        validity_s: int | None,
        status_callback: str,
    ) -> Record:
        """Empty and None: left out."""
        try:
            made = await self._client.messages.create_async(
                to=to,
                body=text,
                from_=sender or values.unset,
                messaging_service_sid=messaging_service or values.unset,
                validity_period=values.unset if validity_s is None else validity_s,
                status_callback=status_callback or values.unset,
                smart_encoded=True,
            )
            return _record(made)
        except TransportFailure:
            raise
        except (ValueError, KeyError, TypeError, AttributeError) as odd:  # a success that cannot be read: it was taken
            raise OutcomeUnknownError(Trouble.NO_REPORT, type(odd).__name__) from odd

    async def one(self, sid: str) -> Record | None:
        """None where Twilio has no such message (any more)."""
        try:
            return _record(await self._client.messages(sid).fetch_async())
        except TransportDownError as refused:
            if refused.code == "20404":
                return None
            raise

    async def since(self, since_ms: int) -> AsyncIterator[Record]:
        """All messages sent or received from then on, newest first, in as few requests as there are pages."""
        since = datetime.fromtimestamp(since_ms // 1000, UTC)
        async for found in await self._client.messages.stream_async(date_sent_after=since, page_size=_PAGE):
            yield _record(found)

    async def all_since(self, since_ms: int) -> AsyncIterator[Record]:
        """As `since`, and also what has not been sent yet or failed before it was: no date finds those. Ends where a
        whole page is older, for only the rest of a list is in order.
        """
        older = 0
        async for found in await self._client.messages.stream_async(page_size=_PAGE):
            record = _record(found)
            older = older + 1 if record.at_ms < since_ms else 0
            if older >= _PAGE:
                return
            if not older:
                yield record

    async def newest_to(self, number: str, limit: int) -> list[Record]:
        """The newest messages to one number, also those that have not been sent yet."""
        return [_record(one) for one in await self._client.messages.list_async(to=number, limit=limit)]

    async def reach(self) -> None:
        """The least that can be asked: whether Twilio answers us at all."""
        await self._client.messages.page_async(page_size=1)

    async def balance(self) -> tuple[str, str]:
        """Amount and currency as Twilio writes them."""
        said = await self._client.api.account.balance.fetch_async()
        return str(said.balance), str(said.currency)

    async def close(self) -> None:
        await self._wire.close()


def _record(found: Any) -> Record:
    created_ms = _ms(found.date_created)
    if not found.sid or created_ms is None:
        raise ValueError("no message")
    at_ms = _ms(found.date_sent)
    return Record(
        sid=found.sid,
        status=found.status or "",
        inbound=found.direction == "inbound",
        created_ms=created_ms,
        at_ms=created_ms if at_ms is None else at_ms,
        updated_ms=_ms(found.date_updated),
        error_code=found.error_code if isinstance(found.error_code, int) else None,
        messaging_service=found.messaging_service_sid or "",
        sender=found.from_ or "",
        to=found.to or "",
        text=found.body or "",
    )


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)


def is_signed(auth_token: str, url: str, said: Form | str, signature: str) -> bool:
    """Whether Twilio signed a request to our public `url`. `said`: its form with all repeats, or its body where that is
    JSON and `url` carries its bodySHA256.
    """
    return bool(RequestValidator(auth_token).validate(url, said, signature))
