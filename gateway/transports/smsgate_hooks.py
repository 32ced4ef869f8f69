"""That the phone means to call the village: its own list of calls is read, and mended where an app was reset.

Never relies on it: everything is asked for as well (`smsgate.py`).
"""

from __future__ import annotations

import logging

from gateway.transports.smsgate_api import SmsGateApi
from gateway.transports.smsgate_reading import EVENTS

log = logging.getLogger(__name__)


class Hooks:
    def __init__(self, api: SmsGateApi, *, name: str, callback_url: str, key: str) -> None:
        """`callback_url` empty: the phone shall never call. `key`: by which its calls are known."""
        self._api = api
        self._name = name
        self._callback_url = callback_url
        self._key = key

    async def tend(self) -> None:
        """See that the phone means to call. Where it will not (the address is not https), it is asked all the same."""
        wanted = self._wanted()
        registered = {str(row.get("id")): row for row in (await self._api.webhooks()).rows}
        for hook_id, (url, event) in wanted.items():
            there = registered.get(hook_id, {})
            if (there.get("url"), there.get("event")) != (url, event):
                reply = await self._api.put_webhook(hook_id, url, event)
                log.info("phone told to call line=%s event=%s status=%d", self._name, event, reply.status)
        for hook_id in registered:
            if hook_id.startswith(f"village-{self._name}-") and hook_id not in wanted:
                await self._api.drop_webhook(hook_id)

    def _wanted(self) -> dict[str, tuple[str, str]]:
        if not self._callback_url:
            return {}
        url = f"{self._callback_url.rstrip('/')}/callbacks/{self._name}/event?key={self._key}"
        return {f"village-{self._name}-{event.replace(':', '-')}": (url, event) for event in EVENTS}
