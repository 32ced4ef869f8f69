"""`village notice …` on the sample village, as somebody types it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.simulated.carrier import Carrier
from village.cli import main
from village.founding import means_of
from village.place import Place
from village.sample.village import SAMPLE, fill


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "village"
    place = Place.make(folder, SAMPLE)

    async def run() -> None:
        clock = place.clock()
        async with place.database(clock) as db:
            carrier = Carrier.open(None, clock, seed=1)
            await fill(db, clock, place.vault(), carrier, means_of(place, clock))
            carrier.close()

    asyncio.run(run())
    return folder


def ask(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["notice", *arguments])
    said = capsys.readouterr()
    return code, said.out + said.err


def read(capsys: pytest.CaptureFixture[str], *arguments: str):  # type: ignore[no-untyped-def]
    code, said = ask(capsys, *arguments, "--json")
    assert code == 0, said
    return [json.loads(line) for line in said.splitlines()]


def test_a_dry_run_says_everything_and_sends_nothing(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = read(capsys, "list", str(made))
    (planned,) = read(
        capsys, "send", str(made), "--text", "12月8日周二打疫苗", "--to", "group", "3", "--dry-run", "--channels", "sms"
    )
    assert planned["text"].endswith("12月8日周二打疫苗。收到请回9")
    assert (planned["unit"], planned["calls"], planned["sent"]) == ("household", 0, False)
    assert planned["fen"] == planned["parts"] * 10
    assert read(capsys, "list", str(made)) == before


def test_send_reach_doors_correct_and_stop(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (sent,) = read(
        capsys, "send", str(made), "--text", "12月8日周二打疫苗", "--to", "everyone", "--due", "2026-12-07T20:00"
    )
    number = str(sent["number"])
    (view,) = read(capsys, "reach", str(made), number)
    assert (view["units"], view["confirmed"], view["unreached"]) == (210, 0, len(sent["no_way"]))
    assert sum(group["units"] for group in view["groups"]) == 210
    (listed,) = read(capsys, "doors", str(made), number)
    assert listed["open"] == view["unreached"]
    (made_right,) = read(capsys, "correct", str(made), number, "--text", "改到12月9日周三打疫苗")
    assert (made_right["version"], made_right["corrected"]) == (2, 0)
    assert made_right["renewed"] == sent["phones"]
    (stopped,) = read(capsys, "stop", str(made), number)
    assert stopped["withdrawn"] == sent["sms"] + sent["calls"]
    (stopped,) = read(capsys, "stop", str(made), number)
    assert stopped["withdrawn"] == 0
    code, said = ask(capsys, "reach", str(made), number)
    assert code == 0
    assert "全部" in said


def test_what_is_urgent_is_said_before_it_wakes_people(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = ("--text", "12月8日山洪，马上上山", "--to", "group", "3", "--dry-run")
    (calm,) = read(capsys, "send", str(made), *told)
    (urgent,) = read(capsys, "send", str(made), *told, "--urgent")
    assert (calm["urgent"], urgent["urgent"]) == (False, True)
    assert "急事：现在就发" in ask(capsys, "send", str(made), *told, "--urgent")[1]
    assert "急事" not in ask(capsys, "send", str(made), *told)[1]


def test_a_planned_notice_waits(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (planned,) = read(capsys, "send", str(made), "--text", "12月30日开会", "--to", "party", "--at", "2026-12-29T08:00")
    assert (planned["state"], planned["sent"], planned["unit"]) == ("planned", False, "person")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--text", ""], "还没有写字"),
        (["--text", "x", "--to", "person", "张三三"], "没有“张三三”"),
        (["--text", "x", "--to", ""], "发给谁还没有填"),
        (["--text", "x", "--to", " ", ""], "发给谁还没有填"),
        (["--text", "x", "--to", "group"], "哪几组还没有选"),
        (["--text", "x", "--urgent", "--at", "2026-12-30T03:00"], "急事现在就发，不能定时间"),
        (["--text", "x", "--to", "dogs"], "不知道“dogs”是谁"),
        (["--text", "x", "--channels", "fax"], "没有“fax”这条路"),
        (["--text", "x", "--due", "明天"], "不是“明天”"),
        (["--text", "x", "--due", "2020-01-01"], "要晚于发出的时间"),
    ],
)
def test_refusals_are_said_in_words(
    made: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], reason: str
) -> None:
    code, said = ask(capsys, "send", str(made), *arguments)
    assert code == 1
    assert reason in said


def test_wrong_use_is_exit_code_two(made: Path) -> None:
    for arguments in (["send", str(made)], ["reach", str(made)], ["reach", str(made), "x"], ["fly", str(made)]):
        with pytest.raises(SystemExit) as left:
            main(["notice", *arguments])
        assert left.value.code == 2


def test_an_unknown_number_is_refused(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = ask(capsys, "reach", str(made), "77")
    assert (code, "没有77号通知" in said) == (1, True)
