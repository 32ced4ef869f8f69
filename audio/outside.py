"""A better voice as an outside program: text on its stdin, a WAV from its stdout. This says which; it runs nothing.

OutsideVoice(("piper", "--model", "/opt/voices/huayan.onnx", "--length_scale", "{stretch}", "--output_file", "-"))

`{wpm}` in an argument becomes the rate in words a minute, `{stretch}` how much longer than normal the words take
(1.00, 1.25, 1.38). A program without either cannot speak slowly: the built-in voice then speaks to those who want it.
A file named in the arguments is part of what the voice is: name its model there, never a log. The arguments are a list
and never pass through a shell; the text is on stdin alone, where nothing can take it for an option.
"""

import hashlib
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

LONGEST_TIMEOUT_S = 60.0
_WPM, _STRETCH = "{wpm}", "{stretch}"


@dataclass(frozen=True, slots=True)
class OutsideVoice:
    """Which program, and how many seconds it may take for one sentence. Raises ValueError where that cannot be."""

    argv: tuple[str, ...]
    timeout_s: float = 15.0

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0]:
            raise ValueError("the outside voice needs a program")
        if any("\0" in argument for argument in self.argv):
            raise ValueError("an argument of the outside voice holds a zero byte")
        if not 0 < self.timeout_s <= LONGEST_TIMEOUT_S:
            raise ValueError(f"the outside voice may take up to {LONGEST_TIMEOUT_S:.0f} s for a sentence")

    @property
    def keeps_pace(self) -> bool:
        """Whether the program can be told to speak slowly."""
        return any(_WPM in argument or _STRETCH in argument for argument in self.argv)

    def command(self, rate_wpm: int, normal_wpm: int) -> tuple[str, ...]:
        """The arguments for one rate."""
        stretch = f"{normal_wpm / rate_wpm:.2f}"
        return tuple(part.replace(_WPM, str(rate_wpm)).replace(_STRETCH, stretch) for part in self.argv)

    def identity(self) -> str:
        """Which voice this is, for the names of its clips: another when the program, an argument or a model changes."""
        told = [*self.argv, *(_stamp(path) for part in self.argv[1:] for path in _paths(part))]
        found = shutil.which(self.argv[0])
        told.append(_stamp(Path(found)) if found else "missing")
        return hashlib.sha256("\0".join(told).encode()).hexdigest()[:16]


def _paths(argument: str) -> tuple[Path, ...]:
    """What in an argument may be a file: /v.onnx and --model=/v.onnx."""
    named = argument.partition("=")[2]
    return (Path(argument), Path(named)) if named else (Path(argument),)


def _stamp(path: Path) -> str:
    try:
        state = path.stat()
    except (OSError, ValueError):
        return "no file"
    if not stat.S_ISREG(state.st_mode):
        return "no file"
    return f"{path.resolve()} {state.st_size} {state.st_mtime_ns}"
