"""A text without greeting, thanks, spelled-out pictures and the little words at the end: 您好,选1,谢谢村长 is 选1.

Never takes away what could change the meaning: 请问 begins a question, and stays.
"""

from __future__ import annotations

from village.keywords import lexicon


def without_courtesies(plain: str) -> str:
    """Of a normalised text; where nothing else was written, the greeting itself."""
    bare = lexicon.THANKS.sub("", lexicon.PICTURE.sub("", plain))
    greeted = lexicon.GREETING.match(bare)
    if greeted and greeted.end() < len(bare):
        bare = bare[greeted.end() :]
    stripped = bare.strip(" ,。.!;~、").rstrip(lexicon.PARTICLES).rstrip(" ,。.!;~、")
    return stripped or bare
