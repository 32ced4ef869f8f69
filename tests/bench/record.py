"""Writes the figures down: build/bench.json for programs, a table in docs/performance.md for people.

Both whole or not at all, and both with the machine's name: a figure without its machine is a rumour.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from tests.bench.figure import Figure
from tests.bench.targets import TARGETS, Target
from village.ground.files import write_whole

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
HEADINGS = ("what", "figure", "at least", "aim", "")


def as_json(figures: Sequence[Figure], machine: Mapping[str, str]) -> dict[str, object]:
    """Names to figures, each with its target; `machine` beside them."""
    by_name = {figure.name: figure for figure in figures}
    said: dict[str, object] = {"machine": dict(machine)}
    for target in TARGETS:
        figure = by_name[target.name]
        said[target.name] = asdict(figure) | {
            "at_least": target.at_least,
            "aim": target.aim,
            "verdict": None if figure.value is None else target.verdict(figure.value),
        }
    return said


def table(said: Mapping[str, object]) -> str:
    """The same figures as Markdown, from what `as_json` gives and nothing else."""
    machine = said["machine"]
    assert isinstance(machine, dict)
    lines = ["; ".join(f"{name} {value}" for name, value in machine.items()) + ".", ""]
    lines += ["| " + " | ".join(HEADINGS) + " |", "|---|---:|---:|---:|---|"]
    lines += [_row(target, _of(said, target.name)) for target in TARGETS]
    lines += ["", "How each was taken:", ""]
    for target in TARGETS:
        figure = _of(said, target.name)
        if figure["value"] is not None:
            lines.append(f"- `{target.name}`: {figure['how']}. {_details(figure['detail'])}")
    return "\n".join(lines)


def write(said: Mapping[str, object], json_path: Path, docs_path: Path) -> None:
    """Raises ValueError where the page has lost its two markers."""
    page = docs_path.read_text("utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{docs_path} needs the lines {BEGIN} and {END}")
    json_path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(json_path, (json.dumps(said, ensure_ascii=False, indent=2) + "\n").encode())
    write_whole(docs_path, f"{before}{BEGIN}\n{table(said)}\n{END}{after}".encode())


def _of(said: Mapping[str, object], name: str) -> dict[str, object]:
    figure = said[name]
    assert isinstance(figure, dict)
    return figure


def _row(target: Target, figure: Mapping[str, object]) -> str:
    value, unit = figure["value"], figure["unit"]
    said = "—" if value is None else f"{value:,} {unit}" if isinstance(value, int | float) else str(value)
    verdict = str(figure["reason"] if value is None else figure["verdict"])
    return f"| {target.what} | {said} | {_bound(target.at_least)} | {_bound(target.aim)} | {verdict} |"


def _bound(bound: float | None) -> str:
    return "" if bound is None else f"{bound:,}"


def _details(detail: object) -> str:
    assert isinstance(detail, dict)
    return "; ".join(f"{_words(name)}: {_detail(value)}" for name, value in detail.items()) + "."


def _detail(value: object) -> str:
    if isinstance(value, dict) and set(value) == {"runs", "min", "median", "max"}:
        return f"{value['min']:,g} / {value['median']:,g} / {value['max']:,g} in {value['runs']} runs"
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _words(name: str) -> str:
    return name.replace("_", " ")
