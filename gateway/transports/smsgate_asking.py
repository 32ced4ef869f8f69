"""What became of a try, asked of the phone by our own reference; and which tries nobody knows the end of.

Never sends, and never says "never seen" where it is not certain: the outbox would send it again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway.failures import OutcomeUnknownError, RetryLaterError, TransportDownError, Trouble
from gateway.ground import Clock
from gateway.message import State
from gateway.transport import Fate
from gateway.transports.smsgate_api import CutOffError, NotReachedError, Reply, SmsGateApi
from gateway.transports.smsgate_device import Device
from gateway.transports.smsgate_failures import LOCKED_OUT_MS
from gateway.transports.smsgate_lockout import LOCKED, Lockout
from gateway.transports.smsgate_reading import Said, is_ours, seen
from gateway.transports.smsgate_sent import Sent

_SETTLE_MS = 5_000
"""Between the two questions after which a message was never seen."""


class Asking:
    def __init__(self, api: SmsGateApi, clock: Clock, device: Device, sent: Sent, lockout: Lockout) -> None:
        self._api = api
        self._clock = clock
        self._device = device
        self._sent = sent
        self._lockout = lockout
        self.under_way: set[str] = set()
        """Tries whose answer is being waited for just now."""

    async def ask(self, reference: str, began_ms: int) -> Fate:
        """What the phone's own list says of it, by our reference. `began_ms`: as in `SmsTransport.ask`.

        "Never seen" needs more than a 404, for it means that the message is sent again. A try that was cut off may
        still lie somewhere on its way. In this house it does not: the socket was closed, which throws away what had not
        gone out (`smsgate_api.py`), and after a restart no socket is left. In the phone it might, in an app that had
        been put to sleep with the request in its ear. So the question is put twice, on new connections and some seconds
        apart: an app that has answered the first is awake, and has dealt with whatever came before. And a phone that
        was reset, or another phone, has never seen anything: its 404 only counts where it still remembers a message
        older than this try, for the app forgets the oldest first. Where it does not, the message stays unknown.
        """
        if reference in self.under_way:
            raise RetryLaterError(Trouble.OTHER, "under-way")
        if not is_ours(reference):
            return Fate(State.QUEUED)  # nothing we ever sent is called that
        fate = await self._fate(reference)
        if fate is None:
            if not await self._remembers(began_ms):
                raise OutcomeUnknownError(Trouble.NO_REPORT, "forgotten")
            await self._clock.sleep_ms(_SETTLE_MS)
            fate = await self._fate(reference)
        return Fate(State.QUEUED) if fate is None else fate

    async def _fate(self, reference: str) -> Fate | None:
        reply = await self._asked(lambda: self._api.message(reference))
        found = seen(reply.said)
        if reply.status == 404:
            return None
        if reply.status != 200 or found is None or found.reference != reference:
            raise RetryLaterError(Trouble.OTHER, str(reply.status))
        self._sent.handed_over(reference)
        report = found.report()
        if report is None:
            return Fate(State.ACCEPTED, reference)
        return Fate(report.said, reference, report.at_ms, report.trouble, report.code, report.final)

    async def _remembers(self, moment_ms: int) -> bool:
        """Whether the phone's list goes back to before that moment of the village's clock. What is only pending does
        not show it: the app never forgets those."""
        phone_ms = self._device.now_ms()
        if phone_ms is None or moment_ms > self._clock.now_ms():
            return False  # nobody knows how far one clock is from the other, or a guess nobody put right stamped it
        before_ms = phone_ms - (self._clock.now_ms() - moment_ms) - 1_000  # the phone's clock is read to the second
        reply = await self._asked(lambda: self._api.messages(0, before_ms))
        return reply.status == 200 and any(row.get("state") not in (None, Said.PENDING) for row in reply.rows)

    async def _asked(self, call: Callable[[], Awaitable[Reply]]) -> Reply:
        self._lockout.check()
        try:
            reply = await call()
        except (NotReachedError, CutOffError) as away:
            raise TransportDownError(Trouble.UNPLUGGED, str(away)) from away
        if reply.status in LOCKED:
            self._lockout.begin()
            raise TransportDownError(Trouble.REFUSED, str(reply.status), after_ms=LOCKED_OUT_MS)
        return reply
