"""The compose form's fields and what they mean: an order, or every reason why it is none yet.

Never writes anything; the same fields travel from the form to the preview and back.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from village.ground.clock import beijing, parse_iso
from village.ground.wording import RefusalError, Wording, say
from village.notices.addressing import audience_of
from village.notices.notice import LONGEST_SHORT_TEXT, LONGEST_TEXT, Channels, Issuer, Order, Rung
from village.people.audience import Audience
from village.web.kit.forms import Form
from village.web.kit.gate import Account, Role

T = TypeVar("T")

FIELDS = (
    "text", "short_text", "to", "groups", "names", "channel", "when", "at", "due", "urgent", "rungs_asked", "rung",
    "county",
)  # fmt: skip

RUNG_CHOICES: tuple[tuple[str, Wording], ...] = (
    (str(int(Rung.REMINDER)), say("再发一条短信提醒")),
    (str(int(Rung.CALL)), say("打电话念给他听")),
    (str(int(Rung.SECOND_CALL)), say("没人接，换个时候再打一次")),
)
"""What may follow to those who do not answer."""

TO_CHOICES: tuple[tuple[str, Wording], ...] = (
    ("everyone", say("全村每一户")),
    ("groups", say("几个组")),
    ("households", say("点名的几户")),
    ("residents", say("点名的几个人")),
    ("household_reps", say("户代表")),
    ("representatives", say("村民代表")),
    ("party", say("党员")),
    ("away", say("外出的人")),
)


class _Reasons:
    """Collects what is wrong, so that a clerk mends everything in one go."""

    def __init__(self) -> None:
        self.found: list[Wording] = []

    def take(self, reading: Callable[[], T], otherwise: T) -> T:
        try:
            return reading()
        except RefusalError as refused:
            self.found.extend(refused.reasons)
            return otherwise


def order_of(tx: sqlite3.Connection, form: Form, account: Account) -> Order:
    """Raises RefusalError (422) with everything that is missing or wrong."""
    wrong = _Reasons()
    order = Order(
        text=wrong.take(lambda: form.needed("text", say("通知"), longest=LONGEST_TEXT), ""),
        short_text=wrong.take(lambda: _short(form), ""),
        audience=wrong.take(lambda: _audience(tx, form), Audience.everyone()),
        channels=wrong.take(lambda: Channels.chosen(form.many("channel")), Channels()),
        at_ms=wrong.take(lambda: moment(form.text("at"), say("几时发")) if form.text("when") == "at" else None, None),
        due_ms=wrong.take(lambda: due_of(form), None),
        issuer=Issuer(str(account.role)),
        author=account.name,
        urgent=wrong.take(lambda: _urgent(form, account), False),
        rungs=_rungs(form),
    )
    if wrong.found:
        raise RefusalError(*wrong.found, status=422)
    return order


def _rungs(form: Form) -> tuple[Rung, ...] | None:
    """None where the form did not ask: then as the village has set it. A second call needs a first one."""
    if not form.has("rungs_asked"):
        return None
    chosen = tuple(Rung(int(value)) for value, _ in RUNG_CHOICES if value in form.many("rung"))
    return chosen if Rung.CALL in chosen else tuple(rung for rung in chosen if rung is not Rung.SECOND_CALL)


def _short(form: Form) -> str:
    text = form.text("short_text")
    if len(text) > LONGEST_SHORT_TEXT:
        raise RefusalError(say("短信的话太长了：最多{most}个字", most=LONGEST_SHORT_TEXT), status=422)
    return text


def _urgent(form: Form, account: Account) -> bool:
    if form.has("urgent") and account.role is not Role.COMMITTEE:
        raise RefusalError(say("急事只有村委会能发"), status=422)
    return form.has("urgent")


def _audience(tx: sqlite3.Connection, form: Form) -> Audience:
    kind = form.choice("to", say("发给谁"), [choice for choice, _ in TO_CHOICES])
    return audience_of(tx, kind, form.many("groups") if kind == "groups" else [form.text("names")])


def due_of(form: Form) -> int | None:
    return moment(form.text("due"), say("几时前要人人知道")) if form.text("due") else None


def moment(text: str, what: Wording) -> int:
    """A Beijing time as a datetime-local field gives it. Raises RefusalError."""
    try:
        return parse_iso(datetime.fromisoformat(text).replace(tzinfo=None).isoformat())
    except ValueError as wrong:
        raise RefusalError(say("{what}要写成 2026-12-06 08:00 这样", what=what), status=422) from wrong


def as_field(instant_ms: int | None) -> str:
    """What a datetime-local field takes."""
    return "" if instant_ms is None else beijing(instant_ms).strftime("%Y-%m-%dT%H:%M")
