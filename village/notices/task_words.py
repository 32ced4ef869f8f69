"""What the reminder of something to be done says, as an SMS and as a call: 医保12月25日截止，您家还没办。

All whom it asks for are named, so that a child's 9 does not speak for the grandmother unread or unheard; of more than
it can name nobody is asked for a 9. Never asks for anything but whether it is done: 9 means nothing before that.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.script import Node, Script
from gateway.segments import count
from village.notices.compose import ONE_PART_UNITS
from village.notices.notice import Notice, UnitKind
from village.notices.office import Office
from village.notices.spoken import AGAIN_KEY, GOODBYE, greeting
from village.notices.tasks_store import Task

MOST_NAMES = 6
"""So many a reminder names: they fit into three parts of an SMS however long."""

DONE_KEY = "9"
ASKING = frozenset({"ask", "more", "last"})
"""The nodes of a call in which the key means that it is done."""

_BREATH_MS, _ANSWER_MS = 700, 6000
"""Silence left for the key (facts/voice.md)."""


def reminder_text(office: Office, notice: Notice, task: Task, names: Sequence[str]) -> str:
    """【青山村】提醒通知18:医保12月25日截止,您家还没办。办好了回9

    More than one on a phone take a second part if need be, more than six a third.
    """
    start = f"【{office.signature}】{_opening(notice, task)}"
    helped = f",不会办打{office.phone}" if office.phone else ",不会办到村委会"
    all_of_them = "、".join(_called(notice, names))
    if len(names) == 1:
        whose = f"{_whose(notice, names)}还没办。办好了回9"
        forms = [start + whose + helped, start + whose]
    elif len(names) <= MOST_NAMES:
        forms = [start + f"{all_of_them}还没办。都办好了回9" + end for end in (helped, "")]
    else:
        told = f"打{office.phone}说一声" if office.phone else "到村委会说一声"
        some, many = _called(notice, names)[0], f"等{len(names)}{_home(notice) or '人'}"
        forms = [start + f"{shown}还没办。谁办好了,{told}" for shown in (all_of_them, some + many)]
    return next((form for form in forms if count(form).units <= ONE_PART_UNITS), forms[-1])


def reminder_script(office: Office, notice: Notice, task: Task, names: Sequence[str], *, slow: bool = False) -> Script:
    """Greeting, the sentence twice, one question twice; silence is safe and says nothing.

    In a call about a notice 9 says that it was heard. So it counts here only once 办好了按9 was played whole, which
    says what it means. That comes first and alone: whoever presses then and hangs up at once has said it. What was
    taken down is said again with the names.
    """
    said = _opening(notice, task).replace(":", "：").replace(",", "，") + f"{_whose(notice, names)}还没办。"
    nodes = {
        "start": Node(says=(greeting(office),), wait_ms=0, silent="matter", slow=slow),
        "matter": Node(says=(said,), wait_ms=_BREATH_MS, silent="again", heard=True, slow=slow),
        "again": Node(says=(said,), wait_ms=_BREATH_MS, silent="ask", slow=slow),
        "end": Node(says=(GOODBYE,), slow=slow),
    }
    if len(names) > MOST_NAMES:
        return Script(nodes=nodes | _told_in_person(office, slow=slow))
    return Script(nodes=nodes | _asked(office, notice, task, names, slow=slow))


_AGAIN = "再听一遍按星号。"


def _asked(office: Office, notice: Notice, task: Task, names: Sequence[str], *, slow: bool) -> dict[str, Node]:
    ask = f"{'办好了' if len(names) == 1 else '都办好了'}按{DONE_KEY}。"
    more = f"{f'不会办打{office.phone}' if office.phone else '不会办到村委会'}，{_AGAIN}"
    who = "、".join(_called(notice, names))
    wrong = f"打{office.phone}" if office.phone else "到村委会说一声"
    keys = {DONE_KEY: "thanks", AGAIN_KEY: "again"}
    return {
        "ask": Node(says=(ask,), answers=keys, wait_ms=_BREATH_MS, silent="more", slow=slow, whole=True),
        "more": Node(says=(more,), answers=keys, wait_ms=_ANSWER_MS, silent="last", slow=slow),
        "last": Node(says=(ask, more), answers=keys, wait_ms=_ANSWER_MS, silent="end", slow=True),
        "thanks": Node(says=(f"记下了：{who}{task.what}办好了。弄错了{wrong}，再见。",), slow=slow),
    }


def _told_in_person(office: Office, *, slow: bool) -> dict[str, Node]:
    """More than it could name: no key speaks for them."""
    ask = f"谁办好了，{f'打{office.phone}说一声' if office.phone else '到村委会说一声'}，{_AGAIN}"
    keys = {AGAIN_KEY: "again"}
    return {
        "ask": Node(says=(ask,), answers=keys, wait_ms=_ANSWER_MS, silent="last", slow=slow),
        "last": Node(says=(ask,), answers=keys, wait_ms=_ANSWER_MS, silent="end", slow=True),
    }


def reminder_spoken(office: Office, notice: Notice, task: Task, names: Sequence[str]) -> str:
    """What the call says after its greeting, once, as the desk shows it."""
    nodes = reminder_script(office, notice, task, names).nodes
    return "".join(line for name in ("matter", "ask", "more") if name in nodes for line in nodes[name].says)


def _opening(notice: Notice, task: Task) -> str:
    return f"提醒通知{notice.number}:{task.what}{task.by_day.month}月{task.by_day.day}日截止,"


def _whose(notice: Notice, names: Sequence[str]) -> str:
    if len(names) == 1 and notice.unit is UnitKind.HOUSEHOLD:
        return "您家"
    return "、".join(_called(notice, names))


def _called(notice: Notice, names: Sequence[str]) -> list[str]:
    return [name + _home(notice) for name in names]


def _home(notice: Notice) -> str:
    return "家" if notice.unit is UnitKind.HOUSEHOLD else ""
