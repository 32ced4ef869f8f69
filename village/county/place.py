"""One county's folder: its settings and its signing key.

Never holds anything of a village until that village has enrolled.
"""

from __future__ import annotations

import contextlib
import tomllib
from dataclasses import dataclass
from pathlib import Path

from sync.keys import KeyFileError, SigningKey
from village.ground.files import write_whole
from village.ground.wording import RefusalError, say

CONFIG_NAME = "county.toml"

_NEW_CONFIG = """\
# e家家 · 县里的设置 · the county's settings
[county]
name = "我们县"
"""


@dataclass(frozen=True, slots=True)
class CountyPlace:
    """Where everything of one county lies."""

    folder: Path
    name: str
    key: SigningKey

    @classmethod
    def make(cls, folder: Path) -> CountyPlace:
        """Settings and key in an empty or new folder. Raises RefusalError where a county lives already."""
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o750)
            if (folder / CONFIG_NAME).exists():
                raise RefusalError(say("{folder} 里已经有一个县了，什么都没有改", folder=folder), status=409)
            with contextlib.suppress(FileExistsError):  # a cut between the two lines: the key is kept
                SigningKey.make(folder / "sign.key")
            write_whole(folder / CONFIG_NAME, _NEW_CONFIG.encode())
        except OSError as failure:
            raise RefusalError(say("写不进 {folder}：{reason}", folder=folder, reason=failure.strerror)) from failure
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> CountyPlace:
        """Raises RefusalError in words a clerk can act on."""
        path = folder / CONFIG_NAME
        try:
            name = tomllib.loads(path.read_text("utf-8"))["county"]["name"]
        except FileNotFoundError as missing:
            raise RefusalError(say("找不到 {path}，请先运行 county init", path=path)) from missing
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError) as broken:
            raise RefusalError(say('{path} 里要有 [county] 和 name = "县名"', path=path)) from broken
        if not isinstance(name, str) or not 1 <= len(name) <= 20:
            raise RefusalError(say("{path} 里 county.name：应当是1到20个字", path=path))
        try:
            return cls(folder, name, SigningKey.read(folder / "sign.key"))
        except KeyFileError as failure:
            raise RefusalError(say("钥匙文件有问题：{reason}", reason=failure)) from failure
