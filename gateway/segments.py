"""What a text costs: GSM-7 or UCS-2, units, parts. Never counts bytes or characters.

Sources: 3GPP TS 23.038 §6.2.1 (alphabet and extension table), TS 23.040 §9.2.3.24.1 (concatenation header of six octets
leaves 153 septets or 67 UCS-2 units).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Encoding = Literal["gsm7", "ucs2"]

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")
"""Each takes an escape first: two septets, never torn apart."""

_SINGLE: dict[Encoding, int] = {"gsm7": 160, "ucs2": 70}
_CONCATENATED: dict[Encoding, int] = {"gsm7": 153, "ucs2": 67}

MAX_PARTS = 8
"""Longer ones are refused: carriers drop them (Twilio's China page: about 8 UCS-2 parts) and daemons died of 54."""


@dataclass(frozen=True, slots=True)
class Segments:
    """`left`: units still free in the last part; `saves`: parts saved by one character less (0 or 1)."""

    encoding: Encoding
    units: int
    parts: int
    left: int
    saves: int


def encoding_of(text: str) -> Encoding:
    return "gsm7" if all(c in _GSM7 or c in _GSM7_EXTENSION for c in text) else "ucs2"


def count(text: str) -> Segments:
    """How the carrier will count `text`. An empty text is one empty part."""
    encoding = encoding_of(text)
    widths = [_width(c, encoding) for c in text]
    parts, left = _fill(widths, encoding)
    shorter, _ = _fill(widths[:-1], encoding)
    return Segments(encoding, sum(widths), parts, left, parts - shorter)


def split(text: str) -> list[str]:
    """The parts as they would be sent; no surrogate pair and no escape sequence is torn apart."""
    encoding = encoding_of(text)
    if sum(_width(c, encoding) for c in text) <= _SINGLE[encoding]:
        return [text]
    parts, used = [""], 0
    for c in text:
        width = _width(c, encoding)
        if used + width > _CONCATENATED[encoding]:
            parts.append("")
            used = 0
        parts[-1] += c
        used += width
    return parts


def _width(c: str, encoding: Encoding) -> int:
    if encoding == "gsm7":
        return 2 if c in _GSM7_EXTENSION else 1
    return 2 if ord(c) > 0xFFFF else 1


def _fill(widths: list[int], encoding: Encoding) -> tuple[int, int]:
    """Parts needed and units left in the last."""
    total = sum(widths)
    if total <= _SINGLE[encoding]:
        return 1, _SINGLE[encoding] - total
    limit = _CONCATENATED[encoding]
    parts, used = 1, 0
    for width in widths:
        if used + width > limit:
            parts, used = parts + 1, 0
        used += width
    return parts, limit - used
