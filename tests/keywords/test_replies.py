"""Every reply is one SMS, in the law's own words, and keeps what matters when names are long."""

import inspect
import itertools

import pytest

from gateway.segments import count
from village.keywords.replies import Item, Replies, fits

PLAIN = Replies("青山村", "88001234", calls=True, rings_duty=True)


def test_the_words_of_the_law():
    """facts/sms.md, row for row."""
    said = {
        PLAIN.ack(17): "已记下您收到通知17。再听回0217,看更多回01",
        PLAIN.no_poll(): "现在没有进行中的表决。看通知回01,帮助回0",
        PLAIN.unregistered(): "这个号码没登记,这条没算票。请到村委会领6位码发回来;在外地打88001234",
        PLAIN.registered("王德福", 3): "登记成功:王德福,3组。收通知和表决。号码只给村委会用。退订回T",
        PLAIN.bad_code(2): "登记码不对或已用过。还能试2次。请到村委会换一张,电话88001234",
        PLAIN.latest([Item(17, "停水", "明天"), Item(18, "医保", "25日止"), Item(19, "打疫苗", "周三")]):
            "17停水(明天)18医保(25日止)19打疫苗(周三)。看全文回0117,听回0217",
        PLAIN.call(): "好,马上用88001234打给您念,接听不花钱",
        PLAIN.call_queued(4, 10): "线路忙,排在您前面4人,约10分钟后打给您。不用打了回020",
        PLAIN.suggested(21): "建议21已收到,村委会7日内答复。查进度回0421。别人附议回04218",
        PLAIN.languages(): "语音语言:普通话回081,本地话回082,慢速回083,只收短信回084",
        PLAIN.opted_out(): "已退订一般通知。红色橙色预警仍会发。恢复回DY或091,全部不要回T2",
        PLAIN.all_out(): "已停发全部短信。有险情村干部会上门。恢复回DY或091,电话88001234",
        PLAIN.opted_in(): "已恢复接收通知、表决和预警。退订回T",
        PLAIN.my_record(3): "我们存有:姓名、组、号码、语言、共用3人。要改要删到村委会或打88001234",
        PLAIN.menu(): "9收到 01看通知 02打给我念 03查票 04提意见 05求帮忙 06电话本 T退订。找人打88001234",
        PLAIN.not_understood(): "没看懂。投票回数字,通知01,建议04,求助05,菜单0。或打88001234",
        PLAIN.police(): "发到这里报不了警!马上打110、119、120;不能出声发短信到12110。值班干部正给您打电话",
        PLAIN.throttled(): "收到您多条短信,已暂停自动回复1小时。有事请打88001234",
        PLAIN.supervised(): "收到,只转给村务监督委员会。也可打12345政务热线或12388纪检举报",
    }  # fmt: skip
    assert {reply.text for reply in said} == {f"【青山村】{text}" for text in said.values()}


LONG_NAME = "阿卜杜热西提江·阿卜杜克热木江买买提"
DIRECTORY = [("青山村卫生服务中心", "057188001111"), ("农资农机服务站", "13900002222"), ("快递", "88003333")]
WORST: dict[str, list[object]] = {
    "number": [1, 99],
    "poll": [99],
    "tries_left": [0, 2],
    "name": ["王德福", LONG_NAME, "𠮷𠮷𠮷𠮷𠮷𠮷𠮷𠮷"],
    "group_no": [99],
    "holders": [1, 9],
    "ahead": [1, 600],
    "minutes": [1, 1200],
    "count_now": [1, 600],
    "seconds": [0, 600],
    "received_on": ["12月31日"],
    "choice": [1, 2, 3, 4],
    "entries": [[], DIRECTORY[:1], DIRECTORY],
    "items": [
        [],
        [Item(99, "停水停电停气停路", "12月31日止")] * 3,
        [Item(17, "停水")],
        [Item(99, "医保缴费截止日", "明天止")] * 2,
    ],
}
VILLAGES = [
    Replies(signature, phone, calls, rings)
    for signature, phone, calls, rings in itertools.product(
        ["青山村", "六个字的村名", "八个字的村委会名"],
        ["", "88001234", "13900000001", "+8613900000001"],
        [True, False],
        [True, False],
    )
]
TEMPLATES = [
    name
    for name, method in inspect.getmembers(Replies, inspect.isfunction)
    if not name.startswith("_") and name != "fit"
]


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_in_its_worst_case_is_one_sms(name):
    parameters = [each for each in inspect.signature(getattr(Replies, name)).parameters if each != "self"]
    for village in VILLAGES:
        for values in itertools.product(*(WORST[each] for each in parameters)):
            reply = getattr(village, name)(*values)
            assert fits(reply.text), (count(reply.text).units, reply.text)
            assert reply.text.startswith(f"【{village.signature}】")
            assert count(reply.text).encoding == "ucs2"
            assert reply.key.isupper()


def test_a_long_name_is_shortened_before_anything_that_matters_goes():
    longer = f"{LONG_NAME}艾合买提江吐尔逊江阿卜力孜热合曼江"
    text = Replies("六个字的村名", "13900000001").registered(longer, 12).text
    assert "阿卜杜热西提江,12组" in text
    assert text.endswith("退订回T")


def test_no_text_offers_a_call_where_no_line_is():
    silent = Replies("青山村", "88001234", calls=False)
    said = [silent.menu(), silent.ack(17), silent.latest([Item(17, "停水")]), silent.too_long(17)]
    assert not any("听" in reply.text or "回02" in reply.text or "02打" in reply.text for reply in said)


def test_nobody_is_said_to_ring_where_nobody_is_rung():
    assert "正给您打电话" not in Replies("青山村", "88001234", rings_duty=False).police().text


def test_the_newest_notice_is_never_left_out():
    text = (
        Replies("八个字的村委会名", "88001234")
        .latest([Item(n, "停水停电停气停路", "12月31日止") for n in (99, 98, 97)])
        .text
    )
    assert "99停水" in text
    assert "0199" in text
