"""What the operating system refused, in words a clerk can act on. Never shows its own English."""

from __future__ import annotations

import errno

from village.ground.wording import Wording, say

_REASONS = {
    errno.ENOSPC: say("存储卡满了"),
    errno.EDQUOT: say("存储卡满了"),
    errno.ENOENT: say("没有这个文件或文件夹"),
    errno.EACCES: say("没有权限"),
    errno.EPERM: say("没有权限"),
    errno.EROFS: say("存储卡是只读的，可能坏了"),
    errno.EIO: say("存储卡读写出错，可能坏了"),
    errno.ENOTDIR: say("这不是文件夹"),
    errno.EISDIR: say("这是文件夹，不是文件"),
    errno.EADDRINUSE: say("端口被别的程序占着"),
    errno.EADDRNOTAVAIL: say("这台电脑没有这个地址"),
}


def reason_of(failure: OSError) -> Wording:
    """The reason in words; an unknown one is named by its number."""
    known = _REASONS.get(failure.errno or 0)
    return known if known is not None else say("系统错误 {number}", number=failure.errno or 0)
