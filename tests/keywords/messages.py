"""What villagers type, and what it is read as. Shared by the grammar's tests and the fuzzer's seeds."""

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

NUMBER, WORDS = Distress(Distressed.NUMBER), Distress(Distressed.WORDS)
YES, NO, ABSTAIN = Stand(Stance.YES), Stand(Stance.NO), Stand(Stance.ABSTAIN)


def free(text: str, *, ballotish: bool = False) -> FreeText:
    return FreeText(text, ballotish)


def unclear(doubt: Doubt) -> Unclear:
    return Unclear(doubt)


def story(doubt: Doubt) -> Unclear:
    """Doubtful while something is open; else somebody's own words."""
    return Unclear(doubt, alone=True)


MEANT: list[tuple[Command, str]] = [
    (
        Choice(1),
        "1·１·①·1️⃣·1.·1。·投1·我选1·TP1·tp 1·选1吧·投一·选一·一·壹·幺·第一个·第1项·第一·"
        "1号·1谢谢·1,谢谢村长·您好,我选1,谢谢·村长好 1·我要投1号·改1·GP1·改成1·回1·按1·回复1·"
        "我的票投1·就选1·还是选1·投給1·选择1·好的,选1·1👍·“1”",
    ),
    (Choice(2), "2·二·两·贰·貳·选第二·投2·选 2·选项2"),
    (Choice(3), "3·三·叁·第三个选项"),
    (Choice(6), "6·陆·六"),
    (Choice(7), "选7"),
    (Choice(1, Stance.YES), "1同意·1.同意·同意1·选1同意·1、同意·同意,选1·1贊成"),
    (Choice(2, Stance.NO), "2不同意·2反对·不同意2"),
    (Choice(1, Stance.NO), "1不同意"),
    (
        YES,
        "同意·赞成·贊成·我同意·我家同意·同意!·同意了·完全同意·投同意票·支持·tongyi·好,我同意·行,同意·同意,谢谢",
    ),
    (NO, "不同意·反对·我不同意·坚决反对·不赞成·不 同 意·我反對·butongyi"),
    (ABSTAIN, "弃权·棄權·我弃权"),
    (
        PollChoice(23, 1),
        "231·２３１·23#1·23 1·23-1·23.1·23,1·23/1·23*1·23 # 1·投231·"
        "TP231·TP23 1·23号选1·23选1·二三一·231谢谢·您好 23 1",
    ),
    (PollChoice(25, 1), "251"),
    (SlotChoice(23, 1, 1), "2311·23 1 1·23#1#1·投2311"),
    (SlotChoice(23, 2, 1), "23 2 1·2321"),
    (YesNo(yes=True), "8·八·8。·回8"),
    (YesNo(yes=False), "7·七·柒"),
    (
        Received(),
        "9·９·⑨·九·9。·回9·按9·9谢谢·收到·收到了·收到!·收到,谢谢·好的收到·知道了·晓得了·知道啦!·明白·"
        "看到了·短信收到·通知收到·SD·sd·收到9·9收到·嗯嗯,知道了·谢谢,收到·您好 收到·已收到·我们都知道了",
    ),
    (Received(17), "收到17·17收到·通知17收到·收到通知17·17号收到"),
    (Received(5), "收到通知5"),
    (Received(about="停水"), "停水通知收到了·停水的事知道了·停水知道了"),
    (Assent(), "好的·好·嗯·ok·行·可以·好吧·好的谢谢·要得·中"),
    (Courtesy(), "谢谢·谢谢村长·您好·感谢·谢谢通知·村长好"),
    (Service(0), "0·０·?·？·帮助·菜单·BZ·幫助"),
    (Service(1), "01·通知·TZ·看通知"),
    (Service(3), "03·查·CP·查票"),
    (Service(4), "04·建议·JY·提意见"),
    (Service(5), "05·求助·QZ"),
    (Service(6), "06·电话·DH·電話"),
    (Service(7), "07·党务·DW"),
    (Service(8), "08·语言·方言·YY"),
    (Service(9), "09"),
    (CallMe(), "02·听·HB·念给我听·打电话给我·聽"),
    (CallMe(17), "0217·听17·hb17·听通知17·０２１７·回0217"),
    (CancelCall(), "020"),
    (NoticeText(17), "0117·通知17·tz17·0117谢谢"),
    (ServiceChoice(4, 0), "040"),
    (ServiceChoice(4, 1), "041"),
    (ServiceChoice(6, 1), "061"),
    (ServiceChoice(7, 2), "072"),
    (ServiceChoice(8, 3), "083·慢速"),
    (ServiceChoice(8, 4), "084"),
    (Progress(21), "0421·建议21"),
    (Second(21), "04218·附议21·赞21·FY21·附議21"),
    (HelpOffer(33), "0533·帮忙33"),
    (HelpConsent(33, yes=True), "05338"),
    (HelpConsent(33, yes=False), "05337"),
    (OptOut(everything=False), "T·t·TD·退订·退訂·退订。· T ·090·Ｔ"),
    (OptOut(everything=True), "T2·t2·092·退订2"),
    (OptIn(), "DY·订阅·091·恢复·訂閱"),
    (Code("123456"), "123456·１２３４５６·ZC123456·注册123456"),
    (Code("073041"), "073041"),
    (Code("231111"), "231111"),
    (HowTo(Topic.REGISTERING), "注册·ZC·登记"),
    (HowTo(Topic.VOTING), "投票·TP·投·改"),
    (HowTo(Topic.DISCLOSURE), "公开·GK"),
    (HowTo(Topic.MY_RECORD), "我的信息·WD"),
    (HowTo(Topic.SUPERVISING), "监督·JD"),
    (Suggest("路灯坏了"), "建议:路灯坏了·JY 路灯坏了·建议，路灯坏了·意见：路灯坏了·建議 路灯坏了"),
    (Suggest("建议修路"), "建议修路"),
    (HelpRequest("要车去医院"), "求助 要车去医院·QZ:要车去医院"),
    (Supervise("监督 账不公开"), "监督 账不公开"),
    (Supervise("举报村主任贪污"), "举报村主任贪污"),
    (Supervise("监督:会计叫我转账 http://a.cn"), "监督:会计叫我转账 http://a.cn"),
    (NUMBER, "110·119·120·122·１１０·幺幺零·打110·110!·110 110·120快来·110?"),
    (WORDS, "救命·着火了·家里着火了快来人·有人落水·求助:老人晕倒了·救命啊!!!·我要报警"),
    (Suspicious(Suspicion.LINK), "点 http://a.cn/x 领钱·www.abc.com·领补贴 nb-gov.top/1·点击链接领取补贴"),
    (Suspicious(Suspicion.CODE), "您的验证码是123456·把驗證碼发给我"),
    (Suspicious(Suspicion.MONEY), "请转账500元到卡上·会计让我轉賬"),
    (
        unclear(Doubt.TWO),
        "1和2·12·1 2·1.2·2 3 1·1、2·1或2·1还是2·选1、2·11·23·99·十二·1 1·1和2都行·一二",
    ),
    (unclear(Doubt.LETTER), "l·O·o·I·A·23l·O1·Ⅱ·|·o117"),
    (unclear(Doubt.NEGATION), "我不选1·不选1·别选1·没收到·不知道·不明白·不·不弃权·不是1"),
    (
        unclear(Doubt.DIGITS),
        "1?·00·085·0100·111·1111·13800138000·12345·01 17·23:1·1❌·1票·还是1·投1票·收到1·123 456·1#·选1个·12.6·1234567",
    ),
    (unclear(Doubt.OPTION), "同意吗·不同意修路·全家同意·不反对·我们家4口人都同意·同意不同意"),
    (unclear(Doubt.OPTING), "别退订·我要退订·不要再发了·回T·取消·STOP·T 2·请退订·不退订"),
    (unclear(Doubt.EMPTY), "· ·。·👍·…·🙏🙏"),
    (story(Doubt.NEGATION), "没水了·来不了·听不懂·路不通"),
    (story(Doubt.DIGITS), "方案2"),
    (free("路灯坏了"), "路灯坏了"),
    (free("3组路灯坏了"), "3组路灯坏了"),
    (free("村口路灯不亮了"), "村口路灯不亮了"),
    (free("停水3天了"), "停水3天了"),
    (free("120元太贵了"), "120元太贵了"),
    (free("120张桌子坏了"), "120张桌子坏了"),
    (free("为什么不公开"), "为什么不公开"),
    (free("听不清楚电话"), "听不清楚电话"),
    (free("医保在哪里交"), "医保在哪里交"),
    (free("选东头", ballotish=True), "选东头"),
    (free("我觉得1比较好", ballotish=True), "我觉得1比较好"),
    (free("不同意在东路口装减速带,太吵", ballotish=True), "不同意在东路口装减速带,太吵"),
]
"""Messages of one meaning, with · between them."""

TABLE = [(typed, command) for command, texts in MEANT for typed in texts.split("·")]
