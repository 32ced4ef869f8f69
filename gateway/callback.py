"""A call over HTTP from a carrier or a phone to the village, free of any web framework; `village/web` carries it in.

Never trusts where it came from: each transport proves that by itself, and answers before anything else is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Callback:
    """One request. `what`: the last part of the address, as the transport named it; `query` without its ?;
    `headers` with lower-case names; `peer`: the address it came from.
    """

    what: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    peer: str = ""


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    status: int
    content_type: str = "text/plain"
    body: bytes = b""


class HearsCallbacks(Protocol):
    """A transport that can be called; reached at /callbacks/<its name>/<what>."""

    @property
    def name(self) -> str: ...

    async def callback(self, said: Callback) -> CallbackAnswer:
        """Answers 2xx only once what it said is on the disk. Never raises for what a stranger can send."""
        ...
