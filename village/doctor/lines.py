"""The lines: what a lane and its transport know of themselves, judged and put into words.

Never touches a line and never repeats what a carrier wrote: its sentence may hold the village's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.condition import Condition
from gateway.failures import Trouble
from gateway.lanes import LaneStatus
from gateway.message import Channel
from village.doctor.finding import Finding, Part, Verdict
from village.doctor.moments import lasting, moment
from village.ground.wording import Wording, say

PATIENCE_MS = 5 * 60_000
"""A line that looks for its network, or starts anew, needs a few minutes; after that it will not find it by itself."""

STALE_MS = 14 * 86_400_000
"""A balance older than this says little: two weeks of notices may have been paid since."""

LONG_WAIT_MS = 6 * 3_600_000
"""1500 messages on a modem of eight a minute take three hours; what may go and waits twice as long is stuck."""

SIGNAL_GOOD, SIGNAL_FAIR, SIGNAL_WEAK = 48, 32, 6
"""Percent as ModemManager counts it, 100/31 of +CSQ (3GPP TS 27.007, 8.5): -83 dBm, -93 dBm, -109 dBm."""

BATTERY_LOW, BATTERY_EMPTY = 30, 15


@dataclass(frozen=True, slots=True)
class Ailment:
    """Why a line is down. `passes`: it may mend itself within PATIENCE_MS."""

    said: Wording
    do: Wording
    passes: bool = False


_CARRIER = say(
    "打运营商客服（移动10086，联通10010，电信10000），报村里这张卡的号码问清楚。修好前短信都排着；排满三天还发不了的，列进上门单。"
)
_REPLUG = say("把上网卡拔下来再插上，等一分钟。还不行，换一个USB口。")
_HIGHER = say("把它挪到窗边或者高处（上网卡可以接一根USB延长线），再看看同一家运营商的手机在那里有没有信号。")

NOTES: Mapping[str, Ailment] = MappingProxyType(
    {
        "no_device": Ailment(say("上网卡没有插好"), _REPLUG),
        "no_sim": Ailment(
            say("上网卡里没有认到手机卡"),
            say("拔下上网卡，取出手机卡擦干净，缺口对好重新装上，再插回去，等一分钟。"),
        ),
        "pin_wanted": Ailment(
            say("手机卡设了开机密码，没有人替它输"),
            say("把手机卡装进一部手机，在手机设置里关掉“SIM卡锁”，再装回上网卡。密码印在卡套上，输错三次会锁死。"),
        ),
        "pin_wrong": Ailment(
            say("设置里写的手机卡密码不对"),
            say(
                "不要反复试，输错三次会锁死。照卡套上的密码改好设置文件，再重新启动服务；密码没有写错、或者刚换过卡的，把卡装进手机，关掉“SIM卡锁”，再装回上网卡。"
            ),
        ),
        "puk_wanted": Ailment(
            say("手机卡锁死了"),
            say("带上办卡人的身份证，打运营商客服（移动10086，联通10010，电信10000）要解锁码，把卡装进手机解开。"),
        ),
        "searching": Ailment(say("在找信号"), _HIGHER, passes=True),
        "denied": Ailment(say("运营商不让这张卡用它的网：多半是停机了，没有实名，或者没有激活"), _CARRIER),
        "resetting": Ailment(say("上网卡在重新启动"), _REPLUG, passes=True),
    }
)
"""One for each word of `gateway.condition.NOTES`."""

TROUBLES: Mapping[Trouble, Ailment] = MappingProxyType(
    {
        Trouble.NO_CREDIT: Ailment(
            say("运营商不给发：话费用完了，或者这张卡没有开通短信"),
            say(
                "给村里这张卡充话费；充了还不行，打运营商客服问短信开通了没有。短信都排着，充好了自己接着发；排满三天还发不了的，列进上门单。"
            ),
        ),
        Trouble.UNPLUGGED: Ailment(
            say("设备没有插好，或者没有开"),
            say("看看设备的线和电，拔下来再插上，等一分钟。还不行，换一个USB口。"),
        ),
        Trouble.NO_SIGNAL: Ailment(say("没有信号"), _HIGHER, passes=True),
        Trouble.REFUSED: Ailment(say("运营商不接这条线路的短信或者电话"), _CARRIER),
        Trouble.CONGESTION: Ailment(say("运营商的网太忙"), _CARRIER, passes=True),
        Trouble.BUSY: Ailment(say("线路一直占着"), say("看看是不是有电话没有挂好。"), passes=True),
        Trouble.TIMEOUT: Ailment(
            say("线路没有回应"), say("把设备拔下来再插上，等一分钟。还不行，关掉这台电脑的电源再开。"), passes=True
        ),
        Trouble.INTERRUPTED: Ailment(
            say("线路断了一下"), say("把设备拔下来再插上，等一分钟。还不行，关掉这台电脑的电源再开。"), passes=True
        ),
        Trouble.SPEECH: Ailment(say("电话里的话念不出来"), say("看下面“声音”那一条。")),
        Trouble.OTHER: Ailment(
            say("线路出了毛病"),
            say("把设备拔下来再插上，等一分钟。还不行，关掉这台电脑的电源再开，再把这一页念给来帮忙的人听。"),
        ),
    }
)
"""What a whole line can be down with."""

_OFFLINE = Ailment(
    say("连不上外网"), say("看看路由器和网线；别的电脑也上不了网，就打电话报修。村里自己的线路不受影响。"), passes=True
)
_PHONE_AWAY = Ailment(
    say("那部旧手机连不上"),
    say("看看手机开着没有、充着电没有、连着村里的 Wi-Fi 没有，再打开里面的 SMS Gateway，把它开起来。"),
)
_OF_KIND: Mapping[str, Mapping[str, Ailment]] = MappingProxyType(
    {
        "twilio": {
            Trouble.NO_CREDIT: Ailment(
                say("Twilio 账上没有钱，或者账号停了"), say("请管账号的人到 Twilio 网站上看一看。")
            ),
            Trouble.REFUSED: Ailment(
                say("Twilio 不认村里的账号，或者没有开通往这里发"),
                say("请管电脑的人核对 secrets.toml 里的账号，再到 Twilio 网站上看哪些国家开通了。"),
            ),
            **dict.fromkeys(
                (Trouble.UNPLUGGED, Trouble.NO_SIGNAL, Trouble.TIMEOUT, Trouble.INTERRUPTED, Trouble.OTHER), _OFFLINE
            ),
        },
        "phone": {
            Trouble.REFUSED: Ailment(
                say("那部旧手机不认设置里的密码"),
                say("打开手机里的 SMS Gateway，请管电脑的人照上面显示的名字和密码改好 secrets.toml，再重新启动服务。"),
            ),
            **dict.fromkeys(
                ("no_device", Trouble.UNPLUGGED, Trouble.TIMEOUT, Trouble.INTERRUPTED, Trouble.OTHER), _PHONE_AWAY
            ),
        },
    }
)
"""Where what to do depends on what kind of line it is."""

OF_ONE_MESSAGE = frozenset(
    {
        Trouble.DEAD_NUMBER,
        Trouble.CONTENT,
        Trouble.NO_LINE,
        Trouble.FULL_PHONE,
        Trouble.NO_ANSWER,
        Trouble.HUNG_UP,
        Trouble.NO_REPORT,
        Trouble.UNREADABLE,
    }
)
"""Troubles of one message or one phone; no line goes down with them."""

_DEVICES: Mapping[str, Wording] = MappingProxyType(
    {
        "modem": say("上网卡"),
        "phone": say("旧手机"),
        "twilio": say("外网"),
        "simulator": say("模拟"),
        "simulator-calls": say("模拟"),
    }
)
_CHANNELS = MappingProxyType({Channel.SMS: say("短信"), Channel.CALL: say("电话")})


def line_name(name: str, channel: Channel) -> Wording:
    """短信·上网卡: what a clerk calls the line that the log calls modem; 短信·上网卡 123456 where there are several."""
    kind, _, which = name.partition("-")
    device: Wording | str = _DEVICES.get(name, name)
    if device is name and kind in _DEVICES:
        device = say("{device} {which}", device=_DEVICES[kind], which=which)
    return say("{channel}·{device}", channel=_CHANNELS[channel], device=device)


def no_lines() -> Finding:
    """A village that was never given a line: allowed, and nobody's phone will ring."""
    return Finding(
        Part.LINE,
        Verdict.MIND,
        say("没有接短信线路，通知只上公开页和上门单"),
        say("插上装了手机卡的上网卡，请懂电脑的人把 village.toml 里 [sms] 的 transport 改成 modem，再重新启动服务。"),
    )  # fmt: skip


def examine_line(status: LaneStatus, condition: Condition | None, *, now_ms: int, price_fen: int) -> list[Finding]:
    """A line in one to five findings. `condition` None: a line that knows nothing of itself."""
    name = line_name(status.name, status.channel)
    about = condition or Condition()
    findings = [_link(status, about, name, now_ms)]
    if about.signal is not None and about.note in ("", "searching"):
        findings.append(_signal(about.signal, name))
    if status.broke:
        findings.append(_over_budget(name))
    if about.balance_fen is not None:
        findings.append(_balance(about, name, now_ms, price_fen))
    if about.battery is not None:
        findings.append(_battery(about.battery, name))
    return findings


def _link(status: LaneStatus, about: Condition, name: Wording, now_ms: int) -> Finding:
    if status.stuck:
        do = say("等五分钟再看这一页；还这样，把这台电脑的电源关掉再开。排着的不会丢。")
        return Finding(Part.LINE, Verdict.BAD, say("卡住了：有等着发的，可是一动不动"), do, name)
    if status.up and not about.note:
        said = say("通，{operator}", operator=about.operator) if about.operator else say("通")
        return Finding(Part.LINE, Verdict.GOOD, said, line=name)
    ailment = ailment_of(about.note, status.trouble, status.name.partition("-")[0])
    lasted_ms = max(0, now_ms - status.since_ms)
    if status.up or (ailment.passes and lasted_ms < PATIENCE_MS):
        said = say("{said}，等一会儿", said=ailment.said)
        return Finding(Part.LINE, Verdict.MIND, said, say("等五分钟再看这一页。"), line=name)
    said = say("断了{lasting}：{said}", lasting=lasting(lasted_ms), said=ailment.said)
    return Finding(Part.LINE, Verdict.BAD, said, ailment.do, line=name)


def _over_budget(name: Wording) -> Finding:
    do = say(
        "要接着发，请懂电脑的人在 village.toml 里把 month_yuan 改大，再重新启动服务；不改就等下个月1号，自己恢复。"
    )
    return Finding(Part.BUDGET, Verdict.BAD, say("这个月的用完了，只发紧急的，别的都等着"), do, name)


def ailment_of(note: str, trouble: Trouble | None, kind: str = "") -> Ailment:
    """The note says it more exactly than the trouble; a trouble of one message explains no line. `kind`: the line's."""
    own = _OF_KIND.get(kind, {})
    found = own.get(note) or own.get(trouble or Trouble.OTHER)
    if found is not None:
        return found
    if note in NOTES:
        return NOTES[note]
    return TROUBLES.get(trouble or Trouble.OTHER, TROUBLES[Trouble.OTHER])


def _signal(percent: int, name: Wording) -> Finding:
    if percent >= SIGNAL_GOOD:
        return Finding(Part.SIGNAL, Verdict.GOOD, say("好（{percent}%）", percent=percent), line=name)
    if percent >= SIGNAL_FAIR:
        return Finding(Part.SIGNAL, Verdict.GOOD, say("够用（{percent}%）", percent=percent), line=name)
    if percent >= SIGNAL_WEAK:
        return Finding(Part.SIGNAL, Verdict.MIND, say("弱（{percent}%），有的短信会慢", percent=percent), _HIGHER, name)
    return Finding(Part.SIGNAL, Verdict.BAD, say("几乎没有（{percent}%）", percent=percent), _HIGHER, name)


def _balance(about: Condition, name: Wording, now_ms: int, price_fen: int) -> Finding:
    fen, at_ms = about.balance_fen or 0, about.balance_ms
    yuan = f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"
    when = say("不知道哪天查的") if at_ms is None else say("{when}查的", when=moment(at_ms, now_ms))
    said = say("{yuan}元（{when}）", yuan=yuan, when=when)
    if fen <= 0:
        do = say("给村里这张卡充话费。排着的短信不会丢，充好了自己接着发。")
        return Finding(Part.BALANCE, Verdict.BAD, said, do, name)
    if price_fen > 0:
        said = say("{said}，大约还能发{n}条", said=said, n=fen // price_fen)
    if _is_low(about, price_fen):
        return Finding(Part.BALANCE, Verdict.MIND, said, say("快用完了，这几天给村里这张卡充话费。"), name)
    if at_ms is not None and now_ms - at_ms > STALE_MS:
        do = say("好久没有查到了。照运营商的办法发短信或者打客服问一下还剩多少。")
        return Finding(Part.BALANCE, Verdict.MIND, said, do, name)
    return Finding(Part.BALANCE, Verdict.GOOD, said, line=name)


LOW_MESSAGES = 100
"""A notice to a small village, once: less than that is left and the next one may stop in the middle."""


def _is_low(about: Condition, price_fen: int) -> bool:
    """The line's own alarm, or too little for a round of texts to the village."""
    return about.low or (about.balance_fen or 0) < LOW_MESSAGES * price_fen


def _battery(percent: int, name: Wording) -> Finding:
    said = say("{percent}%", percent=percent)
    if percent < BATTERY_EMPTY:
        return Finding(Part.BATTERY, Verdict.BAD, said, say("马上插上充电器；手机关了，短信就停了。"), name)
    if percent < BATTERY_LOW:
        return Finding(Part.BATTERY, Verdict.MIND, said, say("插上充电器，平时一直插着。"), name)
    return Finding(Part.BATTERY, Verdict.GOOD, said, line=name)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The queue: `later` may not go yet (planned, quiet hours, a second try); `since_ms`: the oldest of `due`."""

    due: int = 0
    later: int = 0
    since_ms: int | None = None


def examine_queue(waiting: Waiting, *, any_line_up: bool, now_ms: int) -> Finding:
    if not waiting.due:
        said = say("{n}条到点再发", n=waiting.later) if waiting.later else say("没有")
        return Finding(Part.QUEUE, Verdict.GOOD, said)
    lasted_ms = max(0, now_ms - (now_ms if waiting.since_ms is None else waiting.since_ms))
    said = say("{n}条，最早的等了{lasting}", n=waiting.due, lasting=lasting(lasted_ms))
    if not any_line_up:
        return Finding(
            Part.QUEUE, Verdict.MIND, said, say("先修线路，通了自己接着发；排满三天还发不了的，列进上门单。")
        )
    if lasted_ms > LONG_WAIT_MS:
        return Finding(Part.QUEUE, Verdict.MIND, said, say("等得太久了：看看线路、信号和话费那几条。"))
    return Finding(Part.QUEUE, Verdict.GOOD, say("{said}，正在发", said=said))
