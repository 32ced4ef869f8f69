"""What is left on the village's own SIM, as the sample village's page shows it, and paying in.

Never for a real village's pages: there the money is real, and a person pays the carrier.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.simulated.carrier import Carrier
from gateway.transports.simulator import LINE, LOW_FEN

TOP_UP_YUAN = 50


@dataclass(frozen=True, slots=True)
class Sim:
    """The village's own SIM: the line it sends on, and what a part costs once it was topped up (fen)."""

    line: str = LINE
    price_fen: int = 10


OWN_SIM = Sim()


@dataclass(frozen=True, slots=True)
class Credit:
    """The village's SIM as the page shows it. `left_fen` None: nothing was ever paid in, and nothing is charged."""

    left_fen: int | None
    price_fen: int
    """Of one part."""
    top_up: int = TOP_UP_YUAN
    """What the button pays in, in yuan."""

    @property
    def left(self) -> str:
        return _yuan(self.left_fen or 0)

    @property
    def price(self) -> str:
        return _yuan(self.price_fen)

    @property
    def empty(self) -> bool:
        return self.left_fen is not None and self.left_fen < self.price_fen

    @property
    def low(self) -> bool:
        return self.left_fen is not None and self.left_fen < LOW_FEN


def credit_of(carrier: Carrier, sim: Sim) -> Credit:
    return Credit(carrier.credit(sim.line), sim.price_fen)


def top_up(carrier: Carrier, sim: Sim) -> Credit:
    """Pay in what the button says; what is there then."""
    carrier.top_up(sim.line, TOP_UP_YUAN * 100, price_fen=sim.price_fen)
    return credit_of(carrier, sim)


def _yuan(fen: int) -> str:
    return f"{fen / 100:.2f}"
