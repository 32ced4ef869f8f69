"""One day in 青山村, step by step: what is done, and what must be seen afterwards.

Each step is a plain function of the world; it returns what was observed, or raises StoryError.
"""

from __future__ import annotations

import array
import csv
import io
import math
import wave
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from village.ground.wording import Wording, say
from village.notices.reach import Reach, Stage
from village.sample.roster import DEAD, NOBODYS, ONE_VOTER, PARTY_AWAY, ROBOT, SHARED_BY_FOUR, sample_csv
from village.story import poll_steps
from village.story.world import CLERK, PASSWORD, World, expect

Play = Callable[[World], Awaitable[Wording]]

TEXT = "12月6日周日上午10点在村委会领化肥，每户两袋，带户口本。"
WRONG = "12月8日周二上午9点在村委会领麦种子，每户一袋。"
RIGHT = "12月8日周二上午9点在村委会领化肥，每户一袋。"
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
    expect(not _confirmed_by(world, NOBODYS), "the newcomer has confirmed before anybody rang")
    await world.press(NOBODYS, "send", "02")
    await world.may_be_cut()

    async def ringing() -> bool:
        return 'data-state="ringing"' in (await world.screen(NOBODYS)).text

    await world.until(ringing, "nobody rings after 02", minutes=15, by="seconds")
    await world.press(NOBODYS, "answer")
    greeting = await _spoken_now(world, NOBODYS, "")
    await world.press(NOBODYS, "9")  # during the greeting: skips it and confirms nothing
    notice = await _spoken_now(world, NOBODYS, greeting)
    expect(not _confirmed_by(world, NOBODYS), "a key during the greeting confirmed a notice nobody had heard")
    seconds, level = loudness(await world.public.fetch(notice))
    expect(seconds > 3 and -26 < level < -14, f"not a spoken notice: {seconds:.1f} s at {level:.1f} dBFS")
    await world.press(NOBODYS, "9")

    async def counted() -> bool:
        return _confirmed_by(world, NOBODYS)

    await world.until(counted, "key 9 in the call did not confirm", minutes=5, by="seconds")
    expect(world.count(_ANSWERED, notice=world.notice_id, via="call") >= 1, "the confirmation is not by call")
    return say(
        "回02，电话打来，念了{seconds}秒（{level} dBFS），按9算收到", seconds=f"{seconds:.0f}", level=f"{level:.0f}"
    )


async def _spoken_now(world: World, number: str, but: str) -> str:
    """The address of the clip this call is playing, once it is another than `but`."""

    async def speaking() -> str | None:
        page = await world.screen(number)
        _, found, rest = page.text.partition('data-clip="')
        clip = rest.partition('"')[0].replace("&amp;", "&")
        return clip if found and clip != but else None

    return await world.until(speaking, "the call says nothing", minutes=1, by="seconds")


def loudness(wav: bytes) -> tuple[float, float]:
    """Seconds and speech level (dBFS, silence left out) of a 16-bit mono WAV."""
    with wave.open(io.BytesIO(wav)) as sound:
        samples = array.array("h", sound.readframes(sound.getnframes()))
        seconds = sound.getnframes() / sound.getframerate()
    loud = [sample for sample in samples if abs(sample) > _SILENCE]
    power = sum(sample * sample for sample in loud) / max(len(loud), 1)
    return seconds, 10 * math.log10(max(power, 1) / 32768**2)


async def answers_what_villagers_type(world: World) -> Wording:
    await world.answered(PARTY_AWAY, "01", "领化肥")
    await world.answered(PARTY_AWAY, "0", "01看通知")
    suggestion = await world.answered(PARTY_AWAY, "村口的涵洞堵了，下雨就淹", "建议")
    await world.answered(PARTY_AWAY, "T", "已退订")
    await world.answered(PARTY_AWAY, "DY", "已恢复")
    expect(world.count("SELECT count(*) FROM suggestion") == 1, "the suggestion is not kept exactly once")
    return say("01、0、建议、T、DY 都有回音：{suggestion}", suggestion=suggestion)


async def never_answers_robots(world: World) -> Wording:
    before = {number: len(world.received(number)) for number in (ONE_VOTER, ROBOT)}
    kept = {number: world.inbox_of(number) for number in before}
    await world.press(ROBOT, "send", "您的话费余额不足10元，回复1充值")
    await world.press(ONE_VOTER, "send", world.received(ONE_VOTER)[-1])
    await world.may_be_cut()

    async def both_kept() -> bool:
        return all(world.inbox_of(number) == had + 1 for number, had in kept.items())

    await world.until(both_kept, "what they sent was not kept", minutes=10)
    await world.skip("minutes")
    for number, had in before.items():
        expect(len(world.received(number)) == had, f"{number} was answered")
    return say("运营商的机器和转回来的自己的短信：都收下了，十分钟过去，一条没有回")


async def corrects_what_was_heard(world: World) -> Wording:
    number = world.reach().notice.number
    form = (await world.page(f"/notices/{world.notice_id}/correct")).form(f"/notices/{world.notice_id}/correct")
    checked = await world.desk.send(form, {"text": CORRECTED, "short_text": ""})
    await world.send(checked.form(f"/notices/{world.notice_id}/correct"), {"send": "1"})
    seen = world.reach()
    expect(seen.notice.version == 2, f"version {seen.notice.version}")
    old = "SELECT count(*) FROM notice_confirmation WHERE notice_id = :notice AND version = 1 AND lapsed_ms IS NULL"
    expect(world.count(old, notice=world.notice_id) == 0, "an old confirmation still counts")
    phones = (ONE_VOTER, SHARED_BY_FOUR)

    async def corrected() -> bool:
        return all(len(_texts(world, phone, f"更正通知{number}")) == 1 for phone in phones)

    await world.until(corrected, "the correction did not arrive exactly once", minutes=60)
    await world.press(ONE_VOTER, "send", "9")

    async def counted() -> bool:
        return _confirmed_by(world, ONE_VOTER)

    await world.until(counted, "the answer to the correction was not counted", minutes=20)
    return say("更正到了，旧的“收到”全部作废，新的9算数")


async def stops_in_the_middle(world: World) -> Wording:
    form = (await world.page("/notices/new")).form("/notices/new")
    preview = await world.desk.send(form, {"text": WRONG, "to": "everyone", "channel": ["sms"]})
    await world.desk.send(preview.form("/notices/send"), {})
    notice_id = world.count("SELECT max(id) FROM notice")
    number = world.count("SELECT number FROM notice WHERE id = :id", id=notice_id)
    mend, old_words = f"/notices/{notice_id}/correct", f"%通知{number}:%种子%"

    async def under_way() -> bool:
        return len(world.who_received(old_words)) >= 20

    await world.until(under_way, "nothing is sent")
    await world.send((await world.page(mend)).form(f"/notices/{notice_id}/stop"), {})
    dead = world.count(
        "SELECT count(*) FROM message_state WHERE reference = :sent AND state = 'withdrawn'",
        sent=f"notice/{notice_id}/1",
    )
    expect(dead > 100, f"only {dead} unsent copies died")
    checked = await world.desk.send((await world.page(mend)).form(mend), {"text": RIGHT, "short_text": ""})
    await world.send(checked.form(mend), {"send": "1"})

    async def all_told() -> bool:
        return world.count(_OPEN_SMS, like=f"notice/{notice_id}/%") == 0

    await world.until(all_told, "the correction is not through", minutes=90)
    old, mended = world.who_received(old_words), world.who_received(f"%更正通知{number}:%")
    fresh = world.who_received(f"%】通知{number}:%化肥%")
    expect(old == mended, f"更正 went to {len(mended)} phones, the old words to {len(old)}: {sorted(old ^ mended)[:4]}")
    expect(
        not old & fresh and len(fresh) > 100, f"{len(old & fresh)} phones got both, {len(fresh)} the new words alone"
    )
    return say("发到一半停下：{dead}条没发出去的作废；收到旧话的{old}部手机都收到更正，别的{fresh}部只收到新话",
               dead=dead, old=len(old), fresh=len(fresh))  # fmt: skip


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
    expect(unknown <= 64 * world.cuts, f"{unknown} messages are unknown")
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
    Step(say("更正"), corrects_what_was_heard),
    Step(say("发到一半停下"), stops_in_the_middle),
    Step(say("上门单"), knows_whom_to_visit),
    Step(say("开始征求意见"), poll_steps.asks_the_village),
    Step(say("各种写法的票"), poll_steps.takes_ballots_in_many_spellings),
    Step(say("一部手机四个人"), poll_steps.counts_four_voters_on_one_phone),
    Step(say("生人和回声"), poll_steps.keeps_strangers_and_echoes_out),
    Step(say("谁也看不到谁选什么"), poll_steps.shows_nobody_how_somebody_voted),
    Step(say("县里的网断了"), poll_steps.goes_on_with_the_line_cut),
    Step(say("截止和计票"), poll_steps.closes_and_counts),
    Step(say("县里知道了"), poll_steps.tells_the_county),
    Step(say("县里的通知"), poll_steps.passes_a_county_notice_on),
    Step(say("一条不丢，一条不重"), lost_nothing),
)

_OPEN_SMS = (
    "SELECT count(*) FROM message_state WHERE reference LIKE :like AND channel = 'sms'"
    " AND (state = 'sending' OR (state = 'queued' AND error IS NULL))"
)
_SILENCE = 300
"""Samples of 16 bits below this are pauses between words."""

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
