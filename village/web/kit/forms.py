"""What a person typed into a form, read with a limit and taken only from a form of ours.

Never gives a field out that was not asked for by name, and never repeats a password or a code.
"""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from village.ground.wording import RefusalError, Wording, say
from village.web.kit.frame import FRAME, visitor_of
from village.web.kit.tokens import read_token

TOKEN_FIELD = "_form"  # noqa: S105 - the name of a field

_MOST_PARTS = 2000
_LIMIT = 256 * 1024
_SWALLOW_BYTES = 1 << 30
_SWALLOW_S = 120
"""What is read and thrown away after "too large": a browser shows no answer before it has sent everything."""

_KEPT_BACK = ("password", "code")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file somebody chose; `name` is what they call it and is never a path of ours."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one submit. `nonce` is what `once` uses up; `sent` is False for the empty form of a fresh page."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    uploads: dict[str, Upload] = field(default_factory=dict)
    nonce: bytes = b""

    @property
    def sent(self) -> bool:
        return bool(self.nonce)

    @property
    def names(self) -> list[str]:
        return list(self.fields)

    def text(self, name: str, default: str = "") -> str:
        values = self.fields.get(name)
        return values[0] if values else default

    def many(self, name: str) -> list[str]:
        return list(self.fields.get(name, ()))

    def has(self, name: str) -> bool:
        return name in self.fields

    def needed(self, name: str, what: Wording, *, longest: int = 200) -> str:
        """Raises RefusalError where nothing, or too much, was written."""
        text = self.text(name)
        if not text:
            raise RefusalError(say("{what}还没有填", what=what), status=422)
        if len(text) > longest:
            raise RefusalError(
                say(
                    "{what}太长了：最多{longest}个字，现在有{length}个字", what=what, longest=longest, length=len(text)
                ),
                status=422,
            )
        return text

    def number(self, name: str, what: Wording, *, low: int, high: int) -> int:
        """A whole number from `low` to `high`, full-width digits too. Raises RefusalError."""
        text = unicodedata.normalize("NFKC", self.text(name))
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 16 and low <= int(text) <= high):
            raise RefusalError(say("{what}要填{low}到{high}之间的整数", what=what, low=low, high=high), status=422)
        return int(text)

    def choice(self, name: str, what: Wording, allowed: Collection[str]) -> str:
        """One of `allowed`. Raises RefusalError."""
        text = self.text(name)
        if text not in allowed:
            raise RefusalError(say("{what}还没有选", what=what), status=422)
        return text

    def upload(self, name: str, what: Wording) -> Upload:
        """Raises RefusalError where no file was chosen, or an empty one."""
        if name not in self.uploads or not self.uploads[name].content:
            raise RefusalError(say("{what}还没有选文件，或者文件是空的", what=what), status=422)
        return self.uploads[name]

    def password(self, name: str) -> str:
        """Taken as it was typed but for Unicode form, so that every keyboard gives the same bytes."""
        return self.text(name)

    def repeatable(self) -> list[tuple[str, str]]:
        """What may be shown again to whoever typed it."""
        return [
            (name, value)
            for name, values in self.fields.items()
            if not name.startswith("_") and not any(word in name for word in _KEPT_BACK)
            for value in values
            if value
        ]


TYPED = web.RequestKey("typed", Form)
"""Set as soon as a form is read, so that an error page can give back what was typed."""


async def read_form(request: web.Request, *, limit: int = _LIMIT, timeout_s: float = 60) -> Form:
    """Read and check one submit. Raises RefusalError: 403 not a form of ours, 408 too slow, 413 too large."""
    form = await take_form(request, limit=limit, timeout_s=timeout_s)
    if not form.sent:
        raise RefusalError(
            say("这一页放得太久了，或者不是从这里打开的。什么都没有改，也没有丢：请打开那一页再交一次。"), status=403
        )
    return form


_BROKEN = (
    ValueError, LookupError, AssertionError, web.HTTPBadRequest, web.RequestPayloadError, HttpProcessingError
)  # fmt: skip
"""What aiohttp raises over a body that is none."""


async def take_form(request: web.Request, *, limit: int = _LIMIT, timeout_s: float = 60) -> Form:
    """As `read_form`, for a page that only gives back what was typed: the token may be missing or old."""
    if TYPED in request:
        return request[TYPED]
    if (request.content_length or 0) > limit:
        await swallow(request)
        raise too_large(limit)
    # the copy carries the limit of this one form; aiohttp then stops reading at it
    copy = request.clone(client_max_size=limit)
    try:
        async with asyncio.timeout(timeout_s):
            if request.content_type == "multipart/form-data":
                fields, uploads = await _parts(copy, limit)
            else:
                fields, uploads = _lines(await copy.post()), {}
    except web.HTTPRequestEntityTooLarge as large:
        await swallow(request)
        raise too_large(limit) from large
    except TimeoutError as slow:
        raise RefusalError(say("传得太慢，断开了。什么都没有改，请再试一次。"), status=408) from slow
    except _BROKEN as broken:
        raise RefusalError(say("这份表单读不懂，什么都没有改。"), status=400) from broken
    nonce = read_token(request.app[FRAME].forms_key, visitor_of(request).binding, fields.pop(TOKEN_FIELD, [""])[0])
    form = Form(fields, uploads, nonce or b"")
    request[TYPED] = form
    return form


async def read_body(request: web.Request, *, limit: int, timeout_s: float = 10) -> bytes:
    """What a program sends, as it came: no form, no token; who sent it has to be proved by other means.

    Raises RefusalError: 408 too slow, 413 too large.
    """
    request[TYPED] = Form({}, {}, b"")
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    body = b""
    try:
        async with asyncio.timeout(timeout_s):
            while len(body) <= limit and (chunk := await request.content.readany()):
                body += chunk
    except TimeoutError as slow:
        raise RefusalError(say("传得太慢，断开了。什么都没有改，请再试一次。"), status=408) from slow
    if len(body) > limit:
        raise too_large(limit)
    return body


def _lines(posted: Mapping[str, object]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in posted.items():
        if isinstance(value, str):
            fields.setdefault(name, []).append(_cleaned(name, value))
    return fields


async def _parts(request: web.BaseRequest, limit: int) -> tuple[dict[str, list[str]], dict[str, Upload]]:
    """Fields and files, all in memory: a roster must not pass through a temporary file, where aiohttp would put it."""
    fields: dict[str, list[str]] = {}
    uploads: dict[str, Upload] = {}
    left, count = limit, 0
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        count += 1
        if not isinstance(part, BodyPartReader) or part.name is None or count > _MOST_PARTS:
            raise ValueError("not a form a browser sends")
        content = bytes(await part.read(decode=True))
        left -= len(content) + len(part.name)
        if left < 0:
            raise web.HTTPRequestEntityTooLarge(limit, limit - left)
        if part.filename:
            uploads[part.name] = Upload(clean(part.filename)[:200], content)
        elif part.filename is None:
            fields.setdefault(part.name, []).append(_cleaned(part.name, content.decode("utf-8", "replace")))
    return fields, uploads


def _cleaned(name: str, text: str) -> str:
    # spaces around a password belong to it
    return clean(text, keep_ends="password" in name)


def too_large(limit: int) -> RefusalError:
    size = f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit >> 10} kB"
    return RefusalError(say("太大了：这里最多收{size}。什么都没有改。", size=size), status=413)


async def swallow(request: web.Request) -> None:
    """Read the rest of a body and forget it, within bounds."""
    left = _SWALLOW_BYTES
    try:
        async with asyncio.timeout(_SWALLOW_S):
            while left > 0 and (chunk := await request.content.readany()):
                left -= len(chunk)
    except (TimeoutError, web.RequestPayloadError, ConnectionError):
        return


def clean(text: str, *, keep_ends: bool = False) -> str:
    """NFC, one kind of line end, no control characters, no spaces around."""
    whole = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = "".join(c for c in whole if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))
    return kept if keep_ends else kept.strip()
