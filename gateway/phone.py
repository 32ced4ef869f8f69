"""Phone numbers: what a person wrote → E.164 and its kind; what may be shown; who must never be answered.

Never guesses: a number that lost digits (1.38E+10) is refused with its own reason, so that whoever asks can say it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from gateway.failures import GatewayError

_HOME = "CN"
_HOME_PREFIX = "+86"

_SPACES = dict.fromkeys(map(ord, " \t\r\n\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a\u202c\u202d"))
_DASHES = dict.fromkeys(map(ord, "-‐‑‒–—―−－_.·()（）[]"))

_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+\Z")
_EXTENSION = re.compile(r"(转|轉|ext\.?|#|\*|,|x)\s*\d{1,6}\Z", re.IGNORECASE)
_SEVERAL = re.compile(r"\d{7,}\s*[/、;；,，|]\s*\d{7,}|1[3-9]\d{9}\s+1[3-9]\d{9}")

_MOBILE = re.compile(r"1[3-9]\d{9}\Z")
"""The shape of a mainland mobile number (13 to 19). Any table of the ranges in use is older than the last new range."""

_LANDLINE = re.compile(r"(10|2\d|[3-9]\d{2})([2-8]\d{6,7})\Z")
"""Area code without its 0, then seven or eight digits that begin with 2 to 8."""

_LOCAL = re.compile(r"[2-8]\d{6,7}\Z")
_AREA_CODE = re.compile(r"0?(10|2\d|[3-9]\d{2})\Z")

_SHORT = re.compile(r"(1[12]\d|1[02]\d{3}|1[12]\d{3}|116\d{3}|118\d{2,3}|96\d{3,4}|12\d{3,4})\Z")
"""110 119 120 122, 10086 10010 10000 10099, 12110 12306 12345, 116114, 96xxx."""

_SERVICE = re.compile(r"([48]00\d{7}|95\d{3,7}|10[56]\d{2,17})\Z")
"""400/800 numbers, 95xxx service numbers, 105/106 SMS ports."""


class PhoneKind(StrEnum):
    MOBILE = "mobile"
    LANDLINE = "landline"
    SHORT = "short"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Phone:
    """`e164` of a short or service number is its digits: it exists inside the country only."""

    e164: str
    kind: PhoneKind


class NotAPhoneError(GatewayError):
    """`reason` is one of empty scientific letters too_short too_long no_area_code extension several shape."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(raw: object, *, area_code: str | None = None) -> Phone:
    """The number a person wrote, in any of the ways people write numbers.

    `area_code` is the village's own (0571), for landlines written without one. Raises NotAPhoneError.
    """
    return _read(_written(raw), area_code)


@lru_cache(maxsize=512)
def _read(text: str, area_code: str | None) -> Phone:
    """Remembered: one SMS asks for its sender's number half a dozen times."""
    if not text:
        raise NotAPhoneError("empty")
    if _SCIENTIFIC.match(text):
        raise NotAPhoneError("scientific")
    if _SEVERAL.search(text):
        raise NotAPhoneError("several")
    digits = text.translate(_SPACES).translate(_DASHES)
    if _EXTENSION.search(digits):
        raise NotAPhoneError("extension")
    if digits.startswith("0086"):
        digits = "+" + digits[2:]
    elif digits.startswith("86") and _MOBILE.match(digits[2:]):
        digits = "+" + digits
    if not re.fullmatch(r"\+?\d+", digits, re.ASCII):
        raise NotAPhoneError("letters" if re.search(r"\d", digits) else "shape")
    if digits.startswith("+") and not digits.startswith(_HOME_PREFIX):
        return _foreign(digits)
    return _at_home(digits.removeprefix(_HOME_PREFIX), area_code, dialled_whole=digits.startswith("+"))


def _written(raw: object) -> str:
    """What the cell or field says; a number that a spreadsheet kept as a float keeps its digits."""
    if isinstance(raw, bool) or raw is None:
        return ""
    if isinstance(raw, float):
        if not raw.is_integer():
            raise NotAPhoneError("shape")
        if raw >= 1e10 and raw % 1e6 == 0:  # 1.38E+10 saved and read again: the last digits are gone for good
            raise NotAPhoneError("scientific")
        return str(int(raw))
    return unicodedata.normalize("NFKC", str(raw)).translate({0xFEFF: None, 0x200B: None}).strip()


def _at_home(digits: str, area_code: str | None, *, dialled_whole: bool) -> Phone:
    if dialled_whole and len(digits) == 10 and _LANDLINE.match(digits):  # +86 10 6555 1234 is Beijing, not a 106 port
        return Phone(_HOME_PREFIX + digits, PhoneKind.LANDLINE)
    if _MOBILE.match(digits) or (digits.startswith("0") and _MOBILE.match(digits[1:])):
        return Phone(_HOME_PREFIX + digits.removeprefix("0"), PhoneKind.MOBILE)
    if _SHORT.match(digits):
        return Phone(digits, PhoneKind.SHORT)
    if _SERVICE.match(digits):
        return Phone(digits, PhoneKind.SERVICE)
    if digits.startswith("0") and _LANDLINE.match(digits[1:]):
        return Phone(_HOME_PREFIX + digits[1:], PhoneKind.LANDLINE)
    if _LOCAL.match(digits):
        area = _AREA_CODE.match(area_code or "")
        if area is None:
            raise NotAPhoneError("no_area_code")
        return Phone(_HOME_PREFIX + area[1] + digits, PhoneKind.LANDLINE)
    if _LANDLINE.match(digits) and len(digits) >= 10:
        return Phone(_HOME_PREFIX + digits, PhoneKind.LANDLINE)
    if len(digits) > 12:
        raise NotAPhoneError("too_long")
    if len(digits) < 11:
        raise NotAPhoneError("too_short")
    raise NotAPhoneError("too_long" if _MOBILE.match(digits[:11]) else "shape")


def _foreign(digits: str) -> Phone:
    try:
        number = phonenumbers.parse(digits, _HOME)
    except NumberParseException as wrong:
        raise NotAPhoneError("shape") from wrong
    if not phonenumbers.is_valid_number(number):
        raise NotAPhoneError("shape")
    fixed = phonenumbers.number_type(number) == PhoneNumberType.FIXED_LINE
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164, PhoneKind.LANDLINE if fixed else PhoneKind.MOBILE)


def is_e164(number: str) -> bool:
    """Whether it could be dialled from anywhere: what the outbox takes."""
    return re.fullmatch(r"\+[1-9]\d{6,14}", number, re.ASCII) is not None


def canonical_sender(raw: str) -> str:
    """The sender of an SMS: E.164 where it is a phone, short and service numbers as digits, else as it came."""
    try:
        return parse(raw).e164
    except NotAPhoneError:
        return raw.strip()


def display(e164: str) -> str:
    """As people in the country write and dial it: 19900000001, 0571-88001234."""
    if not e164.startswith(_HOME_PREFIX):
        return e164
    digits = e164.removeprefix(_HOME_PREFIX)
    if _MOBILE.match(digits):
        return digits
    landline = _LANDLINE.match(digits)
    return f"0{landline[1]}-{landline[2]}" if landline else digits


def mask(e164: str) -> str:
    """Enough to recognise one's own number, too little to call it: 199****0001, 0571****1234."""
    if not is_e164(e164):
        return e164 if len(e164) <= 6 else f"{e164[:4]}****"
    shown = display(e164)
    if "-" in shown:
        area, local = shown.split("-")
        return f"{area}****{local[-4:]}"
    return f"{shown[:3]}****{shown[-4:]}"


def never_answer(sender: str) -> bool:
    """Whether the sender is a machine by its number: alphanumeric, short code, 95xxx, 106 port, 12xxx.

    Only phones a person can hold are answered; auto-responders behind service numbers burn the SIM's credit.
    """
    try:
        phone = parse(sender)
    except NotAPhoneError:
        return True
    return phone.kind in (PhoneKind.SHORT, PhoneKind.SERVICE)
