"""Facts about enrolment: the code never travels, both sides prove it, and a mistyped one is forgiven or named."""

from __future__ import annotations

import pytest

from sync.certificate import Certificate, issue
from sync.enrolment import (
    Code,
    CodeError,
    EnrolmentError,
    make_answer,
    make_request,
    read_answer,
    read_request,
)
from sync.record import Head
from tests.sync.samples import COUNTY, START_MS, STRANGER, VILLAGE

CODE = Code("7KQ2", "ABCD0123WXYZ")
KEY = CODE.key()
HEAD = Head(COUNTY.public.log, 1, 5, b"h" * 32)


def certificate(key=VILLAGE):  # type: ignore[no-untyped-def]
    return Certificate(
        COUNTY.public.log, 3, "青山村", key.public, key.sealing, key.public.log, 1, START_MS, START_MS + 1
    )


def answered(raw: bytes, code_key: bytes = KEY, county=COUNTY, key=VILLAGE) -> bytes:  # type: ignore[no-untyped-def]
    issued = issue(county, certificate(key))
    return make_answer(code_key, read_request(raw), county, name="某县", head=HEAD, issued=issued)


def test_both_sides_come_to_know_each_other():
    raw = make_request(VILLAGE, "青山村", CODE, KEY)
    request = read_request(raw)
    assert request.proves(KEY)
    assert (request.village, request.key, request.sealing) == ("青山村", VILLAGE.public, VILLAGE.sealing)
    enrolled = read_answer(answered(raw), KEY, raw, VILLAGE)
    assert (enrolled.county, enrolled.key, enrolled.sealing, enrolled.head) == (
        "某县", COUNTY.public, COUNTY.sealing, HEAD,
    )  # fmt: skip
    assert enrolled.certificate == certificate()


def test_the_code_is_in_nothing_that_travels():
    raw = make_request(VILLAGE, "青山村", CODE, KEY)
    for said in (raw, answered(raw)):
        assert CODE.secret.encode() not in said
        assert KEY not in said


@pytest.mark.parametrize(
    "typed",
    ["7KQ2-ABCD-0123-WXYZ", "7kq2 abcd o123 wxyz", "７ＫＱ２ＡＢＣＤ０１２３ＷＸＹＺ", " 7KQ2—ABCD—OI23—WXYZ "],
)
def test_a_code_may_be_typed_in_many_ways(typed):
    assert Code.read(typed) == CODE
    assert Code.read(CODE.shown) == CODE


@pytest.mark.parametrize("typed", ["", "7KQ2", "7KQ2-ABCD-0123-WXY", "7KQ2-ABCD-0123-WXYZ-9", "七KQ2-ABCD-0123-WXYZ"])
def test_what_is_no_code_is_said_at_once(typed):
    with pytest.raises(CodeError):
        Code.read(typed)


def test_two_new_codes_differ_and_a_code_hides_its_secret():
    one, other = Code.new(), Code.new()
    assert one != other
    assert one.secret not in repr(one)


def test_whoever_does_not_know_the_code_proves_nothing():
    wrong = Code(CODE.id, "ABCD0123WXY0")
    request = read_request(make_request(VILLAGE, "青山村", wrong, wrong.key()))
    assert not request.proves(KEY)


def test_keys_put_in_by_somebody_between_are_refused_on_both_sides():
    raw = make_request(VILLAGE, "青山村", CODE, KEY)
    in_between = Code(CODE.id, "AAAAAAAAAAAA").key()
    with pytest.raises(EnrolmentError, match="does not know"):  # a county of his own
        read_answer(answered(raw, in_between, STRANGER), KEY, raw, VILLAGE)
    with pytest.raises(EnrolmentError, match="somebody else"):  # a certificate for his own key
        read_answer(answered(raw, KEY, COUNTY, STRANGER), KEY, raw, VILLAGE)
    assert not read_request(make_request(STRANGER, "青山村", CODE, in_between)).proves(KEY)


def test_an_answer_belongs_to_its_request():
    first, second = (make_request(VILLAGE, "青山村", CODE, KEY) for _ in range(2))
    assert first != second
    with pytest.raises(EnrolmentError):
        read_answer(answered(first), KEY, second, VILLAGE)


def _proven(raw: bytes) -> None:
    if not read_request(raw).proves(KEY):
        raise EnrolmentError("proves nothing")


def test_every_changed_byte_is_refused():
    raw = make_request(VILLAGE, "青山村", CODE, KEY)
    good = answered(raw)
    for place in range(0, len(raw), 3):
        other = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        with pytest.raises(EnrolmentError):
            _proven(other)
    for place in range(0, len(good), 3):
        with pytest.raises(EnrolmentError):
            read_answer(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :], KEY, raw, VILLAGE)
    for noise in (b"", b"\x80", b"\xff" * 50, bytes(9000)):
        with pytest.raises(EnrolmentError):
            read_request(noise)
        with pytest.raises(EnrolmentError):
            read_answer(noise, KEY, raw, VILLAGE)
