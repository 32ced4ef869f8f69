"""`village poll open|close|result|list`: what the desk does, by command; the running server asks, closes and counts.

Never closes a poll before its deadline, and before the counting shows turnout alone.
"""

from __future__ import annotations

import argparse
import sqlite3

from village.commands.acting import BY, action, moment, show, within
from village.ground.calendar import short_moment
from village.ground.clock import Clock
from village.ground.wording import RefusalError, Wording, say
from village.laws.pack import Kind, Refused
from village.notices.notice import Channels
from village.notices.office import Means
from village.polls import store
from village.polls.close_poll import close_due
from village.polls.open_poll import open_poll
from village.polls.plan import Plan, plan
from village.polls.poll import Order, Poll, PollKind, State
from village.web.desk_polls_form import openable
from village.web.poll_shown import Phase, Shown, shown
from village.web.poll_shown import planned as as_planned


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("poll", help="征求意见和表决：开、截止、结果 · polls")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    opening = action(actions, "open", _open, "问大家一件事 · ask people something")
    kinds = [*Kind, *Refused]
    opening.add_argument("--kind", default=PollKind.OPINION, choices=kinds, metavar="K", help="opinion | household")
    opening.add_argument("--question", required=True, metavar="TEXT", help="问什么 · what is asked")
    opening.add_argument(
        "--options", nargs="+", default=[], metavar="TEXT",
        help="2到6个选项；户代表的是定好的 · 2 to 6; those of household are fixed",
    )  # fmt: skip
    opening.add_argument("--closes", required=True, metavar="TIME", help="几时截止，2026-12-09T18:00 · when it closes")
    opening.add_argument("--groups", nargs="+", type=int, default=[], metavar="N", help="只问这几个组 · these groups")
    opening.add_argument("--basis", type=int, metavar="N", help="按哪条依据（村务台“依据”）· number of the legal basis")
    opening.add_argument("--channels", default="sms,call", metavar="LIST", help="sms,call")
    opening.add_argument("--dry-run", action="store_true", help="只看会怎样，不问 · show what would happen")
    action(actions, "list", _list, "问过什么，怎样了 · what was asked, and how it stands")
    for name, run, words in (
        ("close", _close, "过了截止时间就截止；不能提前 · close what is past its deadline, never earlier"),
        ("result", _result, "多少人投了；计票以后是结果 · turnout, and the result once counted"),
    ):
        parser = action(actions, name, run, words)
        parser.add_argument("number", type=int, metavar="N", help="征求意见或表决的号 · the poll's number")


# open


def _open(args: argparse.Namespace) -> int:
    channels = Channels.chosen(args.channels.split(","))
    if not (channels.sms or channels.call):
        raise RefusalError(say("短信、电话至少选一样，不然没人知道"), status=422)
    kind, closes_ms = openable(args.kind), moment(args.closes)

    def unit(tx: sqlite3.Connection, means: Means, clock: Clock) -> tuple[Plan, Poll | None, int]:
        order = Order(
            kind=kind,
            question=args.question,
            options=tuple(args.options),
            closes_ms=closes_ms,
            groups=frozenset(args.groups),
            basis_id=args.basis,
            sms=channels.sms,
            call=channels.call,
            author=BY,
        )
        now_ms = clock.now_ms()
        planned = plan(tx, means, order, now_ms, trusted=clock.trusted)
        opened = None if args.dry_run else open_poll(tx, means, order, now_ms, trusted=clock.trusted)
        return planned, opened, now_ms

    planned, opened, now_ms = within(args, unit, write=not args.dry_run)
    if args.json:
        show(_planned(planned) | {"opened": opened is not None, "number": (opened or planned.poll).number})
        return 0
    for line in _plan_words(planned, now_ms):
        args.say(line)
    if opened is None:
        args.say(say("没有问（--dry-run）"))
    else:
        args.say(say("{word}{number}开始了", word=opened.called, number=opened.number))
    return 0


def _planned(planned: Plan) -> dict[str, object]:
    poll = planned.poll
    return {
        "kind": str(poll.kind), "question": poll.question, "options": list(poll.options), "eligible": poll.eligible,
        "closes_ms": poll.closes_ms, "binding": poll.basis is not None, "needs_attended": planned.needs_attended,
        "sms": planned.sms, "calls": planned.calls, "parts": planned.parts, "fen": planned.fen,
        "minutes": planned.minutes, "text": planned.text, "no_way": len(planned.no_way), "pack": poll.pack,
    }  # fmt: skip


def _plan_words(planned: Plan, now_ms: int) -> list[Wording]:
    return [
        say("{text}", text=planned.text),
        as_planned(planned.poll).rule,
        say("{until}截止。", until=short_moment(planned.poll.closes_ms, now_ms)),
        say("短信{parts}条，电话{calls}个，约{yuan}元，{minutes}分钟", parts=planned.parts, calls=planned.calls,
            yuan=planned.yuan, minutes=planned.minutes),
        *([say("短信、电话都问不到的 {n}", n=len(planned.no_way))] if planned.no_way else []),
        *(say("注意：{what}", what=warning) for warning in planned.warnings),
    ]  # fmt: skip


# close


def _close(args: argparse.Namespace) -> int:
    def unit(tx: sqlite3.Connection, _: Means, clock: Clock) -> Shown:
        poll, now_ms = _numbered(tx, args.number), clock.now_ms()
        if poll.state is State.OPEN:
            close_due(tx, now_ms, trusted=clock.trusted)
            poll = store.poll_of(tx, poll.id)
        if poll.state is State.OPEN and not clock.trusted:
            raise RefusalError(say("村里的钟是猜的：钟没对准，就不会截止。"), status=409)
        if poll.state is State.OPEN:
            until = short_moment(poll.closes_ms, now_ms)
            raise RefusalError(
                say("{number}号还没到截止时间（{until}），不能提前", number=poll.number, until=until), status=409
            )
        return shown(tx, poll, now_ms, trusted=clock.trusted)

    return _tell(args, within(args, unit, write=True))


# look


def _list(args: argparse.Namespace) -> int:
    def unit(tx: sqlite3.Connection, _: Means, clock: Clock) -> tuple[list[Shown], int]:
        now_ms = clock.now_ms()
        return [shown(tx, poll, now_ms, trusted=clock.trusted) for poll in store.polls(tx)], now_ms

    found, now_ms = within(args, unit)
    for view in found:
        if args.json:
            show(_as_json(view))
            continue
        args.say(
            say("{number}  {state}  {until}截止  {cast}/{eligible}  {question}",
                number=view.poll.number, state=_PHASES[view.phase], until=short_moment(view.poll.closes_ms, now_ms),
                cast=view.cast, eligible=view.poll.eligible, question=view.poll.question)
        )  # fmt: skip
    if not found and not args.json:
        args.say(say("还没有问过大家"))
    return 0


def _result(args: argparse.Namespace) -> int:
    def unit(tx: sqlite3.Connection, _: Means, clock: Clock) -> Shown:
        return shown(tx, _numbered(tx, args.number), clock.now_ms(), trusted=clock.trusted)

    return _tell(args, within(args, unit))


_PHASES = {
    Phase.OPEN: say("正在问"),
    Phase.WAITING: say("截止了，等着计票"),
    Phase.COUNTED: say("计过票了"),
    Phase.WITHDRAWN: say("作废了"),
}


def _tell(args: argparse.Namespace, view: Shown) -> int:
    if args.json:
        show(_as_json(view))
        return 0
    args.say(say("{number}号：{question}", number=view.poll.number, question=view.question))
    args.say(_PHASES[view.phase])
    args.say(view.turnout_words)
    if view.sentence is not None:
        args.say(view.sentence)
    if view.silent:
        lines = "、".join(words.text(args.translate) for words in view.silent)
        args.say(say("计票时这些线路没有通够30分钟，可能还有票没到：{lines}", lines=lines))
    return 0


def _as_json(view: Shown) -> dict[str, object]:
    """No choice before the counting, and none where so few voted that a count would tell who chose what."""
    poll, result = view.poll, view.result
    told: dict[str, object] = {
        "number": poll.number, "kind": str(poll.kind), "question": poll.question, "options": list(poll.options),
        "state": str(poll.state), "binding": poll.basis is not None, "eligible": poll.eligible, "cast": view.cast,
        "opened_ms": poll.opened_ms, "closes_ms": poll.closes_ms, "closed_ms": poll.closed_ms,
        "counted_ms": poll.counted_ms, "trouble": poll.trouble, "pack": poll.pack,
    }  # fmt: skip
    if result is not None:
        binding = poll.basis is not None
        told |= {
            "counts": None if view.small else list(result.counts), "late": result.late,
            "valid": result.valid if binding else None, "passed": result.passed if binding else None,
            "needs_attended": result.needs_attended, "receipts": result.receipts.hex(),
            "ledger": result.ledger_head.hex(), "ledger_rows": result.ledger_rows,
            "silent_lanes": list(result.silent_lanes),
        }  # fmt: skip
    return told


def _numbered(tx: sqlite3.Connection, number: int) -> Poll:
    """The poll that bears the number, or bore it last. Raises RefusalError."""
    found = store.newest_by_number(tx, number)
    if found is None:
        raise RefusalError(say("没有{number}号，请看现在在问什么", number=number), status=404)
    return found
