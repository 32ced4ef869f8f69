"""What the lines may still cost this month: a hard stop for everything on which no life hangs.

While the clock guesses nobody knows which month it is: then everything counts that may have been paid in the same one,
and a month's end that only the guess has passed brings no fresh budget.

An SMS is paid for when its carrier has taken it, and also when nobody knows whether it has: better to stop a little
early than to find the SIM empty. A call is paid for by the started minute.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway import money_store
from gateway.choosing import Line
from gateway.failures import OutcomeUnknownError
from gateway.ground import Clock
from gateway.message import Channel
from gateway.transport import Accepted
from gateway.verdict import Claim, Outcome

_MONTH_MS = 31 * 86_400_000
"""No month is longer: what was paid longer ago was paid in another one."""


@dataclass(frozen=True, slots=True)
class Spending:
    """One line's month, as the desk shows it. `parts`: SMS parts, or started minutes of calls."""

    name: str
    month: str
    parts: int
    fen: int
    month_fen: int | None

    @property
    def left_fen(self) -> int | None:
        return None if self.month_fen is None else self.month_fen - self.fen


class Purse:
    def __init__(self, clock: Clock, lines: Mapping[str, Line]) -> None:
        self._clock = clock
        self._lines = dict(lines)

    def set_line(self, name: str, line: Line) -> None:
        self._lines[name] = line

    def line(self, name: str) -> Line:
        return self._lines.get(name, Line())

    def month(self, tx: sqlite3.Connection) -> str:
        """The month it is; with a guessed clock never an earlier one than was paid in while the time was known."""
        month = money_store.month_of(self._clock.now_ms())
        if self._clock.trusted:
            return month
        return max(month, money_store.newest_month(tx) or month)

    def spending(self, tx: sqlite3.Connection, name: str) -> Spending:
        """With a guessed clock: of the newest month that was known, and of 31 days of the guess."""
        now_ms, month, since_ms = self._clock.now_ms(), self.month(tx), -1
        counted = month
        if not self._clock.trusted:
            since_ms = now_ms - _MONTH_MS
            newest = money_store.newest_month(tx) or month
            counted = newest if newest >= money_store.month_of(since_ms) else month
        parts, fen = money_store.spent(tx, name, counted)
        more_parts, more_fen = money_store.guessed(tx, name, since_ms)
        return Spending(name, month, parts + more_parts, fen + more_fen, self.line(name).month_fen)

    def file_rest(self, tx: sqlite3.Connection) -> None:
        """The time is known, and nobody can say any more how far off an earlier guess was: its money counts now, rather
        too early than in an empty SIM."""
        if self._clock.trusted:
            money_store.file_rest(tx, self.month(tx))

    def affordable(self, tx: sqlite3.Connection, name: str, claims: Iterable[Claim], flying: int) -> list[Claim]:
        """The leading claims that the budget still covers, `flying` parts being under way already; what saves
        lives is always covered.

        Calls are counted as one minute beforehand: how long somebody listens, nobody knows.
        """
        line, found = self.line(name), list(claims)
        if line.month_fen is None or not line.price_fen:
            return found
        left = self.left_fen(tx, name, flying) or 0
        covered = []
        for claim in found:
            cost = max(claim.parts, 1) * line.price_fen
            if not claim.priority.saves_lives and cost > left:
                break
            left -= cost
            covered.append(claim)
        return covered

    def pay(
        self, tx: sqlite3.Connection, name: str, lane_id: int, ended: Iterable[tuple[Claim, Outcome]], now_ms: int
    ) -> None:
        """Write down what tries that ended have cost; in the unit that writes down their end."""
        price = self.line(name).price_fen
        parts = 0
        for claim, outcome in ended:
            if claim.channel is Channel.CALL:
                parts += money_store.call_minutes(tx, claim.message_id, claim.attempt, now_ms)
            elif isinstance(outcome, Accepted | OutcomeUnknownError):
                parts += claim.parts
        self._add(tx, lane_id, parts, price, now_ms)

    def pay_interrupted(self, tx: sqlite3.Connection, lane_id: int, message_id: int, number: int, now_ms: int) -> None:
        """What a power cut left under way may have been sent."""
        name, parts = money_store.under_way(tx, lane_id, message_id, number, now_ms)
        self._add(tx, lane_id, parts, self.line(name).price_fen, now_ms)

    def give_back(self, tx: sqlite3.Connection, name: str, message_id: int) -> None:
        """The carrier has never seen what was paid for when nobody knew."""
        price = self.line(name).price_fen
        lane_id, parts, paid_ms = money_store.newest_try(tx, message_id)
        if parts and price and paid_ms is not None:
            money_store.take_back(tx, lane_id, paid_ms, parts, parts * price)

    def left_fen(self, tx: sqlite3.Connection, name: str, flying: int) -> int | None:
        """What is left when `flying` parts under way are paid for; None: no limit."""
        left = self.spending(tx, name).left_fen
        return None if left is None else left - flying * self.line(name).price_fen

    def _add(self, tx: sqlite3.Connection, lane_id: int, parts: int, price_fen: int, now_ms: int) -> None:
        """`now_ms`: as it is written down with the end of the try it pays for."""
        if not (parts and price_fen):
            return
        if self._clock.trusted:
            money_store.add_spent(tx, lane_id, money_store.month_of(now_ms), parts, parts * price_fen)
        else:
            money_store.add_guessed(tx, lane_id, now_ms, parts, parts * price_fen)
