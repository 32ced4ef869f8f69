"""What would happen if this poll were opened: who may vote, by which rule, who is asked how, what it costs.

Writes nothing and never promises: the roster may change before it is opened.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from gateway.estimate import minutes_until_last
from gateway.message import Channel
from gateway.segments import Segments, count
from village.ground.clock import beijing
from village.ground.wording import Wording, say
from village.laws.pack import newest_pack
from village.laws.rules import in_words, judge
from village.notices.office import Means
from village.notices.plan import within_open_hours
from village.notices.spoken import greeting
from village.notices.ways import Unit
from village.polls import basis_store
from village.polls.dispatch import allotted
from village.polls.open_poll import channels_of, number_for, refuse_unlawful, refusing_nobody
from village.polls.poll import OPINION, VOTE, Basis, Order, Poll, PollId, State, checked
from village.polls.roll import Chosen
from village.polls.spoken import NOT_AN_ELECTION, call_seconds, spoken_question
from village.polls.words import FEW, announcement_of


@dataclass(frozen=True, slots=True)
class Plan:
    """`poll` is what it would be; it does not exist yet."""

    poll: Poll
    rule: Wording
    needs_attended: int | None
    text: str
    segments: Segments
    call_lines: tuple[str, ...]
    call_seconds: int
    phones: int
    sms: int
    calls: int
    no_way: tuple[Unit, ...]
    parts: int
    fen: int
    starts_ms: int
    done_ms: int
    minutes: int
    warnings: tuple[Wording, ...]

    @property
    def yuan(self) -> str:
        return f"{self.fen / 100:.2f}"


def plan(tx: sqlite3.Connection, means: Means, order: Order, now_ms: int, *, trusted: bool = True) -> Plan:
    """Raises RefusalError for whatever `open_poll` would refuse."""
    order = checked(order, now_ms, trusted=trusted)
    refuse_unlawful(order)
    number = number_for(tx, order, now_ms)
    chosen = refusing_nobody(tx, order, now_ms)
    basis_store.refuse_unless_in_force(tx, order.basis_id)
    basis = None if order.basis_id is None else basis_store.basis_of(tx, order.basis_id)
    eligible = len(chosen.people)
    poll = Poll(
        id=PollId(0), number=number, kind=order.kind, state=State.OPEN, question=order.question, options=order.options,
        groups=order.groups, basis=None if basis is None else Basis(basis.id, basis.title, basis.reference),
        pack=newest_pack().id, sms=order.sms, call=order.call, roll_hash=bytes(32), eligible=eligible,
        author=order.author, opened_ms=now_ms, closes_ms=order.closes_ms, closed_ms=None, counted_ms=None,
        withdrawn_ms=None, withdrawn_by=None, withdrawn_why=None,
    )  # fmt: skip
    channels = channels_of(order)
    office = means.office
    allotment = allotted(chosen.people, channels, office.open_of(channels))
    text = announcement_of(office, poll)
    segments = count(text)
    sms, calls = allotment.count(Channel.SMS), allotment.count(Channel.CALL)
    parts, each_call_s = sms * segments.parts, call_seconds(office, poll)
    minutes = minutes_until_last(
        sms_parts=parts, call_seconds=calls * each_call_s, calls=calls, sms_parts_per_minute=office.sms_per_minute,
        lines=office.call_lines,
    )  # fmt: skip
    starts_ms, done_ms = now_ms, now_ms + minutes * 60_000
    if sms or calls:
        starts_ms, done_ms = within_open_hours(now_ms, minutes, office.open_hours)
    return Plan(
        poll=poll,
        rule=in_words(newest_pack(), order.kind, eligible),
        needs_attended=judge(newest_pack(), order.kind, eligible=eligible, attended=0, yes=0).needs_attended,
        text=text,
        segments=segments,
        call_lines=(greeting(office), NOT_AN_ELECTION, spoken_question(poll)),
        call_seconds=each_call_s,
        phones=len(allotment.deliveries),
        sms=sms,
        calls=calls,
        no_way=tuple(unit for unit in allotment.units if unit.no_way is not None),
        parts=parts,
        fen=parts * office.sms_price_fen + calls * -(-each_call_s // 60) * office.call_price_fen,
        starts_ms=starts_ms,
        done_ms=done_ms,
        minutes=(done_ms - now_ms) // 60_000,
        warnings=tuple(_warnings(means, poll, chosen, segments, done_ms)),
    )


def _warnings(means: Means, poll: Poll, chosen: Chosen, segments: Segments, done_ms: int) -> list[Wording]:
    said: list[Wording] = []
    if poll.basis is None:
        said.append(
            say("没有依据在案：只能叫“{word}”，不作决议。要作决议，请先登记依据，并由监督委员会会签", word=OPINION)
        )
    else:
        said.append(
            say("叫“{word}”，依据是{title}。短信投票挡不住旁人看、旁人教，重大的事请开会定", word=VOTE,
                title=poll.basis.title)
        )  # fmt: skip
    pack = newest_pack()
    suspected = pack.suspects(poll.question)
    if suspected is not None:
        said.append(
            say("这个题目像是{name}。这里只能听听意见，定不了：{reason}（{articles}）", name=suspected.name,
                reason=suspected.reason, articles="、".join(suspected.articles))
        )  # fmt: skip
    if not pack.reviewed:
        said.append(say("规则按{title}算，{warning}", title=pack.title, warning=pack.warning))
    if chosen.unknown_age:
        said.append(say("有{n}人没有出生日期，按成年人算", n=chosen.unknown_age))
    if chosen.without_adult:
        said.append(
            say("有{n}户没有成年人，不在名单上：{who}", n=len(chosen.without_adult),
                who="、".join(chosen.without_adult[:8]))
        )  # fmt: skip
    if poll.sms and segments.parts > 1:
        said.append(say("短信要分{parts}条发，问短一点就只要1条", parts=segments.parts))
    if poll.sms and not means.office.texts:
        said.append(say("村里还没有接短信的线路，这条一条短信也不发"))
    if poll.call and not means.office.calls:
        said.append(say("村里还没有接打电话的线路，这条一个电话也不打"))
    if done_ms > poll.closes_ms:
        said.append(say("来不及：最后一个要到{when}才问到，晚于截止时间", when=_when(done_ms)))
    if poll.eligible < FEW:
        said.append(
            say("名单上只有{everybody}：不到{few}张票，各项的数就不公布，免得看出谁投了什么",
                everybody=poll.kind.by.counted(poll.eligible), few=FEW)
        )  # fmt: skip
    return said


def _when(instant_ms: int) -> str:
    moment = beijing(instant_ms)
    return f"{moment.month}月{moment.day}日{moment.hour}:{moment.minute:02d}"
