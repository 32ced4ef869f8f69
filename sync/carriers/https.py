"""One POST to the other side, over http or https: what is carried is sealed and signed by itself.

Never tries again: whoever called decides when. Never reads more than an answer may be long.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import aiohttp

from sync.envelope import LARGEST_BYTES
from sync.failures import SyncError

TYPE = "application/octet-stream"
_CONNECT_S, _WHOLE_S = 15, 120
"""A village on a slow mobile line sends a quarter of a megabyte in less."""

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME (OpenSSL): a Pi that thinks it is 1970 must still reach its county."""


class UnreachableError(SyncError):
    """No line, no answer, or an answer that was cut off. Nothing is known of what arrived there."""


class BusyError(SyncError):
    """Asked to come back later."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"busy, again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class RefusedError(SyncError):
    """The other side answered and said no; `said` is its reason where it gave one."""

    def __init__(self, status: int, said: bytes) -> None:
        super().__init__(f"refused with {status}")
        self.status = status
        self.said = said


@dataclass(frozen=True, slots=True)
class HttpsCarrier:
    """`authority`: PEM of the other side's own CA; empty: the ones this computer trusts."""

    url: str
    authority: str = ""

    async def post(self, path: str, body: bytes) -> bytes:
        """The answer's body. Raises UnreachableError, BusyError, RefusedError."""
        timeout = aiohttp.ClientTimeout(total=_WHOLE_S, sock_connect=_CONNECT_S)
        headers = {"Content-Type": TYPE, "Accept": TYPE, "User-Agent": "e"}
        try:
            # a session for each exchange: a connection kept for hours is one that died hours ago
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=headers, auto_decompress=False) as session,
                session.post(self.url.rstrip("/") + path, data=body, ssl=self._context(), allow_redirects=False) as got,
            ):
                said = await got.content.read(LARGEST_BYTES + 1)
                while not got.content.at_eof() and len(said) <= LARGEST_BYTES:
                    said += await got.content.read(LARGEST_BYTES + 1 - len(said))
                status, after = got.status, got.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, ssl.SSLError) as failure:
            raise UnreachableError(type(failure).__name__) from failure
        if status == 503:
            raise BusyError(min(int(after), 86_400) if after.isascii() and after.isdigit() else 300)
        if len(said) > LARGEST_BYTES:
            raise RefusedError(status, b"")
        if status != 200:
            raise RefusedError(status, said[:200])
        return said

    def _context(self) -> ssl.SSLContext | bool:
        if not self.url.startswith("https:"):
            return True
        context = ssl.create_default_context(cadata=self.authority or None)
        context.verify_flags |= _NO_CHECK_TIME
        return context
