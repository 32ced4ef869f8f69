"""What a line over a list's names says of those below: 还没接龙的, they have not answered; 已接龙的, they have. Pure.

Never reads a name. Whether a line is somebody's own (王德福 没收到) or a heading is not told by its words alone:
whoever knows the names decides (`jielong_matching.py`).
"""

from __future__ import annotations

import re

_STOCK = (
    r"(?:以下|下列|下面|目前|现在|截至|截止|为止|至今|这些|这几|还有|还|仍|尚|都|是|本|我|名单|村民|农户|住户|大家|各位|"
    r"的|第?[0-9一二两三四五六七八九十]+(?:村民|小)?[组队社户家人]|通知[0-9]*|[#*\s、.]|[(\[【][^)\]】]*[)\]】])*"
)
_ANSWERED = (
    r"(?:接龙|收到|回复|回应|回话|回|报名|交费|缴费|交|缴|办理|办|确认|反馈|参加|来|去|看到|看|知道|通知到|到|签字|签|填|"
    r"登记|接|完成|打卡|表态|同意)"
)
_LISTED = (
    r"(?:有|是|为|如下|名单|人员|住户|村民|农户|家庭|户|家|人|个|位|这|那|以下|下面|几|些|请|抓紧|尽快|赶紧|补上|接龙|回复|"
    r"[0-9]|共|还|了|[()\[\]【】\s])*"
)
_NOT = r"(?:没有?|未|不|拒绝?|反对)"
_NOT_YET = re.compile(
    rf"(?P<before>[^没未不拒]*?)(?P<not>{_NOT}[^:,。;!]{{0,10}}(?:的|者|名单|人员){_LISTED}"
    rf"|{_NOT}\s*(?:有|能|及时|曾)?{_ANSWERED}了?(?P<listed>{_LISTED})|(?:还差|还缺|还欠|还剩|剩下|欠[交缴费]|缺|差)(?:的|了)?{_LISTED})"
)
_NOT_YET_BEGUN = re.compile(
    rf"(?P<before>{_STOCK})(?P<not>{_NOT}(?:有|能|及时|曾)?{_ANSWERED}[^:,。;!]{{0,6}}?(?:的|者|名单|人员)\w{{0,2}}(?:有|是|为|请|@)"
    r"|(?:还差|还缺|还欠))"
)
"""没来的有李四、张三: the names stand in the same breath."""
_ALREADY = re.compile(rf"{_STOCK}(?:已经?|都)?{_ANSWERED}[了好过]*(?P<listed>(?:的|者|名单|人员)?{_LISTED})")
_CALL = re.compile(r"请|收到|接龙|回复")


def not_yet(shown: str, *, numbered: bool) -> tuple[int | None, bool]:
    """Where 还没接龙的 begins, and whether nothing but it stands there.

    A call to answer after it (没收到的请回复，收到请接龙) speaks of the others, and behind a number 幸福一家没收到 is a
    nickname's own word.
    """
    begun = None if numbered else _NOT_YET_BEGUN.match(shown)
    if begun is not None and not _CALL.search(",".join(re.split("[,。;!]", shown)[1:])):
        return begun.start("not"), False
    at = 0
    for clause in re.split("([:,。;!])", shown):
        match = _NOT_YET.fullmatch(clause.strip())
        if match is not None:
            rest = shown[at + len(clause) :]
            stock = re.fullmatch(_STOCK, match["before"]) is not None
            said = match["listed"] != "" or rest.startswith(":")
            if not rest.startswith(":") and _CALL.search(re.split("[,。;!]", f",{rest}")[-1]):
                return None, False
            if (stock and said) or (not numbered and (stock or said)):
                where = at + len(clause) - len(clause.lstrip()) + match.start("not")
                return where, stock and said and not re.search(r"\w", rest)
        at += len(clause)
    return None, False


def says_already(shown: str, *, numbered: bool) -> bool:
    if shown.startswith("#") and not numbered:
        return True
    match = _ALREADY.fullmatch(shown.rstrip(":。! "))
    return match is not None and (bool(match["listed"]) or shown.rstrip().endswith(":") or "已" in shown)
