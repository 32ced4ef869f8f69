"""What a line knows of itself: signal, operator, credit. Read by the desk and by the doctor, decided upon by neither.

Never refreshed by whoever reads it: a transport fills it in while it runs.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """None or empty: this line cannot know, or does not yet.

    `signal`: percent. `balance_fen` as of `balance_ms`, with the carrier's own sentence in `balance_said`;
    None with a sentence: it was not understood. `low`: less than the village wants to have on it.
    `device`: the hardware by its own lasting name. `battery`: percent, of a phone.
    `note`: one of the words in `NOTES`, or empty.
    """

    operator: str = ""
    signal: int | None = None
    balance_fen: int | None = None
    balance_ms: int | None = None
    balance_said: str = ""
    low: bool = False
    device: str = ""
    battery: int | None = None
    note: str = ""


NOTES = frozenset({"no_device", "no_sim", "pin_wanted", "pin_wrong", "puk_wanted", "searching", "denied", "resetting"})
"""Why a line is not up, more exactly than its trouble says; each has a sentence at the desk."""
