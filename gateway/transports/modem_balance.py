"""How much money is left on a SIM, out of the sentence in which its carrier says so.

Pure. Never guesses: a sentence with no amount that is named a balance, or is alone, is unreadable (None).
"""

from __future__ import annotations

import re
import unicodedata

_AMOUNT = (
    r"(?P<{0}minus>-(?=[\d¥])|负\s?)?(?:¥\s?)?"
    r"(?P<{0}whole>\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.(?P<{0}rest>\d{{1,2}}))?(?!\d)"
)
_MONEY = re.compile(
    rf"{_AMOUNT.format('a')}\s?(?:元|圆|块|CNY|RMB|yuan)"
    rf"|(?P<sign>-(?=[¥RC])|负)?(?:¥|RMB|CNY)\s?{_AMOUNT.format('b')}",
    re.IGNORECASE,
)
"""A number with a unit of money before or after it."""
_BARE = re.compile(
    rf"\s?(?:[:=为是]|is)?\s?{_AMOUNT.format('c')}(?!\s?(?:[年月日时分点条个MGKB%/:-]|\.\s?[^\d\s]))", re.IGNORECASE
)
"""A number with no unit right after the name; not a date, not a count, not the next point of a menu."""
_NAMES = (
    re.compile(r"可用余额|available balance", re.IGNORECASE),
    re.compile(r"余额|剩余话费|剩余金额|话费剩余|balance", re.IGNORECASE),
)
"""The better name first: of 账户余额 and 可用余额 the second is what can be spent."""
_OWED = re.compile(r"欠费|owe", re.IGNORECASE)
_ENDS = re.compile(r"[。;!\n]|,(?!\d{3})")
_ASIDE = re.compile(r"\([^()]*\)|截至[^,]*?(?:日|时|分)(?:\d+[时分])*")


def read_balance(said: str) -> int | None:
    """Fen, negative where it is owed; None where the sentence does not say it clearly."""
    plain = unicodedata.normalize("NFKC", said).replace("−", "-").replace("\uffe5", "¥").replace("、", ",")
    plain = _ASIDE.sub("", plain)
    for name in _NAMES:
        for named in name.finditer(plain):
            clause = _ENDS.split(plain[named.end() :], maxsplit=1)[0]
            if (amount := _first(clause)) is not None:
                return amount
    every = list(_MONEY.finditer(plain))
    if len(every) != 1:
        return None
    fen = _fen(every[0])
    return -abs(fen) if _OWED.search(plain[: every[0].start() + 1]) else fen


def _first(clause: str) -> int | None:
    if (money := _MONEY.search(clause)) is not None:
        fen = _fen(money)
        return -abs(fen) if _OWED.search(clause[: money.start()]) else fen
    if (bare := _BARE.match(clause)) is not None:
        return _fen(bare)
    return None


def _fen(found: re.Match[str]) -> int:
    groups = found.groupdict()
    kind = next(k for k in "abc" if groups.get(f"{k}whole"))
    whole = int(groups[f"{kind}whole"].replace(",", ""))
    fen = whole * 100 + int((groups[f"{kind}rest"] or "0").ljust(2, "0"))
    return -fen if groups[f"{kind}minus"] or groups.get("sign") else fen
