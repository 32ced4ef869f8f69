"""What went wrong between village and county, in words a clerk can act on: what happened, that nothing was lost.

Never alarming: a village without a line to its county works as it always does.
"""

from __future__ import annotations

from village.ground.wording import Wording, say

_WORDS = {
    "unreachable": say("县里联系不上：没有网，或者那边没开。村里的事照办，一条不会丢。"),
    "busy": say("县里正忙，叫过一会儿再来。一条不会丢。"),
    "refused": say("那个地址有人应，可不是县里的程序：先看看是不是要登录的无线网。一条不会丢。"),
    "not-a-bundle": say("那个地址有人应，可不是县里的程序：先看看是不是要登录的无线网。一条不会丢。"),
    "fork": say("县里的记录对不上，已经停收县里的东西，请打电话给县里。村里的事照办。"),
    "ack": say("县里记得的比村里还多：村里的数据可能是从旧备份换回来的。请打电话给县里。"),
    "fault": say("村里的程序和县里对不上话，是程序的毛病，已经记在日志里。过一会儿再试，一条不会丢。"),
    "they-say-revoked": say("县里停用了本村的钥匙，请打电话给县里。村里的事照办。"),
    "they-say-ack": say("县里没有村里记得它有的东西：县里可能换过旧备份。请打电话给县里。一条不会丢。"),
    "they-say-fork": say("县里记的和村里报的对不上，县里已经停收本村的东西。请打电话给县里。村里的事照办。"),
    "they-say-unknown-signer": say("县里不认得本村的钥匙：县里可能换过旧备份。请打电话给县里。一条不会丢。"),
}

_THEY_SAY = "they-say-"


def in_words(name: str) -> Wording | None:
    """None while all is well."""
    if not name:
        return None
    if name.startswith(_THEY_SAY) and name not in _WORDS:
        return say("县里没有收本村的东西（{name}），请打电话给县里。一条不会丢。", name=name.removeprefix(_THEY_SAY))
    return _WORDS.get(name) or say("县里的回话验不过（{name}），没有收。一条不会丢。", name=name)
