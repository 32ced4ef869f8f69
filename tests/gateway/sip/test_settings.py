"""Facts about where numbers are dialled, what baresip is told, and what codes mean: all without baresip."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.backoff import STEPS_MS
from gateway.failures import RetryLaterError, Trouble
from gateway.transports.sip_failures import CODES, trouble_of
from gateway.transports.sip_settings import SipSettings
from gateway.transports.sip_sound import HZ, write_clip
from tests.gateway.sip.conftest import clip, noise, samples_of, write_wave


def settings(**more: Any) -> SipSettings:
    return SipSettings(**({"name": "sip", "folder": Path("run"), "account": "sip:village@pbx.example"} | more))


def test_a_number_is_written_as_the_trunk_wants_it() -> None:
    trunk = settings(to="sip:{number}@trunk.example", strip="+86", prefix="0")
    assert trunk.address_of("+8619900000001") == "sip:019900000001@trunk.example"
    assert settings(to="sip:{number}@trunk.example").address_of("+8619900000001") == "sip:+8619900000001@trunk.example"


def test_a_number_of_its_own_goes_straight_there_and_any_other_nowhere() -> None:
    alone = settings(peers={"+8619900000001": "sip:wang@192.0.2.7;transport=tcp"})
    assert alone.address_of("+8619900000001") == "sip:wang@192.0.2.7;transport=tcp"
    assert alone.address_of("+8619900000002") is None


@pytest.mark.parametrize("number", ["", "wang", "199@evil.example", "199;x=1", "+86 199", "199\n"])
def test_what_is_no_number_is_never_dialled(number: str) -> None:
    assert settings(to="sip:{number}@trunk.example").address_of(number) is None


@pytest.mark.parametrize(
    "more",
    [
        {"account": "village"},
        {"account": "sip:village@pbx.example;regint=9"},
        {"to": "sip:{number}@pbx.example>;x"},
        {"peers": {"+8619900000001": "tel:1"}},
        {"proxy": "sip:pbx example"},
        {"password": "a;b"},
        {"password": "a b"},
        {"user": 'a"b'},
        {"listen": "127.0.0.1\nmodule x.so"},
        {"folder": Path("run dir")},
        {"lines": 0},
        {"calls_per_minute": 0},
    ],
)
def test_what_baresip_would_read_as_something_else_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        settings(**more)


def test_only_the_first_line_signs_in_and_the_password_is_not_shown() -> None:
    account = settings(register=True, user="office", password="secret", proxy="sip:proxy.example")
    assert account.sign_in(0) == (
        '<sip:village@pbx.example>;regint=600;outbound="sip:proxy.example";auth_user=office;auth_pass=secret;'
        "answermode=manual"
    )
    assert "regint=0" in account.sign_in(1)
    assert "auth_pass=secret" in account.sign_in(1)
    assert "secret" not in repr(account)


def test_calls_per_minute_become_a_pace() -> None:
    assert settings(calls_per_minute=60).pace_ms == 1000
    assert settings(calls_per_minute=90).pace_ms == 666


def test_a_code_is_kept_and_what_is_none_is_out_of_reach() -> None:
    assert trouble_of("486 Busy Here", rang=False) == (Trouble.BUSY, "486")
    assert trouble_of("480 Gone", rang=False) == (Trouble.NO_SIGNAL, "480")
    assert trouble_of("480 Gone", rang=True) == (Trouble.NO_ANSWER, "480")
    assert trouble_of("599 New", rang=False) == (Trouble.OTHER, "599")
    assert trouble_of("Connection timed out", rang=False) == (Trouble.NO_SIGNAL, "unreachable")


def test_every_trouble_of_a_call_is_tried_again_or_known_to_be_for_good() -> None:
    assert {trouble for trouble in CODES.values() if trouble not in STEPS_MS} == {Trouble.DEAD_NUMBER}


def test_a_clip_gets_a_minute_of_silence(tmp_path: Path) -> None:
    one = clip(tmp_path / "clip.wav", 1)
    write_clip(one.path, tmp_path / "said.wav")
    said, before = samples_of(tmp_path / "said.wav"), samples_of(one.path)
    assert (said[: len(before)] == before).all()
    assert not said[len(before) :].any()
    assert len(said) - len(before) == 60 * HZ


def test_what_is_no_clip_for_a_phone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not a clip")
    wide, empty = (
        write_wave(tmp_path / "wide.wav", noise(1, 1.0), hz=22_050),
        write_wave(tmp_path / "e.wav", np.zeros(0)),
    )
    for path in (tmp_path / "missing.wav", tmp_path / "text.wav", wide.path, empty.path):
        with pytest.raises(RetryLaterError) as refused:
            write_clip(path, tmp_path / "said.wav")
        assert refused.value.trouble == Trouble.SPEECH
