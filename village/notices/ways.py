"""Which phone gets what: pure rules from a list of people to copies, one per shared phone.

Never sends anything and never looks anything up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.message import Channel
from village.notices.notice import Channels, UnitKind
from village.people.store import Addressee, PhoneRow


class NoWay(StrEnum):
    """Why no copy goes to a household or person."""

    NO_PHONE = "no_phone"
    OPTED_OUT = "opted_out"
    NO_CHANNEL = "no_channel"
    """Only a landline, and the notice makes no calls; or the other way round."""
    NO_LINE = "no_line"
    """The notice wants to go the way they are reached, and the village has no line for it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A household, or a person where persons were addressed."""

    household_id: int
    resident_id: int | None
    group_no: int
    name: str
    born: str | None
    alone: bool
    away: bool
    no_way: NoWay | None

    @property
    def key(self) -> tuple[int, int | None]:
        return self.household_id, self.resident_id


@dataclass(frozen=True, slots=True)
class Delivery:
    """One phone, the channels it is reached by, and the units (by place in the list) its copy serves."""

    phone: PhoneRow
    channels: tuple[Channel, ...]
    serves: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Allotment:
    units: tuple[Unit, ...]
    deliveries: tuple[Delivery, ...]
    people: int

    def count(self, channel: Channel) -> int:
        return sum(channel in delivery.channels for delivery in self.deliveries)


@dataclass(slots=True)
class _Served:
    phone: PhoneRow
    channels: dict[Channel, None] = field(default_factory=dict)
    units: dict[int, None] = field(default_factory=dict)


def allot(
    addressees: Sequence[Addressee], kind: UnitKind, channels: Channels, *, usable: Channels | None = None
) -> Allotment:
    """Everybody's copies; a phone shared by several gets one copy that serves them all.

    `usable`: those of the channels that the village has a line for; None: all.
    """
    usable = channels if usable is None else usable
    members: dict[tuple[int, int | None], list[Addressee]] = {}
    for person in addressees:
        key = (person.household_id, person.resident_id if kind is UnitKind.PERSON else None)
        members.setdefault(key, []).append(person)
    served: dict[int, _Served] = {}
    for place, people in enumerate(members.values()):
        for person in people:
            for phone, ways in ways_to(person.phones, usable):
                copy = served.setdefault(phone.id, _Served(phone))
                copy.channels.update(dict.fromkeys(ways))
                copy.units[place] = None
    reached = {place for copy in served.values() for place in copy.units}
    units = tuple(
        _unit(key, people, kind, None if place in reached else why_no_way(people, channels))
        for place, (key, people) in enumerate(members.items())
    )
    deliveries = tuple(Delivery(copy.phone, tuple(copy.channels), tuple(copy.units)) for copy in served.values())
    return Allotment(units, deliveries, len(addressees))


def ways_to(phones: Iterable[PhoneRow], channels: Channels) -> list[tuple[PhoneRow, tuple[Channel, ...]]]:
    """The phones of one person that get a copy, and by which channels.

    A landline is rung only for somebody whose mobiles get nothing: a call costs a minute of the one line, and the same
    words have reached the mobile. A notice is no alert: whoever opted out of notices gets none.
    """
    willing = [phone for phone in phones if phone.opted == "all"]
    mobiles = [(phone, ways) for phone in willing if phone.kind == "mobile" and (ways := _ways(phone, channels))]
    if mobiles:
        return mobiles
    return [(phone, ways) for phone in willing if phone.kind != "mobile" and (ways := _ways(phone, channels))]


def _ways(phone: PhoneRow, channels: Channels) -> tuple[Channel, ...]:
    """What the owner chose, as far as the notice goes that way; else the way it goes, where the phone can take it."""
    if phone.kind == "landline":
        return (Channel.CALL,) if channels.call else ()
    wanted = [
        channel
        for channel, named, sent in (
            (Channel.SMS, phone.channel != "call", channels.sms),
            (Channel.CALL, phone.channel != "sms", channels.call),
        )
        if named and sent
    ]
    if wanted:
        return tuple(wanted)
    if channels.sms:
        return (Channel.SMS,)
    return (Channel.CALL,) if channels.call else ()


def why_no_way(people: Sequence[Addressee], channels: Channels) -> NoWay:
    """Of people who get no copy; `channels` are the notice's, whether there is a line for them or not."""
    phones = [phone for person in people for phone in person.phones]
    if not phones:
        return NoWay.NO_PHONE
    if all(phone.opted != "all" for phone in phones):
        return NoWay.OPTED_OUT
    return NoWay.NO_LINE if ways_to(phones, channels) else NoWay.NO_CHANNEL


def _unit(key: tuple[int, int | None], people: Sequence[Addressee], kind: UnitKind, no_way: NoWay | None) -> Unit:
    first = people[0]
    eldest = min((person.born.iso() for person in people if person.born is not None), default=None)
    return Unit(
        household_id=key[0],
        resident_id=key[1],
        group_no=first.group_no,
        name=first.name if kind is UnitKind.PERSON else first.household,
        born=eldest,
        alone=any(person.lives_alone for person in people),
        away=all(person.away for person in people),
        no_way=no_way,
    )
