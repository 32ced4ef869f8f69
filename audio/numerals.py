"""Numbers as Chinese words. It never looks at the text around a number: which of these ways fits, `reading` decides."""

DIGITS = "零一二三四五六七八九"
_LARGEST_CARDINAL_DIGITS = 16  # beyond 万亿 nobody follows; such a string is a code, not a quantity
_MYRIADS = ("", "万", "亿", "万亿")


def spelled(digits: str) -> str:
    """A code or phone number, digit by digit, with 幺 for 1: on a bad line 一 and 七 sound alike."""
    return "".join("幺" if digit == "1" else DIGITS[int(digit)] for digit in digits)


def year(digits: str) -> str:
    """A year, digit by digit, with 一 for 1: 二零二六."""
    return "".join(DIGITS[int(digit)] for digit in digits)


def cardinal(digits: str) -> str:
    """A whole quantity: 12000 → 一万两千. What is too long to be one is spelled."""
    if len(digits) > _LARGEST_CARDINAL_DIGITS:
        return spelled(digits)
    number = int(digits)
    if number == 0:
        return "零"
    words, gap = "", False
    for power in range(len(_MYRIADS) - 1, -1, -1):
        part = number // 10_000**power % 10_000
        if part == 0:
            gap = bool(words)
            continue
        if words and (gap or part < 1000):
            words += "零"
        gap = False
        part_words = "两" if part == 2 and power else _below_ten_thousand(part)
        words += part_words + _MYRIADS[power]
    return words.removeprefix("一") if words.startswith("一十") else words


def decimal(digits: str) -> str:
    """A number with or without a decimal point; further points (a version number) are each read 点."""
    whole, *parts = digits.split(".")
    return "点".join([cardinal(whole or "0"), *(year(part) for part in parts if part)])


def _below_ten_thousand(number: int) -> str:
    words, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit == 0:
            gap = bool(words)
            continue
        words += ("零" if gap else "") + ("两" if digit == 2 and unit == 1000 else DIGITS[digit]) + name
        gap = False
    return words
