"""By what a delivery report finds its message: the references of one SIM.

The centre's own reference counts to 255 and then begins again; a report says it, the number and two times, nothing
else. In the life of one process what was sent last with a reference and number is what a report with both means, at
whatever hour. For what was sent before the last start only what the report itself says is left: then the day decides.
"""

from __future__ import annotations

import collections
import hashlib
from datetime import UTC, datetime, timedelta

_KEPT = 256
_NIGHT = timedelta(hours=6)
"""The day ends at 18:00 UTC, two in the morning in China, when nothing is sent."""


class References:
    def __init__(self) -> None:
        self._sent: collections.OrderedDict[tuple[int, str], str] = collections.OrderedDict()

    def sent(self, reference: int, number: str, now_ms: int) -> str:
        """The carrier reference of what has just been sent."""
        key = reference, _print(number)
        self._sent.pop(key, None)
        self._sent[key] = ref = _carrier_ref(*key, now_ms)
        if len(self._sent) > _KEPT:
            self._sent.popitem(last=False)
        return ref

    def reported(self, reference: int, number: str, centre_ms: int) -> str:
        """The carrier reference a report means. `centre_ms`: when the centre got the message, as the report says."""
        key = reference, _print(number)
        return self._sent.get(key) or _carrier_ref(*key, centre_ms)


def _carrier_ref(reference: int, number_print: str, sent_ms: int) -> str:
    """The same number would have to get 256 messages in one day to meet its own reference again."""
    day = datetime.fromtimestamp(sent_ms / 1000, tz=UTC) + _NIGHT
    return f"{reference:03d}.{number_print}.{day:%Y%m%d}"


def _print(number: str) -> str:
    """16 bits of a hash: enough to keep two numbers apart, too few to tell whose it is."""
    digits = "".join(c for c in number if c.isdigit())[-11:]  # centres write the same number with and without +86
    return hashlib.blake2s(digits.encode(), digest_size=2).hexdigest()
