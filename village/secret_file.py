"""`secrets.toml`: PIN and passwords of the lines, beside the settings and readable by the village's own account alone.

Never written by the program, never shown, never logged: a mistake in it is named by its key, without its value.
"""

from __future__ import annotations

import os
import stat
import tomllib
from dataclasses import dataclass
from pathlib import Path

from village.ground.reasons import reason_of
from village.ground.wording import RefusalError, say

SECRETS_NAME = "secrets.toml"

_KEYS = frozenset(
    {
        ("modem", "pin"),
        ("phone", "user"),
        ("phone", "password"),
        ("phone", "signing_key"),
        ("twilio", "account_sid"),
        ("twilio", "auth_token"),
    }
)


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """Empty where nothing was written."""

    modem_pin: str = ""
    phone_user: str = ""
    phone_password: str = ""
    phone_signing_key: str = ""
    twilio_account_sid: str = ""
    twilio_auth_token: str = ""


def read_secrets(path: Path) -> Secrets:
    """A missing file is an empty one. Raises RefusalError where others may read it, or it says what nobody asked."""
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise RefusalError(
                    say("{path} 别人也读得到，里面有密码。请运行 chmod 600 {path}", path=path), status=409
                )
            tables = tomllib.load(file)
    except FileNotFoundError:
        return Secrets()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise RefusalError(say("{path} 不是正确的 TOML", path=path)) from broken
    except OSError as failure:
        raise RefusalError(say("读不了 {path}：{reason}", path=path, reason=reason_of(failure))) from failure
    found: dict[str, str] = {}
    for table, content in tables.items():
        for key, value in content.items() if isinstance(content, dict) else [("", content)]:
            if (table, key) not in _KEYS or not isinstance(value, str):
                name = f"{table}.{key}" if key else table
                raise RefusalError(say("{path} 里 {key} 写得不对：只能是认得的项，值要加引号", path=path, key=name))
            found[f"{table}_{key}"] = value
    return Secrets(**found)
