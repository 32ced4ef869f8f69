"""The English pages are whole: every sentence has its translation, and the compiled file is the current one."""

from __future__ import annotations

import pytest

from tests.web.kit.browser import Browser
from village.ground.wording import say
from village.web.kit import catalogs
from village.web.kit.language import translator


def test_every_sentence_has_english_and_the_mo_is_the_po() -> None:
    assert catalogs.troubles() == []


def test_a_missing_slot_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = next(s for s in catalogs.known() if "{" in s)
    broken = catalogs.known() | {sentence: "no slots here"}
    monkeypatch.setattr(catalogs, "known", lambda: broken)
    assert any("slots" in trouble and sentence in trouble for trouble in catalogs.troubles())


def test_words_are_translated_where_they_are_shown() -> None:
    inner = say("村委会")
    assert say("{what}还没有填", what=inner).text(translator("en")) == "Village committee is still empty"
    assert say("{what}还没有填", what=inner).text(translator("zh")) == "村委会还没有填"
    assert translator("en")("没有翻译过的话") == "没有翻译过的话"
    assert translator("en")("") == ""


async def test_the_public_page_speaks_english(public: Browser) -> None:
    page = await public.get("/language/en?back=/")
    assert "Notices" in page.text
    assert "Sat 5 Dec" in page.text
    missing = await public.get("/nix")
    assert "No such page" in missing.text
