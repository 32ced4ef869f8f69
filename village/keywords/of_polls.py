"""What a digit, 同意, a poll's code and 03 come to: a ballot of one voter in one poll, or a question back.

Reads only. Nothing in a decision that is kept says what was chosen.
"""

from __future__ import annotations

import re

from village.ground.normalise import normalise
from village.ground.wording import say
from village.keywords import lexicon
from village.keywords.commands import Choice, PollChoice, SlotChoice, Stance, Stand
from village.keywords.decision import CastBallot, Decision, Intent
from village.keywords.poll_replies import PollReplies
from village.keywords.reading import Reading
from village.keywords.store import phone_of_ballot
from village.keywords.which_poll import Bound, bind
from village.people.store import PhoneRow
from village.polls import store
from village.polls.poll import Poll, PollKind, State, Voter
from village.polls.standing import Stands, voted


def _replies(reading: Reading) -> PollReplies:
    return PollReplies(reading.replies)


# bare answers


def ballot(reading: Reading, phone: PhoneRow, command: Choice | Stand) -> Decision:
    """A digit or 同意 alone: which poll it belongs to follows from what this phone was asked."""
    bound = bind(reading, phone)
    poll = bound.over or bound.one
    if poll is None:
        return no_single_poll(reading, bound)
    choice = _chosen(poll, command)
    if bound.over is not None:
        return over(reading, phone, poll, bound, choice=choice)
    if choice is None:
        return unclear_in(reading, poll)
    return vote(reading, phone, poll, choice)


def _chosen(poll: Poll, command: Choice | Stand) -> int | None:
    """The option that is meant; None where word and digit disagree, or no option bears the word."""
    stances = [stance_of(option) for option in poll.options]
    if isinstance(command, Stand):
        return stances.index(command.stance) + 1 if stances.count(command.stance) == 1 else None
    if command.stance is not None and poll.has(command.option) and stances[command.option - 1] != command.stance:
        return None
    return command.option


def stance_of(label: str) -> Stance | None:
    """Whether an option's label is a yes, a no or an abstention by itself."""
    plain = normalise(label)
    for stance, pattern in ((Stance.NO, lexicon.NO), (Stance.YES, lexicon.YES), (Stance.ABSTAIN, lexicon.ABSTAIN)):
        if re.fullmatch(pattern, plain):
            return stance
    return None


def no_single_poll(reading: Reading, bound: Bound) -> Decision:
    if bound.polls:
        why = say("有{n}个在进行，不知道投的是哪个", n=len(bound.polls))
        return Decision(Intent.CLARIFY, why, _replies(reading).which(bound.polls), concerns=about(bound.polls[0]))
    if bound.barred is not None:
        return barred(reading, bound.barred)
    return Decision(Intent.CLARIFY, say("现在没有进行中的表决"), reading.replies.no_poll())


def barred(reading: Reading, poll: Poll) -> Decision:
    """Nobody on this phone votes in it: somebody else does for the household, or nobody here is on the roll."""
    replies = _replies(reading)
    if poll.kind is PollKind.HOUSEHOLD:
        households = {holder.household_id for holder in reading.sender.holders}
        found = [v for home in households if (v := store.voter_of_household(reading.tx, poll.id, home)) is not None]
        if found:
            why = say("{number}号由户代表投，他不是", number=poll.number)
            return Decision(Intent.CLARIFY, why, replies.represented(found[0].name), concerns=about(poll))
    why = say("{number}号的名单上没有他", number=poll.number)
    return Decision(Intent.CLARIFY, why, replies.not_eligible(poll), concerns=about(poll))


# codes


def coded(reading: Reading, phone: PhoneRow, command: PollChoice | SlotChoice) -> Decision:
    poll = store.newest_by_number(reading.tx, command.poll)
    if poll is None:
        why = say("没有{poll}号表决", poll=command.poll)
        return Decision(Intent.CLARIFY, why, _replies(reading).wrong_poll(command.poll, bind(reading, phone).polls))
    slot = command.slot if isinstance(command, SlotChoice) else None
    # no lower bound: the code names the poll, however far behind the SMS centre's clock is
    if not poll.takes_at(reading.answered_ms, trusted=reading.trusted):
        return over(reading, phone, poll, bind(reading, phone), choice=command.option, slot=slot)
    if not store.eligible_on(reading.tx, poll.id, phone.id):
        return barred(reading, poll)
    return vote(reading, phone, poll, command.option, slot)


# the ballot itself


def vote(reading: Reading, phone: PhoneRow, poll: Poll, choice: int, slot: int | None = None) -> Decision:
    replies = _replies(reading)
    if not poll.has(choice):
        why = say("{number}号没有这个选项", number=poll.number)
        return Decision(Intent.CLARIFY, why, replies.no_option(poll, choice), concerns=about(poll))
    voters = store.eligible_on(reading.tx, poll.id, phone.id)
    voter = _voter(voters, slot)
    if voter is None and slot is None:
        why = say("这部手机有{n}人能投，没写是谁的", n=len(voters))
        return Decision(Intent.CLARIFY, why, replies.share_ask(poll, voters), concerns=about(poll))
    if voter is None:
        why = say("这部手机上没有{slot}号投票人", slot=slot)
        return Decision(Intent.CLARIFY, why, replies.wrong_slot(poll, slot or 0), concerns=about(poll))
    return Decision(
        Intent.VOTE,
        say("{number}号的一张票", number=poll.number),
        effects=(
            CastBallot(phone.id, poll.id, voter.id, voter.name, choice, reading.answered_ms, alone=len(voters) == 1),
        ),
        concerns=about(poll),
        poll=poll.number,
        choice=choice,
        voter=voter.name,
    )


def _voter(voters: list[Voter], slot: int | None) -> Voter | None:
    """With one eligible voter on a phone a bare digit is his; slots tell the others apart."""
    if slot is not None:
        return next((voter for voter in voters if voter.slot == slot), None)
    return voters[0] if len(voters) == 1 else None


def over(
    reading: Reading, phone: PhoneRow, poll: Poll, bound: Bound, *, choice: int | None, slot: int | None = None
) -> Decision:
    """An answer to a poll that takes no more ballots. One that names voter and option is listed as late."""
    replies = _replies(reading)
    if poll.state is State.WITHDRAWN:
        return Decision(
            Intent.CLOSED, say("{number}号作废了", number=poll.number), replies.withdrawn(poll), concerns=about(poll),
            poll=poll.number,
        )  # fmt: skip
    others = [other for other in bound.polls if other.id != poll.id]
    voter = _voter(store.eligible_on(reading.tx, poll.id, phone.id), slot)
    late = reading.answered_ms > poll.closes_ms or poll.state is State.COUNTED
    effects: tuple[CastBallot, ...] = ()
    if late and voter is not None and choice is not None and poll.has(choice):
        effects = (CastBallot(phone.id, poll.id, voter.id, voter.name, choice, reading.answered_ms, alone=True),)
    why = say("{number}号已经截止", number=poll.number)
    return Decision(Intent.CLOSED, why, replies.closed(poll, others), effects, about(poll), poll=poll.number)


def unclear_in(reading: Reading, poll: Poll, *, words: bool = False) -> Decision:
    why = say("有像投票的字，但不是一张票")
    return Decision(Intent.CLARIFY, why, _replies(reading).unclear(poll, words=words), concerns=about(poll))


# asking


def my_votes(reading: Reading, phone: PhoneRow) -> Decision:
    """03: voted or not, and the receipt; never what was chosen."""
    replies, lines = _replies(reading), []
    for poll in store.running_polls(reading.tx):
        voters = store.eligible_on(reading.tx, poll.id, phone.id)
        stand = [voted(reading.tx, poll, voter.id) for voter in voters]
        if len(voters) == 1:
            lines.append(replies.check_line(poll, _receipt_for(reading, phone, stand[0])))
        elif voters:
            lines.append(replies.check_shared(poll, len(voters), sum(one is not None for one in stand)))
    why = say("查票")
    if not lines:
        return Decision(Intent.SERVICE, why, reading.replies.no_poll())
    return Decision(Intent.SERVICE, why, replies.check(lines))


def _receipt_for(reading: Reading, phone: PhoneRow, stands: Stands | None) -> str | None:
    """The receipt for the phone that voted, nothing ("") for another phone of the voter's, None where nobody voted.

    Whoever adds a phone of their own to somebody's name is told nothing about a ballot that came from elsewhere.
    """
    if stands is None:
        return None
    return stands.receipt if phone_of_ballot(reading.tx, stands.source) == phone.id else ""


def how_to_vote(reading: Reading, phone: PhoneRow) -> Decision:
    bound = bind(reading, phone)
    if not bound.polls:
        return Decision(Intent.SERVICE, say("问怎么投票"), reading.replies.no_poll())
    return Decision(Intent.SERVICE, say("问怎么投票"), _replies(reading).how(bound.polls))


def about(poll: Poll) -> str:
    return f"poll/{poll.id}"
