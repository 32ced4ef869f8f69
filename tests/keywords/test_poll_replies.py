"""Every reply about a poll is one SMS in its worst case, and says what facts/sms.md says in the usual one."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from gateway.segments import count
from village.ground.clock import parse_iso
from village.keywords.poll_replies import PollReplies
from village.keywords.replies import Replies, fits
from village.polls.poll import YES_NO_ABSTAIN, Basis, Poll, PollId, PollKind, State, Voter, VoterId

UNTIL = parse_iso("2026-12-09T18:00:00")
SENT = parse_iso("2026-12-09T17:00:00")
POLL = Poll(
    id=PollId(1), number=23, kind=PollKind.OPINION, state=State.OPEN, question="东路口装不装减速带",
    options=YES_NO_ABSTAIN, groups=frozenset(), basis=Basis(1, "章程", "…"), pack="cn-2018", sms=True, call=True,
    roll_hash=bytes(32), eligible=210, author="王", opened_ms=0, closes_ms=UNTIL, closed_ms=None, counted_ms=None,
    withdrawn_ms=None, withdrawn_by=None, withdrawn_why=None,
)  # fmt: skip
LIGHTS = replace(POLL, id=PollId(2), number=24, question="路灯装哪", options=("东头", "西头", "学校"))
PLAIN = PollReplies(Replies("青山村", "88001234"))


def voters(*names: str) -> list[Voter]:
    return [Voter(VoterId(n), PollId(1), n, n, n, 1, name, n) for n, name in enumerate(names, 1)]


def test_the_words_of_the_law():
    """facts/sms.md, row for row; where a row names a topic of its own making, ours is the question's beginning."""
    said = {
        PLAIN.voted(POLL, 1, "73041"): "表决23收到,您选1同意。回执73041。想改再发数字,9日18点前都行。查票回03",
        PLAIN.same(POLL, 1, "73041"): "表决23您已选过1同意,只算一票,不用再发。回执73041",
        PLAIN.changed(POLL, 1, 2, "40915"): "表决23已改:1同意改为2不同意。新回执40915。以最后一次为准,9日18点止",
        PLAIN.two(POLL): "没记票:您写了两个选项。只能选一个,请只回1、2或3。要人帮忙打88001234",
        PLAIN.unclear(POLL): "没看懂,没记票。同意请只回1,不同意请只回2,弃权请只回3",
        PLAIN.no_option(POLL, 6): "没记票:表决23没有选项6。只能回1、2或3",
        PLAIN.closed(POLL): "表决23已在9日18点截止,这次不计。结果看公开栏或回01。有异议5日内打88001234",
        PLAIN.delayed(POLL, 1, "73041", SENT): "表决23:您9日17点发的票刚收到,按发出时间有效,选1同意。回执73041",
        PLAIN.share_ask(POLL, voters("王德福", "李桂英", "王小军")):
            "没记票:这部手机登记了3人。王德福投回2311到2313,李桂英2321到2323,王小军2331到2333",
        PLAIN.shared(POLL, "王德福", "73041"): "表决23:王德福的票收到,回执73041。要改或查,本人打88001234",
        PLAIN.check([PLAIN.check_line(POLL, "73041"), PLAIN.check_line(LIGHTS, None)]):
            "表决23:已投,回执73041。表决24:还没投,9日18点截止,投票回241、242或243",
        PLAIN.which([replace(POLL, question="减速带"), replace(LIGHTS, question="路灯")]):
            "没记票:现有2个表决。投23号减速带回231、232或233;投24号路灯回241、242或243",
        PLAIN.wrong_poll(25, [replace(POLL, question="减速带")]): "没有表决25。进行中:23号减速带,回231、232或233",
    }  # fmt: skip
    assert {reply.text for reply in said} == {f"【青山村】{text}" for text in said.values()}


LONG = "阿卜杜热西提江·阿卜杜克热木江买买提"
SIX = ("东头的老槐树下", "西头的打谷场上", "学校门口对面的", "村委会大院里头", "南山脚下的桥边", "都不装省点钱吧")
POLLS = [
    replace(
        POLL, number=99, question="长" * 60, options=options, basis=basis, closes_ms=parse_iso("2026-12-31T23:45:00"),
        withdrawn_why="三" * 30,
    )
    for options in (YES_NO_ABSTAIN, SIX, ("要", "不要"))
    for basis in (POLL.basis, None)
]  # fmt: skip
VILLAGES = [
    PollReplies(Replies(signature, phone))
    for signature, phone in itertools.product(
        ["青山村", "六个字的村名", "八个字的村委会名"], ["", "88001234", "13900000001"]
    )
]
SAID = {
    "voted": lambda r, p: r.voted(p, len(p.options), "99999"),
    "same": lambda r, p: r.same(p, len(p.options), "99999"),
    "changed": lambda r, p: r.changed(p, 1, len(p.options), "99999"),
    "delayed": lambda r, p: r.delayed(p, len(p.options), "99999", p.closes_ms - 60_000),
    "shared": lambda r, p: r.shared(p, LONG, "99999"),
    "earlier": lambda r, p: r.earlier(p, "99999"),
    "two": lambda r, p: r.two(p),
    "which": lambda r, p: r.which([p, p]),
    "which of three": lambda r, p: r.which([p, p, p]),
    "unclear": lambda r, p: r.unclear(p),
    "unclear words": lambda r, p: r.unclear(p, words=True),
    "no option": lambda r, p: r.no_option(p, 6),
    "closed": lambda r, p: r.closed(p),
    "closed, another open": lambda r, p: r.closed(p, [p]),
    "withdrawn": lambda r, p: r.withdrawn(p),
    "wrong poll": lambda r, p: r.wrong_poll(98, [p, p]),
    "wrong poll, none": lambda r, _: r.wrong_poll(98, []),
    "not eligible": lambda r, p: r.not_eligible(p),
    "represented": lambda r, _: r.represented(LONG),
    "share ask, two": lambda r, p: r.share_ask(p, voters(LONG, LONG)),
    "share ask, nine": lambda r, p: r.share_ask(p, voters(*[LONG] * 9)),
    "wrong slot": lambda r, p: r.wrong_slot(p, 9),
    "check": lambda r, p: r.check([r.check_line(p, None)] * 4),
    "check shared": lambda r, p: r.check([r.check_shared(p, 9, 9)] * 2),
    "how": lambda r, p: r.how([p, p]),
}


@pytest.mark.parametrize("how", list(SAID))
def test_every_reply_in_its_worst_case_is_one_sms(how):
    for village, poll in itertools.product(VILLAGES, POLLS):
        reply = SAID[how](village, poll)
        assert fits(reply.text), (count(reply.text).units, reply.text)
        assert reply.text.startswith(f"【{village.replies.signature}】")


def test_without_a_basis_no_reply_speaks_of_a_vote():
    plain = replace(POLL, basis=None)
    for how, say in SAID.items():
        if how != "wrong poll, none":
            assert "表决" not in say(PLAIN, plain).text, how


def test_a_shared_phone_never_hears_a_choice():
    for label in YES_NO_ABSTAIN:
        assert label not in PLAIN.shared(POLL, "王德福", "73041").text
