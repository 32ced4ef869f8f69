"""What the sample village says: its notices, and the phones that are worth picking up first.

Never holds people; they are in `roster.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.phone import PhoneKind, parse
from village.ground.clock import parse_iso
from village.ground.wording import say
from village.notices.notice import Channels, Issuer, Order
from village.people.audience import Audience
from village.polls.poll import YES_NO_ABSTAIN, PollKind
from village.polls.poll import Order as PollOrder
from village.sample import roster
from village.web.phones import Suggestion

AUTHOR = "王建国"
"""Made up, like everybody: who is on duty, and who signs the notices."""

AREA_CODE = "0571"
DUTY_NUMBER = "88001234"
DUTY_PHONE = "+8657188001234"
"""Rung when somebody texts 110 to the village."""


@dataclass(frozen=True, slots=True)
class SampleNotice:
    """An order and the moment it goes out; None: when the sample is made."""

    order: Order
    sent_ms: int | None = None


INSURANCE = SampleNotice(
    Order(
        text=(
            "2027年的居民医保现在可以缴了，每人400元，12月25日截止。\n"
            "不会用手机交的，带上户口本到村委会，我们帮着办。\n"
            "村里不打电话要钱，也不要密码。"
        ),
        audience=Audience.everyone(),
        channels=Channels(sms=False, call=False, page=True),
        due_ms=parse_iso("2026-12-25T18:00:00"),
        author=AUTHOR,
        number=15,
        request="sample/15",
    ),
    sent_ms=parse_iso("2026-12-02T10:20:00"),
)
"""Three days old and on the page alone, so that nothing is claimed that no phone has seen."""

MEETING = SampleNotice(
    Order(
        text="12月8日周二晚7点在村委会开村民代表会，商量东路口装减速带。请各位代表准时到。",
        audience=Audience.representatives(),
        channels=Channels(sms=True, call=True, page=False),
        due_ms=parse_iso("2026-12-07T20:00:00"),
        issuer=Issuer.COMMITTEE,
        author=AUTHOR,
        number=16,
        request="sample/16",
    )
)

WATER = SampleNotice(
    Order(
        text="12月6日周日早8点到下午3点停水，请存水。",
        audience=Audience.everyone(),
        channels=Channels(),
        due_ms=parse_iso("2026-12-05T20:00:00"),
        author=AUTHOR,
        number=17,
        request="sample/17",
    )
)

POLL = PollOrder(
    kind=PollKind.OPINION,
    question="东路口装不装减速带",
    options=YES_NO_ABSTAIN,
    closes_ms=parse_iso("2026-12-09T18:00:00"),
    author=AUTHOR,
    number=23,
    request="sample/poll-23",
)
"""Open to every adult; without a legal basis on file, so it only asks what people think."""

NOTICES = (INSURANCE, MEETING, WATER)
LAST_REQUEST = "sample/17"
"""Once this one is out the sample is whole."""


def suggestions() -> list[Suggestion]:
    """The phones a visitor picks up first, and why each is worth it."""
    return [
        Suggestion(e164(roster.ONE_VOTER), say("收短信，按9回执")),
        Suggestion(e164(roster.SHARED_BY_FOUR), say("一部手机四个人用")),
        Suggestion(e164(_elder_alone()), say("独居的老人，要打电话念")),
        Suggestion(e164(roster.PARTY_AWAY), say("党员，在外打工")),
        Suggestion(e164(roster.DEAD), say("空号，什么都收不到")),
        Suggestion(e164(roster.NOBODYS), say("生人：没登记的号码")),
        Suggestion(e164(_landline()), say("座机，只接电话"), at_start=False),
        Suggestion(DUTY_PHONE, say("有人发110，这部会响"), at_start=False),
    ]


def e164(written: str) -> str:
    return parse(written).e164


def _elder_alone() -> str:
    """The first who lives alone, wants calls and has a mobile of their own."""
    return next(row.phones[0] for row in roster.roster_rows() if row.alone and row.calls and _is_mobile(row.phones[0]))


def _landline() -> str:
    """The first who has the line in the house and nothing else."""
    return next(row.phones[0] for row in roster.roster_rows() if row.phones and not _is_mobile(row.phones[0]))


def _is_mobile(written: str) -> bool:
    return parse(written).kind is PhoneKind.MOBILE
