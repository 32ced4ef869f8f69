"""Programs the bench starts: their lines of JSON, and their end. Ends only what it started, by its own handle."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
VILLAGE = str(Path(sys.executable).with_name("village"))
_END_S = 20

_NOT_IN_A_VILLAGE = frozenset({"PYTHONDONTWRITEBYTECODE"})
"""What the surroundings may set and no village does: a server that compiles itself at each start is another one."""


class ChildError(Exception):
    """A program of the bench did not say what it should have said."""


class Child:
    def __init__(self, command: Sequence[str]) -> None:
        # a file, not a pipe: nobody reads along, and a program that logs much would stop at a full one
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the program
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, text=True, cwd=ROOT,
            env={name: value for name, value in os.environ.items() if name not in _NOT_IN_A_VILLAGE},
        )  # fmt: skip

    def close(self) -> None:
        self._complaints.close()

    def tell(self, value: object) -> None:
        """A line of JSON on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def stop(self) -> None:
        """Ask it to end; what it still says can be read."""
        self.process.send_signal(signal.SIGTERM)

    def line(self) -> Any:
        """The next line, parsed. Raises ChildError where the program ended instead."""
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        if not said:
            self._complaints.seek(0)
            raise ChildError(f"{self.process.args!r} ended: {self._complaints.read()[-2000:]}")
        return json.loads(said)


@contextlib.contextmanager
def started(command: Sequence[str]) -> Iterator[Child]:
    """The program, told to stop when the block ends, and killed where it does not."""
    child = Child(command)
    try:
        yield child
    finally:
        if child.process.poll() is None:
            child.process.send_signal(signal.SIGTERM)
        try:
            child.process.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.communicate()
        child.close()


def module(name: str, *args: object, before: Sequence[str] = ()) -> list[str]:
    """The command that runs one of `tests/bench/children`; `before` is put in front of it (strace …)."""
    return [*before, sys.executable, "-m", f"tests.bench.children.{name}", *map(str, args)]


def answer(name: str, *args: object, before: Sequence[str] = ()) -> Any:
    """Run a child to its end; its only line."""
    with started(module(name, *args, before=before)) as child:
        said = child.line()
        child.process.wait(timeout=_END_S)
        return said
