"""Words the voice gets wrong, and how to write them so that it gets them right. It never changes what people read."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field

from audio.failures import LexiconError

_LONGEST_KEY = 20
_KEY = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffffA-Z ]+")
# A homophone in characters, or phonemes of the speech program in [[ ]]; nothing that could be a command to it.
_SAYING = re.compile(r"(?:[\u3400-\u9fff]|\[\[[A-Za-z0-9;:'@.,#&+_-]{1,40}\]\])+")

# espeak-ng 1.52 has no syllables xiong, qiong, jiong and reads their pinyin aloud in English.
_MISSING_SYLLABLES = {
    "S;j'ong55": "兄兇凶匈哅忷恟汹洶胷胸訩詾讻賯㐫",
    "S;j'ong35": "熊赨雄䧺",
    "S;j'ong51": "夐敻詗诇",
    "tS;hj'ong55": "匔焪芎",
    "tS;hj'ong35": "儝卭宆惸桏棾橩焭煢琼瓊睘瞏穷穹窮竆笻筇茕藑藭蛩赹跫輁邛銎㒌㧭㮪㷀㼇䅃䆳䊄䓖䛪䠻",
    "tS;j'ong55": "冂冋坰埛扃蘏蘔駫",
    "tS;j'ong214": "侰僒冏囧幜泂炯烱煚煛熲皛窘絅綗褧迥逈顈颎駉㓏㖥㢠㤯㷗㷡䌹䐃䢛",
    "tS;j'ong51": "澃㑋",
}
_SURNAMES = {
    "单": "善", "任": "人", "仇": "求", "区": "欧", "解": "谢", "查": "渣", "曾": "增", "华": "化", "盖": "葛",
    "翟": "宅", "乐": "岳", "召": "邵", "朴": "瓢", "卜": "补", "万俟": "莫奇", "尉迟": "玉迟", "员": "运",
    "燕": "烟", "黑": "贺",
}  # fmt: skip
# 地 alone is taken for the particle de; 第 sounds like the ground one walks on.
_GROUND = (
    "地里 地头 水地 地膜 地力 地灾 占地 坡地 地价 地籍 地权 地边 地瓜 地砖 地摊 地沟 地租 地亩 地埂 亩地 块地 片地 "
    "包地 留地 浇地 犁地 翻地 整地 租地 退地 圈地 卖地 批地 让地"
)  # fmt: skip
_WORDS = {
    "还钱": "环钱", "还款": "环款", "还贷": "环贷", "还上": "环上", "还完": "环完", "还息": "环息", "还不上": "环不上",
    "还不起": "环不起", "还借": "环借", "农行": "农杭", "行距": "杭距", "种菜": "众菜", "种粮": "众粮", "种田": "众田",
    "种庄稼": "众庄稼", "种什么": "众什么", "长势": "涨势", "长高": "涨高", "系安全带": "记安全带", "系好": "记好",
    "散养": "伞养", "角色": "爵色", "幢": "状", "彩虹": "彩虹", "虹": "红", "这儿": "这里", "那儿": "那里",
    "哪儿": "哪里", "今儿": "今天", "明儿": "明天", "𠮷": "吉", "兒": "而",
}  # fmt: skip
_LETTERS = {
    "A": "诶", "B": "必", "C": "西", "D": "弟", "E": "易", "F": "艾弗", "G": "吉", "H": "艾尺", "I": "爱", "J": "杰",
    "K": "开", "L": "艾勒", "M": "艾姆", "N": "恩", "O": "欧", "P": "批", "Q": "扣", "R": "阿尔", "S": "艾斯",
    "T": "提", "U": "优", "V": "威", "W": "达不溜", "X": "艾克斯", "Y": "歪", "Z": "贼",
}  # fmt: skip
# 事儿, 玩儿 are read as English letters and numbers; the word without its 儿 is understood everywhere.
_ERHUA = re.compile(r"(?<=[\u4e00-\u9fff])(?<![女幼婴孤少胎托患男妻侄乳])儿(?![子童女科媳歌孙化])")

_REPEATED = re.compile(r"([\u4e00-\u9fff])々")
# The voice spells these in hexadecimal; in a name 某 is what people say for a character they cannot read.
_UNSAYABLE = re.compile(r"[々\U00020000-\U0003ffff\uf900-\ufaff]")


def _built_in() -> dict[str, str]:
    entries = {character: f"[[{sound}]]" for sound, all_of_it in _MISSING_SYLLABLES.items() for character in all_of_it}
    entries |= {f"姓{name}": f"姓{sound}" for name, sound in _SURNAMES.items()}
    entries |= {word: word.replace("地", "第") for word in _GROUND.split()}
    entries |= {f"{count}只": f"{count}之" for count in "两三四五六七八九十百千几"}
    return entries | _WORDS | _LETTERS


@dataclass(frozen=True, slots=True)
class Lexicon:
    """How to say words, the longest word first."""

    entries: Mapping[str, str]
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words = sorted(self.entries, key=lambda word: (-len(word), word))
        object.__setattr__(self, "_pattern", re.compile("|".join(map(re.escape, words)) or r"(?!)"))

    @classmethod
    def built_in(cls) -> "Lexicon":
        """What is known to be wrong in espeak-ng 1.52."""
        return cls(_built_in())

    @classmethod
    def from_toml(cls, text: str) -> "Lexicon":
        """The built-in words and the committee's `[words]`, which win. Raises LexiconError naming every bad entry."""
        try:
            words = tomllib.loads(text).get("words", {})
        except tomllib.TOMLDecodeError as error:
            raise LexiconError(f"the pronunciation list cannot be read: {error}") from error
        if not isinstance(words, dict):
            raise LexiconError("the pronunciation list needs a table [words]")
        wrong = [f"{word!r} = {saying!r}" for word, saying in words.items() if not _usable(word, saying)]
        if wrong:
            raise LexiconError(
                "these pronunciations cannot be used (a word of characters = characters that sound like it): "
                + "; ".join(wrong)
            )
        return cls(_built_in() | words)

    def spoken(self, words: str) -> str:
        """The same words, written so that the voice says them right."""
        said = self._pattern.sub(lambda found: self.entries[found[0]], _REPEATED.sub(r"\1\1", words))
        return _UNSAYABLE.sub("某", _ERHUA.sub("", said))


def _usable(word: str, saying: object) -> bool:
    return (
        isinstance(saying, str)
        and 0 < len(word) <= _LONGEST_KEY
        and _KEY.fullmatch(word) is not None
        and _SAYING.fullmatch(saying) is not None
    )
