"""Facts about whole calls: the gateway, its queue and its scripts on SIP lines, phones that hear and press."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from gateway.gateway import Gateway, Settings
from gateway.message import CallStep
from gateway.script import Node, Script
from tests.gateway.conftest import Recorder, call_draft
from tests.gateway.sip.conftest import NUMBERS, Office, Phone, Samples, Wave, clip, likeness, samples_of, soon
from village.ground.clock import SystemClock
from village.ground.database import Database
from village.ground.privacy import Vault

pytestmark = pytest.mark.needs("baresip")

VOTE = Script(
    {
        "start": Node(("东路口装不装减速带。",), {"1": "yes", "2": "no"}, wait_ms=20_000, leads_on=True, heard=True),
        "yes": Node(("您选的是同意。",), {"8": "done", "7": "start"}, wait_ms=20_000),
        "no": Node(("您选的是不同意。",), {"8": "done", "7": "start"}, wait_ms=20_000),
        "done": Node(("记下了。",)),
    }
)


class NoiseVoice:
    """A clip like no other for every text."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.clips: dict[str, Wave] = {}

    async def clip(self, text: str, *, slow: bool = False) -> Wave:
        if text not in self.clips:
            seed = len(self.clips)
            self.clips[text] = clip(self._folder / f"voice{seed}.wav", seed=seed + 100, seconds=1.0)
        return self.clips[text]


class Village:
    """A gateway whose only calls go over the office's SIP lines, in real time."""

    def __init__(self, office: Office, db: Database, vault: Vault, folder: Path, lines: int) -> None:
        self.recorder = Recorder()
        self.voice = NoiseVoice(folder)
        self.db = db
        self.gateway = Gateway(
            db=db, clock=SystemClock(), vault=vault, events=self.recorder, sms=[], calls=[office.open(lines=lines)],
            voice=self.voice, settings=Settings(quiet=None),
        )  # fmt: skip

    async def __aenter__(self) -> Village:
        await self.gateway.recover()
        self._running = asyncio.create_task(self.gateway.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)

    async def call(self, *numbers: str, script: Script = VOTE) -> list[int]:
        drafts = [call_draft(number, script, reference=f"poll/1/{number}") for number in numbers]
        return await self.db.write(lambda tx: self.gateway.outbox.enqueue_many(tx, drafts))

    def steps(self, message_id: int) -> list[str]:
        events = [event for event in self.recorder.calls if event.message_id == message_id]
        return [event.what if event.key is None else f"{event.what} {event.key}" for event in events]

    async def hears(self, phone: Phone, text: str) -> None:
        await soon(lambda: text in self.voice.clips and likeness(phone.heard(), self.said(text)) >= 0.99)

    async def reaches(self, message_id: int, state: str, error: str) -> None:
        def unit(tx: sqlite3.Connection) -> tuple[str, str]:
            row = tx.execute("SELECT state, error FROM message WHERE id = ?", (message_id,)).fetchone()
            return row["state"], row["error"]

        async with asyncio.timeout(25):
            with self.db.changed() as changed:
                while await self.db.read(unit) != (state, error):
                    await changed.wait()
                    changed.clear()

    def said(self, text: str) -> Samples:
        return samples_of(self.voice.clips[text].path)


async def test_a_poll_is_voted_read_back_and_confirmed_in_one_call(
    office: Office, db: Database, vault: Vault, tmp_path: Path
) -> None:
    phone = await office.phone()
    async with Village(office, db, vault, tmp_path, lines=1) as village:
        (call,) = await village.call(NUMBERS[0])
        await phone.sees("CALL_ESTABLISHED")
        await soon(lambda: list(phone.folder.glob("dump-*-dec.wav")))
        await village.hears(phone, "东路口装不装减速带。")
        await phone.press("2")
        await village.hears(phone, "您选的是不同意。")
        await phone.press("7")
        await soon(lambda: f"{CallStep.KEY} 7" in village.steps(call))
        await phone.press("1")
        await village.hears(phone, "您选的是同意。")
        await phone.press("8")
        await phone.sees("CALL_CLOSED")
        await soon(lambda: CallStep.ENDED in village.steps(call))
        assert village.steps(call) == ["answered", "heard", "key 2", "key 7", "key 1", "key 8", "ended"]
        assert [event["type"] for event in phone.events].count("CALL_ESTABLISHED") == 1
        assert likeness(phone.heard(), village.said("记下了。")) >= 0.99


async def test_two_households_at_once_vote_differently(
    office: Office, db: Database, vault: Vault, tmp_path: Path
) -> None:
    yes, no = await office.phone(), await office.phone()
    async with Village(office, db, vault, tmp_path, lines=2) as village:
        calls = await village.call(*NUMBERS[:2])
        for phone, key, read_back, other in (
            (yes, "1", "您选的是同意。", "您选的是不同意。"),
            (no, "2", "您选的是不同意。", "您选的是同意。"),
        ):
            await phone.sees("CALL_ESTABLISHED")
            await phone.press(key)
            await soon(lambda phone=phone: list(phone.folder.glob("dump-*-dec.wav")))
            await village.hears(phone, read_back)
            assert likeness(phone.heard(), village.said(other)) < 0.1
            await phone.press("8")
            await phone.sees("CALL_CLOSED")
        for call, key in zip(calls, "12", strict=True):
            await soon(lambda call=call: CallStep.ENDED in village.steps(call))
            assert [step for step in village.steps(call) if "key" in step] == [f"key {key}", "key 8"]


async def test_baresip_killed_while_it_rings_is_dialled_again(
    office: Office, db: Database, vault: Vault, tmp_path: Path
) -> None:
    phone = await office.phone(answers=False)
    async with Village(office, db, vault, tmp_path, lines=1) as village:
        (call,) = await village.call(NUMBERS[0])
        await phone.sees("CALL_INCOMING")
        assert office.sip is not None
        os.kill(office.sip.pids[0], signal.SIGKILL)
        await soon(lambda: CallStep.ENDED in village.steps(call))
        await village.reaches(call, "queued", "other/line died")
