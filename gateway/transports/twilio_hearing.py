"""Being called by Twilio: a status of ours, a text to our number. Answered once what was said is on the disk.

Never reads what Twilio has not signed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from gateway.callback import Callback, CallbackAnswer
from gateway.failures import where
from gateway.ground import Clock, wait_for
from gateway.transport import Inbound, Sink
from gateway.transports.twilio_callbacks import INBOUND, STATUS, TWIML, Form, OddCallbackError, only, signed_fields
from gateway.transports.twilio_failures import STATES, is_final
from gateway.transports.twilio_looking import Looking
from gateway.transports.twilio_reading import report_of
from gateway.transports.twilio_settings import TwilioSettings
from gateway.transports.twilio_watch import Watch

log = logging.getLogger(__name__)

_KEEP_MS = 10_000
"""Twilio waits fifteen seconds for an answer; what is not on the disk by then it has to say again."""

_STRANGERS_MS = 60_000


class Hearing:
    def __init__(self, settings: TwilioSettings, clock: Clock, watch: Watch, looking: Looking) -> None:
        self._settings = settings
        self._clock = clock
        self._watch = watch
        self._looking = looking
        self._strangers = self._strangers_ms = 0

    async def callback(self, said: Callback, sink: Sink | None) -> CallbackAnswer:
        """A status of ours, or a text to our number. What Twilio has not signed is not read.

        The same request twice changes nothing: a status only ever lifts, and a text is known by its SID. `sink`: None
        while nobody listens; Twilio then says it again.
        """
        url = self._settings.callback_url(said.what)
        if not url or said.what not in (STATUS, INBOUND) or (said.what == INBOUND and not self._settings.hears):
            return CallbackAnswer(404)
        if sink is None:
            return CallbackAnswer(503)
        from gateway.transports.twilio_client import is_signed

        token = self._settings.auth_token
        try:
            fields = signed_fields(said, url, lambda *parts: is_signed(token, *parts))
            if fields is None:
                self._count_stranger()
                return CallbackAnswer(403)
            if said.what == INBOUND:
                return TWIML if await self._is_kept(self._hear(sink, fields)) else CallbackAnswer(503)
            return CallbackAnswer(204 if await self._is_kept(self._hear_status(sink, fields)) else 503)
        except OddCallbackError as odd:
            log.warning("callback not understood line=%s what=%s field=%s", self._settings.name, said.what, odd)
            return CallbackAnswer(400)

    def _count_stranger(self) -> None:
        """Told of once a minute: whoever knocks all day must not fill the card with our log."""
        self._strangers += 1
        if (now_ms := self._clock.monotonic_ms()) >= self._strangers_ms:
            log.warning("callbacks without Twilio's signature line=%s count=%d", self._settings.name, self._strangers)
            self._strangers, self._strangers_ms = 0, now_ms + _STRANGERS_MS

    async def _hear(self, sink: Sink, fields: Form) -> None:
        """Twilio's call comes with the text and says no time: the inbox's own is as good."""
        sid = only(fields, "MessageSid")
        await sink.received(Inbound(only(fields, "From"), only(fields, "Body"), None, sid))
        self._looking.heard(sid)

    async def _hear_status(self, sink: Sink, fields: Form) -> None:
        sid, status = only(fields, "MessageSid"), only(fields, "MessageStatus")
        if status not in STATES:
            return
        said = only(fields, "ErrorCode") if "ErrorCode" in fields else ""
        code = int(said) if said.isascii() and said.isdigit() else None
        await sink.report(report_of(sid, status, code, None))
        if is_final(status):
            self._watch.close(sid)

    async def _is_kept(self, work: Awaitable[None]) -> bool:
        """Whether it is on the disk, within the time Twilio waits. Raises OddCallbackError."""
        keeping, over = asyncio.ensure_future(work), asyncio.Event()
        keeping.add_done_callback(lambda _: over.set())
        try:
            if not await wait_for(self._clock, over, _KEEP_MS):
                return False
            keeping.result()
        except OddCallbackError:
            raise
        except Exception as raised:  # noqa: BLE001 - a full disk, say: Twilio has to say it again
            log.error("callback not kept line=%s raised=%s", self._settings.name, where(raised))
            return False
        finally:
            keeping.cancel()
        return True
