"""What a village keeps: its database, its key files, its certificate; and the ports it is read through.

Never opens any of them; what was found is passed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from village.doctor.finding import Finding, Part, Verdict
from village.doctor.moments import day
from village.ground.wording import Wording, say

_DAY_MS = 86_400_000

SOON_MS = 30 * _DAY_MS
"""The server makes a new certificate 90 days before the end; one that is this near was not made."""


class Check(StrEnum):
    """How SQLite's own quick check of the file ended."""

    SOUND = "sound"
    BROKEN = "broken"
    UNFINISHED = "unfinished"
    MISSING = "missing"
    NEWER = "newer"
    UNREADABLE = "unreadable"
    FORBIDDEN = "forbidden"


_RESTORE = say("先不要再写东西，把村里的文件夹整个拷到U盘留着，再请懂电脑的人用备份换回来。")


def examine_database(check: Check) -> Finding:
    match check:
        case Check.SOUND:
            return Finding(Part.DATABASE, Verdict.GOOD, say("完好"))
        case Check.BROKEN:
            return Finding(Part.DATABASE, Verdict.BAD, say("坏了一部分"), _RESTORE)
        case Check.UNFINISHED:
            do = say("存储卡很慢，或者电脑正忙。过一会儿再查一次。")
            return Finding(Part.DATABASE, Verdict.MIND, say("没有查完"), do)
        case Check.MISSING:
            do = say("新的村第一次启动服务时会有。用了很久的村，请用备份换回来。")
            return Finding(Part.DATABASE, Verdict.BAD, say("还没有"), do)
        case Check.NEWER:
            do = say("请懂电脑的人把这台电脑上的程序升级到新版本。")
            return Finding(Part.DATABASE, Verdict.BAD, say("是更新版本的程序写的，这个版本打不开"), do)
        case Check.UNREADABLE:
            return Finding(Part.DATABASE, Verdict.BAD, say("打不开，可能坏了"), _RESTORE)
        case Check.FORBIDDEN:
            do = say("用开服务的那个用户再运行一次，或者在命令前面加 sudo。")
            return Finding(Part.DATABASE, Verdict.MIND, say("不让看：是另一个用户的"), do)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """`open_to_others`: somebody else on this computer may read it. `path` as a person would type it."""

    path: str
    there: bool
    open_to_others: bool = False
    broken: bool = False


def examine_keys(files: Sequence[KeyFile]) -> Finding:
    for file in files:
        if not file.there:
            return Finding(Part.KEYS, Verdict.BAD, say("少了 {path}", path=file.path), _put_back(file))
        if file.broken:
            return Finding(Part.KEYS, Verdict.BAD, say("{path} 坏了", path=file.path), _put_back(file))
        if file.open_to_others:
            do = say("请懂电脑的人在这台电脑上运行：chmod 600 {path}", path=file.path)
            return Finding(Part.KEYS, Verdict.BAD, say("别人也读得到 {path}", path=file.path), do)
    return Finding(Part.KEYS, Verdict.GOOD, say("都在，只有自己读得到"))


def _put_back(file: KeyFile) -> Wording:
    """The others are made anew at a start; who trusted the old ones has to be told."""
    if file.path.endswith("village.key"):
        return say("从备份里把这个文件放回原处。没有它，号码都打不开。")
    return say("从备份里把这个文件放回原处。没有备份就关机再开，会做一个新的：县里要重新登记，证书要重新装。")


def examine_certificate(ends_ms: int | None, now_ms: int) -> Finding:
    """`ends_ms` None: there is none, or it cannot be read."""
    if ends_ms is None:
        do = say("把这台电脑关机再开，会做一张新的。还不行，请懂电脑的人看 tls 文件夹。")
        return Finding(Part.CERTIFICATE, Verdict.BAD, say("没有，或者读不出"), do)
    said = say("到{day}", day=day(ends_ms))
    if ends_ms <= now_ms:
        return Finding(
            Part.CERTIFICATE, Verdict.BAD, say("{said}，已经过期", said=said), say("把这台电脑关机再开，会做一张新的。")
        )
    if ends_ms - now_ms < SOON_MS:
        return Finding(Part.CERTIFICATE, Verdict.MIND, said, say("把这台电脑关机再开，会做一张新的。"))
    return Finding(Part.CERTIFICATE, Verdict.GOOD, said)


def examine_ports(ports: Sequence[int], taken: Sequence[int]) -> Finding:
    """Of a village whose server is not running: whether it could open its doors."""
    if taken:
        shown = " / ".join(map(str, taken))
        do = say("关掉占着它的程序，或者请懂电脑的人在设置文件 village.toml 的 [web] 里换一个号。")
        return Finding(Part.PORTS, Verdict.BAD, say("{ports} 被别的程序占着", ports=shown), do)
    return Finding(Part.PORTS, Verdict.GOOD, say("{ports} 都空着", ports=" / ".join(map(str, ports))))
