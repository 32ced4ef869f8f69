"""What may be written into a log at all: the kinds of records, their fields, and what each field may hold.

Nothing personal has a field here, so nothing personal can be put into a log: no name, no number, no single ballot.
Whatever is not on this list is refused on both ends. A changed kind gets a new schema number, never a new meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from types import MappingProxyType
from typing import Any, ClassVar

from sync.failures import FieldError, ForbiddenKindError, UnknownKindError

LONGEST_TEXT = 1000
"""Characters of a notice; six minutes of speech."""
MOST_OPTIONS, MOST_GROUPS, MOST_VILLAGES = 6, 99, 2000
_LATEST_MS = 4_102_444_800_000
"""2100: a clock that shows more is broken."""


class Writer(StrEnum):
    """Who writes a kind; each side refuses the other's."""

    VILLAGE = "village"
    COUNTY = "county"


class Priority:
    """What goes first when there is little time; smaller first."""

    URGENT, RESULT, ORDINARY = 0, 10, 20


Check = Callable[[Any], Any]
"""Takes what CBOR gave, returns the value as Python keeps it. Raises FieldError."""


def _field(check: Check) -> Any:
    return field(metadata={"check": check})


def _whole(high: int, low: int = 0) -> Check:
    def check(value: Any) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise FieldError("not a whole number that fits")

    return check


def _text(longest: int, shortest: int = 1) -> Check:
    def check(value: Any) -> str:
        if type(value) is str and shortest <= len(value) <= longest and "\x00" not in value:
            return value
        raise FieldError("not a text that fits")

    return check


def _bytes(length: int) -> Check:
    def check(value: Any) -> bytes:
        if type(value) is bytes and len(value) == length:
            return value
        raise FieldError("not bytes of that length")

    return check


def _yes_no(value: Any) -> bool:
    if type(value) is bool:
        return value
    raise FieldError("neither true nor false")


def _or_none(check: Check) -> Check:
    def either(value: Any) -> Any:
        return None if value is None else check(value)

    return either


def _one_of(*words: str) -> Check:
    allowed = frozenset(words)

    def check(value: Any) -> str:
        if type(value) is str and value in allowed:
            return value
        raise FieldError("not one of the words")

    return check


def _many(check: Check, most: int, fewest: int = 0) -> Check:
    def all_of(value: Any) -> tuple[Any, ...]:
        if type(value) in (list, tuple) and fewest <= len(value) <= most:
            return tuple([check(each) for each in value])
        raise FieldError("not a list that fits")

    return all_of


def _row(*checks: Check) -> Check:
    def of_all(value: Any) -> tuple[Any, ...]:
        if type(value) in (list, tuple) and len(value) == len(checks):
            return tuple([check(each) for check, each in zip(checks, value, strict=True)])
        raise FieldError("not a row of that length")

    return of_all


_COUNT = _whole(10_000_000)
_ID = _whole(2**40, 1)
_NUMBER = _whole(99, 1)
_INSTANT = _whole(_LATEST_MS)
_HASH = _bytes(32)


@dataclass(frozen=True, slots=True)
class VillageBegan:
    """The village itself; the first record of a log, and again when one of its figures has changed.

    `cites`: the hash of the last record the county acknowledged, where an epoch follows another.
    """

    CODE: ClassVar = 10
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.VILLAGE
    PRIORITY: ClassVar = Priority.ORDINARY

    name: str = _field(_text(20))
    groups: int = _field(_whole(99))
    households: int = _field(_COUNT)
    people: int = _field(_COUNT)
    cites: bytes | None = _field(_or_none(_HASH))


@dataclass(frozen=True, slots=True)
class NoticePublished:
    """A notice as it went out; `text` is empty where it stands on no public page. A correction is the next version."""

    CODE: ClassVar = 20
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.VILLAGE
    PRIORITY: ClassVar = Priority.ORDINARY

    notice: int = _field(_ID)
    version: int = _field(_whole(10_000, 1))
    number: int = _field(_NUMBER)
    issuer: str = _field(_one_of("committee", "supervisory", "collective", "party"))
    text: str = _field(_text(LONGEST_TEXT, 0))
    audience: str = _field(_text(400))
    unit: str = _field(_one_of("household", "person"))
    urgent: bool = _field(_yes_no)
    county_notice: int | None = _field(_or_none(_ID))
    published_ms: int = _field(_INSTANT)
    due_ms: int | None = _field(_or_none(_INSTANT))


@dataclass(frozen=True, slots=True)
class NoticeStopped:
    CODE: ClassVar = 21
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.VILLAGE
    PRIORITY: ClassVar = Priority.ORDINARY

    notice: int = _field(_ID)
    stopped_ms: int = _field(_INSTANT)


@dataclass(frozen=True, slots=True)
class NoticeReached:
    """How far a notice has come. `groups`: (group, units, heard or confirmed; None where the group is small)."""

    CODE: ClassVar = 22
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.VILLAGE
    PRIORITY: ClassVar = Priority.ORDINARY

    notice: int = _field(_ID)
    version: int = _field(_whole(10_000, 1))
    units: int = _field(_COUNT)
    accepted: int = _field(_COUNT)
    delivered: int = _field(_COUNT)
    heard: int = _field(_COUNT)
    confirmed: int = _field(_COUNT)
    unreached: int = _field(_COUNT)
    groups: tuple[tuple[int, int, int | None], ...] = _field(
        _many(_row(_NUMBER, _COUNT, _or_none(_COUNT)), MOST_GROUPS)
    )
    as_of_ms: int = _field(_INSTANT)


@dataclass(frozen=True, slots=True)
class PollOpened:
    """A poll as it was put to the village. `basis`: the title of its legal basis; empty: nothing is decided by it."""

    CODE: ClassVar = 30
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.VILLAGE
    PRIORITY: ClassVar = Priority.RESULT

    poll: int = _field(_ID)
    number: int = _field(_whole(99, 20))
    kind: str = _field(_one_of("opinion", "household"))
    question: str = _field(_text(60))
    options: tuple[str, ...] = _field(_many(_text(8), MOST_OPTIONS, 2))
    opened_ms: int = _field(_INSTANT)
    closes_ms: int = _field(_INSTANT)
    eligible: int = _field(_whole(10_000_000, 1))
    roll: bytes = _field(_HASH)
    pack: str = _field(_text(40))
    basis: str = _field(_text(40, 0))


@dataclass(frozen=True, slots=True)
class PollClosed:
    """`ballots`: voters who had voted when it closed; some may still have been on their way."""

    CODE: ClassVar = 31
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.VILLAGE
    PRIORITY: ClassVar = Priority.RESULT

    poll: int = _field(_ID)
    closed_ms: int = _field(_INSTANT)
    ballots: int = _field(_COUNT)


@dataclass(frozen=True, slots=True)
class PollCounted:
    """The result. `counts`: None where so few chose an option that they could be known. `receipts`: Merkle root of the
    receipts; `ledger`: head of the ledger, which stays in the village."""

    CODE: ClassVar = 32
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.VILLAGE
    PRIORITY: ClassVar = Priority.RESULT

    poll: int = _field(_ID)
    counted_ms: int = _field(_INSTANT)
    eligible: int = _field(_whole(10_000_000, 1))
    roll: bytes = _field(_HASH)
    attended: int = _field(_COUNT)
    counts: tuple[int | None, ...] = _field(_many(_or_none(_COUNT), MOST_OPTIONS, 2))
    late: int = _field(_COUNT)
    valid: bool | None = _field(_or_none(_yes_no))
    passed: bool | None = _field(_or_none(_yes_no))
    pack: str = _field(_text(40))
    receipts: bytes = _field(_HASH)
    ledger: bytes = _field(_HASH)
    complete: bool = _field(_yes_no)


@dataclass(frozen=True, slots=True)
class PollWithdrawn:
    CODE: ClassVar = 33
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.VILLAGE
    PRIORITY: ClassVar = Priority.RESULT

    poll: int = _field(_ID)
    withdrawn_ms: int = _field(_INSTANT)


@dataclass(frozen=True, slots=True)
class HealthNoted:
    """How the village's computer is doing."""

    CODE: ClassVar = 40
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.VILLAGE
    PRIORITY: ClassVar = Priority.ORDINARY

    version: str = _field(_text(20))
    waiting: int = _field(_COUNT)
    lines: int = _field(_whole(99))
    lines_down: int = _field(_whole(99))
    disk_free_mb: int = _field(_whole(2**40))
    noted_ms: int = _field(_INSTANT)


@dataclass(frozen=True, slots=True)
class CountyBegan:
    """The county itself; the first record of its log."""

    CODE: ClassVar = 110
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.COUNTY
    PRIORITY: ClassVar = Priority.ORDINARY

    name: str = _field(_text(20))


@dataclass(frozen=True, slots=True)
class CountyNotice:
    """A notice of the county's for the villages it names by their numbers; for all where it names none."""

    CODE: ClassVar = 120
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.COUNTY
    PRIORITY: ClassVar = Priority.URGENT

    notice: int = _field(_ID)
    text: str = _field(_text(LONGEST_TEXT))
    issuer: str = _field(_text(20))
    issued_ms: int = _field(_INSTANT)
    due_ms: int | None = _field(_or_none(_INSTANT))
    villages: tuple[int, ...] = _field(_many(_whole(2**31, 1), MOST_VILLAGES))


@dataclass(frozen=True, slots=True)
class CountyNoticeWithdrawn:
    CODE: ClassVar = 121
    SCHEMA: ClassVar = 1
    WRITER: ClassVar = Writer.COUNTY
    PRIORITY: ClassVar = Priority.URGENT

    notice: int = _field(_ID)
    withdrawn_ms: int = _field(_INSTANT)


Body = (
    VillageBegan
    | NoticePublished
    | NoticeStopped
    | NoticeReached
    | PollOpened
    | PollClosed
    | PollCounted
    | PollWithdrawn
    | HealthNoted
    | CountyBegan
    | CountyNotice
    | CountyNoticeWithdrawn
)

KINDS: Mapping[int, type[Body]] = MappingProxyType({kind.CODE: kind for kind in Body.__args__})

_CHECKS: Mapping[int, tuple[Check, ...]] = MappingProxyType(
    {code: tuple(each.metadata["check"] for each in fields(kind)) for code, kind in KINDS.items()}
)
_NAMES: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {code: tuple(each.name for each in fields(kind)) for code, kind in KINDS.items()}
)
INSTANTS: Mapping[int, tuple[int, ...]] = MappingProxyType(
    {code: tuple(place for place, name in enumerate(names) if name.endswith("_ms")) for code, names in _NAMES.items()}
)
"""Which fields of a kind are instants."""

_READ: Mapping[int, Callable[[Any], Any]] = MappingProxyType(
    {code: attrgetter(*names) for code, names in _NAMES.items()}
)


def kind_of(code: object, schema: object, writer: Writer) -> type[Body]:
    """Raises UnknownKindError, ForbiddenKindError."""
    kind = KINDS.get(code) if type(code) is int else None
    if kind is None or type(schema) is not int or schema != kind.SCHEMA:
        raise UnknownKindError("a kind that is not on the list")
    if kind.WRITER is not writer:
        raise ForbiddenKindError("a kind that only the other side may write")
    return kind


def encode_body(body: Body) -> tuple[Any, ...]:
    """The fields in their order, as CBOR takes them."""
    values = _READ[body.CODE](body)
    return values if len(_NAMES[body.CODE]) > 1 else (values,)


def decode_body(kind: type[Body], values: Sequence[Any]) -> Body:
    """Raises FieldError."""
    checks = _CHECKS[kind.CODE]
    if len(values) != len(checks):
        raise FieldError("too many fields, or too few")
    return kind(*[check(value) for check, value in zip(checks, values, strict=True)])


def checked(body: Body) -> Body:
    """The same body, if it may be written. Raises FieldError."""
    return decode_body(type(body), encode_body(body))
