from __future__ import annotations

from pathlib import Path

import pytest

from village.county.cli import main
from village.county.place import CountyPlace
from village.ground.wording import RefusalError


def test_init_makes_a_county_that_can_be_opened(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "county")]) == 0
    place = CountyPlace.open(tmp_path / "county")
    assert place.key.public.fingerprint in capsys.readouterr().out


def test_a_county_is_never_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(tmp_path)])
    key = CountyPlace.open(tmp_path).key.public
    assert main(["init", str(tmp_path)]) == 1
    assert "已经有一个县了" in capsys.readouterr().err
    assert CountyPlace.open(tmp_path).key.public == key


@pytest.mark.parametrize(
    "settings", ["", "[county]", "[county]\nname = 3", "county = 1", "[county", "[county]\nname = ''"]
)
def test_broken_settings_are_refused_in_words(tmp_path: Path, settings: str) -> None:
    CountyPlace.make(tmp_path)
    (tmp_path / "county.toml").write_text(settings)
    with pytest.raises(RefusalError, match=r"county\.toml"):
        CountyPlace.open(tmp_path)


def test_wrong_use_exits_with_2() -> None:
    with pytest.raises(SystemExit) as left:
        main(["fly"])
    assert left.value.code == 2
