"""The roster at the desk: who lives where, each person's phones and marks, the paper codes, the history.

Never shows a number in full unless a committee account asks, and that it asked stands in the history.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from gateway.outbox import Outbox
from village.ground.clock import Clock, beijing
from village.ground.database import Database
from village.ground.privacy import Vault
from village.ground.wording import RefusalError, Wording, say
from village.notices.stop_notice import spare_phone
from village.people import editing, optout, phones, registration, store
from village.people.changes_store import SLOTS
from village.people.editing import NewMarks
from village.people.exporting import export_csv
from village.people.store import ChangeRow, GroupRow, HouseholdRow, PhoneRow, ResidentRow
from village.polls.dispatch import spare_calls
from village.polls.dispatch import spare_phone as spare_from_polls
from village.web.desk_roster_import import RosterImport
from village.web.kit.forms import Form, read_form
from village.web.kit.gate import Role, account_of, allowed, signed_in
from village.web.kit.once import leads_to, once
from village.web.kit.pages import path_number, query_number, query_text, redirect, render
from village.web.phone_form import CHANNELS, OPTED, SHOWN_FIELD, PhoneSettings, settings_again, settings_wanted

_MOST_FOUND = 200
_ADULT = 18

MARKS: tuple[tuple[str, Wording], ...] = (
    ("represents_household", say("户代表")),
    ("representative", say("村民代表")),
    ("party", say("党员")),
    ("group_leader", say("组长")),
    ("away", say("外出")),
    ("lives_alone", say("独居")),
    ("wants_calls", say("要电话")),
    ("cannot_read", say("不识字")),
)

CHANGES: dict[str, Wording] = {
    "household_added": say("新立户"),
    "head": say("户主"),
    "group": say("组"),
    "added": say("加入花名册"),
    "left": say("记为已离开"),
    "returned": say("回到花名册"),
    "household_id": say("换到另一户"),
    "name": say("姓名"),
    "relation": say("与户主关系"),
    "sex": say("性别"),
    "born": say("出生日期"),
    "away_where": say("外出地"),
    "dialect": say("方言"),
    "phone_added": say("加了电话"),
    "phone_removed": say("去掉电话"),
    "opted": say("收不收通知"),
    "channel": say("怎么通知"),
    "slow": say("念慢些"),
    "home_only": say("不走国外线路"),
    "registered": say("用登记码登记"),
    "code_issued": say("印了登记码"),
    "numbers_seen": say("看了完整号码"),
    "numbers_exported": say("导出了完整号码"),
    "tries_forgotten": say("重新收登记码"),
    **dict(MARKS),
}
"""What a line of history is about."""

_YES_NO = frozenset({name for name, _ in MARKS} | {"slow", "home_only"})
_CHOSEN = {"opted": OPTED, "channel": CHANNELS}


def routes(
    db: Database,
    clock: Clock,
    vault: Vault,
    outbox: Outbox,
    *,
    area_code: str = "",
    groups: int = 0,
    sms_number: str = "",
) -> list[web.RouteDef]:
    """`area_code` completes landlines; `groups` is how many the village has; `sms_number` stands on the paper codes."""
    desk = _Desk(db, clock, vault, outbox, area_code=area_code, sms_number=sms_number)
    person, home = "/roster/people/{id:[0-9]{1,9}}", "/roster/households/{id:[0-9]{1,9}}"
    return [
        web.get("/roster", desk.index),
        *RosterImport(db, clock, vault, area_code=area_code, groups=groups).routes(),
        web.get("/roster/export", desk.export),
        web.post("/roster/export", desk.export_numbers),
        web.get("/roster/codes", desk.codes),
        web.post("/roster/codes", desk.print_codes),
        web.post("/roster/codes/again", desk.take_codes_again),
        web.get(home, desk.household),
        web.post(home, desk.choose_representative),
        web.get(person, desk.person),
        web.post(f"{person}/marks", desk.change_marks),
        web.post(f"{person}/phones", desk.add_phone),
        web.post(f"{person}/phones/{{phone:[0-9]{{1,9}}}}", desk.change_phone),
        web.post(f"{person}/numbers", desk.show_numbers),
        web.post(f"{person}/code", desk.print_code),
        web.post(f"{person}/leave", desk.leave),
    ]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as the pages show them."""

    row: ResidentRow
    age: int | None

    @property
    def marks(self) -> list[Wording]:
        return [words for name, words in MARKS if getattr(self.row.marks, name)]

    @property
    def adult(self) -> bool:
        return self.age is None or self.age >= _ADULT


@dataclass(frozen=True, slots=True)
class _Home:
    id: int
    head: str
    group_no: int
    people: list[Person]


@dataclass(frozen=True, slots=True)
class _Slip:
    """One paper code; shown once and kept nowhere."""

    row: ResidentRow
    code: str


@dataclass(frozen=True, slots=True)
class _PhoneForm:
    """`form` is empty where this phone's form was not the one that was sent."""

    form: Form
    open: bool
    stamp: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """Everything on a person's page."""

    person: Person
    others: list[Person]
    shared_with: dict[int, list[str]]
    code_since: int | None
    history: list[ChangeRow]


class _Desk:
    def __init__(
        self, db: Database, clock: Clock, vault: Vault, outbox: Outbox, *, area_code: str, sms_number: str
    ) -> None:
        self._db = db
        self._clock = clock
        self._vault = vault
        self._outbox = outbox
        self._area_code = area_code or None
        self._sms_number = sms_number

    def _person(self, row: ResidentRow) -> Person:
        today = beijing(self._clock.now_ms()).date()
        return Person(row, None if row.born is None else row.born.age_on(today))

    # the list

    @signed_in
    async def index(self, request: web.Request) -> web.StreamResponse:
        words, group_no = query_text(request, "q"), query_number(request, "group", 0)

        def unit(tx: sqlite3.Connection) -> tuple[list[GroupRow], int, list[ResidentRow]]:
            groups = store.groups(tx)
            chosen = group_no if group_no in {group.no for group in groups} else groups[0].no if groups else 0
            rows = store.search(tx, words) if words else store.of_group(tx, chosen)
            return groups, 0 if words else chosen, rows

        groups, chosen, rows = await self._db.read(unit)
        return await render(
            request,
            "roster/list.html",
            groups=groups,
            chosen=chosen,
            words=words,
            homes=self._homes(rows[:_MOST_FOUND] if words else rows),
            found=len(rows),
            opted=OPTED,
            most=_MOST_FOUND,
        )

    def _homes(self, rows: list[ResidentRow]) -> list[_Home]:
        homes: dict[int, _Home] = {}
        for row in rows:
            home = homes.setdefault(row.household_id, _Home(row.household_id, row.household, row.group_no, []))
            home.people.append(self._person(row))
        return list(homes.values())

    # one household

    @signed_in
    async def household(self, request: web.Request) -> web.StreamResponse:
        return await self._household_page(request)

    async def _household_page(
        self, request: web.Request, form: Form | None = None, refused: RefusalError | None = None
    ) -> web.Response:
        household_id = path_number(request, "id")

        def unit(tx: sqlite3.Connection) -> tuple[HouseholdRow, list[ResidentRow], list[ChangeRow]]:
            home = store.household(tx, household_id)
            if home is None:
                raise RefusalError(say("花名册里没有这一户"), status=404)
            return home, store.residents_of(tx, household_id), store.history(tx, household_id=household_id, limit=30)

        home, rows, history = await self._db.read(unit)
        return await render(
            request,
            "roster/household.html",
            form=form,
            refused=refused,
            home=home,
            people=[self._person(row) for row in rows],
            speaker=next((row.id for row in rows if row.marks.represents_household), 0),
            history=history,
            changes=CHANGES,
            yes_no=_YES_NO,
            chosen_words=_CHOSEN,
        )

    @allowed(Role.COMMITTEE)
    async def choose_representative(self, request: web.Request) -> web.StreamResponse:
        household_id, by = path_number(request, "id"), account_of(request).name
        form = await read_form(request)
        path = f"/roster/households/{household_id}"

        def unit(tx: sqlite3.Connection) -> ResidentRow:
            once(tx, form)
            leads_to(tx, form, path)
            resident_id = form.number("speaker", say("户代表"), low=1, high=2**31)
            return editing.set_representative(tx, household_id, resident_id, by=by, at_ms=self._clock.now_ms())

        try:
            chosen = await self._db.write(unit)
        except RefusalError as refused:
            return await self._household_page(request, form, refused)
        return await redirect(request, path, say("户代表是 {name} 了", name=chosen.name))

    # one person

    @signed_in
    async def person(self, request: web.Request) -> web.StreamResponse:
        return await self._person_page(request)

    async def _person_page(
        self,
        request: web.Request,
        form: Form | None = None,
        refused: RefusalError | None = None,
        numbers: dict[int, str] | None = None,
    ) -> web.Response:
        resident_id = path_number(request, "id")
        shown = await self._db.read(lambda tx: self._shown(tx, resident_id))
        return await render(
            request,
            "roster/person.html",
            form=form,
            marks_form=form if form is not None and request.path.endswith("/marks") else Form(),
            phone_forms={phone.id: self._phone_form(request, phone, form) for phone in shown.person.row.phones},
            refused=refused,
            shown=shown,
            person=shown.person,
            row=shown.person.row,
            numbers=numbers or {},
            opted=OPTED,
            channels=CHANNELS,
            changes=CHANGES,
            yes_no=_YES_NO,
            chosen_words=_CHOSEN,
            slots=SLOTS,
            shown_field=SHOWN_FIELD,
        )

    def _phone_form(self, request: web.Request, phone: PhoneRow, sent: Form | None) -> _PhoneForm:
        """With what the clerk changed, where it is this phone's form that was refused."""
        now = PhoneSettings.of(phone)
        refused = sent is not None and request.path.endswith(f"/phones/{phone.id}")
        form = settings_again(sent, now).as_form(sent) if sent is not None and refused else Form()
        return _PhoneForm(form, refused, now.stamp)

    def _shown(self, tx: sqlite3.Connection, resident_id: int) -> _Shown:
        row = editing.person_of(tx, resident_id)
        return _Shown(
            person=self._person(row),
            others=[self._person(each) for each in store.residents_of(tx, row.household_id) if each.id != row.id],
            shared_with={
                phone.id: [each.name for each in store.holders(tx, phone.id) if each.resident_id != row.id]
                for phone in row.phones
            },
            code_since=registration.waiting_since(tx, resident_id, self._clock.now_ms()),
            history=store.history(tx, resident_id=resident_id, limit=40),
        )

    @allowed(Role.COMMITTEE)
    async def change_marks(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        marks = NewMarks(
            representative=form.has("representative"),
            party=form.has("party"),
            group_leader=form.has("group_leader"),
            away=form.has("away"),
            away_where=form.text("away_where"),
            lives_alone=form.has("lives_alone"),
            wants_calls=form.has("wants_calls"),
            cannot_read=form.has("cannot_read"),
            dialect=form.text("dialect"),
        )

        def change(tx: sqlite3.Connection, row: ResidentRow, by: str, at_ms: int) -> None:
            editing.set_marks(tx, row.id, marks, by=by, at_ms=at_ms)

        return await self._change(request, form, change, say("记下了"))

    @allowed(Role.COMMITTEE)
    async def add_phone(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)

        def change(tx: sqlite3.Connection, row: ResidentRow, by: str, at_ms: int) -> None:
            written = form.needed("number", say("电话"), longest=40)
            editing.add_phone(tx, self._vault, row.id, written, area_code=self._area_code, by=by, at_ms=at_ms)

        return await self._change(request, form, change, say("电话加上了"))

    @allowed(Role.COMMITTEE)
    async def change_phone(self, request: web.Request) -> web.StreamResponse:
        """The form of one phone: what the clerk changed of its settings, or taken out of this person's hands."""
        form, phone_id = await read_form(request), path_number(request, "phone")

        def change(tx: sqlite3.Connection, row: ResidentRow, by: str, at_ms: int) -> None:
            phone = next((each for each in row.phones if each.id == phone_id), None)
            if phone is None:
                raise RefusalError(say("这个电话已经不在这个人名下了"), status=409)
            if form.text("do") == "remove":
                phones.let_go(tx, phone_id, row.id, by=by, at_ms=at_ms)
                spare_calls(tx, self._outbox, phone_id)
                if not store.holders(tx, phone_id):
                    self._spare(tx, phone_id, at_ms)
                return
            wanted = settings_wanted(form, PhoneSettings.of(phone))
            if wanted.channel != phone.channel:
                phones.set_channel(tx, phone_id, wanted.channel, by=by, at_ms=at_ms)
            if wanted.slow != phone.slow:
                phones.set_slow(tx, phone_id, wanted.slow, by=by, at_ms=at_ms)
            if wanted.home_only != phone.home_only:
                phones.set_home_only(
                    tx, self._vault, self._outbox, phone, wanted.home_only, by=by, at_ms=at_ms, resident_id=row.id
                )
            if wanted.opted != phone.opted:
                optout.set_opted(tx, phone_id, wanted.opted, how="desk", at_ms=at_ms, by=by, resident_id=row.id)
                if wanted.opted != "all":
                    self._spare(tx, phone_id, at_ms)

        done = say("这个电话去掉了") if form.text("do") == "remove" else say("记下了")
        return await self._change(request, form, change, done)

    def _spare(self, tx: sqlite3.Connection, phone_id: int, at_ms: int) -> None:
        """Whatever still waits for this phone does not go out."""
        spare_phone(tx, self._outbox, phone_id, at_ms)
        spare_from_polls(tx, self._outbox, phone_id)

    @allowed(Role.COMMITTEE)
    async def leave(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        back = form.text("do") == "back"

        def change(tx: sqlite3.Connection, row: ResidentRow, by: str, at_ms: int) -> None:
            (editing.come_back if back else editing.leave)(tx, row.id, by=by, at_ms=at_ms)

        return await self._change(request, form, change, say("回到花名册了") if back else say("记为已离开"))

    async def _change(self, request: web.Request, form: Form, change: _Change, done: Wording) -> web.StreamResponse:
        """One change of one person, once, and back to their page."""
        resident_id, by = path_number(request, "id"), account_of(request).name
        path = f"/roster/people/{resident_id}"

        def unit(tx: sqlite3.Connection) -> None:
            once(tx, form)
            leads_to(tx, form, path)
            change(tx, editing.person_of(tx, resident_id), by, self._clock.now_ms())

        try:
            await self._db.write(unit)
        except RefusalError as refused:
            if refused.status == 404:
                raise
            return await self._person_page(request, form, refused)
        return await redirect(request, path, done)

    @allowed(Role.COMMITTEE)
    async def show_numbers(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        resident_id, by = path_number(request, "id"), account_of(request).name

        def unit(tx: sqlite3.Connection) -> dict[int, str]:
            row = editing.person_of(tx, resident_id)
            editing.saw_numbers(tx, resident_id, by=by, at_ms=self._clock.now_ms())
            return {phone.id: phones.shown(self._vault, phone) for phone in row.phones}

        return await self._person_page(request, numbers=await self._db.write(unit))

    # paper codes

    @allowed(Role.COMMITTEE)
    async def print_code(self, request: web.Request) -> web.StreamResponse:
        form, resident_id = await read_form(request), path_number(request, "id")
        by = account_of(request).name

        def unit(tx: sqlite3.Connection) -> list[_Slip]:
            once(tx, form)
            leads_to(tx, form, f"/roster/people/{resident_id}")
            return [self._slip(tx, editing.person_of(tx, resident_id), by)]

        slips = await self._db.write(unit)
        return await self._slips(request, slips, f"/roster/people/{resident_id}")

    def _slip(self, tx: sqlite3.Connection, row: ResidentRow, by: str) -> _Slip:
        return _Slip(row, registration.issue(tx, self._vault, row.id, by=by, at_ms=self._clock.now_ms()))

    async def _slips(self, request: web.Request, slips: list[_Slip], back: str) -> web.Response:
        return await render(
            request, "roster/slips.html", slips=slips, back=back, sms_number=self._sms_number, days=_CODE_DAYS
        )

    @allowed(Role.COMMITTEE)
    async def codes(self, request: web.Request) -> web.StreamResponse:
        return await self._codes_page(request)

    async def _codes_page(
        self, request: web.Request, form: Form | None = None, refused: RefusalError | None = None
    ) -> web.Response:
        def unit(tx: sqlite3.Connection) -> tuple[list[tuple[int, int, int]], bool]:
            counted = [
                (
                    group.no,
                    sum(row.registered_ms is not None for row in rows),
                    len([row for row in rows if self._may_register(row)]),
                )
                for group in store.groups(tx)
                for rows in [store.of_group(tx, group.no)]
            ]
            return counted, registration.is_guarded(tx, self._clock.now_ms())

        counted, guarded = await self._db.read(unit)
        return await render(
            request,
            "roster/codes.html",
            form=form,
            refused=refused,
            counted=counted,
            guarded=guarded,
            most=registration.TRIES_ALL,
            tries=registration.TRIES_EACH,
            days=_CODE_DAYS,
        )

    def _may_register(self, row: ResidentRow) -> bool:
        return row.registered_ms is None and self._person(row).adult

    @allowed(Role.COMMITTEE)
    async def print_codes(self, request: web.Request) -> web.StreamResponse:
        """Codes for every grown-up of a group who has not registered yet; their older codes die."""
        form, by = await read_form(request), account_of(request).name

        def unit(tx: sqlite3.Connection) -> list[_Slip]:
            once(tx, form)
            leads_to(tx, form, "/roster/codes")
            group_no = form.number("group", say("组"), low=1, high=99)
            slips = [self._slip(tx, row, by) for row in store.of_group(tx, group_no) if self._may_register(row)]
            if not slips:
                raise RefusalError(say("{n}组的大人都登记过了", n=group_no), status=409)
            return slips

        try:
            slips = await self._db.write(unit)
        except RefusalError as refused:
            return await self._codes_page(request, form, refused)
        return await self._slips(request, slips, "/roster/codes")

    @allowed(Role.COMMITTEE)
    async def take_codes_again(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        by = account_of(request).name
        await self._db.write(lambda tx: registration.let_in_again(tx, by=by, at_ms=self._clock.now_ms()))
        return await redirect(request, "/roster/codes", say("又开始收登记码了"))

    # files out

    @allowed(Role.COMMITTEE, Role.SUPERVISORY)
    async def export(self, request: web.Request) -> web.StreamResponse:
        del request
        return _csv(await self._db.read(lambda tx: export_csv(tx, None)))

    @allowed(Role.COMMITTEE)
    async def export_numbers(self, request: web.Request) -> web.StreamResponse:
        await read_form(request)
        by = account_of(request).name

        def unit(tx: sqlite3.Connection) -> bytes:
            editing.exported_numbers(tx, by=by, at_ms=self._clock.now_ms())
            return export_csv(tx, self._vault)

        return _csv(await self._db.write(unit))


_CODE_DAYS = registration.CODE_LIFE_MS // registration.DAY_MS

_Change = Callable[[sqlite3.Connection, ResidentRow, str, int], None]


def _csv(content: bytes) -> web.Response:
    name = f"filename=\"roster.csv\"; filename*=UTF-8''{quote('花名册.csv')}"
    return web.Response(
        body=content, content_type="text/csv", charset="utf-8", headers={"Content-Disposition": f"attachment; {name}"}
    )
