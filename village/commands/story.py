"""`village story`: one day in a made-up village, played headless against the real server, every step checked."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from village.founding import found_sample
from village.ground.wording import RefusalError, Wording, say
from village.story.browser import LostError
from village.story.server import ServerLostError
from village.story.steps import STEPS, Step
from village.story.world import StoryError, World


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("story", help="演一天给你看，每一步都核对 · play one day and check every step")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="把这个村留在 DIR · leave the village in DIR")
    parser.add_argument("--cut", type=int, action="append", default=[], metavar="N",
                        help="演到第N步断电（kill -9），可以写几次 · cut the power in step N")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="断电的时刻 · where in the step the cut falls")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    strangers = [number for number in args.cut if not 1 <= number <= len(STEPS)]
    if strangers:
        raise RefusalError(say("没有第{number}步，一共{steps}步", number=strangers[0], steps=len(STEPS)))
    if args.keep is not None and args.keep.exists() and any(args.keep.iterdir()):
        raise RefusalError(say("{folder} 里已经有东西了", folder=args.keep))
    folder = args.keep or Path(tempfile.mkdtemp(prefix="village-story-"))
    try:
        return asyncio.run(_play(folder, args))
    finally:
        if args.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


async def _play(folder: Path, args: argparse.Namespace) -> int:
    await found_sample(folder)
    async with World.opened(folder, args.seed) as world:
        for number, step in enumerate(STEPS, 1):
            began = time.monotonic()
            if number in args.cut:
                world.threaten()
            try:
                seen = await step.play(world)
                await world.may_be_cut()  # a step that only looks is cut at its end
            except (StoryError, LostError, ServerLostError, TimeoutError, OSError) as failure:
                args.say(say("✗ {number} {title}：{failure}", number=number, title=step.title, failure=failure))
                print(world.server.last_words(), file=sys.stderr)
                return 1
            args.say(told(number, step, seen, cut=number in args.cut, seconds=time.monotonic() - began))
        code = await world.server.stop()
    if code != 0:
        args.say(say("✗ 服务没有好好停下：{code}", code=code))
        return 1
    return 0


def told(number: int, step: Step, seen: Wording, *, cut: bool, seconds: float) -> Wording:
    """The line that says what was observed."""
    values = {"number": number, "title": step.title, "seen": seen, "seconds": f"{seconds:.1f}"}
    if cut:
        return say("✓ {number} {title}（断过电）：{seen}（{seconds}秒）", **values)
    return say("✓ {number} {title}：{seen}（{seconds}秒）", **values)
