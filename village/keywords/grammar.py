"""The grammar: a text in, one command out, nothing guessed.

Never looks anything up: whether a poll is open or a phone is known is not its business. The first reader that
recognises the whole text wins; their order is the order of the law (facts/sms.md): opt-out, registration, poll code,
bare vote, service, word, free text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from village.keywords.commands import (
    Assent,
    CallMe,
    CancelCall,
    Choice,
    Code,
    Command,
    Courtesy,
    Distress,
    Distressed,
    Doubt,
    FreeText,
    HelpConsent,
    HelpOffer,
    HelpRequest,
    HowTo,
    NoticeText,
    OptIn,
    OptOut,
    PollChoice,
    Progress,
    Received,
    Second,
    Service,
    ServiceChoice,
    SlotChoice,
    Stance,
    Stand,
    Suggest,
    Supervise,
    Suspicion,
    Suspicious,
    Topic,
    Unclear,
    YesNo,
)
from village.keywords.normalise import normalise

_READ_LENGTH = 2000
"""What comes after so many characters changes no meaning; it is kept all the same."""
_COMMAND_LENGTH = 48
"""A longer text is somebody's own words, whatever stands in it."""

_FIRST_POLL = 20
"""10 to 19 name no poll, so that 110, 119, 120 and 122 can never be a ballot."""

_NUMERALS = str.maketrans("一二三四五六七八九零〇壹贰叁肆伍陆柒捌玖两幺", "12345678900123456789" + "21")
_NUMERAL = "一二三四五六七八九零〇壹贰叁肆伍陆柒捌玖两幺"
_SEPARATORS = " #*\\-.,/"

_EMERGENCY_NUMBERS = ("110", "119", "120", "122", "12110")
_DISTRESS_WORDS = re.compile(
    "救命|着火|起火|失火|火灾|快报警|帮我报警|我要报警|^报警$|快救人|有人落水|晕倒|溺水|杀人|抢劫|家暴|中毒|触电"
)
_DISTRESS_LENGTH = 16
"""A cry for help is short; a long text with such a word tells a story, and a person will read it."""
_AFTER_NUMBER_STORY = re.compile("[0-9元块斤亩户人米号平岁多几年月日天万度分页吨公里%]")

_OUT = {"t", "td", "退订", "tuiding", "090"}
_ALL_OUT = {"t2", "td2", "退订2", "退订全部", "全部退订", "092"}
_IN = {"dy", "订阅", "恢复", "恢复订阅", "dingyue", "091"}
_ABOUT_OUT = re.compile(
    "退订|取消订阅|(?:别|不要|不用|不想)再?(?:给我|跟我|向我)?(?:发|收)|停发|(?:回|回复|发|发送)t[d2]?$"
    "|^(?:stop|unsubscribe|取消|停止|停|退|退出|退定|退钉|t[ ,.#-]?2)$"
)
_ABOUT_OUT_LENGTH = 14

_GREETING = re.compile(
    "(?>(?:谢谢|多谢|感谢|尊敬的|您好|你好|喂|hi|hello|大家好|早上好|下午好|晚上好|村长|书记|支书|主任|会计|干部|领导|村委会|村委|同志|老师|"
    "麻烦|打扰|请问|请|嗯|哦|那|好的|好|行|可以)(?:您|你|们|了|好)?[,:!。.、 ]*)++"
)
_THANKS = re.compile(
    "(?:[,。.!;~、 ]*(?:谢谢|谢了|谢过|多谢|感谢|辛苦|麻烦|拜托)(?:您|你|大家|各位|村长|书记|支书|主任|干部|领导|"
    "村委会|村委|通知|提醒|告知|们|了|啦)*)+$"
)
_PARTICLES = "吧啊呀哦哈啦了的喔噢嘞咯喽噻哒呐滴"

_SUBJECT = "(?:我们家|我们|我家|俺们家|俺家|咱家|本人|我|俺|咱)?"
_INTENT = "(?:还是|决定|就|要|想|只|来|的)*"
_BALLOT_VERB = (
    "(?:投票给|投票|投给|投|选择|选项|选|改成|改为|改选|改投|改|答案是|答案|答|票是|票投给|票投|toupiao|tp|gp)"
)
_ANY_VERB = re.compile("(?:回复|回|按|发送|发|输入|填)")
_YES = "同意|赞成|赞同|支持|tongyi"
_NO = "不同意|不赞成|不赞同|不支持|反对|butongyi"
_ABSTAIN = "弃权|qiquan"
_STANCE = f"(?P<no>{_NO})|(?P<yes>{_YES})|(?P<abstain>{_ABSTAIN})"  # negation is looked for before yes
_NEGATION = re.compile("不|没|未|别|勿|甭|莫|否|无|拒|×")

_STAND = re.compile(
    f"{_SUBJECT}{_INTENT}(?:表示|坚决|完全|非常|十分|强烈|绝对|当然|{_BALLOT_VERB})*(?:{_STANCE})(?:票|意见)?"
)
_DIGIT_STAND = re.compile(f"{_SUBJECT}{_INTENT}{_BALLOT_VERB}?第?(?P<digit>[1-6])[号项]?[.,:、)]?(?:{_STANCE})")
_STAND_DIGIT = re.compile(f"{_SUBJECT}{_INTENT}(?:{_STANCE})[.,:、(]?{_BALLOT_VERB}?第?(?P<digit>[1-6])[号项]?\\)?")
_CHOICE = re.compile(f"{_SUBJECT}{_INTENT}{_BALLOT_VERB}(?P<rest>[0-9{_SEPARATORS}]+)[号项]?(?:选项|方案)?")
_NUMERAL_CHOICE = re.compile(
    f"{_SUBJECT}{_INTENT}(?:改投|改选|投票给|投票|投给|投|选择|选项|选)(?P<rest>[{_NUMERAL}]+)[号项]?(?:选项|方案)?"
)
_ORDINAL = re.compile(
    f"{_SUBJECT}{_INTENT}{_BALLOT_VERB}?第(?P<rest>[1-6]|[{_NUMERAL}])(?:号|项|个|条|种)?(?:选项|方案)?"
)
_NAMED_POLL = re.compile(
    f"{_SUBJECT}{_INTENT}(?:{_BALLOT_VERB}|表决|征求意见|第)?(?P<poll>[2-9][0-9])号?(?:表决|征求意见|投票)?"
    f"[,:]?(?:投票给|投给|投|选择|选|改成|改为|改选|改投)第?(?P<option>[0-9]|[{_NUMERAL}])(?:号|项|个)?"
)
_NUMBERED_OPTION = re.compile("(?P<rest>[1-6])(?:号|项|号选项|个选项)")

_RECEIVED = re.compile(
    "(?:(?P<before>[0-9]{1,2})号?)?(?:通知)?(?P<before2>[0-9]{1,2})?[,: ]*"
    "(?:(?:我们家|我们|我家|俺家|我|俺|咱|已经|已|都|全|短信|通知|消息|信息|内容|好的|好|嗯|行|ok)[,。.! ]*)*"
    "(?:收到|知道|知晓|晓得|明白|了解|看到|看见|听到|听见|听清|听懂|看懂|懂|记住|记下|清楚|知|shoudao|sd)"
    "(?:通知|短信|消息|信息|内容|了|啦|咯|喽|您的|你的|村里的|[,:; ])*(?P<after>[0-9]{1,2})?号?"
)
_HEARD_OF = re.compile(
    "(?:关于)?(?P<about>[^不没未别勿甭莫否无拒×0-9,。.!?吗呢嘛]{2,8}?)的?(?:这个|那个)?"
    "(?:通知|短信|消息|事情|事|的)*[,: ]*"
    "(?:我们|我|俺|都|已经|已)*(?:收到|知道|晓得|明白)[了啦咯喽]"
)
_NINE = re.compile("(?:收到|知道了?)?[,: ]*9[,: ]*(?:收到|知道了?)?")
_ASSENT = re.compile(
    "(?:好|好好|好的|好滴|好嘞|好呢|嗯|嗯嗯|嗯好|恩|行|行的|可以|成|中|要得|得行|没问题|是|是的|对|对的|ok|okay|k|遵命)"
    "(?:[,. ]*(?:好|好的|行|嗯|ok))*"
)

_SPACED = f" *[{_SEPARATORS}、:] *"
_GROUPS = re.compile(f"[0-9]+(?:{_SPACED}[0-9]+)+")
_SPLIT = re.compile(_SPACED)
_LEGAL_GROUPS = re.compile(f"[0-9]+(?: *[{_SEPARATORS}] *[0-9]+)+")
_ONLY_DIGITS = re.compile(r"[0-9]+")
_SIGNS = frozenset("0123456789 #*-.,/、:;+=()×?!_|\\&%'\"<>~^$@[]{}")
_LOOKALIKES = re.compile(f"[0-9lio|{_SEPARATORS}]*[lio|][0-9lio|{_SEPARATORS}]*")

_WORDS: dict[str, Command] = {
    **dict.fromkeys(("通知", "tz", "看通知", "查通知", "最新通知", "最近通知", "有什么通知", "tongzhi"), Service(1)),
    **dict.fromkeys(
        (
            "听",
            "hb",
            "听通知",
            "回拨",
            "念",
            "念通知",
            "念给我听",
            "给我念",
            "打给我",
            "打给我念",
            "打电话给我",
            "给我打电话",
            "听一下",
        ),
        CallMe(),
    ),
    **dict.fromkeys(("查", "cp", "查票", "查投票", "查表决", "我投了没", "我的票"), Service(3)),
    **dict.fromkeys(
        ("建议", "jy", "意见", "提建议", "提意见", "我要提意见", "我有意见", "我有建议", "jianyi"), Service(4)
    ),
    **dict.fromkeys(("附议", "赞", "fy", "点赞"), Service(4)),
    **dict.fromkeys(("求助", "qz", "求帮忙", "帮忙", "bm", "qiuzhu"), Service(5)),
    **dict.fromkeys(("电话", "dh", "电话本", "查电话", "村里电话", "常用电话", "dianhua"), Service(6)),
    **dict.fromkeys(("党务", "dw", "党员"), Service(7)),
    "党课": ServiceChoice(7, 1),
    "志愿报名": ServiceChoice(7, 2),
    **dict.fromkeys(("语言", "方言", "yy", "语音", "语音语言"), Service(8)),
    "普通话": ServiceChoice(8, 1),
    **dict.fromkeys(("本地话", "土话", "家乡话"), ServiceChoice(8, 2)),
    **dict.fromkeys(("慢速", "慢一点", "念慢点", "说慢点"), ServiceChoice(8, 3)),
    "只收短信": ServiceChoice(8, 4),
    **dict.fromkeys(("公开", "gk", "村务公开", "公开栏", "gongkai"), HowTo(Topic.DISCLOSURE)),
    **dict.fromkeys(("我的信息", "wd", "我的资料", "个人信息"), HowTo(Topic.MY_RECORD)),
    **dict.fromkeys(("监督", "jd", "举报", "监督委员会", "监委会"), HowTo(Topic.SUPERVISING)),
    **dict.fromkeys(
        ("帮助", "菜单", "?", "??", "???", "bz", "help", "怎么用", "怎么弄", "bangzhu", "caidan", "目录", "功能"),
        Service(0),
    ),
    **dict.fromkeys(("注册", "登记", "zc", "怎么登记", "zhuce"), HowTo(Topic.REGISTERING)),
    **dict.fromkeys(("投票", "投", "tp", "表决", "怎么投票", "toupiao", "改", "gp", "改票"), HowTo(Topic.VOTING)),
}

_NUMBERED: tuple[tuple[re.Pattern[str], Callable[[int], Command]], ...] = (
    (re.compile(r"(?:看通知|查通知|通知|看|tz)[: ]*([0-9]{1,2})号?"), NoticeText),
    (re.compile(r"([0-9]{1,2})号通知"), NoticeText),
    (re.compile(r"(?:听通知|念通知|听|念|回拨|hb)[: ]*([0-9]{1,2})号?(?:通知)?"), CallMe),
    (re.compile(r"(?:附议|点赞|赞|fy)(?:建议)?[: ]*([0-9]{1,2})号?(?:建议)?"), Second),
    (re.compile(r"(?:建议|查建议|jy)[: ]*([0-9]{1,2})号?(?:进度|怎么样)?"), Progress),
    (re.compile(r"(?:帮忙|bm)(?:求助)?[: ]*([0-9]{1,2})号?"), HelpOffer),
)
_NUMBERED_CODE = re.compile(r"(?:注册码|登记码|注册|登记|zc)[: ]*([0-9]{6})")

_AFTER_WORD = "[:,.;、 。-]*"
_SUGGEST = re.compile(
    f"{_SUBJECT}(?:想|要|有个|有一个|有)?(?:提个|提一个|提)?(?:建议|意见|反映|jy){_AFTER_WORD}(?P<text>.+)", re.DOTALL
)
_HELP = re.compile(f"(?:求助|qz){_AFTER_WORD}(?P<text>.+)", re.DOTALL)
_SUPERVISE = re.compile(
    f"(?:监督委员会|监督委|监委会|监督|jd){_AFTER_WORD}(?P<text>.+)|"
    f"{_SUBJECT}(?:要|想)?(?:实名|匿名)?(?:举报|检举|揭发|告发).*",
    re.DOTALL,
)
_KEYWORD_BEFORE = re.compile(
    r"\s*(?:建[议議]|意[见見]|反映|求助|jy|qz|ｊｙ|ＪＹ|ｑｚ|ＱＺ)[\s:：,，.。;；、-]+", re.IGNORECASE
)

_LINK = re.compile(
    r"https?[:/]|www\.|[a-z0-9-]{2,}\.(?:com|cn|net|org|top|xyz|vip|cc|io|club|shop|site|info|link|ltd|fun|icu|me|tv)(?![a-z])"
    "|点击?(?:下面|下方|以下)?(?:的)?链接|下载app"
)
_CODE_WORDS = re.compile("验证码|校验码|动态码|动态密码|短信密码")
_MONEY_WORDS = re.compile("转账|转帐|汇款|打款到|安全账户|中奖")

_UNITS = "组号户人元块万千百斤亩米天日月年点时分次个只头棵盏条家口岁楼层路平里公吨楼届位名位份期周度"
_LONE_DIGIT = re.compile(f"(?<![0-9.:第])[1-6](?![0-9.:{_UNITS}])")
_BALLOT_WORDS = re.compile(f"{_NO}|{_YES}|{_ABSTAIN}|(?:选|投|投票|投给)[1-6一二三四五六]|^{_SUBJECT}{_INTENT}[选投]")
_FILLERS = re.compile(
    f"{_NO}|{_YES}|{_ABSTAIN}|我们家|我们|我家|我|俺|咱|你|您|他|她|本人|选择|选项|选|投票|投给|投|票|改成|改为|改|答案|号|项|个|第|"
    "和|与|或者|或|还是|跟|及|以及|都|也|又|就|要|想|是|的|了|吧|啊|呀|给|回复|回|按|好|行|可以|能|会|吗|呢|嘛|既|又|到底|"
    f"tp|gp|{_NEGATION.pattern}|[0-9]|[^\\w]"
)
_HEARD_WORDS = re.compile("收到|知道|晓得|明白|听懂|看懂|清楚|短信|通知")
_LEFTOVER = 2
"""Beside an option, a digit or a negation, so many other characters do not yet make a message of its own."""


def read(text: str) -> Command:
    """The one command in `text`. Never raises, whatever was typed."""
    plain = normalise(text[:_READ_LENGTH])
    if not plain:
        return Unclear(Doubt.EMPTY)
    for reader in _READERS if len(plain) <= _COMMAND_LENGTH else _LONG_READERS:
        if (command := reader(plain)) is not None:
            return command
    return _free(plain, text)


def _opting(plain: str) -> Command | None:
    """The whole message and nothing else: 别退订 is no opt-out."""
    if plain in _OUT or plain in _ALL_OUT:
        return OptOut(everything=plain in _ALL_OUT)
    if plain in _IN:
        return OptIn()
    if len(plain) <= _ABOUT_OUT_LENGTH and _ABOUT_OUT.search(plain):
        return Unclear(Doubt.OPTING)
    return None


def _distress(plain: str) -> Command | None:
    match = re.match(r"(?:快?(?:打|拨打|拨|叫|报|呼叫))?(12110|110|119|120|122)(.*)", plain, re.DOTALL)
    if match and len(match[2]) <= _DISTRESS_LENGTH and not _AFTER_NUMBER_STORY.match(match[2].lstrip(" #*-./,")):
        return Distress(Distressed.NUMBER)
    if len(plain) <= _DISTRESS_LENGTH and _DISTRESS_WORDS.search(plain) and not _TEXTED_WORD.match(plain):
        return Distress(Distressed.WORDS)
    return None


def _digits(plain: str) -> Command | None:
    numerals = plain.translate(_NUMERALS)
    if _ONLY_DIGITS.fullmatch(numerals):
        return digits(numerals)
    return Unclear(Doubt.TWO) if re.fullmatch(f"[{_NUMERAL}十百]+", plain) else None


def digits(typed: str) -> Command:
    """Digits only: their count, and whether they begin with 0, decide what they are."""
    if typed in _EMERGENCY_NUMBERS:
        return Distress(Distressed.NUMBER)
    if typed.startswith("0"):
        return _service_digits(typed)
    match len(typed):
        case 1 if typed == "9":
            return Received()
        case 1 if typed in "78":
            return YesNo(yes=typed == "8")
        case 1:
            return Choice(int(typed))
        case 3 | 4 if int(typed[:2]) >= _FIRST_POLL:
            return _coded(typed[:2], *typed[2:])
        case 2:
            return Unclear(Doubt.TWO)
        case 6:
            return Code(typed)
        case _:
            return Unclear(Doubt.DIGITS)


def _coded(poll: str, *rest: str) -> Command:
    if len(rest) == 1:
        return PollChoice(int(poll), int(rest[0]))
    return SlotChoice(int(poll), int(rest[0]), int(rest[1]))


_SERVICE_DIGITS: dict[str, Command] = {
    "0": Service(0),
    "02": CallMe(),
    "020": CancelCall(),
    "090": OptOut(everything=False),
    "091": OptIn(),
    "092": OptOut(everything=True),
    **{f"0{number}": Service(number) for number in (1, 3, 4, 5, 6, 7, 8, 9)},
    **{
        f"0{service}{choice}": ServiceChoice(service, choice)
        for service, choices in ((4, (0, 1)), (6, (1,)), (7, (1, 2)), (8, (1, 2, 3, 4)))
        for choice in choices
    },
}
_SERVICE_ITEMS: dict[str, Callable[[int], Command]] = {
    "01": NoticeText,
    "02": CallMe,
    "04": Progress,
    "05": HelpOffer,
}


def _service_digits(typed: str) -> Command:
    if typed in _SERVICE_DIGITS:
        return _SERVICE_DIGITS[typed]
    if len(typed) == 6:
        return Code(typed)
    number = int(typed[2:4] or 0)
    if len(typed) == 4 and number and typed[:2] in _SERVICE_ITEMS:
        return _SERVICE_ITEMS[typed[:2]](number)
    if len(typed) == 5 and number and typed[:2] == "04" and typed[4] == "8":
        return Second(number)
    if len(typed) == 5 and number and typed[:2] == "05" and typed[4] in "78":
        return HelpConsent(number, yes=typed[4] == "8")
    return Unclear(Doubt.DIGITS)


def _grouped(plain: str) -> Command | None:
    """23#1 and 23 2 1 are a poll code; any other grouping is not guessed at."""
    typed = re.findall("[0-9]+", plain)
    if not typed or not _SIGNS.issuperset(plain):
        return None
    if set(typed) <= set(_EMERGENCY_NUMBERS):
        return Distress(Distressed.NUMBER)  # 110 110!
    if not _GROUPS.fullmatch(plain):
        return Unclear(Doubt.DIGITS)
    groups = _SPLIT.split(plain)
    shape = [len(group) for group in groups]
    if shape in ([2, 1], [2, 1, 1]) and int(groups[0]) >= _FIRST_POLL and _LEGAL_GROUPS.fullmatch(plain):
        return _coded(*groups)
    return Unclear(Doubt.TWO if max(shape) == 1 else Doubt.DIGITS)


def _lookalike(plain: str) -> Command | None:
    if _LOOKALIKES.fullmatch(plain) or re.fullmatch("[a-z]", plain):
        return Unclear(Doubt.LETTER)
    return None


def _code(plain: str) -> Command | None:
    match = _NUMBERED_CODE.fullmatch(plain)
    return Code(match[1]) if match else None


def _word(plain: str) -> Command | None:
    for pattern, command in _NUMBERED:
        if (match := pattern.fullmatch(plain)) and int(match[1]):
            return command(int(match[1]))
    return _WORDS.get(plain)


def _texted(plain: str, text: str) -> Command | None:
    """Words that take what follows them along."""
    if _SUPERVISE.fullmatch(plain):
        return Supervise(text.strip())
    if _HELP.fullmatch(plain):
        return HelpRequest(_KEYWORD_BEFORE.sub("", text, count=1).strip())
    if _SUGGEST.fullmatch(plain):
        return Suggest(_KEYWORD_BEFORE.sub("", text, count=1).strip())
    return None


_TEXTED_WORD = re.compile(f"(?:{_SUGGEST.pattern})|(?:{_SUPERVISE.pattern})".replace("(?P<text>.+)", ".+"), re.DOTALL)


def _suspicious(plain: str) -> Command | None:
    if _SUPERVISE.fullmatch(plain):
        return None
    for sign, pattern in ((Suspicion.LINK, _LINK), (Suspicion.CODE, _CODE_WORDS), (Suspicion.MONEY, _MONEY_WORDS)):
        if pattern.search(plain):
            return Suspicious(sign)
    return None


def _core(plain: str) -> str:
    """Without greeting, thanks and the little words at the end."""
    bare = _THANKS.sub("", plain)
    greeted = _GREETING.match(bare)
    if greeted and greeted.end() < len(bare):
        bare = bare[greeted.end() :]
    stripped = bare.strip(" ,。.!;~、").rstrip(_PARTICLES).rstrip(" ,。.!;~、")
    return stripped or bare


def _polite(plain: str) -> Command | None:
    unthanked = _THANKS.sub("", plain)
    if any(_ASSENT.fullmatch(form) for form in (plain, unthanked, unthanked.rstrip(_PARTICLES), _core(plain))):
        return Assent()
    return Courtesy() if not unthanked or _GREETING.fullmatch(unthanked + ",") else None


def _ballot(plain: str) -> Command | None:
    core = _core(plain)
    verb = _ANY_VERB.match(core)
    for form in (core, core[verb.end() :] if verb else core):
        if form != plain and (exact := _digits(form) or _legal_groups(form)) is not None:
            return Unclear(Doubt.OPTING) if isinstance(exact, OptOut | OptIn) else exact
    for pattern in (_STAND, _DIGIT_STAND, _STAND_DIGIT):
        if match := pattern.fullmatch(core):
            stance = next(stance for stance in Stance if match[stance.value])
            return Stand(stance) if pattern is _STAND else Choice(int(match["digit"]), stance)
    if match := _NAMED_POLL.fullmatch(core):
        return PollChoice(int(match["poll"]), int(match["option"].translate(_NUMERALS)))
    for pattern in (_CHOICE, _NUMERAL_CHOICE, _ORDINAL, _NUMBERED_OPTION):
        if match := pattern.fullmatch(core):
            return _chosen(match["rest"].strip().translate(_NUMERALS))
    return None


def _legal_groups(core: str) -> Command | None:
    grouped = _grouped(core)
    return grouped if isinstance(grouped, PollChoice | SlotChoice) else None


def _chosen(typed: str) -> Command:
    """What follows 投, 选 or 第 is a choice or a poll code, never a service."""
    if re.fullmatch("[0-9]", typed):
        return Choice(int(typed))
    command = digits(typed) if _ONLY_DIGITS.fullmatch(typed) else _legal_groups(typed)
    if isinstance(command, PollChoice | SlotChoice):
        return command
    return Unclear(Doubt.TWO)


def _received(plain: str) -> Command | None:
    core = _core(plain)
    if _NINE.fullmatch(core):
        return Received()
    match = _RECEIVED.fullmatch(core)
    if match is None:
        heard_of = _HEARD_OF.fullmatch(_THANKS.sub("", plain))
        return Received(about=heard_of["about"]) if heard_of else None
    numbers = [number for number in (match["before"], match["before2"], match["after"]) if number]
    if not numbers:
        return Received()
    named = len(numbers[0]) == 2 or "通知" in core  # 收到1 may as well be a vote after a thank-you
    return Received(int(numbers[0])) if len(numbers) == 1 and named and int(numbers[0]) else Unclear(Doubt.DIGITS)


def _doubtful(plain: str) -> Command | None:
    """A digit, an option word or a negation with next to nothing beside it."""
    left = _FILLERS.sub("", plain)
    negated = bool(_NEGATION.search(plain))
    typed = re.findall("[0-9]", plain)
    named = bool(re.search(f"{_NO}|{_YES}|{_ABSTAIN}", plain))
    if len(left) > _LEFTOVER or not (negated or typed or named):
        return None
    if negated and not re.fullmatch(f".*(?:{_NO}).*", plain, re.DOTALL):
        alone = not typed and not named and bool(left) and not _HEARD_WORDS.search(plain)
        return Unclear(Doubt.NEGATION, alone=alone)
    if len(set(typed)) > 1:
        return Unclear(Doubt.TWO)
    return Unclear(Doubt.OPTION if named else Doubt.DIGITS, alone=bool(left) and not named)


def _free(plain: str, text: str) -> Command:
    if (command := _texted(plain, text)) is not None:
        return command
    ballotish = bool(_BALLOT_WORDS.search(plain) or _LONE_DIGIT.search(plain))
    return FreeText(text.strip(), ballotish)


def _texted_later(plain: str) -> Command | None:
    """Words that take a text along are read in `_free`, before a short text of theirs is found doubtful."""
    if _SUPERVISE.fullmatch(plain) or _HELP.fullmatch(plain) or _SUGGEST.fullmatch(plain):
        return None
    return _doubtful(plain)


_READERS: tuple[Callable[[str], Command | None], ...] = (
    _opting,
    _digits,
    _grouped,
    _lookalike,
    _code,
    _suspicious,
    _distress,
    _word,
    _ballot,
    _received,
    _polite,
    _texted_later,
)

_LONG_READERS: tuple[Callable[[str], Command | None], ...] = (_grouped, _suspicious)
