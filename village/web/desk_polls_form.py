"""The fields in which a clerk writes a poll, and what they mean: an order, or every reason why it is none yet.

Never writes anything; the same fields travel from the form to the preview, into the draft and back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from village.ground.clock import BEIJING, beijing, to_ms
from village.ground.wording import RefusalError, Wording, say
from village.laws.pack import Kind, Pack, newest_pack
from village.polls.poll import MOST_OPTIONS, Order, PollKind, checked
from village.web.kit.forms import Form

OPTION_FIELDS = tuple(f"option{place}" for place in range(1, MOST_OPTIONS + 1))
FIELDS = ("kind", "question", *OPTION_FIELDS, "day", "hour", "whom", "groups", "basis", "channel")

T = TypeVar("T")

_AHEAD_DAYS, _AT_HOUR = 3, 18
"""The deadline the form proposes: time to ask at home, and the evening when people look at their phones."""

_DAY = re.compile(r"(?:(?P<year>20\d\d)\s*[年/.-]\s*)?(?P<month>\d{1,2})\s*[月/.-]\s*(?P<day>\d{1,2})\s*[日号]?")
_HOUR = re.compile(r"(?P<hour>\d{1,2})\s*(?:[:点]\s*(?:(?P<minute>\d{1,2})\s*分?|(?P<half>半))?)?")

_FACE_TO_FACE = say("要把人召集起来开会定。可以先用意见征集听听大家怎么想，再拿到会上定。")
_ON_PAPER = say("要实名的书面回复，短信和电话不算书面，这里收不了。")


@dataclass(frozen=True, slots=True)
class Closed:
    """A kind that cannot be opened here, and why. `never`: it may not be decided this way at all."""

    kind: str
    name: str
    reason: Wording | str
    articles: tuple[str, ...]
    never: bool


def closed_kinds(pack: Pack) -> list[Closed]:
    """Every kind the law knows but those that can be opened: named, never left out."""
    openable = {str(kind) for kind in PollKind}
    elsewhere = [
        Closed(rule.kind, rule.name, _ON_PAPER if rule.kind is Kind.CONSULTATION else _FACE_TO_FACE, rule.articles,
               never=False)
        for rule in pack.rules.values()
        if rule.kind not in openable
    ]  # fmt: skip
    never = [
        Closed(refusal.kind, refusal.name, refusal.reason, refusal.articles, never=True)
        for refusal in pack.refused.values()
    ]
    return never + elsewhere


def closed_kind(pack: Pack, kind: str) -> Closed | None:
    return next((one for one in closed_kinds(pack) if one.kind == kind), None)


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


def order_of(form: Form, author: str, now_ms: int, *, trusted: bool) -> Order:
    """Raises RefusalError (422) with everything that is missing or wrong."""
    wrong = _Reasons()
    kind = wrong.take(lambda: _kind(form), None)
    channels = form.many("channel")
    if not {"sms", "call"} & set(channels):
        wrong.found.append(say("短信、电话至少选一样，不然没人知道"))
    order = Order(
        # where no kind was chosen the options cannot be judged; household brings its own
        kind=kind or PollKind.HOUSEHOLD,
        question=form.text("question"),
        options=options_of(form),
        closes_ms=wrong.take(lambda: deadline_of(form, now_ms), default_deadline_ms(now_ms)),
        groups=wrong.take(lambda: _groups(form), frozenset()),
        basis_id=wrong.take(lambda: _basis(form), None) if kind is PollKind.HOUSEHOLD else None,
        sms="sms" in channels,
        call="call" in channels,
        author=author,
    )
    order = wrong.take(lambda: checked(order, now_ms, trusted=trusted), order)
    if wrong.found:
        raise RefusalError(*wrong.found, status=422)
    return order


def _kind(form: Form) -> PollKind:
    """Raises RefusalError: nothing chosen, or what `openable` refuses."""
    chosen = form.text("kind")
    if closed_kind(newest_pack(), chosen) is None:
        chosen = form.choice("kind", say("要问的是哪一种"), list(PollKind))
    return openable(chosen)


def openable(kind: str) -> PollKind:
    """Raises RefusalError for what the law does not let anybody decide this way, with the article where it is never."""
    pack = newest_pack()
    if kind in pack.refused:
        pack.rule(kind)  # raises, with the article
    closed = closed_kind(pack, kind)
    if closed is not None:
        raise RefusalError(say("{name}不能在这里开：{why}", name=closed.name, why=closed.reason), status=422)
    return PollKind(kind)


def options_of(form: Form) -> tuple[str, ...]:
    """What was written, in its order; rows left empty are no options."""
    return tuple(text for name in OPTION_FIELDS if (text := form.text(name)))


def _groups(form: Form) -> frozenset[int]:
    if form.choice("whom", say("问谁"), ("everyone", "groups")) == "everyone":
        return frozenset()
    words = [unicodedata.normalize("NFKC", word) for word in form.many("groups")]
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) < 4):
            raise RefusalError(say("花名册里没有“{word}”这个组", word=word), status=422)
    if not words:
        raise RefusalError(say("选了“几个组”，还没有选哪几组"), status=422)
    return frozenset(int(word) for word in words)


def _basis(form: Form) -> int | None:
    if not form.text("basis"):
        return None
    return form.number("basis", say("依据"), low=1, high=10**9)


# the deadline


def default_deadline_ms(now_ms: int) -> int:
    """In three days at six in the evening."""
    day = beijing(now_ms).date() + timedelta(days=_AHEAD_DAYS)
    return to_ms(datetime(day.year, day.month, day.day, _AT_HOUR, tzinfo=BEIJING))


def day_field(instant_ms: int) -> str:
    """What a date field takes."""
    return beijing(instant_ms).strftime("%Y-%m-%d")


def hour_field(instant_ms: int) -> str:
    return beijing(instant_ms).strftime("%H:%M")


def deadline_of(form: Form, now_ms: int) -> int:
    """A Beijing day and hour, as a browser sends them or as people write them: 2026-12-09, 12月9日, 18：00, 18点半.

    A day without a year is the next one of that name. Raises RefusalError.
    """
    day, hour = _plain(form.text("day")), _plain(form.text("hour"))
    found, at = _DAY.fullmatch(day), _HOUR.fullmatch(hour)
    if found is None:
        raise RefusalError(say("截止的日子要写成 2026-12-09 或者 12月9日 这样"), status=422)
    if at is None:
        raise RefusalError(say("截止的时间要写成 18:00 这样"), status=422)
    now = beijing(now_ms)
    year = int(found["year"] or now.year)
    minute = 30 if at["half"] else int(at["minute"] or 0)
    try:
        moment = datetime(year, int(found["month"]), int(found["day"]), int(at["hour"]), minute, tzinfo=BEIJING)
        if found["year"] is None and moment.date() < now.date():
            moment = moment.replace(year=year + 1)
    except ValueError as impossible:
        raise RefusalError(say("没有“{day} {hour}”这个时间", day=day, hour=hour), status=422) from impossible
    return to_ms(moment)


def _plain(text: str) -> str:
    """Full-width digits and colons as the narrow ones they stand for."""
    return unicodedata.normalize("NFKC", text).strip()
