"""`village sample DIR`: 青山村, made up from end to end, to try everything on."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from village.founding import found_sample
from village.ground.wording import say


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("sample", help="样板村青山村，全是编的 · the made-up sample village")
    parser.add_argument("folder", type=Path, metavar="DIR", help="放样板村的文件夹 · its folder")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    place = asyncio.run(found_sample(args.folder))
    args.say(say("样板村 {village} 放在 {folder}。", village=place.config.village.name, folder=place.folder))
    return 0
