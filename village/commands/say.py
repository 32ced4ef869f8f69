"""`village say TEXT --out F.wav`: hear what a notice will sound like."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from audio.failures import ClipStorageError, NothingToSayError, SpeechError, TextTooLongError
from audio.say import say as speak
from village.ground.wording import RefusalError, Wording
from village.ground.wording import say as wording


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("say", help="把一句话念成声音文件 · speak a sentence into a file")
    parser.add_argument("text", metavar="TEXT")
    parser.add_argument("--out", type=Path, required=True, metavar="F.wav", help="声音文件 · the file to write")
    parser.add_argument("--no-cache", action="store_true", help="重新合成 · synthesise anew")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    clips = Path.home() / ".cache" / "village-say"  # the user's own: a notice is nobody else's to read
    try:
        clip = asyncio.run(speak(args.text, args.out, clips, fresh=args.no_cache))
    except SpeechError as failure:
        raise RefusalError(_in_words(failure, args.out)) from failure
    if args.json:
        shown = {"out": str(args.out), "words": clip.words, "duration_s": round(clip.duration_s, 3),
                 "level_dbfs": round(clip.level_dbfs, 1), "cached": clip.cached}  # fmt: skip
        print(json.dumps(shown, ensure_ascii=False))
    else:
        args.say(wording("念作：{words}", words=clip.words))
        args.say(wording("{seconds}秒，{level} dBFS，写到 {path}",
                         seconds=f"{clip.duration_s:.1f}", level=f"{clip.level_dbfs:.1f}", path=args.out))  # fmt: skip
    return 0


def _in_words(failure: SpeechError, out: Path) -> Wording:
    match failure:
        case NothingToSayError():
            return wording("这句话里没有念得出的字")
        case TextTooLongError():
            return wording("太长了，一个电话念不完，请写短些")
        case ClipStorageError():
            return wording("写不了 {path}：存储卡满了，或者不让写", path=out)
        case _:
            return wording("现在念不出来，请再试一次")
