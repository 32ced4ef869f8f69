"""Two villages alike but for one voter's choice: while the poll is open a clerk sees the same in both.

Every page of the desk and of the villagers is opened, link by link, with searches on top; the exported roster, the
commands, the county's records and the log are read; so is every column of the file that is not sealed.
"""

from __future__ import annotations

import html
import json
import logging
import re
import sqlite3
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest

from audio.speech import Speech
from gateway.outbox import Outbox
from sync.keys import SigningKey
from sync.kinds import encode_body
from tests.keywords.conftest import LI, SHARED, STRANGER, WANG, Street
from tests.keywords.polling import closes, counts
from tests.web.kit.browser import Browser
from village.commands.poll import _as_json
from village.ground.clock import MovableClock, parse_iso
from village.ground.database import Database
from village.ground.migrate import migrate
from village.ground.privacy import Vault
from village.ground.timekeeping import Timekeeper
from village.ground.wording import say
from village.link.county_link import CountyLink
from village.link.reporting import Health, Reporter, Village
from village.notices.office import Means, Office
from village.people.exporting import export_csv
from village.polls.open_poll import open_poll
from village.polls.poll import Order, PollKind
from village.polls.store import poll_of
from village.schema import PACKAGES
from village.web import (
    desk_accounts,
    desk_basis,
    desk_clock,
    desk_county,
    desk_messages,
    desk_notices,
    desk_polls,
    desk_roster,
    desk_suggestions,
    public,
)
from village.web.kit.accounts import Accounts
from village.web.kit.apps import RailEntry, make_desk_app, make_public_app
from village.web.kit.first_visit import first_visit_code
from village.web.kit.serving import listening
from village.web.poll_shown import shown

KEY = b"v" * 32
OPTIONS = ("东头", "西头", "学校")
OFFICE = Office(village="青山村", signature="青山村", phone="88001234", sms_number="+8619900000110")
ENTRANCES = (
    "/",
    "/polls",
    "/messages",
    "/suggestions",
    "/roster",
    "/county",
    "/basis",
    "/clock",
    "/accounts",
    "/doors",
)
SEARCHES = ("/roster?q=西头", "/roster?q=232", "/roster?q=王德福", "/messages?q=西头", "/messages?who=strangers")
MADE_BY_CHANCE = {
    ("poll_receipt", "digits"), ("ballot", "receipt"), ("ballot", "chain"), ("poll", "salt"), ("poll", "roll_hash"),
    ("account", "password"), ("session", "token"), ("spent_form", "token"),
}  # fmt: skip
"""Columns that are drawn anew in every village, whoever votes what."""

DRAWN = re.compile(r'name="_form" value="[^"]*"|<li>[0-9]{5}</li>|[0-9a-f]{4}(?: [0-9a-f]{4})+|(?<=")[0-9a-f]{64}(?=")')
"""What is drawn anew on a page: a form's name, and once it is counted receipts and fingerprints."""


async def crawl(base: str, entrances: tuple[str, ...], browser: Browser) -> dict[str, str]:
    """Every page that can be reached by GET, as text, without what differs from page view to page view."""
    seen: dict[str, str] = {}
    waiting = list(entrances)
    while waiting:
        path = waiting.pop()
        if path in seen or path.startswith("/logout"):
            continue
        page = await browser.get(path)
        if not page.headers.get("Content-Type", "").startswith("text/"):
            seen[path] = f"{page.status} {len(page.raw)}"
            continue
        text = DRAWN.sub("", page.text)
        seen[path] = f"{page.status} {text}"
        for link in re.findall(r'href="([^"#]+)"', page.text):
            to = urlsplit(urljoin(base + path, html.unescape(link)))
            if f"{to.scheme}://{to.netloc}" == base and "/static/" not in to.path:
                waiting.append(to.path + (f"?{to.query}" if to.query else ""))
    return seen


def columns(tx: sqlite3.Connection) -> dict[str, object]:
    """Whatever stands in the file unsealed, table by table, and how long what is sealed of a ballot is."""
    found: dict[str, object] = {}
    for (table,) in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"):
        rows = [dict(row) for row in tx.execute(f'SELECT * FROM "{table}"')]
        found[f"table {table}"] = sorted(repr([_in_clear(table, each) for each in row.items()]) for row in rows)
    return found


def _in_clear(table: str, column: tuple[str, object]) -> object:
    name, value = column
    if (table, name) in MADE_BY_CHANCE or name.endswith("_ms"):
        return name
    if isinstance(value, bytes):
        return (name, len(value) if table == "ballot" else "sealed")
    return (name, value)


def command(tx: sqlite3.Connection, poll_id: int, now_ms: int) -> str:
    """What `village poll` prints."""
    poll = shown(tx, poll_of(tx, poll_id), now_ms, trusted=True)
    return DRAWN.sub("", json.dumps(_as_json(poll), ensure_ascii=False))


async def look_at_everything(
    folder: Path, choices: dict[str, str], caplog, *, too_late: str = "", counted: bool = False
) -> dict[str, object]:
    """A village in which these numbers have texted that; everything that can be looked at, by name.

    `too_late`: what one of them, and a stranger, text after the deadline; `counted`: and even after the count.
    """
    folder.mkdir()
    clock, vault = MovableClock(parse_iso("2026-12-05T09:10:00")), Vault(b"k" * 32)
    db = await Database.open(folder / "village.db", lambda tx: migrate(tx, PACKAGES, clock.now_ms()) and None)
    means = Means(Outbox(vault, clock), vault, OFFICE)
    street = Street(db, clock, means)
    caplog.clear()
    try:
        code = await db.write(lambda tx: (street.settle(tx), first_visit_code(tx, KEY))[1])
        order = Order(PollKind.OPINION, "路灯装哪", OPTIONS, clock.now_ms() + 86_400_000, number=23)
        poll = await db.write(lambda tx: open_poll(tx, means, order, clock.now_ms()))
        await db.write(street.carry)
        await clock.advance(60_000)
        for number, text in choices.items():
            assert (await street.says(number, text)).intent == "vote"
        if too_late:
            await closes(street, poll)
            assert not counted or await counts(street, poll)
            assert (await street.says(WANG, too_late)).key == "CLOSED"
            await street.says(STRANGER, too_late)
        speech, accounts = Speech(folder / "clips"), Accounts(db, clock, KEY)
        link = CountyLink(db, clock, SigningKey.from_seed(b"t" * 32), "青山村")
        desk = make_desk_app(
            db=db,
            clock=clock,
            key=KEY,
            village="青山村",
            rail=[RailEntry(path, say("今天")) for path in ENTRANCES],
            routes=[
                *desk_notices.routes(db, clock, means, speech),
                *desk_roster.routes(db, clock, vault, means.outbox, area_code="0571", groups=8, sms_number="110"),
                *desk_messages.routes(db, clock, vault),
                *desk_suggestions.routes(db, clock, vault),
                *desk_polls.routes(db, clock, means, speech, lambda: {"simulator": clock.now_ms()}),
                *desk_basis.routes(db, clock),
                *desk_county.routes(db, clock, link),
                *desk_clock.routes(clock, Timekeeper(db, clock)),
                *desk_accounts.routes(accounts),
            ],
        )
        villagers = make_public_app(
            db=db, clock=clock, key=KEY, village="青山村", routes=public.routes(db, clock, OFFICE, speech)
        )
        async with listening(desk) as (at_desk,), listening(villagers) as (at_public,):
            browser, visitor = Browser(at_desk.url), Browser(at_public.url)
            first = await browser.get("/first")
            password = "qingshan lvshui"
            await browser.submit(first, "/first", code=code, name="陈会计", password=password, password_again=password)
            pages = await crawl(at_desk.url, ENTRANCES + SEARCHES, browser)
            pages |= {f"public {k}": v for k, v in (await crawl(at_public.url, ("/", "/votes"), visitor)).items()}
            await browser.close()
            await visitor.close()
        accounts.close()
        await speech.close()
        told: list[object] = []
        reporter = Reporter(lambda _, body: told.append(encode_body(body)), Village("青山村", 8), OFFICE)
        await db.write(lambda tx: reporter.report(tx, clock.now_ms(), Health("0.1.0", 0, 1, 0, 9000)))
        return {
            **pages,
            "export": await db.read(lambda tx: export_csv(tx, vault)),
            "command": await db.read(lambda tx: command(tx, poll.id, clock.now_ms())),
            "county": [[part for part in body if not isinstance(part, bytes)] for body in told],
            "log": [re.sub(r"\b\d+\.\d+\b", "", record.getMessage()) for record in caplog.records],
            **await db.read(columns),
        }
    finally:
        await db.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [("231", "232"), ("东头", "西头"), ("1", "3"), ("选1", "选2")],
)
async def test_nothing_a_clerk_can_look_at_tells_one_choice_from_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, one: str, other: str
) -> None:
    for floor in ("village", "gateway", "sync"):
        caplog.set_level(logging.DEBUG, logger=floor)
    first = await look_at_everything(tmp_path / "one", {WANG: one, LI: "232", SHARED: "2313"}, caplog)
    second = await look_at_everything(tmp_path / "other", {WANG: other, LI: "232", SHARED: "2313"}, caplog)
    assert len(first) > 80
    assert "征求意见23" in str(first["/polls/1"]) or "征求意见 23" in str(first["/polls/1"])
    assert {
        name: (first.get(name), second.get(name)) for name in first | second if first.get(name) != second.get(name)
    } == {}


@pytest.mark.parametrize(
    ("one", "other", "counted"),
    [("东头", "西头", False), ("1", "3", False), ("东头？", "西头？", False), ("我选东头", "我选学校", True)],
)
async def test_nor_does_what_comes_after_the_deadline(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, one: str, other: str, counted: bool
) -> None:
    for floor in ("village", "gateway", "sync"):
        caplog.set_level(logging.DEBUG, logger=floor)
    before = {WANG: "231", LI: "232", SHARED: "2313"}
    first = await look_at_everything(tmp_path / "one", before, caplog, too_late=one, counted=counted)
    second = await look_at_everything(tmp_path / "other", before, caplog, too_late=other, counted=counted)
    assert len(first) > 80
    assert {
        name: (first.get(name), second.get(name)) for name in first | second if first.get(name) != second.get(name)
    } == {}


async def test_this_test_would_see_a_leak(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whether somebody voted at all is allowed to be seen: turnout. If even that were missed, the test were blind."""
    for floor in ("village", "gateway", "sync"):
        caplog.set_level(logging.DEBUG, logger=floor)
    first = await look_at_everything(tmp_path / "one", {WANG: "231", LI: "232"}, caplog)
    second = await look_at_everything(tmp_path / "other", {LI: "232"}, caplog)
    assert first["/polls/1"] != second["/polls/1"]
