"""The stand-in keeps to what Twilio publishes, where Twilio publishes it; asked without Twilio's client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from tests.gateway.conftest import LI, WANG
from tests.gateway.twilio.stand_in import ACCOUNT, MAGIC_FROM, MAGIC_TO, NUMBER, SERVICE, TOKEN, StandIn, sign_form
from village.ground.clock import MovableClock

pytestmark = pytest.mark.asyncio


class Asking:
    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, path: str, **query: str) -> tuple[int, dict]:
        async with self._session.get(f"/2010-04-01/Accounts/{ACCOUNT}/{path}", params=query) as answer:
            return answer.status, await answer.json()

    async def follow(self, uri: str) -> dict:
        async with self._session.get(uri) as answer:
            return await answer.json()

    async def create(self, **form: str) -> tuple[int, dict]:
        form = {"To": WANG, "From": NUMBER, "Body": "9"} | form
        form = {key: value for key, value in form.items() if value}
        async with self._session.post(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json", data=form) as answer:
            return answer.status, await answer.json()


@pytest.fixture
async def asking(stand_in: StandIn) -> AsyncIterator[Asking]:
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}
    async with aiohttp.ClientSession(stand_in.address, headers=headers) as session:
        yield Asking(session)


async def test_without_the_right_token_it_says_20003(stand_in: StandIn) -> None:
    async with (
        aiohttp.ClientSession(stand_in.address) as session,
        session.get(f"/2010-04-01/Accounts/{ACCOUNT}/Balance.json") as answer,
    ):
        said = await answer.json()
    assert (answer.status, said["code"], said["status"]) == (401, 20003, 401)
    assert said["more_info"].endswith("/20003")


async def test_a_message_begins_as_queued_or_through_a_service_as_accepted(asking: Asking) -> None:
    status, plain = await asking.create()
    assert (status, plain["status"], plain["direction"], plain["date_sent"]) == (201, "queued", "outbound-api", None)
    assert plain["sid"].startswith("SM")
    assert len(plain["sid"]) == 34
    assert parsedate_to_datetime(plain["date_created"]).tzinfo is not None
    _, through = await asking.create(From="", MessagingServiceSid=SERVICE)
    assert (through["status"], through["from"], through["num_segments"]) == ("accepted", None, "0")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": ""}, 21604),
        ({"Body": ""}, 21602),
        ({"From": ""}, 21603),
        ({"To": "12"}, 21211),
        ({"Body": "x" * 1601}, 21617),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"From": "", "MessagingServiceSid": "MG" + "0" * 32}, 21701),
        ({"From": "+15005551234"}, 21606),
        *[({"To": number}, code) for number, code in MAGIC_TO.items()],
        *[({"From": number}, code) for number, code in MAGIC_FROM.items()],
    ],
)
async def test_what_cannot_be_sent_is_refused_with_its_number(asking: Asking, form: dict[str, str], code: int) -> None:
    status, said = await asking.create(**form)
    assert (status, said["code"], said["status"]) == (400, code, 400)


async def test_too_many_requests_make_no_message(asking: Asking, stand_in: StandIn) -> None:
    stand_in.throttle = 1
    status, said = await asking.create()
    assert (status, said["code"]) == (429, 20429)
    assert stand_in.messages == {}


async def test_a_list_comes_newest_first_in_pages_that_new_messages_do_not_shift(
    asking: Asking, stand_in: StandIn, clock: MovableClock
) -> None:
    for n in range(5):
        stand_in.villager_sends(WANG, str(n))
        await clock.advance(1000)
    _, page = await asking.get("Messages.json", PageSize="2")
    assert [one["body"] for one in page["messages"]] == ["4", "3"]
    stand_in.villager_sends(WANG, "5")
    second = await asking.follow(page["next_page_uri"])
    third = await asking.follow(second["next_page_uri"])
    assert [one["body"] for one in second["messages"] + third["messages"]] == ["2", "1", "0"]
    assert third["next_page_uri"] is None


async def test_a_list_is_filtered_by_number_and_by_the_second_it_was_sent(
    asking: Asking, stand_in: StandIn, clock: MovableClock
) -> None:
    stand_in.villager_sends(WANG, "early")
    await clock.advance(60_000)
    late = stand_in.villager_sends(LI, "late")
    await asking.create()  # not sent yet: no date finds it
    assert late.sent_ms is not None
    second = parsedate_to_datetime(late.resource()["date_sent"]).strftime("%Y-%m-%dT%H:%M:%SZ")  # type: ignore[arg-type]

    async def bodies(**query: str) -> list[str]:
        return [one["body"] for one in (await asking.get("Messages.json", **query))[1]["messages"]]

    assert await bodies(**{"DateSent>": second}) == ["late"]
    assert await bodies(**{"DateSent<": second}) == ["late", "early"]
    assert await bodies(From=WANG) == ["early"]
    assert await bodies(To=WANG) == ["9"]
    assert (await asking.get("Messages/SM404.json"))[1]["code"] == 20404


async def test_it_signs_as_twilio_publishes() -> None:
    """The worked example of Twilio's page on security, and of its libraries for a name that comes three times."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    fields = [
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    assert sign_form(url, fields, "12345") == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    repeated = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
    assert sign_form(url, repeated, "12345") == "IK+Dwps556ElfBT0I3Rgjkr1wJU="
