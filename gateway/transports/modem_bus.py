"""ModemManager on the D-Bus, as few and as plain calls as the modem's transport needs. The one file that knows D-Bus.

Never judges an error: `BusError` carries ModemManager's own name and sentence. A signal is a hint that something has
changed and wakes `changed`; what it is, is read.

Source: the ModemManager 1.20 D-Bus interface, org.freedesktop.ModemManager1.*.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

_SERVICE = "org.freedesktop.ModemManager1"
_ROOT = "/org/freedesktop/ModemManager1"
_PROPERTIES = "org.freedesktop.DBus.Properties"
_DAEMON = "org.freedesktop.DBus"
_SYSTEMD = "org.freedesktop.systemd1"

MODEM = f"{_SERVICE}.Modem"
THREE_GPP = f"{MODEM}.Modem3gpp"
MESSAGING = f"{MODEM}.Messaging"
VOICE = f"{MODEM}.Voice"
TIME = f"{MODEM}.Time"
SMS = f"{_SERVICE}.Sms"
CALL = f"{_SERVICE}.Call"
SIM = f"{_SERVICE}.Sim"
USSD = f"{THREE_GPP}.Ussd"


PATIENCE_S = 600
"""The longest that ModemManager may work at one call: a text of many parts at a slow centre."""

LOOK_S = 30
"""The longest that it may take to tell what it knows by heart; after that it hangs itself."""


class BusError(Exception):
    """What ModemManager, or the bus in its place, answered instead of doing it."""

    def __init__(self, name: str, said: str) -> None:
        super().__init__(f"{name}: {said}")
        self.name = name
        self.said = said


class BusGoneError(BusError):
    """The bus or ModemManager is not there, or went away before it answered."""


class ModemBus:
    """One connection; `async with ModemBus.connect(address)`. `address` None: the system's own bus."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self.changed = asyncio.Event()
        self.life = 0
        """Which ModemManager it is, counted from here: a new one gives old paths to other things."""

    @classmethod
    async def connect(cls, address: str | None = None) -> Self:
        """Raises BusGoneError."""
        try:
            bus = await MessageBus(bus_address=address, bus_type=BusType.SYSTEM).connect()
        except (OSError, DBusError, EOFError) as missing:
            raise BusGoneError("NoBus", type(missing).__name__) from missing
        made = cls(bus)
        bus.add_message_handler(made._heard)
        rule = f"type='signal',sender='{_SERVICE}'"
        owner = f"type='signal',sender='{_DAEMON}',member='NameOwnerChanged',arg0='{_SERVICE}'"
        for match in (rule, owner):
            await made._call(_DAEMON, "/org/freedesktop/DBus", _DAEMON, "AddMatch", "s", [match])
        return made

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bus.disconnect()

    def _heard(self, message: Message) -> None:
        if message.message_type is MessageType.SIGNAL:
            self.life += message.member == "NameOwnerChanged"
            self.changed.set()

    @property
    def connected(self) -> bool:
        return self._bus.connected

    async def modems(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Object path → interface → properties of every modem there is."""
        (objects,) = await self._call(
            _SERVICE, _ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "", [], within_s=LOOK_S
        )
        return {
            path: {name: _plain(values) for name, values in interfaces.items()}
            for path, interfaces in objects.items()
            if MODEM in interfaces
        }

    async def properties(self, path: str, interface: str) -> dict[str, Any]:
        (values,) = await self._call(_SERVICE, path, _PROPERTIES, "GetAll", "s", [interface], within_s=LOOK_S)
        return _plain(values)

    async def messages(self, modem: str) -> list[str]:
        """The object paths of the texts that ModemManager knows of."""
        (paths,) = await self._call(_SERVICE, modem, MESSAGING, "List", "", [], within_s=LOOK_S)
        return [str(path) for path in paths]

    async def call(
        self, path: str, interface: str, member: str, signature: str = "", body: list[Any] | None = None
    ) -> list[Any]:
        """Raises BusError as ModemManager answered, BusGoneError where nobody did."""
        return await self._call(_SERVICE, path, interface, member, signature, body or [])

    async def create_sms(self, modem: str, number: str, text: str, *, report: bool = True) -> str:
        """The object path of a message that is ready to be sent; `report`: with a delivery report asked for."""
        asked = {
            "number": Variant("s", number),
            "text": Variant("s", text),
            "delivery-report-request": Variant("b", report),
        }
        (path,) = await self.call(modem, MESSAGING, "Create", "a{sv}", [asked])
        return str(path)

    async def reprobe(self, device: str) -> None:
        """Make ModemManager forget a modem and ask it anew. It has to be listed, and is disabled by this."""
        await self.call(_ROOT, _SERVICE, "InhibitDevice", "sb", [device, True])
        await self.call(_ROOT, _SERVICE, "InhibitDevice", "sb", [device, False])

    async def restart(self) -> None:
        """Have systemd start ModemManager anew, with every modem of this computer."""
        unit = ["ModemManager.service", "replace"]
        await self._call(_SYSTEMD, "/org/freedesktop/systemd1", f"{_SYSTEMD}.Manager", "RestartUnit", "ss", unit)

    async def _call(  # noqa: PLR0917 - the six parts of a D-Bus call
        self,
        service: str,
        path: str,
        interface: str,
        member: str,
        signature: str,
        body: list[Any],
        *,
        within_s: float = PATIENCE_S,
    ) -> list[Any]:
        message = Message(
            destination=service, path=path, interface=interface, member=member, signature=signature, body=body
        )
        try:
            async with asyncio.timeout(within_s):
                reply = await self._bus.call(message)
        except TimeoutError as hangs:
            raise BusGoneError("Timeout", member) from hangs
        except (EOFError, OSError) as gone:
            raise BusGoneError("Disconnected", type(gone).__name__) from gone
        if reply is None:
            raise BusGoneError("Disconnected", "no reply")
        if reply.message_type is MessageType.ERROR:
            name, said = reply.error_name or "", str(reply.body[0]) if reply.body else ""
            if name.startswith(f"{_DAEMON}.Error.") and name.rpartition(".")[2] in _GONE:
                raise BusGoneError(name, said)
            raise BusError(name, said)
        return reply.body


_GONE = frozenset({"ServiceUnknown", "NameHasNoOwner", "NoReply", "Disconnected", "UnknownObject", "UnknownMethod"})
"""ModemManager is not running, or what was spoken to has been unplugged."""


def _plain(values: dict[str, Variant]) -> dict[str, Any]:
    return {name: value.value for name, value in values.items()}
