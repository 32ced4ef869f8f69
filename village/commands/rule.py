"""`village rule --kind K --eligible N --attended A --yes Y`: whether a vote with these numbers counts and passes."""

from __future__ import annotations

import argparse
import json
import sys
import unicodedata

from village.ground.wording import Wording, say
from village.laws.pack import By, Kind, Refused, newest_pack
from village.laws.rules import ImpossibleError, Verdict, judge


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("rule", help="这些票数算不算数、通没通过 · whether these numbers count and pass")
    kinds = [*Kind, *Refused]
    parser.add_argument("--kind", required=True, choices=kinds, metavar="K", help=" ".join(kinds))
    for name, says in (
        ("eligible", "应到的人或户 · who may take part"),
        ("attended", "参加的 · who took part"),
        ("yes", "同意的 · who said yes"),
    ):
        parser.add_argument(f"--{name}", required=True, type=_count, metavar="N", help=says)
    parser.add_argument("--by", choices=list(By), help="按人还是按户 · persons or households")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def _count(text: str) -> int:
    """A whole number, full-width digits too."""
    return int(unicodedata.normalize("NFKC", text))


_count.__name__ = "number"  # what argparse calls it in its complaint


def run(args: argparse.Namespace) -> int:
    try:
        verdict = judge(
            newest_pack(),
            args.kind,
            eligible=args.eligible,
            attended=args.attended,
            yes=args.yes,
            by=None if args.by is None else By(args.by),
        )
    except ImpossibleError as impossible:
        print(impossible.why.text(args.translate), file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(verdict.as_json(), ensure_ascii=False))
        return 0
    for words in _told(verdict):
        args.say(words)
    return 0


def _told(verdict: Verdict) -> list[Wording]:
    pack = newest_pack()
    counts = {
        None: say("参加多少人才算数，法律没有定"),
        True: say("参加的够数（至少{n}）", n=verdict.needs_attended),
        False: say("参加的不够数（至少{n}），这次不算", n=verdict.needs_attended),
    }[verdict.valid]
    passes = {
        None: say("只听意见，没有通过不通过"),
        True: say("通过（同意的至少{n}）", n=verdict.needs_yes),
        False: say("没有通过（同意的至少{n}）", n=verdict.needs_yes),
    }[verdict.passed]
    said = [counts, passes]
    if verdict.articles:
        said.append(say("依据：{articles}", articles="、".join(verdict.articles)))
    checked = say("已核对") if pack.reviewed else say("还没有人核对过：{warning}", warning=pack.warning)
    return [*said, say("法规包 {pack}，{checked}", pack=pack.id, checked=checked)]
