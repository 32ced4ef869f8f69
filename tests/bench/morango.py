"""Morango, the peer: two SQLite databases and Django's development server, in an environment of its own.

Found on this machine and never installed by the bench. Morango signs the session, not the records, and forces to the
disk what Django's SQLite does.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sync.kinds import encode_body
from tests.bench.child import ROOT, Child, ChildError, started
from tests.bench.kannel import free_ports, until_listening
from tests.bench.metered import Metered, metered
from tests.bench.village_days import bodies

PYTHON = Path(os.environ.get("MORANGO_PYTHON", ROOT / "build/peers/morango/bin/python"))
NO_MORANGO = (
    "morango is not installed (python3.11 -m venv build/peers/morango && build/peers/morango/bin/pip install"
    " morango==0.8.15)"
)


@dataclass(frozen=True, slots=True)
class Pushed:
    """What pushing COUNT records came to, and pushing nothing after that."""

    elapsed_s: float
    wire: Metered
    idle: Metered


def push(folder: Path, count: int) -> Pushed:
    """From fresh databases. Raises ChildError where not every record arrived."""
    folder.mkdir(parents=True)
    records = folder / "records.json"
    records.write_text(json.dumps(_records(count), ensure_ascii=False), "utf-8")
    client, server = folder / "client.db", folder / "server.db"
    os.environ["MORANGO_PARTITION"] = _said("make", client)["partition"]
    shutil.copy(client, server)
    _said("fill", client, records)
    (port,) = free_ports(1)
    with _end("serve", server, port):
        until_listening(port)
        with metered(port) as wire, _end("push", client, wire.port) as pusher:
            pusher.line()
            wire.read()
            pusher.tell("go")
            elapsed_s: float = pusher.line()["elapsed_s"]
            pushed = wire.read()
            pusher.tell("go")
            pusher.line()
            idle = wire.read()
    arrived = _said("count", server)["records"]
    if arrived != count:
        raise ChildError(f"{arrived} of {count} records are at morango's server")
    return Pushed(elapsed_s, pushed, idle)


def _records(count: int) -> list[object]:
    return [[body.CODE, wall_ms, True, _plain(encode_body(body))] for wall_ms, body in bodies(count)]


def _plain(value: object) -> object:
    """As JSON has it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _command(what: str, *args: object) -> list[str]:
    return [str(PYTHON), "-m", "tests.bench.peers.morango_end", what, *map(str, args)]


@contextlib.contextmanager
def _end(what: str, *args: object) -> Iterator[Child]:
    with started(_command(what, *args)) as child:
        yield child


def _said(what: str, *args: object) -> dict[str, str]:
    with started(_command(what, *args)) as child:
        said: dict[str, str] = child.line()
        return said
