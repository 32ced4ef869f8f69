"""The whole village put together: it starts, speaks from any folder, stops softly, and says what is wrong."""

from __future__ import annotations

import socket
from pathlib import Path

import aiohttp
import pytest

from village.app import running
from village.founding import found, found_sample
from village.ground.wording import RefusalError
from village.place import CONFIG_NAME, NewVillage


async def test_the_sample_village_speaks_wherever_it_was_started_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = await found_sample(Path("village"))
    async with (
        running(place, any_port=True) as village,
        aiohttp.ClientSession(village.public_url) as browser,
        browser.get("/notices/17/speech.wav") as spoken,
    ):
        assert spoken.status == 200
        assert (await spoken.read())[:4] == b"RIFF"


async def test_a_stop_in_the_middle_of_sending_leaves_no_sms_in_doubt(tmp_path: Path) -> None:
    place = await found_sample(tmp_path / "village")
    async with running(place, any_port=True) as village:
        with village.db.changed() as changed:
            while not await village.db.read(_sent):
                changed.clear()
                await changed.wait()
    async with place.database(place.clock()) as db:
        states = await db.read(
            lambda tx: {row[0] for row in tx.execute("SELECT state FROM message_state WHERE channel = 'sms'")}
        )
    assert "queued" in states, "it was stopped too late to tell"
    assert not states & {"sending", "unknown"}


def _sent(tx) -> int:  # type: ignore[no-untyped-def]
    return int(tx.execute("SELECT count(*) FROM message_state WHERE state IN ('accepted', 'delivered')").fetchone()[0])


async def test_a_sample_that_was_half_made_is_finished_and_a_whole_one_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "village"
    place = await found_sample(folder)
    place.database_path.unlink()
    await found_sample(folder)
    with pytest.raises(RefusalError, match="已经有一个村了"):
        await found_sample(folder)


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    place = found(tmp_path / "village", NewVillage())
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        config = place.folder / CONFIG_NAME
        config.write_text(config.read_text("utf-8").replace("8080", str(busy.getsockname()[1])), "utf-8")
        with pytest.raises(RefusalError, match="端口被别的程序占着"):
            async with running(type(place).open(place.folder), listen="127.0.0.1"):
                pass


async def test_a_real_village_without_lines_starts_and_says_so(tmp_path: Path) -> None:
    place = found(tmp_path / "village", NewVillage())
    async with running(place, any_port=True, listen="127.0.0.1") as village, aiohttp.ClientSession() as browser:
        assert village.carrier is None
        async with browser.get(village.public_url) as home:
            assert home.status == 200
        async with browser.get(village.public_url + "phones") as phones:
            assert phones.status == 404
