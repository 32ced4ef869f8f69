"""What suggestions, seconds and calls for neighbours' help come to.

Reads only.
"""

from __future__ import annotations

from village.community import store as community
from village.community.store import Kind
from village.ground.clock import beijing
from village.ground.wording import say
from village.keywords.decision import (
    AddSecond,
    Decision,
    Intent,
    Keep,
)
from village.keywords.reading import Reading
from village.people.store import PhoneRow


def suggestion(reading: Reading, phone: PhoneRow, text: str) -> Decision:
    text = text.strip()
    before = community.same_again(reading.tx, reading.vault, phone.id, text, Kind.SUGGESTION)
    if before is not None:
        return Decision(
            Intent.SUGGESTION, say("同一条建议又发了一遍"), reading.replies.suggested(before.number),
            concerns=f"suggestion/{before.id}",
        )  # fmt: skip
    number = community.next_number(reading.tx, reading.now_ms)
    return Decision(
        Intent.SUGGESTION,
        say("记成建议，不会丢"),
        reading.replies.suggested(number),
        (Keep(Kind.SUGGESTION, text, phone.id, _alone(reading)),),
    )


def help_request(reading: Reading, phone: PhoneRow, text: str) -> Decision:
    again = community.same_again(reading.tx, reading.vault, phone.id, text, Kind.HELP)
    keep = () if again else (Keep(Kind.HELP, text, phone.id, _alone(reading)),)
    return Decision(Intent.HELP, say("求助：交给村干部看"), reading.replies.help_kept(), keep)


def _alone(reading: Reading) -> int | None:
    return reading.sender.alone.resident_id if reading.sender.alone else None


def progress(reading: Reading, number: int) -> Decision:
    found = community.by_number(reading.tx, reading.vault, number)
    if found is None:
        return Decision(Intent.SERVICE, say("没有建议{number}", number=number), reading.replies.no_suggestion(number))
    day = beijing(found.received_ms)
    reply = reading.replies.suggestion_progress(number, f"{day.month}月{day.day}日", found.seconds)
    return Decision(Intent.SERVICE, say("查建议{number}", number=number), reply, concerns=f"suggestion/{found.id}")


def second(reading: Reading, phone: PhoneRow, number: int) -> Decision:
    found = community.by_number(reading.tx, reading.vault, number)
    if found is None or found.state != "draft":
        return Decision(Intent.SECOND, say("没有建议{number}", number=number), reading.replies.no_suggestion(number))
    concerns = f"suggestion/{found.id}"
    if found.phone_id == phone.id:
        return Decision(Intent.SECOND, say("自己提的不用附议"), reading.replies.own_suggestion(number), (), concerns)
    before = community.has_seconded(reading.tx, found.id, phone.id)
    reply = reading.replies.seconded(number, found.seconds + (0 if before else 1))
    effects = () if before else (AddSecond(phone.id, found.id),)
    return Decision(Intent.SECOND, say("附议建议{number}", number=number), reply, effects, concerns)
