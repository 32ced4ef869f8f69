"""The papers say what is true: every command, every setting, every room that is named exists, and none is forgotten."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from village import cli
from village.config import parse_config
from village.county import cli as county
from village.place import NEW_CONFIG, NewVillage, Place

ROOT = Path(__file__).parents[1]


def commands_of(parser: argparse.ArgumentParser) -> list[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return list(action.choices)
    return []


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    for program, parser in (("village", cli.parser()), ("county", county.parser())):
        for command in commands_of(parser):
            assert f"{program} {command}" in readme, command


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands_of(cli.parser()):
        with pytest.raises(SystemExit) as left:
            cli.main([command, "--help"])
        assert left.value.code == 0
        assert "usage: village" in capsys.readouterr().out


def test_every_setting_stands_in_a_new_village(tmp_path: Path) -> None:
    """`village init` writes each key down with its explanation, and what it writes is accepted."""
    place = Place.make(tmp_path, NewVillage())
    written = (place.folder / "village.toml").read_text("utf-8")
    asked = set(re.findall(r'reading\.\w+\(\s*"([a-z]+\.[a-z_]+)"', (ROOT / "village/config.py").read_text("utf-8")))
    assert len(asked) > 20
    table = ""
    found = set()
    for line in written.splitlines():
        if match := re.match(r"\[(\w+)\]", line):
            table = match[1]
        elif match := re.match(r"(\w+) = ", line):
            found.add(f"{table}.{match[1]}")
    assert found == asked
    parse_config(written)
    assert "{" not in re.sub(r"\{\w+\}", "", NEW_CONFIG)


def test_every_path_that_the_map_names_exists() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    named = re.findall(r"`((?:village|gateway|audio|sync|tests)/[\w/.*]+)`", architecture)
    assert len(named) > 20
    for path in named:
        assert list(ROOT.glob(path.rstrip("/"))), path


def test_every_link_of_the_papers_leads_somewhere() -> None:
    for paper in ("README.md", "README.zh-CN.md", "ARCHITECTURE.md", "CHANGELOG.md"):
        for link in re.findall(r"\]\(([^)#]+)\)", (ROOT / paper).read_text("utf-8")):
            assert (ROOT / link).exists(), f"{paper}: {link}"
