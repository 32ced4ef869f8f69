"""Uses the village's pages as a person does: opens one, fills in a form that stands on it, sends it.

Never talks to the server in any way a browser could not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import aiohttp

_TIMEOUT_S = 60


class LostError(Exception):
    """A page is not there, or has no such form or field: the story went wrong."""


@dataclass(slots=True)
class Form:
    """A form as it stands on the page, with what its fields hold already."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    uploads: set[str] = field(default_factory=set)

    def filled(self, filled: Mapping[str, str | Sequence[str]]) -> list[tuple[str, str]]:
        """Every field once more, with what is filled in instead of what stood there."""
        kept = [(name, value) for name, value in self.fields if name not in filled]
        return kept + [
            (name, one) for name, value in filled.items() for one in ([value] if isinstance(value, str) else value)
        ]


@dataclass(frozen=True, slots=True)
class Page:
    """What came back."""

    status: int
    url: str
    text: str
    forms: tuple[Form, ...]
    said: str
    """The words a reader sees, with single spaces between them."""

    def form(self, action: str) -> Form:
        """The form that posts to this path. Raises LostError."""
        for found in self.forms:
            if urlsplit(found.action).path == action and found.method == "post":
                return found
        raise LostError(f"no form to {action} on {self.url} ({self.status}): {self.said[:300]}")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._textarea: str | None = None
        self._typed = ""
        self._select: str | None = None
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        if tag == "form":
            self.forms.append(Form(has.get("action", ""), has.get("method", "get").lower()))
        if not self.forms:
            return
        form, name = self.forms[-1], has.get("name", "")
        if tag == "input" and name:
            kind = has.get("type", "text")
            if kind == "file":
                form.uploads.add(name)
            elif kind not in ("checkbox", "radio", "submit") or "checked" in has:
                form.fields.append((name, has.get("value", "on" if kind == "checkbox" else "")))
        elif tag == "textarea" and name:
            self._textarea, self._typed = name, ""
        elif tag == "select" and name:
            self._select = name
        elif tag == "option" and self._select and ("selected" in has or self._select not in dict(form.fields)):
            form.fields = [(had, value) for had, value in form.fields if had != self._select]
            form.fields.append((self._select, has.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent -= 1
        if tag == "textarea" and self._textarea is not None:
            self.forms[-1].fields.append((self._textarea, self._typed.removeprefix("\n")))
            self._textarea = None
        if tag == "select":
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._typed += data
        elif not self._silent:
            self.words.extend(data.split())


class Browser:
    """One person's browser, cookies and all."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session = session
        self.address = address

    async def open(self, path: str) -> Page:
        async with self._session.get(urljoin(self.address, path), timeout=_timeout()) as response:
            return _page(response, await response.text())

    async def fetch(self, path: str) -> bytes:
        """The bytes behind a link. Raises LostError unless it is there."""
        async with self._session.get(urljoin(self.address, path), timeout=_timeout()) as response:
            if response.status != 200:
                raise LostError(f"{path}: {response.status}")
            return await response.read()

    async def send(
        self,
        form: Form,
        filled: Mapping[str, str | Sequence[str]],
        upload: tuple[str, bytes] | None = None,
    ) -> Page:
        """Fill the form in, send it, follow where it leads; `upload` goes into its one file field."""
        body = aiohttp.FormData(form.filled(filled))
        if upload is not None:
            (into,) = form.uploads
            body.add_field(into, upload[1], filename=upload[0], content_type="application/octet-stream")
        url = urljoin(self.address, form.action)
        async with self._session.post(url, data=body, headers=self._from_here(), timeout=_timeout()) as response:
            return _page(response, await response.text())

    def _from_here(self) -> dict[str, str]:
        """A browser says on which site the form stood."""
        return {"Origin": self.address.rstrip("/")}


def _timeout() -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=_TIMEOUT_S)


def _page(response: aiohttp.ClientResponse, text: str) -> Page:
    reader = _Reader()
    reader.feed(text)
    return Page(response.status, str(response.url), text, tuple(reader.forms), " ".join(reader.words))
