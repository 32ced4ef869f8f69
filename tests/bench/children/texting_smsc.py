"""The fake SMSC with villagers behind it, the same for us and for Kannel: they text, and wait for the reply.

Connects to the gateway at PORT, says {"connected": true}, and reads a line of JSON on stdin: `skip`, how many lines
the gateway has to say by itself, and `texts`, (number, text) in order. It takes the former, then keeps WINDOW of the
latter under way, each number at most once, until every one is answered. At the end it says how many replies came, to
how many numbers, and how long that took.
"""

from __future__ import annotations

import json
import sys
import time

from tests.bench.children.fake_smsc import connected

_RECEIVE = 1 << 20


def main(port: int, window: int) -> None:
    with connected(port) as gateway:
        print(json.dumps({"connected": True}), flush=True)
        asked = json.loads(sys.stdin.readline())
        texts: list[tuple[str, str]] = [(number, text) for number, text in asked["texts"]]
        skipped = b""
        while skipped.count(b"\n") < asked["skip"]:
            skipped += gateway.recv(_RECEIVE)
        begin_s = time.monotonic()
        waiting: set[str] = set()
        sent, replies, rest = 0, 0, b""
        receivers = set()
        while replies < len(texts):
            lines = []
            while sent < len(texts) and len(waiting) < window and texts[sent][0] not in waiting:
                number, text = texts[sent]
                waiting.add(number)
                lines.append(f"{number} 10690000 text {text}\n")
                sent += 1
            gateway.sendall("".join(lines).encode("ascii"))
            chunk = gateway.recv(_RECEIVE)
            if not chunk:
                break
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                number = line.split(b" ", 2)[1].decode("ascii")
                if number in waiting:
                    waiting.remove(number)
                    replies += 1
                    receivers.add(number)
        elapsed_s = time.monotonic() - begin_s
    print(json.dumps({"replies": replies, "numbers": len(receivers), "elapsed_s": elapsed_s}), flush=True)


main(int(sys.argv[1]), int(sys.argv[2]))
