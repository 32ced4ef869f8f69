"""What the voice really says, phoneme by phoneme, from espeak-ng itself."""

import re

import pytest

from audio.espeak import Espeak
from audio.failures import LexiconError
from audio.lexicon import Lexicon
from audio.prediction import spoken_syllables, syllables

LEXICON = Lexicon.built_in()


@pytest.fixture(scope="module")
def espeak() -> Espeak:
    return Espeak()


def sounds(espeak: Espeak, words: str) -> str:
    return re.sub(r"[\s|_',]", "", espeak.phonemes(LEXICON.spoken(words)))


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [
        ("还钱", "Xua35ntS;hiE35n"),
        ("还有", "Xai35jiou214"),
        ("还是", "Xai35s.i.11"),
        ("姓单", "S;i51Ns.a51n"),
        ("单位", "ta55nwei51"),
        ("姓仇", "S;i51NtS;hiou35"),
        ("姓任", "S;i51Nz.@35n"),
        ("姓曾", "S;i51Nts@55N"),
        ("姓翟", "S;i51Nts.ai35"),
        ("尉迟", "wei51ts.hi.35"),
        ("姓尉迟", "S;i51Njy51ts.hi.35"),
        ("银行", "ji35nXA35N"),
        ("行长", "XA35Nts.A214N"),
        ("农行", "nong35XA35N"),
        ("重新", "ts.hong35S;i55n"),
        ("睡觉", "s.wei51tS;jAu51"),
        ("长大", "ts.A214NtA51"),
        ("水地", "s.wei214ti51"),
        ("地震", "ti51ts.@51n"),
        ("慢慢地", "ma51nma51nt@11"),
        ("三只羊", "sa55nts.i.55jiA35N"),
        ("熊", "S;jong35"),
        ("贫穷", "phi35ntS;hjong35"),
        ("兄弟", "S;jong55ti51"),
        ("人々", "z.@35nz.@35n"),
        ("王𡋾", "wA35Nmou214"),
        ("没事儿", "mei35s.i.51"),
        ("女儿", "ny214@35r"),
        ("A P P", "ei35phi55phi55"),
        ("还粮", "Xua35nliA35N"),
        ("还债", "Xua35nts.ai51"),
        ("返还", "fa214nXua35n"),
        ("秸秆还田", "tS;iE55ka214nXua35nthiE35n"),
        ("还得交", "Xai35tei214tS;jAu55"),
        ("还得起", "Xua35nt@11tS;hi214"),
        ("还没还", "Xai35mei35Xai35"),
        ("第三行", "ti51sa55nXA35N"),
        ("贾家庄", "tS;iA214tS;iA55ts.wA55N"),
        ("商贾", "s.A55Nku214"),
        ("翟书记", "ts.ai35s.u55tS;i11"),
        ("单书记", "s.a51ns.u55tS;i11"),
        ("名单", "mi35Nta55n"),
        ("清单", "tS;hi55Nta55n"),
        ("孩子长大", "Xai35tsi[11ts.A214NtA51"),
        ("村长", "tshu@55nts.A214N"),
        ("网格长", "wA214Nko-35ts.A214N"),
        ("重报", "ts.hong35pAu51"),
        ("重量", "ts.ong51liA51N"),
        ("重阳", "ts.hong35jiA35N"),
        ("春种", "ts.hu@55nts.ong51"),
        ("种子", "ts.ong214tsi[11"),
        ("这种药", "ts.o-51ts.ong214jAu51"),
        ("种药材", "ts.ong51jAu51tshai35"),
        ("量地", "liA51Nti51"),
        ("大量地", "tA51liA51Nt@11"),
        ("十分地", "s.i.35f@55nt@11"),
        ("三分地", "sa55nf@55nti51"),
        ("机动地", "tS;i55tong51ti51"),
        ("便宜", "phiE35nji11"),
        ("看护", "kha55nXu51"),
        ("看病", "kha51npi51N"),
        ("猪圈", "ts.u55tS;y&51n"),
        ("撒药", "sA214jAu51"),
        ("医保", "ji55pAu214"),
        ("新农合", "S;i55nnong35Xo-35"),
        ("低保", "ti55pAu214"),
        ("五保户", "wu214pAu214Xu51"),
        ("村两委", "tshu@55nliA214Nwei214"),
        ("高标准农田", "kAu55pjAu55ts.u@214nnong35thiE35n"),
    ],
)
def test_word_is_said_right(espeak: Espeak, word: str, phonemes: str) -> None:
    said = sounds(espeak, word)
    assert said.replace("@35r", "@r35") == phonemes.replace("@35r", "@r35")


def test_every_common_character_is_said_in_chinese(espeak: Espeak) -> None:
    """All 6763 characters of GB 2312: none falls back to English, each makes one syllable."""
    common = [bytes([high, low]).decode("gb2312", "ignore") for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)]
    for start in range(0, len(common), 50):
        text = LEXICON.spoken("，".join(filter(None, common[start : start + 50])))
        said = espeak.phonemes(text)
        assert "(en)" not in said
        assert spoken_syllables(said) == syllables(text)


def test_the_committee_wins_over_what_is_built_in() -> None:
    lexicon = Lexicon.from_toml('[words]\n"姓单" = "姓丹"\n"尕" = "嘎"\n"熊" = "[[S;jong35]]"\n')
    assert lexicon.spoken("姓单的尕娃还钱给熊") == "姓丹的嘎娃环钱给[[S;jong35]]"


def test_the_committees_words_may_come_from_a_page() -> None:
    lexicon = Lexicon.with_words({"单国强": "善国强", "还": "还"})
    assert lexicon.spoken("单国强还有简单的事，还钱") == "善国强还有简单的事，环钱"
    with pytest.raises(LexiconError) as refused:
        Lexicon.with_words({"单": "shan", "查": "渣", "解": 3})
    assert refused.value.wrong == ("单", "解")


def test_the_longest_word_is_taken() -> None:
    assert Lexicon({"单": "善", "单位": "单位"}).spoken("单单位") == "善单位"


def test_an_empty_lexicon_changes_nothing() -> None:
    assert Lexicon({}).spoken("还钱") == "还钱"


def test_every_bad_entry_is_named() -> None:
    with pytest.raises(LexiconError) as refused:
        Lexicon.from_toml('[words]\n"单" = "[[;rm -rf]]x"\n"解" = 3\n"" = "谢"\n"查" = "渣"\n')
    assert "'单'" in str(refused.value)
    assert "'解'" in str(refused.value)
    assert "'' =" in str(refused.value)
    assert "查" not in str(refused.value)


@pytest.mark.parametrize("text", ["not toml = = ", "words = 3"])
def test_a_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(LexiconError):
        Lexicon.from_toml(text)
