from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from village.config import Config, ConfigError, parse_config

GOOD = """
[village]
name = "青山村"
signature = "青山村"
groups = 8
duty_phone = "88001234"
"""


def test_what_is_left_out_has_a_default() -> None:
    config = parse_config(GOOD)
    assert config.village.groups == 8
    assert config.sms.transports == ()
    assert config.open_hours == ((420, 750), (840, 1260))


def test_the_directory_keeps_the_order_of_the_file() -> None:
    config = parse_config(GOOD + '[directory]\n"卫生室" = "88001111"\n"农资" = "88002222"\n')
    assert config.directory == (("卫生室", "88001111"), ("农资", "88002222"))
    with pytest.raises(ConfigError, match="卫生室"):
        parse_config(GOOD + '[directory]\n"卫生室" = "eight"\n')


def test_all_mistakes_are_named_at_once_with_the_key_and_what_would_be_right() -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config(
            """
[village]
signature = "这个签名实在是太长了"
groups = "八"
duty_phone = 88001234
coat = "red"
[web]
public_port = 70000
desk_port = 8081
listen = "everywhere"
[sms]
transport = "simulator"
[quiet]
open = ["14:00-21:00", "07:00-12:30"]
"""
        )
    said = [str(reason) for reason in refused.value.reasons]
    for key in ("village.name", "village.signature", "village.groups", "village.duty_phone", "village.coat",
                "web.public_port", "web.listen", "sms.transport", "quiet.open"):  # fmt: skip
        assert any(key in reason for reason in said), key
    assert any("三个端口" in reason for reason in said)
    assert any("1到99的整数" in reason for reason in said)


def test_the_sample_village_refuses_every_real_transport() -> None:
    with pytest.raises(ConfigError, match="样板村的号码是编的"):
        parse_config(GOOD + "sample = true\n")


def test_a_real_village_refuses_the_simulated_carrier() -> None:
    with pytest.raises(ConfigError, match="模拟线路只给样板村用"):
        parse_config(GOOD + '[calls]\ntransport = "simulator"\n')


@pytest.mark.parametrize("broken", ["", "[village", "village = 3", "[village]\nname = 1", "[[village]]\nname='x'"])
def test_a_broken_file_is_refused_in_words(broken: str) -> None:
    with pytest.raises(ConfigError):
        parse_config(broken)


@given(st.text())
def test_no_text_crashes_the_reader(text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(parse_config(text), Config)


def test_several_lines_stand_in_their_order() -> None:
    config = parse_config(GOOD + '[sms]\ntransport = ["modem", "phone"]\n[phone]\nurl = "http://192.168.1.20:8080"\n')
    assert config.sms.transports == ("modem", "phone")
    assert parse_config(GOOD + '[sms]\ntransport = "none"\n').sms.transports == ()


TWILIO = '[sms]\ntransport = "twilio"\n[twilio]\n'


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        ('[sms]\ntransport = ["modem", "modem"]', "sms.transport"),
        ('[sms]\ntransport = ["none", "modem"]', "sms.transport"),
        ('[sms]\ntransport = "pigeon"', "sms.transport"),
        ('[sms]\ntransport = "phone"', "phone.url"),
        ('[sms]\ntransport = "phone"\n[phone]\nurl = "192.168.1.20"', "phone.url"),
        ('[sms]\ntransport = "twilio"', "twilio.sender"),
        (TWILIO + 'sender = "15005550006"', "twilio.sender"),
        (
            f'[sms]\ntransport = "twilio"\n[twilio]\nsender = "+15005550006"\nmessaging_service = "MG{"0" * 32}"',
            "twilio",
        ),
        ('[twilio]\npublic_url = "http://village.example"', "twilio.public_url"),
        ('[modem]\ndevices = ["1234"]', "modem.devices"),
        ('[modem]\nbalance_code = "ask"', "modem.balance_code"),
        ('[modem]\nbalance_text = "10086"', "modem.balance_text"),
    ],
)
def test_a_line_that_cannot_work_is_refused_with_its_key(lines: str, key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        parse_config(GOOD + lines + "\n")
