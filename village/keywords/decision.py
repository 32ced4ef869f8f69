"""What the village makes of one SMS: an intent, an answer, and what is to be done, as values.

Never does it; `carry_out` does, and `interpret` only shows it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum

from village.community.store import Kind
from village.ground.wording import Translate, Wording, chinese
from village.keywords.commands import Suspicion
from village.keywords.replies import Reply
from village.people.store import Holder, Opted, PhoneRow


class Intent(StrEnum):
    """DESIGN's words for it."""

    VOTE = "vote"
    CLARIFY = "clarify"
    CLOSED = "closed"
    CONFIRM = "confirm"
    LEAVING = "leaving"
    FETCH = "fetch"
    YES = "yes"
    NO = "no"
    MENU = "menu"
    SERVICE = "service"
    SUGGESTION = "suggestion"
    SUPERVISE = "supervise"
    SECOND = "second"
    HELP = "help"
    OFFER = "offer"
    SUBSCRIBE = "subscribe"
    OPTOUT = "optout"
    REGISTER = "register"
    EMERGENCY = "emergency"
    QUARANTINE = "quarantine"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote: a number, and who stands behind it in the roster. `phone` is None for a stranger."""

    e164: str
    fingerprint: bytes
    phone: PhoneRow | None = None
    holders: tuple[Holder, ...] = ()

    @property
    def alone(self) -> Holder | None:
        """The one person behind the phone, where it is one."""
        return self.holders[0] if len(self.holders) == 1 else None


# What is to be done


@dataclass(frozen=True, slots=True)
class Confirm:
    """`message_id`: the message that was answered; None where the notice was named without having been sent."""

    phone_id: int
    notice_id: int
    message_id: int | None
    answered_ms: int


@dataclass(frozen=True, slots=True)
class MarkDone:
    """What a notice asked to be done is done. `message_id`: the reminder that was answered; None: said in words."""

    phone_id: int
    notice_id: int
    message_id: int | None


@dataclass(frozen=True, slots=True)
class Opt:
    phone_id: int
    level: Opted


@dataclass(frozen=True, slots=True)
class Redeem:
    e164: str
    code: str


@dataclass(frozen=True, slots=True)
class Ring:
    """Read this notice out to this phone."""

    phone: PhoneRow
    notice_id: int


@dataclass(frozen=True, slots=True)
class CancelRinging:
    message_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NoteFetched:
    """The reply carries this notice's words."""

    phone_id: int
    notice_id: int


@dataclass(frozen=True, slots=True)
class Keep:
    """A draft for a person to read."""

    kind: Kind
    text: str
    phone_id: int
    resident_id: int | None


@dataclass(frozen=True, slots=True)
class AddSecond:
    phone_id: int
    suggestion_id: int


@dataclass(frozen=True, slots=True)
class TickDoors:
    """`numbers` of a group's list; None: all of `in_hand`, those that had reached its leader. `by`: whose name is
    written."""

    notice_id: int
    group_no: int
    version: int
    numbers: tuple[int, ...] | None
    by: str
    in_hand: frozenset[int]


@dataclass(frozen=True, slots=True)
class Speak:
    """A phone's choice of language: 1 Mandarin, 2 local, 3 slow, 4 texts only."""

    phone: PhoneRow
    choice: int


@dataclass(frozen=True, slots=True)
class Withhold:
    """For the supervisory committee alone; `sign` where it looks like a trap."""

    text: str
    phone_id: int | None
    sign: Suspicion | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Somebody calls for help. `names`: who holds the phone."""

    e164: str
    phone_id: int | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class CastBallot:
    """A ballot of one voter. `alone`: nobody else votes with this phone, so the reply may say what was chosen."""

    phone_id: int
    poll_id: int
    voter_id: int
    voter: str
    choice: int
    sent_ms: int
    alone: bool

    def __repr__(self) -> str:
        """Without the choice: reprs end up in logs."""
        return f"CastBallot(poll_id={self.poll_id})"


Effect = (
    Confirm
    | MarkDone
    | Opt
    | Redeem
    | Ring
    | CancelRinging
    | NoteFetched
    | Keep
    | AddSecond
    | TickDoors
    | Speak
    | Withhold
    | Alarm
    | CastBallot
)


@dataclass(frozen=True, slots=True)
class Decision:
    """`shown`: whether the committee may read the text; never a ballot, a code, or what is not for it. `poll`, `choice`
    and `voter` are for `village interpret`; nothing keeps them."""

    intent: Intent
    why: Wording
    reply: Reply | None = None
    effects: tuple[Effect, ...] = ()
    concerns: str | None = None
    shown: bool = False
    poll: int | None = None
    choice: int | None = field(default=None, repr=False)
    voter: str | None = field(default=None, repr=False)

    def as_json(self, translate: Translate = chinese) -> str:
        """DESIGN's object for `village interpret`."""
        return json.dumps(
            {
                "intent": self.intent.value,
                "poll": self.poll,
                "choice": self.choice,
                "voter": self.voter,
                "reply": None if self.reply is None else self.reply.text,
                "why": self.why.text(translate),
            },
            ensure_ascii=False,
        )
