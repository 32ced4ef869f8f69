"""`village roster import|list|export|code`: the village's spreadsheet comes in, the roster goes out, a code is printed.

Never prints a number in clear, and never an ID-card number.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
from pathlib import Path

from village.ground.files import write_whole
from village.ground.wording import RefusalError, Wording, say
from village.people import registration, store
from village.people.exporting import export_csv
from village.people.importing import Imported, Named, import_roster, refuse_errors, try_roster
from village.people.reading import read_roster
from village.people.roster import Checked, Trouble
from village.people.sandbox import words_for
from village.people.sheet import MAX_FILE_BYTES, Unreadable
from village.people.store import ResidentRow
from village.place import Place

_BY = "命令行"

_MARK_WORDS = (
    ("represents_household", "户代表"),
    ("representative", "村民代表"),
    ("party", "党员"),
    ("group_leader", "组长"),
    ("away", "外出"),
    ("lives_alone", "独居"),
    ("wants_calls", "要电话"),
    ("cannot_read", "不识字"),
)


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("roster", help="花名册：导入、列出、导出、登记码 · the roster")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_import(actions)
    listing = actions.add_parser("list", help="列出每个人，号码打码 · everybody, numbers masked")
    _folder(listing)
    listing.add_argument("--json", action="store_true", help="一人一行 JSON · one object a line")
    listing.set_defaults(run=_list)
    export = actions.add_parser("export", help="导出 .csv · write a .csv")
    _folder(export)
    export.add_argument("file", type=Path, metavar="FILE")
    export.add_argument("--numbers", action="store_true", help="号码不打码 · numbers in full")
    export.set_defaults(run=_export)
    code = actions.add_parser("code", help="给一个人印登记码 · a registration code for somebody")
    _folder(code)
    code.add_argument("name", metavar="NAME", help="姓名 · the person's name")
    code.add_argument("--group", type=int, metavar="N", help="同名时写明是哪一组 · which group, for namesakes")
    code.add_argument("--json", action="store_true")
    code.set_defaults(run=_code)


def _folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="放这个村的文件夹 · the village's folder")


def _add_import(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = actions.add_parser(
        "import", help="导入 .xlsx .xls .csv，整张进或整张不进 · bring a spreadsheet in, whole or not at all"
    )
    _folder(parser)
    parser.add_argument("file", type=Path, metavar="FILE", help="表格 · the spreadsheet")
    parser.add_argument("--check", action="store_true", help="只检查，不导入 · check only, change nothing")
    parser.add_argument(
        "--leave-missing",
        action="store_true",
        help="表里没有的人记为已离开 · mark who is not in the file as having left",
    )
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_import)


def _import(args: argparse.Namespace) -> int:
    return asyncio.run(_import_file(args))


async def _import_file(args: argparse.Namespace) -> int:
    place = Place.open(args.folder)
    content = read_file(args.file)
    village = place.config.village
    clock, vault = place.clock(), place.vault()
    checked = await read_roster(
        content, args.file.name, clock=clock, area_code=village.area_code, groups=village.groups
    )
    imported: Imported | None = None
    if not checked.errors:
        async with place.database(clock) as db:
            if args.check:
                imported = await try_roster(db, vault, checked.roster, at_ms=clock.now_ms())
            else:
                imported = await db.write(
                    lambda tx: import_roster(
                        tx,
                        vault,
                        checked.roster,
                        by=_BY,
                        at_ms=clock.now_ms(),
                        leave_missing=args.leave_missing,
                    )
                )
    if args.json:
        print(json.dumps(_as_json(args, checked, imported), ensure_ascii=False))
        return 1 if imported is None else 0
    for trouble in checked.warnings:
        args.say(say("提醒 {trouble}", trouble=trouble.wording))
    refuse_errors(checked)
    if imported is not None:
        _tell(args, checked, imported)
    return 0


def read_file(path: Path) -> bytes:
    """The file, unless it is too large to be a roster. Raises RefusalError."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RefusalError(words_for(Unreadable.TOO_BIG), status=413)
        return path.read_bytes()
    except OSError as failure:
        raise RefusalError(say("读不了 {path}：{reason}", path=path, reason=failure.strerror)) from failure


def _tell(args: argparse.Namespace, checked: Checked, imported: Imported) -> None:
    if checked.unused_columns:
        args.say(say("没有用到的列：{columns}", columns="、".join(checked.unused_columns)))
    for person in imported.missing:
        args.say(say("表里没有，仍留在花名册上：{person}", person=person.wording))
    for person in imported.left:
        args.say(say("表里没有，记为已离开：{person}", person=person.wording))
    done = say("检查过了，没有错误，还没有导入") if args.check else say("导入好了")
    args.say(say("{done}。{result}", done=done, result=imported.wording))


def _as_json(args: argparse.Namespace, checked: Checked, imported: Imported | None) -> dict[str, object]:
    def words(wording: Wording) -> str:
        return wording.text(args.translate)

    def trouble(each: Trouble) -> dict[str, object]:
        return {"sheet": each.where.sheet, "row": each.where.row, "what": words(each.what), "text": words(each.wording)}

    def people(names: tuple[Named, ...]) -> list[dict[str, object]]:
        return [{"name": each.name, "household": each.household, "group": each.group_no} for each in names]

    result: dict[str, object] = {
        "imported": imported is not None and not args.check,
        "errors": [trouble(each) for each in checked.errors],
        "warnings": [trouble(each) for each in checked.warnings],
        "unused_columns": list(checked.unused_columns),
        "households": len(checked.roster.households),
        "people": checked.roster.people,
    }
    if imported is not None:
        result |= {
            "added": len(imported.added),
            "changed": len(imported.changed),
            "unchanged": imported.unchanged,
            "missing": people(imported.missing),
            "left": people(imported.left),
        }
    return result


def _list(args: argparse.Namespace) -> int:
    place = Place.open(args.folder)
    for row in asyncio.run(_everybody(place)):
        if args.json:
            print(json.dumps(_person(row), ensure_ascii=False))
        else:
            print(_line(row))
    return 0


async def _everybody(place: Place) -> list[ResidentRow]:
    async with place.database(place.clock()) as db:
        return await db.read(store.everybody)


def _person(row: ResidentRow) -> dict[str, object]:
    return {
        "household": row.household,
        "name": row.name,
        "relation": row.relation,
        "sex": row.sex,
        "born": row.born.iso() if row.born else None,
        "group": row.group_no,
        "phones": [phone.masked for phone in row.phones],
        "marks": marks_of(row),
    }


def marks_of(row: ResidentRow) -> list[str]:
    """The marks in words, as the spreadsheet calls them."""
    words = [word for name, word in _MARK_WORDS if getattr(row.marks, name)]
    return words if row.phones else [*words, "无电话"]


def _line(row: ResidentRow) -> str:
    shown = [f"{row.group_no}组", f"{row.household}家", row.name, row.relation, row.sex or ""]
    shown += [row.born.iso() if row.born else "", " ".join(phone.masked for phone in row.phones)]
    return "\t".join([*shown, " ".join(marks_of(row))])


def _export(args: argparse.Namespace) -> int:
    place = Place.open(args.folder)
    content = asyncio.run(_exported(place, numbers=args.numbers))
    try:
        write_whole(args.file, content, mode=0o600)
    except OSError as failure:
        raise RefusalError(say("写不进 {path}：{reason}", path=args.file, reason=failure.strerror)) from failure
    args.say(say("花名册写在 {path}", path=args.file))
    return 0


async def _exported(place: Place, *, numbers: bool) -> bytes:
    async with place.database(place.clock()) as db:
        vault = place.vault() if numbers else None
        return await db.read(lambda tx: export_csv(tx, vault))


def _code(args: argparse.Namespace) -> int:
    place = Place.open(args.folder)
    person, code = asyncio.run(_issue(place, args.name, args.group))
    if args.json:
        print(json.dumps({"name": person.name, "group": person.group_no, "code": code}, ensure_ascii=False))
    else:
        args.say(
            say(
                "{name}（{group}组 {household}家）的登记码：{code}。30天内用自己的手机发到村里的号码，只能用一次",
                name=person.name,
                group=person.group_no,
                household=person.household,
                code=code,
            )
        )
    return 0


async def _issue(place: Place, name: str, group: int | None) -> tuple[ResidentRow, str]:
    clock, vault = place.clock(), place.vault()

    def unit(tx: sqlite3.Connection) -> tuple[ResidentRow, str]:
        found = [row for row in store.named(tx, name.strip()) if group in {None, row.group_no}]
        if not found:
            raise RefusalError(say("花名册里没有 {name}", name=name), status=404)
        if len(found) > 1:
            raise RefusalError(
                say("有{n}个人叫 {name}，请用 --group 写明是哪一组", n=len(found), name=name), status=409
            )
        return found[0], registration.issue(tx, vault, found[0].id, by=_BY, at_ms=clock.now_ms())

    async with place.database(clock) as db:
        return await db.write(unit)
