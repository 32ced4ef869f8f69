"""Facts about `village poll`: it opens what the desk would open, closes nothing early and tells nothing too soon."""

from __future__ import annotations

import asyncio
import json
import shutil

import pytest

from tests.polls.conftest import DAY_MS
from village.cli import main
from village.founding import means_of
from village.ground.clock import beijing
from village.place import Place, skip_time
from village.polls import store
from village.polls.cast_ballot import cast
from village.polls.count_poll import LISTENED_MS, count_due
from village.polls.poll import Via

OPENING = ["--question", "村口装不装路灯", "--options", "装", "不装"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample") / "village"
    assert main(["sample", str(folder)]) == 0
    return folder


@pytest.fixture
def village(made, tmp_path, capsys):
    """`village("list")` → (exit code, stdout, stderr) of that command in a village of its own."""
    folder = shutil.copytree(made, tmp_path / "village")

    def run(action, *arguments):
        code = main(["poll", action, str(folder), *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    run.place = Place.open(folder)
    return run


def closing(village, ahead_ms=DAY_MS):
    return beijing(village.place.clock().now_ms() + ahead_ms).strftime("%Y-%m-%dT%H:%M")


def later(village, duration_ms):
    async def settle():
        return None

    clock = village.place.clock()
    asyncio.run(skip_time(village.place.folder, clock, duration_ms, settle))


def inside(village, unit):
    async def run():
        clock = village.place.clock()
        async with village.place.database(clock) as db:
            return await db.write(lambda tx: unit(tx, means_of(village.place, clock), clock.now_ms()))

    return asyncio.run(run())


def vote(village, number, choices):
    def unit(tx, means, now_ms):
        poll = store.newest_by_number(tx, number)
        for place, (voter, choice) in enumerate(zip(store.voters(tx, poll.id), choices, strict=False)):
            cast(tx, means.vault, poll, voter.id, choice, via=Via.SMS, sent_ms=now_ms, received_ms=now_ms,
                 source=f"inbox/{place}")  # fmt: skip

    inside(village, unit)


def count(village):
    inside(village, lambda tx, means, now_ms: count_due(tx, means, now_ms, trusted=True, up_since_ms={}))


def test_the_poll_of_the_sample_is_listed_and_shows_turnout_alone(village):
    vote(village, 23, [1, 1, 2])
    assert "东路口装不装减速带" in village("list")[1]
    code, out, _ = village("result", "23", "--json")
    told = json.loads(out)
    assert (code, told["cast"], told["state"]) == (0, 3, "open")
    assert "counts" not in told
    assert json.loads(village("list", "--json")[1]) == told


def test_a_dry_run_asks_nobody_and_the_real_one_does(village):
    code, out, _ = village("open", *OPENING, "--closes", closing(village), "--dry-run", "--json")
    assert (code, json.loads(out)["opened"]) == (0, False)
    assert len(village("list", "--json")[1].splitlines()) == 1
    code, out, _ = village("open", *OPENING, "--closes", closing(village), "--json")
    opened = json.loads(out)
    assert (code, opened["opened"], opened["number"]) == (0, True, 24)
    assert opened["eligible"] > 500
    assert opened["sms"] == inside(
        village,
        lambda tx, *_: tx.execute(
            "SELECT count(*) FROM poll_copy c JOIN message m ON m.id = c.message_id JOIN poll p ON p.id = c.poll_id"
            " WHERE p.number = 24 AND m.channel = 'sms'"
        ).fetchone()[0],
    )
    assert "不作决议" in village("open", *OPENING, "--closes", closing(village), "--dry-run")[1]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--kind", "election"], "村民委员会组织法第十五条"),
        (["--kind", "group"], "开会定"),
        (["--options", "装"], "2到6个选项"),
        (["--closes", "2026-12-05T09:30"], "1小时"),
        (["--closes", "明天"], "时间要写成"),
        (["--groups", "99"], "99"),
        (["--channels", "page"], "至少选一样"),
        (["--basis", "7"], "依据"),
    ],
)
def test_what_the_desk_refuses_is_refused_with_its_reason(village, arguments, why):
    code, out, err = village("open", *OPENING, "--closes", closing(village), *arguments)
    assert (code, out) == (1, "")
    assert why in err
    assert len(village("list", "--json")[1].splitlines()) == 1


def test_an_unknown_kind_is_wrong_use(village):
    with pytest.raises(SystemExit) as stopped:
        village("open", *OPENING, "--closes", closing(village), "--kind", "dinner")
    assert stopped.value.code == 2


def test_nothing_closes_early_and_closing_twice_is_closing_once(village):
    code, out, err = village("close", "23")
    assert (code, out) == (1, "")
    assert "还没到截止时间" in err
    poll = inside(village, lambda tx, *_: store.newest_by_number(tx, 23))
    later(village, poll.closes_ms - village.place.clock().now_ms() + 1000)
    first = village("close", "23", "--json")
    assert (first[0], json.loads(first[1])["state"]) == (0, "closed")
    assert village("close", "23", "--json") == first
    assert "counts" not in json.loads(first[1])


@pytest.mark.parametrize(("choices", "counts"), [([1] * 4 + [2] * 3, [4, 3, 0]), ([1, 2, 2], None)])
def test_the_result_is_told_once_counted_and_withheld_where_few_voted(village, choices, counts):
    vote(village, 23, choices)
    poll = inside(village, lambda tx, *_: store.newest_by_number(tx, 23))
    later(village, poll.closes_ms - village.place.clock().now_ms() + 1000)
    village("close", "23")
    later(village, LISTENED_MS)
    count(village)
    told = json.loads(village("result", "23", "--json")[1])
    assert (told["state"], told["cast"], told["counts"]) == ("counted", len(choices), counts)
    assert (told["valid"], told["passed"]) == (None, None)
    assert "这不是决议" in village("result", "23")[1]


def test_a_number_nobody_has_is_said_so(village):
    for action in ("close", "result"):
        code, _, err = village(action, "88")
        assert code == 1
        assert "没有88号" in err
