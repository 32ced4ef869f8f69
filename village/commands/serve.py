"""`village serve DIR`: the server, until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ipaddress
import json
import signal
from pathlib import Path

from village.app import Running, running
from village.commands.beside import Beside, beside
from village.ground.memory import keep_one_arena
from village.ground.wording import Wording, say
from village.place import Place


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("serve", help="启动服务 · start the server")
    parser.add_argument("folder", type=Path, metavar="DIR", help="村的文件夹 · the village's folder")
    parser.add_argument("--any-port", action="store_true", help="端口由系统给 · take whatever ports are free")
    parser.add_argument(
        "--json", action="store_true", help="地址打印成一行 JSON · print the addresses as one JSON object"
    )
    parser.add_argument("--county", type=Path, metavar="COUNTYDIR",
                        help="样板村：连同它的县一起启动 · the sample village: its county beside it")  # fmt: skip
    parser.add_argument("--listen", type=_address, metavar="IP", help="代替 web.listen · instead of web.listen")
    parser.set_defaults(run=run)


def _address(text: str) -> str:
    return str(ipaddress.ip_address(text))


def run(args: argparse.Namespace) -> int:
    keep_one_arena()
    place = Place.open(args.folder)
    return asyncio.run(_serve(place, args))


async def _serve(place: Place, args: argparse.Namespace) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with contextlib.AsyncExitStack() as stack:
        village = await stack.enter_async_context(running(place, any_port=args.any_port, listen=args.listen))
        county = None
        if args.county is not None:
            county = await stack.enter_async_context(beside(village, args.county, any_port=args.any_port))
        if args.json:
            print(json.dumps(_addresses(village, county)), flush=True)
        else:
            said = [*greeting(village), *([] if county is None else county.greeting()), say("按 Ctrl+C 停下。")]
            print("\n".join(words.text(args.translate) for words in said), flush=True)
        stopping = asyncio.ensure_future(stop.wait())
        failing = asyncio.ensure_future(village.failed())
        await asyncio.wait({stopping, failing}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (stopping, failing):
            waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await failing
    return 0


def _addresses(village: Running, county: Beside | None) -> dict[str, object]:
    return {
        **({} if county is None else {"county": county.addresses}),
        "public": village.public_url,
        "loopback": village.loopback_url,
        "desk": village.desk_url,
        "first_code": village.first_code,
    }


def greeting(village: Running) -> list[Wording]:
    """What is printed at start: the addresses, the one-time code, and what to try first."""
    said = [
        say("{village} 开始服务。", village=village.place.config.village.name),
        say("  村民的页面   {url}", url=village.public_url),
        say("  村务台本机   {url}", url=village.loopback_url),
        say("  村务台加密   {url}", url=village.desk_url),
    ]
    said.append(say("  证书指纹     {fingerprint}", fingerprint=village.fingerprint))
    if village.carrier is not None:
        said.append(say("  村里的手机   {url}phones", url=village.public_url))
    if village.first_code is not None:
        said.append(say("  第一次进村务台要用的一次性密码：{code}", code=village.first_code))
    if village.carrier is not None:
        said.append(
            say("先试这个：打开“村里的手机”，在王德福的手机上按9发出去，再到村务台“送达”里看通知17多了一户收到。")
        )
    return said
