"""What stands around ModemManager on a Pi: the bus, polkit and systemd.

The last two are stand-ins that keep to the published D-Bus interfaces, as far as ModemManager and the village ask them;
ModemManager itself is the real one.

polkit: org.freedesktop.PolicyKit1.Authority.CheckAuthorization. systemd: org.freedesktop.systemd1.Manager.RestartUnit.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

from dbus_fast import DBusError, Message, MessageType
from dbus_fast.aio import MessageBus

POLKIT = "org.freedesktop.PolicyKit1"
SYSTEMD = "org.freedesktop.systemd1"


class Around:
    """One computer: `start` ModemManager, let it `crash`, and see what it asked polkit for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.address = f"unix:path={folder / 'bus'}"
        self.asked: set[str] = set()
        self.denied: set[str] = set()
        self.restarts = 0
        self.debug = True
        """Whether ModemManager tells all it does. On a Pi it does not, and refuses what only a developer may do."""
        self.after_restart: Callable[[], Awaitable[None]] | None = None
        self._daemon: subprocess.Popen[str] | None = None
        self._manager: subprocess.Popen[bytes] | None = None
        self._bus: MessageBus | None = None
        self._following: asyncio.Task[None] | None = None

    async def boot(self) -> None:
        self._start_bus()
        self._bus = await MessageBus(bus_address=self.address).connect()
        self._bus.add_message_handler(self._answer)
        for name in (POLKIT, SYSTEMD):
            await self._bus.request_name(name)
        self.start()

    def _start_bus(self) -> None:
        self._daemon = subprocess.Popen(
            ["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={self.address}", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._daemon.stdout is not None
        with self._daemon.stdout as ready:
            assert ready.readline()

    def start(self) -> None:
        env = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}
        with (self._folder / "ModemManager.log").open("ab") as said:
            self._manager = subprocess.Popen(
                [
                    *("ModemManager", "--test-enable", "--test-no-udev", "--no-auto-scan"),
                    *(["--debug"] if self.debug else []),
                ],
                env=env,
                stdout=said,
                stderr=said,
            )

    def crash(self) -> None:
        assert self._manager is not None
        self._manager.kill()
        self._manager.wait()

    def freeze(self, *, frozen: bool = True) -> None:
        """It is there and does nothing."""
        assert self._manager is not None
        self._manager.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def shut_down(self) -> None:
        if self._bus is not None:
            self._bus.disconnect()
        for process in (self._manager, self._daemon):
            if process is not None:
                process.terminate()
                process.wait()

    def _answer(self, message: Message) -> Message | None:
        if message.message_type is not MessageType.METHOD_CALL or message.interface is None:
            return None
        match message.member:
            case "GetAll" if message.interface == "org.freedesktop.DBus.Properties":
                return Message.new_method_return(message, "a{sv}", [{}])
            case "CheckAuthorization":
                action = message.body[1]
                self.asked.add(action)
                return Message.new_method_return(message, "(bba{ss})", [[action not in self.denied, False, {}]])
            case "RestartUnit":
                if message.body != ["ModemManager.service", "replace"]:
                    raise DBusError("org.freedesktop.systemd1.NoSuchUnit", message.body[0])
                self._restart()
                return Message.new_method_return(message, "o", ["/org/freedesktop/systemd1/job/1"])
        return None

    def _restart(self) -> None:
        self.restarts += 1
        self.crash()
        self.start()
        if self.after_restart is not None:
            self._following = asyncio.create_task(self.after_restart())
