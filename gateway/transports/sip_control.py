"""Talking to one baresip: netstrings of JSON over TCP, as its module ctrl_tcp speaks them.

Never logs what passes: it holds numbers and, once, a password.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable
from itertools import count
from typing import Any

Event = dict[str, Any]

_ANSWER_S = 5.0
"""baresip answers within a millisecond; one that does not hangs. The machine's own time: no village clock moves it."""

_LONGEST = 1 << 20
_COMPLAINT = re.compile(r"^(failed to|no such|could not)", re.MULTILINE)


class ControlError(Exception):
    """baresip is gone, silent, or did not do what it was asked."""


class Control:
    """One connection. baresip keeps one only: whoever connects after us would put us out."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        heard: Callable[[Event], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._heard = heard
        self._tokens = count(1)
        self._waiting: dict[str, asyncio.Future[Event]] = {}
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def connect(cls, port: int, heard: Callable[[Event], None]) -> Control:
        """Raises OSError. `heard` gets every event, in order, and must not wait."""
        return cls(*await asyncio.open_connection("127.0.0.1", port), heard)

    async def ask(self, command: str, params: str = "") -> str:
        """What baresip answers. Raises ControlError also where it says ok and complains in words, as 1.0.0 does."""
        if self._listening.done():
            raise ControlError("gone")
        token = str(next(self._tokens))
        body = json.dumps({"command": command, "params": params, "token": token}).encode()
        answer = self._waiting[token] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(b"%d:%s," % (len(body), body))
            said = await asyncio.wait_for(answer, _ANSWER_S)
        except (TimeoutError, OSError) as silent:
            raise ControlError(f"{command} unanswered") from silent
        finally:
            self._waiting.pop(token, None)
        words = str(said.get("data") or "")
        if not said.get("ok") or _COMPLAINT.search(words):
            raise ControlError(f"{command} refused")
        return words

    async def gone(self) -> None:
        """Returns when the connection has ended."""
        await asyncio.wait({self._listening})

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)

    async def _listen(self) -> None:
        try:
            while True:
                length = int((await self._reader.readuntil(b":"))[:-1])
                if not 0 < length < _LONGEST:
                    return
                said = json.loads((await self._reader.readexactly(length + 1))[:-1])
                if said.get("event"):
                    self._heard(said)
                elif (answer := self._waiting.get(str(said.get("token")))) is not None and not answer.done():
                    answer.set_result(said)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError):
            return
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ControlError("gone"))
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
