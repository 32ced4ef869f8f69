"""The village's way to its county, put together: enrolment, the exchange on its timer, what the desk may know of it.

Never decides what is told (`reporting`) or what a notice of the county's becomes (`downlink`).
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import unicodedata
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sync.carriers.https import BusyError, HttpsCarrier, RefusedError, UnreachableError
from sync.enrolment import (
    Code,
    CodeError,
    Enrolled,
    EnrolmentError,
    Refused,
    make_request,
    read_answer,
    read_refusal,
)
from sync.failures import SyncError
from sync.keys import PublicKey, SealingPublicKey, SigningKey
from sync.kinds import Writer
from sync.ledger import Peer
from sync.link import County as Spoken
from sync.link import Link
from sync.store import SqliteLedger
from village.ground.clock import Clock
from village.ground.database import Database
from village.ground.wording import RefusalError, Wording, say
from village.link import store
from village.link.downlink import take_down
from village.link.store import County
from village.link.trouble import in_words

log = logging.getLogger(__name__)

_PATIENCE_S = 20
"""A clerk who asked looks at an hourglass for no longer; the exchange goes on."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """`spoke_ms`: when both sides last agreed; `waiting`: records the county has not acknowledged."""

    county: County | None
    spoke_ms: int | None
    waiting: int
    trouble: Wording | None
    next_ms: int | None
    speaking: bool = False


class CountyLink:
    def __init__(self, db: Database, clock: Clock, key: SigningKey, village: str) -> None:
        self._db = db
        self._clock = clock
        self._key = key
        self._village = village
        self._asked: set[asyncio.Task[None]] = set()
        self._link = Link(
            db=db, clock=clock, key=key, find=_find, apply=lambda tx, record: take_down(tx, record, clock)
        )

    async def run(self) -> None:
        """The exchange on its timer, until cancelled."""
        try:
            await self._link.run()
        finally:
            for task in self._asked:
                task.cancel()
            await asyncio.gather(*self._asked, return_exceptions=True)

    @property
    def cut(self) -> bool:
        return self._link.cut

    def cut_or_restore(self, *, cut: bool) -> None:
        """The sample village's switch: while it is cut every try finds nobody."""
        self._link.cut = cut
        self._link.soon()

    async def state(self) -> LinkState:
        known = await self._db.read(store.county)
        seen = await self._link.state()
        trouble = in_words(seen.frozen or seen.trouble)
        return LinkState(
            known, seen.spoke_ms, seen.waiting, trouble, seen.next_ms if trouble else None, self._link.speaking
        )

    async def speak_now(self) -> None:
        """Do not wait for the timer; how it ended, or that it goes on, is in the state."""
        task = asyncio.create_task(self._spoken())
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        await asyncio.wait({task}, timeout=_PATIENCE_S)

    async def _spoken(self) -> None:
        try:
            await self._link.speak()
        except SyncError as failure:
            log.info("asked for an exchange, it failed reason=%s", type(failure).__name__)

    async def enrol(self, url: str, typed: str) -> County:
        """Make this village known at its county. Raises RefusalError in words a clerk can act on."""
        url = _checked(url)
        try:
            code = Code.read(typed)
        except CodeError as mistyped:
            raise RefusalError(say("登记码是四组、每组四个的字母数字，请再看一眼纸条"), status=422) from mistyped
        code_key = await asyncio.to_thread(code.key)
        request = make_request(self._key, self._village, code, code_key)
        answer = await _posted(HttpsCarrier(url), request)
        try:
            enrolled = read_answer(answer, code_key, request, self._key)
        except EnrolmentError as stranger:
            raise RefusalError(
                say("那个地址应的不是发这张码的县，没有登记。请核对地址，或打电话给县里"), status=409
            ) from stranger
        county = _county(url, enrolled, self._clock.now_ms())
        await self._db.write(lambda tx: self._keep(tx, county, enrolled))
        self._link.soon()
        log.info("enrolled village_no=%d", county.village_no)
        return county

    async def move(self, url: str) -> None:
        """The county is reached at another address now; who answers there has to prove that it is the same county.

        Raises RefusalError for what is no address, and where this village is not enrolled.
        """
        url = _checked(url)

        def unit(tx: sqlite3.Connection) -> None:
            known = store.county(tx)
            if known is None:
                raise RefusalError(say("还没有登记"), status=409)
            store.keep_county(tx, replace(known, url=url))

        await self._db.write(unit)
        self._link.soon()

    def _keep(self, tx: sqlite3.Connection, county: County, enrolled: Enrolled) -> None:
        store.keep_county(tx, county)
        ledger = SqliteLedger(tx, self._key.public.log, enrolled.key.log, writer=Writer.VILLAGE)
        try:
            ledger.peer()  # enrolled again: what was exchanged stays exchanged
        except LookupError:
            ledger.set_peer(Peer(enrolled.head, 0, None, 0, ""))


def _find(tx: sqlite3.Connection) -> Spoken | None:
    known = store.county(tx)
    if known is None:
        return None
    return Spoken(
        PublicKey(known.public_key), SealingPublicKey(known.sealing_key), HttpsCarrier(known.url, known.authority)
    )


def _county(url: str, enrolled: Enrolled, now_ms: int) -> County:
    return County(
        url=url,
        name=enrolled.county,
        public_key=enrolled.key.raw,
        sealing_key=enrolled.sealing.raw,
        log=enrolled.key.log,
        certificate=enrolled.issued,
        authority="",
        village_no=enrolled.certificate.village_no,
        expires_ms=enrolled.certificate.expires_ms,
        enrolled_ms=now_ms,
    )


def _checked(url: str) -> str:
    """Raises RefusalError for what is no address."""
    url = unicodedata.normalize("NFKC", url).replace("。", ".").strip()  # as an input method leaves it
    if "://" not in url:
        url = f"http://{url}"
    parts = urlsplit(url)
    try:
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good or parts.username or parts.query or parts.fragment:
        raise RefusalError(say("县里的地址写成 http://…:8090 这样，照纸条上的写"), status=422)
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


async def _posted(carrier: HttpsCarrier, request: bytes) -> bytes:
    """Raises RefusalError."""
    try:
        return await carrier.post("/enrol", request)
    except UnreachableError as silent:
        raise RefusalError(say("县里联系不上：没有网，地址不对，或者那边没开。码还能用"), status=503) from silent
    except BusyError as busy:
        raise RefusalError(say("县里正忙，过几分钟再试。码还能用"), status=503) from busy
    except RefusedError as refused:
        raise RefusalError(_why(refused), status=409) from refused


def _why(refused: RefusedError) -> Wording:
    found = read_refusal(refused.said)
    if found is None:
        return say("那个地址有人应，可不是县里的程序，没有登记。请核对地址")
    why, wait_s = found
    return {
        Refused.WRONG: say("登记码不对：请照纸条再写一遍，也看看纸条上是不是本村的村名"),
        Refused.USED: say("这张登记码已经用过了，请向县里要一张新的"),
        Refused.EXPIRED: say("这张登记码过期了，请向县里要一张新的"),
        Refused.WAIT: say("县里收到太多错码，要等{minutes}分钟再试。码还能用", minutes=-(-wait_s // 60)),
    }[why]
