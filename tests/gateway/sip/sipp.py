"""SIPp as the other end: it refuses with whatever code it is told to, and misbehaves where no baresip would."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.gateway.sip.conftest import free_port, soon

RECEIVE_INVITE = '<recv request="INVITE"/>'
RECEIVE_ACK = '<recv request="ACK"/>'
RECEIVE_BYE = '<recv request="BYE" timeout="10000"/>'

_HEAD = """[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port]>
"""

_SDP = """v=0
o=odd 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
"""


def says(status: str) -> str:
    return f"<send><![CDATA[\nSIP/2.0 {status}\n{_HEAD}Content-Length: 0\n\n]]></send>"


def answers() -> str:
    head = f"SIP/2.0 200 OK\n{_HEAD}Content-Type: application/sdp\nContent-Length: [len]\n\n"
    return f"<send><![CDATA[\n{head}{_SDP}\n]]></send>"


HANGS_UP = """<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From[$callee];tag=[call_number]
To[$caller]
[last_Call-ID:]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send><recv response="200"/>"""

REMEMBER_WHO = """<recv request="INVITE" rrs="true"><action>
<ereg regexp=":.*" search_in="hdr" header="From" assign_to="caller"/>
<ereg regexp=":.*" search_in="hdr" header="To" assign_to="callee"/>
</action></recv>"""


@dataclass(frozen=True)
class Peer:
    host: str
    process: asyncio.subprocess.Process

    @property
    def address(self) -> str:
        return f"sip:peer@{self.host}"

    async def is_content(self) -> bool:
        """Whether everything went as its steps say, once it is through with them."""
        return await asyncio.wait_for(self.process.wait(), 15) == 0


@contextlib.asynccontextmanager
async def sipp(folder: Path, *steps: str) -> AsyncIterator[Peer]:
    """Waits for one call, or one sign-in, and goes through the steps with it."""
    port = free_port()
    scenario, complaints = folder / f"sipp{port}.xml", folder / f"sipp{port}.err"
    scenario.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="peer">{"".join(steps)}</scenario>\n')
    with complaints.open("w") as err:
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port),
            "-nostdin", "-m", "1", cwd=folder,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=err,
        )  # fmt: skip
    local = f"0100007F:{port:04X}"
    await soon(lambda: process.returncode is not None or local in Path("/proc/net/udp").read_text())
    assert process.returncode is None, complaints.read_text()
    try:
        yield Peer(f"127.0.0.1:{port}", process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
