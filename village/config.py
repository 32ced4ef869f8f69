"""`village.toml`: what a village may set, checked whole before anything starts.

Never reads secrets (they are in files of their own) and never stops at the first mistake: all are named at once, each
with its key and with what would be right.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from village.ground.reasons import reason_of
from village.ground.wording import RefusalError, Wording, say

T = TypeVar("T")

SIMULATOR = "simulator"
NONE = "none"
MODEM = "modem"
PHONE = "phone"
TWILIO = "twilio"
_SMS_TRANSPORTS = (NONE, SIMULATOR, MODEM, PHONE, TWILIO)
_CALL_TRANSPORTS = (NONE, SIMULATOR)
_SIGNATURE_MAX = 8
"""Carriers want 【签名】 of 3 to 8 characters (facts/sms.md, vendors' pages); some villages' names have two."""

_TABLES = ("village", "web", "sms", "modem", "phone", "twilio", "calls", "quiet", "notices", "directory")

_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)\Z")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
_IMEI = re.compile(r"[0-9]{15}\Z")
_USSD = re.compile(r"[*#0-9]{2,20}\Z")
_BALANCE_TEXT = re.compile(r"[0-9]{3,12} \S{1,20}\Z")
_LOCAL_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]{1,200}/?\Z")
_PUBLIC_URL = re.compile(r"https://[A-Za-z0-9.-]{1,200}(:[0-9]{1,5})?/?\Z")
_SERVICE = re.compile(r"MG[0-9a-f]{32}\Z")
_PHONE = re.compile(r"\+?[0-9]{3,15}\Z")


OPEN_HOURS = ((7 * 60, 12 * 60 + 30), (14 * 60, 21 * 60))
"""07:00-12:30 and 14:00-21:00: our proposal, no statute names quiet hours (facts/sms.md)."""


class ConfigError(RefusalError):
    """Every mistake in the file, one Wording each."""


@dataclass(frozen=True, slots=True)
class VillageSettings:
    name: str
    signature: str
    groups: int
    duty_name: str = ""
    duty_phone: str = ""
    sms_number: str = ""
    area_code: str = ""
    sample: bool = False
    mainland: bool = True
    """In mainland China: a line over a company abroad opens only once notice and consent are on file."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    listen: str = "0.0.0.0"  # noqa: S104 - the village's own Wi-Fi is who the public page is for
    public_port: int = 8080
    desk_port: int = 8443
    loopback_port: int = 8081
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SmsSettings:
    """`transports`: the kinds of line in the order in which they are asked. The rest holds for each SIM."""

    transports: tuple[str, ...] = ()
    per_minute: int = 8
    price_fen: int = 10
    month_yuan: int = 0
    """What each SIM may cost in a month; 0: no limit."""
    acknowledge: bool = False

    @property
    def simulated(self) -> bool:
        return self.transports == (SIMULATOR,)


@dataclass(frozen=True, slots=True)
class ModemSettings:
    devices: tuple[str, ...] = ()
    """The sticks by their IMEI, the first one first; empty: the only one there is."""
    balance_code: str = ""
    balance_text: tuple[str, str] | None = None
    """Number and words, where the carrier tells the balance by SMS: most in China do."""
    low_balance_yuan: int = 10


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """An old Android phone with the app SMS Gateway in its local mode."""

    url: str = ""
    sim: int = 0
    """Which of its SIMs, 1 or 2; 0: the phone's own choice."""
    callback_url: str = ""
    """Where the phone can reach the village; empty: the village only asks."""


@dataclass(frozen=True, slots=True)
class TwilioSettings:
    """One of `sender` and `messaging_service`."""

    sender: str = ""
    messaging_service: str = ""
    public_url: str = ""
    per_minute: int = 60
    price_fen: int = 50
    month_yuan: int = 0


@dataclass(frozen=True, slots=True)
class CallSettings:
    transport: str = NONE
    lines: int = 1
    price_fen_per_minute: int = 15
    month_yuan: int = 0


@dataclass(frozen=True, slots=True)
class NoticeSettings:
    """Hours after a notice in which nothing came back. 0: that rung is left out."""

    remind_after_hours: int = 4
    call_after_hours: int = 8
    second_call: bool = True
    door_after_hours: int = 24


@dataclass(frozen=True, slots=True)
class Config:
    village: VillageSettings
    web: WebSettings = field(default_factory=WebSettings)
    sms: SmsSettings = field(default_factory=SmsSettings)
    modem: ModemSettings = field(default_factory=ModemSettings)
    phone: PhoneSettings = field(default_factory=PhoneSettings)
    twilio: TwilioSettings = field(default_factory=TwilioSettings)
    calls: CallSettings = field(default_factory=CallSettings)
    notices: NoticeSettings = field(default_factory=NoticeSettings)
    open_hours: tuple[tuple[int, int], ...] = OPEN_HOURS
    """Spans of minutes of the Beijing day in which ordinary messages may go out."""
    directory: tuple[tuple[str, str], ...] = ()
    """Names and numbers that a villager who texts 06 is told, in the order of the file."""


def read_config(path: Path) -> Config:
    """The settings in `path`. Raises ConfigError with everything that is wrong."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as missing:
        raise ConfigError(say("找不到 {path}，请先运行 village init", path=path)) from missing
    except (OSError, UnicodeDecodeError) as unreadable:
        reason = reason_of(unreadable) if isinstance(unreadable, OSError) else say("不是 UTF-8 文字")
        raise ConfigError(say("读不了 {path}：{reason}", path=path, reason=reason)) from unreadable
    return parse_config(text)


def parse_config(text: str) -> Config:
    """Raises ConfigError with everything that is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise ConfigError(say("village.toml 不是正确的 TOML：{reason}", reason=broken)) from broken
    reading = _Reading(tables)
    config = Config(
        village=VillageSettings(
            name=reading.text("village.name", need=True, at_most=20),
            signature=reading.text("village.signature", need=True, at_least=2, at_most=_SIGNATURE_MAX),
            groups=reading.whole("village.groups", 1, lowest=1, highest=99),
            duty_name=reading.text("village.duty_name", at_most=10),
            duty_phone=reading.phone("village.duty_phone"),
            sms_number=reading.phone("village.sms_number"),
            area_code=reading.shaped(
                "village.area_code", re.compile(r"0\d{2,3}\Z"), say('区号，0开头的3到4位数字，比如 "0571"')
            ),
            sample=reading.flag("village.sample"),
            mainland=reading.flag("village.mainland", True),
        ),
        web=WebSettings(
            listen=reading.address("web.listen", "0.0.0.0"),  # noqa: S104 - see WebSettings
            public_port=reading.port("web.public_port", 8080),
            desk_port=reading.port("web.desk_port", 8443),
            loopback_port=reading.port("web.loopback_port", 8081),
            names=reading.names("web.names"),
        ),
        sms=SmsSettings(
            transports=reading.several("sms.transport", _SMS_TRANSPORTS),
            per_minute=reading.whole("sms.per_minute", 8, lowest=1, highest=6000),
            price_fen=reading.whole("sms.price_fen", 10, lowest=0, highest=1000),
            month_yuan=reading.whole("sms.month_yuan", 0, lowest=0, highest=100_000),
            acknowledge=reading.flag("sms.acknowledge"),
        ),
        modem=ModemSettings(
            devices=reading.imeis("modem.devices"),
            balance_code=reading.shaped("modem.balance_code", _USSD, say('查余额的代码，比如 "*100#"；没有就写 ""')),
            balance_text=reading.number_and_words("modem.balance_text"),
            low_balance_yuan=reading.whole("modem.low_balance_yuan", 10, lowest=0, highest=1000),
        ),
        phone=PhoneSettings(
            url=reading.shaped("phone.url", _LOCAL_URL, say('手机上显示的地址，比如 "http://192.168.1.20:8080"')),
            sim=reading.whole("phone.sim", 0, lowest=0, highest=2),
            callback_url=reading.shaped(
                "phone.callback_url", _PUBLIC_URL, say('https 开头的村里地址，比如 "https://192.168.1.10:8443"')
            ),
        ),
        twilio=TwilioSettings(
            sender=reading.shaped(
                "twilio.sender", re.compile(r"\+[0-9]{8,15}\Z"), say('带国家号的号码，比如 "+15005550006"')
            ),
            messaging_service=reading.shaped("twilio.messaging_service", _SERVICE, say("MG 开头的34位编号")),
            public_url=reading.shaped(
                "twilio.public_url", _PUBLIC_URL, say('https 开头的外网地址；没有就写 ""，村里自己去问')
            ),
            per_minute=reading.whole("twilio.per_minute", 60, lowest=1, highest=6000),
            price_fen=reading.whole("twilio.price_fen", 50, lowest=0, highest=10_000),
            month_yuan=reading.whole("twilio.month_yuan", 0, lowest=0, highest=100_000),
        ),
        calls=CallSettings(
            transport=reading.choice("calls.transport", NONE, _CALL_TRANSPORTS),
            lines=reading.whole("calls.lines", 1, lowest=1, highest=32),
            price_fen_per_minute=reading.whole("calls.price_fen_per_minute", 15, lowest=0, highest=1000),
            month_yuan=reading.whole("calls.month_yuan", 0, lowest=0, highest=100_000),
        ),
        notices=NoticeSettings(
            remind_after_hours=reading.whole("notices.remind_after_hours", 4, lowest=0, highest=24 * 14),
            call_after_hours=reading.whole("notices.call_after_hours", 8, lowest=0, highest=24 * 14),
            second_call=reading.flag("notices.second_call", True),
            door_after_hours=reading.whole("notices.door_after_hours", 24, lowest=1, highest=24 * 14),
        ),
        open_hours=reading.spans("quiet.open", OPEN_HOURS),
        directory=reading.directory("directory"),
    )
    reading.refuse_strangers()
    ports = [config.web.public_port, config.web.desk_port, config.web.loopback_port]
    used = [port for port in ports if port]
    if len(set(used)) != len(used):
        reading.mistakes.append(say("village.toml 里 [web] 的三个端口不能相同"))
    _check_lines(reading, config)
    if reading.mistakes:
        raise ConfigError(*reading.mistakes)
    return config


def _check_lines(reading: _Reading, config: Config) -> None:
    """What no single key can say: which lines go together, and what each of them cannot do without."""
    sms, calls = config.sms.transports, config.calls.transport
    if config.village.sample and not (config.sms.simulated and calls == SIMULATOR):
        for key in ("sms.transport", "calls.transport"):
            if reading.as_written(key) != SIMULATOR:
                reading.wrong(key, say('样板村的号码是编的，只能用 "simulator"'))
    if not config.village.sample:
        for key, simulated in (("sms.transport", SIMULATOR in sms), ("calls.transport", calls == SIMULATOR)):
            if simulated:
                reading.wrong(key, say('模拟线路只给样板村用；还没接线路就写 "none"'))
    if PHONE in sms and not config.phone.url:
        reading.wrong("phone.url", say('手机上显示的地址，比如 "http://192.168.1.20:8080"'))
    if TWILIO in sms and bool(config.twilio.sender) == bool(config.twilio.messaging_service):
        reading.wrong("twilio.sender", say("号码；或者写 messaging_service，两个里只写一个"))


class _Reading:
    """Takes values out of the parsed file, remembers what is wrong and which keys nobody asked for."""

    def __init__(self, tables: dict[str, object]) -> None:
        self.mistakes: list[Wording] = []
        self._values: dict[str, object] = {}
        self._asked: set[str] = set()
        for table, content in tables.items():
            if table in _TABLES and not isinstance(content, dict):
                self.wrong(table, say("一段，写成 [{table}]", table=table))
            elif isinstance(content, dict):
                self._values.update({f"{table}.{key}": value for key, value in content.items()})
            else:
                self._values[table] = content

    def wrong(self, key: str, right: Wording) -> None:
        self.mistakes.append(say("village.toml 里 {key}：应当是{right}", key=key, right=right))

    def refuse_strangers(self) -> None:
        for key in sorted(self._values.keys() - self._asked):
            self.mistakes.append(say("village.toml 里没有 {key} 这一项，请删掉或改对名字", key=key))

    def _take(self, key: str, default: T, check: Callable[[object], T | None], right: Wording) -> T:
        self._asked.add(key)
        if key not in self._values:
            return default
        taken = check(self._values[key])
        if taken is None:
            self.wrong(key, right)
            return default
        return taken

    def text(self, key: str, *, need: bool = False, at_least: int = 1, at_most: int) -> str:
        if need and key not in self._values:
            self._asked.add(key)
            self.wrong(key, say("必填的{least}到{most}个字", least=at_least, most=at_most))
            return ""

        def check(value: object) -> str | None:
            fits = isinstance(value, str) and (at_least if need else 0) <= len(value.strip()) <= at_most
            return value.strip() if isinstance(value, str) and fits and value.isprintable() else None

        right = (
            say("{least}到{most}个字", least=at_least, most=at_most)
            if need
            else say("文字，最多{most}个字", most=at_most)
        )
        return self._take(key, "", check, right)

    def shaped(self, key: str, shape: re.Pattern[str], right: Wording) -> str:
        def check(value: object) -> str | None:
            return value if isinstance(value, str) and (value == "" or shape.match(value)) else None

        return self._take(key, "", check, right)

    def phone(self, key: str) -> str:
        return self.shaped(key, _PHONE, say('电话号码，只写数字并加引号，比如 "88001234"'))

    def whole(self, key: str, default: int, *, lowest: int, highest: int) -> int:
        def check(value: object) -> int | None:
            whole = isinstance(value, int) and not isinstance(value, bool)
            return value if isinstance(value, int) and whole and lowest <= value <= highest else None

        return self._take(key, default, check, say("{lowest}到{highest}的整数", lowest=lowest, highest=highest))

    def port(self, key: str, default: int) -> int:
        return self.whole(key, default, lowest=0, highest=65535)

    def as_written(self, key: str) -> object:
        return self._values.get(key)

    def several(self, key: str, choices: tuple[str, ...]) -> tuple[str, ...]:
        """One of them, or some in their order; "none" and nothing are the same."""

        def check(value: object) -> tuple[str, ...] | None:
            named = [value] if isinstance(value, str) else value
            if not isinstance(named, list) or not all(one in choices for one in named):
                return None
            if len(set(named)) != len(named) or (len(named) > 1 and {NONE, SIMULATOR} & set(named)):
                return None
            return () if named == [NONE] else tuple(named)

        right = say('其中之一：{choices}；有几条线路就按先后写，比如 ["modem", "phone"]', choices="、".join(choices))
        return self._take(key, (), check, right)

    def number_and_words(self, key: str) -> tuple[str, str] | None:
        written = self.shaped(key, _BALANCE_TEXT, say('号码、空格、要发的字，比如 "10086 YE"；没有就写 ""'))
        number, _, words = written.partition(" ")
        return (number, words) if written else None

    def imeis(self, key: str) -> tuple[str, ...]:
        def check(value: object) -> tuple[str, ...] | None:
            named = value if isinstance(value, list) else None
            if named is None or not all(isinstance(one, str) and _IMEI.match(one) for one in named):
                return None
            # a line is called by the last six digits
            return tuple(named) if len({one[-6:] for one in named}) == len(named) else None

        right = say("一列上网卡背面的15位 IMEI，都加引号，末6位不能相同；只有一个就写 []")
        return self._take(key, (), check, right)

    def flag(self, key: str, default: bool = False) -> bool:
        def check(value: object) -> bool | None:
            return value if isinstance(value, bool) else None

        return self._take(key, default, check, say("true 或 false"))

    def choice(self, key: str, default: str, choices: tuple[str, ...]) -> str:
        def check(value: object) -> str | None:
            return value if isinstance(value, str) and value in choices else None

        return self._take(key, default, check, say("其中之一：{choices}", choices="、".join(choices)))

    def address(self, key: str, default: str) -> str:
        def check(value: object) -> str | None:
            try:
                return str(ipaddress.ip_address(value)) if isinstance(value, str) else None
            except ValueError:
                return None

        return self._take(key, default, check, say('IP 地址，比如 "0.0.0.0" 或 "127.0.0.1"'))

    def names(self, key: str) -> tuple[str, ...]:
        def check(value: object) -> tuple[str, ...] | None:
            if not isinstance(value, list) or not all(isinstance(name, str) and _HOST.match(name) for name in value):
                return None
            return tuple(value)

        return self._take(key, (), check, say('一列主机名或 IP 地址，比如 ["cunwei.local", "192.168.1.10"]'))

    def directory(self, table: str) -> tuple[tuple[str, str], ...]:
        """Every key of this table is a name, its value a number."""
        keys = [key for key in self._values if key.startswith(f"{table}.")]
        return tuple((key.removeprefix(f"{table}."), self.phone(key)) for key in keys)

    def spans(self, key: str, default: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
        def check(value: object) -> tuple[tuple[int, int], ...] | None:
            if not isinstance(value, list) or not value:
                return None
            spans: list[tuple[int, int]] = []
            for span in value:
                match = _SPAN.match(span) if isinstance(span, str) else None
                if match is None:
                    return None
                start, end = int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])
                if not (spans[-1][1] if spans else 0) <= start < end <= 24 * 60:
                    return None
                spans.append((start, end))
            return tuple(spans)

        return self._take(key, default, check, say('从早到晚的几段时间，比如 ["07:00-12:30", "14:00-21:00"]'))
