"""One county's folder: its settings, its keys, its database; and how they are made and opened.

Never holds anything of a village until that village has enrolled. Never starts anything; `app.py` does.
"""

from __future__ import annotations

import contextlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sync.keys import KeyFileError, SigningKey
from village.ground.clock import Clock, SystemClock
from village.ground.database import Database
from village.ground.files import write_whole
from village.ground.folder import last_known_ms, opened
from village.ground.privacy import KeyFileError as SealKeyFileError
from village.ground.privacy import make_key_file, read_key_file
from village.ground.reasons import reason_of
from village.ground.wording import RefusalError, say

CONFIG_NAME = "county.toml"
PACKAGES = ("village.ground", "village.web.kit", "village.county")
"""Which packages bring tables into the county's file."""

_NEW_CONFIG = """\
# e家家 · 县里的设置。改完重新启动。The county's settings; restart after a change.
[county]
name = "{name}"

[web]
listen = "{listen}"
exchange_port = 8090            # 村里的电脑往这里报 · where the villages' computers call
loopback_port = 8091            # 县里的台子，只在本机 · the desk on this computer alone
desk_port = 8453                # 县里的台子，HTTPS · the desk on the county's network
names = []                      # 台子的名字或地址，写进证书 · names or addresses for the certificate
address = ""                    # 印在登记纸条上的地址，如 http://e.example:8090 · what stands on the paper slips
"""


@dataclass(frozen=True, slots=True)
class Web:
    """Where the county listens. `address`: as villages reach it; empty: not said."""

    listen: str
    exchange_port: int
    loopback_port: int
    desk_port: int
    names: tuple[str, ...]
    address: str


@dataclass(frozen=True, slots=True)
class CountyPlace:
    """Where everything of one county lies. `form_key` guards forms and the first visit; `key` signs and unseals."""

    folder: Path
    name: str
    web: Web
    key: SigningKey
    form_key: bytes

    @classmethod
    def make(cls, folder: Path, *, name: str = "我们县", listen: str = "0.0.0.0") -> CountyPlace:  # noqa: S104 - villages call from outside
        """Settings and keys in an empty or new folder. Raises RefusalError where a county lives already."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            if (folder / CONFIG_NAME).exists():
                raise RefusalError(say("{folder} 里已经有一个县了，什么都没有改", folder=folder), status=409)
            with contextlib.suppress(FileExistsError):  # a cut between the lines: the keys are kept
                SigningKey.make(folder / "sign.key")
            write_whole(folder / CONFIG_NAME, _NEW_CONFIG.format(name=name, listen=listen).encode())
        except OSError as failure:
            raise RefusalError(say("写不进 {folder}：{reason}", folder=folder, reason=reason_of(failure))) from failure
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> CountyPlace:
        """Raises RefusalError in words a clerk can act on."""
        folder = folder.resolve()
        path = folder / CONFIG_NAME
        try:
            read = tomllib.loads(path.read_text("utf-8"))
        except FileNotFoundError as missing:
            raise RefusalError(say("找不到 {path}，请先运行 county init", path=path)) from missing
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
            raise RefusalError(say('{path} 里要有 [county] 和 name = "县名"', path=path)) from broken
        name = _table(read, "county").get("name")
        if name is None:
            raise RefusalError(say('{path} 里要有 [county] 和 name = "县名"', path=path))
        if not isinstance(name, str) or not 1 <= len(name) <= 20:
            raise RefusalError(say("{path} 里 county.name：应当是1到20个字", path=path))
        try:
            key = SigningKey.read(folder / "sign.key")
            with contextlib.suppress(FileExistsError):
                make_key_file(folder / "county.key")
            return cls(folder, name, _web(_table(read, "web"), path), key, read_key_file(folder / "county.key"))
        except (KeyFileError, SealKeyFileError) as failure:
            raise RefusalError(say("钥匙文件有问题：{reason}", reason=failure)) from failure

    @property
    def database_path(self) -> Path:
        return self.folder / "county.db"

    @property
    def tls_folder(self) -> Path:
        return self.folder / "tls"

    def clock(self) -> SystemClock:
        return SystemClock(last_known_ms=last_known_ms(self.database_path))

    def database(self, clock: Clock) -> contextlib.AbstractAsyncContextManager[Database]:
        """The county's file, brought up to date. Raises RefusalError."""
        return opened(self.database_path, PACKAGES, clock)


def _table(read: dict[str, Any], name: str) -> dict[str, Any]:
    found = read.get(name, {})
    return found if isinstance(found, dict) else {}


def _web(read: dict[str, Any], path: Path) -> Web:
    """Raises RefusalError by the name of the setting."""

    def port(name: str, otherwise: int) -> int:
        value = read.get(name, otherwise)
        if type(value) is not int or not 0 <= value <= 65535:
            raise RefusalError(say("{path} 里 web.{name}：应当是0到65535的端口", path=path, name=name))
        return value

    def text(name: str, otherwise: str) -> str:
        value = read.get(name, otherwise)
        if not isinstance(value, str) or len(value) > 200:
            raise RefusalError(say("{path} 里 web.{name}：应当是一段字", path=path, name=name))
        return value

    names = read.get("names", [])
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise RefusalError(say("{path} 里 web.names：应当是一列名字", path=path))
    return Web(
        listen=text("listen", "0.0.0.0"),  # noqa: S104 - villages call from outside
        exchange_port=port("exchange_port", 8090),
        loopback_port=port("loopback_port", 8091),
        desk_port=port("desk_port", 8453),
        names=tuple(names),
        address=text("address", ""),
    )
