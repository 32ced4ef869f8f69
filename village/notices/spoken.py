"""What a call says: who rings first, then the notice twice, then which key answers.

Never speaks: the texts go to the gateway's call script, and `audio` makes them readable.
"""

from __future__ import annotations

from gateway.script import Node, Script
from village.notices.compose import sms_body
from village.notices.office import Office

CHARACTERS_PER_MINUTE = 170
"""Speech for elders: 160 to 180 a minute (facts/voice.md)."""
ANSWER_S = 8
"""Picking up, and the key at the end."""


def greeting(office: Office) -> str:
    """您好，青山村村委会，电话88001234。不要钱，不要密码。"""
    village = office.village if office.village.endswith("村") else f"{office.village}村"
    number = f"，电话{office.phone}" if office.phone else ""
    return f"您好，{village}村委会{number}。不要钱，不要密码。"


def spoken_notice(text: str, *, corrected: bool) -> str:
    """Once through, as the call says it (twice)."""
    opening = "更正通知，前一次说的作废。" if corrected else "通知。"
    return opening + sms_body(text)


ASK = "听清楚了按9，再听一遍按星号。"
THANKS = "好，记下了，再见。"
GOODBYE = "有事请打村委会电话，再见。"

CONFIRM_KEY = "9"
AGAIN_KEY = "*"
_BREATH_MS = 700
_ANSWER_MS = 6000
"""Silence left for the key (facts/voice.md)."""


def script(office: Office, text: str, *, corrected: bool, slow: bool = False) -> Script:
    """Greeting, the notice twice, one question; silence is safe and counts as heard once it was played whole.

    A key pressed during the greeting only skips it: nobody confirms what has not begun.
    """
    said = spoken_notice(text, corrected=corrected)
    keys = {CONFIRM_KEY: "thanks", AGAIN_KEY: "again"}
    return Script(
        nodes={
            "start": Node(says=(greeting(office),), wait_ms=0, silent="notice", other="notice", slow=slow),
            "notice": Node(
                says=(said,), answers=keys, wait_ms=_BREATH_MS, silent="again", other="again", heard=True, slow=slow
            ),
            "again": Node(says=(said, ASK), answers=keys, wait_ms=_ANSWER_MS, silent="ask", other="ask", slow=slow),
            "ask": Node(says=(ASK,), answers=keys, wait_ms=_ANSWER_MS, silent="end", other="end", slow=True),
            "thanks": Node(says=(THANKS,), slow=slow),
            "end": Node(says=(GOODBYE,), slow=slow),
        }
    )  # fmt: skip


def call_seconds(office: Office, text: str, *, corrected: bool) -> int:
    """How long the one line is busy with this call."""
    said = len(greeting(office)) + 2 * len(spoken_notice(text, corrected=corrected)) + len(ASK)
    return round(said * 60 / CHARACTERS_PER_MINUTE) + ANSWER_S
