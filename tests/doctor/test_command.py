"""`village doctor` as a person runs it: a process of its own, beside a real server, a killed one, and none."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import resource
import shutil
import signal
import sqlite3
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.doctor.nobody import folder_open_to_all, without_rights
from village import cli
from village.app import running
from village.doctor.asking import SOCKET_NAME
from village.founding import found, found_sample
from village.ground import clock as clocks
from village.place import CONFIG_NAME, NewVillage, Place

_LONGEST_S = 90
KEYS = {"part", "line", "verdict", "title", "said", "do"}


async def run(*arguments: str | Path) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "village.cli", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), _LONGEST_S)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def doctor(folder: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and the one JSON object, which always has the same shape."""
    code, out, err = await run("doctor", folder, "--json")
    assert err == ""
    told = json.loads(out)
    assert set(told) == {"serving", "good", "findings"}
    assert all(set(line) == KEYS for line in told["findings"])
    assert all(isinstance(line["said"], str) and line["said"] for line in told["findings"])
    assert told["good"] is (code == 0)
    return code, told


def line_of(told: dict[str, Any], part: str) -> dict[str, Any]:
    return next(line for line in told["findings"] if line["part"] == part)


@contextlib.asynccontextmanager
async def served(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "village.cli", "serve", str(folder), "--any-port", "--json", "--listen", "127.0.0.1",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert server.stdout is not None
    try:
        assert json.loads(await asyncio.wait_for(server.stdout.readline(), _LONGEST_S))
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            server.terminate()
        await server.wait()


@pytest.fixture
async def sample(tmp_path: Path) -> Path:
    return (await found_sample(tmp_path / "qingshan")).folder


@pytest.mark.scenario
async def test_beside_a_running_server_which_is_then_cut_off_and_started_again(sample: Path) -> None:
    async with served(sample) as server:
        code, told = await doctor(sample)
        assert (code, told["serving"]) == (0, True)
        assert {line["part"] for line in told["findings"]} >= {
            "server", "settings", "line", "queue", "speech", "county", "clock", "disk", "database", "keys",
            "certificate",
        }  # fmt: skip
        assert "试念了" in line_of(told, "speech")["said"]
        assert [line["line"] for line in told["findings"] if line["part"] == "line"] == ["短信·模拟", "电话·模拟"]

        code, out, _ = await run("doctor", sample)
        assert code == 0
        assert "通" in out
        assert out.endswith("都好\n")

        code, out, _ = await run("--lang", "en", "doctor", sample, "--json")
        assert code == 0

        settings = sample / CONFIG_NAME
        written = settings.read_text("utf-8")
        settings.write_text(written.replace("[web]", "[web"), "utf-8")
        code, told = await doctor(sample)
        assert (code, told["serving"]) == (1, True), "it runs, and would not start again"
        assert told["findings"][0]["part"] == "settings"
        settings.write_text(written, "utf-8")

        both = await asyncio.gather(doctor(sample), doctor(sample))
        assert [told["serving"] for _, told in both] == [True, True]

        server.send_signal(signal.SIGKILL)
        await server.wait()
    assert stat.S_ISSOCK((sample / SOCKET_NAME).stat().st_mode), "a power cut leaves the socket behind"
    code, told = await doctor(sample)
    assert (code, told["serving"]) == (1, False)
    assert told["findings"][0]["part"] == "server"
    assert told["findings"][0]["said"].startswith("没有开")
    assert line_of(told, "database")["verdict"] == "good"

    async with served(sample):
        assert (await doctor(sample))[1]["serving"] is True
    assert not (sample / SOCKET_NAME).exists()


@pytest.mark.scenario
async def test_a_village_whose_stick_is_missing_says_so_first(tmp_path: Path) -> None:
    """With no system bus here it is the program that is missing, with one it is the stick: both name what to do."""
    folder = found(tmp_path / "village", NewVillage(transport="none")).folder
    settings = folder / CONFIG_NAME
    settings.write_text(settings.read_text("utf-8").replace('transport = "none"', 'transport = "modem"', 1), "utf-8")
    async with served(folder):
        _, beside = await doctor(folder)
    _, alone = await doctor(folder)
    for told in (beside, alone):
        line = line_of(told, "line")
        assert (line["verdict"], line["line"]) == ("bad", "短信·上网卡")
        assert line["said"] in ("管上网卡的程序没有开", "上网卡没有插好")
        assert "上网卡" in line["do"] or "ModemManager" in line["do"]


@pytest.mark.scenario
async def test_a_server_that_hangs_is_said(sample: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("village.doctor.asking.ANSWER_S", 0.2)
    async with served(sample) as server:
        server.send_signal(signal.SIGSTOP)
        try:
            code = await asyncio.to_thread(cli.main, ["doctor", str(sample)])
        finally:
            server.send_signal(signal.SIGCONT)
    assert code == 1
    assert "开着，可是不回答" in capsys.readouterr().out


async def test_no_number_no_key_and_no_text_is_ever_said(sample: Path) -> None:
    place = Place.open(sample)
    async with running(place, any_port=True, listen="127.0.0.1"):
        _, out, _ = await run("doctor", sample, "--json")
    assert not re.search(r"1\d{10}", out)
    assert place.key.hex() not in out
    assert "停水" not in out


async def test_a_new_village_that_was_never_served(tmp_path: Path) -> None:
    place = found(tmp_path / "village", NewVillage(name="我们村"))
    before = sorted(path.name for path in place.folder.rglob("*"))
    code, told = await doctor(place.folder)
    assert (code, told["serving"]) == (1, False)
    assert line_of(told, "settings")["said"] == "读得懂（我们村）"
    assert line_of(told, "database")["said"] == "还没有"
    assert line_of(told, "line")["verdict"] == "mind"
    assert line_of(told, "keys")["verdict"] == "good"
    assert line_of(told, "speech")["verdict"] == "good"
    assert sorted(path.name for path in place.folder.rglob("*")) == before, "a doctor leaves nothing behind"


@pytest.mark.parametrize("where", ["nowhere", "a-file"])
async def test_a_folder_that_is_not_there(tmp_path: Path, where: str) -> None:
    (tmp_path / "a-file").write_text("mine")
    code, told = await doctor(tmp_path / where)
    assert code == 1
    assert [line["part"] for line in told["findings"]] == ["settings"]
    assert "看不了" in told["findings"][0]["said"]
    assert not (tmp_path / "nowhere").exists()


async def test_wrong_use_is_two() -> None:
    code, _, err = await run("doctor")
    assert code == 2
    assert "usage" in err


async def test_every_mistake_of_the_settings_is_a_line(tmp_path: Path) -> None:
    place = found(tmp_path / "village", NewVillage())
    settings = place.folder / CONFIG_NAME
    settings.write_text(
        settings.read_text("utf-8").replace('transport = "none"', 'transport = "pigeon"').replace("8080", "99999"),
        "utf-8",
    )
    _, told = await doctor(place.folder)
    mistakes = [line for line in told["findings"] if line["part"] == "settings"]
    assert len(mistakes) == 3
    assert all(line["verdict"] == "bad" and "village.toml" in line["do"] for line in mistakes)
    assert line_of(told, "keys")["verdict"] == "good"  # the rest is still looked at


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda key: key.unlink(), "少了"),
        (lambda key: key.chmod(0o644), "别人也读得到"),
        (lambda key: key.write_text("torn"), "坏了"),
    ],
)
async def test_the_key_file(tmp_path: Path, break_it: Any, words: str) -> None:
    place = found(tmp_path / "village", NewVillage())
    break_it(place.folder / "village.key")
    code, told = await doctor(place.folder)
    assert code == 1
    assert words in line_of(told, "keys")["said"]


async def test_a_broken_file_is_said_and_the_rest_is_looked_at(sample: Path) -> None:
    (sample / "village.db").write_bytes(b"torn by a power cut" * 500)
    code, told = await doctor(sample)
    assert code == 1
    assert line_of(told, "database")["said"] == "打不开，可能坏了"
    assert line_of(told, "clock")["verdict"] == "good"
    assert line_of(told, "disk")["said"].startswith("还有")


async def test_a_file_of_an_older_version_is_left_to_the_server(sample: Path) -> None:
    with contextlib.closing(sqlite3.connect(sample / "village.db")) as older:
        older.execute("DROP TABLE county")
        older.commit()
    _, told = await doctor(sample)
    assert line_of(told, "database")["verdict"] == "good"
    assert line_of(told, "clock")["verdict"] == "good"


def test_a_clock_that_woke_up_in_1970_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    place = found(tmp_path / "village", NewVillage())
    monkeypatch.setattr(clocks, "_system_ms", lambda: 8_000)
    monkeypatch.setattr(clocks.KernelClock, "__call__", lambda _: False)
    assert cli.main(["doctor", str(place.folder), "--json"]) == 1
    clock = line_of(json.loads(capsys.readouterr().out), "clock")
    assert clock["verdict"] == "bad"
    assert "是猜的" in clock["said"]


def test_a_folder_of_another_user_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with folder_open_to_all() as open_folder:
        place = found(open_folder / "village", NewVillage())
        with without_rights(place.folder, 0o000):
            assert cli.main(["doctor", str(place.folder), "--json"]) == 1
        told = json.loads(capsys.readouterr().out)
        assert [line["part"] for line in told["findings"]] == ["settings"]
        assert "没有权限" in told["findings"][0]["said"]


async def test_a_server_of_another_user_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder may be looked into and its socket not: everything else is still examined."""
    with folder_open_to_all() as open_folder:
        place = found(open_folder / "village", NewVillage())
        async with running(Place.open(place.folder), any_port=True, listen="127.0.0.1"):
            (place.folder / SOCKET_NAME).chmod(0o000)
            with without_rights(place.folder, 0o555):
                code = await asyncio.to_thread(cli.main, ["doctor", str(place.folder), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert code == 1
    assert told["findings"][0]["said"].startswith("不让问")
    assert shutil.which("sudo") is None or "sudo" in told["findings"][0]["do"]


@pytest.mark.scenario
async def test_a_card_that_takes_nothing_more_while_the_server_runs(sample: Path) -> None:
    """The kernel refuses the server every byte; it says so to whoever asks, and everything else is still said."""
    async with served(sample) as server:
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        for _ in range(10):  # the next thing it has to write down tells it
            code, told = await doctor(sample)
            if line_of(told, "disk")["verdict"] == "bad":
                break
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert (code, told["serving"]) == (1, True)
    assert line_of(told, "disk")["said"].startswith("满了")
    assert line_of(told, "speech")["said"] == "存不下念好的声音"
    assert line_of(told, "server")["verdict"] == "good"
