"""Password hashes: argon2id, one at a time, on a thread of its own.

Never keeps, logs or returns a password. Parameters for a computer with 1 GB: one guess costs 19 MiB and a tenth of a
second there, and no crowd of guesses costs more than that at once.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2

from village.ground.wording import RefusalError, say

T = TypeVar("T")

_MEMORY_KIB = 19 * 1024
_PASSES = 2
_LANES = 1
"""OWASP Password Storage Cheat Sheet, argon2id, second row (m=19456, t=2, p=1), read 2026-11."""

_WAITING = 8
SHORTEST = 8
LONGEST = 128
_NO_SECRET = frozenset(
    {"12345678", "123456789", "1234567890", "87654321", "11223344", "88888888", "password", "woaini1314", "qwertyui"}
)


class Passwords:
    """Hashes and checks. One for the whole server; `close` when it stops."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(
            time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES, type=argon2.Type.ID
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="argon2")
        self._waiting = 0
        self._nobody = ""

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Raises RefusalError where too many wait."""
        return await self._run(lambda: self._hash(password))

    async def check(self, password: str, hashed: str | None) -> bool:
        """Whether `password` made `hashed`; takes as long for an account that does not exist (None)."""
        return await self._run(lambda: self._check(password, hashed))

    def worn(self, hashed: str) -> bool:
        """Made with weaker parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING:
            raise RefusalError(say("同时登录的人太多，请过一会儿再试。"), status=503)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        try:
            return self._hasher.hash(password)
        finally:
            _give_memory_back()

    def _check(self, password: str, hashed: str | None) -> bool:
        if hashed is None:
            self._nobody = self._nobody or self._hasher.hash("nobody has this password")
        try:
            return self._hasher.verify(hashed or self._nobody, password) and hashed is not None
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
        finally:
            _give_memory_back()


def _give_memory_back() -> None:
    """glibc would keep the 19 MiB for the next guess; other C libraries have no such call and no such habit."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def refuse_weak(password: str, name: str) -> None:
    """Raises RefusalError: too short, too long, or one that everybody tries first."""
    if len(password) < SHORTEST:
        raise RefusalError(say("密码至少{n}位；几个不相干的词，拼音连起来，好记又难猜。", n=SHORTEST), status=422)
    if len(password) > LONGEST:
        raise RefusalError(say("密码最多{n}位。", n=LONGEST), status=422)
    simple = password.lower()
    if len(set(simple)) < 4 or simple in _NO_SECRET or simple in "01234567890123456789" or simple == name.lower():
        raise RefusalError(say("这个密码太容易猜，请换一个。"), status=422)
