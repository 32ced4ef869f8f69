"""The `county` command: the county's own program, on the same ground and on `sync`.

Never touches a village's folder.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from village.county.place import CountyPlace
from village.ground.wording import RefusalError, say
from village.web.kit.language import LANGUAGES, translator


def parser() -> argparse.ArgumentParser:
    """Every command with its help."""
    root = argparse.ArgumentParser(prog="county", description="e家家 县里的程序 · the county's own program")
    root.add_argument("--lang", choices=LANGUAGES, default="zh", help="提示用的语言 · language of what is printed")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    init = commands.add_parser("init", help="新建县里的文件夹和签名钥匙 · the county's folder and signing key")
    init.add_argument("folder", type=Path, metavar="DIR", help="放县里东西的文件夹 · the county's folder")
    init.set_defaults(run=_init)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 refused or could not, 2 wrong use."""
    args = parser().parse_args(arguments)
    args.translate = translator(args.lang)
    try:
        return int(args.run(args))
    except RefusalError as refused:
        for reason in refused.reasons:
            print(reason.text(args.translate), file=sys.stderr)
        return 1


def _init(args: argparse.Namespace) -> int:
    place = CountyPlace.make(args.folder)
    made = say("{name}放在 {folder}，签名钥匙的指纹是 {fingerprint}",
               name=place.name, folder=place.folder, fingerprint=place.key.public.fingerprint)  # fmt: skip
    print(made.text(args.translate))
    return 0


if __name__ == "__main__":
    sys.exit(main())
