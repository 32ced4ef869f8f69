"""The real server as a villager meets it: `village serve` as a process of its own, and its pages over plain HTTP.

Imports nothing of the village: pages of memory that this process shared with the server would be counted by halves.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import re
import shutil
import subprocess
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode, urljoin, urlsplit

from tests.bench.child import VILLAGE, started
from tests.bench.yard import Yard

_TIMEOUT_S = 60
_TOKEN = re.compile(r'action="/phones/time".*?name="_form" value="([^"]+)"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Served:
    pid: int
    public_url: str
    ready_s: float
    """From exec until the first page had come whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as it crossed the wire."""

    status: int
    kind: str
    body: bytes
    head_bytes: int
    encoding: str

    @property
    def text(self) -> str:
        match self.encoding:
            case "gzip":
                return gzip.decompress(self.body).decode("utf-8")
            case "deflate":
                return zlib.decompress(self.body).decode("utf-8")
        return self.body.decode("utf-8")


def sample_village(yard: Yard) -> Path:
    """青山村 as the real command has just made it; made once, copied for each figure."""
    template = yard.folder / "sample-village"
    if not template.exists():
        making = yard.fresh("sample-village.part")
        subprocess.run([VILLAGE, "sample", str(making)], check=True, capture_output=True, timeout=_TIMEOUT_S)
        making.rename(template)
    return Path(shutil.copytree(template, yard.fresh("served-village")))


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Served]:
    """The server from exec to SIGTERM; its public page has been read once when the block begins."""
    begin_s = time.monotonic()
    with started([VILLAGE, "serve", str(folder), "--any-port", "--json"]) as server:
        url = server.line()["public"]
        first = get(url)
        ready_s = time.monotonic() - begin_s
        if first.status != 200:
            raise RuntimeError(f"the public page answered {first.status}")
        yield Served(server.process.pid, url, ready_s)


def get(url: str) -> Answer:
    return _ask("GET", url)


def post(url: str, **fields: str) -> Answer:
    return _ask("POST", url, urlencode(fields).encode("ascii"))


def _ask(method: str, url: str, body: bytes | None = None) -> Answer:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=_TIMEOUT_S)
    headers = {
        "Accept-Encoding": "gzip, deflate",  # what browsers say over plain HTTP
        "Accept-Language": "zh-CN,zh;q=0.9",
        "Origin": f"{parts.scheme}://{parts.netloc}",
    }
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    with contextlib.closing(connection):
        connection.request(method, parts._replace(scheme="", netloc="").geturl(), body, headers)
        answer = connection.getresponse()
        head_bytes = sum(len(name) + len(value) + 4 for name, value in answer.getheaders()) + len(
            "HTTP/1.1 200 OK\r\n\r\n"
        )
        kind = answer.headers.get_content_type()
        return Answer(answer.status, kind, answer.read(), head_bytes, answer.headers.get("Content-Encoding", ""))


def skip_time(url: str, to: str) -> None:
    """Let the sample village's time run ahead (`minutes`, `hour`, `morning`), as the buttons on its page do."""
    token = _TOKEN.search(get(urljoin(url, "/phones")).text)
    if token is None:
        raise RuntimeError("the page of phones has no button for the time")
    answer = post(urljoin(url, "/phones/time"), _form=token[1], to=to)
    if answer.status >= 400:
        raise RuntimeError(f"the time was not moved: {answer.status}")


class Loads(HTMLParser):
    """Addresses a browser fetches by itself to show a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        relations = set((said.get("rel") or "").split())
        if tag == "link" and relations & {"stylesheet", "icon", "preload", "modulepreload", "manifest"}:
            self._add(said.get("href"))
        elif tag in ("script", "img", "source", "iframe", "audio", "video", "embed"):
            if said.get("loading") != "lazy" and said.get("preload") != "none":
                self._add(said.get("src"))
        elif tag == "object":
            self._add(said.get("data"))

    def _add(self, address: str | None) -> None:
        if address and not address.startswith("data:") and address not in self.addresses:
            self.addresses.append(address)


def loaded_by_css(css: str) -> list[str]:
    return [
        address
        for address in re.findall(r"""(?:url\(|@import\s+)["']?([^"')]+)""", css)
        if not address.startswith(("data:", "#"))
    ]
