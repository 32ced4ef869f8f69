"""Chance that repeats itself: it depends on the seed and on the message, never on what came before."""

from __future__ import annotations

import hashlib


class Dice:
    def __init__(self, seed: int) -> None:
        self._seed = seed

    def roll(self, *about: object) -> float:
        """The same number in [0, 1) for the same things, as long as the seed is the same."""
        words = "\n".join(map(str, (self._seed, *about))).encode()
        return int.from_bytes(hashlib.blake2b(words, digest_size=7).digest()) / 2**56

    def hits(self, chance: float, *about: object) -> bool:
        return chance > 0 and self.roll(*about) < chance

    def between(self, span: tuple[int, int], *about: object) -> int:
        low, high = span
        return low + int(self.roll(*about) * (high - low + 1))
