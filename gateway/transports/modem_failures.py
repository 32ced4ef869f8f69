"""A carrier's or a modem's error number → what the outbox has to do about it. A table, and a function that reads it.

Sources: 3GPP TS 24.011 annex E-2 (RP causes, 1–127), TS 23.040 §9.2.3.22 (TP-FCS, 128–255), TS 27.005 §3.2.5
(CMS errors of the equipment, 300–500); the names are those of ModemManager 1.20.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from gateway.failures import (
    OutcomeUnknownError,
    RejectedError,
    RetryLaterError,
    TransportDownError,
    TransportFailure,
    Trouble,
)

Kind = type[RejectedError | RetryLaterError | TransportDownError | OutcomeUnknownError]

CMS: Mapping[int, tuple[Kind, Trouble]] = MappingProxyType(
    {
        1: (RejectedError, Trouble.DEAD_NUMBER),
        8: (TransportDownError, Trouble.NO_CREDIT),  # barred by the operator: nearly always a bill
        10: (TransportDownError, Trouble.NO_CREDIT),
        21: (RetryLaterError, Trouble.REFUSED),
        22: (RetryLaterError, Trouble.FULL_PHONE),
        27: (RetryLaterError, Trouble.NO_SIGNAL),  # the other phone is off
        28: (RejectedError, Trouble.DEAD_NUMBER),
        29: (RetryLaterError, Trouble.REFUSED),
        30: (RejectedError, Trouble.DEAD_NUMBER),
        38: (RetryLaterError, Trouble.CONGESTION),
        41: (RetryLaterError, Trouble.CONGESTION),
        42: (RetryLaterError, Trouble.CONGESTION),
        47: (RetryLaterError, Trouble.CONGESTION),
        50: (TransportDownError, Trouble.NO_CREDIT),  # this SIM's contract has no SMS
        69: (RejectedError, Trouble.REFUSED),
        95: (RejectedError, Trouble.CONTENT),
        96: (RejectedError, Trouble.CONTENT),
        192: (RetryLaterError, Trouble.CONGESTION),
        193: (TransportDownError, Trouble.NO_CREDIT),
        194: (RetryLaterError, Trouble.CONGESTION),
        195: (RejectedError, Trouble.DEAD_NUMBER),
        196: (RejectedError, Trouble.REFUSED),
        197: (OutcomeUnknownError, Trouble.OTHER),  # refused as a duplicate: then an earlier one may have gone
        208: (RetryLaterError, Trouble.FULL_PHONE),
        211: (RetryLaterError, Trouble.FULL_PHONE),
        310: (TransportDownError, Trouble.UNPLUGGED),
        311: (TransportDownError, Trouble.UNPLUGGED),
        313: (TransportDownError, Trouble.UNPLUGGED),
        314: (RetryLaterError, Trouble.CONGESTION),
        315: (TransportDownError, Trouble.UNPLUGGED),
        316: (TransportDownError, Trouble.UNPLUGGED),
        330: (TransportDownError, Trouble.REFUSED),
        331: (TransportDownError, Trouble.NO_SIGNAL),
        332: (OutcomeUnknownError, Trouble.TIMEOUT),  # the network took too long to say so: it may have it
    }
)
"""What is not in here is tried again as `other`."""

_NAMED: Mapping[str, int] = MappingProxyType(
    {
        "SimNotInserted": 310,
        "SimPin": 311,
        "SimFailure": 313,
        "SimBusy": 314,
        "SimWrong": 315,
        "SimPuk": 316,
        "SmscAddressUnknown": 330,
        "NoNetwork": 331,
        "NetworkTimeout": 332,
    }
)
"""ModemManager gives the equipment's errors names, and keeps the carrier's as a number in its sentence."""

_NUMBER = re.compile(r"(\d{1,3})\s*\Z")
_ERRORS = "org.freedesktop.ModemManager1.Error."
_UNSURE = frozenset({"Serial.ResponseTimeout", "Serial.SendFailed", "Core.Aborted", "Core.Cancelled", "Core.Timeout"})
"""The modem has fallen silent, or was taken away in the middle: it may have sent it."""
_BUSY = frozenset({"Core.InProgress", "Core.Retry", "Core.TooMany"})
_DOWN = frozenset({"Core.WrongState", "Core.NotFound", "Core.Unauthorized", "Serial.OpenFailed", "Serial.Unknown"})


def failure_of(name: str, said: str) -> TransportFailure:
    """The failure behind a D-Bus error that came of sending. `name`: its full name, `said`: its sentence."""
    short = name.removeprefix(_ERRORS)
    room, _, word = short.partition(".")
    if room == "Message":
        number = _NUMBER.search(said)
        code = _NAMED.get(word) if word != "Unknown" else int(number[1]) if number else None
        if code is None:
            return RetryLaterError(Trouble.OTHER, word)
        kind, trouble = CMS.get(code, (RetryLaterError, Trouble.OTHER))
        return kind(trouble, str(code))
    if _port_is_dead(said):
        return TransportDownError(Trouble.UNPLUGGED, word)
    if short in _UNSURE:
        return OutcomeUnknownError(Trouble.TIMEOUT, word)
    if short in _BUSY:
        return RetryLaterError(Trouble.CONGESTION, word)
    if short in _DOWN:
        return TransportDownError(Trouble.NO_SIGNAL, word)
    if room == "MobileEquipment":
        return TransportDownError(Trouble.UNPLUGGED if word.startswith("Sim") else Trouble.NO_SIGNAL, word)
    return RetryLaterError(Trouble.OTHER, word or name)


def is_silence(name: str, said: str) -> bool:
    """Whether a D-Bus error means that the modem answered nothing, or that its port is dead."""
    return name == f"{_ERRORS}Serial.ResponseTimeout" or _port_is_dead(said)


def is_blank(name: str) -> bool:
    """A bare ERROR with no number: what a confused modem says to everything, and a sane one to much."""
    return name == f"{_ERRORS}MobileEquipment.Unknown"


def is_unasked(name: str) -> bool:
    """ModemManager's own answer for a modem that is disabled: nobody has asked it anything."""
    return name == f"{_ERRORS}Core.WrongState"


def _port_is_dead(said: str) -> bool:
    """The port was taken away and ModemManager does not know yet; opening it is the first thing it does."""
    return "Could not open serial device" in said


def report_trouble(status: int) -> tuple[Trouble, bool]:
    """A delivery report's TP-Status that is no success: why, and whether for good. TS 23.040 §9.2.3.15."""
    if status in (0x41, 0x42, 0x43, 0x44, 0x49):  # incompatible, rejected, not obtainable, no interworking, no such SM
        return (Trouble.DEAD_NUMBER if status == 0x43 else Trouble.REFUSED), True
    if status in (0x46, 0x47, 0x48):  # ran out of its time, or was taken back
        return Trouble.NO_SIGNAL, False
    if status in (0x45, 0x60, 0x61, 0x62, 0x65):
        return Trouble.CONGESTION, False
    return Trouble.NO_SIGNAL, False
