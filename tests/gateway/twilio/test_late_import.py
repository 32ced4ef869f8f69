"""Twilio's client is loaded where it is configured and running, and nowhere else."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOADED = "print(sorted(name for name in sys.modules if name.split('.')[0] in ('twilio', 'requests')))"

_STARTED = """
import asyncio, sys
from gateway.transports.twilio_sms import TwilioSettings, TwilioSms
from village.ground.clock import MovableClock
settings = TwilioSettings(account_sid="AC" + "0" * 32, auth_token="t", sender="+15005550006")
async def main():
    line = TwilioSms(settings, MovableClock(0), base="http://127.0.0.1:9")
    assert not any(name.startswith("twilio") for name in sys.modules)
    running = asyncio.create_task(line.run(Sink()))
    await went_down.wait()
    running.cancel()
    print("twilio.rest" in sys.modules)
went_down = asyncio.Event()
class Sink:
    def up(self): ...
    def down(self, trouble, code=""): went_down.set()
asyncio.run(main())
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["village.app", "gateway.gateway", "gateway.transports.twilio_sms"])
def test_importing_it_all_loads_no_twilio(module: str) -> None:
    assert run(f"import sys, {module}; {_LOADED}") == "[]"


def test_a_line_that_runs_has_loaded_it() -> None:
    assert run(_STARTED) == "True"
