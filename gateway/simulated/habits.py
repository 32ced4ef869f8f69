"""What a simulated villager does by himself: reads, answers with a digit, picks up the phone, listens, presses a key.

Seeded; never does anything a real phone could not do.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gateway.ground import Clock
from gateway.simulated.dice import Dice
from gateway.simulated.exchange import SimulatedCall
from gateway.simulated.handset import Habit, NoCallError, Prompt

_ASKS = re.compile(r"回\s*([98])(?!\d)")
_CHOOSES = re.compile(r"回(?:一个)?数字")
_OPTIONS = re.compile(r"[?？\s]([1-6])(?=[^\s0-9])")
_KEYS = re.compile(r"按([0-9])")
_YES = re.compile(r"(?:是|对)，按([0-9])")
_MOST_KEYS = 8
_RINGS_MS = (3_000, 12_000)
_THINKS_MS = (700, 2_500)
_GETS_BORED_MS = (2_000, 8_000)
_LOOKS_MS = 500
_PATIENCE_MS = 180_000


def answer_to(text: str, habit: Habit, dice: Dice, about: object) -> tuple[int, str] | None:
    """After how long he answers a text, and what; None: not at all."""
    asked = _ASKS.findall(text) or _chosen(text, dice, about)
    if not asked or not dice.hits(habit.confirms, "confirms", about):
        return None
    after_ms = dice.between((habit.reads_within_ms // 20, habit.reads_within_ms), "reads", about)
    return after_ms, "9" if "9" in asked else asked[0]


def _chosen(text: str, dice: Dice, about: object) -> list[str]:
    """A text that asks for one of several digits gets one of them, the first more often than the last."""
    if not _CHOOSES.search(text):
        return []
    options = _OPTIONS.findall(text)
    if not options:
        return []
    return [_taken(options, dice, about)]


def _taken(options: Sequence[str], dice: Dice, about: object) -> str:
    luck = dice.between((0, 99), "chooses", about)
    return options[min(0 if luck < 60 else 1 if luck < 88 else 2, len(options) - 1)]


async def hold_phone(call: SimulatedCall, habit: Habit, clock: Clock, dice: Dice, reference: str) -> None:
    """One call from the villager's side."""
    if not dice.hits(habit.answers_calls, "answers", reference):
        return
    await clock.sleep_ms(dice.between(_RINGS_MS, "rings", reference))
    try:
        if call.ended or call.answered:
            return
        call.answer()
        if not dice.hits(habit.listens_whole, "listens", reference):
            await clock.sleep_ms(dice.between(_GETS_BORED_MS, "bored", reference))
            call.leave()
            return
        heard = 0
        for turn in range(_MOST_KEYS):
            prompt = await _question(call, clock, after=heard)
            if prompt is None:
                return
            await clock.sleep_ms(dice.between(_THINKS_MS, "thinks", f"{reference} {turn}"))
            call.press(_key(prompt.text, habit, dice, f"{reference} {turn}"))
            heard = prompt.serial
    except NoCallError:
        return  # the village hung up first


async def _question(call: SimulatedCall, clock: Clock, *, after: int) -> Prompt | None:
    """The next prompt that names a key, once it has been played to its end; None where none comes."""
    begun_ms = clock.monotonic_ms()
    while not call.ended and clock.monotonic_ms() - begun_ms < _PATIENCE_MS:
        prompt = call.view().prompt
        left_ms = 0 if prompt is None else prompt.duration_ms - prompt.elapsed_ms
        if prompt is not None and left_ms <= 0 and prompt.serial > after and _KEYS.search(prompt.text):
            return prompt
        await clock.sleep_ms(max(left_ms, _LOOKS_MS))
    return None


def _key(text: str, habit: Habit, dice: Dice, about: object) -> str:
    """He says yes where he is asked whether it is so; among several he takes the first more often than the last."""
    named = _KEYS.findall(text)
    if habit.presses in named:
        return habit.presses
    yes = _YES.search(text)
    return yes[1] if yes else _taken(named, dice, about)
