"""Passing a notice of the county's on: the same compose page, with the county's words in it and a draft of its own.

Never sends anything; what the committee was writing of its own accord keeps its own draft.
"""

from __future__ import annotations

import sqlite3

from aiohttp import web

from village.ground.wording import RefusalError, say
from village.link.store import CountyNoticeRow, county_notice, request_of
from village.web.kit.forms import Form
from village.web.kit.gate import account_of
from village.web.kit.pages import query_text
from village.web.notice_form import as_field

Draft = tuple[dict[str, list[str]], int | None]
"""Fields as the form sends them, and when they were kept."""


def asked_for(request: web.Request) -> int | None:
    """`/notices/new?county=3`: which notice of the county's is to be passed on; None for the village's own words."""
    return _number(query_text(request, "county"))


def county_of(form: Form) -> int | None:
    """The same, from a form that carries it along."""
    return _number(form.text("county"))


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def request_for(form: Form) -> str | None:
    """What the village's own notice is known by, so that one notice of the county's goes out once."""
    county = county_of(form)
    return None if county is None else request_of(county)


def draft_key(request: web.Request, county: int | None) -> str:
    author = str(account_of(request).id)
    return author if county is None else f"{author}/county/{county}"


def first_draft(tx: sqlite3.Connection, county: int | None) -> Draft:
    """What stands in the form before anybody typed: nothing, or the county's words to everybody by every way."""
    if county is None:
        return {}, None
    notice = _waiting(tx, county)
    fields = {
        "text": [notice.text],
        "to": ["everyone"],
        "channel": ["sms", "call", "page"],
        "when": ["now"],
        "due": [as_field(notice.due_ms)],
        "county": [str(county)],
    }
    return fields, None


def refuse_dealt_with(tx: sqlite3.Connection, county: int | None) -> None:
    """Raises RefusalError where the county took it back, or somebody has dealt with it meanwhile."""
    if county is not None:
        _waiting(tx, county)


def _waiting(tx: sqlite3.Connection, county: int) -> CountyNoticeRow:
    notice = county_notice(tx, county)
    if notice is None:
        raise RefusalError(say("没有这条县里的通知"), status=404)
    if notice.withdrawn_ms is not None:
        raise RefusalError(say("县里收回了这条通知，不用发了"), status=409)
    if notice.relayed_as is not None:
        raise RefusalError(say("这条县里的通知已经转发过了"), status=409)
    return notice
