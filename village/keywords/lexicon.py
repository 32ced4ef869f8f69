"""The words and shapes villagers use: tables and patterns, with the limits that keep them from guessing.

Never decides; `grammar` tries them in the order of the law. A pattern is matched against the normalised text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from village.ground.reserved import NUMERAL
from village.keywords.commands import (
    CallMe,
    CancelCall,
    Command,
    HelpOffer,
    HowTo,
    NoticeText,
    OptIn,
    OptOut,
    Progress,
    Second,
    Service,
    ServiceChoice,
    Topic,
)

READ_LENGTH = 2000
"""What comes after so many characters changes no meaning; it is kept all the same."""
COMMAND_LENGTH = 48
"""A longer text is somebody's own words, whatever stands in it."""

FIRST_POLL = 20
"""10 to 19 name no poll, so that 110, 119, 120 and 122 can never be a ballot."""

_SEPARATORS = " #*\\-.,/"

EMERGENCY_NUMBERS = ("110", "119", "120", "122", "12110")
DISTRESS_LENGTH = 16
"""A cry for help is short; a long text with such a word tells a story, and a person will read it."""
AFTER_NUMBER_STORY = re.compile(
    "[0-9元块斤亩户人米号平岁多几年月日天万度分页吨公里%个张条只头棵袋箱包瓶名位家套件辆台期千百路]"
)

IN = {"dy", "订阅", "恢复", "恢复订阅", "dingyue", "091"}
ABOUT_OUT = re.compile(
    "退订|取消订阅|(?:别|不要|不用|不想)再?(?:给我|跟我|向我)?(?:发|收)|停发|(?:回|回复|发|发送)t[d2]?$"
    "|^(?:stop|unsubscribe|取消|停止|停|退|退出|退定|退钉|t[ ,.#-]?2)$"
)
ABOUT_OUT_LENGTH = 14

GREETING = re.compile(
    "(?>(?:谢谢|多谢|感谢|尊敬的|您好|你好|喂|hi|hello|大家好|早上好|下午好|晚上好|村长|书记|支书|主任|会计|干部|领导|村委会|村委|同志|老师|"
    "麻烦|打扰|请(?!问)|嗯|哦|那|好的|好|行|可以)(?:您|你|们|了|好)?[,:!。.、 ]*)++"
)
THANKS = re.compile(
    "(?:[,。.!;~、 ]*(?:谢谢|谢了|谢过|多谢|感谢|辛苦|麻烦|拜托)(?:您|你|大家|各位|村长|书记|支书|主任|干部|领导|"
    "村委会|村委|通知|提醒|告知|们|了|啦)*)+$"
)
PICTURE = re.compile(
    "[\\[【(](?:微笑|强|赞|玫瑰|抱拳|鼓掌|胜利|呲牙|龇牙|握手|ok|爱心|拥抱|愉快|大笑|偷笑|憨笑|嘿哈|合十|庆祝|鲜花|笑脸)[\\]】)]"
)
"""A picture that a plainer phone spells out."""
PARTICLES = "吧啊呀哦哈啦了的喔噢嘞咯喽噻哒呐滴"

SUBJECT = "(?:我们家|我们|我家|俺们家|俺家|咱家|本人|我|俺|咱)?"
INTENT = "(?:还是|决定|就|要|想|只|来|的)*"
BALLOT_VERB = (
    "(?:投票给|投票|投给|投|选择|选项|选|改成|改为|改选|改投|改|答案是|答案|答|票是|票投给|票投|toupiao|tp|gp)"
)
ANY_VERB = re.compile("(?:回复|回|按|发送|发|输入|填)")
YES = "同意|赞成|赞同|支持|tongyi"
NO = "不同意|不赞成|不赞同|不支持|反对|butongyi"
ABSTAIN = "弃权|qiquan"
_STANCE = f"(?P<no>{NO})|(?P<yes>{YES})|(?P<abstain>{ABSTAIN})"  # negation is looked for before yes
NEGATION = re.compile("不|没|未|别|勿|甭|莫|否|无|拒|×")

STAND = re.compile(
    f"{SUBJECT}{INTENT}(?:表示|坚决|完全|非常|十分|强烈|绝对|当然|{BALLOT_VERB})*(?:{_STANCE})(?:票|意见)?"
)
DIGIT_STAND = re.compile(f"{SUBJECT}{INTENT}{BALLOT_VERB}?第?(?P<digit>[1-6])[号项]?[.,:、)]?(?:{_STANCE})")
STAND_DIGIT = re.compile(f"{SUBJECT}{INTENT}(?:{_STANCE})[.,:、(]?{BALLOT_VERB}?第?(?P<digit>[1-6])[号项]?\\)?")
CHOICE = re.compile(f"{SUBJECT}{INTENT}{BALLOT_VERB}(?P<rest>[0-9{_SEPARATORS}]+)[号项]?(?:选项|方案)?")
NUMERAL_CHOICE = re.compile(
    f"{SUBJECT}{INTENT}(?:改投|改选|投票给|投票|投给|投|选择|选项|选)(?P<rest>[{NUMERAL}]+)[号项]?(?:选项|方案)?"
)
ORDINAL = re.compile(f"{SUBJECT}{INTENT}{BALLOT_VERB}?第(?P<rest>[1-6]|[{NUMERAL}])(?:号|项|个|条|种)?(?:选项|方案)?")
NAMED_POLL = re.compile(
    f"{SUBJECT}{INTENT}(?:{BALLOT_VERB}|表决|征求意见|第)?(?P<poll>[2-9][0-9])号?(?:表决|征求意见|投票)?"
    f"[,:]?(?:投票给|投给|投|选择|选|改成|改为|改选|改投)第?(?P<option>[0-9]|[{NUMERAL}])(?:号|项|个)?"
)
NUMBERED_OPTION = re.compile("(?P<rest>[1-6])(?:号|项|号选项|个选项)")

RECEIVED = re.compile(
    "(?:(?P<before>[0-9]{1,2})号?)?(?:通知)?(?P<before2>[0-9]{1,2})?[,: ]*"
    "(?:(?:我们家|我们|我家|俺家|我|俺|咱|已经|已|都|全|短信|通知|消息|信息|内容|好的|好|嗯|行|ok)[,。.! ]*)*"
    "(?:收到|知道|知晓|晓得|明白|了解|看到|看见|听到|听见|听清|听懂|看懂|懂|记住|记下|清楚|知|shoudao|sd)"
    "(?:通知|短信|消息|信息|内容|了|啦|咯|喽|您的|你的|村里的|[,:; ])*(?P<after>[0-9]{1,2})?号?"
)
HEARD_OF = re.compile(
    "(?:关于)?(?P<about>[^不没未别勿甭莫否无拒×0-9,。.!?吗呢嘛]{2,8}?)的?(?:这个|那个)?"
    "(?:通知|短信|消息|事情|事|的)*[,: ]*"
    "(?:我们|我|俺|都|已经|已)*(?:收到|知道|晓得|明白)[了啦咯喽]"
)
_DONE_WORD = (
    "办好|办完|办妥|办成|办了|办过|交好|交完|交齐|交清|交了|交过|缴好|缴完|缴清|缴了|缴过|交钱了|缴费了|已办|已交|已缴"
)
DONE = re.compile(
    "(?:(?P<before>[0-9]{1,2})号?)?(?:通知)?(?P<before2>[0-9]{1,2})?[,: ]*"
    "(?:我们家|我们|我家|俺家|咱家|我|俺|咱|已经|已|都|全|早就|早)*"
    f"(?:{_DONE_WORD})(?:了|啦|咯|喽|[,:; ])*(?:(?:已?回复?|按)?(?P<after>[0-9]{{1,2}})号?)?"
)
DONE_OF = re.compile(
    "(?:我们家|我们|我家|俺家|咱家|全家|家里|我|俺|咱)?的?(?P<about>[^不没未别勿甭莫否无拒×0-9,。.!?吗呢嘛]{2,8}?)(?:费|钱|款)?"
    f"(?:我们|我家|我|俺|已经|已|都|全|早就|早)*(?:{_DONE_WORD})(?:了|啦|咯|喽)*"
)
"""Of whom else it is said (孩子医保交了) is part of `about`, and fits nothing that is to be done."""
NINE = re.compile("(?:收到|知道了?)?[,: ]*9[,: ]*(?:收到|知道了?)?")
ASSENT = re.compile(
    "(?:好|好好|好的|好滴|好嘞|好呢|嗯|嗯嗯|嗯好|恩|行|行的|可以|成|中|要得|得行|没问题|是|是的|对|对的|ok|okay|k|遵命)"
    "(?:[,. ]*(?:好|好的|行|嗯|ok))*"
)

_SPACED = f" *[{_SEPARATORS}、:] *"
GROUPS = re.compile(f"[0-9]+(?:{_SPACED}[0-9]+)+")
SPLIT = re.compile(_SPACED)
LEGAL_GROUPS = re.compile(f"[0-9]+(?: *[{_SEPARATORS}] *[0-9]+)+")
ONLY_DIGITS = re.compile(r"[0-9]+")
SIGNS = frozenset("0123456789 #*-.,/、:;+=()×?!_|\\&%'\"<>~^$@[]{}")
LOOKALIKES = re.compile(f"[0-9lio|{_SEPARATORS}]*[lio|][0-9lio|{_SEPARATORS}]*")

WORDS: dict[str, Command] = {
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

NUMBERED: tuple[tuple[re.Pattern[str], Callable[[int], Command]], ...] = (
    (re.compile(r"(?:看通知|查通知|通知|看|tz)[: ]*([0-9]{1,2})号?"), NoticeText),
    (re.compile(r"([0-9]{1,2})号通知"), NoticeText),
    (re.compile(r"(?:听通知|念通知|听|念|回拨|hb)[: ]*([0-9]{1,2})号?(?:通知)?"), CallMe),
    (re.compile(r"(?:附议|点赞|赞|fy)(?:建议)?[: ]*([0-9]{1,2})号?(?:建议)?"), Second),
    (re.compile(r"(?:建议|查建议|jy)[: ]*([0-9]{1,2})号?(?:进度|怎么样)?"), Progress),
    (re.compile(r"(?:帮忙|bm)(?:求助)?[: ]*([0-9]{1,2})号?"), HelpOffer),
)
NUMBERED_CODE = re.compile(r"(?:注册码|登记码|注册|登记|zc)[: ]*([0-9]{6})")

_DOOR_WORD = "(?:上门单|上门|登门|shangmen|sm)"
_DOOR_BETWEEN = "[ 、,.;:/#*和与及号]"
DOORS = re.compile(
    f"{_DOOR_WORD}{_DOOR_BETWEEN}*(?:通知)?{_DOOR_BETWEEN}*"
    f"(?P<groups>(?:[0-9]{{1,9}}(?:[家户人](?![家户人])|号家?)?(?:{_DOOR_BETWEEN}*|$))*)"
    f"(?P<all>(?:家家|户户|人人)?(?:全部|全|都|所有|所有人|quanbu))?(?:家|户|人)?"
    "(?:都|已经|已)?(?:说到了?|说过了?|说好了?|说了?|告诉了?|通知了?|通知到了?|知道了?|到了|去了|去过了?|好了|完了|ok)?"
)
"""A leader's tick. 1-5 and 1到5 are left to him to write out."""
DOORS_COUNTED = re.compile(r"[0-9]([家户人])(?!\1)|全[家户人]")
"""3家都说了 may be three of them or number 3, and 全家都说了 one family or the whole list: he is asked."""
DOORS_LENGTH = 20
"""What begins like a tick and is longer is somebody's own words."""
DOORS_BEGUN = re.compile(f"{_DOOR_WORD}{_DOOR_BETWEEN}*(?:通知)?{_DOOR_BETWEEN}*[0-9{NUMERAL}十]")

_AFTER_WORD = "[:,.;、 。-]*"
SUGGEST = re.compile(
    f"{SUBJECT}(?:想|要|有个|有一个|有)?(?:提个|提一个|提)?(?:建议|意见|反映|jy){_AFTER_WORD}(?P<text>.+)", re.DOTALL
)
HELP = re.compile(f"(?:求助|qz){_AFTER_WORD}(?P<text>.+)", re.DOTALL)
SUPERVISE = re.compile(
    f"(?:监督委员会|监督委|监委会|监督|jd){_AFTER_WORD}(?P<text>.+)|"
    f"{SUBJECT}(?:要|想)?(?:实名|匿名)?(?:举报|检举|揭发|告发).*",
    re.DOTALL,
)
KEYWORD_BEFORE = re.compile(
    r"\s*(?:建[议議]|意[见見]|反映|求助|jy|qz|ｊｙ|ＪＹ|ｑｚ|ＱＺ)[\s:：,，.。;；、-]+", re.IGNORECASE
)

_UNITS = "组号户人元块万千百斤亩米天日月年点时分次个只头棵盏条家口岁楼层路平里公吨楼届位名位份期周度"
LONE_DIGIT = re.compile(f"(?<![0-9.:第])[1-6](?![0-9.:{_UNITS}])")
BALLOT_WORDS = re.compile(f"{NO}|{YES}|{ABSTAIN}|(?:选|投|投票|投给)[1-6一二三四五六]|^{SUBJECT}{INTENT}[选投]")
FILLERS = re.compile(
    f"{NO}|{YES}|{ABSTAIN}|我们家|我们|我家|我|俺|咱|你|您|他|她|本人|选择|选项|选|投票|投给|投|票|改成|改为|改|答案|号|项|个|第|"
    "和|与|或者|或|还是|跟|及|以及|都|也|又|就|要|想|是|的|了|吧|啊|呀|给|回复|回|按|好|行|可以|能|会|吗|呢|嘛|既|又|到底|"
    f"tp|gp|{NEGATION.pattern}|[0-9]|[^\\w]"
)
HEARD_WORDS = re.compile("收到|知道|晓得|明白|听懂|看懂|清楚|短信|通知")
MUTE = "[ ,.。:;!~、()\"'“”‘’…-]"
"""Signs beside an option's own words that say nothing; a question mark asks."""
PREFERENCE = re.compile(
    "选|投|票|觉得|认为|支持|赞成|同意|愿意|希望|应该|建议|比较|最好|更好|合适|方便|还是|喜欢|要|想|好$|行$|可以$"
)
"""What makes a longer text with an option's own words in it somebody's answer rather than news about that place."""
LEFTOVER = 2
"""Beside an option, a digit or a negation, so many other characters do not yet make a message of its own."""

TEXTED_WORD = re.compile(f"(?:{SUGGEST.pattern})|(?:{SUPERVISE.pattern})".replace("(?P<text>.+)", ".+"), re.DOTALL)

SERVICE_DIGITS: dict[str, Command] = {
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
SERVICE_ITEMS: dict[str, Callable[[int], Command]] = {
    "01": NoticeText,
    "02": CallMe,
    "04": Progress,
    "05": HelpOffer,
}
