"""A village enrols and speaks with its county over real sockets; whatever is wrong is said and set aside."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web

from sync import envelope
from sync.bundle import make_payload
from sync.exchange import next_bundle
from sync.kinds import CountyNotice, HealthNoted, NoticePublished, NoticeReached, PollCounted, PollOpened, VillageBegan
from sync.record import Head
from sync.store import SqliteLedger
from tests.sync.samples import START_MS, STRANGER, records
from village.county import store
from village.county.app import running
from village.county.cli import main
from village.county.core import core, on
from village.county.doors import MOST_INSIDE, Room
from village.county.enrolling import CODE_LASTS_MS, issue_code
from village.county.evidence import export, verify
from village.county.exchanging import Exchanging
from village.county.noticing import CountyLog, Draft
from village.county.verification import Found, ladder
from village.ground.wording import RefusalError
from village.link import store as link_store

DAY_MS = 86_400_000
OPENED = PollOpened(
    3, 23, "household", "东路口装不装减速带", ("同意", "不同意", "弃权"), START_MS, START_MS + DAY_MS, 210, b"r" * 32,
    "cn-2018", "村民自治章程第12条",
)  # fmt: skip
COUNTED = PollCounted(
    3, START_MS + DAY_MS, 210, b"r" * 32, 168, (131, 30, 7), 2, True, True, "cn-2018", b"m" * 32, b"l" * 32, True
)
NOTICE = NoticePublished(1, 1, 17, "committee", "停水", "全村", "household", False, None, START_MS, None)
REACHED = NoticeReached(1, 1, 210, 200, 190, 5, 120, 85, ((1, 26, 20), (2, 3, None)), START_MS)


async def enrols(county, town) -> str:
    code = await issue_code(county.db, county.clock, village="青山村", by="李县长")
    await town.link.enrol(county.exchange_url, code.shown.lower())
    return code.shown


async def test_a_village_enrols_and_everything_it_wrote_arrives(county, town):
    await town.writes(VillageBegan("青山村", 8, 210, 602, None), NOTICE, REACHED, OPENED, COUNTED)
    await enrols(county, town)
    await town.link.speak_now()
    state = await town.link.state()
    assert (state.waiting, state.trouble, state.county.name) == (0, None, "样板县")

    def seen(connection):
        return store.villages(connection), store.notices(connection), store.polls(connection)

    (village,), (notice,), (poll,) = await county.db.read(core(seen))
    assert (village.name, village.households, village.head_seq) == ("青山村", 210, 5)
    assert (notice.units, notice.reached, notice.unreached) == (210, 125, 85)
    assert poll.opened == OPENED
    assert poll.counted == COUNTED
    assert {rung.found for rung in ladder(poll.log, poll.opened, poll.counted)} == {Found.PASSED}


async def test_a_code_works_once_and_a_lost_answer_can_be_asked_for_again(county, town, clock):
    code = await enrols(county, town)
    before = await town.db.read(link_store.county)
    await town.link.enrol(county.exchange_url, code)  # the same keys: the answer was lost
    assert (await town.db.read(link_store.county)).certificate == before.certificate
    other = type(town)(town.db, clock, STRANGER, "别的村")
    with pytest.raises(RefusalError, match="用过"):
        await other.link.enrol(county.exchange_url, code)
    with pytest.raises(RefusalError, match="四组"):
        await town.link.enrol(county.exchange_url, "1234")
    with pytest.raises(RefusalError, match="不对"):
        await town.link.enrol(county.exchange_url, "0000-0000-0000-0000")
    with pytest.raises(RefusalError, match="联系不上"):
        await town.link.enrol("http://127.0.0.1:9", code)
    with pytest.raises(RefusalError, match="照纸条"):
        await town.link.enrol("ftp://x", code)


async def test_an_old_code_is_expired(county, town):
    code = await issue_code(county.db, county.clock, village="青山村", by="李")
    await county.db.write(lambda tx: tx.execute("UPDATE enrol_code SET expires_ms = 5"))
    with pytest.raises(RefusalError, match="过期"):
        await town.link.enrol(county.exchange_url, code.shown)
    assert CODE_LASTS_MS == 14 * DAY_MS


async def test_two_counties_never_serve_one_folder(place):
    async with running(place, any_port=True):
        with pytest.raises(RefusalError, match="已经有一个服务"):
            async with running(place, any_port=True):
                pass
    async with running(place, any_port=True):
        pass


async def post(county, body: bytes, path: str = "exchange") -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(county.exchange_url + path, data=body) as got:
        return got.status, (await got.read()).decode("utf-8", "replace")


async def test_what_does_not_verify_is_set_aside_by_its_name_and_the_rest_goes_on(county, town):
    await enrols(county, town)
    key, sealing = county.place.key, county.place.key.sealing
    foreign = records(2, key=STRANGER)
    payload = make_payload(Head.before(STRANGER.public.log), foreign, sealing.key_id, None)
    context = envelope.context_for(sealing.key_id)
    wrong = {
        "not-a-bundle": b"<html>",
        "unknown-signer": envelope.seal(envelope.sign(payload, STRANGER, context), sealing),
        "foreign-log": envelope.seal(envelope.sign(payload, town.key, context), sealing),
        "not-for-us": envelope.seal(envelope.sign(payload, town.key, context), STRANGER.sealing),
        "seal": envelope.seal(envelope.sign(payload, town.key, context), sealing)[:-3],
    }
    for name, body in wrong.items():
        assert await post(county, body) == (422, name)
    assert (await post(county, bytes(envelope.LARGEST_BYTES + 5)))[0] == 413
    assert await post(county, b"<html>") == (422, "not-a-bundle")
    aside = await county.db.read(core(store.set_aside))
    assert {one.reason for one in aside} == set(wrong)
    assert next(one for one in aside if one.reason == "not-a-bundle").times == 2
    assert next(one for one in aside if one.reason == "foreign-log").village == "青山村"
    await town.writes(HealthNoted("0.1.0", 0, 1, 0, 100, START_MS))
    await town.link.speak_now()
    assert (await town.link.state()).waiting == 0
    assert key.public.log != town.key.public.log


async def test_a_revoked_village_is_set_aside(county, town):
    await enrols(county, town)
    await county.db.write(core(lambda c: store.revoke(c, 1, 5)))
    await town.writes(HealthNoted("0.1.0", 0, 1, 0, 100, START_MS))
    await town.link.speak_now()
    assert (await town.link.state()).waiting == 1
    assert [one.reason for one in await county.db.read(core(store.set_aside))] == ["revoked"]


async def test_a_notice_comes_down_waits_and_is_told_back_when_it_is_passed_on(county, town):
    await enrols(county, town)
    log = CountyLog(county.place.key, county.clock)
    for_all = Draft("森林防火，野外不要用火。", "县应急局", None, ())
    number = await county.db.write(lambda tx: log.publish(tx, for_all, "李"))
    with pytest.raises(RefusalError, match="没有编号7"):
        await county.db.write(lambda tx: log.publish(tx, Draft("只给七村", "县应急局", None, (7,)), "李"))
    await town.link.speak_now()
    (waits,) = await town.db.read(link_store.county_notices)
    assert (waits.id, waits.text, waits.waits) == (number, "森林防火，野外不要用火。", True)
    (own,) = await county.db.read(core(store.own_notices))
    assert (own.fetched, own.of) == ((1,), 1)
    await county.db.write(lambda tx: log.withdraw(tx, number))
    await town.link.speak_now()
    assert not (await town.db.read(link_store.county_notices))[0].waits


async def test_a_county_that_dies_between_keeping_and_answering_loses_and_doubles_nothing(place, town):
    """The answer never leaves; the village asks again and both sides are equal."""
    async with running(place, any_port=True) as county:
        await enrols(county, town)
        await town.writes(NOTICE, REACHED)
        peer = place.key.public.log
        sealed = await town.db.read(
            lambda tx: next_bundle(SqliteLedger(tx, town.key.public.log, peer), town.key, place.key.sealing)
        )
        await Exchanging(county.db, county.clock, place.key).take(sealed)
    async with running(place, any_port=True) as county:
        known = await town.db.read(link_store.county)
        await town.db.write(lambda tx: link_store.keep_county(tx, replace(known, url=county.exchange_url.rstrip("/"))))
        await town.link.speak_now()
        assert (await town.link.state()).waiting == 0
        notices = await county.db.read(core(store.notices))
        assert len(notices) == 1
        assert await county.db.read(lambda tx: tx.execute("SELECT count(*) FROM record").fetchone()[0]) == 2


async def test_a_correction_changes_the_words_and_keeps_the_line(county, town):
    await enrols(county, town)
    await town.writes(NOTICE, REACHED, replace(NOTICE, version=2, text="停水改到周日"))
    await town.link.speak_now()
    (notice,) = await county.db.read(core(store.notices))
    assert (notice.version, notice.text, notice.units) == (2, "停水改到周日", 210)
    assert await county.db.read(core(store.set_aside)) == []


async def test_of_many_figures_the_newest_stands_and_the_log_keeps_them_all(county, town):
    await enrols(county, town)
    other = replace(NOTICE, notice=NOTICE.notice + 1)
    figures = [replace(REACHED, confirmed=n, unreached=210 - n) for n in range(20)]
    await town.writes(NOTICE, *figures, other, replace(REACHED, notice=other.notice, unreached=3), figures[7])
    await town.link.speak_now()
    found = {notice.notice: notice.unreached for notice in await county.db.read(core(store.notices))}
    assert found == {NOTICE.notice: 203, other.notice: 3}
    assert await county.db.read(lambda tx: tx.execute("SELECT count(*) FROM record").fetchone()[0]) == 24


async def test_a_poll_opened_and_counted_twice_is_what_it_was_first_on_the_page_and_in_the_evidence(county, town):
    """Another roll or another count of the same poll changes nothing afterwards, and both ways of looking agree."""
    await enrols(county, town)
    again = replace(OPENED, roll=b"R" * 32), replace(COUNTED, roll=b"R" * 32, counts=(30, 131, 7), passed=False)
    await town.writes(NOTICE, OPENED, COUNTED, *again)
    await town.link.speak_now()
    (poll,) = await county.db.read(core(store.polls))
    assert (poll.opened.roll, poll.counted.counts) == (OPENED.roll, COUNTED.counts)
    key = county.place.key
    found = verify(await county.db.read(core(lambda c: export(c, key.public, key.sealing, 1))))
    assert [(one.opened, one.counted) for one in found.polls] == [(OPENED, COUNTED)]


async def test_a_record_the_pages_cannot_take_blocks_nothing(county, town, monkeypatch):
    from village.county import exchanging

    def poisoned(connection, no, record, apply=exchanging.apply):
        apply(connection, no, record)
        if isinstance(record.body, NoticeReached):
            raise KeyError("a fault of our own")

    monkeypatch.setattr(exchanging, "apply", poisoned)
    await enrols(county, town)
    await town.writes(NOTICE, REACHED, OPENED)
    await town.link.speak_now()
    assert (await town.link.state()).waiting == 0
    (notice,) = await county.db.read(core(store.notices))
    assert notice.units is None  # what the fault had begun was taken back
    assert len(await county.db.read(core(store.polls))) == 1
    assert [one.reason for one in await county.db.read(core(store.set_aside))] == ["not-applied"]


async def test_too_many_at_once_are_asked_to_come_back(county):
    """So many villages on lines so slow that their bundles are still coming."""
    host, port = county.exchange_url.removeprefix("http://").rstrip("/").split(":")
    slow = []
    for _ in range(MOST_INSIDE):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"POST /exchange HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nEJ")
        await writer.drain()
        slow.append((reader, writer))
    for _ in range(2000):  # until all of them are inside
        if (await post(county, b"x"))[0] == 503:
            break
    else:
        pytest.fail("nobody was asked to come back")
    for _, writer in slow:
        writer.write(b"1")
    lines = [await reader.readline() for reader, _ in slow]
    assert all(b"422" in line for line in lines)
    assert (await post(county, b"x"))[0] == 422
    for _, writer in slow:
        writer.close()


def test_one_address_never_fills_the_room_alone():
    room = Room(8)
    with contextlib.ExitStack() as inside:
        for _ in range(2):
            inside.enter_context(room.place("192.168.1.9"))
        with pytest.raises(web.HTTPServiceUnavailable):
            inside.enter_context(room.place("192.168.1.9"))
        for _ in range(6):
            inside.enter_context(room.place("127.0.0.1"))
        with pytest.raises(web.HTTPServiceUnavailable):
            inside.enter_context(room.place("192.168.1.7"))
    with room.place("192.168.1.9"):
        pass


# evidence


@pytest.fixture
async def evidence(county, town):
    await town.writes(NOTICE, OPENED)
    await enrols(county, town)
    await town.link.speak_now()
    await town.writes(REACHED, COUNTED)
    await town.link.speak_now()
    key = county.place.key
    return await county.db.read(core(lambda c: export(c, key.public, key.sealing, 1)))


async def test_an_evidence_file_proves_a_poll_to_anybody(evidence, tmp_path, capsys):
    found = verify(evidence)
    assert found.certificate.village == "青山村"
    assert (found.records, found.log.unbroken, found.log.signed) == (4, True, True)
    (poll,) = found.polls
    assert [rung.found for rung in poll.rungs] == [Found.PASSED] * 5
    path = tmp_path / "village-1.evidence"
    path.write_bytes(evidence)
    assert main(["verify", str(path)]) == 0
    said = capsys.readouterr().out
    assert "✓ 签名" in said
    assert "✓ 票数" in said
    assert main(["verify", str(path), "--json"]) == 0


async def test_an_evidence_file_that_was_touched_is_not_believed(evidence, tmp_path, capsys):
    path = tmp_path / "false.evidence"
    believed = 0
    for place in range(0, len(evidence), 7):
        path.write_bytes(evidence[:place] + bytes([evidence[place] ^ 1]) + evidence[place + 1 :])
        believed += main(["verify", str(path)]) == 0
    assert believed == 0
    path.write_bytes(b"nonsense")
    assert main(["verify", str(path)]) == 1
    assert "不是凭据文件" in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "none")]) == 1


async def test_a_bundle_left_out_breaks_the_chain(evidence, county, tmp_path):
    await county.db.write(lambda tx: tx.execute("DELETE FROM evidence WHERE first_seq = 1"))
    key = county.place.key
    holed = await county.db.read(core(lambda c: export(c, key.public, key.sealing, 1)))
    assert not verify(holed).log.unbroken


def test_the_command_says_what_is_wrong(tmp_path, capsys):
    assert main(["serve", str(tmp_path / "nowhere")]) == 1
    assert "county init" in capsys.readouterr().err
    assert main(["init", str(tmp_path / "c"), "--name", "样板县"]) == 0
    assert main(["enrol", str(tmp_path / "c"), "--village", "青山村"]) == 0
    assert "青山村的登记码：" in capsys.readouterr().out


async def test_a_raised_unit_leaves_sqlalchemy_usable(county):
    with pytest.raises(RefusalError):
        await county.db.read(core(lambda c: store.village_of(c, 99)))
    with pytest.raises(RefusalError):
        await county.db.write(_fails)
    assert await county.db.read(core(store.villages)) == []


def _fails(tx):
    with on(tx) as connection:
        store.village_of(connection, 99)


def test_county_notices_name_villages_by_number_alone():
    assert CountyNotice(1, "x", "y", 0, None, (1, 2)).villages == (1, 2)
