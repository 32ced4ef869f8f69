"""Legal bases on file: what makes a vote more than an opinion. Entered by the committee, co-signed by the supervisory
committee; neither alone is enough.

Never judges whether the paper says what is claimed: two bodies of people do.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from village.ground.wording import RefusalError, say

_LONGEST_TITLE, _LONGEST_REFERENCE = 40, 300


@dataclass(frozen=True, slots=True)
class BasisRow:
    id: int
    title: str
    reference: str
    entered_by: str
    entered_ms: int
    cosigned_by: str | None
    cosigned_ms: int | None
    retired_by: str | None
    retired_ms: int | None

    @property
    def in_force(self) -> bool:
        return self.cosigned_ms is not None and self.retired_ms is None


def _row(row: sqlite3.Row) -> BasisRow:
    return BasisRow(**{name: row[name] for name in BasisRow.__slots__})


def bases(tx: sqlite3.Connection) -> list[BasisRow]:
    """Newest first, retired ones too."""
    return [_row(row) for row in tx.execute("SELECT * FROM legal_basis ORDER BY id DESC")]


def basis_of(tx: sqlite3.Connection, basis_id: int) -> BasisRow:
    """Raises RefusalError (404)."""
    row = tx.execute("SELECT * FROM legal_basis WHERE id = :id", {"id": basis_id}).fetchone()
    if row is None:
        raise RefusalError(say("没有这条依据"), status=404)
    return _row(row)


def enter(tx: sqlite3.Connection, *, title: str, reference: str, by: str, now_ms: int) -> int:
    """Raises RefusalError (422)."""
    title, reference = " ".join(title.split()), reference.strip()
    if not title or not reference:
        raise RefusalError(say("依据的名称和内容都要写"), status=422)
    if len(title) > _LONGEST_TITLE or len(reference) > _LONGEST_REFERENCE:
        raise RefusalError(
            say("太长了：名称最多{title}个字，内容最多{reference}个字", title=_LONGEST_TITLE,
                reference=_LONGEST_REFERENCE),
            status=422,
        )  # fmt: skip
    made = tx.execute(
        "INSERT INTO legal_basis (title, reference, entered_by, entered_ms) VALUES (:title, :reference, :by, :now)"
        " RETURNING id",
        {"title": title, "reference": reference, "by": by, "now": now_ms},
    ).fetchone()
    return int(made["id"])


def cosign(tx: sqlite3.Connection, basis_id: int, *, by: str, now_ms: int) -> None:
    """Raises RefusalError: it takes two different people, once."""
    basis = basis_of(tx, basis_id)
    if basis.entered_by == by:
        raise RefusalError(say("登记的人不能自己会签"), status=409)
    done = tx.execute(
        "UPDATE legal_basis SET cosigned_by = :by, cosigned_ms = :now"
        " WHERE id = :id AND cosigned_ms IS NULL AND retired_ms IS NULL",
        {"id": basis_id, "by": by, "now": now_ms},
    )
    if done.rowcount != 1:
        raise RefusalError(say("这条依据已经会签过，或者停用了"), status=409)


def retire(tx: sqlite3.Connection, basis_id: int, *, by: str, now_ms: int) -> None:
    """From now on no poll may rest on it; those that did keep it. Raises RefusalError."""
    done = tx.execute(
        "UPDATE legal_basis SET retired_by = :by, retired_ms = :now WHERE id = :id AND retired_ms IS NULL",
        {"id": basis_of(tx, basis_id).id, "by": by, "now": now_ms},
    )
    if done.rowcount != 1:
        raise RefusalError(say("这条依据已经停用了"), status=409)


def refuse_unless_in_force(tx: sqlite3.Connection, basis_id: int | None) -> None:
    """Raises RefusalError (409)."""
    if basis_id is not None and not basis_of(tx, basis_id).in_force:
        raise RefusalError(say("这条依据还没有监督委员会会签，或者停用了"), status=409)
