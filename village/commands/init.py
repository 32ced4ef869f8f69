"""`village init DIR`: a new, empty village. Asks nothing; what must be filled in is said."""

from __future__ import annotations

import argparse
from pathlib import Path

from village.founding import found
from village.ground.wording import say
from village.place import CONFIG_NAME, NewVillage


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("init", help="新建一个村 · a new, empty village")
    parser.add_argument("folder", type=Path, metavar="DIR", help="放这个村的文件夹 · the village's folder")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    place = found(args.folder, NewVillage())
    args.say(say("新的村放在 {folder}。", folder=place.folder))
    args.say(say("先改 {path} 里的村名、签名、组数和电话，再运行 village serve {folder}。",
                 path=place.folder / CONFIG_NAME, folder=place.folder))  # fmt: skip
    return 0
