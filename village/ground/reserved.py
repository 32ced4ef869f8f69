"""What means the same whatever is asked: numbers written as words, opting out, a cry for help, what looks like a trap.

No option of a poll may be called so: it would never be read as a ballot for it. Never decides what is done about one.
"""

from __future__ import annotations

import re

NUMERAL = "一二三四五六七八九零〇壹贰叁肆伍陆柒捌玖两幺"
NUMERALS = str.maketrans(NUMERAL, "12345678900123456789" + "21")

OUT = {"t", "td", "退订", "tuiding", "090"}
ALL_OUT = {"t2", "td2", "退订2", "退订全部", "全部退订", "092"}

DISTRESS_WORDS = re.compile(
    "救命|着火|起火|失火|火灾|快报警|帮我报警|我要报警|^报警$|快救人|有人落水|晕倒|溺水|杀人|抢劫|家暴|中毒|触电"
)

LINK = re.compile(
    r"https?[:/]|www\.|[a-z0-9-]{2,}\.(?:com|cn|net|org|top|xyz|vip|cc|io|club|shop|site|info|link|ltd|fun|icu|me|tv)(?![a-z])"
    "|点击?(?:下面|下方|以下)?(?:的)?链接|下载app"
)
CODE_WORDS = re.compile("验证码|校验码|动态码|动态密码|短信密码")
MONEY_WORDS = re.compile("转账|转帐|汇款|打款到|安全账户|中奖")


_NUMBER = re.compile(f"[0-9{NUMERAL}十百第个号项选投]+")


def is_number(plain: str) -> bool:
    """Whether a normalised text names a number, in digits or in words: 二, 第二个, 选二."""
    return _NUMBER.fullmatch(plain) is not None and re.search(f"[0-9{NUMERAL}十百]", plain) is not None


def is_reserved(plain: str) -> bool:
    """Whether a short normalised text has a meaning that comes before any option's."""
    searched = (DISTRESS_WORDS, LINK, CODE_WORDS, MONEY_WORDS)
    return plain in OUT | ALL_OUT or any(pattern.search(plain) for pattern in searched)
