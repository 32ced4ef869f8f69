"""Finding out what became of messages of which nobody knows: by asking the carrier, where it can be asked.

Never sends anything again by itself but an emergency, and that only after the carrier had its chance to say.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.failures import CannotAskError, TransportFailure, where
from gateway.ground import Clock, Database, wait_for
from gateway.posting import Posting
from gateway.store import Known
from gateway.transport import Fate, SmsTransport

log = logging.getLogger(__name__)

LOOK_MS = 30_000

ASK_MS = 10_000
"""How long a carrier may think about it; an emergency is not held up longer."""

_PATIENCE_MS = 3_600_000
"""The longest pause between two questions about one message."""


@dataclass(slots=True)
class _Question:
    """When a message may be asked about again, and the pause after that; `never` once the carrier cannot be asked."""

    next_ms: int
    pause_ms: int
    never: bool = False


class Reconciliation:
    def __init__(self, transports: Mapping[str, SmsTransport], *, db: Database, clock: Clock, posting: Posting) -> None:
        self._transports = transports
        self._db = db
        self._clock = clock
        self._posting = posting
        self._soon = asyncio.Event()
        self._asked: dict[str, _Question] = {}

    def soon(self) -> None:
        """A link has come back: ask again whatever could not be asked before."""
        for question in self._asked.values():
            question.next_ms = 0
        self._soon.set()

    def ask_afresh(self) -> None:
        """A line was opened: it may know what another, or itself before, could not be asked."""
        self._asked.clear()
        self._soon.set()

    async def run(self) -> None:
        while True:
            self._soon.clear()
            await self.look()
            await wait_for(self._clock, self._soon, LOOK_MS)

    async def look(self) -> None:
        """Go through all unknown messages once."""
        doubtful = await self._db.read(self._posting.doubtful)
        open_references = {reference for _, _, reference, _ in doubtful}
        self._asked = {reference: q for reference, q in self._asked.items() if reference in open_references}
        for about, name, reference, began_ms in doubtful:
            question = self._asked.setdefault(reference, _Question(0, LOOK_MS))
            now_ms = self._clock.monotonic_ms()
            if question.never or now_ms < question.next_ms:
                continue
            fate = await self._ask(name, reference, began_ms, question)
            if fate is not None and await self._settle(about, name, fate):
                continue
            if not await self._db.write(lambda tx, about=about: self._posting.send_again(tx, about)):  # type: ignore[misc]
                question.next_ms = now_ms + question.pause_ms
                question.pause_ms = min(question.pause_ms * 2, _PATIENCE_MS)

    async def _ask(self, name: str, reference: str, began_ms: int, question: _Question) -> Fate | None:
        transport = self._transports.get(name)
        if transport is None:
            question.never = True
            return None
        asking = asyncio.ensure_future(transport.ask(reference, began_ms))
        sleeping = asyncio.ensure_future(self._clock.sleep_ms(ASK_MS))
        try:
            await asyncio.wait({asking, sleeping}, return_when=asyncio.FIRST_COMPLETED)
            return asking.result() if asking.done() else None
        except CannotAskError:
            question.never = True
        except TransportFailure as failure:
            log.info("carrier could not be asked transport=%s reason=%s", name, failure)
        except Exception as raised:  # noqa: BLE001 - a mistake in a transport leaves the message unknown, nothing more
            log.error("asking raised transport=%s at=%s", name, where(raised))
        finally:
            for task in (asking, sleeping):
                task.cancel()
            await asyncio.gather(asking, sleeping, return_exceptions=True)
        return None

    async def _settle(self, about: Known, name: str, fate: Fate) -> bool:
        settled = await self._db.write(lambda tx: self._posting.settle(tx, about, name, fate))
        if settled:
            log.info("unknown settled message=%d said=%s", about.standing.message_id, fate.said)
        return settled
