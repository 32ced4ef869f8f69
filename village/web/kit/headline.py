"""Which part of a text stands in bold: its first sentence; and what is left for the lines below.

Never changes a character, apart from the space between the two.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_SHORTEST = 8
"""A call to attention alone (“注意！”) is no headline yet."""
_END = re.compile(r"[。！？!?…]+[”’」』）)]*|\n")


class Headline(NamedTuple):
    first: str
    rest: str


def headline(text: str) -> Headline:
    """Decimal points end nothing; a line break ends a sentence as a full stop does."""
    whole = text.strip()
    for end in _END.finditer(whole):
        if end.end() >= _SHORTEST:
            return Headline(whole[: end.end()].strip(), whole[end.end() :].strip())
    return Headline(whole, "")
