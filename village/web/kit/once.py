"""A form has its effect once, however often it is sent.

The mark is written in the transaction of the effect: a power cut leaves both or neither. Never asks a clock.
"""

from __future__ import annotations

import sqlite3

from village.web.kit.forms import Form
from village.web.kit.language import is_local
from village.web.kit.store import mark_form, point_form, used_form


class AlreadyDoneError(Exception):
    """This form has had its effect; `leads_to` is where the first submit was sent, or empty."""

    def __init__(self, leads_to: str) -> None:
        super().__init__("form already used")
        self.leads_to = leads_to


def once(tx: sqlite3.Connection, form: Form) -> None:
    """Use the form up. Raises AlreadyDoneError where an earlier submit did."""
    if not form.sent:
        raise ValueError("only a form from read_form can be used up")
    used = used_form(tx, form.nonce)
    if used is not None:
        raise AlreadyDoneError(used)
    mark_form(tx, form.nonce)


def leads_to(tx: sqlite3.Connection, form: Form, path: str) -> None:
    """Where a second submit is sent instead; in the same unit as `once`."""
    if not is_local(path):
        raise ValueError("a form leads to a page of ours")
    point_form(tx, form.nonce, path)
