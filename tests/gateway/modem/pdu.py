"""The few PDUs a modem's emulator reads and writes (3GPP TS 23.040); nothing of the village's is used here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Submit:
    """One part as it left the modem; `part` is (reference, of how many, which), or None."""

    to: str
    text: str
    wants_report: bool
    part: tuple[int, int, int] | None


def read_submit(pdu: str) -> Submit:
    raw = bytes.fromhex(pdu)
    raw = raw[1 + raw[0] :]
    first, digits, kind = raw[0], raw[2], raw[3]
    end = 4 + (digits + 1) // 2
    number = _unswap(raw[4:end])[:digits]
    coding = raw[end + 1]
    at = end + 2 + {0: 0, 2: 1, 1: 7, 3: 7}[first >> 3 & 3]
    content = raw[at + 1 :]
    part = None
    skip = 0
    if first & 0x40:
        skip = content[0] + 1
        part = (content[3], content[4], content[5])
    if coding & 0x0C == 8:
        text = content[skip:].decode("utf-16-be")
    elif coding & 0x0C == 0 and not skip:
        text = _seven_bits(content, raw[at])
    else:
        raise AssertionError(f"this emulator reads no {coding:#x}")
    return Submit(("+" if kind == 0x91 else "") + number, text, bool(first & 0x20), part)


def _seven_bits(packed: bytes, count: int) -> str:
    """Letters and digits only: there the GSM alphabet is ASCII."""
    bits = int.from_bytes(packed, "little")
    return "".join(chr(bits >> 7 * n & 0x7F) for n in range(count))


def deliver(sender: str, text: str, at: datetime, part: tuple[int, int, int] | None = None) -> str:
    header = bytes([5, 0, 3, *part]) if part else b""
    body = header + text.encode("utf-16-be")
    first = 0x44 if part else 0x04
    return bytes([0, first, *_address(sender), 0, 8, *_stamp(at), len(body), *body]).hex().upper()


def report(reference: int, number: str, at: datetime, status: int) -> str:
    return bytes([0, 0x06, reference, *_address(number), *_stamp(at), *_stamp(at), status]).hex().upper()


def _address(number: str) -> bytes:
    digits = number.removeprefix("+")
    padded = digits + "F" * (len(digits) % 2)
    kind = 0x91 if number.startswith("+") else 0x81
    return bytes([len(digits), kind, *(int(b + a, 16) for a, b in zip(padded[::2], padded[1::2], strict=True))])


def _unswap(octets: bytes) -> str:
    return "".join(f"{o & 15:x}{o >> 4:x}" for o in octets)


def _stamp(at: datetime) -> bytes:
    local = at.astimezone(BEIJING)
    written = [local.year % 100, local.month, local.day, local.hour, local.minute, local.second, 32]  # 32 quarters: +08
    return bytes(int(f"{n:02d}"[::-1], 16) for n in written)
