"""`village roster` as a clerk types it: files in, words out, exit codes, and nothing left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.people.files import as_csv, as_xlsx, id_card
from tests.people.test_reading import TEN_MISTAKES
from village.commands import roster
from village.ground.wording import RefusalError
from village.people.sheet import Cell
from village.place import NewVillage, Place
from village.sample.roster import sample_csv

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path / "village", NewVillage(name="青山村", groups=8, area_code="0571"))


@pytest.fixture
def command(place: Place) -> Run:
    """The command in a process of its own, so that its logs and leftovers are seen as they are."""

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        program = (
            "import argparse, sys\n"
            "from village.commands import roster\n"
            "from village.ground.wording import RefusalError\n"
            "root = argparse.ArgumentParser(); roster.add(root.add_subparsers())\n"
            "args = root.parse_args(sys.argv[1:]); args.translate = str; args.say = print\n"
            "try: sys.exit(args.run(args))\n"
            "except RefusalError as refused: print(*refused.reasons, sep='\\n', file=sys.stderr); sys.exit(1)\n"
        )
        return subprocess.run(
            [sys.executable, "-c", program, "roster", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "TMPDIR": str(place.folder.parent)},
        )

    return run


def test_a_roster_comes_in_and_is_listed(command: Run, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "花名册.csv"
    file.write_bytes(sample_csv())
    checked = command("import", place.folder, file, "--check")
    assert (checked.returncode, "还没有导入" in checked.stdout) == (0, True)
    done = command("import", place.folder, file)
    assert done.returncode == 0, done.stderr
    assert "210户602人：新增602人" in done.stdout
    again = command("import", place.folder, file, "--json")
    answer = json.loads(again.stdout)
    assert (answer["imported"], answer["added"], answer["changed"], answer["unchanged"]) == (True, 0, 0, 602)
    listed = [json.loads(line) for line in command("list", place.folder, "--json").stdout.splitlines()]
    assert len(listed) == 602
    (wang,) = [each for each in listed if each["name"] == "王德福"]
    assert wang == {
        "household": "王德福",
        "name": "王德福",
        "relation": "户主",
        "sex": "男",
        "born": "1958-03-04",
        "group": 3,
        "phones": ["199****0001"],
        "marks": ["户代表", "组长"],
    }


def test_ten_mistakes_are_all_named_and_nothing_comes_in(command: Run, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "错.xlsx"
    file.write_bytes(as_xlsx(TEN_MISTAKES))
    for more in ([], ["--check"]):
        refused = command("import", place.folder, file, *more)
        assert refused.returncode == 1
        lines = refused.stderr.splitlines()
        assert lines[0] == "有10处错误，什么都没有导入"
        assert [line.split("：")[0] for line in lines[1:]] == [f"第{row}行" for row in range(4, 14)]
    answer = json.loads(command("import", place.folder, file, "--json").stdout)
    assert (answer["imported"], len(answer["errors"]), answer["errors"][0]["row"]) == (False, 10, 4)
    assert command("list", place.folder).stdout == ""


def test_no_id_number_is_anywhere_afterwards(command: Run, place: Place, tmp_path: Path) -> None:
    numbers = [id_card(f"1958030{day}", day) for day in range(1, 9)]
    bad = numbers[7][:-1] + ("1" if numbers[7][-1] != "1" else "2")
    header: list[Cell] = ["姓名", "组", "身份证号", "电话", "备注"]
    people: list[list[Cell]] = [
        [f"王{name}", "3", number, f"1990000010{n}", f"身份证{number}"]
        for n, (name, number) in enumerate(zip("甲乙丙丁戊己庚", numbers, strict=False))
    ]
    good, wrong, odd = tmp_path / "好.xlsx", tmp_path / "坏.xlsx", tmp_path / "怪.csv"
    good.write_bytes(as_xlsx([header, *people]))
    wrong.write_bytes(
        as_xlsx([header, *people, ["王辛", "3", bad, numbers[0], None], [numbers[1], "3", None, None, None]])
    )
    odd.write_bytes(as_csv([[numbers[0], numbers[1]], [numbers[2], "x"]]))
    outputs = [
        command("import", place.folder, good),
        command("import", place.folder, wrong),
        command("import", place.folder, wrong, "--check", "--json"),
        command("import", place.folder, odd),
        command("export", place.folder, place.folder / "导出.csv", "--numbers"),
        command("list", place.folder, "--json"),
    ]
    assert [each.returncode for each in outputs] == [0, 1, 1, 1, 0, 0]
    assert date.fromisoformat(json.loads(outputs[5].stdout.splitlines()[0])["born"]).year == 1958
    for file in (good, wrong, odd):
        file.unlink()
    left = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    left += [(each.stdout + each.stderr).encode() for each in outputs]
    for number in [*numbers, bad]:
        for written in (number, number[:-1], number[:14]):
            assert not any(written.encode() in content for content in left)
            assert not any(written.encode("utf-16-le") in content for content in left)


def test_a_file_of_200_mb_is_refused_without_being_read(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "大.xlsx"
    with file.open("wb") as sparse:
        sparse.truncate(200 << 20)
    with pytest.raises(RefusalError, match="最多 20 MB"):
        roster.read_file(file)


def test_a_file_that_is_not_there_is_said(command: Run, place: Place, tmp_path: Path) -> None:
    refused = command("import", place.folder, tmp_path / "没有.xlsx")
    assert (refused.returncode, "读不了" in refused.stderr) == (1, True)


def test_a_code_is_printed_for_one_person(command: Run, place: Place, tmp_path: Path) -> None:
    file = tmp_path / "花名册.csv"
    file.write_bytes(as_csv([["姓名", "组"], ["王德福", "3"], ["王伟", "3"], ["王伟", "4"]], "utf-8"))
    command("import", place.folder, file)
    answer = json.loads(command("code", place.folder, "王德福", "--json").stdout)
    assert len(answer["code"]) == 6
    assert "请用 --group" in command("code", place.folder, "王伟").stderr
    assert command("code", place.folder, "王伟", "--group", "4").returncode == 0
    assert command("code", place.folder, "赵云").returncode == 1


def test_wrong_use_is_exit_2(command: Run) -> None:
    assert command("import").returncode == 2
