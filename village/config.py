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
_SMS_TRANSPORTS = (NONE, SIMULATOR, MODEM)
_CALL_TRANSPORTS = (NONE, SIMULATOR)
_SIGNATURE_MAX = 8
"""Carriers want 【签名】 of 3 to 8 characters (facts/sms.md, vendors' pages); some villages' names have two."""

_TABLES = ("village", "web", "sms", "calls", "quiet", "notices", "directory")

_SPAN = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)\Z")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")
_IMEI = re.compile(r"[0-9]{15}\Z")
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


@dataclass(frozen=True, slots=True)
class WebSettings:
    listen: str = "0.0.0.0"  # noqa: S104 - the village's own Wi-Fi is who the public page is for
    public_port: int = 8080
    desk_port: int = 8443
    loopback_port: int = 8081
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SmsSettings:
    transport: str = NONE
    modem: str = ""
    """The IMEI of the stick, where there are several; empty: the only one."""
    per_minute: int = 8
    price_fen: int = 10
    acknowledge: bool = False


@dataclass(frozen=True, slots=True)
class CallSettings:
    transport: str = NONE
    lines: int = 1
    price_fen_per_minute: int = 15


@dataclass(frozen=True, slots=True)
class DoorSettings:
    door_after_hours: int = 24


@dataclass(frozen=True, slots=True)
class Config:
    village: VillageSettings
    web: WebSettings = field(default_factory=WebSettings)
    sms: SmsSettings = field(default_factory=SmsSettings)
    calls: CallSettings = field(default_factory=CallSettings)
    notices: DoorSettings = field(default_factory=DoorSettings)
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
        ),
        web=WebSettings(
            listen=reading.address("web.listen", "0.0.0.0"),  # noqa: S104 - see WebSettings
            public_port=reading.port("web.public_port", 8080),
            desk_port=reading.port("web.desk_port", 8443),
            loopback_port=reading.port("web.loopback_port", 8081),
            names=reading.names("web.names"),
        ),
        sms=SmsSettings(
            transport=reading.choice("sms.transport", NONE, _SMS_TRANSPORTS),
            modem=reading.shaped("sms.modem", _IMEI, say("上网卡背面的15位 IMEI，加引号；只有一个就不用写")),
            per_minute=reading.whole("sms.per_minute", 8, lowest=1, highest=6000),
            price_fen=reading.whole("sms.price_fen", 10, lowest=0, highest=1000),
            acknowledge=reading.flag("sms.acknowledge"),
        ),
        calls=CallSettings(
            transport=reading.choice("calls.transport", NONE, _CALL_TRANSPORTS),
            lines=reading.whole("calls.lines", 1, lowest=1, highest=32),
            price_fen_per_minute=reading.whole("calls.price_fen_per_minute", 15, lowest=0, highest=1000),
        ),
        notices=DoorSettings(
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
    for key, transport in (("sms.transport", config.sms.transport), ("calls.transport", config.calls.transport)):
        if config.village.sample and transport != SIMULATOR:
            reading.wrong(key, say('样板村的号码是编的，只能用 "simulator"'))
        if not config.village.sample and transport == SIMULATOR:
            reading.wrong(key, say('模拟线路只给样板村用；还没接线路就写 "none"'))
    if reading.mistakes:
        raise ConfigError(*reading.mistakes)
    return config


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

    def flag(self, key: str) -> bool:
        def check(value: object) -> bool | None:
            return value if isinstance(value, bool) else None

        return self._take(key, False, check, say("true 或 false"))

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
