"""Facts about phone numbers as people write them."""

import pytest

from gateway.phone import NotAPhoneError, PhoneKind, canonical_sender, display, is_e164, mask, never_answer, parse


@pytest.mark.parametrize(
    ("written", "e164", "kind"),
    [
        ("19900000001", "+8619900000001", PhoneKind.MOBILE),
        (19900000001, "+8619900000001", PhoneKind.MOBILE),
        (19900000001.0, "+8619900000001", PhoneKind.MOBILE),
        ("１９９", None, None),
        ("１９９００００００４０", "+8619900000040", PhoneKind.MOBILE),
        ("199 0000 0001", "+8619900000001", PhoneKind.MOBILE),
        ("199-0000-0001", "+8619900000001", PhoneKind.MOBILE),
        ("199—0000—0001", "+8619900000001", PhoneKind.MOBILE),
        ("\u3000199 0000\u00a00001\u200b", "+8619900000001", PhoneKind.MOBILE),
        ("\ufeff19900000001", "+8619900000001", PhoneKind.MOBILE),
        ("+86 19900000001", "+8619900000001", PhoneKind.MOBILE),
        ("+86-199-0000-0001", "+8619900000001", PhoneKind.MOBILE),
        ("008619900000001", "+8619900000001", PhoneKind.MOBILE),
        ("8619900000001", "+8619900000001", PhoneKind.MOBILE),
        ("(+86)19900000001", "+8619900000001", PhoneKind.MOBILE),
        ("019900000001", "+8619900000001", PhoneKind.MOBILE),
        ("14012345678", "+8614012345678", PhoneKind.MOBILE),
        ("16212345678", "+8616212345678", PhoneKind.MOBILE),
        ("0571-88001234", "+8657188001234", PhoneKind.LANDLINE),
        ("（0571）88001234", "+8657188001234", PhoneKind.LANDLINE),
        ("057188001234", "+8657188001234", PhoneKind.LANDLINE),
        ("+86 571 88001234", "+8657188001234", PhoneKind.LANDLINE),
        ("010-65551234", "+861065551234", PhoneKind.LANDLINE),
        ("+86 10 65551234", "+861065551234", PhoneKind.LANDLINE),
        ("0855-3221234", "+868553221234", PhoneKind.LANDLINE),
        ("88001234", "+8657188001234", PhoneKind.LANDLINE),
        ("8800 1234", "+8657188001234", PhoneKind.LANDLINE),
        ("10086", "10086", PhoneKind.SHORT),
        ("110", "110", PhoneKind.SHORT),
        ("12345", "12345", PhoneKind.SHORT),
        ("12110", "12110", PhoneKind.SHORT),
        ("95588", "95588", PhoneKind.SERVICE),
        ("1069012345678", "1069012345678", PhoneKind.SERVICE),
        ("400-800-1234", "4008001234", PhoneKind.SERVICE),
        ("+852 9123 4567", "+85291234567", PhoneKind.MOBILE),
    ],
)
def test_what_people_write(written: object, e164: str | None, kind: PhoneKind | None) -> None:
    if e164 is None:
        with pytest.raises(NotAPhoneError):
            parse(written, area_code="0571")
        return
    phone = parse(written, area_code="0571")
    assert (phone.e164, phone.kind) == (e164, kind)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "empty"),
        (None, "empty"),
        ("  ", "empty"),
        ("1.38E+10", "scientific"),
        ("1.99e10", "scientific"),
        (1.38e10, "scientific"),
        ("没有电话", "shape"),
        ("199a0000001", "letters"),
        ("1990000000", "too_short"),
        ("199000000011", "too_long"),
        ("19900000001/19900000002", "several"),
        ("19900000001、19900000002", "several"),
        ("19900000001 19900000002", "several"),
        ("0571-88001234转801", "extension"),
        ("12345678901", "shape"),
        (199.5, "shape"),
        (True, "empty"),
        ("+1 555", "shape"),
    ],
)
def test_why_it_is_no_phone(written: object, reason: str) -> None:
    with pytest.raises(NotAPhoneError) as refused:
        parse(written)
    assert refused.value.reason == reason


def test_a_local_number_needs_the_villages_area_code() -> None:
    with pytest.raises(NotAPhoneError) as refused:
        parse("88001234")
    assert refused.value.reason == "no_area_code"
    assert parse("88001234", area_code="571").e164 == "+8657188001234"


def test_every_sample_number_is_a_mobile() -> None:
    for last in range(1000):
        assert parse(f"19900000{last:03d}").kind == PhoneKind.MOBILE


@pytest.mark.parametrize(
    ("e164", "masked", "shown"),
    [
        ("+8619900000001", "199****0001", "19900000001"),
        ("+8657188001234", "0571****1234", "0571-88001234"),
        ("+861065551234", "010****1234", "010-65551234"),
        ("10086", "10086", "10086"),
        ("CHINABANK", "CHIN****", "CHINABANK"),
    ],
)
def test_masked_and_shown(e164: str, masked: str, shown: str) -> None:
    assert mask(e164) == masked
    assert display(e164) == shown


@pytest.mark.parametrize(
    "sender",
    ["10086", "10010", "95588", "1069012345678", "106550101888", "12345", "12110", "CHINABANK", "工商银行", "", "110"],
)
def test_machines_are_never_answered(sender: str) -> None:
    assert never_answer(sender)


@pytest.mark.parametrize("sender", ["+8619900000001", "19900000001", "+8657188001234", "+85291234567"])
def test_people_may_be_answered(sender: str) -> None:
    assert not never_answer(sender)


def test_a_sender_is_kept_as_it_came_where_it_is_no_phone() -> None:
    assert canonical_sender(" 8619900000001") == "+8619900000001"
    assert canonical_sender("ICBC ") == "ICBC"
    assert canonical_sender("10086") == "10086"


def test_e164() -> None:
    assert is_e164("+8619900000001")
    assert not is_e164("10086")
    assert not is_e164("19900000001")
