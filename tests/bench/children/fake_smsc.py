"""The fake SMSC, the same for us and for Kannel: connects to the gateway at PORT and takes its lines.

Ends after MOST lines, or when the gateway hangs up. It says {"connected": true}, {"first": true} at the first line, and
at the end when the last line came and to whom they all went.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections import Counter

_PATIENCE_S = 10
_RECEIVE = 1 << 20


def main(port: int, most: int) -> None:
    with connected(port) as gateway:
        print(json.dumps({"connected": True}), flush=True)
        chunks: list[bytes] = []
        lines, last_s = 0, 0.0
        while lines < most:
            chunk = gateway.recv(_RECEIVE)
            if not chunk:
                break
            if not lines and b"\n" in chunk:
                print(json.dumps({"first": True}), flush=True)
            chunks.append(chunk)
            lines += chunk.count(b"\n")
            last_s = time.monotonic()
    receivers = Counter(line.split(b" ", 2)[1].decode("ascii") for line in b"".join(chunks).splitlines())
    print(json.dumps({"last_s": last_s, "lines": lines, "receivers": receivers}), flush=True)


def connected(port: int) -> socket.socket:
    """Raises ConnectionRefusedError where no gateway listens within the time one may take to start."""
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            if time.monotonic() > until_s:
                raise
            time.sleep(0.02)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
