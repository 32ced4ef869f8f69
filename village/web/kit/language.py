"""Which language a reader gets, and the catalogs that hold the second one.

Chinese is the source and needs no catalog. Never guesses against a reader: English only for who asked for it, or whose
browser knows English and no Chinese at all.
"""

from __future__ import annotations

import functools
import gettext
from importlib import resources

from aiohttp import web

from village.ground.wording import Translate, chinese

CHINESE = "zh"
ENGLISH = "en"
LANGUAGES = (CHINESE, ENGLISH)
DOMAIN = "village"

COOKIE = "lang"
_COOKIE_LASTS_S = 365 * 24 * 3600


@functools.cache
def translator(language: str) -> Translate:
    """The function from a Chinese msgid to the reader's words; what has no translation stays Chinese."""
    if language != ENGLISH:
        return chinese
    catalog = resources.files("village.web.kit") / "locale" / language / "LC_MESSAGES" / f"{DOMAIN}.mo"
    if not catalog.is_file():
        return chinese
    with catalog.open("rb") as file:
        known = gettext.GNUTranslations(file)

    def translate(msgid: str) -> str:
        # the empty msgid is the catalog's own header
        return known.gettext(msgid) if msgid else ""

    return translate


def language_of(request: web.Request) -> str:
    """What the reader chose; else Chinese."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return str(chosen)
    return CHINESE  # also for a browser that was installed in English: many a phone in a village is


async def choose_language(request: web.Request) -> web.StreamResponse:
    """`/language/en?back=/notices`: a plain link that works without JavaScript."""
    back = request.query.get("back", "/")
    response = web.Response(status=303, headers={"Location": back if is_local(back) else "/"})
    response.set_cookie(
        COOKIE, request.match_info["language"], max_age=_COOKIE_LASTS_S, httponly=True, samesite="Lax", path="/"
    )
    return response


def is_local(path: str) -> bool:
    """Whether a path stays on this server: `//elsewhere` and `/\\elsewhere` do not."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
