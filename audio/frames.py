"""Length-prefixed JSON over the worker's pipes, both ends. It never interprets what it carries."""

import json
import struct
from dataclasses import asdict, dataclass
from typing import BinaryIO

LENGTH = struct.Struct(">I")
LONGEST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Order:
    """One clip to make: pieces of text said in one voice at one rate, or a tone, into one file sealed with `name`."""

    pieces: tuple[str, ...]
    voice: str
    rate_wpm: int
    sound: str
    path: str
    name: str = ""
    tone: str = ""  # instead of pieces
    command: tuple[str, ...] = ()  # a program that speaks the pieces instead of the built-in voice
    command_timeout_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Made:
    """What the worker made: each piece's phonemes and length, and what it measured."""

    frames: int
    level_dbfs: float
    peak_dbfs: float
    phonemes: tuple[str, ...]
    engine: str
    piece_frames: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the worker made nothing: `voice`, `storage`, `outside`, `outside-late` or `speech`, and what it said."""

    kind: str
    reason: str


def packed(message: Order | Made | Refused) -> bytes:
    """The message as it travels."""
    body = json.dumps({"is": type(message).__name__, **asdict(message)}).encode()
    return LENGTH.pack(len(body)) + body


def order(body: bytes) -> Order:
    """The order in a frame."""
    fields = json.loads(body)
    fields.pop("is")
    return Order(**{**fields, "pieces": tuple(fields["pieces"]), "command": tuple(fields["command"])})


def answer(body: bytes) -> Made | Refused:
    """The worker's answer in a frame. Raises ValueError, KeyError or TypeError where it is none."""
    fields = json.loads(body)
    if fields.pop("is") == Refused.__name__:
        return Refused(**fields)
    return Made(**{**fields, "phonemes": tuple(fields["phonemes"]), "piece_frames": tuple(fields["piece_frames"])})


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame's body, or None at the end of the stream."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None
