"""The `county` command: the county's own program, on the same ground and on `sync`.

Never touches a village's folder. Exit codes: 0 done, 1 refused or could not, 2 wrong use.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import logging
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from village.county.app import Running, running
from village.county.enrolling import UNNAMED, issue_code
from village.county.evidence import LARGEST_BYTES, Evidence, verify
from village.county.place import CountyPlace
from village.county.verification import Found
from village.ground.database import DatabaseError
from village.ground.reasons import reason_of
from village.ground.wording import RefusalError, Wording, say
from village.web.kit.language import LANGUAGES, translator

_SIGNS = {Found.PASSED: "✓", Found.FAILED: "✗", Found.OPEN: "–"}


def parser() -> argparse.ArgumentParser:
    """Every command with its help."""
    root = argparse.ArgumentParser(prog="county", description="e家家 县里的程序 · the county's own program")
    root.add_argument("--lang", choices=LANGUAGES, default="zh", help="提示用的语言 · language of what is printed")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    init = commands.add_parser("init", help="新建县里的文件夹和签名钥匙 · the county's folder and signing key")
    _folder(init)
    init.add_argument("--name", default="我们县", help="县的名字 · the county's name")
    init.add_argument("--listen", type=_address, default="0.0.0.0", metavar="IP", help="web.listen")  # noqa: S104 - villages call from outside
    init.set_defaults(run=_init)
    serve = commands.add_parser("serve", help="启动服务 · start the server")
    _folder(serve)
    serve.add_argument("--any-port", action="store_true", help="端口由系统给 · take whatever ports are free")
    serve.add_argument(
        "--json", action="store_true", help="地址打印成一行 JSON · print the addresses as one JSON object"
    )
    serve.add_argument("--listen", type=_address, metavar="IP", help="代替 web.listen · instead of web.listen")
    serve.set_defaults(run=_serve)
    enrol = commands.add_parser(
        "enrol", help="给一个村开登记码，只显示一次 · a one-time code for a village, shown once"
    )
    _folder(enrol)
    enrol.add_argument("--village", default=UNNAMED, metavar="NAME", help="哪个村 · for which village")
    enrol.add_argument("--json", action="store_true")
    enrol.set_defaults(run=_enrol)
    check = commands.add_parser("verify", help="核对一份凭据文件 · verify an evidence file, step by step")
    check.add_argument(
        "file", type=Path, metavar="FILE", help="从县里的台子下载的凭据 · downloaded from the county's desk"
    )
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=_verify)
    return root


def _folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", type=Path, metavar="DIR", help="放县里东西的文件夹 · the county's folder")


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; what a person can act on is printed."""
    args = parser().parse_args(arguments)
    args.translate = translator(args.lang)
    logging.basicConfig(level=logging.WARNING, format="%(levelname).1s %(name)s %(message)s", stream=sys.stderr)
    try:
        return int(args.run(args))
    except RefusalError as refused:
        for reason in refused.reasons:
            print(reason.text(args.translate), file=sys.stderr)
        return 1
    except (DatabaseError, sqlite3.Error, OSError) as failure:
        reason = reason_of(failure) if isinstance(failure, OSError) else say("数据库出错：{error}", error=failure)
        print(say("没有做成：{reason}", reason=reason).text(args.translate), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _tell(args: argparse.Namespace, *said: Wording) -> None:
    print("\n".join(words.text(args.translate) for words in said), flush=True)


def _init(args: argparse.Namespace) -> int:
    place = CountyPlace.make(args.folder, name=args.name, listen=args.listen)
    _tell(args, say("{name}放在 {folder}，签名钥匙的指纹是 {fingerprint}",
                    name=place.name, folder=place.folder, fingerprint=place.key.public.fingerprint))  # fmt: skip
    return 0


def _serve(args: argparse.Namespace) -> int:
    return asyncio.run(_served(CountyPlace.open(args.folder), args))


async def _served(place: CountyPlace, args: argparse.Namespace) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(place, any_port=args.any_port, listen=args.listen) as county:
        if args.json:
            print(json.dumps(_addresses(county)), flush=True)
        else:
            _tell(args, *_greeting(county))
        stopping = asyncio.ensure_future(stop.wait())
        failing = asyncio.ensure_future(county.failed())
        await asyncio.wait({stopping, failing}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (stopping, failing):
            waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await failing
    return 0


def _addresses(county: Running) -> dict[str, str | None]:
    return {
        "exchange": county.exchange_url,
        "loopback": county.loopback_url,
        "desk": county.desk_url,
        "first_code": county.first_code,
    }


def _greeting(county: Running) -> list[Wording]:
    said = [
        say("{county} 开始服务。", county=county.place.name),
        say("  村里往这里报 {url}", url=county.exchange_url),
        say("  县里台本机   {url}", url=county.loopback_url),
        say("  县里台加密   {url}", url=county.desk_url),
        say("  证书指纹     {fingerprint}", fingerprint=county.fingerprint),
    ]
    if county.first_code is not None:
        said.append(say("  第一次进县里的台子要用的一次性密码：{code}", code=county.first_code))
    return [*said, say("按 Ctrl+C 停下。")]


def _enrol(args: argparse.Namespace) -> int:
    return asyncio.run(_code(CountyPlace.open(args.folder), args))


async def _code(place: CountyPlace, args: argparse.Namespace) -> int:
    clock = place.clock()
    async with place.database(clock) as db:
        code = await issue_code(db, clock, village=args.village, by=str(say("命令行")))
    fingerprint = place.key.public.fingerprint
    if args.json:
        print(json.dumps({"code": code.shown, "address": place.web.address, "fingerprint": fingerprint}))
        return 0
    _tell(args, say("{village}的登记码：{code}", village=args.village, code=code.shown),
          say("14天内用一次。县里签名钥匙的指纹：{fingerprint}", fingerprint=fingerprint))  # fmt: skip
    return 0


def _verify(args: argparse.Namespace) -> int:
    if args.file.stat().st_size > LARGEST_BYTES:
        raise RefusalError(say("这不是凭据文件，或者文件坏了"))
    found = verify(args.file.read_bytes())
    if args.json:
        print(json.dumps(_as_json(found, args), ensure_ascii=False))
    else:
        _tell(args, *_told(found))
    return 0 if is_sound(found) else 1


def is_sound(found: Evidence) -> bool:
    """Whether no step of any poll failed, and the log itself holds."""
    if found.certificate is None or not found.log.signed or not found.log.unbroken:
        return False
    return all(rung.found is not Found.FAILED for poll in found.polls for rung in poll.rungs)


def _told(found: Evidence) -> list[Wording]:
    said = [say("县里签名钥匙的指纹：{fingerprint}（请和县里公布的对一对）", fingerprint=found.county.fingerprint)]
    if found.certificate is None:
        return [*said, say("✗ 证书不是这个县发的，下面都不能信")]
    said.append(say("✓ 证书：{village}，编号{no}", village=found.certificate.village, no=found.certificate.village_no))
    said.append(say("{bundles}包，{records}条记录，接到第{head}条", bundles=found.bundles, records=found.records,
                    head=found.log.head_seq))  # fmt: skip
    for poll in found.polls:
        said.append(say("{number}号：{question}", number=poll.opened.number, question=poll.opened.question))
        said += [
            say("  {sign} {name}：{meaning}", sign=_SIGNS[rung.found], name=rung.name, meaning=rung.meaning)
            for rung in poll.rungs
        ]
    return said


def _as_json(found: Evidence, args: argparse.Namespace) -> dict[str, object]:
    return {
        "sound": is_sound(found),
        "county": found.county.fingerprint,
        "village": None if found.certificate is None else found.certificate.village,
        "bundles": found.bundles,
        "records": found.records,
        "signed": found.log.signed,
        "unbroken": found.log.unbroken,
        "head": found.log.head_seq,
        "polls": [
            {
                "number": poll.opened.number,
                "question": poll.opened.question,
                "steps": [
                    {
                        "step": rung.name.text(args.translate),
                        "found": rung.found.value,
                        "meaning": rung.meaning.text(args.translate),
                    }
                    for rung in poll.rungs
                ],
            }
            for poll in found.polls
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
