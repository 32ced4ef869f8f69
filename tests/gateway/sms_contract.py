"""What every SMS transport has to keep, as tests. A transport's own test module subclasses this and gives it a rig."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Protocol

import pytest

from gateway.failures import (
    CannotAskError,
    OutcomeUnknownError,
    RejectedError,
    RetryLaterError,
    TransportDownError,
    Trouble,
)
from gateway.message import Priority, State
from gateway.segments import count
from gateway.transport import Inbound, Parcel, Report, Ring, SmsTransport


class CarrierRig(Protocol):
    """A transport and the (simulated, emulated, stand-in) carrier behind it."""

    transport: SmsTransport
    number: str
    dead_number: str
    busy_number: str

    async def until(self, reached: Callable[[], object]) -> None:
        """Let time pass until it is so."""
        ...

    def texts_on(self, number: str) -> list[str]: ...

    def villager_sends(self, number: str, text: str) -> None: ...

    def take_down(self) -> None: ...

    def bring_back(self) -> None: ...


@dataclass
class Ear:
    """A sink that remembers; `refuse` makes it fail once, as a full disk does."""

    reports: list[Report] = field(default_factory=list)
    texts: list[Inbound] = field(default_factory=list)
    link: list[str] = field(default_factory=list)
    rings: list[Ring] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    refuse: int = 0

    async def report(self, report: Report) -> None:
        self._maybe_refuse()
        self.reports.append(report)

    async def received(self, inbound: Inbound) -> bool:
        self._maybe_refuse()
        self.texts.append(inbound)
        return True

    async def rang(self, ring: Ring) -> bool:
        self._maybe_refuse()
        self.rings.append(ring)
        return True

    async def network_time(self, wall_ms: int) -> None:
        self.times.append(wall_ms)

    def up(self) -> None:
        self.link.append("up")

    def down(self, trouble: Trouble, code: str = "") -> None:
        self.link.append(f"down {trouble}")

    def _maybe_refuse(self) -> None:
        if self.refuse:
            self.refuse -= 1
            raise OSError("no room")


def parcel(to: str, text: str = "【青山村】通知17:停水", *, message_id: int = 1, attempt: int = 1) -> Parcel:
    return Parcel(
        message_id=message_id,
        attempt=attempt,
        reference=f"{message_id}-{attempt}-abc",
        to=to,
        text=text,
        parts=count(text).parts,
        priority=Priority.NOTICE,
        expires_ms=None,
    )


class SmsTransportContract:
    """Facts every transport has in common."""

    @pytest.fixture
    def carrier_rig(self) -> CarrierRig:
        raise NotImplementedError("the transport's own tests give one")

    @pytest.fixture
    async def ear(self, carrier_rig: CarrierRig) -> AsyncIterator[Ear]:
        ear = Ear()
        listening = asyncio.create_task(carrier_rig.transport.run(ear))
        yield ear
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening

    async def send(self, rig: CarrierRig, one: Parcel) -> object:
        """The outcome of one try, accepted or raised, while time passes."""
        trying = asyncio.ensure_future(rig.transport.send(one))
        await rig.until(trying.done)
        return trying.exception() or trying.result()

    async def test_it_says_what_a_lane_needs_to_know(self, carrier_rig: CarrierRig) -> None:
        transport = carrier_rig.transport
        assert transport.name
        assert transport.window >= 1
        assert transport.pace_ms >= 0
        assert transport.timeout_ms > 0

    async def test_an_accepted_text_arrives_once_and_is_reported(self, carrier_rig: CarrierRig, ear: Ear) -> None:
        accepted = await self.send(carrier_rig, parcel(carrier_rig.number))
        ref = accepted.carrier_ref  # type: ignore[attr-defined]
        assert ref
        await carrier_rig.until(lambda: carrier_rig.texts_on(carrier_rig.number))
        assert carrier_rig.texts_on(carrier_rig.number) == ["【青山村】通知17:停水"]
        if carrier_rig.transport.reports:
            await carrier_rig.until(lambda: any(r.said == State.DELIVERED for r in ear.reports))
            assert {r.carrier_ref for r in ear.reports} == {ref}

    async def test_every_try_has_a_carrier_reference_of_its_own(self, carrier_rig: CarrierRig, ear: Ear) -> None:
        refs = [
            (await self.send(carrier_rig, parcel(carrier_rig.number, message_id=n))).carrier_ref  # type: ignore[attr-defined]
            for n in (1, 2, 3)
        ]
        assert len(set(refs)) == 3

    async def test_a_long_text_arrives_whole(self, carrier_rig: CarrierRig, ear: Ear) -> None:
        text = "字" * 66 + "😀" + "符号€[]" * 20
        await self.send(carrier_rig, parcel(carrier_rig.number, text))
        await carrier_rig.until(lambda: carrier_rig.texts_on(carrier_rig.number))
        assert carrier_rig.texts_on(carrier_rig.number) == [text]

    async def test_a_dead_number_is_rejected_for_good_with_the_carriers_code(
        self, carrier_rig: CarrierRig, ear: Ear
    ) -> None:
        outcome = await self.send(carrier_rig, parcel(carrier_rig.dead_number))
        assert isinstance(outcome, RejectedError)
        assert outcome.trouble == Trouble.DEAD_NUMBER
        assert outcome.code

    async def test_a_busy_carrier_is_tried_later_and_the_transport_tries_once(
        self, carrier_rig: CarrierRig, ear: Ear
    ) -> None:
        outcome = await self.send(carrier_rig, parcel(carrier_rig.busy_number))
        assert isinstance(outcome, RetryLaterError)
        assert carrier_rig.texts_on(carrier_rig.busy_number) == []

    async def test_a_link_that_is_down_says_so_and_has_taken_nothing(self, carrier_rig: CarrierRig, ear: Ear) -> None:
        carrier_rig.take_down()
        outcome = await self.send(carrier_rig, parcel(carrier_rig.number))
        assert isinstance(outcome, TransportDownError | OutcomeUnknownError)
        carrier_rig.bring_back()
        if isinstance(outcome, TransportDownError):
            assert not isinstance(
                await self.send(carrier_rig, parcel(carrier_rig.number, message_id=2)), TransportDownError
            )
            await carrier_rig.until(lambda: carrier_rig.texts_on(carrier_rig.number))
            assert len(carrier_rig.texts_on(carrier_rig.number)) == 1

    async def test_a_villagers_text_comes_with_sender_and_centre_time(self, carrier_rig: CarrierRig, ear: Ear) -> None:
        carrier_rig.villager_sends(carrier_rig.number, "收到９")
        await carrier_rig.until(lambda: ear.texts)
        assert (ear.texts[0].sender, ear.texts[0].text) == (carrier_rig.number, "收到９")
        assert ear.texts[0].centre_ms is not None

    async def test_a_text_that_could_not_be_kept_is_offered_again(self, carrier_rig: CarrierRig, ear: Ear) -> None:
        ear.refuse = 1
        carrier_rig.villager_sends(carrier_rig.number, "9")
        await carrier_rig.until(lambda: ear.texts)
        assert [text.text for text in ear.texts] == ["9"]

    async def test_it_can_say_what_became_of_a_try_or_that_it_cannot(self, carrier_rig: CarrierRig, ear: Ear) -> None:
        one = parcel(carrier_rig.number)
        await self.send(carrier_rig, one)
        await carrier_rig.until(lambda: carrier_rig.texts_on(carrier_rig.number))
        try:
            known = await carrier_rig.transport.ask(one.reference, 0)
            never_sent = await carrier_rig.transport.ask("77-1-never", 0)
        except CannotAskError:
            return
        assert known.said in (State.ACCEPTED, State.DELIVERED)
        assert never_sent.said == State.QUEUED
