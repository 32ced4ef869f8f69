"""From settings to lines: their order, their papers, what they may carry."""

from __future__ import annotations

import asyncio

import pytest

from gateway.gateway import Gateway
from tests.gateway.conftest import Recorder
from tests.gateway.test_lanes import HandCarrier
from village.config import ConfigError, parse_config
from village.ground.clock import MovableClock
from village.ground.database import Database
from village.ground.privacy import Vault
from village.lines import NamedLine, named_lines
from village.permits.permits import Need, grant
from village.switchboard import Switchboard

VILLAGE = '[village]\nname = "青山村"\nsignature = "青山村"\nsms_number = "88001234"\n'
TWILIO = '[twilio]\nsender = "+15005550006"\n'
STICKS = '[modem]\ndevices = ["490154203237518", "356938035643809"]\n'
PHONE = '[phone]\nurl = "http://192.168.1.20:8080"\n'


def lines(transports: str, more: str = "") -> list[tuple[str, int, Need | None]]:
    config = parse_config(f"{VILLAGE}{more}[sms]\ntransport = {transports}\n")
    return [(line.name, line.line.rank, line.need) for line in named_lines(config)]


@pytest.mark.parametrize(
    ("transports", "more", "expected"),
    [
        ('"none"', "", []),
        ('"modem"', "", [("modem", 0, None)]),
        ('["modem", "phone"]', PHONE, [("modem", 0, None), ("phone", 1, Need.SECOND_SIM)]),
        ('["twilio", "modem"]', TWILIO, [("twilio", 0, Need.ABROAD), ("modem", 1, None)]),  # its only SIM
        ('"modem"', STICKS, [("modem-237518", 0, None), ("modem-643809", 0, Need.SECOND_SIM)]),  # side by side
    ],
)
def test_one_sim_is_the_default_and_sticks_work_side_by_side(
    transports: str, more: str, expected: list[tuple[str, int, Need | None]]
) -> None:
    assert lines(transports, more) == expected


def test_abroad_goes_what_everybody_is_told_and_says_where_to_answer() -> None:
    (line,) = named_lines(parse_config(f'{VILLAGE}{TWILIO}[sms]\ntransport = "twilio"\n'))
    assert line.line.kinds == {"notice", "poll", "poll-result"}
    assert line.line.postscript == "(请回到88001234)"
    assert not line.hears
    assert line.line.abroad
    elsewhere = VILLAGE + "mainland = false\n"
    (line,) = named_lines(parse_config(f'{elsewhere}{TWILIO}[sms]\ntransport = "twilio"\n'))
    assert (line.line.kinds, line.line.postscript, line.need, line.hears) == (frozenset(), "", None, True)
    assert not line.line.abroad
    config = parse_config(f'{VILLAGE}{TWILIO}{PHONE}{STICKS}[sms]\ntransport = ["twilio", "modem", "phone"]\n')
    assert [line.kind for line in named_lines(config) if line.line.abroad] == ["twilio"]


def test_two_sticks_are_told_apart_by_their_last_digits() -> None:
    with pytest.raises(ConfigError, match="末6位不能相同"):
        parse_config(VILLAGE + '[modem]\ndevices = ["861234567890123", "869999999890123"]\n')


async def test_two_clerks_who_note_papers_at_once_open_a_line_once(
    db: Database, vault: Vault, clock: MovableClock
) -> None:
    settings = parse_config(f'{VILLAGE}{STICKS}[sms]\ntransport = "modem"\n')
    gateway = Gateway(db=db, clock=clock, vault=vault, events=Recorder(), sms=[])
    built: list[str] = []

    def build(line: NamedLine, first_ms: int) -> HandCarrier:
        built.append(line.name)
        return HandCarrier(name=line.name)

    board = Switchboard(gateway, named_lines(settings), build, db, clock)
    await board.settle()
    paper = {"notice": "", "paper": "入网协议", "by": "陈", "now_ms": 1}
    await db.write(lambda tx: grant(tx, "modem-643809", Need.SECOND_SIM, **paper))  # type: ignore[arg-type]
    await asyncio.gather(board.settle(), board.settle())
    assert built == ["modem-237518", "modem-643809"]
    assert [lane.name for lane in gateway.lanes()] == built
