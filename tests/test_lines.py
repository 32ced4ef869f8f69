"""From settings to lines: their order, their papers, what they may carry."""

from __future__ import annotations

import pytest

from village.config import ConfigError, parse_config
from village.lines import named_lines
from village.permits.permits import Need

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
    elsewhere = VILLAGE + "mainland = false\n"
    (line,) = named_lines(parse_config(f'{elsewhere}{TWILIO}[sms]\ntransport = "twilio"\n'))
    assert (line.line.kinds, line.line.postscript, line.need, line.hears) == (frozenset(), "", None, True)


def test_two_sticks_are_told_apart_by_their_last_digits() -> None:
    with pytest.raises(ConfigError, match="末6位不能相同"):
        parse_config(VILLAGE + '[modem]\ndevices = ["861234567890123", "869999999890123"]\n')
