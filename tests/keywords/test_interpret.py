"""`village interpret` and `village segments`: what would be done, and nothing of it kept."""

import io
import json
import sys

import pytest

from tests.keywords.conftest import STRANGER, WANG
from village.commands.interpret import rehearsed
from village.keywords.decision import Intent

KEYS = ["intent", "poll", "choice", "voter", "reply", "why"]


@pytest.mark.parametrize(
    ("sender", "text", "intent", "start"),
    [
        (WANG, "9", "confirm", None),
        ("19900000001", "收到", "confirm", None),
        (WANG, "0", "menu", "9收到 01看通知"),
        (WANG, "01", "service", "1"),
        (WANG, "0101", "service", "通知1:12月6日"),
        (WANG, "02", "service", "好,马上"),
        (WANG, "1", "clarify", "现在没有进行中的表决"),
        (WANG, "1和2", "clarify", "没看懂"),
        (WANG, "8", "clarify", "没看懂"),
        (WANG, "路灯坏了", "suggestion", "建议1已收到"),
        (WANG, "监督 账不公开", "supervise", "收到,只转给"),
        (WANG, "求助 要车", "help", "求助记下了"),
        (WANG, "0533", "offer", "现在没有求助33"),
        (WANG, "04018", "second", "没有建议1"),
        (WANG, "T", "optout", "已退订"),
        (WANG, "别退订", "clarify", "没退订"),
        (WANG, "DY", "subscribe", "已恢复"),
        (WANG, "123456", "register", "登记码不对"),
        (WANG, "110", "emergency", "发到这里报不了警"),
        (WANG, "http://a.cn", "quarantine", None),
        (WANG, "谢谢", "ignore", None),
        (WANG, "", "clarify", "没看懂"),
        ("10086", "9", "ignore", None),
        (STRANGER, "1", "clarify", "这个号码没登记"),
    ],
)
async def test_it_says_what_would_be_done_and_keeps_nothing(street, sender, text, intent, start):
    await street.sends()
    await street.clock.advance(60_000)
    counted = "SELECT (SELECT count(*) FROM message) + (SELECT count(*) FROM interpretation) + (SELECT count(*) FROM"
    counted += " suggestion) + (SELECT count(*) FROM consent) + (SELECT count(*) FROM notice_confirmation) AS n"
    before = (await street.ask(counted))[0]["n"]
    for _ in range(2):
        decision = await rehearsed(street.db, street.answering, sender, text)
        shown = json.loads(decision.as_json())
        assert list(shown) == KEYS
        assert Intent(shown["intent"]) is decision.intent
        assert shown["intent"] == intent
        assert (shown["poll"], shown["choice"], shown["voter"]) == (None, None, None)
        assert shown["why"]
        if start is None:
            assert shown["reply"] is None
        else:
            assert shown["reply"].removeprefix("【青山村】").startswith(start)
    assert (await street.ask(counted))[0]["n"] == before


def run(capsys, *arguments):
    from village.cli import main

    code = main([str(argument) for argument in arguments])
    return code, capsys.readouterr().out.splitlines()


@pytest.fixture
def folder(tmp_path, capsys):
    from village.cli import main

    assert main(["sample", str(tmp_path / "qingshan")]) == 0
    capsys.readouterr()
    return tmp_path / "qingshan"


def test_the_commands(folder, capsys, monkeypatch):
    code, lines = run(capsys, "interpret", folder, "--from", "19900000009", "1", "--json")
    assert code == 0
    assert list(json.loads(lines[0])) == KEYS
    assert "没登记" in json.loads(lines[0])["reply"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("0\n\n路灯坏了\n".encode()), "utf-8"))
    code, lines = run(capsys, "interpret", folder, "--from", "19900000001", "-")
    assert [json.loads(line)["intent"] for line in lines] == ["menu", "clarify", "suggestion"]
    code, lines = run(capsys, "interpret", folder, "--from", "19900000001", "0")
    assert lines[0] == "menu：要菜单"
    assert lines[1].startswith("回：【青山村】9收到")
    assert run(capsys, "interpret", folder / "nowhere", "--from", "1", "0")[0] == 1
    code, lines = run(capsys, "segments", "停水" * 40, "--json")
    assert json.loads(lines[0])["parts"] == 2
    code, lines = run(capsys, "segments", "停水")
    assert lines == ["2个字（UCS-2），分1条，最后一条还剩68个字"]
