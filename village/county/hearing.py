"""Whether a bundle was said by its village just now, or is an old one that somebody carries here again; owns `heard`.

Nothing in a bundle says when it was made, and two with nothing to say are signed byte for byte alike. But each is
sealed anew, which only whoever knows what is inside can do. Never decides what is taken: that is the same either way.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, delete, func, insert, select

from sync.bundle import Bundle
from sync.ledger import Peer
from village.county import tables

MOST_HEARD = 3000
"""Of one village: a month of saying nothing four times an hour."""

_PRINT_BYTES = 16


def is_fresh(connection: Connection, no: int, sealed: bytes, bundle: Bundle, *, before: Peer, after: Peer) -> bool:
    """`before`, `after`: what we knew of the village when the bundle came, and with it taken."""
    heard = tables.heard.c
    if (after.head, after.acked_seq) != (before.head, before.acked_seq):  # what came earlier is older than this now
        connection.execute(delete(tables.heard).where(heard.village_no == no))
    elif _is_older(bundle, before):
        return False
    print_ = hashlib.sha256(sealed).digest()[:_PRINT_BYTES]
    if connection.execute(select(heard.id).where(heard.village_no == no, heard.print == print_)).first() is not None:
        return False
    newest = connection.execute(select(func.coalesce(func.max(heard.id), 0))).scalar_one()
    connection.execute(insert(tables.heard).values(id=newest + 1, village_no=no, print=print_))
    _forget_the_oldest(connection, no)
    return True


def _is_older(bundle: Bundle, known: Peer) -> bool:
    acked = 0 if bundle.ack is None else bundle.ack.seq
    return bundle.after.seq < known.head.seq or acked < known.acked_seq


def _forget_the_oldest(connection: Connection, no: int) -> None:
    heard = tables.heard.c
    oldest = select(heard.id).where(heard.village_no == no).order_by(heard.id.desc()).offset(MOST_HEARD).limit(1)
    connection.execute(delete(tables.heard).where(heard.village_no == no, heard.id <= oldest.scalar_subquery()))
