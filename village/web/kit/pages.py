"""How a handler answers: a page from a template, or the way to another page.

Never fetches anything of a room; what a page shows is given to `render`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import web
from jinja2.runtime import Context
from markupsafe import Markup, escape

from village.ground.wording import RefusalError, Wording
from village.web.kit import charts, dates
from village.web.kit.assets import Assets
from village.web.kit.forms import TOKEN_FIELD, Form
from village.web.kit.frame import FRAME, Account, Frame, RailEntry, reader_language, visitor_of
from village.web.kit.headline import headline
from village.web.kit.language import is_local, translator
from village.web.kit.tokens import make_token, sign

_SQLITE_LARGEST = 2**63 - 1
_COMPRESS_FROM_BYTES = 600
_NOTE_COOKIE = "note"
_NOTE_LASTS_S = 60
_NOTE_LONGEST = 900


def templates(folders: Sequence[Path], assets: Assets) -> jinja2.Environment:
    """The kit's templates under `kit/`, the rooms' in `folders`; every value escaped, none missing in silence."""
    own = Path(str(resources.files("village.web.kit"))) / "templates"
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PrefixLoader({"kit": jinja2.FileSystemLoader(own)}), jinja2.FileSystemLoader(list(folders))]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        finalize=_shown,
    )
    environment.globals.update(
        {"_": _translated, "gettext": _plainly, "ngettext": _counted, "asset": assets.path, "chart": charts}
    )
    environment.filters.update({"when": _when, "day": _day, "lasting": _lasting})
    environment.filters.update({"hour": dates.hour, "lunar": dates.lunar, "role": _role, "headline": headline})
    return environment


@jinja2.pass_context
def _shown(context: Context, value: object) -> object:
    return value.text(context["translate"]) if isinstance(value, Wording) else value


@jinja2.pass_context
def _translated(context: Context, msgid: str, /, **values: object) -> Markup:
    translate = context["translate"]
    shown = {k: v.text(translate) if isinstance(v, Wording) else v for k, v in values.items()}
    return escape(translate(msgid)).format(**shown)


@jinja2.pass_context
def _plainly(context: Context, msgid: str) -> Markup:
    """For `{% trans %}`, which fills in its own values."""
    return escape(context["translate"](msgid))


@jinja2.pass_context
def _counted(context: Context, one: str, many: str, count: int) -> Markup:
    return escape(context["translate"](one if count == 1 else many))


@jinja2.pass_context
def _when(context: Context, instant_ms: int) -> str:
    return dates.when(instant_ms, context["now_ms"], context["lang"])


@jinja2.pass_context
def _day(context: Context, instant_ms: int) -> str:
    return dates.day(instant_ms, context["lang"])


@jinja2.pass_context
def _lasting(context: Context, duration_ms: int) -> str:
    return dates.lasting(duration_ms, context["lang"])


@jinja2.pass_context
def _role(context: Context, role: Any) -> str:
    words: Mapping[Any, Wording] = context["office_roles"]
    return words[role].text(context["translate"])


async def render(
    request: web.Request,
    template: str,
    given: Mapping[str, object] | None = None,
    *,
    status: int = 200,
    form: Form | None = None,
    refused: RefusalError | None = None,
    **values: object,
) -> web.Response:
    """The page `template` with `values`, or a mapping of them.

    With `refused` its status is the refusal's, and the layout says why.
    """
    frame = request.app[FRAME]
    note = _Note(request)
    text = await render_text(request, template, form=form, refused=refused, note=note.read, given=given, **values)
    body = text.encode()
    if refused is not None:
        status = refused.status
    response = web.Response(status=status, body=body, content_type="text/html", charset="utf-8")
    response.headers["Cache-Control"] = "no-store" if frame.desk else "no-cache"
    response.headers["Vary"] = "Accept-Encoding, Cookie"
    if note.shown:
        response.del_cookie(_NOTE_COOKIE)
    elif request.method in ("GET", "HEAD") and status == 200:
        response.headers["ETag"] = etag = f'W/"{hashlib.sha256(body).hexdigest()[:20]}"'
        if etag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=response.headers)
    if len(body) > _COMPRESS_FROM_BYTES:
        response.enable_compression()
    return response


async def render_text(
    request: web.Request,
    template: str,
    *,
    form: Form | None = None,
    refused: RefusalError | None = None,
    note: object = None,
    given: Mapping[str, object] | None = None,
    **values: object,
) -> str:
    """The text of a template, with everything a page of this app can rely on."""
    frame, visitor, language = request.app[FRAME], visitor_of(request), reader_language(request)
    part = "X-Live" in request.headers
    context: dict[str, object] = {
        "village": frame.village,
        "lang": language,
        "translate": translator(language),
        "account": visitor.account,
        "desk_name": frame.office.desk,
        "keepers": frame.office.keepers,
        "office_roles": frame.office.roles,
        "now_ms": frame.clock.now_ms(),
        "clock_trusted": frame.clock.trusted,
        "path": request.path,
        "home": home_of(request),
        "rail": _rail(frame, request) if visitor.account and not part else (),
        "foot": await frame.foot() if visitor.account and not part else (),
        "warnings": frame.warnings() if visitor.account and not part else (),
        "disk_full": frame.db.full,
        "note": note or (lambda: ""),
        "form": form or Form(),
        "refused": refused,
        "token_field": TOKEN_FIELD,
        "form_token": lambda: make_token(frame.forms_key, visitor.binding),
    }
    return frame.templates.get_template(template).render(context | dict(given or {}) | values)


def _rail(frame: Frame, request: web.Request) -> list[tuple[str, Wording, bool]]:
    """(path, label, whether it is where we are) for every entry this account may open."""
    shown = _entries(frame, visitor_of(request).account)
    here = max(
        (e.path for e in shown if request.path == e.path or (e.path != "/" and request.path.startswith(f"{e.path}/"))),
        key=len,
        default="",
    )
    return [(entry.path, entry.label, entry.path == here) for entry in shown]


def _entries(frame: Frame, account: Account | None) -> list[RailEntry]:
    return [entry for entry in frame.rail if account and account.role in entry.roles]


def home_of(request: web.Request, account: Account | None = None) -> str:
    """The first page of this site: the first entry of the rail, for who is signed in."""
    entries = _entries(request.app[FRAME], account or visitor_of(request).account)
    return entries[0].path if entries else "/"


async def redirect(request: web.Request, path: str, message: Wording | None = None) -> web.Response:
    """303 to a page of ours; `message` is shown there once."""
    if not is_local(path):
        raise ValueError("only to a page of ours")
    response = web.Response(status=303, headers={"Location": path, "Cache-Control": "no-store"})
    if message is not None:
        _Note(request).leave(response, message)
    return response


class _Note:
    """One sentence that travels to the next page in a signed cookie of a minute."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self._key = request.app[FRAME].forms_key
        self.shown = False

    def leave(self, response: web.Response, message: Wording) -> None:
        text = message.text(translator(reader_language(self._request)))[: _NOTE_LONGEST // 4]
        # the real time, as the browser counts it: this is not the village's time
        body = json.dumps([text, int(time.time())], ensure_ascii=False).encode()
        value = base64.urlsafe_b64encode(sign(self._key, b"note" + body) + body).decode()
        response.set_cookie(
            _NOTE_COOKIE,
            value,
            max_age=_NOTE_LASTS_S,
            httponly=True,
            samesite="Strict",
            secure=self._request.secure,
            path="/",
        )

    def read(self) -> str:
        """For the layout: parts and pictures leave the note to the page that shows it."""
        value = self._request.cookies.get(_NOTE_COOKIE, "")
        try:
            raw = base64.urlsafe_b64decode(value)
            mac, body = raw[:16], raw[16:]
            if not hmac.compare_digest(mac, sign(self._key, b"note" + body)):
                return ""
            self.shown = True
            return str(json.loads(body)[0])
        except (ValueError, IndexError):
            return ""


def path_number(request: web.Request, name: str) -> int:
    """A number in the path; a page that cannot be there is a 404."""
    text = request.match_info[name]
    if not (text.isascii() and text.isdigit() and int(text) <= _SQLITE_LARGEST):
        raise web.HTTPNotFound
    return int(text)


def query_number(request: web.Request, name: str, default: int) -> int:
    """A number behind the question mark; `default` for everything that is none."""
    text = request.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else default


def query_text(request: web.Request, name: str) -> str:
    return request.query.get(name, "").strip()[:200]
