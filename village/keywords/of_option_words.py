"""What an option's own words come to, and what only sounds like a ballot: a vote, a question back, or nothing.

Reads only. A text that may be somebody's answer is never left to become a suggestion that others read.
"""

from __future__ import annotations

from village import questions
from village.ground.wording import say
from village.keywords.commands import Doubt, Unclear
from village.keywords.decision import Decision, Intent
from village.keywords.of_polls import about, barred, no_single_poll, over, unclear_in, vote
from village.keywords.option_words import Named, named, names_its_poll
from village.keywords.poll_replies import PollReplies
from village.keywords.reading import Reading
from village.keywords.which_poll import Bound, bind, over_lately
from village.people.store import PhoneRow
from village.polls import store
from village.polls.dispatch import KIND
from village.polls.poll import Poll, State
from village.polls.standing import voted


def exactly(reading: Reading, phone: PhoneRow) -> Decision | None:
    """An option's own words and nothing else: whatever else the word asks of the village, here it is an answer.

    No option bears a digit, nor a word by which people opt out (`polls.poll.checked`).
    """
    if any(sign.isdigit() for sign in reading.text):
        return None
    return _labelled(reading, phone, bind(reading, phone), alone=True)


def unclear(reading: Reading, phone: PhoneRow, command: Unclear) -> Decision | None:
    """What is doubtful while one poll is open is asked back with that poll's own numbers; else None."""
    if command.doubt in (Doubt.EMPTY, Doubt.OPTING):
        return None
    bound = bind(reading, phone)
    if (labelled := _labelled(reading, phone, bound)) is not None:
        return labelled
    if bound.over is not None:
        return None if command.alone else over(reading, phone, bound.over, bound, choice=None)
    if bound.one is None:
        return no_single_poll(reading, bound) if bound.polls and not command.alone else None
    if command.doubt is Doubt.TWO:
        return _two(reading, bound.one)
    return unclear_in(reading, bound.one, words=command.alone)


def words(reading: Reading, phone: PhoneRow, *, ballotish: bool) -> Decision | None:
    """Free words that are an option's own label are a ballot; words that only sound like one are asked back."""
    bound = bind(reading, phone)
    if (labelled := _labelled(reading, phone, bound)) is not None:
        return labelled
    if not ballotish:
        return None
    if bound.over is not None and bound.over.takes_ballots:
        return over(reading, phone, bound.over, bound, choice=None)
    if bound.one is not None:
        return unclear_in(reading, bound.one, words=True)
    return no_single_poll(reading, bound) if bound.polls else None


def assent(reading: Reading, phone: PhoneRow) -> Decision | None:
    """好, 行 and 可以 to a question about which nothing was said since: whoever wrote it thinks of it as an answer."""
    asked = questions.newest(reading.tx, phone.id, reading.answered_ms, waiting=reading.rehearsed)
    if asked is None or asked.kind != KIND or any(one.at_ms > asked.asked_ms for one in reading.answered):
        return None
    bound = bind(reading, phone)
    missing = [poll for poll in bound.polls if not _have_voted(reading, phone, poll)]
    if bound.over is not None:
        waits = bound.over.takes_ballots and not _have_voted(reading, phone, bound.over)
        return over(reading, phone, bound.over, bound, choice=None) if waits else None
    if not missing:
        return None
    return unclear_in(reading, bound.one) if bound.one is not None else no_single_poll(reading, bound)


def _have_voted(reading: Reading, phone: PhoneRow, poll: Poll) -> bool:
    """All who may with this phone: then 好 says that they have read something."""
    voters = store.eligible_on(reading.tx, poll.id, phone.id)
    return all(voted(reading.tx, poll, voter.id) is not None for voter in voters)


def may_be_an_answer(reading: Reading) -> bool:
    """Whether a stranger's text names an option of what is open or was lately: it may be somebody's new phone."""
    polls = (*store.running_polls(reading.tx), *over_lately(reading))
    return any(named(reading.text, poll.options, question=poll.question) is not None for poll in polls)


# whose option it is


def _labelled(reading: Reading, phone: PhoneRow, bound: Bound, *, alone: bool = False) -> Decision | None:
    """In the order in which an answer belongs: the question that is over, those that are open, those that were lately.

    `alone`: only where nothing else was written.
    """

    def found_in(poll: Poll) -> Named | None:
        people = [voter.name for voter in store.eligible_on(reading.tx, poll.id, phone.id)]
        people += [holder.name for holder in reading.sender.holders]
        found = named(reading.text, poll.options, people, poll.question)
        return found if found is not None and (found.alone or not alone) else None

    if bound.over is not None and (found := found_in(bound.over)) is not None:
        return _late(reading, phone, bound.over, bound, found)
    bearing = {poll: found for poll in bound.polls if (found := found_in(poll)) is not None}
    if bearing:
        return _open(reading, phone, bound, bearing)
    if bound.barred is not None and found_in(bound.barred) is not None:
        return barred(reading, bound.barred)
    if any(found_in(poll) is not None for poll in bound.unasked):
        return no_single_poll(reading, Bound(bound.polls + bound.unasked))
    for poll in over_lately(reading):
        if (found := found_in(poll)) is not None:
            return _late(reading, phone, poll, bound, found)
    return None


def _late(reading: Reading, phone: PhoneRow, poll: Poll, bound: Bound, found: Named) -> Decision | None:
    if found.loose and poll.state is not State.CLOSED:
        return None  # once it is counted, people talk about what came out
    return over(reading, phone, poll, bound, choice=found.choices[0] if found.clear else None)


def _open(reading: Reading, phone: PhoneRow, bound: Bound, bearing: dict[Poll, Named]) -> Decision:
    (poll, found), *more = bearing.items()
    if bound.one is None and (more or not found.clear or not names_its_poll(poll.label(found.choices[0]))):
        return no_single_poll(reading, bound)
    if len(found.choices) > 1:
        return _two(reading, poll)
    if found.clear:
        return vote(reading, phone, poll, found.choices[0])
    voters = store.eligible_on(reading.tx, poll.id, phone.id)
    if found.by_name and len(voters) > 1:
        why = say("写了名字，没写卡上的号")
        return Decision(Intent.CLARIFY, why, PollReplies(reading.replies).share_ask(poll, voters), concerns=about(poll))
    return unclear_in(reading, poll, words=True)


def _two(reading: Reading, poll: Poll) -> Decision:
    why = say("像是两个选项")
    return Decision(Intent.CLARIFY, why, PollReplies(reading.replies).two(poll), concerns=about(poll))
