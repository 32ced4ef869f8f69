"""The clock page of a real village: somebody in the room tells the time, and a slip of the year is asked about."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from village.app import running
from village.founding import found
from village.place import NewVillage
from village.story.browser import Browser

PASSWORD = "shuiku-lihua-banma"


async def test_a_clerk_tells_the_time_and_a_far_one_is_asked_twice(tmp_path: Path) -> None:
    place = found(tmp_path / "village", NewVillage())
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        running(place, any_port=True, listen="127.0.0.1") as village,
        aiohttp.ClientSession(cookie_jar=jar) as session,
    ):
        desk = Browser(session, village.loopback_url)
        first = (await desk.open("/first")).form("/first")
        assert village.first_code
        await desk.send(
            first,
            {"code": village.first_code, "name": "陈会计", "password": PASSWORD, "password_again": PASSWORD},
        )
        form = (await desk.open("/clock")).form("/clock")
        wrong = await desk.send(form, {"time": "1970-01-01T08:00"})
        assert wrong.status == 422
        assert "这个年份不对" in wrong.said
        asked = await desk.send(form, {"time": "2031-05-06T07:08"})
        assert "差得很多" in asked.said
        assert not await village.db.read(lambda tx: tx.execute("SELECT count(*) FROM clock_step").fetchone()[0])
        told = await desk.send(asked.form("/clock"), {"time": "2031-05-06T07:08"})
        assert "记下了" in told.said
        assert "5月6日" in told.said
        assert village.clock.trusted
        steps = await village.db.read(lambda tx: [row["source"] for row in tx.execute("SELECT source FROM clock_step")])
        assert steps == ["desk"]
        # it is right now: half an hour more is more likely a slip, and would close what is open
        half = await desk.send((await desk.open("/clock")).form("/clock"), {"time": "2031-05-06T07:40"})
        assert "改不回来" in half.said
        near = await desk.send((await desk.open("/clock")).form("/clock"), {"time": "2031-05-06T07:12"})
        assert "记下了" in near.said
