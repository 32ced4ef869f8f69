"""Real argon2: what a guess costs, and that a crowd of guesses costs no more at once."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from village.ground.wording import RefusalError
from village.web.kit.passwords import Passwords


@pytest.fixture
async def passwords() -> AsyncIterator[Passwords]:
    made = Passwords()
    yield made
    made.close()


async def test_a_password_is_known_again_and_no_other(passwords: Passwords) -> None:
    hashed = await passwords.hash("青山 lvshui")
    assert await passwords.check("青山 lvshui", hashed)
    assert not await passwords.check("青山 lvshuI", hashed)
    assert not await passwords.check("青山 lvshui", None)
    assert not await passwords.check("nobody has this password", None)
    assert not await passwords.check("x", "not a hash")
    assert not passwords.worn(hashed)


async def test_the_loop_runs_on_while_a_password_is_checked(passwords: Passwords) -> None:
    before, ticks = set(threading.enumerate()), 0
    working = asyncio.create_task(passwords.hash("qingshan"))
    while not working.done():
        await asyncio.sleep(0)
        ticks += 1
    assert ticks > 10
    assert sum(thread.name.startswith("argon2") for thread in set(threading.enumerate()) - before) <= 1


async def test_a_crowd_of_guesses_is_turned_away_in_words(passwords: Passwords) -> None:
    answers = await asyncio.gather(*(passwords.hash(f"p{n}") for n in range(12)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, RefusalError)]
    assert len(refused) == 4
    assert refused[0].status == 503


async def test_the_memory_of_a_guess_is_given_back(passwords: Passwords) -> None:
    await passwords.hash("warm up")
    before = _resident_kib()
    await asyncio.gather(*(passwords.hash(f"p{n}") for n in range(6)))
    assert _resident_kib() - before < 6 * 1024


def _resident_kib() -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1])
