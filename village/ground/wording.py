"""Words for people that are written where the reason is known and translated where they are shown.

The source language is Chinese (the msgid itself); catalogs hold the second language. Never decides the language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Translate = Callable[[str], str]


def chinese(msgid: str) -> str:
    """The source language needs no catalog."""
    return msgid


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence and the values that stand in its `{braces}`; a value may be a Wording itself."""

    msgid: str
    values: tuple[tuple[str, object], ...] = ()

    def text(self, translate: Translate = chinese) -> str:
        """The sentence in the reader's language."""
        shown = {name: value.text(translate) if isinstance(value, Wording) else value for name, value in self.values}
        return translate(self.msgid).format(**shown)

    def __str__(self) -> str:
        return self.text()


def say(msgid: str, /, **values: object) -> Wording:
    """Mark a sentence for the catalogs: `say("第{row}行没有姓名", row=7)`."""
    return Wording(msgid, tuple(values.items()))


class RefusalError(Exception):
    """Something a person asked for is refused, in words for that person; nothing was changed or lost."""

    def __init__(self, *reasons: Wording, status: int = 400) -> None:
        """`status` is the HTTP status a page answers with; the command line answers with exit code 1."""
        super().__init__("; ".join(str(reason) for reason in reasons))
        self.reasons = reasons
        self.status = status
