"""One day in 青山村, step by step: what is done, and what must be seen afterwards.

Each step is a plain function of the world; it returns what was observed, or raises StoryError.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from village.ground.wording import Wording, say
from village.notices.reach import Reach, Stage
from village.sample.roster import DEAD, NOBODYS, ONE_VOTER, PARTY_AWAY, SHARED_BY_FOUR, sample_csv
from village.story.world import CLERK, PASSWORD, World, expect

Play = Callable[[World], Awaitable[Wording]]

TEXT = "12月6日周日上午10点在村委会领化肥，每户两袋，带户口本。"
CORRECTED = "领化肥改到12月6日周日下午3点，每户两袋，带户口本。"
_NEW_PERSON, _NEW_PHONE = "章新来", "19900009001"


@dataclass(frozen=True, slots=True)
class Step:
    title: Wording
    play: Play


async def opens_its_pages(world: World) -> Wording:
    home = await world.public.open("/")
    expect(home.status == 200, f"public page: {home.status}")
    expect("停水" in home.said, "the notice about the water is not on the public page")
    closed = await world.desk.open("/roster")
    expect("/login" in closed.url or "/first" in closed.url, f"the desk is open to strangers: {closed.url}")
    return say("公开页能看，上面有停水通知；村务台不给生人看")


async def takes_the_one_time_code(world: World) -> Wording:
    first = (await world.desk.open("/first")).form("/first")
    wrong = await world.desk.send(
        first, {"code": "0000 0000 0000", "name": CLERK, "password": PASSWORD, "password_again": PASSWORD}
    )
    expect(wrong.status == 422, f"a wrong code was answered with {wrong.status}")
    first = (await world.desk.open("/first")).form("/first")
    filled = {"code": world.first_code, "name": CLERK, "password": PASSWORD, "password_again": PASSWORD}
    await world.send(first, filled)
    page = await world.page("/")
    expect(CLERK in page.said, "the clerk is not at the desk")
    expect(world.count("SELECT count(*) FROM account") == 1, "there is not exactly one account")
    return say("错的一次性密码被拒，对的建了一个账号，陈会计坐到村务台前")


async def refuses_a_broken_spreadsheet(world: World) -> Wording:
    before = world.count("SELECT count(*) FROM resident")
    broken = _spreadsheet([["3组", "王五五", "王五五", "户主", "1.38E+10"], ["九百组", "", "赵六六", "户主", "123"]])
    form = (await world.page("/roster/import")).form("/roster/import")
    page = await world.send(form, {}, ("有错的.csv", broken))
    for row in ("第2行", "第3行"):
        expect(row in page.said, f"{row} is not named: {page.said[:400]}")
    expect(world.count("SELECT count(*) FROM resident") == before, "a refused file changed the roster")
    return say("有错的花名册一行一行说清了错在哪，什么都没有进")


async def takes_the_corrected_spreadsheet(world: World) -> Wording:
    before = world.count("SELECT count(*) FROM resident")
    people = sample_csv().decode("utf-8-sig").rstrip("\r\n")
    head = next(csv.reader(io.StringIO(people.splitlines()[_header_row(people)])))
    line = dict.fromkeys(head, "")
    line |= {name: _new_person(name) for name in head}
    corrected = people + "\r\n" + ",".join(line[name] for name in head) + "\r\n"
    for _ in range(2):  # the same file twice: the second time nothing is new
        form = (await world.page("/roster/import")).form("/roster/import")
        checked = await world.desk.send(form, {}, ("花名册.csv", corrected.encode("utf-8-sig")))
        confirm = next((found for found in checked.forms if found.action.startswith("/roster/import/")), None)
        expect(confirm is not None, f"nothing to confirm: {checked.said[:400]}")
        if confirm is not None:
            await world.send(confirm, {})
    after = world.count("SELECT count(*) FROM resident")
    expect(after == before + 1, f"{before} people became {after}")
    return say("改好的花名册导入两遍：{before}人变成{after}人，没有重复", before=before, after=after)


async def registers_a_phone(world: World) -> Wording:
    told = await world.command("roster", "code", str(world.folder), _NEW_PERSON, "--json")
    wrong = await world.answered(NOBODYS, "135791", "登记码不对")
    good = await world.answered(NOBODYS, str(told["code"]), "登记成功")
    expect(_NEW_PERSON in good, good)
    again = await world.answered(ONE_VOTER, str(told["code"]), "登记码不对")
    return say("错码：{wrong} 对码：{good} 再用：{again}", wrong=wrong, good=good, again=again)


async def shows_before_it_sends(world: World) -> Wording:
    form = (await world.page("/notices/new")).form("/notices/new")
    preview = await world.send(form, {"text": TEXT, "to": "everyone", "channel": ["sms", "call", "page"]})
    expect(preview.status == 200, f"preview: {preview.status} {preview.said[:300]}")
    expect("【青山村】" in preview.said and "收到请回9" in preview.said, "the preview does not show the SMS")
    expect(world.count("SELECT count(*) FROM notice") == 3, "looking already sent something")
    return say("发之前看得到：每个人收到什么、多少条、多少钱、多久发完")


async def sends_to_everybody(world: World) -> Wording:
    form = (await world.page("/notices/new")).form("/notices/new")
    preview = await world.desk.send(form, {"text": TEXT, "to": "everyone", "channel": ["sms", "call", "page"]})
    await world.send(preview.form("/notices/send"), {})
    expect(world.count("SELECT count(*) FROM notice") == 4, "the notice is not there exactly once")
    world.notice_id = world.count("SELECT max(id) FROM notice")
    number = world.reach().notice.number

    async def on_the_page() -> bool:
        return TEXT[:10] in (await world.public.open("/")).said

    await world.until(on_the_page, "the public page does not show the notice")

    async def arrived() -> Reach | None:
        seen = world.reach()
        return seen if seen.funnel.delivered >= seen.funnel.units * 0.8 else None

    seen = await world.until(arrived, "the SMS do not arrive", minutes=60)
    got = [text for text in world.received(ONE_VOTER) if f"通知{number}:" in text]
    expect(len(got) == 1, f"{ONE_VOTER} got it {len(got)} times")
    expect(not world.received(DEAD), "a dead number received something")
    return say("通知{number}：{units}户里{delivered}户的手机收到，公开页马上就有",
               number=number, units=seen.funnel.units, delivered=seen.funnel.delivered)  # fmt: skip


async def hears_the_answers(world: World) -> Wording:
    before = world.count(_ANSWERED, notice=world.notice_id, via="sms")
    for number, typed in ((ONE_VOTER, "９"), (SHARED_BY_FOUR, "收到。"), (PARTY_AWAY, "9")):
        await world.press(number, "send", typed)
        await world.may_be_cut()

    async def counted() -> bool:
        return all(_confirmed_by(world, number) for number in (ONE_VOTER, SHARED_BY_FOUR, PARTY_AWAY))

    await world.until(counted, "an answer was not counted", minutes=20)
    after = world.count(_ANSWERED, notice=world.notice_id, via="sms")
    expect(after > before, "no confirmation by SMS")
    return say("９、收到。、9 都记下了，合用的手机也算")


async def speaks_to_those_who_want_a_call(world: World) -> Wording:
    await world.press(ONE_VOTER, "send", "02")
    await world.may_be_cut()

    async def ringing() -> bool:
        return "ringing" in (await world.screen(ONE_VOTER)).text

    await world.until(ringing, "nobody rings after 02", minutes=15, by="seconds")
    await world.press(ONE_VOTER, "answer")

    async def speaking() -> str | None:
        page = await world.screen(ONE_VOTER)
        _, found, rest = page.text.partition('data-clip="')
        return rest.partition('"')[0].replace("&amp;", "&") if found else None

    clip = await world.public.fetch(await world.until(speaking, "the call says nothing"))
    expect(clip[:4] == b"RIFF" and len(clip) > 40_000, f"not a spoken clip: {len(clip)} bytes")
    await world.press(ONE_VOTER, "9")
    return say("回02，电话打来，念的是真的声音（{kb} kB），按了9", kb=len(clip) // 1000)


async def answers_what_villagers_type(world: World) -> Wording:
    await world.answered(PARTY_AWAY, "01", "领化肥")
    await world.answered(PARTY_AWAY, "0", "01看通知")
    suggestion = await world.answered(PARTY_AWAY, "村口的涵洞堵了，下雨就淹", "建议")
    await world.answered(PARTY_AWAY, "T", "已退订")
    await world.answered(PARTY_AWAY, "DY", "已恢复")
    expect(world.count("SELECT count(*) FROM suggestion") == 1, "the suggestion is not kept exactly once")
    return say("01、0、建议、T、DY 都有回音：{suggestion}", suggestion=suggestion)


async def never_answers_robots(world: World) -> Wording:
    before = world.count("SELECT count(*) FROM message_state WHERE kind = 'reply'")
    page = await world.public.open(f"/phones?on={ONE_VOTER}")
    echo = world.received(ONE_VOTER)[-1]
    await world.public.send(page.form(f"/phones/{ONE_VOTER}"), {"do": "send", "text": echo})
    await world.may_be_cut()

    async def kept() -> bool:
        return world.count("SELECT count(*) FROM inbox WHERE received_ms >= :since", since=since) >= 1

    since = world.now_ms() - 60_000
    await world.until(kept, "the echo was not kept", minutes=10)
    after = world.count("SELECT count(*) FROM message_state WHERE kind = 'reply'")
    expect(after == before, "an echo of our own text was answered")
    return say("自己的短信被转回来：收下了，没有再回")


async def stops_and_corrects(world: World) -> Wording:
    number = world.reach().notice.number
    old = {phone: _texts(world, phone, f"通知{number}:") for phone in (ONE_VOTER, SHARED_BY_FOUR)}
    stop = (await world.page(f"/notices/{world.notice_id}/correct")).form(f"/notices/{world.notice_id}/stop")
    await world.desk.send(stop, {})
    form = (await world.page(f"/notices/{world.notice_id}/correct")).form(f"/notices/{world.notice_id}/correct")
    checked = await world.desk.send(form, {"text": CORRECTED, "short_text": ""})
    final = checked.form(f"/notices/{world.notice_id}/correct")
    await world.send(final, {"send": "1"})
    seen = world.reach()
    expect(seen.notice.version == 2, f"version {seen.notice.version}")
    expect(seen.funnel.confirmed == 0 or not _confirmed_by(world, ONE_VOTER), "an old confirmation still counts")

    async def corrected() -> bool:
        return all(len(_texts(world, phone, f"更正通知{number}")) == 1 for phone in old)

    await world.until(corrected, "the correction did not arrive exactly once", minutes=60)
    await world.press(ONE_VOTER, "send", "9")

    async def counted() -> bool:
        return _confirmed_by(world, ONE_VOTER)

    await world.until(counted, "the answer to the correction was not counted", minutes=20)
    return say("更正只发给收到旧通知的手机，旧的“收到”作废，新的9算数")


async def knows_whom_to_visit(world: World) -> Wording:
    await world.skip("morning")
    seen = await world.until(_overdue(world), "nobody is on the door list a day later", minutes=240)
    visit = next(tile for tile in seen.tiles if tile.visit)
    path = f"/notices/{world.notice_id}/doors"
    page = await world.page(path)
    expect(visit.name in page.said, f"{visit.name} is not on the door list")
    ticks = [form for form in page.forms if "version" in dict(form.fields)]
    expect(bool(ticks), "nothing to tick on the door list")
    await world.send(ticks[0], {"tick": str(visit.unit_id)})
    after = world.reach()
    told = next(tile for tile in after.tiles if tile.unit_id == visit.unit_id)
    expect(told.stage is Stage.CONFIRMED and not told.visit, f"after the visit the household stands at {told.stage}")
    doors = "SELECT count(*) FROM notice_confirmation WHERE via = 'door' AND lapsed_ms IS NULL"
    expect(world.count(doors) == 1, "the visit is not written down exactly once")
    return say("{confirmed}户收到，{unreached}户要上门；去了一户，划掉了，剩{left}户", confirmed=seen.funnel.confirmed,
               unreached=seen.funnel.unreached, left=after.funnel.unreached)  # fmt: skip


async def lost_nothing(world: World) -> Wording:
    hanging = (
        "SELECT count(*) FROM message_state WHERE state = 'sending'"
        " OR (state = 'queued' AND (error IS NULL OR due_ms < :now))"
    )

    async def settled() -> bool:
        return world.count(hanging, now=world.now_ms() - 60_000) == 0

    await world.until(settled, "messages hang without an end and without a reason", minutes=240)
    twice = world.sent_twice()
    expect(not twice, f"some phones got the same notice twice: {twice[:3]}")
    unknown = world.count("SELECT count(*) FROM message_state WHERE state = 'unknown'")
    total = world.count("SELECT count(*) FROM message_state")
    expect(unknown <= 64 * max(world.cuts, 1), f"{unknown} messages are unknown")
    expect(world.count("SELECT count(*) FROM inbox WHERE trouble IS NOT NULL") == 0, "a received text was not read")
    waiting = world.count("SELECT count(*) FROM message_state WHERE state = 'queued'")
    return say("{total}条消息都有下落：{waiting}条有原因地等着，{unknown}条说不清的列了出来，没有一条发两遍",
               total=total, waiting=waiting, unknown=unknown)  # fmt: skip


STEPS: Sequence[Step] = (
    Step(say("打开页面"), opens_its_pages),
    Step(say("第一次进村务台"), takes_the_one_time_code),
    Step(say("有错的花名册"), refuses_a_broken_spreadsheet),
    Step(say("改好的花名册"), takes_the_corrected_spreadsheet),
    Step(say("用登记码登记手机"), registers_a_phone),
    Step(say("写通知，先看后发"), shows_before_it_sends),
    Step(say("发给全村"), sends_to_everybody),
    Step(say("村民回9"), hears_the_answers),
    Step(say("打电话念给人听"), speaks_to_those_who_want_a_call),
    Step(say("村民发别的话"), answers_what_villagers_type),
    Step(say("机器和回声"), never_answers_robots),
    Step(say("停发和更正"), stops_and_corrects),
    Step(say("上门单"), knows_whom_to_visit),
    Step(say("一条不丢，一条不重"), lost_nothing),
)

_ANSWERED = "SELECT count(*) FROM notice_confirmation WHERE notice_id = :notice AND via = :via"


def _texts(world: World, number: str, start: str) -> list[str]:
    return [text for text in world.received(number) if start in text]


def _confirmed_by(world: World, number: str) -> bool:
    """Whether the household this phone belongs to counts as confirmed."""
    households = world.look(
        lambda tx: [
            row[0]
            for row in tx.execute(
                "SELECT DISTINCT resident.household_id FROM phone JOIN phone_holder ON phone_holder.phone_id = phone.id"
                " JOIN resident ON resident.id = phone_holder.resident_id WHERE phone.fingerprint = :fingerprint",
                {"fingerprint": world.place.vault().fingerprint(f"+86{number}")},
            )
        ]
    )
    confirmed = world.look(
        lambda tx: {
            row[0]
            for row in tx.execute(
                "SELECT unit.household_id FROM notice_unit AS unit"
                " JOIN notice_confirmation AS answer ON answer.unit_id = unit.id"
                " WHERE unit.notice_id = :notice AND answer.lapsed_ms IS NULL",
                {"notice": world.notice_id},
            )
        }
    )
    return bool(households) and set(households) <= confirmed


def _overdue(world: World) -> Callable[[], Awaitable[Reach | None]]:
    """The reach once the day in which everybody should have answered is over and somebody has not."""

    async def listed() -> Reach | None:
        seen = world.reach()
        return seen if world.now_ms() >= seen.door_ms and seen.funnel.unreached > 0 else None

    return listed


def _spreadsheet(rows: Sequence[Sequence[str]]) -> bytes:
    page = io.StringIO()
    csv.writer(page).writerows([["组别", "户主", "姓名", "与户主关系", "联系电话"], *rows])
    return page.getvalue().encode("gb18030")


def _header_row(people: str) -> int:
    return next(row for row, line in enumerate(people.splitlines()) if "姓名" in line and "组" in line)


_NEWCOMER = (
    ("户主姓名", _NEW_PERSON),
    ("姓名", _NEW_PERSON),
    ("组", "3组"),
    ("关系", "户主"),
    ("性别", "女"),
    ("出生", "1988-05-06"),
    ("电话", _NEW_PHONE),
    ("手机", _NEW_PHONE),
)


def _new_person(column: str) -> str:
    """What stands in this column for somebody who moved in."""
    return next((value for words, value in _NEWCOMER if words in column), "")
