"""What may be somebody's name in what was written: 张成全收到 is itself, 张成全 or 张成, the fuller form first. Pure.

Never knows who lives in the village; whoever does picks among the forms.
"""

from __future__ import annotations

import re
import unicodedata

from village.ground.normalise import simplified

WORD = re.compile(r"[㐀-鿿𠀀-𲎯·]+")
_PICTURES = frozenset({"So", "Sk", "Cf", "Cs", "Co", "Cn", "Me", "Mn"})

_HOUSE = re.compile(r"(?:全家|一家人?|家里?|户)$")
_SAID = re.compile(
    r"(?:收到|知道|知悉|知晓|晓得|明白|清楚|看到|阅|参加|报名|交|缴|办|完成)(?:了|过|好|费|完|啦|的|通知)*$"
)
_WHO_SAID = (
    "全家",
    "一家人",
    "一家",
    "家里",
    "家人",
    "家",
    "大家",
    "我们",
    "本人",
    "代",
    "都",
    "已经",
    "已",
    "均",
    "也",
    "全",
)
_HEADS = re.compile(r"^(?:我是|我叫|户主|姓名|本人|代替?|帮|已?收到)")

_SHORTEST_NAME, _LONGEST_NAME = 2, 20
_LONGEST_WORD = 40
"""A longer run of characters is a sentence and holds nobody's name."""


def plain(line: str) -> str:
    """Full-width signs as plain ones, simplified, without pictures."""
    kept = "".join(sign for sign in unicodedata.normalize("NFKC", line) if unicodedata.category(sign) not in _PICTURES)
    return simplified(kept).replace("•", "·").replace("・", "·")


def words_in(rest: str) -> list[str]:
    """The runs of Chinese characters; single ones beside each other are one name written wide (王 强)."""
    words: list[str] = []
    wide = False
    for match in WORD.finditer(rest):
        word = match[0]
        if len(word) == 1 and wide and words and len(words[-1]) < 4:
            words[-1] += word
        else:
            words.append(word)
        wide = len(word) == 1
    return words


def says_a_name(word: str) -> bool:
    return "" not in _stripped(word)


def forms_of(word: str) -> tuple[str, ...]:
    """张成全收到: as it stands, then 张成全, then 张成: whatever may be the name in it, the fuller one first."""
    if len(word) > _LONGEST_WORD:
        return ()
    forms = _stripped(word)
    forms.update(_HOUSE.sub("", form) for form in tuple(forms))
    fitting = [form for form in forms if _SHORTEST_NAME <= len(form) <= _LONGEST_NAME]
    return tuple(sorted(fitting, key=lambda form: (-len(form), word.find(form))))


def _stripped(word: str) -> set[str]:
    """The word, and what is left of it without what was said, taken away piece by piece from both ends."""
    found = {word, _HEADS.sub("", word)}
    more = {_SAID.sub("", form) for form in found} - found
    while more:
        found |= more
        more = {form.removesuffix(said) for form in more for said in _WHO_SAID} - found
    return found
