"""Random texts through the grammar: it never crashes, and never votes or confirms without a digit or a known word."""

import random
import re
import string
import sys
import time

from tests.keywords.messages import TABLE
from village.ground.normalise import normalise
from village.keywords.commands import Choice, OptOut, PollChoice, Received, SlotChoice, Stand, YesNo
from village.keywords.grammar import read

DIGIT = re.compile("[0-9一二三四五六七八九零〇壹贰叁肆伍陆柒捌玖两幺]")
KNOWN = re.compile(
    "同意|赞成|赞同|支持|反对|弃权|tongyi|qiancheng|qiquan|收到|知道|知晓|晓得|明白|了解|看到|看见|听到|听见|听清|听懂|看懂|懂|记住|记下|清楚|知|shoudao|sd"
)


SEEDS = [typed for typed, _ in TABLE]


def random_text(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.25:
        return "".join(
            chr(rng.choice((rng.randrange(0x20, 0x7F), rng.randrange(0x4E00, 0x9FA5))))
            for _ in range(rng.randrange(20))
        )
    if kind < 0.4:
        return "".join(chr(rng.randrange(0, 0x10FFFF)) for _ in range(rng.randrange(15)))
    if kind < 0.6:
        return "".join(
            rng.choice("0123456789 #*-.,/。、lO投选第不同意反对弃权收到tTdDy12") for _ in range(rng.randrange(1, 9))
        )
    text = "".join(rng.sample(SEEDS, rng.choice((1, 1, 2))))
    for _ in range(rng.randrange(3)):
        place = rng.randrange(len(text) + 1)
        text = text[:place] + rng.choice(string.printable + "　不没。👍①二") + text[place + rng.randrange(2) :]
    return text


def check(text: str) -> None:
    command = read(text)
    plain = normalise(text)
    if isinstance(command, Choice | PollChoice | SlotChoice | YesNo):
        assert DIGIT.search(plain), text
    if isinstance(command, Stand | Received):
        assert DIGIT.search(plain) or KNOWN.search(plain), text
    if isinstance(command, OptOut):
        assert plain.translate(str.maketrans("零〇二两贰九玖", "0022299")) in {
            "t",
            "td",
            "退订",
            "tuiding",
            "t2",
            "td2",
            "退订2",
            "退订全部",
            "全部退订",
            "090",
            "092",
        }
    if isinstance(command, Choice | PollChoice | SlotChoice | Stand | Received):
        assert not re.search("[没未别勿甭莫×]", plain), text


def fuzz(count: int, seed: int = 20261205) -> None:
    rng = random.Random(seed)
    for _ in range(count):
        text = random_text(rng)
        try:
            check(text)
        except Exception as failure:
            raise AssertionError(f"{text!r} read as {read(text)!r}") from failure


if __name__ == "__main__":
    wanted = int(sys.argv[1])
    started = time.perf_counter()
    fuzz(wanted)
    print(f"{wanted} texts in {time.perf_counter() - started:.1f} s, nothing guessed")
