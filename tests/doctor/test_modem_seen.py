"""A stick looked at without the server, also through the real ModemManager."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.gateway.modem.conftest import ModemRig, around, carrier_rig, emulator, rig, settings  # noqa: F401 - fixtures
from village.doctor.finding import Verdict
from village.doctor.modem_seen import examine_modems, see_modem

MINE, OTHER = "350000000000001", "350000000000002"


@pytest.mark.parametrize(
    ("modems", "device", "verdict", "words"),
    [
        ([], "", Verdict.BAD, "上网卡没有插好"),
        ([], MINE, Verdict.BAD, "上网卡没有插好"),
        ([{"EquipmentIdentifier": OTHER, "State": 8}], MINE, Verdict.BAD, "不是设置里写的那个"),
        ([{"EquipmentIdentifier": MINE, "State": 8}], MINE, Verdict.GOOD, "插好了"),
        ([{"EquipmentIdentifier": MINE, "State": 3}], "", Verdict.GOOD, "插好了"),
        ([{"EquipmentIdentifier": MINE, "State": -1}], "", Verdict.BAD, "没有认到手机卡"),
        ([{"EquipmentIdentifier": MINE, "State": 2, "UnlockRequired": 2}], "", Verdict.BAD, "开机密码"),
        ([{"EquipmentIdentifier": MINE, "State": 2, "UnlockRequired": 4}], "", Verdict.BAD, "锁死了"),
    ],
)
def test_what_modemmanager_knows(modems: list[dict[str, object]], device: str, verdict: Verdict, words: str) -> None:
    found = examine_modems(modems, device)  # type: ignore[arg-type]
    assert found.verdict is verdict
    assert words in str(found.said)
    assert (found.do is None) == (verdict is Verdict.GOOD)


async def test_no_bus_is_a_program_that_does_not_run(tmp_path: Path) -> None:
    found = await see_modem("", f"unix:path={tmp_path / 'nowhere'}")
    assert (found.verdict, str(found.said)) == (Verdict.BAD, "管上网卡的程序没有开")


@pytest.mark.needs("modemmanager", "dbus")
async def test_the_real_modemmanager_is_asked(carrier_rig: ModemRig) -> None:  # noqa: F811
    bus = carrier_rig.bus

    async def seen(device: str, verdict: Verdict) -> str:
        async with asyncio.timeout(20):
            while True:
                bus.changed.clear()
                found = await see_modem(device, carrier_rig.around.address)
                if found.verdict is verdict:
                    return str(found.said)
                await bus.changed.wait()

    assert "插好了" in await seen("", Verdict.GOOD)
    assert "不是设置里写的那个" in await seen("350000000000009", Verdict.BAD)
