"""Reading what Twilio says over HTTP: what was signed, and what it says. Nothing of it is believed before it is proven.

Never looks at the address a request came to: the public address is the village's own setting, and a proxy may write
anything into the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, parse_qsl

from multidict import MultiDict

from gateway.callback import Callback, CallbackAnswer

STATUS = "status"
INBOUND = "inbound"
"""The last parts of the two addresses."""

TWIML = CallbackAnswer(200, "text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>')
"""Taken, and nothing is to be answered through Twilio itself."""

_MOST_BYTES = 65_536
_MOST_FIELDS = 200

Form = MultiDict[str]
IsSigned = Callable[[str, Form | str, str], bool]
"""Whether Twilio signed this address and form (or JSON body) with this signature."""


class OddCallbackError(ValueError):
    """Signed, but not what these addresses are for."""


def signed_fields(said: Callback, url: str, is_signed: IsSigned) -> Form | None:
    """The fields of a request that Twilio signed for `url`; None for every other.

    A JSON body is not in the signature itself but by its hash in the query: without that hash it is nobody's.
    """
    signature = said.headers.get("x-twilio-signature", "")
    if not signature or len(said.body) > _MOST_BYTES:
        return None
    url = f"{url}?{said.query}" if said.query else url
    try:
        body = said.body.decode("utf-8")
        if said.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
            if "bodySHA256" not in parse_qs(said.query) or not is_signed(url, body, signature):
                return None
            return _from_json(body)
        pairs = parse_qsl(body, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        form = MultiDict(pairs)
        return form if is_signed(url, form, signature) else None
    except OddCallbackError:
        raise
    except ValueError:  # not UTF-8, or hundreds of fields
        return None


def _from_json(body: str) -> Form:
    try:
        said = json.loads(body)
    except ValueError as odd:
        raise OddCallbackError("not JSON") from odd
    if not isinstance(said, Mapping):
        raise OddCallbackError("no object")
    return MultiDict((str(key), value) for key, value in said.items() if isinstance(value, str))


def only(fields: Form, name: str) -> str:
    """A field's one value. Raises OddCallbackError where there is none, or several that differ: which of them comes
    first is not signed.
    """
    found = set(fields.getall(name, []))
    if len(found) != 1:
        raise OddCallbackError(name)
    return found.pop()
