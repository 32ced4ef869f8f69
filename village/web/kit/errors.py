"""Everything that goes wrong becomes a plain page: what happened, that nothing was lost, the one thing to do.

Never shows a trace, a path of ours or anybody's number; those who look after the server find the id in the log.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import web

from village.ground.database import DatabaseClosedError, DiskFullError
from village.ground.wording import RefusalError, Wording, say
from village.web.kit.forms import TYPED, Form, take_form
from village.web.kit.frame import FRAME, visitor_of
from village.web.kit.gate import LOGIN, SignInNeededError
from village.web.kit.once import AlreadyDoneError
from village.web.kit.pages import redirect, render

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_TITLES = {
    400: say("没看懂"),
    401: say("请先登录"),
    403: say("这里打不开"),
    404: say("没有这一页"),
    405: say("这样打不开"),
    408: say("传得太慢"),
    409: say("已经办过了"),
    413: say("太大了"),
    421: say("网址不对"),
    429: say("请等一等"),
    500: say("出了点问题"),
    503: say("请等一等"),
    507: say("存储卡满了"),
}
_REFUSED = say("没有办成")

_REASONS = {
    404: say("这一页不在，可能已经换了地方。"),
    405: say("这个网址要从它自己的页面里点进去。"),
    413: say("太大了，没有收。什么都没有改。"),
}
_CHOSEN = re.compile(r"[a-z_]{1,24}|[0-9]{1,4}")
"""What a tick or a list sends: nobody wrote it."""
_UNREAD = say("这个请求读不懂，什么都没有改。")


@web.middleware
async def plain_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
        if request.method == "POST" and TYPED not in request:
            raise RuntimeError("a form was taken without read_form")
        return response
    except AlreadyDoneError as done:
        if done.leads_to:
            return await redirect(request, done.leads_to, say("这份表单交过一次了，下面是那一次的结果。"))
        return await _page(request, 409, [say("这份表单已经交过一次，办好了，没有再办第二遍。")])
    except RefusalError as refused:
        return await _page(
            request,
            refused.status,
            list(refused.reasons),
            typed=await _typed(request, refused),
            sign_in=isinstance(refused, SignInNeededError),
        )
    except DiskFullError:
        log.error("disk full at=%s", _route(request))
        reason = say("存储卡满了，这一次没有存下来；以前的都在。请先清理存储卡，再交一次。")
        return await _page(request, 507, [reason], typed=request.get(TYPED))
    except DatabaseClosedError:
        return await _page(request, 503, [say("服务正在停下或重新启动，请过一分钟再试。")], typed=request.get(TYPED))
    except web.HTTPException as answer:
        if answer.status < 400:
            raise
        page = await _page(request, answer.status, [_REASONS.get(answer.status, _UNREAD)])
        if "Allow" in answer.headers:
            page.headers["Allow"] = answer.headers["Allow"]
        return page
    except (ConnectionError, asyncio.CancelledError):
        raise
    except Exception as failure:
        mark = secrets.token_hex(4)
        log.exception("page failed id=%s at=%s kind=%s", mark, _route(request), type(failure).__name__)
        reason = say("这一步没有办成，以前的都在。请再试一次；还不行，把编号 {mark} 告诉管电脑的人。", mark=mark)
        return await _page(request, 500, [reason], typed=request.get(TYPED))


async def _typed(request: web.Request, refused: RefusalError) -> Form | None:
    """What was typed, also where it was refused before anybody read it."""
    if request.method != "POST" or refused.status in (408, 413):
        return None
    try:
        return await take_form(request)
    except RefusalError:
        return None


async def _page(
    request: web.Request,
    status: int,
    reasons: list[Wording],
    *,
    typed: Form | None = None,
    sign_in: bool = False,
) -> web.StreamResponse:
    layout = "public" if not request.app[FRAME].desk else "desk" if visitor_of(request).account else "plain"
    return await render(
        request,
        "kit/trouble.html",
        status=status,
        layout=f"kit/{layout}.html",
        heading=_TITLES.get(status, _REFUSED),
        reasons=reasons,
        typed=[pair for pair in typed.repeatable() if not _CHOSEN.fullmatch(pair[1])] if typed else [],
        sign_in=LOGIN if sign_in else "",
    )


def _route(request: web.Request) -> str:
    """The pattern of the path: the path itself may name a person."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "?"
