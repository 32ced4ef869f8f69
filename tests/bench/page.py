"""The weight of the public page: everything a browser loads by itself for the first view, as it crosses the wire."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

from tests.bench.figure import Figure
from tests.bench.served import Answer, Loads, get, loaded_by_css, sample_village, served
from tests.bench.yard import Yard


def measure(yard: Yard) -> Iterator[Figure]:
    with served(sample_village(yard)) as village:
        loaded = first_view(village.public_url)
    yield Figure(
        name="public_page_bytes",
        unit="bytes",
        value=sum(len(answer.body) for answer in loaded.values()),
        how="bodies as sent to a browser: the page and all it loads by itself; headers apart",
        detail={
            "parts": {
                urlsplit(address).path: f"{len(answer.body)} {answer.encoding or 'as it is'}"
                for address, answer in loaded.items()
            },
            "uncompressed_html": len(loaded[village.public_url].text.encode("utf-8")),
            "header_bytes": sum(answer.head_bytes for answer in loaded.values()),
        },
    )


def first_view(url: str) -> dict[str, Answer]:
    """The page and what it loads, and what that loads. Raises RuntimeError where a part is missing."""
    loaded: dict[str, Answer] = {}
    wanted = [url]
    for address in wanted:
        answer = get(address)
        if answer.status != 200:
            raise RuntimeError(f"{address} answered {answer.status}")
        loaded[address] = answer
        found = Loads(answer.text).addresses if answer.kind == "text/html" else []
        if answer.kind == "text/css":
            found = loaded_by_css(answer.text)
        wanted += [whole for each in found if (whole := urljoin(address, each)) not in wanted]
    return loaded
