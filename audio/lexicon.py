"""Words the voice gets wrong, and how to write them so that it gets them right. It never changes what people read.

The committee has a list of its own, a table `[words]` of a word and characters that sound as it should:

    [words]
    "单国强" = "善国强"
    "下圩" = "下须"

Its words win over what is built in, the longest word is taken first, and a word that stands for itself keeps a part of
it from being changed. Abbreviations (医保, 新农合, 低保) need no entry: the voice was heard to say them right.
"""

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
    "种": "虫", "盛": "胜", "纪": "己", "乐": "岳", "召": "邵", "朴": "瓢", "卜": "补", "万俟": "莫奇", "尉迟": "玉迟",
    "员": "运", "燕": "烟", "黑": "贺",
}  # fmt: skip
# A surname before a title. Not 任, 区, 解, 员: 担任主任, 区主任, 了解, 党员 are more than the people of those names.
_TITLED_SURNAMES = {"单": "善", "仇": "求", "曾": "增", "朴": "瓢"}
# What stands for itself: before these 地 is the particle and 种 is a kind, whatever follows.
_AS_WRITTEN = (
    "十分地 充分地 过分地 部分地 大量地 少量地 尽量地 协调地 "
    "这种 那种 哪种 各种 每种 某种 何种 几种 多种 一种 两种 三种 四种 五种 六种 七种 八种 九种 十种"
)
_TITLES = "书记 支书 主任 村长 组长 队长 会计 医生 大夫 老师 校长 师傅 大爷 大妈 大娘 大叔 大婶 奶奶 爷爷 阿姨"
# 地 alone is taken for the particle de; 第 sounds like the ground one walks on.
_GROUND = (
    "地里 地头 水地 地膜 地力 地灾 占地 坡地 地价 地籍 地权 地边 地瓜 地砖 地摊 地沟 地租 地亩 地埂 亩地 块地 片地 "
    "包地 留地 浇地 犁地 翻地 整地 租地 退地 圈地 卖地 批地 让地 量地 测地 打地 割地 分地 腾地 调地 扫地 拖地 "
    "机动地 流转地 半地 地暖 地龙 地老虎 地炕"
)  # fmt: skip
_WORDS = {
    "还钱": "环钱", "还款": "环款", "还贷": "环贷", "还上": "环上", "还完": "环完", "还息": "环息", "还不上": "环不上",
    "还不起": "环不起", "还借": "环借", "农行": "农杭", "行距": "杭距", "种菜": "众菜", "种粮": "众粮", "种田": "众田",
    "种庄稼": "众庄稼", "种什么": "众什么", "长势": "涨势", "长高": "涨高", "长大": "掌大", "长大衣": "长大衣",
    "系安全带": "记安全带", "系好": "记好",
    "散养": "伞养", "角色": "爵色", "幢": "状", "彩虹": "彩虹", "虹": "红", "这儿": "这里", "那儿": "那里",
    "还粮": "环粮", "还利": "环利", "还回": "环回", "返还": "返环", "还林": "环林", "还田": "环田", "还草": "环草",
    "还湿": "环湿", "还车": "环车", "还租": "环租", "还得起": "环得起", "还得清": "环得清", "还得上": "环得上",
    "还得": "还[[t'ei214]]", "商行": "商杭", "一行字": "一杭字", "网格长": "网格掌", "河长": "河掌", "林长": "林掌",
    "田长": "田掌", "路长": "路掌", "楼长": "楼掌", "户长": "户掌", "片长": "片掌", "长草": "掌草", "长虫": "掌虫",
    "重播": "虫播", "重报": "虫报", "重交": "虫交", "重做": "虫做", "重填": "虫填", "重打": "虫打", "重签": "虫签",
    "重选": "虫选", "重种": "虫众", "贾": "甲", "商贾": "商古", "翟": "宅", "种养": "众养", "种草": "众草",
    "种药": "众药",
    "种果": "众果", "种豆": "众豆", "抢种": "抢众", "春种": "春众", "秋种": "秋众", "栽种": "栽众", "耕种": "耕众",
    "量血压": "良血压", "便宜": "骈宜", "看护": "刊护", "看家": "刊家", "看孩子": "刊孩子", "盛饭": "成饭",
    "数钱": "属钱",
    "数清": "属清", "撒药": "洒药", "撒化肥": "洒化肥", "撒肥": "洒肥", "仡佬": "歌老", "耙地": "霸第", "猪圈": "猪倦",
    "牛圈": "牛倦", "鸡圈": "鸡倦", "圈舍": "倦射", "似的": "是的", "粘玉米": "年玉米", "系鞋带": "记鞋带",
    "系紧": "记紧",
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
    entries |= {
        f"{name}{title}": f"{said}{title}" for name, said in _TITLED_SURNAMES.items() for title in _TITLES.split()
    }
    entries |= {word: word.replace("地", "第") for word in _GROUND.split()}
    entries |= {f"第{row}行": f"第{row}杭" for row in "一二三四五六七八九十"}
    entries |= {f"{count}只": f"{count}之" for count in "两三四五六七八九十百千几"}
    entries |= {word: word for word in _AS_WRITTEN.split()}
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
        return cls.with_words(words)

    @classmethod
    def with_words(cls, words: Mapping[str, object]) -> "Lexicon":
        """The built-in words and these, which win. Raises LexiconError naming every bad entry."""
        good = {word: saying for word, saying in words.items() if isinstance(saying, str) and _usable(word, saying)}
        wrong = {word: saying for word, saying in words.items() if word not in good}
        if wrong:
            raise LexiconError(
                "these pronunciations cannot be used (a word of characters = characters that sound like it): "
                + "; ".join(f"{word!r} = {saying!r}" for word, saying in wrong.items()),
                tuple(wrong),
            )
        return cls(_built_in() | good)

    def spoken(self, words: str) -> str:
        """The same words, written so that the voice says them right."""
        said = self._pattern.sub(lambda found: self.entries[found[0]], _REPEATED.sub(r"\1\1", words))
        return _UNSAYABLE.sub("某", _ERHUA.sub("", said))


def _usable(word: str, saying: str) -> bool:
    return 0 < len(word) <= _LONGEST_KEY and _KEY.fullmatch(word) is not None and _SAYING.fullmatch(saying) is not None
