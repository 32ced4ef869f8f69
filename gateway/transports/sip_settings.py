"""What a SIP line has to be told: whose account, where numbers go, how many lines, how patient it is.

Never read from a file here: `village` owns the settings and the password.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType

_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_URI = re.compile(r"sips?:[A-Za-z0-9_.!~*'()&=+$,/:@\[\]-]+")
_WAY = re.compile(r";transport=(udp|tcp)")
_PLAIN = re.compile(r"[^\s;<>\"\\]*")
"""What can stand in one of baresip's account parameters, which know no quoting."""


@dataclass(frozen=True, slots=True)
class SipSettings:
    """One account and its lines. Raises ValueError for what would mean something else to baresip.

    `account`: our own address, `sip:village@pbx.example`. `to`: where a number is dialled, `{number}` in it;
    `peers`: numbers that have an address of their own, which is all a village without a PBX needs. `strip` is taken
    off the front of a number and `prefix` put there: trunks in China want 199…, not +86199….
    `register`: only the first line does, so that a call to the village rings once. `user`: where the account's name
    for signing in is another one. `proxy`: an address every call goes through. `listen`: our one address; empty: all.
    `reach_ms`: without any sign of life of the other end for so long it is out of reach; `ring_ms`: it rings no longer.
    `folder`: configuration and, while a call lasts, both its voices (32 kB/s); in memory (`/run`), not on a card.
    """

    name: str
    folder: Path
    account: str
    to: str = ""
    peers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    strip: str = ""
    prefix: str = ""
    lines: int = 1
    calls_per_minute: int = 60
    register: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    proxy: str = ""
    listen: str = ""
    reach_ms: int = 20_000
    ring_ms: int = 50_000
    program: str = "baresip"
    modules: Path = Path("/usr/lib/baresip/modules")

    def __post_init__(self) -> None:
        there = [*self.peers.values(), *([self.proxy] if self.proxy else [])]
        if self.to:
            there.append(self.to.replace("{number}", "1"))
        if not all(_URI.fullmatch(address) for address in (self.account, *(_WAY.sub("", one) for one in there))):
            raise ValueError("an address is not of the form sip:name@host")
        if not (_PLAIN.fullmatch(self.user) and _PLAIN.fullmatch(self.password)):
            raise ValueError('baresip cannot be given a user or password with a space or one of ; < > " \\')
        if self.listen:
            ip_address(self.listen)
        if any(mark.isspace() for path in (self.folder, self.modules) for mark in str(path)):
            raise ValueError("baresip's configuration has no room for a space in a path")
        if self.lines < 1 or self.calls_per_minute < 1:
            raise ValueError("at least one line, at least one call a minute")

    @property
    def pace_ms(self) -> int:
        """The trunk's calls per second, as the lane wants it."""
        return 60_000 // self.calls_per_minute

    def address_of(self, number: str) -> str | None:
        """Where `number` is dialled; None where there is no way to it from here."""
        if number in self.peers:
            return self.peers[number]
        if not self.to or not _NUMBER.fullmatch(number):
            return None
        return self.to.replace("{number}", self.prefix + number.removeprefix(self.strip))

    def sign_in(self, line: int) -> str:
        """The account as baresip's `uanew` wants it. Holds the password: never to be logged."""
        parts = [f"<{self.account}>", "regint=" + ("600" if self.register and line == 0 else "0")]
        if self.proxy:
            parts.append(f'outbound="{self.proxy}"')
        if self.password:
            parts += [f"auth_user={self.user}"] if self.user else []
            parts.append(f"auth_pass={self.password}")
        return ";".join([*parts, "answermode=manual"])
