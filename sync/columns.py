"""Records in columns, kind by kind: what repeats lies together, numbers are differences, instants count from the
record's own time. Measured on kinds we log: a seventh fewer bytes than rows, compressed.

Never checks that there is only one way to write them; whoever reads encodes again and compares.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from sync.failures import CountError, FieldError
from sync.kinds import INSTANTS, Body, Writer, decode_body, encode_body, kind_of
from sync.record import BOOT_BYTES, Stamp, checked_stamp, some_bytes, whole

_LEAST, _MOST = -(2**62), 2**62
_COLUMNS = 7

Row = tuple[Stamp, Body]


def columns_of(rows: Sequence[Row]) -> tuple[object, ...]:
    """[kinds, boots, which boot, monotonic, wall, trusted, [[kind, schema, column …] …]]"""
    boots = list(dict.fromkeys(stamp.boot_id for stamp, _ in rows))
    place = {boot: index for index, boot in enumerate(boots)}
    by_kind: dict[int, list[Sequence[object]]] = {}
    schemas: dict[int, int] = {}
    for stamp, body in rows:
        schemas[body.CODE] = body.SCHEMA
        by_kind.setdefault(body.CODE, []).append(_from(stamp.wall_ms, body.CODE, encode_body(body)))
    return (
        [body.CODE for _, body in rows],
        boots,
        [place[stamp.boot_id] for stamp, _ in rows],
        _differences([stamp.monotonic_ms for stamp, _ in rows]),
        _differences([stamp.wall_ms for stamp, _ in rows]),
        [1 if stamp.trusted else 0 for stamp, _ in rows],
        [
            [code, schemas[code], *(_packed(column) for column in zip(*values, strict=True))]
            for code, values in by_kind.items()
        ],
    )


def _from(wall_ms: int, code: int, values: Sequence[object]) -> Sequence[object]:
    """The fields with their instants as a distance from `wall_ms`; the way back is the same."""
    instants = INSTANTS[code]
    if not instants:
        return values
    moved = list(values)
    for place in instants:
        value = moved[place]
        if type(value) is int:
            moved[place] = wall_ms - value
    return moved


def _differences(values: Sequence[int]) -> list[int]:
    before, found = 0, []
    for value in values:
        found.append(value - before)
        before = value
    return found


def _packed(column: Sequence[object]) -> list[object]:
    """Whole numbers as differences; tuples as their lengths and what is in them, column by column again."""
    first = column[0]
    if type(first) is tuple:
        lengths = _differences([len(each) for each in column])  # type: ignore[arg-type]
        items = [item for each in column for item in each]  # type: ignore[attr-defined]
        if not items:
            return [lengths]
        if type(items[0]) is tuple:
            return [lengths, *(_packed(part) for part in zip(*items, strict=True))]
        return [lengths, _packed(items)]
    if all(type(value) is int for value in column):
        return _differences(column)  # type: ignore[arg-type, return-value]
    return list(column)


def rows_of(columns: object, count: int, writer: Writer) -> list[Row]:
    """The way back. Raises BundleError."""
    if type(columns) is not list or len(columns) != _COLUMNS or any(type(each) is not list for each in columns):
        raise FieldError("not columns of ours")
    kinds, boots, which, monotonic, wall, trusted, groups = columns
    if not len(kinds) == len(which) == len(monotonic) == len(wall) == len(trusted) == count:
        raise CountError("another number of records than announced")
    known = [some_bytes(boot, BOOT_BYTES) for boot in boots]
    stamps = [
        checked_stamp(known[whole(place, high=len(known) - 1)], mono, clock, sure)
        for place, mono, clock, sure in zip(which, _sums(monotonic), _sums(wall), trusted, strict=True)
    ]
    if any(type(code) is not int for code in kinds):
        raise FieldError("a kind is a number")
    wanted = {code: kinds.count(code) for code in dict.fromkeys(kinds)}
    if len(groups) != len(wanted):
        raise CountError("a kind without records, or records without a kind")
    bodies = {code: _values(group, code, rows) for group, (code, rows) in zip(groups, wanted.items(), strict=True)}
    found: list[Row] = []
    for code, stamp in zip(kinds, stamps, strict=True):
        schema, values = bodies[code]
        kind = kind_of(code, schema, writer)
        found.append((stamp, decode_body(kind, _from(stamp.wall_ms, code, next(values)))))
    return found


def _values(group: object, code: int, count: int) -> tuple[object, Iterator[Sequence[object]]]:
    if type(group) is not list or len(group) < 3 or group[0] != code:
        raise FieldError("not columns of this kind")
    return group[1], iter(list(zip(*(_spread(column, count) for column in group[2:]), strict=True)))


def _sums(differences: Sequence[object]) -> list[int]:
    for each in differences:
        if type(each) is not int or not _LEAST <= each <= _MOST:
            raise FieldError("not a difference")
    return list(accumulate(differences))  # type: ignore[arg-type]


def _spread(column: object, count: int) -> Sequence[object]:
    if type(column) is not list:
        raise FieldError("not a column")
    if column and type(column[0]) is list:
        return _nested(column, count)
    if len(column) != count:
        raise CountError("a column with too much or too little")
    if all(type(value) is int for value in column):
        return _sums(column)
    return column


def _nested(column: Sequence[object], count: int) -> Sequence[object]:
    lengths = column[0]
    if type(lengths) is not list or len(lengths) != count:
        raise CountError("a column with too much or too little")
    each = [whole(length, high=10_000) for length in _sums(lengths)]
    total = sum(each)
    if len(column) == 1:
        items: Sequence[object] = []
    elif len(column) == 2:
        items = _spread(column[1], total)
    else:
        items = list(zip(*(_spread(part, total) for part in column[1:]), strict=True))
    if len(items) != total:
        raise CountError("a column with too much or too little")
    found, start = [], 0
    for length in each:
        found.append(tuple(items[start : start + length]))
        start += length
    return found
