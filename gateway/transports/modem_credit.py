"""The SIM's balance: when to ask its carrier for it, asking by USSD or by a text, and understanding the answer.

Never pauses a line: a balance only warns. In mainland China the large carriers answer a text to their own short number
(China Mobile: YE to 10086) more surely than a USSD code; those texts are free.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from gateway.condition import Condition
from gateway.ground import Clock
from gateway.transports.modem_balance import read_balance
from gateway.transports.modem_bus import SMS, USSD
from gateway.transports.modem_link import Link
from gateway.transports.modem_state import About

log = logging.getLogger(__name__)

_AGAIN_MS = 3_600_000
"""How soon it is asked again after no answer, or after one more "no credit"."""

_USSD_IDLE = 1


@dataclass(frozen=True, slots=True)
class CreditSettings:
    """`code`: asked by USSD, such as `*100#`. `text`: (short number, words), for a carrier that answers texts; asked
    where there is no code. Both empty: never asked. `low_fen`: below this it is low."""

    code: str = ""
    text: tuple[str, str] | None = None
    low_fen: int = 1_000
    every_ms: int = 86_400_000


class Credit:
    def __init__(self, settings: CreditSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._due_ms = clock.monotonic_ms()
        self._asked_ms: int | None = None

    @property
    def due(self) -> bool:
        asks = self._settings.code or self._settings.text is not None
        return bool(asks) and self._clock.monotonic_ms() >= self._due_ms

    def doubted(self) -> None:
        """The carrier says there is none left: look soon, but not at each message."""
        now_ms = self._clock.monotonic_ms()
        if self._asked_ms is None or now_ms - self._asked_ms >= _AGAIN_MS:
            self._due_ms = now_ms

    async def ask(self, link: Link, about: About, before: Condition) -> Condition:
        """Some seconds by USSD; a text's answer comes in later, through `heard`. Raises BusError."""
        now_ms = self._clock.monotonic_ms()
        self._asked_ms, self._due_ms = now_ms, now_ms + _AGAIN_MS
        if not self._settings.code and self._settings.text is not None:
            await self._write(link, *self._settings.text)
            return before
        if USSD not in about:
            return before
        if int(about[USSD].get("State", _USSD_IDLE)) != _USSD_IDLE:
            await link.bus.call(link.path, USSD, "Cancel")
        (said,) = await link.bus.call(link.path, USSD, "Initiate", "s", [self._settings.code])
        left_open = await link.about(link.path, USSD)
        if left_open and int(left_open.get("State", _USSD_IDLE)) != _USSD_IDLE:
            await link.bus.call(link.path, USSD, "Cancel")  # it was a menu, which waits for a choice
        return self._understood(str(said), before)

    def heard(self, sender: str, text: str, before: Condition) -> Condition:
        """A text that came in: the answer, where it comes from the number that was asked, within the hour."""
        asked = self._settings.text
        if self._settings.code or asked is None or sender != asked[0] or self._asked_ms is None:
            return before
        if self._clock.monotonic_ms() - self._asked_ms > _AGAIN_MS:
            return before
        return self._understood(text, before)

    async def _write(self, link: Link, number: str, words: str) -> None:
        path = await link.bus.create_sms(link.path, number, words, report=False)
        link.shown.add(path)
        try:
            await link.bus.call(path, SMS, "Send")
        finally:
            await link.delete(path)

    def _understood(self, said: str, before: Condition) -> Condition:
        fen = read_balance(said)
        low = fen is not None and fen < self._settings.low_fen
        if low and not before.low:
            log.warning("the SIM's balance is low fen=%d", fen)
        self._due_ms = self._clock.monotonic_ms() + self._settings.every_ms
        return replace(
            before, balance_fen=fen, balance_ms=self._clock.now_ms(), balance_said=said.strip()[:200], low=low
        )
