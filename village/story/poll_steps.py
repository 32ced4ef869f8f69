"""The second half of the day: a question is put to the village, answered, closed and counted with the line to the
county cut; then the county is told, verifies it, and sends a notice down.

Each step is a plain function of the world, as in `steps.py`.
"""

from __future__ import annotations

import json
import re
import sqlite3

from village.ground.clock import beijing
from village.ground.wording import Wording, say
from village.polls import ledger_store, store
from village.polls.count_poll import LISTENED_MS
from village.polls.poll import Poll, State
from village.polls.result_store import Result, result_of
from village.polls.standing import standing
from village.sample.roster import NOBODYS, ONE_VOTER, PARTY_AWAY, SHARED_BY_FOUR
from village.story.world import World, expect

QUESTION = "村口的路灯装在哪"
OPTIONS = ("东头", "西头", "学校")
_STRANGER = "19900009876"
_LASTS_MS = 3 * 3_600_000


def _poll(world: World) -> Poll:
    return world.look(lambda tx: store.poll_of(tx, world.poll_id))


async def asks_the_village(world: World) -> Wording:
    form = (await world.page("/polls/new")).form("/polls/new")
    until = beijing(world.now_ms() + _LASTS_MS)
    filled = {
        "kind": "opinion", "question": QUESTION, **{f"option{n}": label for n, label in enumerate(OPTIONS, 1)},
        "day": f"{until:%Y-%m-%d}", "hour": f"{until:%H:%M}", "whom": "everyone", "channel": ["sms", "call"],
    }  # fmt: skip
    before = world.count("SELECT count(*) FROM poll")
    preview = await world.desk.send(form, filled)
    expect(preview.status == 200 and "不作决议" in preview.said, f"the preview: {preview.status} {preview.said[:300]}")
    expect(world.count("SELECT count(*) FROM poll") == before, "looking already opened something")
    await world.send(preview.form("/polls/open"), {})
    expect(world.count("SELECT count(*) FROM poll") == before + 1, "the poll was not opened exactly once")
    world.poll_id = world.count("SELECT max(id) FROM poll")
    poll = _poll(world)
    expect(poll.word == "征求意见", "a poll without a basis calls itself a vote")

    async def asked() -> bool:
        return bool(_texts(world, ONE_VOTER, f"征求意见{poll.number}"))

    await world.until(asked, "the question does not arrive", minutes=60)
    expect(QUESTION in (await world.public.open("/votes")).said, "the question is not on the public page")
    return say("征求意见{number}号开始，名单{n}人定下，短信和公开页都问了", number=poll.number, n=poll.eligible)


def _texts(world: World, number: str, start: str) -> list[str]:
    return [text for text in world.received(number) if start in text]


async def takes_ballots_in_many_spellings(world: World) -> Wording:
    poll = _poll(world)
    n = poll.number
    two_open = await world.answered(ONE_VOTER, "1", "没记票")
    expect("现有2个" in two_open, f"a bare digit with two polls open: {two_open}")
    first = await world.answered(ONE_VOTER, f"{n}＃１", f"征求意见{n}收到,您选1东头")
    receipt = re.search(r"回执(\d{5})", first)
    expect(receipt is not None, f"no receipt: {first}")
    same = await world.answered(ONE_VOTER, f"投{n}1", "只算一票")
    expect(receipt is not None and receipt[1] in same, "the same choice again has another receipt")
    changed = await world.answered(ONE_VOTER, f"{n} 2，谢谢村长", "已改:1东头改为2西头")
    bad = await world.answered(ONE_VOTER, f"{n}6", "没有选项6")
    checked = await world.answered(ONE_VOTER, "查票", "已投")
    expect("西头" not in checked, f"03 tells the choice: {checked}")
    await world.answered(PARTY_AWAY, f"{n}号选三", "您选3学校")
    expect(_choices(world)[ONE_VOTER] == [2], "the last ballot does not stand")
    return say("两个在问：{two} 改票：{changed} 没有这一项：{bad}", two=two_open, changed=changed, bad=bad)


async def counts_four_voters_on_one_phone(world: World) -> Wording:
    poll = _poll(world)
    asked = await world.answered(SHARED_BY_FOUR, f"{poll.number}1", "这部手机登记了4人")
    for slot, choice in ((1, 1), (2, 1), (3, 2), (4, 3)):
        said = await world.answered(SHARED_BY_FOUR, f"{poll.number}{slot}{choice}", "的票收到")
        expect(not any(label in said for label in OPTIONS), f"a shared phone hears a choice: {said}")
    expect(sorted(_choices(world)[SHARED_BY_FOUR]) == [1, 1, 2, 3], "four voters are not counted apart")
    return say("一部手机四个人：{asked} 四张票分开记，谁选什么不念出来", asked=asked)


async def keeps_strangers_and_echoes_out(world: World) -> Wording:
    poll = _poll(world)
    before = _ballots(world)
    await world.take_phone(_STRANGER)
    told = await world.answered(_STRANGER, f"{poll.number}1", "没登记")
    await world.press(_STRANGER, "send", f"{poll.number}2")
    kept = world.inbox_of(ONE_VOTER)
    await world.press(ONE_VOTER, "send", world.received(ONE_VOTER)[-1])  # a robot that sends our words back
    await world.may_be_cut()

    async def both_kept() -> bool:
        return world.inbox_of(_STRANGER) == 2 and world.inbox_of(ONE_VOTER) == kept + 1

    await world.until(both_kept, "what they sent was not kept", minutes=20)
    expect(_of(world, _STRANGER) == 0, "a stranger voted")
    expect(len(_choices(world)[ONE_VOTER]) == 1, "an echo voted")
    expect(_ballots(world) >= before, "a ballot is gone")
    return say("生人：{told} 转回来的自己的话不算票", told=told)


async def shows_nobody_how_somebody_voted(world: World) -> Wording:
    """While it is open: the desk's pages and every readable column of the file."""
    page = await world.page(f"/polls/{world.poll_id}")
    expect("西头" not in page.said.replace(QUESTION, "") or "回执" not in page.said, "the desk shows receipts")
    letters = await world.page("/messages")
    poll = _poll(world)
    leaked = [word for word in (f"{poll.number}＃１", f"{poll.number} 2", "您选") if word in letters.said]
    expect(not leaked, f"来信 shows a ballot: {leaked}")
    clear = world.look(_clear_texts)
    for words in ("您选2西头", f"{poll.number}＃１", "2西头。"):
        expect(not any(words in text for text in clear), f"{words!r} stands in the file")
    return say("村务台只看得到多少人投了；文件里每一栏都翻过，谁选什么一个字没有")


def _clear_texts(tx: sqlite3.Connection) -> list[str]:
    """Every text of every table but the question itself."""
    tables = [row[0] for row in tx.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [
        value
        for table in tables
        if table not in ("poll", "sqlite_sequence")
        for row in tx.execute(f'SELECT * FROM "{table}"')
        for value in tuple(row)
        if isinstance(value, str)
    ]


async def goes_on_with_the_line_cut(world: World) -> Wording:
    before = await world.county_polls()
    await world.switch_line("cut")
    await world.may_be_cut()
    await world.switch_line("cut")  # the switch is in memory alone: a power cut restores the line
    poll = _poll(world)
    await world.answered(NOBODYS, f"{poll.number}1", "您选1东头")
    expect((await world.public.open("/votes")).status == 200, "the page is down with the line")
    expect(await world.county_polls() == before, "the county knows more than before")
    return say("和县里的网断了：票照收，页面照看")


async def closes_and_counts(world: World) -> Wording:
    poll = _poll(world)

    async def closed() -> bool:
        return _poll(world).state in (State.CLOSED, State.COUNTED)

    await world.until(closed, "the poll does not close", minutes=400)
    expect(world.now_ms() >= poll.closes_ms, "closed before its deadline")
    late = await world.answered(PARTY_AWAY, f"{poll.number}1", "截止")
    await world.may_be_cut()

    async def counted() -> bool:
        return _poll(world).state is State.COUNTED

    await world.until(counted, "the poll is not counted", minutes=1600)
    found = _result(world)
    done = _poll(world)
    expect(
        (done.counted_ms or 0) >= poll.closes_ms + LISTENED_MS, "counted before the lines had been up for half an hour"
    )
    expect(found.late >= 1, "the late ballot is not listed")
    expect(sum(found.counts) == found.attended, "the counts do not add up")
    rows = world.look(lambda tx: ledger_store.ledger(tx, poll.id))
    expect(ledger_store.is_unbroken(rows), "the ledger is broken")

    async def told() -> bool:
        return bool(_texts(world, ONE_VOTER, f"征求意见{poll.number}(不是决议)"))

    await world.until(told, "the result does not come by SMS", minutes=1000)
    page = await world.public.open(f"/votes/{poll.number}")
    expect(str(found.attended) in page.said, "the result is not on the public page")
    said = _texts(world, ONE_VOTER, f"征求意见{poll.number}(不是决议)")[-1]
    expect(not any(word in said for word in ("表决", "通过")), f"an opinion claims to decide: {said}")
    return say("截止后的一张：{late} 计票：{said}", late=late, said=said)


async def tells_the_county(world: World) -> Wording:
    await world.switch_line("restore")
    await world.may_be_cut()
    poll, found = _poll(world), _result(world)

    async def known() -> bool:
        return any(one["number"] == poll.number and one["counted"] for one in await world.county_polls())

    await world.until(known, "the county is not told", minutes=120)
    evidence = await world.evidence()
    told = json.loads(await world.county_command("verify", str(evidence), "--json"))
    expect(bool(told["sound"]) and told["unbroken"] and told["signed"], f"county verify: {told}")
    steps = next(one["steps"] for one in told["polls"] if one["number"] == poll.number)
    expect(all(step["found"] == "passed" for step in steps), f"not every step was passed: {steps}")
    altered = world.folder / "altered.evidence"
    content = evidence.read_bytes()
    altered.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    code, _ = await world.run_county("verify", str(altered), "--json")
    expect(code == 1, "an altered evidence file is believed")
    page = await world.county_page(f"/villages/1/polls/{poll.id}")
    expect(QUESTION in page.said and "核过了" in page.said, f"the county's page: {page.said[:300]}")
    names = world.look(
        lambda tx: [row[0] for row in tx.execute("SELECT DISTINCT name FROM resident WHERE length(name) > 2")]
    )
    leaked = [name for name in names if name.encode() in world.county_bytes()]
    expect(not leaked, f"the county's file holds a villager's name: {leaked[:3]}")
    return say("接上网，县里收到{n}条记录，{steps}步都核过；{attended}人投票，没有一个名字离开村里",
               n=told["records"], steps=len(steps), attended=found.attended)  # fmt: skip


async def passes_a_county_notice_on(world: World) -> Wording:
    text = "12月是森林防火期，野外不要用火，违者罚款。"
    form = (await world.county_page("/notices/new")).form("/notices/new")
    preview = await world.county.send(form, {"text": text, "issuer": "县应急局", "whom": "all"})
    await world.county.send(preview.form("/notices/send"), {})

    async def waits() -> bool:
        return text[:12] in (await world.page("/county")).said

    await world.until(waits, "the county's notice does not come down", minutes=60)
    expect(not _texts(world, ONE_VOTER, text[:12]), "a county notice went out by itself")
    number = world.count("SELECT max(id) FROM county_notice")
    form = (await world.page(f"/notices/new?county={number}")).form("/notices/new")
    preview = await world.desk.send(form, {"to": "everyone", "channel": ["sms", "page"]})
    await world.send(preview.form("/notices/send"), {})

    async def arrived() -> bool:
        return len(_texts(world, ONE_VOTER, text[:12])) == 1

    await world.until(arrived, "the notice does not arrive exactly once", minutes=600)

    async def relayed() -> bool:
        return "1个转发了" in (await world.county_page(f"/notices/{number}")).said

    await world.until(relayed, "the county does not hear that it was passed on", minutes=120)
    return say("县里的通知下来，在村务台等着；村委会看过，发给全村，县里知道转发了")


# looking, as a witness


def _choices(world: World) -> dict[str, list[int]]:
    """What stands for the voters on each of our phones: opened with the village's own key, as the tally does."""
    poll, vault = _poll(world), world.place.vault()

    def unit(tx: sqlite3.Connection) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number in (ONE_VOTER, SHARED_BY_FOUR, PARTY_AWAY):
            row = tx.execute(
                "SELECT id FROM phone WHERE fingerprint = :print", {"print": vault.fingerprint(f"+86{number}")}
            ).fetchone()
            voters = store.eligible_on(tx, poll.id, row["id"])
            stands = [standing(tx, vault, poll, voter.id) for voter in voters]
            found[number] = [one.choice for one in stands if one is not None]
        return found

    return world.look(unit)


def _ballots(world: World) -> int:
    return world.count("SELECT count(*) FROM ballot WHERE poll_id = :poll", poll=world.poll_id)


def _of(world: World, number: str) -> int:
    """Ballots that came from this number."""
    whose = world.place.vault().fingerprint(f"+86{number}")
    return world.count(
        "SELECT count(*) FROM ballot b JOIN inbox i ON b.source = 'inbox/' || i.id WHERE i.fingerprint = :whose",
        whose=whose,
    )


def _result(world: World) -> Result:
    found = world.look(lambda tx: result_of(tx, world.poll_id))
    expect(found is not None, "there is no result")
    assert found is not None  # noqa: S101 - just expected
    return found
