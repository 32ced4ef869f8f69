"""What a text can ask of the village: the words of the grammar as values.

Never knows who sent it, what was asked before, or what is open; `answering` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Stance(StrEnum):
    """An option word; which option it means depends on the poll's own labels."""

    YES = "yes"
    NO = "no"
    ABSTAIN = "abstain"


class Doubt(StrEnum):
    """Why nothing was understood, or nothing certain."""

    EMPTY = "empty"
    TWO = "two"
    """Two options, or two digits that could be two options."""
    LETTER = "letter"
    """A letter that looks like a digit."""
    NEGATION = "negation"
    DIGITS = "digits"
    """Digits that mean nothing here, or stand with words that make them uncertain."""
    OPTION = "option"
    """An option word, but more or less than a ballot."""
    OPTING = "opting"
    """About opting out, but not the opt-out itself."""


class Distressed(StrEnum):
    """How a call for help was put."""

    NUMBER = "number"
    WORDS = "words"


class Suspicion(StrEnum):
    LINK = "link"
    CODE = "code"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Unclear:
    """`alone`: without an open poll this could just as well be somebody telling us something (没水了)."""

    doubt: Doubt
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """A vote in the one poll that is open to this phone; `stance` where the option's word was written with it."""

    option: int
    stance: Stance | None = None


@dataclass(frozen=True, slots=True)
class Stand:
    """同意, 反对, 弃权 without a digit."""

    stance: Stance


@dataclass(frozen=True, slots=True)
class PollChoice:
    poll: int
    option: int


@dataclass(frozen=True, slots=True)
class SlotChoice:
    poll: int
    slot: int
    option: int


@dataclass(frozen=True, slots=True)
class YesNo:
    """8 and 7, to whatever was asked last."""

    yes: bool


@dataclass(frozen=True, slots=True)
class Received:
    """9, 收到; with the notice's number, or what it is about (停水知道了), where that was written.

    `nine`: the digit alone. To a notice it is the same answer as the word; to 办好了回9 it is not, nor is 收到9.
    """

    number: int | None = None
    about: str = ""
    nine: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class DoneIt:
    """办好了, 交了, 18办好了, 医保交了: an answer only where there is something to be done.

    `about`: what he says he has done. `nine`: the number is a bare 9, which a reminder asks for (办好了9), and may also
    be notice 9.
    """

    number: int | None = None
    about: str = ""
    nine: bool = False


@dataclass(frozen=True, slots=True)
class Assent:
    """好的, 嗯: an answer only where nothing but a notice came before it."""


@dataclass(frozen=True, slots=True)
class Courtesy:
    """谢谢, 您好, and nothing else."""


@dataclass(frozen=True, slots=True)
class OptOut:
    everything: bool


@dataclass(frozen=True, slots=True)
class OptIn:
    pass


@dataclass(frozen=True, slots=True)
class Code:
    """A paper code of six digits."""

    digits: str


@dataclass(frozen=True, slots=True)
class Service:
    """0 to 9: the menu's own numbers. 0 menu, 1 notices, 3 my votes, 4 suggestions, 5 help, 6 phone book, 7 Party,
    8 language, 9 subscription."""

    number: int


@dataclass(frozen=True, slots=True)
class ServiceChoice:
    """040, 041, 061, 071, 072, 081 to 084."""

    service: int
    choice: int


@dataclass(frozen=True, slots=True)
class NoticeText:
    number: int


@dataclass(frozen=True, slots=True)
class CallMe:
    """Call and read a notice out: the newest one, or this one."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class CancelCall:
    pass


@dataclass(frozen=True, slots=True)
class Progress:
    """How far is suggestion nn."""

    number: int


@dataclass(frozen=True, slots=True)
class Second:
    """I want that too."""

    number: int


@dataclass(frozen=True, slots=True)
class HelpOffer:
    number: int


@dataclass(frozen=True, slots=True)
class HelpConsent:
    """Whether the one in need lets the helper have the number."""

    number: int
    yes: bool


class Topic(StrEnum):
    """Asked for by a word that has no number of its own."""

    VOTING = "voting"
    REGISTERING = "registering"
    DISCLOSURE = "disclosure"
    MY_RECORD = "my-record"
    SUPERVISING = "supervising"


@dataclass(frozen=True, slots=True)
class HowTo:
    topic: Topic


@dataclass(frozen=True, slots=True)
class DoorTick:
    """上门17 3: a group's leader has been at doors.

    `groups`: the digits as they were typed, apart where he wrote them apart; none: which lists there are. `everybody`:
    上门17全部. `clear` is False where something else stands with it.
    """

    groups: tuple[str, ...] = ()
    everybody: bool = False
    clear: bool = True


@dataclass(frozen=True, slots=True)
class Suggest:
    """建议 and what follows it, as it was typed."""

    text: str


@dataclass(frozen=True, slots=True)
class HelpRequest:
    text: str


@dataclass(frozen=True, slots=True)
class Supervise:
    """For the supervisory committee alone."""

    text: str


@dataclass(frozen=True, slots=True)
class Distress:
    how: Distressed


@dataclass(frozen=True, slots=True)
class Suspicious:
    sign: Suspicion


@dataclass(frozen=True, slots=True)
class FreeText:
    """Anything else. `ballotish`: it names an option, so while a poll is open it must not pass for a vote cast."""

    text: str
    ballotish: bool


Command = (
    Unclear
    | Choice
    | Stand
    | PollChoice
    | SlotChoice
    | YesNo
    | Received
    | DoneIt
    | Assent
    | Courtesy
    | OptOut
    | OptIn
    | Code
    | Service
    | ServiceChoice
    | NoticeText
    | CallMe
    | CancelCall
    | Progress
    | Second
    | HelpOffer
    | HelpConsent
    | HowTo
    | DoorTick
    | Suggest
    | HelpRequest
    | Supervise
    | Distress
    | Suspicious
    | FreeText
)
