"""The `village` command: one function a subcommand, plain words for what went wrong.

Exit codes: 0 done, 1 refused or could not, 2 wrong use (argparse's own).
"""

from __future__ import annotations

import argparse
import logging
import sqlite3
import sys
from collections.abc import Sequence

from village.commands import init, interpret, notice, password, roster, sample, say, segments, serve, story
from village.ground.database import DatabaseError, DiskFullError
from village.ground.wording import RefusalError, Wording
from village.ground.wording import say as wording
from village.web.kit.language import LANGUAGES, translator

_COMMANDS = (init, sample, serve, story, roster, notice, interpret, segments, say, password)


def parser() -> argparse.ArgumentParser:
    """Every command with its help."""
    root = argparse.ArgumentParser(
        prog="village",
        description="e家家 村庄版：一条通知，家家听到，谁没听到一目了然。"
        " One notice, every household, who heard and who did not.",
    )
    root.add_argument("--lang", choices=LANGUAGES, default="zh", help="提示用的语言 · language of what is printed")
    root.add_argument("--verbose", action="store_true", help="记录细节 · log details")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what a person can act on is printed, the rest goes to the log."""
    args = parser().parse_args(arguments)
    translate = translator(args.lang)
    logging.basicConfig(
        level=logging.DEBUG if args.verbose else logging.WARNING,
        format="%(levelname).1s %(name)s %(message)s",
        stream=sys.stderr,
    )

    def tell(words: Wording) -> None:
        print(words.text(translate))

    args.translate, args.say = translate, tell
    try:
        return int(args.run(args))
    except RefusalError as refused:
        for reason in refused.reasons:
            print(reason.text(translate), file=sys.stderr)
        return 1
    except DiskFullError:
        print(wording("存储卡满了，没有做").text(translate), file=sys.stderr)
        return 1
    except (DatabaseError, sqlite3.Error, OSError) as failure:
        print(wording("没有做成：{reason}", reason=failure).text(translate), file=sys.stderr)
        logging.getLogger(__name__).debug("command failed", exc_info=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
