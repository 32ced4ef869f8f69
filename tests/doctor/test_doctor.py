"""The running village examined, with what does not answer in time: a slow file, a dying card, a voice that fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from audio.failures import ClipStorageError, SpeechError
from gateway.condition import Condition
from gateway.failures import Trouble
from gateway.lanes import LaneStatus
from gateway.message import Channel
from tests.doctor.test_beyond import SPOKE, Sound
from village.doctor import doctor as examined
from village.doctor.doctor import Doctor, Village
from village.doctor.finding import Finding, Part, Verdict
from village.doctor.modem_seen import examine_modems, see_modem
from village.ground.clock import MovableClock, SystemClock
from village.ground.database import Database, DiskFullError
from village.link.county_link import LinkState

SeeModem = Callable[[str], Awaitable[Finding]]


class Rig:
    """A village's surroundings: what its lines, its voice and its county say is set by the test."""

    def __init__(self, db: Database, clock: MovableClock, folder: Path) -> None:
        self.status = [LaneStatus("modem", Channel.SMS, True, None, clock.now_ms(), 0, 1, broke=False, stuck=False)]
        self.condition: dict[str, Condition] = {"modem": Condition(operator="中国移动", signal=78)}
        self.sound: Sound | Exception = Sound(3.2, -20)
        self.look_waits = threading.Event()
        self.look_waits.set()
        self.looks = 0
        self.db, self.clock, self.folder = db, clock, folder
        self.doctor = self.made(clock)

    def made(self, clock: MovableClock | SystemClock, see_modem: SeeModem | None = None) -> Doctor:
        village = Village(self.folder, "0.1.0", 10, self._certificate, see_modem)
        return Doctor(self.db, clock, village, lines=self, county=self, voice=self)

    def unplug(self) -> None:
        since_ms = self.clock.now_ms() - 60_000
        self.status = [
            LaneStatus("modem", Channel.SMS, False, Trouble.UNPLUGGED, since_ms, 0, 1, broke=False, stuck=False)
        ]
        self.condition = {"modem": Condition(note="no_device")}

    def lanes(self) -> Sequence[LaneStatus]:
        return self.status

    def conditions(self) -> Mapping[str, Condition]:
        return self.condition

    async def state(self) -> LinkState:
        return SPOKE

    async def clip(self, text: str, *, fresh: bool = False) -> Sound:
        assert fresh, "a clip of yesterday says nothing of today"
        if isinstance(self.sound, Exception):
            raise self.sound
        return self.sound

    def _certificate(self) -> int | None:
        self.looks += 1
        self.look_waits.wait()
        return None

    async def of(self, part: Part) -> Finding:
        return next(finding for finding in await self.doctor.examine() if finding.part is part)


@pytest.fixture
async def rig(db: Database, clock: MovableClock, tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(db, clock, tmp_path)
    yield made
    made.look_waits.set()


async def test_every_part_of_a_running_village_is_examined(rig: Rig) -> None:
    parts = {finding.part for finding in await rig.doctor.examine_aloud()}
    assert parts >= {
        Part.SERVER, Part.LINE, Part.SIGNAL, Part.QUEUE, Part.SPEECH, Part.COUNTY, Part.CLOCK, Part.DISK, Part.KEYS,
        Part.CERTIFICATE, Part.MEMORY,
    }  # fmt: skip


async def test_the_server_says_since_when_it_runs(rig: Rig) -> None:
    await rig.clock.advance(26 * 3_600_000)
    assert str((await rig.of(Part.SERVER)).said) == "开着，从昨天 9:10起，版本 0.1.0"


async def test_a_line_that_went_down_comes_first(rig: Rig) -> None:
    rig.status = [
        LaneStatus("modem", Channel.SMS, False, Trouble.UNPLUGGED, rig.clock.now_ms(), 0, 1, broke=False, stuck=False)
    ]
    rig.condition = {"modem": Condition(note="no_device")}
    findings = await rig.doctor.examine()
    assert findings[0].part is Part.LINE
    assert "上网卡没有插好" in str(findings[0].said)


@pytest.mark.parametrize(
    ("bus", "words"),
    [("nowhere", "管上网卡的程序没有开"), (None, "上网卡没有插好")],
)
async def test_a_stick_that_is_missed_is_looked_for(rig: Rig, tmp_path: Path, bus: str | None, words: str) -> None:
    """The line cannot tell a stick that is not there from a ModemManager that does not run."""
    rig.status = [
        LaneStatus(
            "modem", Channel.SMS, False, Trouble.UNPLUGGED, rig.clock.now_ms() - 60_000, 0, 1, broke=False, stuck=False
        )
    ]
    rig.condition = {"modem": Condition(note="no_device")}
    if bus is not None:
        rig.doctor = rig.made(rig.clock, lambda name: see_modem("", f"unix:path={tmp_path / bus}", name=name))
    assert words in str((await rig.of(Part.LINE)).said)


async def test_a_stick_that_was_just_plugged_in_does_not_make_the_line_good(rig: Rig) -> None:
    async def there(name: str) -> Finding:
        assert name == "modem"
        return examine_modems([{"State": 8}], "")

    rig.status = [
        LaneStatus(
            "modem", Channel.SMS, False, Trouble.UNPLUGGED, rig.clock.now_ms() - 60_000, 0, 1, broke=False, stuck=False
        )
    ]
    rig.condition = {"modem": Condition(note="no_device")}
    rig.doctor = rig.made(rig.clock, there)
    assert (await rig.of(Part.LINE)).verdict is Verdict.BAD


async def test_a_village_without_lines(rig: Rig) -> None:
    rig.status = []
    assert (await rig.of(Part.LINE)).verdict is Verdict.MIND


@pytest.mark.parametrize(
    ("sound", "verdict"),
    [
        (Sound(3.2, -20), Verdict.GOOD),
        (SpeechError("no"), Verdict.BAD),
        (ClipStorageError("full"), Verdict.BAD),
        (TimeoutError(), Verdict.BAD),
    ],
)
async def test_the_voice_is_tried_when_asked_for_and_remembered(
    rig: Rig, sound: Sound | Exception, verdict: Verdict
) -> None:
    assert (await rig.of(Part.SPEECH)).verdict is Verdict.GOOD  # nobody waits for it
    rig.sound = sound
    await rig.doctor.speak()
    assert (await rig.of(Part.SPEECH)).verdict is verdict
    rig.sound = Sound(3.2, -20)
    await rig.doctor.speak()
    assert (await rig.of(Part.SPEECH)).verdict is Verdict.GOOD


async def test_a_voice_that_never_ends_is_given_up(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examined, "SPEAKING_S", 0.01)

    async def never(text: str, *, fresh: bool = False) -> Sound:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(rig, "clip", never)
    await rig.doctor.speak()
    assert (await rig.of(Part.SPEECH)).verdict is Verdict.BAD


async def test_a_card_that_hangs_is_said_and_asked_only_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examined, "PATIENCE_S", 0.05)
    rig.look_waits.clear()
    for _ in range(3):
        disk = await rig.of(Part.DISK)
        assert (disk.verdict, str(disk.said)) == (Verdict.BAD, "没有回应，多半是卡坏了")
    assert rig.looks == 1
    rig.look_waits.set()
    monkeypatch.setattr(examined, "PATIENCE_S", 5)
    assert (await rig.of(Part.DISK)).verdict is Verdict.GOOD
    assert rig.looks == 1


async def test_two_who_look_at_once_share_one_look(rig: Rig) -> None:
    now_ms = rig.clock.now_ms()
    one, other = await asyncio.gather(*(rig.doctor._surroundings(None, now_ms) for _ in range(2)))
    assert [finding.part for finding in one] == [finding.part for finding in other]
    assert rig.looks == 1
    await rig.doctor._surroundings(None, now_ms)
    assert rig.looks == 2


async def test_a_folder_that_is_gone_is_said(rig: Rig, tmp_path: Path) -> None:
    rig.folder = tmp_path / "unplugged"
    rig.doctor = rig.made(rig.clock)
    disk = await rig.of(Part.DISK)
    assert (disk.verdict, str(disk.said)) == (Verdict.BAD, "看不了：没有这个文件或文件夹")


async def test_a_file_that_does_not_answer_is_said_and_the_rest_is_there(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examined, "PATIENCE_S", 0.05)
    release = threading.Event()
    busy = [asyncio.create_task(rig.db.read(lambda _: release.wait())) for _ in range(2)]  # both readers
    await asyncio.sleep(0)
    try:
        findings = {finding.part: finding for finding in await rig.doctor.examine()}
    finally:
        release.set()
        await asyncio.gather(*busy)
    assert (findings[Part.DATABASE].verdict, str(findings[Part.DATABASE].said)) == (Verdict.BAD, "没有回答")
    assert findings[Part.LINE].verdict is Verdict.GOOD
    monkeypatch.setattr(examined, "PATIENCE_S", 5)
    assert Part.DATABASE not in {finding.part for finding in await rig.doctor.examine()}


async def test_a_full_disk_is_said_until_there_is_room(rig: Rig) -> None:
    await rig.db.write(lambda tx: tx.execute("PRAGMA max_page_count = 4").fetchall())
    with pytest.raises(DiskFullError):
        await rig.db.write(
            lambda tx: tx.executemany(
                "INSERT INTO clock_step (source, wall_ms, step_ms) VALUES ('desk', ?, 0)",
                ((n,) for n in range(100_000)),
            )
        )
    assert (await rig.of(Part.DISK)).verdict is Verdict.BAD
    await rig.db.write(lambda tx: tx.execute("PRAGMA max_page_count = 100000").fetchall())
    await rig.db.write(lambda tx: tx.execute("UPDATE clock_mark SET wall_ms = 1"))
    assert (await rig.of(Part.DISK)).verdict is Verdict.GOOD


async def test_a_real_clock_says_who_set_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("village.ground.clock.KernelClock.__call__", lambda _: False)
    clock = SystemClock()
    rig.doctor = rig.made(clock)
    assert (await rig.of(Part.CLOCK)).verdict is Verdict.BAD
    now_ms = clock.now_ms()
    clock.tell(now_ms)
    await rig.db.write(
        lambda tx: tx.execute("INSERT INTO clock_step (source, wall_ms, step_ms) VALUES ('modem', ?, 0)", (now_ms,))
    )
    told = await rig.of(Part.CLOCK)
    assert told.verdict is Verdict.GOOD
    assert "照运营商的网对过" in str(told.said)
    monkeypatch.setattr("village.ground.clock.KernelClock.__call__", lambda _: True)
    assert clock.follow_kernel() is not None
    assert "跟着互联网" in str((await rig.of(Part.CLOCK)).said)
