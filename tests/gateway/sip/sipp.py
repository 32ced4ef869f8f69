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


def says(status: str, header: str = "") -> str:
    header = f"{header}\n" if header else ""
    return f"<send><![CDATA[\nSIP/2.0 {status}\n{_HEAD}{header}Content-Length: 0\n\n]]></send>"


def challenges(method: str, password: str) -> str:
    """401 first; who then knows the password goes on, who does not gets 403 and is done with.

    Not 407: SIPp checks passwords in `Authorization` alone.
    """
    acknowledged = "" if method == "REGISTER" else RECEIVE_ACK
    return (
        f'<recv request="{method}"/>'
        + says("401 Unauthorized", 'WWW-Authenticate: Digest realm="pbx", nonce="a1b2c3", algorithm=MD5')
        + acknowledged
        + f'<recv request="{method}"><action>'
        + f'<verifyauth assign_to="known" username="village" password="{password}"/></action></recv>'
        + '<nop test="known" next="good"/>'
        + says("403 Forbidden")
        + acknowledged
        + '<nop next="end"/><label id="good"/>'
    )


END = '<label id="end"/>'


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

RINGS_AND_NEVER_ACKNOWLEDGES = f"""<send><![CDATA[
INVITE sip:village@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:+8619900000009@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:village@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:peer@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

{_SDP}
]]></send>
<recv response="100" optional="true"/><recv response="180" optional="true"/><recv response="486"/>
<pause milliseconds="20000"/>"""

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
async def sipp(folder: Path, *steps: str, calls: str = "") -> AsyncIterator[Peer]:
    """Waits for one call or sign-in, or begins one with `calls` (an address), and goes through the steps with it."""
    port = free_port()
    scenario, complaints = folder / f"sipp{port}.xml", folder / f"sipp{port}.err"
    scenario.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="peer">{"".join(steps)}</scenario>\n')
    with complaints.open("w") as err:
        process = await asyncio.create_subprocess_exec(
            "setpriv", "--pdeathsig", "KILL", "sipp", "-sf", str(scenario), "-i", "127.0.0.1", "-p", str(port),
            "-nostdin", "-m", "1", *([calls] if calls else []), cwd=folder,
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
