"""What 上门17 3 comes to: whether this phone's holder leads a group, which list he has in hand, which doors he means.

Reads only. Never ticks for anybody but a leader on a phone the roster knows as his, never another group's household,
and never guesses: 上门173 is 3 of notice 17, or 73 of notice 1, only where no more than one of them is on his lists.
"""

from __future__ import annotations

from dataclasses import dataclass

from village.ground.wording import say
from village.keywords.commands import DoorTick
from village.keywords.decision import Decision, Intent, TickDoors
from village.keywords.door_replies import DoorReplies
from village.keywords.of_suggestions import suggestion
from village.keywords.reading import Reading
from village.notices import leaders_store
from village.notices.notice import Notice, State
from village.notices.running import running
from village.notices.store import newest_by_number
from village.notices.tick_doors import Listed, listed
from village.notices.who_leads import groups_led
from village.people.store import PhoneRow


@dataclass(frozen=True, slots=True)
class _List:
    """A leader's list: of which notice, in which group, and the wording of the one he had when he wrote."""

    notice: Notice
    group_no: int
    leader: str
    version: int

    @property
    def concerns(self) -> str:
        return f"notice/{self.notice.id}"


def doors(reading: Reading, phone: PhoneRow, command: DoorTick) -> Decision:
    """`confirm` where a tick would be stored or is stored, `service` where the list is asked for, else `clarify`."""
    replies = DoorReplies(reading.replies)
    led = groups_led(reading.tx, phone.id)
    if not led:
        if not command.clear or not command.groups:
            return suggestion(reading, phone, reading.text)
        return Decision(Intent.CLARIFY, say("不是组长的手机，不能勾上门单"), replies.not_leader())
    if not command.clear:
        return Decision(Intent.CLARIFY, say("像是勾上门单，没看懂是几号"), replies.how())
    if not command.groups:
        return _open_lists(reading, led)
    return _of_list(reading, led, command)


def _of_list(reading: Reading, led: dict[int, str], command: DoorTick) -> Decision:
    replies = DoorReplies(reading.replies)
    meant = _meant(reading, led, command)
    if len(meant) != 1:
        number = int(command.groups[0])
        if meant or number > 99:
            return Decision(Intent.CLARIFY, say("像是勾上门单，没看懂是几号"), replies.how())
        why = say("他的组没有通知{number}的上门单", number=number)
        return Decision(Intent.CLARIFY, why, replies.no_list(number))
    ((ours, numbers),) = meant
    notice = ours.notice
    if notice.state is not State.SENT:
        why = say("通知{number}已经停发", number=notice.number)
        return Decision(Intent.CLARIFY, why, replies.stopped(notice), concerns=ours.concerns)
    if ours.version != notice.version:
        why = say("通知{number}已经更正，他手上的单子是旧的", number=notice.number)
        return Decision(Intent.CLARIFY, why, replies.corrected(notice), concerns=ours.concerns)
    had = _numbers_on(reading, ours)
    on_it = [one for one in listed(reading.tx, notice, ours.group_no) if one.number in had]
    if numbers is not None and not numbers:
        left = [one for one in on_it if not one.told]
        why = say("看通知{number}的上门单", number=notice.number)
        return Decision(Intent.SERVICE, why, replies.left(notice, left), concerns=ours.concerns)
    return _ticking(reading, ours, on_it, numbers)


def _ticking(reading: Reading, ours: _List, on_it: list[Listed], numbers: tuple[int, ...] | None) -> Decision:
    """A number that is not on the list spoils the whole text: perhaps every number of it was meant otherwise."""
    wrong = sorted(set(numbers or ()) - {one.number for one in on_it})
    if wrong or not on_it:
        why = say("通知{number}的上门单没有这个号", number=ours.notice.number)
        reply = DoorReplies(reading.replies).not_listed(
            ours.notice, wrong, max((one.number for one in on_it), default=0)
        )
        return Decision(Intent.CLARIFY, why, reply, concerns=ours.concerns)
    return Decision(
        Intent.CONFIRM,
        say("{leader}上门说到了，通知{number}", leader=ours.leader, number=ours.notice.number),
        effects=(
            TickDoors(
                ours.notice.id,
                ours.group_no,
                ours.version,
                numbers,
                ours.leader,
                frozenset(one.number for one in on_it),
            ),
        ),
        concerns=ours.concerns,
    )


def _meant(reading: Reading, led: dict[int, str], command: DoorTick) -> list[tuple[_List, tuple[int, ...] | None]]:
    """Every reading that fits a list he has; `()`: the list itself is asked for, None: everybody on it."""
    first, *rest = command.groups
    if command.everybody:
        return [(ours, None) for ours in _lists(reading, led, first)] if not rest else []
    if rest:
        return [(ours, tuple(int(number) for number in rest)) for ours in _lists(reading, led, first)]
    if len(first) <= 2:
        return [(ours, ()) for ours in _lists(reading, led, first)]
    return [
        (ours, (door,))
        for at in (1, 2)
        if (door := int(first[at:])) and first[at] != "0"
        for ours in _lists(reading, led, first[:at])
        if door in _numbers_on(reading, ours)
    ]


def _numbers_on(reading: Reading, ours: _List) -> set[int]:
    return leaders_store.numbers_in_hand(
        reading.tx, ours.notice.id, ours.version, ours.group_no, reading.answered_ms, waiting=reading.rehearsed
    )


def _lists(reading: Reading, led: dict[int, str], number: str) -> list[_List]:
    """The lists of that notice number; more than one only where one phone is held by leaders of several groups."""
    notice = newest_by_number(reading.tx, int(number)) if len(number) <= 2 else None
    return [] if notice is None else _lists_of(reading, led, notice)


def _lists_of(reading: Reading, led: dict[int, str], notice: Notice) -> list[_List]:
    found = []
    for group_no, leader in led.items():
        version = leaders_store.version_in_hand(
            reading.tx, notice.id, group_no, reading.answered_ms, waiting=reading.rehearsed
        )
        if version is not None:
            found.append(_List(notice, group_no, leader, version))
    return found


def _open_lists(reading: Reading, led: dict[int, str]) -> Decision:
    """上门 alone: the one list that is open, or which there are."""
    replies = DoorReplies(reading.replies)
    notices = running(reading.tx, reading.office, reading.now_ms)
    found: list[tuple[Notice, list[Listed]]] = []
    for group_no, leader in led.items():
        for notice in notices:
            had = _numbers_on(reading, _List(notice, group_no, leader, notice.version))
            left = [one for one in listed(reading.tx, notice, group_no) if not one.told and one.number in had]
            if left:
                found.append((notice, left))
    why = say("看要上门的")
    if not found:
        return Decision(Intent.SERVICE, why, replies.none_open())
    if len(found) == 1:
        return Decision(Intent.SERVICE, why, replies.left(*found[0]), concerns=f"notice/{found[0][0].id}")
    return Decision(Intent.SERVICE, why, replies.lists([(notice, len(left)) for notice, left in found]))
