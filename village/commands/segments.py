"""`village segments TEXT`: what a text costs as SMS."""

from __future__ import annotations

import argparse
import json

from gateway.segments import count, split
from village.ground.wording import say


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("segments", help="一段话要几条短信 · how many SMS a text takes")
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    counted, parts = count(args.text), split(args.text)
    if args.json:
        shown = {
            "encoding": counted.encoding,
            "units": counted.units,
            "parts": counted.parts,
            "left": counted.left,
            "texts": parts,
        }
        print(json.dumps(shown, ensure_ascii=False))
        return 0
    encoding = "UCS-2" if counted.encoding == "ucs2" else "GSM-7"
    args.say(say("{units}个字（{encoding}），分{parts}条，最后一条还剩{left}个字",
                 units=counted.units, encoding=encoding, parts=counted.parts, left=counted.left))  # fmt: skip
    if counted.parts > 1:
        for number, part in enumerate(parts, start=1):
            args.say(say("第{number}条：{text}", number=number, text=part))
    return 0
