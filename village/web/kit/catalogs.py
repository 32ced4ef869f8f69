"""The English catalog: what is to be translated, what is missing, and the compiled file the pages read.

For developers only (it needs babel); the village itself reads the .mo with the standard library.

    python -m village.web.kit.catalogs extract        take up new sentences, drop those that are gone
    python -m village.web.kit.catalogs missing        print what has no English yet, as JSON
    python -m village.web.kit.catalogs fill FILE      take English from such a JSON file
    python -m village.web.kit.catalogs compile        write the .mo
    python -m village.web.kit.catalogs check          say what is missing, wrong or not compiled; exit 1
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import string
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

import jinja2
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import extract_from_ast

from village.ground.files import write_whole
from village.web.kit.language import DOMAIN, ENGLISH

_MARK = "say"
_TEMPLATE_MARKS = ("_", "gettext", "ngettext")
_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)
"""The same sentences give the same file, whenever it is written."""


def found() -> dict[str, set[str]]:
    """Every sentence in village/ and the files it stands in. Raises SyntaxError, TemplateError."""
    root = Path(str(resources.files("village")))
    sentences: dict[str, set[str]] = {}
    for path in sorted(root.rglob("*.py")):
        for sentence in _in_python(path):
            sentences.setdefault(sentence, set()).add(str(path.relative_to(root.parent)))
    for path in sorted(root.rglob("*.html")):
        for sentence in _in_template(path):
            sentences.setdefault(sentence, set()).add(str(path.relative_to(root.parent)))
    return sentences


def _in_python(path: Path) -> Iterator[str]:
    for node in _marked(path):
        if isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str):
            yield node.args[0].value


def _put_together(root: Path) -> Iterator[str]:
    """Where say() gets anything but a literal: what is put together at run time can be translated by nobody."""
    for path in sorted(root.rglob("*.py")):
        for node in _marked(path):
            if not isinstance(node.args[0], ast.Constant):
                yield f"{path.relative_to(root.parent)}:{node.lineno}"


def _marked(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == _MARK and node.args:
            yield node


def _in_template(path: Path) -> Iterator[str]:
    environment = jinja2.Environment(  # noqa: S701 - only parsed, never rendered
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.i18n", "jinja2.ext.do"]
    )
    tree = environment.parse(path.read_text("utf-8"), filename=str(path))
    for _, _, message in extract_from_ast(tree, _TEMPLATE_MARKS, babel_style=False):
        yield from (part for part in (message if isinstance(message, tuple) else (message,)) if part)


def _po_path() -> Path:
    return Path(str(resources.files("village.web.kit"))) / "locale" / ENGLISH / "LC_MESSAGES" / f"{DOMAIN}.po"


def _mo_path() -> Path:
    return _po_path().with_suffix(".mo")


def known() -> dict[str, str]:
    """Sentence → English, as the .po has it; "" where there is none or it is only a guess."""
    if not _po_path().exists():
        return {}
    with _po_path().open("rb") as file:
        catalog = read_po(file, locale=ENGLISH)
    return {str(m.id): "" if m.fuzzy else str(m.string) for m in catalog if m.id}


def _write(english: dict[str, str], where: dict[str, set[str]]) -> None:
    catalog = _catalog(english, where)
    text = io.BytesIO()
    write_po(text, catalog, width=120, sort_by_file=True, include_lineno=False)
    _po_path().parent.mkdir(parents=True, exist_ok=True)
    write_whole(_po_path(), text.getvalue())


def _catalog(english: dict[str, str], where: dict[str, set[str]]) -> Catalog:
    catalog = Catalog(
        locale=ENGLISH,
        domain=DOMAIN,
        project="e家家",
        version="1",
        header_comment="# The second language of e家家 village edition; the Chinese sentence is its own key.",
        copyright_holder="the authors",
        creation_date=_NO_DATE,
        revision_date=_NO_DATE,
        last_translator="",
        language_team="",
        fuzzy=False,
    )
    for sentence in sorted(english):
        catalog.add(sentence, english[sentence], locations=[(path, 0) for path in sorted(where.get(sentence, ()))])
    return catalog


def compiled(english: dict[str, str]) -> bytes:
    """The .mo of these translations."""
    content = io.BytesIO()
    write_mo(content, _catalog({k: v for k, v in english.items() if v}, {}))
    return content.getvalue()


def extract() -> int:
    where, before = found(), known()
    _write({sentence: before.get(sentence, "") for sentence in where}, where)
    missing = [sentence for sentence in where if not before.get(sentence)]
    _tell(f"{len(where)} sentences, {len(missing)} without English, {len(before.keys() - where.keys())} gone")
    return 0


def missing_words() -> dict[str, str]:
    english = known()
    return {sentence: "" for sentence in sorted(found()) if not english.get(sentence)}


def fill(path: Path) -> int:
    """Take translations from a JSON object {sentence: English}; unknown sentences are named and left out."""
    given, where = json.loads(path.read_text("utf-8")), found()
    english = {sentence: known().get(sentence, "") for sentence in where}
    strangers = [sentence for sentence in given if sentence not in where]
    english.update({sentence: words for sentence, words in given.items() if sentence in where and words})
    _write(english, where)
    write_whole(_mo_path(), compiled(english))
    for sentence in strangers:
        _tell(f"not in the program: {sentence}")
    _tell(f"{sum(1 for words in english.values() if not words)} still without English")
    return 0


def compile_catalog() -> int:
    write_whole(_mo_path(), compiled(known()))
    return 0


def troubles() -> list[str]:
    """What keeps the English pages from being whole; empty when nothing does."""
    where, english = found(), known()
    root = Path(str(resources.files("village")))
    wrong = [f"say() wants a literal sentence: {place}" for place in _put_together(root)]
    wrong += [f"not in the catalog (run extract): {sentence}" for sentence in sorted(where.keys() - english.keys())]
    wrong += [
        f"no longer in the program (run extract): {sentence}" for sentence in sorted(english.keys() - where.keys())
    ]
    wrong += [f"no English: {sentence}" for sentence, words in sorted(english.items()) if not words]
    for sentence, words in sorted(english.items()):
        if words and _slots(sentence) != _slots(words):
            wrong.append(f"other {{slots}} than the Chinese: {sentence} → {words}")
    if not _mo_path().exists() or _mo_path().read_bytes() != compiled(english):
        wrong.append("the .mo is not what the .po says (run compile)")
    return wrong


def _slots(sentence: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}
    except ValueError:
        return {f"not a format: {sentence}"}


def check() -> int:
    wrong = troubles()
    for line in wrong:
        _tell(line)
    return 1 if wrong else 0


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m village.web.kit.catalogs", description=(__doc__ or "").split("\n")[0]
    )
    what = parser.add_subparsers(dest="what", required=True)
    for name in ("extract", "missing", "compile", "check"):
        what.add_parser(name)
    what.add_parser("fill").add_argument("file", type=Path)
    given = parser.parse_args()
    if given.what == "missing":
        _tell(json.dumps(missing_words(), ensure_ascii=False, indent=1))
        return 0
    if given.what == "fill":
        return fill(given.file)
    return {"extract": extract, "compile": compile_catalog, "check": check}[given.what]()


if __name__ == "__main__":
    sys.exit(main())
