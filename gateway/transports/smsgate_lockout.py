"""How long the phone is left alone after it has refused our password: it locks out whoever goes on knocking.

Never asks the phone anything.
"""

from __future__ import annotations

from gateway.failures import TransportDownError, Trouble
from gateway.ground import Clock
from gateway.transports.smsgate_failures import LOCKED_OUT_MS

LOCKED = (401, 403)
"""The answers that mean it."""


class Lockout:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ms = 0

    def begin(self) -> None:
        self._until_ms = self._clock.monotonic_ms() + LOCKED_OUT_MS

    @property
    def left_ms(self) -> int:
        """Nothing is left of it at 0 and below."""
        return self._until_ms - self._clock.monotonic_ms()

    def check(self) -> None:
        """Before every call that a person did not ask for. Raises TransportDownError while it lasts."""
        if (wait_ms := self.left_ms) > 0:
            raise TransportDownError(Trouble.REFUSED, "401", after_ms=wait_ms)
