"""`village doctor DIR`: how everything is, a plain line each, worst first, with what to do.

Asks the server where one is running, and looks for itself where none is. Never changes anything. Exit code 1 where
something has to be done.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from village.doctor.alone import (
    check_database,
    examine_alone,
    examine_settings,
    forbidden,
    missing_folder,
    not_serving,
    silent,
)
from village.doctor.asking import NotServingError, SilentError, ask
from village.doctor.finding import VERDICTS, Finding, Verdict, anything_bad, summary, told, worst_first
from village.ground.wording import Translate, say
from village.web.kit.authority import certificate_ends_ms


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("doctor", help="看看哪里不对，怎么办 · what is wrong, and what to do")
    parser.add_argument("folder", type=Path, metavar="DIR", help="村的文件夹 · the village's folder")
    parser.add_argument("--json", action="store_true", help="打印成一个 JSON · print one JSON object")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    serving, found = _examined(args.folder)
    findings = worst_first(found)
    if args.json:
        print(json.dumps(_object(serving, findings, args.translate), ensure_ascii=False))
    else:
        print(_page(findings, args.translate))
    return 1 if anything_bad(findings) else 0


def _examined(folder: Path) -> tuple[bool, list[Finding]]:
    """Whether a server answered, and what there is to say."""
    unseen = missing_folder(folder)
    if unseen is not None:
        return False, [unseen]
    folder = folder.resolve()
    try:
        return True, [*ask(folder), *examine_settings(folder)[0], check_database(folder)]
    except NotServingError:
        server = not_serving(folder)
    except SilentError:
        server = silent()
    except OSError:
        server = forbidden()
    return False, [server, *asyncio.run(examine_alone(folder, certificate_ends_ms))]


def _object(serving: bool, findings: Sequence[Finding], translate: Translate) -> dict[str, object]:
    """`serving`: whether the server has spoken for itself."""
    return {
        "serving": serving,
        "good": not anything_bad(findings),
        "findings": [told(finding, translate) for finding in findings],
    }


def _page(findings: Sequence[Finding], translate: Translate) -> str:
    width = max(_columns(finding.title.text(translate)) for finding in findings)
    lines = []
    for finding in findings:
        title = finding.title.text(translate)
        well = finding.verdict in (Verdict.GOOD, Verdict.ABSENT)
        shown = finding.said if well else say("{mark}：{said}", mark=VERDICTS[finding.verdict], said=finding.said)
        lines.append(f"{title}{' ' * (width - _columns(title))}  {shown.text(translate)}")
        if finding.do is not None:
            lines.append(f"{' ' * width}  → {finding.do.text(translate)}")
    return "\n".join([*lines, "", summary(findings).text(translate)])


def _columns(text: str) -> int:
    """A terminal gives a Chinese sign two columns."""
    return sum(2 if ord(sign) >= 0x1100 else 1 for sign in text)
