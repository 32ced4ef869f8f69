"""/phones: the sample village's feature phones side by side, with their messages, their calls and their keys.

Never a way around the gateway: what is typed here travels through the simulated carrier, as a villager's would.
Never part of a real village; `app.py` leaves these routes away there.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from aiohttp import web

from gateway.failures import TransportDownError
from gateway.phone import NotAPhoneError, PhoneKind, display, parse
from gateway.simulated.carrier import Carrier
from gateway.simulated.handset import CallView, HandsetOffError, HandsetView, NoCallError, Note
from village.ground.clock import Clock, beijing
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import RefusalError, Wording, say
from village.web.kit.forms import Form, read_form
from village.web.kit.frame import FRAME
from village.web.kit.pages import path_number, query_text, redirect, render
from village.web.phone_credit import OWN_SIM, TOP_UP_YUAN, Sim, credit_of, top_up
from village.web.phone_names import Names
from village.web.waveform import HEIGHT, WIDTH, waveform

_log = logging.getLogger(__name__)

KEYS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
MOST_ON_SHELF = 12
_MOST_FOUND = 20
_LONGEST_TEXT = 500
_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
_MORNING_HOUR = 8

_AT_MOST_EVERY_S = 0.25
_SIGN_OF_LIFE_S = 15.0
_LASTS_S = 600.0
"""Then the browser asks anew."""
_MOST_PAGES = 20


class CountyLine(Protocol):
    """The sample village's line to its county."""

    @property
    def cut(self) -> bool: ...

    def cut_or_restore(self, *, cut: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A phone worth trying: its number (E.164), why, and whether it lies on the shelf at the start."""

    number: str
    why: Wording
    at_start: bool = True


@dataclass(frozen=True, slots=True)
class _Phone:
    """One feature phone as the page draws it."""

    dial: str
    """The number as digits, for addresses and ids."""
    shown: str
    label: Wording
    why: Wording | None
    """Why it lies here, where somebody suggested it."""
    landline: bool
    handset: HandsetView
    state: str
    notes: Sequence[Note] = ()
    call: CallView | None = None
    wave: str = ""
    keys: str = ""
    """What was pressed in this call."""
    draft: str = ""
    """What was typed so far by a browser without JavaScript."""
    word: Wording | None = None
    """What the phone says about the last key; shown once."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A line of the search: somebody, and the phone they hold, if any."""

    dial: str
    shown: str
    label: Wording


def routes(
    carrier: Carrier,
    clock: Clock,
    skip: Callable[[int], Awaitable[None]],
    *,
    db: Database,
    vault: Vault,
    office: str,
    office_phone: str,
    suggestions: Sequence[Suggestion] = (),
    line: CountyLine | None = None,
    sim: Sim = OWN_SIM,
) -> list[web.RouteDef]:
    """`skip` moves the village's time forward; `office` and `office_phone` are what a ringing phone shows. `line`: the
    way to the county, which can be cut and restored."""
    page = _Page(
        carrier=carrier,
        clock=clock,
        skip=skip,
        db=db,
        vault=vault,
        office=office,
        office_phone=office_phone,
        suggestions=suggestions,
        line=line,
        sim=sim,
    )
    one = "/phones/{number:[0-9]{5,15}}"
    return [
        web.get("/phones", page.shelf),
        web.get("/phones/live", page.live),
        web.get("/phones/busy", page.busy),
        web.post("/phones/time", page.move_time),
        web.post("/phones/line", page.switch_line),
        web.get("/phones/sim", page.credit),
        web.post("/phones/sim", page.top_up),
        web.post("/phones/new", page.take_new),
        web.post(one, page.act),
        web.get(one + "/screen", page.screen),
        web.get(one + "/clip/{serial:[0-9]{1,9}}.wav", page.clip),
    ]


class _Page:
    def __init__(
        self,
        *,
        carrier: Carrier,
        clock: Clock,
        skip: Callable[[int], Awaitable[None]],
        db: Database,
        vault: Vault,
        office: str,
        office_phone: str,
        suggestions: Sequence[Suggestion],
        line: CountyLine | None,
        sim: Sim,
    ) -> None:
        self._carrier = carrier
        self._clock = clock
        self._skip = skip
        self._names = Names(db, vault)
        self._office = office
        self._office_phone = office_phone
        self._suggestions = suggestions
        self._line = line
        self._sim = sim
        self._drafts: dict[str, str] = {}
        self._pressed: dict[str, tuple[int, str]] = {}
        self._moving = asyncio.Lock()

    # pages and parts

    async def shelf(self, request: web.Request) -> web.StreamResponse:
        return await self._shelf_page(request)

    async def _shelf_page(
        self, request: web.Request, *, form: Form | None = None, refused: RefusalError | None = None
    ) -> web.Response:
        numbers = self._on(request, form)
        words = query_text(request, "q")
        phones = await self._phones(numbers)
        offered = [s for s in self._suggestions if s.number not in numbers]
        labels = await self._labels([s.number for s in offered])
        view = self._fixed() | {
            "phones": phones,
            "on": _joined(numbers),
            "shelf_with": lambda dial: _address(self._and(numbers, dial)),
            "shelf_without": lambda dial: _address([n for n in numbers if _dial(n) != dial]),
            "words": words,
            "found": await self._search(words) if words else [],
            "offered": [(_dial(s.number), display(s.number), labels[s.number], s.why) for s in offered],
            "elsewhere": await self._elsewhere(numbers),
        }
        return await render(request, "phones/shelf.html", view, form=form, refused=refused)

    def _fixed(self) -> dict[str, object]:
        return {
            "pad": KEYS,
            "office": self._office,
            "office_phone": self._office_phone,
            "wave_box": f"0 0 {WIDTH} {HEIGHT}",
            "line": self._line,
            "sim": credit_of(self._carrier, self._sim),
        }

    async def _elsewhere(self, numbers: Collection[str]) -> list[tuple[str, Wording]]:
        """Phones in a call that are not on the shelf."""
        calls = [h.number for h in self._carrier.handsets() if h.call is not None and h.number not in numbers]
        labels = await self._labels(calls)
        return [(_dial(number), labels[number]) for number in calls]

    async def busy(self, request: web.Request) -> web.StreamResponse:
        numbers = self._on(request)
        return await render(
            request,
            "phones/_busy.html",
            shelf_with=lambda dial: _address(self._and(numbers, dial)),
            elsewhere=await self._elsewhere(numbers),
        )

    async def screen(self, request: web.Request) -> web.StreamResponse:
        return await self._screen(request, self._number(request))

    async def _screen(self, request: web.Request, number: str, word: Wording | None = None) -> web.Response:
        (phone,) = await self._phones([number], word)
        return await render(request, "phones/_part.html", self._fixed() | {"phone": phone})

    async def credit(self, request: web.Request) -> web.StreamResponse:
        return await render(request, "phones/_credit.html", sim=credit_of(self._carrier, self._sim))

    async def clip(self, request: web.Request) -> web.StreamResponse:
        """What the call is saying just now; gone as soon as it says something else."""
        call = self._carrier.call(self._number(request))
        if call is None or call.prompt is None or call.prompt.serial != path_number(request, "serial"):
            raise web.HTTPNotFound
        if not await asyncio.to_thread(call.prompt.path.is_file):
            raise web.HTTPNotFound
        return web.FileResponse(call.prompt.path, headers={"Content-Type": "audio/wav", "Cache-Control": "no-store"})

    async def live(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: which screens on this shelf changed, whether other phones did, and the time."""
        listening, task = request.app[FRAME].listening, asyncio.current_task()
        if task is None or len(listening) >= _MOST_PAGES:
            raise RefusalError(say("同时打开的页面太多了，请关掉几个。"), status=503)
        numbers = set(self._on(request))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        listening.add(task)
        try:
            await response.prepare(request)
            await response.write(b"retry: 2000\n\n")
            with contextlib.suppress(TimeoutError), self._carrier.watch() as watch:
                await response.write(self._news(numbers, numbers))  # what changed before we listened
                async with asyncio.timeout(_LASTS_S):
                    while True:
                        changed = await _within(_SIGN_OF_LIFE_S, watch.changed)
                        await response.write(self._news(numbers, changed))
                        await asyncio.sleep(_AT_MOST_EVERY_S)
        except ConnectionError:
            _log.debug("phones page closed")
        finally:
            listening.discard(task)
        return response

    def _news(self, numbers: Collection[str], changed: Collection[str]) -> bytes:
        told = {
            "now_ms": self._clock.now_ms(),
            "screens": [_dial(number) for number in numbers if number in changed],
            "elsewhere": any(number not in numbers for number in changed),
            "credit_fen": self._carrier.credit(self._sim.line),
        }
        return f"data: {json.dumps(told)}\n\n".encode()

    # what a finger does

    async def act(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        number = self._number(request)
        word = await self._press(number, form)
        if form.has("part"):
            return await self._screen(request, number, word)
        return await redirect(request, _address(self._on(request, form)) + f"#p{_dial(number)}", word)

    async def _press(self, number: str, form: Form) -> Wording | None:
        """Do what the button says; a word where the phone cannot."""
        carrier, do, handset = self._carrier, form.text("do"), self._carrier.handset(number)
        match do:
            case "power_on" | "power_off":
                carrier.set_power(number, do == "power_on")
            case "signal_on" | "signal_off":
                carrier.set_signal(number, do == "signal_on")
            case _ if not handset.on:
                return say("这部手机关着，先开机")
            case "answer":
                return self._answer(number, handset)
            case "end":
                return self._end(number, handset)
            case "ring":
                return await self._ring(number, handset)
            case "read":
                carrier.read(number)
            case "send":
                return self._send(number, form)
            case key if key in KEYS:
                return self._key(number, handset, key, form)
            case _:
                raise RefusalError(say("手机上没有这个键"), status=422)
        return None

    def _answer(self, number: str, handset: HandsetView) -> Wording | None:
        if handset.call is None or handset.call.state != "ringing":
            return say("现在没有来电")
        with contextlib.suppress(NoCallError):  # it stopped ringing while the finger came down
            self._carrier.answer(number)
        return None

    async def _ring(self, number: str, handset: HandsetView) -> Wording:
        """Ring the village once and hang up, which costs nothing."""
        if handset.call is not None:
            return say("正有电话，先按“挂断”")
        try:
            await self._carrier.ring_village(number)
        except HandsetOffError:
            return say("没信号，打不出去")
        except TransportDownError:
            return say("打不通：村里的线现在断着")
        return say("响了一声就挂了，没花钱。登记过的号码，村里会打回来")

    def _end(self, number: str, handset: HandsetView) -> Wording | None:
        self._drafts.pop(number, None)
        with contextlib.suppress(NoCallError):
            if handset.call is not None and handset.call.state == "ringing":
                self._carrier.refuse(number)
            elif handset.call is not None:
                self._carrier.hang_up(number)
        return None

    def _key(self, number: str, handset: HandsetView, key: str, form: Form) -> Wording | None:
        """During a call a key is a tone; otherwise it is typed."""
        if handset.call is None or handset.call.state != "talking":
            self._drafts[number] = (form.text("text") + key)[:_LONGEST_TEXT]
            return None
        with contextlib.suppress(NoCallError):
            self._carrier.press(number, key)
            since_ms, keys = self._pressed.get(number, (0, ""))
            same = since_ms == handset.call.since_ms
            self._pressed[number] = (handset.call.since_ms, (keys if same else "")[-11:] + key)
        return None

    def _send(self, number: str, form: Form) -> Wording | None:
        text = form.text("text")
        if not text:
            return say("先按数字键，或者打字，再按发送")
        if _landline(number):
            return say("座机不能发短信")
        if len(text) > _LONGEST_TEXT:
            return say("太长了：最多{most}个字", most=_LONGEST_TEXT)
        self._carrier.read(number)
        self._carrier.send_from(number, text)
        self._drafts.pop(number, None)
        return None

    async def take_new(self, request: web.Request) -> web.StreamResponse:
        """Put a phone nobody has registered on the shelf."""
        form = await read_form(request)
        try:
            phone = parse(form.text("number"))
        except NotAPhoneError:
            phone = None
        if phone is None or phone.kind is not PhoneKind.MOBILE:
            refused = RefusalError(say("请写11位手机号码，比如 19900000009"), status=422)
            return await self._shelf_page(request, form=form, refused=refused)
        if not self._known(phone.e164):
            self._carrier.add(phone.e164)
        return await redirect(request, _address(self._and(self._on(request, form), _dial(phone.e164))))

    async def move_time(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        if self._moving.locked():
            raise RefusalError(say("时间正在往前走，等它走完再按。"), status=409)
        async with self._moving:
            await self._skip(self._how_far(form.text("to")))
        now = say("现在是村里的 {when}", when=_clock_face(self._clock.now_ms()))
        if form.has("part"):
            return web.json_response({"now_ms": self._clock.now_ms(), "word": str(now)})
        return await redirect(request, _address(self._on(request, form)), now)

    async def switch_line(self, request: web.Request) -> web.StreamResponse:
        """Cut the way to the county, or restore it: the village goes on either way."""
        form = await read_form(request)
        if self._line is None or form.text("line") not in ("cut", "restore"):
            raise RefusalError(say("没有这样的开关"), status=422)
        self._line.cut_or_restore(cut=form.text("line") == "cut")
        said = say("和县里的网断开了，村里的事照办") if self._line.cut else say("和县里的网接上了")
        return await redirect(request, _address(self._on(request, form)), said)

    async def top_up(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        said = say("充了{yuan}元，现在余额{left}元", yuan=TOP_UP_YUAN, left=top_up(self._carrier, self._sim).left)
        return await redirect(request, _address(self._on(request, form)), said)

    def _how_far(self, to: str) -> int:
        now_ms = self._clock.now_ms()
        match to:
            case "seconds":
                return 10 * 1000
            case "minutes":
                return 10 * _MINUTE_MS
            case "hour":
                return _HOUR_MS
            case "morning":
                moment = beijing(now_ms)
                passed_ms = (moment.hour * 60 + moment.minute) * _MINUTE_MS + moment.second * 1000
                return (_MORNING_HOUR * _HOUR_MS - passed_ms - 1) % (24 * _HOUR_MS) + 1
        raise RefusalError(say("没有这样跳时间的"), status=422)

    # who and which

    def _number(self, request: web.Request) -> str:
        """The phone in the path. Raises a 404 for one the carrier does not know."""
        number = _e164(request.match_info["number"])
        try:
            self._carrier.handset(number)
        except KeyError:
            raise web.HTTPNotFound from None
        return number

    def _on(self, request: web.Request, form: Form | None = None) -> list[str]:
        """The phones on the shelf, as the address or the form names them."""
        named = form.text("on") if form is not None and form.has("on") else request.query.get("on")
        if named is None:
            return [s.number for s in self._suggestions if s.at_start][:MOST_ON_SHELF]
        numbers = dict.fromkeys(_e164(part) for part in named.split(",") if part.isascii() and part.isdigit())
        return [number for number in numbers if self._known(number)][:MOST_ON_SHELF]

    def _known(self, number: str) -> bool:
        try:
            self._carrier.handset(number)
        except KeyError:
            return False
        return True

    def _and(self, numbers: Sequence[str], dial: str) -> list[str]:
        """With one phone more, in front; the last one makes room."""
        return list(dict.fromkeys([_e164(dial), *numbers]))[:MOST_ON_SHELF]

    async def _phones(self, numbers: Sequence[str], word: Wording | None = None) -> list[_Phone]:
        for number in numbers:
            if not self._known(number):
                self._carrier.add(number)
        labels = await self._labels(numbers)
        return [await self._phone(number, labels[number], word) for number in numbers]

    async def _phone(self, number: str, label: Wording, word: Wording | None) -> _Phone:
        handset = self._carrier.handset(number)
        call = handset.call if handset.on else None
        since_ms, keys = self._pressed.get(number, (0, ""))
        return _Phone(
            dial=_dial(number),
            shown=display(number),
            label=label,
            why=next((s.why for s in self._suggestions if s.number == number), None),
            landline=_landline(number),
            handset=handset,
            state="off" if not handset.on else call.state if call is not None else "idle",
            notes=self._carrier.thread(number, limit=30) if handset.on else (),
            call=call,
            wave=await _wave(call),
            keys=keys if call is not None and call.since_ms == since_ms else "",
            draft=self._drafts.get(number, ""),
            word=word,
        )

    async def _labels(self, numbers: Collection[str]) -> dict[str, Wording]:
        """By the roster; else what the carrier calls the phone."""
        known = await self._names.labels(numbers)
        return {number: known[number] or self._carrier_label(number) for number in numbers}

    def _carrier_label(self, number: str) -> Wording:
        label = self._carrier.handset(number).label if self._known(number) else ""
        return say("{name}", name=label) if label else say("没登记的号码")

    async def _search(self, words: str) -> list[_Found]:
        """By name, or by a part of the number."""
        digits = "".join(c for c in words if c.isascii() and c.isdigit())
        if len(digits) >= 3:
            numbers = [h.number for h in self._carrier.handsets() if digits in _dial(h.number)]
        else:
            numbers = [n for n in await self._names.held_by(words, _MOST_FOUND) if self._known(n)]
        labels = await self._labels(numbers[:_MOST_FOUND])
        return [_Found(_dial(number), display(number), label) for number, label in labels.items()]


async def _wave(call: CallView | None) -> str:
    if call is None or call.prompt is None:
        return ""
    try:
        return await asyncio.to_thread(waveform, call.prompt.path)
    except (OSError, ValueError) as unreadable:
        _log.warning("clip not drawn: %s", type(unreadable).__name__)
        return ""


async def _within(seconds: float, changed: Callable[[], Awaitable[set[str]]]) -> set[str]:
    """What changed, or nothing after a while: the browser learns the time, and we that it is still there."""
    try:
        async with asyncio.timeout(seconds):
            return await changed()
    except TimeoutError:
        return set()


def _dial(number: str) -> str:
    """19900000001, 057188001234"""
    return display(number).replace("-", "")


def _e164(dial: str) -> str:
    try:
        return parse(dial).e164
    except NotAPhoneError:
        return dial


def _landline(number: str) -> bool:
    return parse(number).kind is PhoneKind.LANDLINE


def _joined(numbers: Iterable[str]) -> str:
    return ",".join(_dial(number) for number in numbers)


def _address(numbers: Iterable[str]) -> str:
    return "/phones?" + urlencode({"on": _joined(numbers)}, safe=",")


def _clock_face(now_ms: int) -> str:
    moment = beijing(now_ms)
    return f"{moment.month}月{moment.day}日 {moment.hour}:{moment.minute:02d}"
