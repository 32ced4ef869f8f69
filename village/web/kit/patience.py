"""How long somebody who guessed wrong has to wait before the next guess is looked at.

Counts by account and by source, in memory: a guess must not wear the SD card, and a power cut forgives. Never locks an
account for good: the wait is bounded, and browsers that have been signed in before, or sit at the computer itself,
are counted apart from strangers.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from village.ground.clock import Clock
from village.ground.wording import RefusalError, Wording, say

FREE = 4
"""Wrong guesses without any wait: everybody mistypes."""

_FIRST_WAIT_MS = 2_000
LONGEST_WAIT_MS = 15 * 60_000
_FORGET_MS = 24 * 3_600_000
_KEPT = 4096


@dataclass(slots=True)
class _Count:
    wrong: int
    at_ms: int


class Patience:
    """Wrong guesses by key; a key is whatever the caller counts by."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def take(self, keys: Sequence[str]) -> None:
        """Count one guess under every key before it is looked at, so that guesses sent at once do not slip through.

        Raises RefusalError (429) with the wait in words where one of the keys has to wait; that guess is not counted.
        """
        now_ms = self._clock.monotonic_ms()
        wait_ms = max((self._wait_ms(key, now_ms) for key in keys), default=0)
        if wait_ms > 0:
            raise RefusalError(_wait_words(wait_ms), status=429)
        for key in keys:
            count = self._counts.pop(key, None) or _Count(0, now_ms)
            count.wrong += 1
            count.at_ms = now_ms
            self._counts[key] = count
        while len(self._counts) > _KEPT:
            self._counts.popitem(last=False)

    def forgive(self, keys: Sequence[str]) -> None:
        """The guess was right."""
        for key in keys:
            self._counts.pop(key, None)

    def _wait_ms(self, key: str, now_ms: int) -> int:
        count = self._counts.get(key)
        if count is None:
            return 0
        if now_ms - count.at_ms > _FORGET_MS:
            del self._counts[key]
            return 0
        if count.wrong < FREE:
            return 0
        doublings = min(count.wrong - FREE, 20)
        return max(0, count.at_ms + min(_FIRST_WAIT_MS << doublings, LONGEST_WAIT_MS) - now_ms)


def _wait_words(wait_ms: int) -> Wording:
    seconds = -(-wait_ms // 1000)
    if seconds <= 90:
        return say("错得太多了，请等{n}秒再试。", n=seconds)
    return say("错得太多了，请等{n}分钟再试。", n=-(-seconds // 60))


def network_of(remote: str | None) -> str:
    """Who counts as one source: an IPv4 address, or the /64 that one household gets in IPv6."""
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def is_here(remote: str | None) -> bool:
    """Whether somebody sits at this very computer."""
    try:
        return ipaddress.ip_address((remote or "").partition("%")[0]).is_loopback
    except ValueError:
        return False
