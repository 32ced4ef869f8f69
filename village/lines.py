"""The village's SMS lines: from its settings to transports that are not yet open.

Never opens one. What a line's client needs is imported when it is built: a village without a modem does not carry D-Bus
in its memory, and one without papers for Twilio never loads its client.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from gateway.choosing import Line
from gateway.pins import PinMemory
from gateway.purse import Purse
from gateway.transport import SmsTransport
from village.config import MODEM, PHONE, SIMULATOR, TWILIO, Config
from village.ground.clock import Clock
from village.ground.wording import RefusalError, Wording, say
from village.notices import dispatch as notices
from village.permits.permits import Need
from village.permits.store import in_force
from village.polls import dispatch as polls
from village.secret_file import SECRETS_NAME, Secrets


@dataclass(frozen=True, slots=True)
class NamedLine:
    """One line of the settings. `need`: the paper without which it stays closed. `device`: a stick's IMEI."""

    name: str
    kind: str
    title: Wording
    line: Line
    need: Need | None
    device: str = ""
    hears: bool = True
    """Whether villagers' texts can come in on it; a count does not wait for one that is deaf."""


def named_lines(config: Config) -> list[NamedLine]:
    """In the order in which they are asked; the sticks of one village work side by side."""
    found: list[NamedLine] = []
    for rank, kind in enumerate(config.sms.transports):
        if kind == TWILIO:
            found.append(_abroad(config, rank))
            continue
        for imei in (config.modem.devices or ("",)) if kind == MODEM else ("",):
            further = any(line.kind != TWILIO for line in found)
            found.append(_sim(config, kind, rank, imei, further=further))
    return found


_TITLES = {MODEM: say("上网卡"), PHONE: say("旧手机"), SIMULATOR: say("短信（模拟）")}


def _sim(config: Config, kind: str, rank: int, imei: str, *, further: bool) -> NamedLine:
    """One SIM is the default; a further one needs the carrier's paper."""
    line = Line(rank=rank, price_fen=config.sms.price_fen, month_fen=_fen(config.sms.month_yuan))
    need = Need.SECOND_SIM if further else None
    if imei:
        return NamedLine(f"{kind}-{imei[-6:]}", kind, say("上网卡 {end}", end=imei[-6:]), line, need, imei)
    return NamedLine(kind, kind, _TITLES[kind], line, need)


_SAME_FOR_ALL = frozenset({notices.KIND, polls.KIND, polls.RESULT_KIND})
"""What is said to everybody in the same words. A reply, a receipt, a leader's list name a person or what he chose: they
never leave the country."""


def _abroad(config: Config, rank: int) -> NamedLine:
    """No answer comes back over it in mainland China, so every text says where to answer."""
    number = config.village.sms_number or config.village.duty_phone
    abroad = config.village.mainland
    line = Line(
        rank=rank,
        price_fen=config.twilio.price_fen,
        month_fen=_fen(config.twilio.month_yuan),
        postscript=f"(请回到{number})" if abroad and number else "",
        kinds=_SAME_FOR_ALL if abroad else frozenset(),
        abroad=abroad,
    )
    title, need = say("Twilio（外网）"), Need.ABROAD if abroad else None
    return NamedLine(TWILIO, TWILIO, title, line, need, hears=not abroad)


def calls_line(config: Config) -> Line:
    return Line(price_fen=config.calls.price_fen_per_minute, month_fen=_fen(config.calls.month_yuan))


def _fen(yuan: int) -> int | None:
    return yuan * 100 if yuan else None


def budget_left(config: Config, clock: Clock) -> Callable[[sqlite3.Connection], int | None]:
    """What the budgets of the lines that are open still cover, together; None where one of them has no limit."""
    lines = named_lines(config)
    purse = Purse(clock, {line.name: line.line for line in lines})

    def left_fen(tx: sqlite3.Connection) -> int | None:
        lefts = [
            purse.spending(tx, line.name).left_fen
            for line in lines
            if line.need is None or in_force(tx, line.name) is not None
        ]
        known = [max(left, 0) for left in lefts if left is not None]
        return sum(known) if known and len(known) == len(lefts) else None

    return left_fen


# building


@dataclass(frozen=True, slots=True)
class Wiring:
    """What every line is built from."""

    config: Config
    secrets: Secrets
    clock: Clock
    pins: PinMemory


def build(line: NamedLine, wiring: Wiring, first_ms: int) -> SmsTransport:
    """The transport of one line of a real village, not yet running. `first_ms`: when it was first opened here."""
    return _BUILDERS[line.kind](line, wiring, first_ms)


def _modem(line: NamedLine, wiring: Wiring, first_ms: int) -> SmsTransport:  # noqa: ARG001 - a stick has no past
    from gateway.transports.modem import Modem, ModemSettings
    from gateway.transports.modem_credit import CreditSettings

    about = wiring.config.modem
    credit = CreditSettings(code=about.balance_code, text=about.balance_text, low_fen=about.low_balance_yuan * 100)
    settings = ModemSettings(
        line.name,
        device=line.device,
        per_minute=wiring.config.sms.per_minute,
        pin=wiring.secrets.modem_pin,
        credit=credit,
    )
    return Modem(settings, wiring.clock, wiring.pins)


def _phone(line: NamedLine, wiring: Wiring, first_ms: int) -> SmsTransport:
    from gateway.transports.smsgate import SmsGate, SmsGateSettings

    about, secrets = wiring.config.phone, wiring.secrets
    settings = SmsGateSettings(
        line.name,
        about.url,
        secrets.phone_user,
        secrets.phone_password,
        per_minute=wiring.config.sms.per_minute,
        sim=about.sim or None,
        callback_url=about.callback_url,
        signing_key=secrets.phone_signing_key,
        since_ms=first_ms,
    )
    return SmsGate(settings, wiring.clock)


def _twilio(line: NamedLine, wiring: Wiring, first_ms: int) -> SmsTransport:  # noqa: ARG001 - it says since when itself
    from gateway.transports.twilio_sms import TwilioSettings, TwilioSms

    about, secrets = wiring.config.twilio, wiring.secrets
    try:
        settings = TwilioSettings(
            name=line.name,
            account_sid=secrets.twilio_account_sid,
            auth_token=secrets.twilio_auth_token,
            sender=about.sender,
            messaging_service=about.messaging_service,
            public_url=about.public_url,
            per_minute=about.per_minute,
            hears=line.hears,
        )
    except ValueError as wrong:
        raise RefusalError(say("Twilio 的 {key} 写得不对", key=wrong)) from wrong
    return TwilioSms(settings, wiring.clock)


_BUILDERS: dict[str, Callable[[NamedLine, Wiring, int], SmsTransport]] = {
    MODEM: _modem,
    PHONE: _phone,
    TWILIO: _twilio,
}

_NEEDED = {
    PHONE: ("user", "password"),
    TWILIO: ("account_sid", "auth_token"),
}


def refuse_without_secrets(config: Config, secrets: Secrets) -> None:
    """Raises RefusalError, naming all that is missing."""
    missing = [
        say("{file} 里缺 [{table}] 的 {key}", file=SECRETS_NAME, table=kind, key=key)
        for kind in config.sms.transports
        for key in _NEEDED.get(kind, ())
        if not getattr(secrets, f"{kind}_{key}")
    ]
    if missing:
        raise RefusalError(*missing)
