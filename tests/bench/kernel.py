"""What the kernel counts of a process: bytes on their way to the disk, forced writes, memory of a whole tree."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

STRACE = shutil.which("strace")
NO_STRACE = "strace is not installed (`make system` installs it)"


def disk_bytes(pid: int | str = "self") -> int:
    """Bytes this process has caused to be written to a block device, less what was dropped before it got there."""
    counters = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text("ascii").splitlines())
    return int(counters["write_bytes"]) - int(counters["cancelled_write_bytes"])


@dataclass(frozen=True, slots=True)
class Memory:
    """In MB of a million: pages proportionally to who shares them, pages as if nobody did, pages that are its own."""

    pss_mb: float
    rss_mb: float
    private_mb: float
    processes: int


def tree_memory(pid: int) -> Memory:
    """The process and everything it has started."""
    pss = rss = private = 0
    tree = _tree(pid)
    for member in tree:
        rollup = Path(f"/proc/{member}/smaps_rollup").read_text("ascii")
        pss += _kilobytes(rollup, "Pss")
        rss += _kilobytes(rollup, "Rss")
        private += _kilobytes(rollup, "Private_Clean") + _kilobytes(rollup, "Private_Dirty")
    return Memory(pss * 1024 / 1e6, rss * 1024 / 1e6, private * 1024 / 1e6, len(tree))


def peak_mb(pid: int | str = "self") -> float:
    """The most memory the process ever held, in MB of a million."""
    return _kilobytes(Path(f"/proc/{pid}/status").read_text("utf-8"), "VmHWM") * 1024 / 1e6


def cpu_ticks(pid: int) -> int:
    """Processor time the process itself has used, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(") ")[2].split()
    return int(fields[11]) + int(fields[12])


def _tree(pid: int) -> list[int]:
    tree = [pid]
    for parent in tree:
        for task in Path(f"/proc/{parent}/task").iterdir():
            tree += [int(child) for child in (task / "children").read_text("ascii").split()]
    return tree


def _kilobytes(text: str, name: str) -> int:
    found = re.search(rf"^{name}:\s*(\d+) kB", text, re.MULTILINE)
    return int(found[1]) if found else 0


def counting_syncs(log: Path) -> list[str]:
    """The command in front of a child whose forced writes are to be counted; one line each, with its time."""
    return [STRACE or "strace", "-f", "--seccomp-bpf", "-ttt", "-e", "trace=fsync,fdatasync", "-o", str(log)]


def syncs_between(log: Path, begin_s: float, end_s: float) -> int:
    """How many forced writes began in that time; a call that strace shows in two halves counts once."""
    times = [
        float(match[1])
        for match in re.finditer(
            r"^\d+\s+(\d+\.\d+) (?:fsync|fdatasync)\(", log.read_text("utf-8", "replace"), re.MULTILINE
        )
    ]
    return sum(begin_s <= at <= end_s for at in times)


def delaying_syncs(delay_ms: int) -> list[str]:
    """The command in front of a child whose disk is to be slow."""
    return [
        *(STRACE or "strace", "-f", "--seccomp-bpf", "-qq", "-e", "signal=none", "-o", "/dev/null"),
        *("-e", "trace=fdatasync,fsync", "-e", f"inject=fdatasync,fsync:delay_exit={delay_ms * 1000}"),
    ]
