"""What stands in bold, and what below."""

from __future__ import annotations

import pytest

from village.web.kit.headline import headline


@pytest.mark.parametrize(
    ("text", "first", "rest"),
    [
        ("12月6日早8点停水，请存水。", "12月6日早8点停水，请存水。", ""),
        (
            "每人400.5元，12月25日截止。不会用手机交的，来村委会。",
            "每人400.5元，12月25日截止。",
            "不会用手机交的，来村委会。",
        ),
        ("注意！明天停电。请关电闸。", "注意！明天停电。", "请关电闸。"),
        ("关于停水的通知\n明天早8点停水", "关于停水的通知", "明天早8点停水"),
        ("他说：“今天一定修好！”大家等等。", "他说：“今天一定修好！”", "大家等等。"),
        ("没有句号的一句话", "没有句号的一句话", ""),
        ("", "", ""),
    ],
)
def test_the_first_sentence_leads(text: str, first: str, rest: str) -> None:
    assert headline(text) == (first, rest)
