from __future__ import annotations

from pathlib import Path

import pytest

from village.ground.clock import MovableClock, SystemClock, parse_iso
from village.ground.folder import serving
from village.ground.wording import RefusalError
from village.place import SAMPLE_START, NewVillage, Place, sample_clock, skip_time

SAMPLE = NewVillage(name="青山村", signature="青山村", groups=8, sample=True, transport="simulator")


def test_what_init_writes_can_be_opened(tmp_path: Path) -> None:
    place = Place.make(tmp_path / "village", NewVillage())
    assert Place.open(place.folder).key == place.key
    assert isinstance(place.clock(), SystemClock)


def test_a_village_is_never_written_over(tmp_path: Path) -> None:
    key = Place.make(tmp_path, NewVillage()).key
    with pytest.raises(RefusalError, match="已经有一个村了"):
        Place.make(tmp_path, SAMPLE)
    assert Place.open(tmp_path).key == key


def test_a_cut_between_key_and_settings_keeps_the_key(tmp_path: Path) -> None:
    key = Place.make(tmp_path, NewVillage()).key
    (tmp_path / "village.toml").unlink()
    assert Place.make(tmp_path, NewVillage()).key == key


async def test_a_newer_file_is_refused_in_words(tmp_path: Path) -> None:
    place = Place.make(tmp_path, NewVillage())
    async with place.database(place.clock()) as database:
        await database.write(lambda tx: tx.execute("INSERT INTO schema_step VALUES ('village.ground', 99, 1)"))
    with pytest.raises(RefusalError, match="请先升级程序"):
        async with place.database(place.clock()):
            pass


def test_two_servers_never_serve_one_folder(tmp_path: Path) -> None:
    Place.make(tmp_path, NewVillage())
    with serving(tmp_path), pytest.raises(RefusalError, match="已经有一个服务"), serving(tmp_path):
        pass
    with serving(tmp_path):
        pass


async def test_skipped_time_of_the_sample_village_survives_a_restart(tmp_path: Path) -> None:
    place = Place.make(tmp_path, SAMPLE)
    clock = place.clock()
    assert isinstance(clock, MovableClock)
    assert 0 <= clock.now_ms() - parse_iso(SAMPLE_START) < 60_000
    steps = []

    async def settle() -> None:
        steps.append(clock.monotonic_ms())

    await skip_time(tmp_path, clock, 3 * 3_600_000, settle)
    assert steps
    assert 0 <= sample_clock(tmp_path).now_ms() - parse_iso(SAMPLE_START) - 3 * 3_600_000 < 60_000


async def test_another_villages_key_is_noticed_at_the_door(tmp_path: Path) -> None:
    mine, other = Place.make(tmp_path / "a", NewVillage()), Place.make(tmp_path / "b", NewVillage())
    async with mine.database(mine.clock()):
        pass
    (mine.folder / "village.key").write_bytes((other.folder / "village.key").read_bytes())
    swapped = Place.open(mine.folder)
    with pytest.raises(RefusalError, match="不是这个村的"):
        async with swapped.database(swapped.clock()):
            pass


async def test_a_damaged_file_is_refused_in_words(tmp_path: Path) -> None:
    place = Place.make(tmp_path, NewVillage())
    place.database_path.write_bytes(b"no database at all" * 300)
    with pytest.raises(RefusalError, match="文件坏了"):
        async with place.database(place.clock()):
            pass


def test_a_folder_named_from_here_is_known_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = Place.make(Path("village"), NewVillage())
    assert place.clips_folder == tmp_path / "village" / "clips"
