"""Facts about the processes behind SIP lines: they are watched, started anew, and never outlive us."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from gateway.failures import TransportDownError, Trouble
from gateway.transport import Answered, Ended
from tests.gateway.sip.conftest import NUMBERS, Office, clip, likeness, next_event, samples_of, soon

pytestmark = pytest.mark.needs("baresip")


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def listening(pid: int) -> list[str]:
    """The addresses on which the process takes TCP connections."""
    inodes = {link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]


async def test_baresip_killed_in_a_call_ends_the_call_and_the_next_one_works(office: Office, tmp_path: Path) -> None:
    phone = await office.phone()
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    (killed,) = sip.pids
    os.kill(killed, signal.SIGKILL)
    assert await next_event(call) == Ended(Trouble.OTHER, "line died")
    await call.hang_up()
    await soon(lambda: sip.pids and sip.pids != [killed])
    await phone.does("hangup")  # it does not know yet that nobody is there any more
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    one = clip(tmp_path / "1.wav", 1)
    await call.play(one, "")
    await soon(lambda: likeness(phone.heard(), samples_of(one.path)) >= 0.99)
    await call.hang_up()


async def test_baresip_killed_while_it_rings_is_no_answer_of_the_callee(office: Office) -> None:
    phone = await office.phone(answers=False)
    sip = await office.run()
    call = await sip.dial(NUMBERS[0], "r")
    await phone.sees("CALL_INCOMING")
    os.kill(sip.pids[0], signal.SIGKILL)
    assert await next_event(call) == Ended(Trouble.OTHER, "line died")
    await call.hang_up()
    with pytest.raises(TransportDownError) as down:  # not at once: first the pause
        await sip.dial(NUMBERS[0], "r")
    assert down.value.after_ms is not None
    assert down.value.after_ms > 0


async def test_one_line_dies_and_the_other_goes_on(office: Office, tmp_path: Path) -> None:
    phones = [await office.phone(), await office.phone()]
    sip = await office.run(lines=2)
    first, second = await sip.dial(NUMBERS[0], "r"), await sip.dial(NUMBERS[1], "r")
    assert (await next_event(first), await next_event(second)) == (Answered(), Answered())
    os.kill(sip.pids[-1], signal.SIGKILL)  # the last line is used first
    assert await next_event(first) == Ended(Trouble.OTHER, "line died")
    one = clip(tmp_path / "1.wav", 1)
    await second.play(one, "")
    await soon(lambda: likeness(phones[1].heard(), samples_of(one.path)) >= 0.99)
    await first.hang_up()
    await second.hang_up()


async def test_nothing_of_ours_outlives_a_killed_server(tmp_path: Path) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.gateway.sip.killed_office", str(tmp_path),
        stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert server.stdout is not None
    pids = [int(pid) for pid in (await asyncio.wait_for(server.stdout.readline(), 20)).split()]
    assert len(pids) == 2
    assert all(runs(pid) for pid in pids)
    server.kill()
    await server.wait()
    await soon(lambda: not any(runs(pid) for pid in pids))


async def test_the_control_port_is_open_to_this_computer_alone(office: Office) -> None:
    sip = await office.run(lines=2)
    for pid in sip.pids:
        assert listening(pid)
        assert all(address.startswith("0100007F:") for address in listening(pid))


async def test_cancelling_run_ends_every_process_and_the_call(office: Office) -> None:
    phone = await office.phone()
    sip = await office.run(lines=2)
    pids = sip.pids
    call = await sip.dial(NUMBERS[0], "r")
    assert await next_event(call) == Answered()
    await office.leave()
    assert not any(runs(pid) for pid in pids)
    assert await next_event(call) == Ended()
    await phone.sees("CALL_CLOSED")


async def test_without_the_program_the_lane_is_told(office: Office) -> None:
    nobody = office.peer("sip:nobody@127.0.0.1:9")
    sip = office.open(program="no-such-baresip")
    with pytest.raises(TransportDownError) as down:
        await sip.dial(nobody, "r")
    assert down.value.trouble == Trouble.UNPLUGGED
