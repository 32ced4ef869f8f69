"""What every test may stand on: a clock that is moved, a vault, a fresh village file, and honest skipping."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from village.ground.clock import MovableClock, parse_iso
from village.ground.database import Database
from village.ground.migrate import migrate
from village.ground.privacy import Vault
from village.schema import PACKAGES

PROGRAMS = {
    "chromium": "chromium",
    "strace": "strace",
    "modemmanager": "ModemManager",
    "dbus": "dbus-daemon",
    "baresip": "baresip",
    "sipp": "sipp",
    "espeak-ng": "espeak-ng",
}
"""What a test calls the program, and the program's file name."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for name in marker.args:
            if shutil.which(PROGRAMS[name], path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
                reason = f"needs {name}; `make system` installs it"
                if os.environ.get("CI") == "true":
                    pytest.fail(reason, pytrace=False)
                pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """In CI nothing may be skipped, for whatever reason."""
    if os.environ.get("CI") == "true" and terminalreporter.stats.get("skipped"):
        terminalreporter.write_line("skipped in CI: that is a failure", red=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and exitstatus == 0 and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(parse_iso("2026-12-05T09:10:00"))


@pytest.fixture
def vault() -> Vault:
    return Vault(b"k" * 32)


@pytest.fixture
async def db(tmp_path: Path, clock: MovableClock) -> AsyncIterator[Database]:
    database = await Database.open(tmp_path / "village.db", lambda tx: _prepare(tx, clock))
    yield database
    await database.close()


def _prepare(tx, clock) -> None:  # type: ignore[no-untyped-def]
    migrate(tx, PACKAGES, clock.now_ms())
