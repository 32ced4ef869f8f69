"""A wire with a meter between two ends: `children/relay.py`, so that what every peer sends is counted alike."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.child import Child, module, started


@dataclass(frozen=True, slots=True)
class Metered:
    """Bytes of TCP's payload, and how many connections carried them."""

    up: int
    down: int
    connections: int

    @property
    def bytes(self) -> int:
        return self.up + self.down


@dataclass(frozen=True, slots=True)
class Wire:
    port: int
    _relay: Child

    def read(self) -> Metered:
        """Since the last reading."""
        self._relay.tell("read")
        said = self._relay.line()
        return Metered(said["up"], said["down"], said["connections"])


@contextlib.contextmanager
def metered(port: int) -> Iterator[Wire]:
    """A port of its own that leads to `port`."""
    with started(module("relay", port)) as relay:
        yield Wire(relay.line()["port"], relay)
