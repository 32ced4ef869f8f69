"""An outside voice for the tests: the project's own espeak with text on stdin and WAV on stdout, and faults on order.

python speaking.py FAULT WPM FOLDER [ONLY_WHILE]: every run adds its process id and arguments to FOLDER/runs; with
ONLY_WHILE the fault happens only while FOLDER has a file of that name.
"""

import math
import os
import signal
import struct
import sys
import time
from pathlib import Path

from audio.espeak import RATE_HZ, Espeak


def wav(samples: bytes, promised: int | None = None) -> bytes:
    size = len(samples) if promised is None else promised
    shape = struct.pack("<HHIIHH", 1, 1, RATE_HZ, 2 * RATE_HZ, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt \x10\0\0\0"
        + shape
        + b"data"
        + struct.pack("<I", size)
        + samples
    )


def main() -> None:
    fault, wpm, folder, *only_while = sys.argv[1:]
    with (Path(folder) / "runs").open("a") as lines:
        lines.write(f"{os.getpid()} {sys.argv[1:]}\n")
    if only_while and not (Path(folder) / only_while[0]).exists():
        fault = "none"
    out = sys.stdout.buffer
    if fault == "hang":
        signal.pause()
    if fault == "deaf":
        os.close(0)
        signal.pause()
    if fault == "die":
        sys.exit(3)
    if fault == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "garbage":
        out.write(os.urandom(20_000))
        return
    if fault == "nothing":
        return
    if fault == "flood":
        while True:
            out.write(bytes(1 << 16))
    if fault == "trickle":
        while True:
            out.write(wav(b""))
            out.flush()
            time.sleep(0.02)
    if fault == "lingering" and os.fork() == 0:
        signal.pause()  # a child of the program that keeps its stdout open
    text = sys.stdin.buffer.read().decode()
    if fault == "cut":
        text = text[: len(text) // 3]
    said = Espeak().say(text, "cmn", 150 if fault == "rushed" else int(wpm))
    match fault:
        case "silent":
            out.write(wav(bytes(len(said))))
        case "empty":
            out.write(wav(b""))
        case "half":
            out.write(wav(said[: len(said) // 4 * 2], len(said)))
        case "beep":
            out.write(wav(b"".join(struct.pack("<h", round(9000 * math.sin(n / 8))) for n in range(RATE_HZ))))
        case _:
            out.write(wav(said))
    if fault == "late-death":
        out.flush()
        sys.exit(4)


main()
