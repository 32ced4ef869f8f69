"""What has to be on paper before a line may open, and who said that it is. Never judges a paper: people do.

Sources: one SIM registered to the village is the default, more only with the carrier's papers (工信部 and carriers'
rules on numbers in one name; 反电信网络诈骗法 art. 14 against SIM banks). 个人信息保护法 (2021) art. 17 and 39: whoever
gives personal data abroad names the receiver, the purpose, the kind of data and how to exercise one's rights, and has
each person's own consent; art. 55 and 56: an assessment, kept for three years.
"""

from __future__ import annotations

import sqlite3
from enum import StrEnum

from village.ground.wording import RefusalError, say
from village.permits import store

_LONGEST = 200


class Need(StrEnum):
    SECOND_SIM = "second_sim"
    """The carrier's paper that this SIM, too, is the village's."""
    ABROAD = "abroad"
    """The villagers were told, and have consented, that their numbers go to a company abroad."""


_MISSING = {
    Need.SECOND_SIM: say("要写明运营商的材料叫什么、放在哪里"),
    Need.ABROAD: say("要写明各户的同意书放在哪里"),
}


def grant(tx: sqlite3.Connection, line: str, need: Need, *, notice: str, paper: str, by: str, now_ms: int) -> None:
    """Note the papers of one line. Raises RefusalError (409 where they are noted already, 422)."""
    notice, paper = " ".join(notice.split()), " ".join(paper.split())
    if store.in_force(tx, line) is not None:
        raise RefusalError(say("这条线路的材料已经记过了"), status=409)
    if need is Need.ABROAD and not notice:
        raise RefusalError(say("要写明告知书贴在哪里、哪天贴的"), status=422)
    if not paper:
        raise RefusalError(_MISSING[need], status=422)
    if len(notice) > _LONGEST or len(paper) > _LONGEST:
        raise RefusalError(say("最多{most}个字", most=_LONGEST), status=422)
    store.add(tx, line=line, notice=notice, paper=paper, by=by, now_ms=now_ms)


def withdraw(tx: sqlite3.Connection, line: str, *, by: str, now_ms: int) -> None:
    """The paper no longer holds: the line closes. Raises RefusalError (409) where none is in force."""
    if not store.end(tx, line, by=by, now_ms=now_ms):
        raise RefusalError(say("这条线路没有记着的材料"), status=409)
