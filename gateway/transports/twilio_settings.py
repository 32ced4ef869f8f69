"""What the Twilio line is told of its account, from the settings and the secrets; refused where it cannot be right.

Never shown: the token is left out of what is printed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from gateway.phone import is_e164


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSettings:
    """`sender`: the Twilio number, E.164; or `messaging_service`: its SID; never both. `public_url`: where the world
    reaches the village (https://… without a path of its own is usual), empty behind NAT. `auth_token`: the account's
    primary one, for it signs the callbacks. `per_minute`: what the number may send; one a second is Twilio's default
    for a long number. `hears`: whether texts to that number are fetched; Twilio has none in mainland China.
    """

    name: str = "twilio"
    account_sid: str
    auth_token: str = field(repr=False)
    sender: str = ""
    messaging_service: str = ""
    public_url: str = ""
    per_minute: int = 60
    window: int = 8
    hears: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError with the name of the setting that cannot be right."""
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}", self.account_sid):
            raise ValueError("account_sid")
        if not self.auth_token:
            raise ValueError("auth_token")
        if bool(self.sender) == bool(self.messaging_service) or (self.sender and not is_e164(self.sender)):
            raise ValueError("sender")
        if self.messaging_service and not re.fullmatch(r"MG[0-9a-fA-F]{32}", self.messaging_service):
            raise ValueError("messaging_service")
        address = urlsplit(self.public_url)
        if self.public_url and (address.scheme != "https" or not address.netloc or address.query or address.fragment):
            raise ValueError("public_url")
        if self.per_minute < 1 or self.window < 1:
            raise ValueError("per_minute")

    def callback_url(self, what: str) -> str:
        """The public address of one of our two ears. Empty behind NAT."""
        if not self.public_url:
            return ""
        return f"{self.public_url.rstrip('/')}/callbacks/{quote(self.name, safe='')}/{what}"
