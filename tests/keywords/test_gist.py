"""A notice in two or three words."""

from datetime import date

import pytest

from village.keywords.gist import gist

TODAY = date(2026, 12, 5)


@pytest.mark.parametrize(
    ("text", "headline", "day"),
    [
        ("12月6日周日早8点到下午3点停水,请存水", "停水", "明天"),
        ("2027年的居民医保,12月25日截止,每人400元", "居民医保", "25日止"),
        ("医保12月25日前交,每人400元", "医保", "25日止"),
        ("各位村民:12月10日周三9点村委会开村民会议", "开村民会议", "10日"),
        ("2027年的居民医保现在可以缴了，每人400元，12月25日截止。", "居民医保", "25日止"),
        ("打疫苗,带身份证", "打疫苗", ""),
        ("1月5日发春耕补贴", "发春耕补贴", "1月5日"),
        ("11月1日已经过了", "已经过了", ""),
        ("2月30日不存在", "不存在", ""),
        ("12月5日晚7点放电影", "放电影", "今天"),
        ("12月6日", "12月6日", "明天"),
        ("明早7点停电", "停电", ""),
    ],
)
def test_the_gist_of_a_notice(text, headline, day):
    item = gist(17, text, TODAY)
    assert (item.headline, item.until) == (headline, day)
