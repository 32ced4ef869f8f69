"""The `village` command: one function a subcommand, plain words for what went wrong.

Exit codes: 0 done, 1 refused or could not, 2 wrong use (argparse's own).
"""

from __future__ import annotations

import argparse
import logging
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Protocol

from village.ground.database import DatabaseError, DiskFullError
from village.ground.reasons import reason_of
from village.ground.wording import RefusalError, Wording
from village.ground.wording import say as wording
from village.web.kit.language import LANGUAGES, translator

_COMMANDS = (
    "init", "sample", "serve", "story", "roster", "notice", "poll", "interpret", "segments", "rule", "say", "password",
    "doctor",
)  # fmt: skip


class _Command(Protocol):
    def add(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None: ...


def _commands(named: Sequence[str]) -> Iterator[_Command]:
    """The one that is asked for, or all of them for the help: a Pi needs a second to import what it will not run."""
    wanted = [name for name in named if name in _COMMANDS][:1] or _COMMANDS
    for name in wanted:
        yield import_module(f"village.commands.{name}")


def parser(named: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The commands with their help; where one of them is `named`, that one alone."""
    root = argparse.ArgumentParser(
        prog="village",
        description="e家家 村庄版：一条通知，家家听到，谁没听到一目了然。"
        " One notice, every household, who heard and who did not.",
    )
    root.add_argument("--lang", choices=LANGUAGES, default="zh", help="提示用的语言 · language of what is printed")
    root.add_argument("--verbose", action="store_true", help="记录细节 · log details")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in _commands(named):
        command.add(commands)
    return root


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what a person can act on is printed, the rest goes to the log."""
    asked = sys.argv[1:] if arguments is None else list(arguments)
    args = parser(asked).parse_args(asked)
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
    except BrokenPipeError:
        sys.stderr.close()  # whoever read the output has seen enough
        return 1
    except (DatabaseError, sqlite3.Error, OSError) as failure:
        reason = reason_of(failure) if isinstance(failure, OSError) else wording("数据库出错：{error}", error=failure)
        print(wording("没有做成：{reason}", reason=reason).text(translate), file=sys.stderr)
        logging.getLogger(__name__).debug("command failed", exc_info=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
