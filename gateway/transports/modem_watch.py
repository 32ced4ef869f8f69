"""Whether a modem still answers, and the push it gets when it does not: the ladder of `modem_ladder.py` at work.

Never sends and never receives. Holds the line while it asks or pushes, so that no message is under way meanwhile.
"""

from __future__ import annotations

import asyncio
import logging

from gateway.ground import Clock
from gateway.transports.modem_bus import MODEM, USSD, BusError, BusGoneError, ModemBus
from gateway.transports.modem_failures import is_blank, is_silence, is_unasked
from gateway.transports.modem_ladder import Health, Ladder, Rung, climb
from gateway.transports.modem_link import Link
from gateway.transports.modem_rungs import push
from gateway.transports.modem_state import About, carries_data, health_of, heard_lately

log = logging.getLogger(__name__)

_DOUBT_MS = 60_000
"""How often a modem that gives no sign of life is asked for one."""


class Watch:
    def __init__(self, name: str, clock: Clock, line: asyncio.Lock) -> None:
        self._name = name
        self._clock = clock
        self._line = line
        self._device = ""
        self._ladder = Ladder()
        self._doubted = False
        self._was_heard = False
        self._asked_ms: int | None = None
        self.mute = False
        """It is listed and looks as it did last, and answers nothing."""

    @property
    def resetting(self) -> bool:
        return self._ladder.resetting

    def met(self, about: About) -> None:
        """Plugged in, or asked anew by ModemManager what it is: it has just answered."""
        self._device = str(about[MODEM].get("Device", ""))
        self._doubted = self._was_heard = self.mute = False
        self._asked_ms = None

    def refused(self, name: str, said: str) -> bool:
        """An error came of a call; whether it makes one doubt that the modem is alive."""
        doubt = is_silence(name, said) or is_blank(name)
        self._doubted = self._doubted or doubt
        return doubt

    async def ask_for_a_sign(self, link: Link, about: About, note: str) -> None:
        """Everything ModemManager shows is remembered, not asked: a modem that hangs looks as it did last.

        Asked for is the end of a USSD dialogue that nobody has begun, the cheapest command there is on the bus.
        """
        self._was_heard = self._was_heard or heard_lately(about)
        stale = self._was_heard and not heard_lately(about) and not note
        now_ms = self._clock.monotonic_ms()
        asked_lately = self._asked_ms is not None and now_ms - self._asked_ms < _DOUBT_MS
        if not self._doubted and (asked_lately or not (stale or self.mute)):
            return
        if USSD in about:
            async with self._line:
                self.mute = await self._is_mute(link)
        else:
            self.mute = self._doubted
        self._doubted, self._asked_ms = False, self._clock.monotonic_ms()

    async def _is_mute(self, link: Link) -> bool:
        try:
            await link.bus.call(link.path, USSD, "Cancel")
        except BusGoneError:
            raise
        except BusError as answer:
            if is_unasked(answer.name):
                return self.mute
            mute = is_silence(answer.name, answer.said) or (self._doubted and is_blank(answer.name))
            if mute:
                log.warning("modem does not answer line=%s reason=%s", self._name, answer.name)
            return mute
        return False

    def climb(self, about: About, note: str, *, others_carry_data: bool) -> Rung | None:
        """The rung that is due for a modem that is listed."""
        seen = health_of(note, mute=self.mute)
        return self._climb(seen, carries_data=carries_data(about), others_carry_data=others_carry_data)

    def climb_gone(self, *, others_carry_data: bool) -> Rung | None:
        return self._climb(Health.GONE, carries_data=False, others_carry_data=others_carry_data)

    def _climb(self, seen: Health, *, carries_data: bool, others_carry_data: bool) -> Rung | None:
        now_ms = self._clock.monotonic_ms()
        self._ladder, rung = climb(
            self._ladder, seen, now_ms, carries_data=carries_data, others_carry_data=others_carry_data
        )
        return rung

    async def push(self, bus: ModemBus, link: Link | None, rung: Rung) -> None:
        """Whether it helped is asked at the next look."""
        log.warning("modem is being pushed line=%s rung=%s", self._name, rung)
        async with self._line:
            await push(bus, link, self._device, rung)
        self._doubted = self.mute
        bus.changed.set()
