"""`village password DIR NAME`: a new starting password for somebody who forgot theirs.

For whoever has the computer itself, and so the key file: the desk cannot help when its only account is locked out.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from village.ground.wording import say
from village.place import Place
from village.web.kit.accounts import Accounts


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("password", help="忘了密码：给一个新的起始密码 · a new starting password")
    parser.add_argument("folder", type=Path, metavar="DIR", help="村的文件夹 · the village's folder")
    parser.add_argument("name", metavar="NAME", help="账号的名字 · the account's name")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    starter = asyncio.run(_reset(Place.open(args.folder), args.name))
    args.say(say("{name}的起始密码：{password}", name=args.name, password=starter))
    args.say(say("第一次登录要改掉；别处登着的都退出了。"))
    return 0


async def _reset(place: Place, name: str) -> str:
    clock = place.clock()
    async with place.database(clock) as db:
        accounts = Accounts(db, clock, place.key)
        try:
            return await accounts.reset_at_the_machine(name)
        finally:
            accounts.close()
