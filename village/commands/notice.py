"""`village notice send|list|reach|doors|stop|correct`: what the desk does, by command; the running server sends it.

Never shows a number in clear.
"""

from __future__ import annotations

import argparse
import json
import sqlite3

from village.commands.acting import BY, action, moment, show, within
from village.ground.calendar import short_moment
from village.ground.clock import Clock
from village.ground.wording import RefusalError, Wording, say
from village.notices import store
from village.notices.addressing import audience_of
from village.notices.correct_notice import Corrected, correct_notice
from village.notices.doors import doors
from village.notices.notice import Channels, Notice, Order, Rung, State, UnitKind
from village.notices.office import Means
from village.notices.plan import Plan, plan
from village.notices.reach import Reach, reach
from village.notices.send_notice import send_notice
from village.notices.stop_notice import Stopped, stop_notice


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("notice", help="通知：发、看送达、上门单、停发、更正 · notices")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_send(actions)
    listing = action(actions, "list", _list, "列出通知 · the notices, newest first")
    listing.add_argument("--limit", type=int, default=20, metavar="N")
    for name, run, words in (
        ("reach", _reach, "谁收到、谁没收到 · how far a notice has come"),
        ("doors", _doors, "上门单 · who has to be told in person"),
        ("stop", _stop, "停发 · stop what has not left yet"),
    ):
        _number(action(actions, name, run, words))
    correct = _number(action(actions, "correct", _correct, "更正 · correct a notice"))
    correct.add_argument("--text", required=True, help="正确的全文 · the right words, whole")
    correct.add_argument("--short", default="", metavar="TEXT", help="短信里说的 · what the SMS says instead")
    correct.add_argument("--due", metavar="TIME", help="几时前要人人知道；不写就照旧 · by when; unchanged if not given")


def _number(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("number", type=int, metavar="N", help="通知的号 · the notice's number")
    return parser


def _add_send(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = action(actions, "send", _send, "发通知 · send a notice")
    parser.add_argument("--text", required=True, help="说什么 · what it says")
    parser.add_argument("--short", default="", metavar="TEXT", help="短信里说的 · what the SMS says instead")
    parser.add_argument(
        "--to",
        default=["everyone"],
        nargs="+",
        metavar="WHOM",
        help="everyone | group 3 4 | household 3组王德福 | person 李桂英 | reps | representatives | party | away",
    )
    parser.add_argument("--channels", default="sms,call,page", metavar="LIST", help="sms,call,page")
    parser.add_argument("--at", metavar="TIME", help="几时发，2026-12-06T07:30 · when")
    parser.add_argument("--due", metavar="TIME", help="几时前要人人知道 · by when everybody has to know")
    parser.add_argument(
        "--urgent",
        action="store_true",
        help="急事：现在就发，夜里也发；只用于危及人命的事 · at once, at night too; only for danger to life and limb",
    )
    parser.add_argument(
        "--then",
        metavar="LIST",
        help="没回音怎么办：reminder,call,second_call，或者 none；不写就照村里的设置 · what follows; none: nothing",
    )
    parser.add_argument("--dry-run", action="store_true", help="只看会怎样，不发 · show what would happen")


# send


def _at(text: str | None) -> int | None:
    return None if text is None else moment(text)


def _send(args: argparse.Namespace) -> int:
    kind, *words = " ".join(args.to).split() or [""]
    rungs = None if args.then is None else Rung.chosen(args.then.split(","))
    channels, at_ms, due_ms = Channels.chosen(args.channels.split(",")), _at(args.at), _at(args.due)

    def unit(tx: sqlite3.Connection, means: Means, clock: Clock) -> tuple[Plan, Notice | None]:
        order = Order(
            text=args.text,
            short_text=args.short,
            audience=audience_of(tx, kind, words),
            channels=channels,
            at_ms=at_ms,
            due_ms=due_ms,
            author=BY,
            urgent=args.urgent,
            rungs=rungs,
        )
        now_ms = clock.now_ms()
        planned = plan(tx, means, order, now_ms)
        return planned, None if args.dry_run else send_notice(tx, means, order, now_ms)

    planned, notice = within(args, unit, write=not args.dry_run)
    if args.json:
        outcome = {} if notice is None else {"id": notice.id, "number": notice.number, "state": str(notice.state)}
        show(planned.as_json() | {"sent": notice is not None and notice.state is State.SENT} | outcome)
        return 0
    for line in _plan_words(planned):
        args.say(line)
    if notice is None:
        args.say(say("没有发（--dry-run）"))
    elif notice.state is State.PLANNED:
        args.say(say("通知{number}定好了", number=notice.number))
    else:
        args.say(say("通知{number}发出去了", number=notice.number))
    return 0


def _plan_words(planned: Plan) -> list[Wording]:
    counted = say("{n}户", n=planned.units) if planned.unit is UnitKind.HOUSEHOLD else say("{n}人", n=planned.units)
    lines = [say("{text}", text=planned.text)] if planned.sms else []
    lines.append(
        say("{who}，{phones}部电话：短信{parts}条，电话{calls}个，约{yuan}元，{minutes}分钟",
            who=counted, phones=planned.phones, parts=planned.parts, calls=planned.calls, yuan=planned.yuan,
            minutes=planned.minutes)
    )  # fmt: skip
    if planned.no_way:
        names = "、".join(f"{unit.group_no}组{unit.name}" for unit in planned.no_way)
        lines.append(say("直接上门{n}：{names}", n=len(planned.no_way), names=names))
    return [*lines, *(say("注意：{what}", what=warning) for warning in planned.warnings)]


# look


def _list(args: argparse.Namespace) -> int:
    def unit(tx: sqlite3.Connection, means: Means, clock: Clock) -> tuple[list[Reach], int]:
        found, now_ms = store.every_notice(tx, limit=max(args.limit, 1)), clock.now_ms()
        return [reach(tx, notice.id, now_ms, means.office) for notice in found], now_ms

    views, now_ms = within(args, unit)
    for view in views:
        notice = view.notice
        if args.json:
            show(_listed(view))
            continue
        args.say(
            say("{number}  {when}  {state}  {whom}  收到{confirmed}/{units}  {text}",
                number=notice.number, when=short_moment(notice.start_ms, now_ms), state=_STATES[notice.state],
                whom=notice.audience.in_words(), confirmed=view.funnel.confirmed, units=view.funnel.units,
                text=notice.title)
        )  # fmt: skip
    return 0


_STATES = {State.PLANNED: say("还没发"), State.SENT: say("已发"), State.STOPPED: say("停发")}


def _listed(view: Reach) -> dict[str, object]:
    notice = view.notice
    return {
        "number": notice.number, "version": notice.version, "state": str(notice.state), "text": notice.text,
        "audience": json.loads(notice.audience.to_json()), "channels": list(notice.channels.names),
        "start_ms": notice.start_ms, "due_ms": notice.due_ms, "units": view.funnel.units,
        "confirmed": view.funnel.confirmed, "unreached": view.funnel.unreached,
    }  # fmt: skip


def _numbered(tx: sqlite3.Connection, number: int) -> Notice:
    """The newest notice of that number, a planned one included. Raises RefusalError."""
    found = next((notice for notice in store.every_notice(tx) if notice.number == number), None)
    found = found or store.newest_by_number(tx, number)
    if found is None:
        raise RefusalError(say("没有{number}号通知", number=number), status=404)
    return found


def _reach(args: argparse.Namespace) -> int:
    view = within(args, lambda tx, means, clock: reach(tx, _numbered(tx, args.number).id, clock.now_ms(), means.office))
    if args.json:
        show(view.as_json())
        return 0
    args.say(say("通知{number}：{text}", number=view.notice.number, text=view.notice.title))
    for group in (None, *view.groups):
        funnel = view.funnel if group is None else group.funnel
        args.say(
            say("{who}  共{units}  排队{queued}  已交{accepted}  到手机{delivered}  听完{heard}  收到{confirmed}"
                "  没联系上{unreached}",
                who=say("全部") if group is None else say("{n}组", n=group.group_no),
                **{name: getattr(funnel, name) for name in funnel.__slots__})
        )  # fmt: skip
    return 0


def _doors(args: argparse.Namespace) -> int:
    listed = within(
        args, lambda tx, means, clock: doors(tx, _numbered(tx, args.number).id, clock.now_ms(), means.office)
    )
    if args.json:
        show(listed.as_json())
        return 0
    for door in listed.doors:
        args.say(
            say("{mark} {group}组 {name}  {tried}  {who}", mark="☑" if door.ticked else "☐", group=door.group_no,
                name=door.name, tried=" · ".join(step.text(args.translate) for step in door.tried),
                who=door.ticked_by or door.who)
        )  # fmt: skip
    if not listed.doors:
        args.say(say("现在没有要上门的"))
    return 0


# stop and correct


def _stop(args: argparse.Namespace) -> int:
    def unit(tx: sqlite3.Connection, means: Means, clock: Clock) -> Stopped:
        notice = _numbered(tx, args.number)
        return stop_notice(tx, means, notice.id, seen_version=notice.version, by=BY, now_ms=clock.now_ms())

    stopped = within(args, unit, write=True)
    if args.json:
        show({"number": args.number, "withdrawn": stopped.withdrawn, "gone": stopped.gone})
    else:
        args.say(
            say("停了：{dead}条不再发出，{gone}部手机已经收到或可能收到", dead=stopped.withdrawn, gone=stopped.gone)
        )
    return 0


def _correct(args: argparse.Namespace) -> int:
    due_ms = _at(args.due)

    def unit(tx: sqlite3.Connection, means: Means, clock: Clock) -> Corrected:
        notice, now_ms = _numbered(tx, args.number), clock.now_ms()
        kept_ms = notice.due_ms if notice.due_ms is not None and notice.due_ms > now_ms else None
        return correct_notice(
            tx,
            means,
            notice.id,
            text=args.text,
            short_text=args.short,
            due_ms=due_ms if due_ms is not None else kept_ms,
            seen_version=notice.version,
            by=BY,
            now_ms=clock.now_ms(),
        )

    made = within(args, unit, write=True)
    if args.json:
        show({"number": made.notice.number, "version": made.notice.version, "corrected": made.corrected,
               "renewed": made.renewed, "no_way": made.no_way, "lapsed": made.lapsed})  # fmt: skip
    else:
        args.say(say("更正发给{told}部手机，另有{fresh}部第一次收到", told=made.corrected, fresh=made.renewed))
    return 0
