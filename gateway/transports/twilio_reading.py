"""What Twilio's records and words mean to the village: a status as a report or a fate, a balance in fen. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from gateway.condition import Condition
from gateway.message import State
from gateway.transport import Fate, Report
from gateway.transports.twilio_failures import STATES, report_trouble

if TYPE_CHECKING:
    from gateway.transports.twilio_client import Record


def report_of(sid: str, status: str, code: int | None, at_ms: int | None) -> Report:
    state = STATES[status]
    if state != State.FAILED:
        return Report(sid, state, at_ms)
    trouble, final = report_trouble(status, code)
    return Report(sid, state, at_ms, trouble, str(code or status), final)


def fate_of(record: Record) -> Fate:
    report = report_of(record.sid, record.status if record.status in STATES else "queued", record.error_code, None)
    return Fate(report.said, record.sid, record.updated_ms, report.trouble, report.code, report.final)


def with_balance(condition: Condition, amount: str, currency: str, now_ms: int) -> Condition:
    """In fen where the account is kept in yuan; whatever it is kept in, in words. Never more than there is."""
    try:
        known = Decimal(amount).quantize(Decimal("0.01"), ROUND_FLOOR)
        fen = int(known * 100)
    except (InvalidOperation, ValueError):
        return condition
    in_yuan = currency.upper() == "CNY"
    said = f"{known} {currency.upper()}"
    return replace(condition, balance_fen=fen if in_yuan else None, balance_ms=now_ms, balance_said=said)
