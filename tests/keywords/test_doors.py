"""上门17 3: what a leader types, what is ticked by it, and who may not."""

from __future__ import annotations

import sqlite3

import pytest

from gateway.message import State
from gateway.phone import Phone, PhoneKind
from gateway.segments import count
from gateway.simulated.carrier import Carrier
from tests.keywords.conftest import LI, SHARED, STRANGER, WANG, Street
from tests.keywords.on_air import on_air, until
from village.commands.interpret import rehearsed
from village.keywords.commands import DoorTick, FreeText, PollChoice, Unclear
from village.keywords.door_replies import DoorReplies
from village.keywords.grammar import read
from village.keywords.replies import Replies
from village.notices.correct_notice import correct_notice
from village.notices.leaders import tell_leaders, told_groups
from village.notices.notice import Channels, Notice, Order
from village.notices.send_notice import send_notice
from village.notices.stop_notice import stop_notice
from village.notices.tick_doors import Listed, Ticked
from village.people import changes_store, phones
from village.people.audience import Audience

HOUR = 3_600_000
LEADER = "+8619900000031"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("上门17 3", DoorTick(("17", "3"))),
        ("上门１７ ３", DoorTick(("17", "3"))),
        ("上門17 3", DoorTick(("17", "3"))),
        ("上门 17  3", DoorTick(("17", "3"))),
        ("上门17 1 3 5", DoorTick(("17", "1", "3", "5"))),
        ("上门17、3、5", DoorTick(("17", "3", "5"))),
        ("上门17,3.", DoorTick(("17", "3"))),
        ("上门通知17:1、3", DoorTick(("17", "1", "3"))),
        ("上门17 三", DoorTick(("173",))),
        ("上门17 3号 5号", DoorTick(("17", "3", "5"))),
        ("上门17 3号家说到了", DoorTick(("17", "3"))),
        ("上门17 3号 5号都说了", DoorTick(("17", "3", "5"))),
        ("上门17 家家都说了", DoorTick(("17",), everybody=True)),
        ("上门17 3家说到了", DoorTick(clear=False)),  # three of them, or number 3
        ("上门1 3家都说了", DoorTick(clear=False)),
        ("上门17 5人", DoorTick(clear=False)),
        ("上门17 三户说了", DoorTick(clear=False)),
        ("上门1 全家都说了", DoorTick(clear=False)),  # one family, or the whole list
        ("上门1 3 全家都说了", DoorTick(clear=False)),
        ("上门17家都说了", DoorTick(clear=False)),
        ("上门17 3 5 都说了", DoorTick(("17", "3", "5"))),
        ("您好,上门17 3 谢谢", DoorTick(("17", "3"))),
        ("SM17 3", DoorTick(("17", "3"))),
        ("ｓｍ１７　３", DoorTick(("17", "3"))),
        ("sm173", DoorTick(("173",))),
        ("上门173", DoorTick(("173",))),
        ("上门１７３", DoorTick(("173",))),
        ("上门17全部", DoorTick(("17",), everybody=True)),
        ("上门17都说到了", DoorTick(("17",), everybody=True)),
        ("上门17", DoorTick(("17",))),
        ("上门单17", DoorTick(("17",))),
        ("上门", DoorTick()),
        ("SM", DoorTick()),
        ("上门17 1-5", DoorTick(clear=False)),
        ("上门17 1到5", DoorTick(clear=False)),
        ("上门17 十三", DoorTick(clear=False)),
        ("上门17 3没人", DoorTick(clear=False)),
        ("上门17 3 5全部", DoorTick(("17", "3", "5"), everybody=True, clear=False)),
        ("上门收医保吗", FreeText("上门收医保吗", ballotish=False)),
        ("上门服务什么时候来", FreeText("上门服务什么时候来", ballotish=False)),
    ],
)
def test_what_a_leader_types(text: str, command: object) -> None:
    assert read(text) == command


def test_thirty_doors_in_one_text() -> None:
    numbers = tuple(str(number) for number in range(1, 31))
    assert read("上门17 " + " ".join(numbers)) == DoorTick(("17", *numbers))


@pytest.mark.parametrize("text", ["173", "17 3", "17#3", "1 3 5"])
def test_digits_alone_never_tick(text: str) -> None:
    assert isinstance(read(text), PollChoice | Unclear)


@pytest.fixture
async def led(street: Street) -> Street:
    """Group 1 has a leader, and two households without a phone; nobody else leads."""

    def settle(tx: sqlite3.Connection) -> None:
        hand = changes_store.Hand("测试", street.clock.now_ms())
        for head, number in (("赵组长", LEADER), ("孙大娘", None), ("钱老汉", None)):
            household = changes_store.add_household(tx, hand, head=head, group_no=1)
            resident = changes_store.add_resident(tx, hand, household_id=household, position=0, name=head)
            street.residents[head] = resident
            if number:
                phone_id = phones.admit(tx, street.means.vault, Phone(number, PhoneKind.MOBILE), hand.at_ms)
                phones.hold(tx, phone_id, resident, "desk", by="测试", at_ms=hand.at_ms)
                changes_store.set_field(tx, hand, resident, "group_leader", 1)
                street.phones[number] = phone_id

    await street.db.write(settle)
    return street


async def told(street: Street) -> Notice:
    """A notice, three hours later the list of those nothing reaches, in the leader's hand."""
    notice = await street.sends()
    await street.clock.advance(3 * HOUR - 40 * 60_000)

    def unit(tx: sqlite3.Connection) -> None:
        assert tell_leaders(tx, street.means, street.clock.now_ms(), trusted=True) == 1
        street.carry(tx)

    await street.db.write(unit)
    await street.clock.advance(60_000)
    return notice


async def ticks(street: Street) -> list[tuple[str, str]]:
    rows = await street.ask(
        "SELECT u.name, d.ticked_by FROM door_visit d JOIN notice_unit u ON u.id = d.unit_id"
        " WHERE d.ticked_ms IS NOT NULL ORDER BY u.place"
    )
    return [(row["name"], row["ticked_by"]) for row in rows]


async def test_one_text_ticks_and_says_what_is_left(led: Street) -> None:
    await told(led)
    answer = await led.says(LEADER, "上门１ ２")
    assert (answer.intent, answer.key) == ("confirm", "DOOR_OK")
    assert answer.text == "通知1记下1家:2钱老汉。还剩1家:1孙大娘。说到一家回 上门1 1"
    assert await ticks(led) == [("钱老汉", "赵组长")]
    via = await led.ask("SELECT via, recorded_by FROM notice_confirmation WHERE lapsed_ms IS NULL")
    assert [tuple(row) for row in via] == [("door", "赵组长")]
    last = await led.says(LEADER, "上门1全部")
    assert last.text == "通知1记下1家:1孙大娘。您这一组都说到了,谢谢"


async def test_ticking_again_changes_nothing_and_is_answered_politely(led: Street) -> None:
    await told(led)
    await led.says(LEADER, "上门1 1")
    before = await led.ask("SELECT ticked_ms, ticked_by FROM door_visit")
    await led.clock.advance(60_000)
    again = await led.says(LEADER, "上门1 1")
    assert (again.intent, again.key) == ("confirm", "DOOR_SAME")
    assert again.text == "通知1已记过:1孙大娘。还剩1家:2钱老汉。说到一家回 上门1 2"
    assert [tuple(row) for row in await led.ask("SELECT ticked_ms, ticked_by FROM door_visit")] == [
        tuple(row) for row in before
    ]


async def test_without_a_space_only_what_is_on_the_list_is_meant(led: Street) -> None:
    await told(led)
    assert (await led.says(LEADER, "上门11")).key == "DOOR_NONE"  # notice 11: there is none
    assert (await led.says(LEADER, "上门1 02")).key == "DOOR_OK"
    assert (await led.says(LEADER, "上门105")).key == "DOOR_HOW"
    assert await ticks(led) == [("钱老汉", "赵组长")]


async def test_notice_17_without_a_space(led: Street) -> None:
    notice = await told(led)
    await led.db.write(lambda tx: tx.execute("UPDATE notice SET number = 17 WHERE id = :id", {"id": notice.id}))
    answer = await led.says(LEADER, "上门172")
    assert answer.text is not None
    assert answer.text.startswith("通知17记下1家:2钱老汉")
    assert await ticks(led) == [("钱老汉", "赵组长")]


@pytest.mark.parametrize(
    ("text", "key"),
    [("上门1 9", "DOOR_BAD"), ("上门1 1 9", "DOOR_BAD"), ("上门5 1", "DOOR_NONE"), ("上门1 1-2", "DOOR_HOW"),
     ("上门99999", "DOOR_HOW"), ("上门1 2家都说了", "DOOR_HOW"), ("上门1 2人", "DOOR_HOW"),
     ("上门1 全家都说了", "DOOR_HOW")],
)  # fmt: skip
async def test_what_is_not_on_the_list_ticks_nobody(led: Street, text: str, key: str) -> None:
    await told(led)
    answer = await led.says(LEADER, text)
    assert (answer.intent, answer.key) == ("clarify", key)
    assert await ticks(led) == []


async def test_the_list_is_repeated_when_asked_for(led: Street) -> None:
    await told(led)
    for text in ("上门", "上门1", "SM1"):
        answer = await led.says(LEADER, text)
        assert (answer.intent, answer.text) == ("service", "通知1还剩2家:1孙大娘 2钱老汉。说到一家回 上门1 1")
    await led.says(LEADER, "上门1全部")
    assert (await led.says(LEADER, "上门")).text == "您这一组现在没有要上门的,谢谢"


async def test_nobody_else_may_tick(led: Street) -> None:
    await told(led)
    villager = await led.says(LI, "上门1 1")
    assert (villager.intent, villager.key) == ("clarify", "DOOR_NO")
    assert villager.text is not None
    assert villager.text.startswith("没有记:上门单只有组长能勾")
    assert (await led.says(STRANGER, "上门1 1")).key == "UNREG"
    assert (await led.says(LI, "上门17号来过吗")).intent == "suggestion"
    await led.db.write(
        lambda tx: changes_store.set_field(
            tx, changes_store.Hand("测试", led.clock.now_ms()), led.residents["王德福"], "group_leader", 1
        )
    )
    other = await led.says(WANG, "上门1 1")  # he leads group 3
    assert other.text == "没有记:您这一组没有通知1的上门单。看有哪些回 上门"
    assert await ticks(led) == []


async def test_a_corrected_notice_is_not_ticked_by_the_old_list(led: Street) -> None:
    notice = await told(led)
    await led.clock.advance(60_000)
    written_ms = led.clock.now_ms()
    await led.clock.advance(60_000)

    def correct(tx: sqlite3.Connection) -> None:
        correct_notice(
            tx, led.means, notice.id, text="停水改到12月7日", due_ms=None, seen_version=1, by="陈会计",
            now_ms=led.clock.now_ms(),
        )  # fmt: skip
        led.carry(tx)

    await led.db.write(correct)
    answer = await led.says(LEADER, "上门1 1")
    assert (answer.intent, answer.key) == ("clarify", "DOOR_OLD")
    assert answer.text == "没有记:通知1已经更正,您手上的上门单是旧的。请按更正的再去说,新的单子会发给您"
    await led.clock.advance(5 * HOUR)

    def tell(tx: sqlite3.Connection) -> None:
        assert tell_leaders(tx, led.means, led.clock.now_ms(), trusted=True) == 1
        led.carry(tx)

    await led.db.write(tell)
    late = await led.says(LEADER, "上门1 2", centre_ms=written_ms)  # was on its way while the new list was made
    assert late.key == "DOOR_OLD"
    assert (await led.says(LEADER, "上门1 1")).key == "DOOR_OK"


async def test_a_stopped_notice_sends_nobody_out(led: Street) -> None:
    notice = await told(led)
    await led.db.write(
        lambda tx: stop_notice(tx, led.means, notice.id, seen_version=1, by="陈会计", now_ms=led.clock.now_ms())
    )
    assert (await led.says(LEADER, "上门1 1")).text == "通知1已经停发,不用再上门了,谢谢"
    assert await ticks(led) == []


async def test_many_ticks_are_all_answered_and_a_9_stays_a_9(led: Street) -> None:
    await told(led)
    nine = await led.says(LEADER, "9")
    assert nine.intent == "confirm"
    via = await led.ask("SELECT via FROM notice_confirmation WHERE lapsed_ms IS NULL")
    assert [row["via"] for row in via] == ["sms"]
    for _ in range(6):
        await led.says(LEADER, "上门1")
    assert (await led.says(LEADER, "上门1 1")).key == "DOOR_OK"


async def test_interpret_says_it_without_doing_it(led: Street) -> None:
    await told(led)
    for _ in range(2):
        decision = await rehearsed(led.db, led.answering, LEADER, "上门1 1")
        assert decision.intent.value == "confirm"
        assert decision.reply is not None
        assert decision.reply.text.startswith("【青山村】通知1记下1家:1孙大娘")
        assert str(decision.why) == "赵组长上门说到了，通知1"
    assert (await rehearsed(led.db, led.answering, LI, "上门1 1")).intent.value == "clarify"
    assert await ticks(led) == []


async def test_the_longest_answer_is_three_parts(led: Street) -> None:
    notice = await told(led)
    replies = DoorReplies(Replies("阿勒泰库木村", "057188001234"))
    names = ["阿卜杜热西提·阿卜杜克热木", "王德福", "李桂英"]
    doors = tuple(Listed(number, number, names[number % 3], alone=True, told=False) for number in range(1, 80))
    for split in (0, 1, 40, 79):
        reply = replies.ticked(Ticked(notice, doors[:split], (), doors[split:]))
        assert count(reply.text).parts <= 3
        assert f"还剩{79 - split}家" in reply.text or split == 79


async def test_on_the_real_gateway_a_leader_is_told_once_and_ticks(led: Street) -> None:
    """Cut off after every step: one list on his handset, one tick, one answer."""
    led.without_calls()
    carrier = Carrier.open(None, led.clock, seed=11)
    for number in (LEADER, WANG, LI, SHARED):
        carrier.add(number)
    notice = await led.db.write(
        lambda tx: send_notice(tx, led.means, Order("停水一天", Audience.everyone(), Channels()), led.clock.now_ms())
    )

    def heard(words: str) -> list[str]:
        return [note.text for note in carrier.thread(LEADER) if words in note.text and note.text.startswith("【")]

    async with on_air(led, carrier):
        await until(led, lambda: bool(carrier.thread(LEADER)))
    await led.clock.advance(2 * HOUR)
    for _ in range(3):
        await led.db.write(lambda tx: tell_leaders(tx, led.means, led.clock.now_ms(), trusted=True))
        async with on_air(led, carrier):
            await led.clock.advance(700)
    async with on_air(led, carrier):
        await until(led, lambda: bool(heard("没听到")))
        assert heard("没听到") == ["【青山村】通知1还有2家没听到:1孙大娘 2钱老汉。说到一家回 上门1 1"]
        carrier.send_from(LEADER, "上门１２")
        carrier.send_from(LEADER, "上门1 2")
        await until(led, lambda: len(heard("通知1")) >= 3)
        await until(led, lambda: bool(heard("没有通知12") and heard("记下1家:2钱老汉")))
    assert await ticks(led) == [("钱老汉", "赵组长")]
    assert len(heard("没听到")) == 1
    view = await led.db.read(lambda tx: told_groups(tx, notice, led.means.office, led.clock.now_ms()))
    assert view[1].letters[0].state is State.DELIVERED
    carrier.close()


async def test_a_list_that_still_waits_is_ticked_by_nobody(led: Street) -> None:
    """上门1全部 is about the list he has read: the second one, made meanwhile, is not in his hand yet."""
    await told(led)
    await led.clock.advance(24 * HOUR)
    assert await led.db.write(lambda tx: tell_leaders(tx, led.means, led.clock.now_ms(), trusted=True)) >= 1
    assert (await led.says(LEADER, "上门1 3")).key == "DOOR_BAD"
    assert (await led.says(LEADER, "上门13")).key == "DOOR_NONE"
    asked = await led.says(LEADER, "上门")
    assert asked.text == "通知1还剩2家:1孙大娘 2钱老汉。说到一家回 上门1 1"
    answer = await led.says(LEADER, "上门1全部")
    assert answer.text == "通知1记下2家:1孙大娘 2钱老汉。单子上的都说到了,还有2家的单子随后发给您"
    assert [name for name, _ in await ticks(led)] == ["孙大娘", "钱老汉"]
    written_ms = led.clock.now_ms()
    await led.clock.advance(60_000)
    await led.db.write(led.carry)
    assert (await led.says(LEADER, "上门1全部", centre_ms=written_ms)).key == "DOOR_SAME"
    assert len(await ticks(led)) == 2  # it was on its way while the second list was taken
    await led.clock.advance(60_000)
    assert (await led.says(LEADER, "上门1全部")).key == "DOOR_OK"
    assert len(await ticks(led)) == 4
