"""What the commands share that do the desk's work: their arguments, one unit in the village's own file, JSON.

Never decides anything; a unit is what the desk would run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from village.founding import means_of
from village.ground.clock import Clock, parse_iso
from village.ground.wording import RefusalError, say
from village.notices.office import Means
from village.place import Place

T = TypeVar("T")

BY = "命令行"
"""Who did it, in the records."""


def action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    words: str,
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=words)
    parser.add_argument("folder", type=Path, metavar="DIR", help="放这个村的文件夹 · the village's folder")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)
    return parser


def within(
    args: argparse.Namespace, unit: Callable[[sqlite3.Connection, Means, Clock], T], *, write: bool = False
) -> T:
    """Run one unit in the village's own file, beside a server that may be running. Raises RefusalError."""
    place = Place.open(args.folder)

    async def run() -> T:
        clock = place.clock()
        means = means_of(place, clock)
        async with place.database(clock) as db:
            return await (db.write if write else db.read)(lambda tx: unit(tx, means, clock))

    return asyncio.run(run())


def moment(text: str) -> int:
    """Milliseconds of a Beijing time. Raises RefusalError."""
    try:
        return parse_iso(text)
    except ValueError as wrong:
        raise RefusalError(say("时间要写成 2026-12-06T08:00 这样，不是“{text}”", text=text)) from wrong


def show(made: dict[str, object]) -> None:
    print(json.dumps(made, ensure_ascii=False))
