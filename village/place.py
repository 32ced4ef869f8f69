"""One village's folder: its settings, its key, its database, its clips; and how they are made and opened.

Never starts anything; `app.py` does.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from village.config import Config, read_config
from village.ground.clock import Clock, MovableClock, SystemClock, parse_iso
from village.ground.database import Database, DiskFullError
from village.ground.files import write_whole
from village.ground.folder import last_known_ms, opened
from village.ground.key_store import check_key
from village.ground.privacy import KeyFileError, SealBrokenError, Vault, make_key_file, read_key_file
from village.ground.reasons import reason_of
from village.ground.wording import RefusalError, say
from village.schema import PACKAGES

CONFIG_NAME = "village.toml"

NEW_CONFIG = """\
# e家家 · 一个村一份设置。改完重新启动。One village's settings; restart after a change.

[village]
name = "{name}"
signature = "{signature}"       # 短信开头【】里的字，3到8个 · what stands in 【】 before every message
groups = {groups}                  # 有几个村民小组 · how many villagers' groups
duty_name = "{duty_name}"             # 值班的人 · who is on duty
duty_phone = "{duty_phone}"       # 村民打得通的电话 · the number villagers can ring
sms_number = "{sms_number}"       # 村里短信卡的号码，公开页上“收到”用 · the village SIM's number
area_code = "{area_code}"            # 本地区号，座机用 · the local area code, for landlines
sample = {sample}
mainland = true                 # 村子在中国大陆 · in mainland China

[web]
listen = "{listen}"
public_port = 8080              # 村民的页面，普通 HTTP · the villagers' page
desk_port = 8443                # 村务台，HTTPS · the desk on the village's network
loopback_port = 8081            # 村务台，只在本机 · the desk on this computer alone
names = []                      # 村务台的名字或地址，写进证书 · names or addresses for the certificate

[sms]
# 用什么发短信："none" 没有；"modem" 上网卡；"phone" 旧安卓手机；"twilio" 走外网。几条就按先后写：["modem", "phone"]
# What sends SMS; several lines in their order, the first one is asked first.
transport = "{transport}"
per_minute = {per_minute}                  # 一张卡每分钟能发几条 · messages a minute and SIM
price_fen = 10                  # 一条多少分钱 · price of a segment in fen
month_yuan = 0                  # 一张卡一个月最多花几元，0不限；急事不受限 · budget a month and SIM; emergencies pass
acknowledge = false             # 收到“9”后是否再回一条（费用翻倍）· answer a 9 (doubles the cost)

[modem]
devices = []                    # 有几个上网卡时按先后写15位 IMEI · the IMEIs, where there are several sticks
balance_code = ""               # 查余额的代码，比如 "*100#"；没有就空着 · the carrier's code for the balance
balance_text = ""               # 发短信查余额的，比如 "10086 YE" · ... or by SMS: number and words
low_balance_yuan = 10           # 余额低于几元就提醒 · warn below this

[phone]                         # 旧安卓手机，装 SMS Gateway，本地模式；密码写在 secrets.toml · password in secrets.toml
url = ""                        # 手机上显示的地址 · the address the app shows
sim = 0                         # 用第几张卡，0随手机 · which SIM
callback_url = ""               # 手机能打开的村务台 https 地址，可空 · the desk's address as the phone sees it

[twilio]                        # 要外网；账号写在 secrets.toml · account in secrets.toml
sender = ""                     # 号码，和下一项只写一个 · number, or:
messaging_service = ""
public_url = ""                 # 外网能打开的地址，没有就空着 · public address, if any
per_minute = 60
price_fen = 50
month_yuan = 0

[calls]
transport = "{calls_transport}"
lines = {lines}                       # 同时能打几个电话 · calls at once
price_fen_per_minute = 15
month_yuan = 0                  # 打电话一个月最多花几元 · budget a month

[quiet]
open = {open_hours}   # 平常通知只在这些时间发 · when ordinary messages may go out

[notices]
remind_after_hours = 4          # 几小时没回音就再发一条，0不发 · hours without an answer before a reminder
call_after_hours = 8            # 几小时没回音就打电话，0不打 · ... before a call
second_call = true              # 没人接，换个时候再打一次 · ... and one more at another time of day
door_after_hours = 24           # 多久没回音就上门 · hours without an answer before somebody knocks

[directory]                     # 村民回06时告诉他的号码 · numbers told to whoever texts 06
{directory}"""


@dataclass(frozen=True, slots=True)
class NewVillage:
    """What `village init` and `village sample` write down."""

    name: str = "我们村"
    signature: str = "我们村委会"
    groups: int = 1
    duty_name: str = ""
    duty_phone: str = ""
    sms_number: str = ""
    area_code: str = ""
    sample: bool = False
    listen: str = "0.0.0.0"  # noqa: S104 - the public page is for the village's Wi-Fi
    transport: str = "none"
    per_minute: int = 8
    lines: int = 1
    open_hours: str = '["07:00-12:30", "14:00-21:00"]'
    directory: str = '# "卫生室" = "88001111"\n'


@dataclass(frozen=True, slots=True)
class Place:
    """Where everything of one village lies."""

    folder: Path
    config: Config
    key: bytes

    @classmethod
    def make(cls, folder: Path, village: NewVillage) -> Place:
        """Write settings and key into an empty or new folder. Raises RefusalError where a village lives already."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            if (folder / CONFIG_NAME).exists():
                raise RefusalError(say("{folder} 里已经有一个村了，什么都没有改", folder=folder), status=409)
            with contextlib.suppress(FileExistsError):  # a cut between the two lines below: the key is kept
                make_key_file(folder / "village.key")
            filled = {slot: getattr(village, slot) for slot in village.__slots__} | {
                "sample": "true" if village.sample else "false",
                "calls_transport": village.transport,
            }
            write_whole(folder / CONFIG_NAME, NEW_CONFIG.format(**filled).encode())
        except OSError as failure:
            raise RefusalError(say("写不进 {folder}：{reason}", folder=folder, reason=reason_of(failure))) from failure
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Place:
        """Raises RefusalError (ConfigError among them) in words a clerk can act on."""
        folder = folder.resolve()  # the speech worker and others live elsewhere
        config = read_config(folder / CONFIG_NAME)
        try:
            key = read_key_file(folder / "village.key")
        except KeyFileError as failure:
            raise RefusalError(say("钥匙文件有问题：{reason}", reason=failure)) from failure
        return cls(folder, config, key)

    @property
    def database_path(self) -> Path:
        return self.folder / "village.db"

    @property
    def clips_folder(self) -> Path:
        return self.folder / "clips"

    @property
    def tls_folder(self) -> Path:
        return self.folder / "tls"

    def vault(self) -> Vault:
        return Vault(self.key)

    def clock(self) -> SystemClock | MovableClock:
        """The clock this village lives by: the sample village's can be moved, a real one's cannot."""
        if self.config.village.sample:
            return sample_clock(self.folder)
        return SystemClock(last_known_ms=last_known_ms(self.database_path))

    @contextlib.asynccontextmanager
    async def database(self, clock: Clock) -> AsyncIterator[Database]:
        """The village's file, brought up to date. Raises RefusalError, also where the key is another village's."""
        async with opened(self.database_path, PACKAGES, clock) as database:
            await self._recognise(database)
            yield database

    async def _recognise(self, database: Database) -> None:
        try:
            await database.write(lambda tx: check_key(tx, self.vault()))
        except SealBrokenError as foreign:
            raise RefusalError(
                say("钥匙 {path} 不是这个村的，号码都打不开。请放回原来的钥匙", path=self.folder / "village.key")
            ) from foreign
        except DiskFullError:
            pass  # a full disk can still be read, and the desk says that it is full


SAMPLE_START = "2026-12-05T09:00:00"
"""The sample village's first morning, a Saturday: inside the open hours, whatever time of day somebody tries it."""

_OFFSET_NAME = "clock.offset"


def sample_clock(folder: Path) -> MovableClock:
    """The sample village's clock: it starts on its first morning, runs as fast as ours, and keeps what was skipped.

    Only the distance to our own time is kept, in a file, so that it goes on while the server is down as time does.
    """
    real_ms = time.time_ns() // 1_000_000
    try:
        offset_ms = int((folder / _OFFSET_NAME).read_text("ascii"))
    except FileNotFoundError:
        offset_ms = parse_iso(SAMPLE_START) - real_ms
        write_whole(folder / _OFFSET_NAME, str(offset_ms).encode())
    return MovableClock(real_ms + offset_ms, rate=1)


_STEP_MS = 1000
"""What falls due within a second may happen in one step: carriers and fingers are no quicker."""


async def skip_time(
    folder: Path, clock: MovableClock, duration_ms: int, settle: Callable[[], Awaitable[object]]
) -> None:
    """Move the sample village forward; the skip is on the disk before anybody acts on it.

    Time moves from one due moment to the next, and `settle` lets what each began come to its end: the work of other
    threads takes real time, which a clock that jumps would otherwise outrun.
    """
    offset_ms = int((folder / _OFFSET_NAME).read_text("ascii"))
    write_whole(folder / _OFFSET_NAME, str(offset_ms + duration_ms).encode())
    target_ms = clock.monotonic_ms() + duration_ms
    while (left_ms := target_ms - clock.monotonic_ms()) > 0:
        due_ms = clock.next_due_ms
        await clock.advance(left_ms if due_ms is None else min(left_ms, max(_STEP_MS, due_ms)))
        await settle()
