"""What SIP says of a call that never was one → the gateway's word for it. A table, and a function that reads it.

Sources: RFC 3261 §21, RFC 3398 §8.2.6.1 (which cause of the telephone network becomes which code), RFC 8197, RFC 8688.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from gateway.failures import Trouble

CODES: Mapping[int, Trouble] = MappingProxyType(
    {
        401: Trouble.REFUSED,  # the password was not taken
        402: Trouble.REFUSED,  # the code says which; NO_CREDIT would never be tried again from within a call
        403: Trouble.REFUSED,
        404: Trouble.DEAD_NUMBER,
        407: Trouble.REFUSED,
        410: Trouble.DEAD_NUMBER,
        484: Trouble.DEAD_NUMBER,
        486: Trouble.BUSY,
        487: Trouble.NO_ANSWER,  # ended while it rang
        500: Trouble.CONGESTION,
        502: Trouble.NO_SIGNAL,  # cause 27, the phone's line is out of order
        503: Trouble.CONGESTION,
        504: Trouble.CONGESTION,
        600: Trouble.BUSY,
        603: Trouble.HUNG_UP,  # somebody looked at the phone and declined
        604: Trouble.DEAD_NUMBER,
        607: Trouble.REFUSED,
        608: Trouble.REFUSED,
    }
)

_NOBODY = frozenset({408, 480})
"""Said both of a phone that rang in an empty house and of one that is switched off (causes 18, 19 and 20)."""

_CODE = re.compile(r"([3-6][0-9]{2})\b")


def trouble_of(said: str, *, rang: bool) -> tuple[Trouble, str]:
    """What baresip gave as the reason, `486 Busy Here` or the words of an errno → trouble and code.

    `rang`: whether the phone had been heard to ring before.
    """
    if (found := _CODE.match(said)) is None:  # no answer of a SIP speaker at all
        return Trouble.NO_ANSWER if rang else Trouble.NO_SIGNAL, "unreachable"
    code = int(found[1])
    if code in _NOBODY:
        return Trouble.NO_ANSWER if rang else Trouble.NO_SIGNAL, found[1]
    return CODES.get(code, Trouble.OTHER), found[1]
