"""Style sheets, scripts and pictures under names that change with their content, so that a browser may keep them.

Read once at the start, compressed once. Never serves anything that was not there then.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

PREFIX = "/kit/"
_FOREVER = "public, max-age=31536000, immutable"

_SHEETS = {"public.css": ("tokens.css", "look.css"), "desk.css": ("tokens.css", "look.css", "desk.css")}
"""One sheet a page: what it saves is a round trip on a weak Wi-Fi."""

_KINDS = frozenset({".css", ".js", ".svg", ".png"})
_COMMENT = re.compile(rb"/\*.*?\*/", re.S)
_SPACE = re.compile(rb"\s*\n\s*")


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    zipped: bytes
    content_type: str


class Assets:
    """What lies in the given folders; a later folder may not take a name of an earlier one."""

    def __init__(self, folders: Iterable[Path]) -> None:
        found: dict[str, bytes] = {}
        for folder in folders:
            for file in sorted(folder.iterdir()) if folder.is_dir() else ():
                if file.suffix not in _KINDS:
                    continue
                if file.name in found:
                    raise ValueError(f"{file}: that name is taken")
                found[file.name] = file.read_bytes()
        for sheet, parts in _SHEETS.items():
            found[sheet] = b"".join(found[part] for part in parts)
        self._paths: dict[str, str] = {}
        self._assets: dict[str, _Asset] = {}
        for name, raw in found.items():
            content = _SPACE.sub(b"\n", _COMMENT.sub(b"", raw)).strip() if name.endswith(".css") else raw
            stem, _, suffix = name.rpartition(".")
            hashed = f"{stem}.{hashlib.sha256(content).hexdigest()[:10]}.{suffix}"
            self._paths[name] = PREFIX + hashed
            self._assets[hashed] = _Asset(
                content, gzip.compress(content, 9, mtime=0), mimetypes.types_map.get(f".{suffix}", "text/plain")
            )

    def path(self, name: str) -> str:
        """Where a browser finds `name`. Raises KeyError: a page that links what is not there is our mistake."""
        return self._paths[name]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding", "Content-Type": asset.content_type}
        if "gzip" not in request.headers.get("Accept-Encoding", ""):
            return web.Response(body=asset.content, headers=headers)
        return web.Response(body=asset.zipped, headers={**headers, "Content-Encoding": "gzip"})
