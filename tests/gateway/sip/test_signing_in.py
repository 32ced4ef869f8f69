"""Facts about accounts: a PBX or trunk that wants a password, and one that does not take ours. SIPp plays it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.failures import TransportDownError, Trouble
from gateway.transport import Answered, Ended
from tests.gateway.sip.conftest import NUMBERS, Office, next_event, soon
from tests.gateway.sip.sipp import END, RECEIVE_ACK, RECEIVE_BYE, answers, challenges, says, sipp

pytestmark = [pytest.mark.needs("baresip"), pytest.mark.needs("sipp")]

TAKEN = says("200 OK", "Expires: 600\n[last_Contact:]")


async def test_the_first_line_signs_in_with_the_password(office: Office, tmp_path: Path) -> None:
    async with sipp(tmp_path, challenges("REGISTER", "secret"), TAKEN, END) as pbx:
        await office.run(lines=2, account=f"sip:village@{pbx.host}", password="secret", register=True)
        assert await pbx.is_content()
        await soon(lambda: office.told.said)
        assert office.told.said == ["up"]
    written = [path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert written
    assert not any(b"secret" in words for words in written)  # the password is told to the process, never to the disk


async def test_a_wrong_password_stops_the_lane(office: Office, tmp_path: Path) -> None:
    phone = await office.phone()
    async with sipp(tmp_path, challenges("REGISTER", "secret"), TAKEN, END) as pbx:
        sip = await office.run(account=f"sip:village@{pbx.host}", password="guess", register=True)
        await soon(lambda: "down refused 403" in office.told.said)
        with pytest.raises(TransportDownError) as down:
            await sip.dial(NUMBERS[0], "r")
        assert (down.value.trouble, down.value.code) == (Trouble.REFUSED, "403")
    assert phone.events == []


@pytest.mark.parametrize("password", ["secret", "guess"])
async def test_a_trunk_asks_who_is_calling(office: Office, tmp_path: Path, password: str) -> None:
    async with sipp(
        tmp_path, challenges("INVITE", "secret"), answers(), RECEIVE_ACK, RECEIVE_BYE, says("200 OK"), END
    ) as trunk:
        sip = await office.run(
            account=f"sip:village@{trunk.host}", password=password, to="sip:{number}@" + trunk.host, strip="+86"
        )
        call = await sip.dial("+8619900000042", "r")
        right = password == "secret"
        assert await next_event(call) == (Answered() if right else Ended(Trouble.REFUSED, "403"))
        await call.hang_up()
        assert await trunk.is_content()
