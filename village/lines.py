"""The village's SMS lines: from its settings to transports that are not yet open.

Never opens one. What a line's client needs is imported when it is built: a village without a modem does not carry D-Bus
in its memory, and one without papers for Twilio never loads its client.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.choosing import Line
from gateway.transport import SmsTransport
from village.config import MODEM, PHONE, TWILIO, Config
from village.ground.clock import Clock
from village.ground.wording import RefusalError, Wording, say
from village.permits.permits import Need
from village.secret_file import SECRETS_NAME, Secrets


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """One line of the settings. `need`: the paper without which it stays closed."""

    name: str
    title: Wording
    line: Line
    need: Need | None
    build: Callable[[], SmsTransport]


def planned_lines(config: Config, secrets: Secrets, clock: Clock) -> list[PlannedLine]:
    """In the order in which they are asked. Raises RefusalError where a password is missing."""
    planned: list[PlannedLine] = []
    for kind in config.sms.transports:
        match kind:
            case "modem":
                planned += _modems(config, secrets, clock, rank=len(planned))
            case "phone":
                planned.append(_phone(config, secrets, clock, rank=len(planned)))
            case "twilio":
                planned.append(_twilio(config, secrets, clock, rank=len(planned)))
    return planned


def simulated_lines(config: Config, sms: str, calls: str) -> dict[str, Line]:
    """The sample village pays its simulated carrier as a real one pays."""
    return {sms: _sim_line(config, 0)[0], calls: calls_line(config)}


def calls_line(config: Config) -> Line:
    return Line(price_fen=config.calls.price_fen_per_minute, month_fen=_fen(config.calls.month_yuan))


def _fen(yuan: int) -> int | None:
    return yuan * 100 if yuan else None


def _sim_line(config: Config, rank: int) -> tuple[Line, Need | None]:
    """One SIM is the default; what stands after it needs the carrier's paper."""
    line = Line(rank=rank, price_fen=config.sms.price_fen, month_fen=_fen(config.sms.month_yuan))
    return line, Need.SECOND_SIM if rank else None


def _modems(config: Config, secrets: Secrets, clock: Clock, *, rank: int) -> list[PlannedLine]:
    found = []
    for place, imei in enumerate(config.modem.devices or ("",)):
        name = f"{MODEM}-{imei[-6:]}" if imei else MODEM
        title = say("上网卡 {end}", end=imei[-6:]) if imei else say("上网卡")
        line, need = _sim_line(config, rank + place)

        def build(name: str = name, imei: str = imei) -> SmsTransport:
            from gateway.transports.modem import Modem, ModemSettings

            return Modem(ModemSettings(name, device=imei, per_minute=config.sms.per_minute), clock)

        found.append(PlannedLine(name, title, line, need, build))
    return found


def _phone(config: Config, secrets: Secrets, clock: Clock, *, rank: int) -> PlannedLine:
    _wanted(secrets.phone_password, PHONE, "password")
    line, need = _sim_line(config, rank)

    def build() -> SmsTransport:
        raise NotImplementedError

    return PlannedLine(PHONE, say("旧手机"), line, need, build)


def _twilio(config: Config, secrets: Secrets, clock: Clock, *, rank: int) -> PlannedLine:
    _wanted(secrets.twilio_account_sid, TWILIO, "account_sid")
    _wanted(secrets.twilio_auth_token, TWILIO, "auth_token")
    number = config.village.sms_number or config.village.duty_phone
    line = Line(
        rank=rank,
        price_fen=config.twilio.price_fen,
        month_fen=_fen(config.twilio.month_yuan),
        postscript=str(say("(请回到{number})", number=number)) if config.village.mainland and number else "",
    )

    def build() -> SmsTransport:
        raise NotImplementedError

    return PlannedLine(TWILIO, say("Twilio"), line, Need.ABROAD if config.village.mainland else None, build)


def _wanted(secret: str, table: str, key: str) -> None:
    if not secret:
        raise RefusalError(say("{file} 里缺 [{table}] 的 {key}", file=SECRETS_NAME, table=table, key=key))
