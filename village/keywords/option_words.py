"""Whether a text gives one of a poll's options by its own words: 東头, 我选东头, and nothing near them.

Never looks anything up and never guesses: what stands beside a label and is not known to be harmless makes it doubtful.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from village.ground.normalise import normalise
from village.keywords import lexicon
from village.keywords.courtesy import without_courtesies

_AROUND = re.compile(
    f"{lexicon.SUBJECT}|{lexicon.INTENT}|{lexicon.BALLOT_VERB}|[{lexicon.PARTICLES}]|票|装在|放在|在|第|号|项|{lexicon.MUTE}"
)
"""What may stand around an option's label without changing what is meant. A question mark is not among it."""

_SHORTEST_NAMING = 2
"""装 and 修 stand in half of what people write; 东头 does not."""


@dataclass(frozen=True, slots=True)
class Named:
    """Which of a poll's options a text names, in the poll's order.

    `clear`: one, and what else was written changes nothing. `alone`: one, and nothing else was written. `loose`: it
    stands in a longer text that says what somebody would like. `by_name`: somebody's name stands beside it.
    """

    choices: tuple[int, ...]
    clear: bool = False
    alone: bool = False
    loose: bool = False
    by_name: bool = False


def named(text: str, options: Sequence[str], people: Collection[str] = (), question: str = "") -> Named | None:
    """None where no option is named, or one stands in a text about something else. `people`: who may vote with this
    phone; their names are taken out before what is left is measured. `question`: who says it again means its answer."""
    whole = normalise(text[: lexicon.READ_LENGTH])
    plain = without_courtesies(whole)
    labels = {normalise(label): choice for choice, label in enumerate(options, 1)}
    for form in (whole, plain):
        if form and form in labels:
            return Named((labels[form],), clear=True, alone=True)
    found, rest = _taken_out(plain, labels)
    if not found:
        return None
    choices = tuple(sorted(labels[label] for label in found))
    nameless = _without(rest, people)
    left = _AROUND.sub("", nameless)
    numbered = len(found) == 1 and re.findall("[0-9]+", left) == [str(choices[0])]  # 1东头, as the question has it
    if numbered:
        left = re.sub("[0-9]+", "", left)
    if len(left) > lexicon.LEFTOVER:
        wished = lexicon.PREFERENCE.search(rest) and any(len(label) >= _SHORTEST_NAMING for label in found)
        repeated = set(left) <= set(normalise(question))
        return Named(choices, loose=True) if wished or repeated else None
    by_name = nameless != rest
    clear = len(found) == 1 and not left and not by_name and not lexicon.NEGATION.search(rest)
    return Named(choices, clear=clear, by_name=by_name)


def names_its_poll(label: str) -> bool:
    """Whether a label alone says which of several polls is meant: 东头 does; 要, 不装 and 同意 answer any question."""
    plain = normalise(label)
    return (
        len(plain) >= _SHORTEST_NAMING
        and not lexicon.NEGATION.search(plain)
        and not re.fullmatch(f"{lexicon.NO}|{lexicon.YES}|{lexicon.ABSTAIN}", plain)
    )


def _taken_out(plain: str, labels: Collection[str]) -> tuple[list[str], str]:
    """The labels in a text and the text without them, the longest first: 不装 is not 装."""
    found: list[str] = []
    for label in sorted(labels, key=len, reverse=True):
        if label and label in plain:
            found.append(label)
            plain = plain.replace(label, " ")
    return found, plain


def _without(plain: str, people: Collection[str]) -> str:
    for name in sorted(map(normalise, people), key=len, reverse=True):
        plain = plain.replace(name, " ") if name else plain
    return plain
