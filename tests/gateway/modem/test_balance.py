"""What carriers write when they are asked for the balance, and what is read out of it."""

from __future__ import annotations

import pytest

from gateway.transports.modem_balance import read_balance


@pytest.mark.parametrize(
    ("said", "fen"),
    [
        ("余额12.30元", 1230),
        ("当前可用余额为-3.50元", -350),
        ("您的账户当前余额为负3.50元", -350),
        ("可用余额为：-¥3.50", -350),
        ("您已欠费5.20元", -520),
        ("余额：欠费5.20元，请及时充值", -520),
        ("Balance: 12.30 CNY", 1230),
        ("Balance -3.50 CNY", -350),
        ("Your balance is RMB 12.30. Data left 500MB", 1230),
        ("您的账户余额：１２．３０元", 1230),
        ("您的话费余额￥1,234.50", 123450),
        ("余额为0元", 0),
        ("余额12.5", 1250),
        ("余额 - 12.30元", 1230),  # a dash between words is no minus
        ("话费12.30元", 1230),  # the only amount there is
        ("本月消费25.00元，余额12.30元。", 1230),
        ("账户余额20元，可用余额12.5元", 1250),
        ("基本账户余额10.00元；赠送余额5.00元", 1000),
        ("余额有效期至2027年1月1日，余额12.30元", 1230),
        ("截至11月27日10时30分余额为12.30元", 1230),
        ("余额(截至11月27日)为12.30元，有效期至2027年1月1日", 1230),
    ],
)
def test_the_amount_that_is_named_a_balance_is_the_balance(said: str, fen: int) -> None:
    assert read_balance(said) == fen


@pytest.mark.parametrize(
    "said",
    [
        "",
        "余额不足",
        "余额500MB",
        "您的余额还剩10条短信",
        "1.查询余额 2.查询流量",
        "消费1元，充值2元",
        "系统忙，请稍后再试",
        "余额有效期至2027年1月1日",
    ],
)
def test_what_does_not_say_it_clearly_is_unreadable(said: str) -> None:
    assert read_balance(said) is None
