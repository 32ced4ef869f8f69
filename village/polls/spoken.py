"""What a call about a poll says and asks (facts/voice.md, Poll): who are you, one question, read back, receipt.

Never takes silence for a vote, never says what somebody else chose. Every line is known before the phone rings, the
receipt too: it was set apart for this voter and this call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.script import Node, Script
from village.ground.clock import beijing
from village.notices.office import Office
from village.notices.spoken import AGAIN_KEY, ANSWER_S, CHARACTERS_PER_MINUTE, GOODBYE, greeting
from village.polls.poll import Poll, Voter, VoterId
from village.polls.words import asked, spoken_options

YES_KEY, NO_KEY = "8", "7"
_CONFIRM = "confirm"
_ANSWER_MS = 6000
"""Silence left for the key (facts/voice.md)."""
_BREATH_MS = 700

NOT_AN_ELECTION = "村里问一件事，不是选举。"
_NO_VOTE = "没有按键，没有记下。要投，回短信或者到村委会，再见。"
_ASK_HIM = "请他接电话，或者让他稍后自己回短信，再见。"
_DIGITS = str.maketrans("0123456789", "零幺二三四五六七八九")


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody the call asks, and the receipt it will speak if they vote in it."""

    voter: Voter
    receipt: str


def confirm_node(voter_id: int, choice: int) -> str:
    return f"{_CONFIRM}-{voter_id}-{choice}"


@dataclass(frozen=True, slots=True, repr=False)
class Confirmed:
    """Somebody pressed the key that makes a choice a ballot."""

    voter_id: VoterId
    choice: int


def confirmed_by(node: str | None, key: str | None) -> Confirmed | None:
    """What this key in this node casts; None for every other one."""
    if node is None or key != YES_KEY:
        return None
    name, _, rest = node.partition("-")
    voter, _, choice = rest.partition("-")
    if name != _CONFIRM or not voter.isdigit() or not choice.isdigit():
        return None
    return Confirmed(VoterId(int(voter)), int(choice))


def poll_script(office: Office, poll: Poll, people: Sequence[Asked], *, slow: bool = False) -> Script:
    """For one voter or for all who share the phone. Raises ValueError for nobody."""
    if not people:
        raise ValueError("a call needs somebody to ask")
    alone = len(people) == 1
    nodes = {
        "start": Node(says=(greeting(office),), wait_ms=0, silent="matter", other="matter", slow=slow),
        "matter": Node(says=(NOT_AN_ELECTION,), wait_ms=_BREATH_MS, silent="who", other="who", slow=slow),
        "end": Node(says=(_NO_VOTE,), slow=slow),
        "bye": Node(says=(GOODBYE,), slow=slow),
    }
    nodes |= _one(people[0], slow) if alone else _several(people, slow)
    for one in people:
        nodes |= _question(poll, one, slow, then="bye" if alone else "more")
    return Script(nodes=nodes)


def _one(one: Asked, slow: bool) -> dict[str, Node]:
    said = f"请问是{one.voter.name}本人吗？是，按{YES_KEY}；不是，按{NO_KEY}。"
    answers = {YES_KEY: _ask(one), NO_KEY: "other"}
    return {
        "who": Node(says=(said,), answers=answers, wait_ms=_ANSWER_MS, silent="who-again", slow=slow, leads_on=True),
        "who-again": Node(says=(said,), answers=answers, wait_ms=_ANSWER_MS, silent="end", slow=True, leads_on=True),
        "other": Node(says=(_ASK_HIM,), slow=slow),
    }


def _several(people: Sequence[Asked], slow: bool) -> dict[str, Node]:
    names = "，".join(f"{one.voter.name}按{place}" for place, one in enumerate(people, 1))
    answers = {str(place): _ask(one) for place, one in enumerate(people, 1)}
    first, more = f"给谁投？{names}。", f"还有别人要投吗？{names}。不投了就挂机。"
    return {
        "who": Node(says=(first,), answers=answers, wait_ms=_ANSWER_MS, silent="who-again", slow=slow, leads_on=True),
        "who-again": Node(says=(first,), answers=answers, wait_ms=_ANSWER_MS, silent="end", slow=True, leads_on=True),
        "more": Node(says=(more,), answers=answers, wait_ms=_ANSWER_MS, silent="bye", slow=slow, leads_on=True),
    }


def _ask(one: Asked) -> str:
    return f"ask-{one.voter.id}"


def _question(poll: Poll, one: Asked, slow: bool, *, then: str) -> dict[str, Node]:
    voter = one.voter
    said = spoken_question(poll)
    ask, again, done = _ask(one), f"again-{voter.id}", f"done-{voter.id}"
    answers = {str(choice): confirm_node(voter.id, choice) for choice in range(1, len(poll.options) + 1)}
    answers |= {AGAIN_KEY: again}
    question = Node(says=(said,), answers=answers, wait_ms=_ANSWER_MS, heard=True, leads_on=True)
    nodes = {
        ask: replace(question, silent=again, slow=slow),
        again: replace(question, silent="end", slow=True),
        done: Node(says=spoken_receipt(poll, one.receipt), wait_ms=_BREATH_MS, silent=then, slow=slow),
    }
    for choice, label in enumerate(poll.options, 1):
        nodes[confirm_node(voter.id, choice)] = Node(
            says=(f"您选的是{label}。对，按{YES_KEY}；要改，按{NO_KEY}。",),
            answers={YES_KEY: done, NO_KEY: ask},
            wait_ms=_ANSWER_MS,
            silent="end",
            slow=slow,
            whole=True,  # nobody confirms what has not been read back
        )
    return nodes


def spoken_question(poll: Poll) -> str:
    """东路口装不装减速带？同意按1，不同意按2，弃权按3，再听按星号。"""
    question = asked(poll.question).rstrip("?？")
    return f"{question}？{spoken_options(poll.options)}，再听按星号。"


def spoken_receipt(poll: Poll, receipt: str) -> tuple[str, ...]:
    """The receipt twice, digit by digit, and until when it can be changed. It takes the place of any receipt before it,
    even where the choice is the same: the call cannot know what will have come until then."""
    digits = receipt.translate(_DIGITS)
    return (f"记下了，回执号{digits}，{digits}。", "以这个号为准。", f"到{_until(poll.closes_ms)}前都能改。")


def _until(closes_ms: int) -> str:
    moment = beijing(closes_ms)
    return f"{moment.month}月{moment.day}日{moment.hour}点" + (f"{moment.minute}分" if moment.minute else "")


def call_seconds(office: Office, poll: Poll, voters: int = 1) -> int:
    """About how long the one line is busy with this call."""
    each = len(spoken_question(poll)) + 47
    said = len(greeting(office)) + len(NOT_AN_ELECTION) + 20 + each * max(voters, 1)
    return round(said * 60 / CHARACTERS_PER_MINUTE) + ANSWER_S
