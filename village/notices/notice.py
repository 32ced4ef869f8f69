"""A notice: what the office says, to whom, by which channels, and by when everybody has to know.

Never knows how it is stored or sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NewType

from gateway.message import Channel
from village.ground.wording import RefusalError, Wording, say
from village.people.audience import Audience, AudienceKind

NoticeId = NewType("NoticeId", int)
UnitId = NewType("UnitId", int)

LOWEST_NUMBER, HIGHEST_NUMBER = 1, 99
"""Two digits on the keypad: 0117 reads notice 17 (facts/sms.md)."""


class State(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    STOPPED = "stopped"


class UnitKind(StrEnum):
    """Who counts as one in the reach view."""

    HOUSEHOLD = "household"
    PERSON = "person"


class Issuer(StrEnum):
    """In whose name a notice goes out; the same four that may sit at the desk."""

    COMMITTEE = "committee"
    SUPERVISORY = "supervisory"
    COLLECTIVE = "collective"
    PARTY = "party"

    @property
    def chinese(self) -> str:
        return _ISSUERS[self]

    def in_words(self) -> Wording:
        return Wording(_ISSUERS[self])


_ISSUERS = {
    Issuer.COMMITTEE: "村委会",
    Issuer.SUPERVISORY: "村务监督委员会",
    Issuer.COLLECTIVE: "村集体经济组织",
    Issuer.PARTY: "村党支部",
}


class Rung(IntEnum):
    """What a copy was sent for: the first one, or one to those who had not answered by then. The numbers are stored."""

    FIRST = 0
    REMINDER = 1
    CALL = 2
    SECOND_CALL = 3

    @property
    def channel(self) -> Channel:
        return Channel.SMS if self in (Rung.FIRST, Rung.REMINDER) else Channel.CALL

    @classmethod
    def chosen(cls, names: Iterable[str]) -> tuple[Rung, ...]:
        """From "reminder", "call", "second_call", or "none". Raises RefusalError for another word."""
        wanted = [name.strip() for name in names if name.strip()]
        if wanted == ["none"]:
            return ()
        known = {rung.name.lower(): rung for rung in cls if rung is not Rung.FIRST}
        strange = [name for name in wanted if name not in known]
        if strange or (Rung.SECOND_CALL.name.lower() in wanted and Rung.CALL.name.lower() not in wanted):
            raise RefusalError(say("只能写 reminder、call、second_call 或 none；第二个电话之前要有第一个"), status=422)
        return tuple(sorted({known[name] for name in wanted}))


class CopyKind(StrEnum):
    NOTICE = "notice"
    CORRECTION = "correction"
    ASKED = "asked"
    """A villager fetched it (0117, 0217, 02)."""


@dataclass(frozen=True, slots=True)
class Channels:
    sms: bool = True
    call: bool = True
    page: bool = True

    @classmethod
    def chosen(cls, names: Iterable[str]) -> Channels:
        """From "sms", "call", "page". Raises RefusalError for another word and for none at all."""
        wanted = {name.strip() for name in names if name.strip()}
        unknown = wanted - {"sms", "call", "page"}
        if unknown:
            raise RefusalError(
                say("没有“{name}”这条路，只有 sms、call、page", name="、".join(sorted(unknown))), status=422
            )
        if not wanted:
            raise RefusalError(say("至少选一条路：短信、电话或网页"), status=422)
        return cls("sms" in wanted, "call" in wanted, "page" in wanted)

    @property
    def reaches_phones(self) -> bool:
        """False for what is only put up on the page: nobody waits for an answer, and nobody is visited."""
        return self.sms or self.call

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name in ("sms", "call", "page") if getattr(self, name))


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants sent."""

    text: str
    audience: Audience
    channels: Channels
    short_text: str = ""
    """What the SMS says instead of the text; empty: the text itself."""
    at_ms: int | None = None
    due_ms: int | None = None
    issuer: Issuer = Issuer.COMMITTEE
    author: str = ""
    urgent: bool = False
    """Danger to life and limb: it goes out at once, at night too."""
    number: int | None = None
    """A number of the caller's choosing (the sample village's 17); None: the next free one."""
    rungs: tuple[Rung, ...] | None = None
    """Which rungs follow the first copy; None: as the village has set it."""
    request: str | None = None
    """Names the form or command it came from: the same one sends once."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice with its current wording."""

    id: NoticeId
    number: int
    state: State
    version: int
    opened_with: int
    """The version that went out first; one that was changed before it went out is no correction."""
    text: str
    short_text: str
    due_ms: int | None
    audience: Audience
    unit: UnitKind
    channels: Channels
    urgent: bool
    issuer: Issuer
    author: str
    created_ms: int
    start_ms: int
    version_ms: int
    stopped_ms: int | None
    stopped_by: str | None
    rungs: tuple[Rung, ...]
    """What follows the first copy to those who do not answer."""
    went_out: bool
    """False for a planned one, and for one that was stopped before its time."""

    @property
    def title(self) -> str:
        """The whole text in one line."""
        return one_line(self.text)

    @property
    def corrected(self) -> bool:
        return self.version > self.opened_with

    @property
    def on_page(self) -> bool:
        """Whether everybody may read it on the public page (a stopped one says that it was stopped)."""
        return self.channels.page and self.went_out

    def door_ms(self, door_after_h: int) -> int:
        """From when a household that has not answered is visited."""
        if self.due_ms is not None and self.due_ms > self.version_ms:
            return self.due_ms
        hours = min(door_after_h, URGENT_DOOR_H) if self.urgent else door_after_h
        return max(self.start_ms, self.version_ms) + hours * 3_600_000


URGENT_DOOR_H = 1
"""Where life is in danger nobody waits a day before he knocks."""


def unit_of(audience: Audience) -> UnitKind:
    """Households answer as one unless persons were addressed."""
    if audience.kind in (AudienceKind.EVERYONE, AudienceKind.GROUPS, AudienceKind.HOUSEHOLDS):
        return UnitKind.HOUSEHOLD
    return UnitKind.PERSON


def checked(order: Order, now_ms: int) -> Order:
    """The order with its texts tidied. Raises RefusalError for what cannot be sent."""
    text, short_text = tidy(order.text), tidy(order.short_text)
    refuse_texts(text, short_text)
    if order.due_ms is not None and order.due_ms <= max(now_ms, order.at_ms or 0):
        raise RefusalError(say("“几时前要人人知道”要晚于发出的时间"), status=422)
    if order.at_ms is not None and order.at_ms > now_ms + 90 * 86_400_000:
        raise RefusalError(say("最多提前90天定时"), status=422)
    if order.urgent and order.at_ms is not None and order.at_ms > now_ms:
        raise RefusalError(say("急事现在就发，不能定时间。能等到那时候的，不是急事"), status=422)
    planned = order.at_ms if order.at_ms is not None and order.at_ms > now_ms else None
    return Order(
        text, order.audience, order.channels, short_text if short_text != text else "", planned, order.due_ms,
        order.issuer, order.author, order.urgent, order.number, order.rungs, order.request,
    )  # fmt: skip


LONGEST_TEXT = 1000
"""About six minutes of speech; what is longer belongs on paper, and a call about it."""
LONGEST_SHORT_TEXT = 300


def refuse_texts(text: str, short_text: str) -> None:
    """Raises RefusalError where nothing is said, or more than anybody listens to."""
    if not text:
        raise RefusalError(say("通知还没有写字"), status=422)
    for part, longest in ((text, LONGEST_TEXT), (short_text, LONGEST_SHORT_TEXT)):
        if len(part) > longest:
            raise RefusalError(say("太长了：{n}个字，最多{most}个字", n=len(part), most=longest), status=422)


ENDS = "。！？!?….;；，,、:："
"""What may stand at the end of a phrase."""


def one_line(text: str) -> str:
    """Lines joined as phrases of one sentence; nothing else changes."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "".join(line if line[-1] in ENDS else f"{line}，" for line in lines[:-1]) + "".join(lines[-1:])


def tidy(text: str) -> str:
    """Without blank lines, outer blanks and what a phone cannot show."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
