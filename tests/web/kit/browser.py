"""A browser without a screen, for tests: keeps cookies, sends Origin, submits the forms that are on the page."""

from __future__ import annotations

import html
import re
import ssl
from dataclasses import dataclass

import aiohttp
from multidict import CIMultiDict

_FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.S)
_ATTRIBUTE = re.compile(r'([a-z-]+)="([^"]*)"')


@dataclass(frozen=True)
class Page:
    status: int
    url: str
    text: str
    headers: CIMultiDict[str]
    raw: bytes

    @property
    def path(self) -> str:
        return "/" + self.url.split("/", 3)[3]

    def token(self, action: str) -> str:
        """The hidden field of the form that is sent to `action`."""
        return self.hidden(action)["_form"]

    def hidden(self, action: str) -> dict[str, str]:
        for head, body in _FORM.findall(self.text):
            if dict(_ATTRIBUTE.findall(head)).get("action") == action:
                fields = (dict(_ATTRIBUTE.findall(tag)) for tag in re.findall(r"<input\b[^>]*>", body))
                return {f["name"]: html.unescape(f.get("value", "")) for f in fields if f.get("type") == "hidden"}
        raise AssertionError(f"no form to {action} on {self.url}")


class Browser:
    """One person's browser at one site."""

    def __init__(self, base: str, *, context: ssl.SSLContext | None = None) -> None:
        self.base = base
        jar = aiohttp.CookieJar(unsafe=True)
        connector = aiohttp.TCPConnector(ssl=context if context is not None else True)
        self.session = aiohttp.ClientSession(cookie_jar=jar, connector=connector)

    async def close(self) -> None:
        await self.session.close()

    async def get(self, path: str, *, follow: bool = True, **headers: str) -> Page:
        async with self.session.get(
            self.base + path, allow_redirects=follow, headers={k.replace("_", "-"): v for k, v in headers.items()}
        ) as answer:
            return await self._page(answer)

    async def post(
        self,
        path: str,
        fields: object,
        *,
        follow: bool = True,
        headers: dict[str, str] | None = None,
    ) -> Page:
        sent = {"Origin": self.base} | (headers or {})
        async with self.session.post(self.base + path, data=fields, allow_redirects=follow, headers=sent) as answer:
            return await self._page(answer)

    async def submit(self, page: Page, action: str, follow: bool = True, **fields: str) -> Page:
        """Fill in the form to `action` on `page` and send it."""
        return await self.post(action, page.hidden(action) | fields, follow=follow)

    @staticmethod
    async def _page(answer: aiohttp.ClientResponse) -> Page:
        raw = await answer.read()
        text = raw.decode("utf-8", "replace")
        return Page(answer.status, str(answer.url), text, CIMultiDict(answer.headers), raw)
