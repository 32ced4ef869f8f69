"""Clips on the disk, named by what they say and how. It never returns a file that is not exactly what was written."""

import logging
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from audio.failures import WavError
from audio.wav import Seal, Wav, verified

log = logging.getLogger(__name__)

_UNFINISHED = ".making-"


@dataclass(frozen=True, slots=True)
class ClipStore:
    """A directory of sealed WAV files; every method is plain file work for a thread."""

    directory: Path
    _mark: str = field(default_factory=lambda: secrets.token_hex(4), compare=False)

    def open(self) -> None:
        """Make the directory, and clear away what a power cut left unfinished."""
        self.directory.mkdir(parents=True, exist_ok=True)
        for unfinished in self.directory.glob(f"{_UNFINISHED}*"):
            unfinished.unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        return self.directory / f"{key}.wav"

    def unfinished(self, key: str) -> Path:
        """Where a clip is made before it is trusted; no other store of this directory makes it in the same place."""
        return self.directory / f"{_UNFINISHED}{self._mark}-{key}.wav"

    def find(self, key: str) -> tuple[Wav, Seal] | None:
        """The whole clip of this name, its use noted for `prune`; a damaged one is removed."""
        path = self.path(key)
        try:
            wav, seal = verified(path)
            if seal.name != key:
                raise WavError(f"{path.name} is another clip")
        except WavError as error:
            log.warning("clip_damaged key=%s why=%s", key, error)
            with suppress(OSError):
                path.unlink()
            return None
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                log.warning("clip_unreadable key=%s why=%s", key, error.strerror)
            return None
        with suppress(OSError):  # a read-only disk still has good clips
            os.utime(path)
        return wav, seal

    def keep(self, key: str) -> tuple[Wav, Seal]:
        """Give the finished file its name, for good: the worker has synced it, the directory is synced here."""
        path = self.path(key)
        self.unfinished(key).replace(path)
        sync_directory(self.directory)
        return verified(path)

    def drop_unfinished(self, key: str) -> None:
        with suppress(OSError):
            self.unfinished(key).unlink(missing_ok=True)

    def prune(self, max_bytes: int) -> int:
        """Remove clips, the longest unused first, until the rest fits; how many bytes that freed."""
        found = [(stat.st_mtime, stat.st_size, path) for path, stat in _sized(self.directory)]
        total_bytes, freed_bytes = sum(size for _, size, _ in found), 0
        for _, size, path in sorted(found, key=lambda clip: clip[0]):
            if total_bytes - freed_bytes <= max_bytes:
                break
            path.unlink(missing_ok=True)
            freed_bytes += size
        return freed_bytes


def sync_directory(directory: Path) -> None:
    """Make a rename in the directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sized(directory: Path) -> list[tuple[Path, os.stat_result]]:
    found = []
    for path in directory.glob("[!.]*.wav"):
        with suppress(FileNotFoundError):
            found.append((path, path.stat()))
    return found
