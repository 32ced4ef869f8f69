"""The version of this program, as a record for the county names it. `pyproject.toml` says the same; a test holds it."""

from __future__ import annotations

VERSION = "0.1.0"
