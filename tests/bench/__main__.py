"""`make bench`: takes every figure, prints it as it comes, writes them all down. Some minutes; best on a quiet machine.

A figure that cannot be taken is written down with its reason, and the exit code says so; the others are taken all the
same. Names of figures as arguments take those alone and write nothing.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence

from tests.bench.child import ROOT
from tests.bench.figure import Figure
from tests.bench.machine import described
from tests.bench.yard import FULL, Yard

# Imported one after the other, the server's own memory first: a library that this process has loaded, too, would be
# counted by halves there.
MODULES = (
    "idle",
    "cold_start",
    "page",
    "notice",
    "disk",
    "replies",
    "waiting",
    "against_kannel",
    "ballots",
    "exchange",
    "modem_line",
)


def measured(yard: Yard, module: str) -> Iterator[Figure]:
    """The figures of one module. Raises whatever kept it from measuring."""
    yield from importlib.import_module(f"tests.bench.{module}").measure(yard)


def main(wanted: Sequence[str]) -> int:
    os.chdir(ROOT)
    folder = ROOT / "build" / "bench"
    shutil.rmtree(folder, ignore_errors=True)
    yard = Yard(folder, FULL)
    machine = described(folder.parent)
    print("; ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    begin_s = time.monotonic()
    figures: list[Figure] = []
    broken = []
    for module in MODULES:
        if wanted and module not in wanted:
            continue
        try:
            for figure in measured(yard, module):
                figures.append(figure)
                said = figure.reason if figure.value is None else f"{figure.value:,} {figure.unit}"
                print(f"{time.monotonic() - begin_s:5.0f} s  {figure.name}: {said}", flush=True)
        except Exception as raised:  # noqa: BLE001 - the other figures are worth having
            broken.append(f"{module}: {type(raised).__name__}: {raised}")
            print(f"could not measure {broken[-1]}", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    if not wanted:
        _write(figures, broken, machine)
    return 1 if broken else 0


def _write(figures: list[Figure], broken: Sequence[str], machine: dict[str, str]) -> None:
    # after the measuring, for the reason that MODULES gives
    from tests.bench.record import as_json, write
    from tests.bench.targets import TARGETS

    taken = {figure.name for figure in figures}
    figures += [
        Figure(name=target.name, unit="", reason="it broke: " + "; ".join(broken))
        for target in TARGETS
        if target.name not in taken
    ]
    said = as_json(figures, machine)
    write(said, ROOT / "build" / "bench.json", ROOT / "docs" / "performance.md")
    print("written: build/bench.json, docs/performance.md")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
