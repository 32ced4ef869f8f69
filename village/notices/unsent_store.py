"""Which messages may still be sent, or sent again: the one list for all who take messages back.

Wider than what waits in the queue: what is with a carrier comes back into it where the carrier says that a phone did
not take it now.
"""

from __future__ import annotations

from gateway.message import FINAL, State

MAY_BE_SENT = frozenset(State) - FINAL

STILL_UNSENT = "m.state IN ({})".format(", ".join(f"'{state}'" for state in State if state in MAY_BE_SENT))
"""The same as a condition on `message_state m`."""
