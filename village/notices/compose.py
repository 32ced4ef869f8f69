"""The exact words of a notice on a phone, fitted to as few messages as they need, and what to warn a clerk about.

Never changes what the clerk wrote: only line breaks go, and the ending that asks for an answer is shortened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gateway.segments import MAX_PARTS, count
from village.ground.wording import RefusalError, Wording, say
from village.notices.notice import ENDS, Channels, Order, one_line
from village.notices.office import Office
from village.people.audience import AudienceKind

ONE_PART_UNITS = 70
"""UCS-2 units in an unsplit message (3GPP TS 23.038); 67 in each part of a longer one."""
PART_UNITS = 67

LONGEST_SMS_PARTS = 6
"""Old phones keep 10 to 20 parts in all; a longer text belongs on the page and into the call."""

_SHORTEST = "收到回9"
_RELATIVE_DAY = re.compile(
    "今天|今早|今晚|今日|明天|明早|明晚|明日|后天|大后天|下周|下星期|下礼拜|周[一二三四五六日天]|星期[一二三四五六日天]"
)
_DATE = re.compile(
    r"[0-9０-９]{1,2}\s*[月/.-]\s*[0-9０-９]{1,2}|[0-9０-９]{1,2}\s*[日号]|[一二三四五六七八九十]+[日号]|[初廿][一二三四五六七八九十]"
)
_LINK = re.compile(r"https?:|www\.|[a-z0-9-]+\.(?:com|cn|net|org|top|xyz)\b", re.IGNORECASE)
_FRAUD = re.compile("验证码|校验码|转账|汇款|银行卡号|密码|点击链接|中奖")


def sms_text(office: Office, number: int, text: str, short_text: str = "", *, calls: bool = True) -> str:
    """What a phone shows: 【青山村】通知17:…。收到请回9,想听电话念回0217"""
    return _fitted(f"【{office.signature}】通知{number}:{sms_body(text, short_text)}", _endings(office, number, calls))


def correction_text(office: Office, number: int, text: str, short_text: str = "", *, calls: bool = True) -> str:
    """What those see who had the old wording: 【青山村】更正通知17:…,前一条作废。收到请回9"""
    body = sms_body(text, short_text).rstrip(ENDS)
    endings = [f"前一条作废。{ending}" for ending in _endings(office, number, calls)]
    return _fitted(f"【{office.signature}】更正通知{number}:{body},", endings)


_REMINDS = ("还没收到您的回音。", "再提醒:", "提醒")


def reminder_text(
    office: Office, number: int, text: str, short_text: str = "", *, calls: bool = True, corrected: bool = False
) -> str:
    """The same words again, said to be a reminder as kindly as fits: 【青山村】还没收到您的回音。通知17:…。收到请回9"""
    body, endings = sms_body(text, short_text), _endings(office, number, calls)
    what = f"{'更正' if corrected else ''}通知{number}:{body}"
    made = [_fitted(f"【{office.signature}】{reminds}{what}", endings) for reminds in _REMINDS]
    fewest = min(count(one).parts for one in made)
    return next(one for one in made if count(one).parts == fewest)


def sms_body(text: str, short_text: str = "") -> str:
    """One line that ends as a sentence does."""
    joined = one_line(short_text or text)
    return joined if joined[-1:] in "。！？!?…" else joined.rstrip(ENDS) + "。"


def _endings(office: Office, number: int, calls: bool) -> list[str]:
    fetch = f"02{number:02}"
    spoken = [f"收到请回9,想听电话念回{fetch}", f"收到回9,听电话念回{fetch}"] if office.calls and calls else []
    return [*spoken, "收到请回9", _SHORTEST]


def _fitted(start: str, endings: list[str]) -> str:
    """With the fullest ending that costs no message more than the shortest does."""
    fewest = count(start + endings[-1]).parts
    return next(start + ending for ending in endings if count(start + ending).parts == fewest)


def refuse_too_long(office: Office, number: int, channels: Channels, text: str, short_text: str) -> None:
    """Raises RefusalError (422) for an SMS no carrier takes; a correction is a little longer than its notice."""
    parts = count(correction_text(office, number, text, short_text)).parts
    if channels.sms and parts > MAX_PARTS:
        raise RefusalError(
            say("短信要分{parts}条，最多{most}条。请在“短信另写一句短的”里写一句", parts=parts, most=MAX_PARTS),
            status=422,
        )


@dataclass(frozen=True, slots=True)
class Saving:
    """How many characters fewer would save a whole message."""

    units: int
    parts: int


def saving(text: str) -> Saving | None:
    """None where the text is one message already."""
    counted = count(text)
    if counted.parts <= 1:
        return None
    parts = counted.parts - 1
    room = ONE_PART_UNITS if parts == 1 else PART_UNITS * parts
    if counted.encoding == "gsm7":
        room = 160 if parts == 1 else 153 * parts
    return Saving(max(counted.units - room, 1), parts)


def shortest_text(office: Office, number: int, text: str, short_text: str = "") -> str:
    """With the shortest ending: what decides how many messages the notice needs."""
    return f"【{office.signature}】通知{number}:{sms_body(text, short_text)}{_SHORTEST}"


def lint(order: Order, number: int, phones: int, office: Office) -> list[Wording]:
    """What a clerk should think about before sending; `phones` is how many get the SMS."""
    spoken = order.short_text or order.text
    warnings: list[Wording] = []
    shown = shortest_text(office, number, order.text, order.short_text)
    less = saving(shown)
    if less is not None and phones:
        yuan = f"{phones * office.sms_price_fen / 100:.2f}"
        warnings.append(
            say("短信要分{parts}条发。少写{n}个字就只要{fewer}条，一共省{yuan}元", parts=less.parts + 1, n=less.units,
                fewer=less.parts, yuan=yuan)
        )  # fmt: skip
    if order.channels.sms and count(shown).parts > LONGEST_SMS_PARTS:
        warnings.append(say("老人机一次收不了这么长的短信。请另写一句短的给短信，全文留给网页和电话"))
    relative = _RELATIVE_DAY.search(spoken)
    if relative and not _DATE.search(spoken):
        warnings.append(say("写了“{word}”，没写几月几日。短信晚到一天就错了，请写上日期", word=relative[0]))
    if _LINK.search(spoken):
        warnings.append(say("里面有网址。老人不敢点，运营商也常拦，最好写去哪里、打哪个电话"))
    fraud = _FRAUD.search(spoken)
    if fraud:
        warnings.append(say("“{word}”像诈骗短信，可能被手机拦下。村里从不要密码、不叫人转账", word=fraud[0]))
    if "【" in order.text or "【" in order.short_text:
        warnings.append(say("签名【{name}】会自动加上，正文里不用再写", name=office.signature))
    if order.channels.page and order.audience.kind not in (AudienceKind.EVERYONE, AudienceKind.GROUPS):
        warnings.append(say("这条只发给一部分人，但网页人人看得到。不想公开就别选网页"))
    if not order.channels.sms and not order.channels.call:
        warnings.append(say("只放网页：不发短信，不打电话，没看到的也不上门"))
    return warnings


def headline(text: str, limit: int) -> str:
    """The first words of a notice for a list, cut where a phrase ends if one does."""
    first = re.split(r"[。！？!?\n;；]", text, maxsplit=1)[0].strip() or text.strip()
    if len(first) <= limit:
        return first
    cut = first[:limit]
    phrase = re.match(r"(.{3,})[,，、:：]", cut)
    return phrase[1] if phrase else cut[: limit - 1] + "…"
