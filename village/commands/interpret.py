"""`village interpret DIR --from NUMBER TEXT|-`: what the village would do with a text, without doing it.

Never keeps anything: each text is tried in a unit of work that is rolled back.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from village.founding import answering_of, means_of
from village.ground.database import Database
from village.ground.wording import Translate, say
from village.keywords.answering import Answering
from village.keywords.decision import Decision
from village.place import Place

FROM_INPUT = "-"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "interpret", help="试一条短信会怎样，不真的做 · what the village would do with a text, without doing it"
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="村的文件夹 · the village's folder")
    parser.add_argument("--from", dest="sender", required=True, metavar="NUMBER", help="谁发的 · who sends it")
    parser.add_argument("text", metavar="TEXT", help="短信内容；- 表示从输入逐行读 · the text; - reads lines")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    texts = _lines() if args.text == FROM_INPUT else [args.text]
    asyncio.run(_interpret(args, texts))
    return 0


def _lines() -> Iterator[str]:
    for line in sys.stdin.buffer:
        yield line.decode("utf-8", "replace").rstrip("\r\n")


async def _interpret(args: argparse.Namespace, texts: Iterable[str]) -> None:
    place = Place.open(args.folder)
    clock = place.clock()
    answering = answering_of(place, clock, means_of(place, clock))
    async with place.database(clock) as database:
        for text in texts:
            decision = await rehearsed(database, answering, args.sender, text)
            if args.json or args.text == FROM_INPUT:
                print(decision.as_json(args.translate), flush=True)
            else:
                _tell(args, decision, args.translate)


async def rehearsed(database: Database, answering: Answering, sender: str, text: str) -> Decision:
    """What `answering` would do; nothing of it is kept."""
    return await database.write(lambda tx: answering.rehearse(tx, sender, text))


def _tell(args: argparse.Namespace, decision: Decision, translate: Translate) -> None:
    args.say(say("{intent}：{why}", intent=decision.intent.value, why=decision.why.text(translate)))
    if decision.reply is None:
        args.say(say("不回短信"))
    else:
        args.say(say("回：{text}", text=decision.reply.text))
