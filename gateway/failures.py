"""What can go wrong with one try, named by what the outbox has to do about it.

Never retries, never logs: a transport raises one of these once, the outbox decides (`verdict.py`).
"""

from __future__ import annotations

import traceback
from enum import StrEnum


class Trouble(StrEnum):
    """Why a message did not get through, in one word that is stored, shown and looked up in the back-off table."""

    DEAD_NUMBER = "dead_number"
    CONTENT = "content"
    FULL_PHONE = "full_phone"
    NO_SIGNAL = "no_signal"
    CONGESTION = "congestion"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    HUNG_UP = "hung_up"
    NO_CREDIT = "no_credit"
    UNPLUGGED = "unplugged"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    NO_REPORT = "no_report"
    SPEECH = "speech"
    UNREADABLE = "unreadable"
    NO_LINE = "no_line"
    OTHER = "other"


class GatewayError(Exception):
    """The root of everything this package raises."""


class DraftError(GatewayError):
    """A draft that can never be sent: the caller has to change it."""


class TransportFailure(GatewayError):
    """One try that was not accepted."""

    def __init__(self, trouble: Trouble, code: str = "") -> None:
        """`code`: the carrier's own number or word, kept as it came."""
        super().__init__(f"{trouble}/{code}" if code else str(trouble))
        self.trouble = trouble
        self.code = code


class RetryLaterError(TransportFailure):
    """It was certainly not taken; another try may work."""

    def __init__(self, trouble: Trouble, code: str = "", *, after_ms: int | None = None) -> None:
        """`after_ms`: the carrier's own wish, which outranks our table."""
        super().__init__(trouble, code)
        self.after_ms = after_ms


class RejectedError(TransportFailure):
    """Refused for good: this number or this text will never go. With `REFUSED`: not over this carrier, whatever another
    one says; that is asked where the village has one."""


class TransportDownError(TransportFailure):
    """It was certainly not taken, and nothing else will be: the lane pauses, the message does not count a try."""

    def __init__(self, trouble: Trouble, code: str = "", *, after_ms: int | None = None) -> None:
        """`after_ms`: when a look is worth while; else the lane's own interval."""
        super().__init__(trouble, code)
        self.after_ms = after_ms


class OutcomeUnknownError(TransportFailure):
    """Nobody knows whether it was taken: a time-out, a line cut in the middle. Never sent again by itself."""


class GaveWayError(TransportFailure):
    """Ended by ourselves for something more urgent; it waits for its turn and does not count a try."""

    def __init__(self) -> None:
        super().__init__(Trouble.INTERRUPTED)


class CannotAskError(GatewayError):
    """This carrier keeps no memory that could be asked what became of a message."""


def where(raised: BaseException) -> str:
    """Type and place of a mistake, for the log. Its own words are left out: they may quote a text or a number."""
    frames = traceback.extract_tb(raised.__traceback__)[-4:]
    return type(raised).__name__ + "".join(f" < {frame.name}:{frame.lineno}" for frame in reversed(frames))
