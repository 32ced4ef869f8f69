"""What a digit, an option's word, a poll's code and 03 come to: a ballot of one voter in one poll, or a question back.

Reads only. Nothing in a decision that is kept says what was chosen.
"""

from __future__ import annotations

import re

from village.ground.wording import say
from village.keywords import lexicon
from village.keywords.commands import Choice, Doubt, PollChoice, SlotChoice, Stance, Stand, Unclear
from village.keywords.decision import CastBallot, Decision, Intent
from village.keywords.normalise import normalise
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
        return _no_single_poll(reading, bound)
    choice = _chosen(poll, command)
    if bound.over is not None:
        return _over(reading, phone, poll, bound, choice=choice)
    if choice is None:
        return _unclear_in(reading, poll)
    return _vote(reading, phone, poll, choice)


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


def _no_single_poll(reading: Reading, bound: Bound) -> Decision:
    if bound.polls:
        why = say("有{n}个在进行，不知道投的是哪个", n=len(bound.polls))
        return Decision(Intent.CLARIFY, why, _replies(reading).which(bound.polls))
    if bound.barred is not None:
        return _barred(reading, bound.barred)
    return Decision(Intent.CLARIFY, say("现在没有进行中的表决"), reading.replies.no_poll())


def _barred(reading: Reading, poll: Poll) -> Decision:
    """Nobody on this phone votes in it: somebody else does for the household, or nobody here is on the roll."""
    replies = _replies(reading)
    if poll.kind is PollKind.HOUSEHOLD:
        households = {holder.household_id for holder in reading.sender.holders}
        found = [v for home in households if (v := store.voter_of_household(reading.tx, poll.id, home)) is not None]
        if found:
            why = say("{number}号由户代表投，他不是", number=poll.number)
            return Decision(Intent.CLARIFY, why, replies.represented(found[0].name), concerns=_about(poll))
    why = say("{number}号的名单上没有他", number=poll.number)
    return Decision(Intent.CLARIFY, why, replies.not_eligible(poll), concerns=_about(poll))


# codes


def coded(reading: Reading, phone: PhoneRow, command: PollChoice | SlotChoice) -> Decision:
    poll = store.newest_by_number(reading.tx, command.poll)
    if poll is None:
        why = say("没有{poll}号表决", poll=command.poll)
        return Decision(Intent.CLARIFY, why, _replies(reading).wrong_poll(command.poll, bind(reading, phone).polls))
    slot = command.slot if isinstance(command, SlotChoice) else None
    # no lower bound: the code names the poll, however far behind the SMS centre's clock is
    if not poll.takes_ballots or reading.answered_ms > poll.closes_ms:
        return _over(reading, phone, poll, bind(reading, phone), choice=command.option, slot=slot)
    if not store.eligible_on(reading.tx, poll.id, phone.id):
        return _barred(reading, poll)
    return _vote(reading, phone, poll, command.option, slot)


# the ballot itself


def _vote(reading: Reading, phone: PhoneRow, poll: Poll, choice: int, slot: int | None = None) -> Decision:
    replies = _replies(reading)
    if not poll.has(choice):
        why = say("{number}号没有这个选项", number=poll.number)
        return Decision(Intent.CLARIFY, why, replies.no_option(poll, choice), concerns=_about(poll))
    voters = store.eligible_on(reading.tx, poll.id, phone.id)
    voter = _voter(voters, slot)
    if voter is None and slot is None:
        why = say("这部手机有{n}人能投，没写是谁的", n=len(voters))
        return Decision(Intent.CLARIFY, why, replies.share_ask(poll, voters), concerns=_about(poll))
    if voter is None:
        why = say("这部手机上没有{slot}号投票人", slot=slot)
        return Decision(Intent.CLARIFY, why, replies.wrong_slot(poll, slot or 0), concerns=_about(poll))
    return Decision(
        Intent.VOTE,
        say("{number}号的一张票", number=poll.number),
        effects=(
            CastBallot(phone.id, poll.id, voter.id, voter.name, choice, reading.answered_ms, alone=len(voters) == 1),
        ),
        concerns=_about(poll),
        poll=poll.number,
        choice=choice,
        voter=voter.name,
    )


def _voter(voters: list[Voter], slot: int | None) -> Voter | None:
    """With one eligible voter on a phone a bare digit is his; slots tell the others apart."""
    if slot is not None:
        return next((voter for voter in voters if voter.slot == slot), None)
    return voters[0] if len(voters) == 1 else None


def _over(
    reading: Reading, phone: PhoneRow, poll: Poll, bound: Bound, *, choice: int | None, slot: int | None = None
) -> Decision:
    """An answer to a poll that takes no more ballots. One that names voter and option is listed as late."""
    replies = _replies(reading)
    if poll.state is State.WITHDRAWN:
        return Decision(
            Intent.CLOSED, say("{number}号作废了", number=poll.number), replies.withdrawn(poll), concerns=_about(poll),
            poll=poll.number,
        )  # fmt: skip
    others = [other for other in bound.polls if other.id != poll.id]
    voter = _voter(store.eligible_on(reading.tx, poll.id, phone.id), slot)
    late = reading.answered_ms > poll.closes_ms or poll.state is State.COUNTED
    effects: tuple[CastBallot, ...] = ()
    if late and voter is not None and choice is not None and poll.has(choice):
        effects = (CastBallot(phone.id, poll.id, voter.id, voter.name, choice, reading.answered_ms, alone=True),)
    why = say("{number}号已经截止", number=poll.number)
    return Decision(Intent.CLOSED, why, replies.closed(poll, others), effects, _about(poll), poll=poll.number)


# doubts and words


def unclear(reading: Reading, phone: PhoneRow, command: Unclear) -> Decision | None:
    """What is doubtful while one poll is open is asked back with that poll's own numbers; else None."""
    if command.doubt in (Doubt.EMPTY, Doubt.OPTING):
        return None
    bound = bind(reading, phone)
    if (labelled := _labelled(reading, phone, bound)) is not None:
        return labelled
    if bound.one is None:
        return _no_single_poll(reading, bound) if bound.polls and not command.alone else None
    if command.doubt is Doubt.TWO:
        why = say("像是两个选项")
        return Decision(Intent.CLARIFY, why, _replies(reading).two(bound.one), concerns=_about(bound.one))
    return _unclear_in(reading, bound.one, words=command.alone)


def words(reading: Reading, phone: PhoneRow, *, ballotish: bool) -> Decision | None:
    """Free words that are an option's own label are a ballot; words that only sound like one are asked back."""
    bound = bind(reading, phone)
    if not bound.polls:
        return None
    if (labelled := _labelled(reading, phone, bound)) is not None:
        return labelled
    if not ballotish:
        return None
    if bound.one is None:
        return _no_single_poll(reading, bound)
    return _unclear_in(reading, bound.one, words=True)


def _unclear_in(reading: Reading, poll: Poll, *, words: bool = False) -> Decision:
    why = say("有像投票的字，但不是一张票")
    return Decision(Intent.CLARIFY, why, _replies(reading).unclear(poll, words=words), concerns=_about(poll))


_AROUND = re.compile(
    f"{lexicon.SUBJECT}|{lexicon.INTENT}|{lexicon.BALLOT_VERB}|[{lexicon.PARTICLES}]|票|装在|放在|在|第|号|项|[^\\w]"
)
"""What may stand around an option's label without changing what is meant."""

_LONGEST_LABELLED = 20


def _labelled(reading: Reading, phone: PhoneRow, bound: Bound) -> Decision | None:
    """東头, 我选东头: one label and nothing else is its option; two, or a negation beside one, are asked back."""
    poll = bound.one
    plain = normalise(reading.text)
    if poll is None or not plain or len(plain) > _LONGEST_LABELLED:
        return None
    labels = {normalise(label): choice for choice, label in enumerate(poll.options, 1)}
    found = [label for label in sorted(labels, key=len, reverse=True) if label and label in plain]
    named: list[str] = []
    rest = plain
    for label in found:  # the longest first: 不装 is not 装
        if label in rest:
            named.append(label)
            rest = rest.replace(label, " ")
    left = _AROUND.sub("", rest)
    if not named or len(left) > lexicon.LEFTOVER:
        return None
    if len(named) > 1:
        why = say("像是两个选项")
        return Decision(Intent.CLARIFY, why, _replies(reading).two(poll), concerns=_about(poll))
    if left or lexicon.NEGATION.search(rest) or any(sign.isdigit() for sign in rest):
        return _unclear_in(reading, poll)
    return _vote(reading, phone, poll, labels[named[0]])


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


def _about(poll: Poll) -> str:
    return f"poll/{poll.id}"
