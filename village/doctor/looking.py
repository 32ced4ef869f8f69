"""What the operating system tells: the card, heat and power of a Raspberry Pi, memory, who may read the key files.

Reads files of the kernel and blocks as long as the disk does: run it in a thread. What is not there is None; nothing
is ever written.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from village.doctor.keeping import KeyFile

KERNEL = Path("/")

_HEAT = "sys/class/thermal/thermal_zone0/temp"
_THROTTLED = "sys/devices/platform/soc/soc:firmware/get_throttled"
"""drivers/firmware/raspberrypi.c: hexadecimal, as `vcgencmd get_throttled` prints it."""
_LOW_VOLTAGE = "sys/class/hwmon/hwmon*/in0_lcrit_alarm"
"""drivers/hwmon/raspberrypi-hwmon.c: 1 where the voltage was too low since it was read last."""
_MEMORY = "proc/meminfo"


@dataclass(frozen=True, slots=True)
class Computer:
    """`throttled`: bits of the Pi's firmware; `read_only`: the file system of the village's folder is."""

    free_bytes: int
    read_only: bool
    used_bytes: int
    celsius: int | None
    throttled: int | None
    available_bytes: int | None


def look(folder: Path, kernel: Path = KERNEL) -> Computer:
    """Raises OSError where the folder itself cannot be looked at. `kernel`: where /proc and /sys are."""
    disk = os.statvfs(folder)
    return Computer(
        free_bytes=disk.f_bavail * disk.f_frsize,
        read_only=bool(disk.f_flag & os.ST_RDONLY),
        used_bytes=sum(size_of(folder / name) for name in ("village.db", "village.db-wal")),
        celsius=_celsius(kernel / _HEAT),
        throttled=_throttled(kernel),
        available_bytes=_available_bytes(kernel / _MEMORY),
    )


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _celsius(path: Path) -> int | None:
    text = _text(path)
    return round(int(text) / 1000) if text.lstrip("-").isdigit() else None


def _throttled(kernel: Path) -> int | None:
    text = _text(kernel / _THROTTLED)
    try:
        return int(text, 16)
    except ValueError:
        pass
    for path in sorted(kernel.glob(_LOW_VOLTAGE)):
        if _text(path.with_name("name")) == "rpi_volt":
            return 0x1_0000 if _text(path) == "1" else 0
    return None


def _available_bytes(path: Path) -> int | None:
    for line in _text(path).splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable" and (words := rest.split()) and words[0].isdigit():
            return int(words[0]) * 1024
    return None


def _text(path: Path) -> str:
    """Empty where the kernel has no such file, or will not tell."""
    try:
        return path.read_text("ascii", "replace").strip()
    except OSError:
        return ""


KEY_FILES = ("village.key", "sign.key", "tls/authority.key", "tls/desk.key")


def key_files(folder: Path) -> list[KeyFile]:
    found = []
    for name in KEY_FILES:
        path = folder / name
        try:
            mode = path.stat().st_mode
        except OSError:
            found.append(KeyFile(str(path), there=False))
        else:
            found.append(KeyFile(str(path), there=True, open_to_others=bool(mode & 0o077)))
    return found


def taken_ports(host: str, ports: Iterable[int]) -> list[int]:
    """Those on which somebody listens already; each is tried for a moment, and let go again."""
    taken = []
    for port in ports:
        kind = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(kind, socket.SOCK_STREAM) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind((host, port))
            except OSError as refused:
                if refused.errno == errno.EADDRINUSE:
                    taken.append(port)
    return taken
