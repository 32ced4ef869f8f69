"""The grammar: a text in, one command out, nothing guessed.

Never looks anything up: whether a poll is open or a phone is known is not its business. The first reader that
recognises the whole text wins; their order is the order of the law (facts/sms.md): opt-out, registration, poll code,
bare vote, service, word, free text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from village.ground import reserved
from village.ground.normalise import normalise
from village.keywords import lexicon
from village.keywords.commands import (
    Assent,
    Choice,
    Code,
    Command,
    Courtesy,
    Distress,
    Distressed,
    DoneIt,
    DoorTick,
    Doubt,
    FreeText,
    HelpConsent,
    HelpRequest,
    OptIn,
    OptOut,
    PollChoice,
    Received,
    Second,
    SlotChoice,
    Stance,
    Stand,
    Suggest,
    Supervise,
    Suspicion,
    Suspicious,
    Unclear,
    YesNo,
)
from village.keywords.courtesy import without_courtesies


def read(text: str) -> Command:
    """The one command in `text`. Never raises, whatever was typed."""
    plain = normalise(text[: lexicon.READ_LENGTH])
    if not plain:
        return Unclear(Doubt.EMPTY)
    for reader in _READERS if len(plain) <= lexicon.COMMAND_LENGTH else _LONG_READERS:
        if (command := reader(plain)) is not None:
            return command
    return _free(plain, text)


def _opting(plain: str) -> Command | None:
    """The whole message and nothing else: 别退订 is no opt-out."""
    if plain in reserved.OUT or plain in reserved.ALL_OUT:
        return OptOut(everything=plain in reserved.ALL_OUT)
    if plain in lexicon.IN:
        return OptIn()
    if len(plain) <= lexicon.ABOUT_OUT_LENGTH and lexicon.ABOUT_OUT.search(plain):
        return Unclear(Doubt.OPTING)
    return None


def _distress(plain: str) -> Command | None:
    match = re.match(r"(?:快?(?:打|拨打|拨|叫|报|呼叫))?(12110|110|119|120|122)(.*)", plain, re.DOTALL)
    if (
        match
        and len(match[2]) <= lexicon.DISTRESS_LENGTH
        and not lexicon.AFTER_NUMBER_STORY.match(match[2].lstrip(" #*-./,"))
    ):
        return Distress(Distressed.NUMBER)
    if (
        len(plain) <= lexicon.DISTRESS_LENGTH
        and reserved.DISTRESS_WORDS.search(plain)
        and not lexicon.TEXTED_WORD.match(plain)
    ):
        return Distress(Distressed.WORDS)
    return None


def _digits(plain: str) -> Command | None:
    numerals = plain.translate(reserved.NUMERALS)
    if lexicon.ONLY_DIGITS.fullmatch(numerals):
        return digits(numerals)
    return Unclear(Doubt.TWO) if re.fullmatch(f"[{reserved.NUMERAL}十百]+", plain) else None


def digits(typed: str) -> Command:
    """Digits only: their count, and whether they begin with 0, decide what they are."""
    if typed in lexicon.EMERGENCY_NUMBERS:
        return Distress(Distressed.NUMBER)
    if typed.startswith("0"):
        return _service_digits(typed)
    match len(typed):
        case 1 if typed == "9":
            return Received(nine=True)
        case 1 if typed in "78":
            return YesNo(yes=typed == "8")
        case 1:
            return Choice(int(typed))
        case 3 | 4 if int(typed[:2]) >= lexicon.FIRST_POLL:
            return _coded(typed[:2], *typed[2:])
        case 2:
            return Unclear(Doubt.TWO)
        case 6:
            return Code(typed)
        case _:
            return Unclear(Doubt.DIGITS)


def _coded(poll: str, *rest: str) -> Command:
    if len(rest) == 1:
        return PollChoice(int(poll), int(rest[0]))
    return SlotChoice(int(poll), int(rest[0]), int(rest[1]))


def _service_digits(typed: str) -> Command:
    if typed in lexicon.SERVICE_DIGITS:
        return lexicon.SERVICE_DIGITS[typed]
    if len(typed) == 6:
        return Code(typed)
    number = int(typed[2:4] or 0)
    if len(typed) == 4 and number and typed[:2] in lexicon.SERVICE_ITEMS:
        return lexicon.SERVICE_ITEMS[typed[:2]](number)
    if len(typed) == 5 and number and typed[:2] == "04" and typed[4] == "8":
        return Second(number)
    if len(typed) == 5 and number and typed[:2] == "05" and typed[4] in "78":
        return HelpConsent(number, yes=typed[4] == "8")
    return Unclear(Doubt.DIGITS)


def _grouped(plain: str) -> Command | None:
    """23#1 and 23 2 1 are a poll code; any other grouping is not guessed at."""
    typed = re.findall("[0-9]+", plain)
    if not typed or not lexicon.SIGNS.issuperset(plain):
        return None
    if set(typed) <= set(lexicon.EMERGENCY_NUMBERS):
        return Distress(Distressed.NUMBER)  # 110 110!
    if not lexicon.GROUPS.fullmatch(plain):
        return Unclear(Doubt.DIGITS)
    groups = lexicon.SPLIT.split(plain)
    shape = [len(group) for group in groups]
    if shape in ([2, 1], [2, 1, 1]) and int(groups[0]) >= lexicon.FIRST_POLL and lexicon.LEGAL_GROUPS.fullmatch(plain):
        return _coded(*groups)
    return Unclear(Doubt.TWO if max(shape) == 1 else Doubt.DIGITS)


def _lookalike(plain: str) -> Command | None:
    if lexicon.LOOKALIKES.fullmatch(plain) or re.fullmatch("[a-z]", plain):
        return Unclear(Doubt.LETTER)
    return None


def _code(plain: str) -> Command | None:
    match = lexicon.NUMBERED_CODE.fullmatch(plain)
    return Code(match[1]) if match else None


def _doors(plain: str) -> Command | None:
    """A word before the digits: no ballot and no service can be meant. Whether he leads a group is seen later."""
    for form in (plain, without_courtesies(plain)):
        if match := lexicon.DOORS.fullmatch(form.translate(reserved.NUMERALS)):
            if lexicon.DOORS_COUNTED.search(form.translate(reserved.NUMERALS)):
                return DoorTick(clear=False)
            groups = tuple(re.findall("[0-9]+", match["groups"]))
            named = len(groups) > 1 and match["all"] == "都"  # 3 5 都说了: those two
            everybody = bool(match["all"]) and not named
            return DoorTick(groups, everybody, clear=len(groups) == 1 if everybody else True)
    begun = len(plain) <= lexicon.DOORS_LENGTH and lexicon.DOORS_BEGUN.match(plain)
    return DoorTick(clear=False) if begun else None


def _word(plain: str) -> Command | None:
    for pattern, command in lexicon.NUMBERED:
        if (match := pattern.fullmatch(plain)) and int(match[1]):
            return command(int(match[1]))
    return lexicon.WORDS.get(plain)


def _texted(plain: str, text: str) -> Command | None:
    """Words that take what follows them along."""
    if lexicon.SUPERVISE.fullmatch(plain):
        return Supervise(text.strip())
    if lexicon.HELP.fullmatch(plain):
        return HelpRequest(lexicon.KEYWORD_BEFORE.sub("", text, count=1).strip())
    if lexicon.SUGGEST.fullmatch(plain):
        return Suggest(lexicon.KEYWORD_BEFORE.sub("", text, count=1).strip())
    return None


def _suspicious(plain: str) -> Command | None:
    if lexicon.SUPERVISE.fullmatch(plain):
        return None
    for sign, pattern in (
        (Suspicion.LINK, reserved.LINK),
        (Suspicion.CODE, reserved.CODE_WORDS),
        (Suspicion.MONEY, reserved.MONEY_WORDS),
    ):
        if pattern.search(plain):
            return Suspicious(sign)
    return None


def _polite(plain: str) -> Command | None:
    unthanked = lexicon.THANKS.sub("", plain)
    forms = (plain, unthanked, unthanked.rstrip(lexicon.PARTICLES), without_courtesies(plain))
    if any(lexicon.ASSENT.fullmatch(form) for form in forms):
        return Assent()
    return Courtesy() if not unthanked or lexicon.GREETING.fullmatch(unthanked + ",") else None


def _ballot(plain: str) -> Command | None:
    core = without_courtesies(plain)
    verb = lexicon.ANY_VERB.match(core)
    for form in (core, core[verb.end() :] if verb else core):
        if form != plain and (exact := _digits(form) or _legal_groups(form)) is not None:
            return Unclear(Doubt.OPTING) if isinstance(exact, OptOut | OptIn) else exact
    for pattern in (lexicon.STAND, lexicon.DIGIT_STAND, lexicon.STAND_DIGIT):
        if match := pattern.fullmatch(core):
            stance = next(stance for stance in Stance if match[stance.value])
            return Stand(stance) if pattern is lexicon.STAND else Choice(int(match["digit"]), stance)
    if match := lexicon.NAMED_POLL.fullmatch(core):
        return PollChoice(int(match["poll"]), int(match["option"].translate(reserved.NUMERALS)))
    for pattern in (lexicon.CHOICE, lexicon.NUMERAL_CHOICE, lexicon.ORDINAL, lexicon.NUMBERED_OPTION):
        if match := pattern.fullmatch(core):
            return _chosen(match["rest"].strip().translate(reserved.NUMERALS))
    return None


def _legal_groups(core: str) -> Command | None:
    grouped = _grouped(core)
    return grouped if isinstance(grouped, PollChoice | SlotChoice) else None


def _chosen(typed: str) -> Command:
    """What follows 投, 选 or 第 is a choice or a poll code, never a service."""
    if re.fullmatch("[0-9]", typed):
        return Choice(int(typed))
    command = digits(typed) if lexicon.ONLY_DIGITS.fullmatch(typed) else _legal_groups(typed)
    if isinstance(command, PollChoice | SlotChoice):
        return command
    return Unclear(Doubt.TWO)


def _received(plain: str) -> Command | None:
    core = without_courtesies(plain)
    if lexicon.NINE.fullmatch(core):
        return Received(nine=core.strip(",: ") == "9")
    match = lexicon.RECEIVED.fullmatch(core)
    if match is None:
        heard_of = lexicon.HEARD_OF.fullmatch(lexicon.THANKS.sub("", plain))
        return Received(about=heard_of["about"]) if heard_of else None
    numbers = [number for number in (match["before"], match["before2"], match["after"]) if number]
    if not numbers:
        return Received()
    named = len(numbers[0]) == 2 or "通知" in core  # 收到1 may as well be a vote after a thank-you
    return Received(int(numbers[0])) if len(numbers) == 1 and named and int(numbers[0]) else Unclear(Doubt.DIGITS)


def _done(plain: str) -> Command | None:
    unthanked = lexicon.THANKS.sub("", plain)
    forms = (without_courtesies(plain), plain, unthanked)
    match = next((found for form in forms if (found := lexicon.DONE.fullmatch(form))), None)
    if match is None:
        of = lexicon.DONE_OF.fullmatch(unthanked)
        own_words = lexicon.TEXTED_WORD.match(plain) or lexicon.BALLOT_WORDS.search(plain)
        return DoneIt(about=of["about"]) if of and not own_words else None
    numbers = [number for number in (match["before"], match["before2"], match["after"]) if number]
    if numbers and set(numbers) == {"9"} and not re.search("通知|号", plain):
        return DoneIt(9, nine=True)
    return DoneIt(int(numbers[0]) if numbers else None) if len(numbers) < 2 and "0" not in numbers else None


def _doubtful(plain: str) -> Command | None:
    """A digit, an option word or a negation with next to nothing beside it."""
    left = lexicon.FILLERS.sub("", plain)
    negated = bool(lexicon.NEGATION.search(plain))
    typed = re.findall("[0-9]", plain)
    named = bool(re.search(f"{lexicon.NO}|{lexicon.YES}|{lexicon.ABSTAIN}", plain))
    if len(left) > lexicon.LEFTOVER or not (negated or typed or named):
        return None
    if negated and not re.fullmatch(f".*(?:{lexicon.NO}).*", plain, re.DOTALL):
        alone = not typed and not named and bool(left) and not lexicon.HEARD_WORDS.search(plain)
        return Unclear(Doubt.NEGATION, alone=alone)
    if len(set(typed)) > 1:
        return Unclear(Doubt.TWO)
    return Unclear(Doubt.OPTION if named else Doubt.DIGITS, alone=bool(left) and not named)


def _free(plain: str, text: str) -> Command:
    if (command := _texted(plain, text)) is not None:
        return command
    ballotish = bool(lexicon.BALLOT_WORDS.search(plain) or lexicon.LONE_DIGIT.search(plain))
    return FreeText(text.strip(), ballotish)


def _texted_later(plain: str) -> Command | None:
    """Words that take a text along are read in `_free`, before a short text of theirs is found doubtful."""
    if lexicon.SUPERVISE.fullmatch(plain) or lexicon.HELP.fullmatch(plain) or lexicon.SUGGEST.fullmatch(plain):
        return None
    return _doubtful(plain)


_READERS: tuple[Callable[[str], Command | None], ...] = (
    _opting,
    _digits,
    _grouped,
    _lookalike,
    _code,
    _suspicious,
    _distress,
    _doors,
    _word,
    _ballot,
    _received,
    _done,
    _polite,
    _texted_later,
)

_LONG_READERS: tuple[Callable[[str], Command | None], ...] = (_grouped, _suspicious, _doors)
