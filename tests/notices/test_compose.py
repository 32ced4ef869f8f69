"""The exact words of a notice, fitted and checked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.segments import count
from village.notices.compose import correction_text, headline, lint, saving, shortest_text, sms_body, sms_text
from village.notices.notice import Channels, Order, tidy
from village.notices.office import Office
from village.people.audience import Audience

OFFICE = Office(village="青山村", signature="青山村", phone="88001234")
WATER = "12月6日周六早8点到下午3点停水,请存水"


def test_a_notice_reads_as_the_model_does() -> None:
    text = sms_text(OFFICE, 17, WATER)
    assert text == "【青山村】通知17:12月6日周六早8点到下午3点停水,请存水。收到请回9,想听电话念回0217"
    assert (count(text).units, count(text).parts) == (48, 1)


def test_a_correction_reads_as_the_model_does() -> None:
    text = correction_text(OFFICE, 17, "停水改到12月7日周日早8点到下午3点。", calls=False)
    assert text == "【青山村】更正通知17:停水改到12月7日周日早8点到下午3点,前一条作废。收到请回9"
    assert count(text).units == 43


def test_a_single_digit_number_is_fetched_with_two_digits() -> None:
    assert sms_text(OFFICE, 7, "开会").endswith("想听电话念回0207")


def test_a_village_that_cannot_call_offers_no_call() -> None:
    silent = Office(village="青山村", signature="青山村", calls=False)
    assert sms_text(silent, 17, WATER).endswith("请存水。收到请回9")
    assert sms_text(OFFICE, 17, WATER, calls=False).endswith("请存水。收到请回9")


def test_the_ending_gives_way_before_a_second_message_is_needed() -> None:
    office = Office(village="x", signature="阿依库勒镇三道沟村", phone="09971234567")
    for length in range(20, 60):
        text = sms_text(office, 99, "水" * length)
        shortest = f"【{office.signature}】通知99:{'水' * length}。收到回9"
        assert count(text).parts == count(shortest).parts
        assert text.startswith("【阿依库勒镇三道沟村】通知99:")
        assert "9" in text.rsplit("。", 1)[1]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=300))
def test_nothing_the_clerk_wrote_is_lost(written: str) -> None:
    text = tidy(written)
    if not text:
        return
    shown = sms_text(OFFICE, 17, text)
    assert shown.startswith("【青山村】通知17:")
    assert "收到" in shown[-20:]
    kept = [c for c in text if c.isalnum()]
    assert [c for c in sms_body(text) if c.isalnum()] == kept


def test_lines_become_one_sentence() -> None:
    assert sms_body("12月6日停水\n请存水。\n村委会") == "12月6日停水，请存水。村委会。"


def test_the_short_text_goes_to_phones() -> None:
    assert "详见公开栏" in sms_text(OFFICE, 17, "很长的通知" * 40, "详见公开栏")


@pytest.mark.parametrize(("extra", "expected"), [(0, None), (1, 1), (2, 2), (64, 64)])
def test_saving_says_how_many_characters_too_many(extra: int, expected: int | None) -> None:
    less = saving("水" * (70 + extra))
    assert (None if less is None else less.units) == expected


@given(st.integers(1, 400))
def test_what_saving_promises_is_true(length: int) -> None:
    less = saving("水" * length)
    if less is not None:
        assert count("水" * (length - less.units)).parts == less.parts
        assert count("水" * (length - less.units + 1)).parts == less.parts + 1


def _warned(text: str, *, audience: Audience | None = None, channels: Channels | None = None) -> str:
    order = Order(text, audience or Audience.everyone(), channels or Channels())
    return "\n".join(str(w) for w in lint(order, 17, 380, OFFICE))


def test_a_second_message_is_named_with_what_it_costs() -> None:
    longest = max(length for length in range(1, 70) if count(shortest_text(OFFICE, 17, "水" * length)).parts == 1)
    assert "短信要分" not in _warned("水" * longest)
    assert "短信要分2条发。少写1个字就只要1条，一共省38.00元" in _warned("水" * (longest + 1))


@pytest.mark.parametrize("text", ["明天停水", "周六停水", "今晚8点开会"])
def test_a_day_without_a_date_is_asked_for(text: str) -> None:
    assert "请写上日期" in _warned(text)


@pytest.mark.parametrize("text", [WATER, "明天12月6日停水", "十六日停水", "请大家关好门窗"])
def test_a_dated_notice_is_not_nagged(text: str) -> None:
    assert "日期" not in _warned(text)


def test_what_looks_like_fraud_or_a_link_is_named() -> None:
    assert "诈骗" in _warned("12月6日前请转账400元")
    assert "网址" in _warned("12月6日前看 www.example.com")


def test_the_page_is_for_everybody() -> None:
    assert "人人看得到" in _warned(WATER, audience=Audience.party())
    assert "人人看得到" not in _warned(WATER, audience=Audience.party(), channels=Channels(page=False))
    assert "也不上门" in _warned(WATER, channels=Channels(sms=False, call=False))


def test_headlines_end_with_a_phrase() -> None:
    assert headline("医保12月25日截止,每人400元。不会用手机的到村委会", 30) == "医保12月25日截止,每人400元"
    assert headline("医保12月25日截止,每人400元。", 12) == "医保12月25日截止"
    assert headline("停水", 8) == "停水"
    assert len(headline("一二三四五六七八九十一二三", 8)) == 8
