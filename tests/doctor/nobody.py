"""A folder somebody may not write into, or not even open, whoever runs the tests: root may do anything, nobody not."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

_NOBODY = 65534


@contextlib.contextmanager
def folder_open_to_all() -> Iterator[Path]:
    """pytest's own folders are closed to everybody else already at the door."""
    folder = Path(tempfile.mkdtemp(prefix="village-nobody-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def without_rights(folder: Path, mode: int) -> Iterator[None]:
    """`folder` has `mode` for everybody, and nobody's own rights stand above that."""
    before = folder.stat().st_mode
    folder.chmod(mode)
    root = os.geteuid() == 0
    if root:
        os.seteuid(_NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        folder.chmod(before)
