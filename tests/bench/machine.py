"""Names the machine the figures belong to. Reads, never sets anything."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

NOBODY_KNOWS = "unknown"


def described(folder: Path) -> dict[str, str]:
    """Whatever bears on a figure; `folder` is where the bench writes."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cpu": _cpu(),
        "cores": str(os.cpu_count()),
        "memory": _memory(),
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", NOBODY_KNOWS),
        "filesystem": filesystem(folder),
        "load": f"{os.getloadavg()[0]:.2f} in the minute before",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def _cpu() -> str:
    named = re.search(r"^(?:model name|Model)\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return named[1] if named else platform.processor() or NOBODY_KNOWS


def _memory() -> str:
    total = re.search(r"^MemTotal:\s*(\d+) kB", Path("/proc/meminfo").read_text("ascii"), re.MULTILINE)
    return f"{int(total[1]) / 1024 / 1024:.1f} GB" if total else NOBODY_KNOWS


def filesystem(folder: Path) -> str:
    """Type and device of the file system `folder` lies on: the longest mount point above it."""
    folder = folder.resolve()
    mounts = [line.split()[:3] for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    above = [(len(point), f"{kind} on {device}") for device, point, kind in mounts if folder.is_relative_to(point)]
    return max(above)[1] if above else NOBODY_KNOWS
