"""A village examined without its server: what its folder, its computer and its modem show from outside.

Never starts, mends or migrates anything; whatever is missing or unreadable is a finding, and the rest is still looked
at.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

from audio.failures import AudioError, ClipStorageError
from audio.speech import Speech
from village.config import MODEM, Config, ConfigError, read_config
from village.doctor import store
from village.doctor.beyond import SENTENCE, examine_spoken, no_room_to_speak
from village.doctor.computer import ClockSeen, examine_clock
from village.doctor.doctor import SPEAKING_S, clock_seen, examine_computer, unreadable_disk
from village.doctor.finding import Finding, Part, Verdict
from village.doctor.keeping import KeyFile, examine_certificate, examine_database, examine_keys, examine_ports
from village.doctor.lines import examine_queue, no_lines
from village.doctor.looking import key_files, look, taken_ports
from village.doctor.moments import day
from village.ground.clock import Clock, SystemClock
from village.ground.folder import last_known_ms
from village.ground.migrate import steps_of
from village.ground.privacy import KeyFileError, read_key_file
from village.ground.reasons import reason_of
from village.ground.wording import say
from village.link import store as link_store
from village.place import CONFIG_NAME, sample_clock
from village.schema import PACKAGES

_TOML = say("请懂电脑的人改好设置文件 village.toml，再启动服务。")


def not_serving(folder: Path) -> Finding:
    return Finding(
        Part.SERVER,
        Verdict.BAD,
        say("没有开：通知不会发，短信收不进来"),
        say("把这台电脑的电源关掉再开，等三分钟。还不行，请懂电脑的人运行：village serve {folder}", folder=folder),
    )


def silent() -> Finding:
    return Finding(
        Part.SERVER,
        Verdict.BAD,
        say("开着，可是不回答"),
        say("等五分钟再查一次。还这样，把这台电脑的电源关掉再开；已经记下的不会丢。"),
    )


def forbidden() -> Finding:
    return Finding(
        Part.SERVER,
        Verdict.BAD,
        say("不让问：这个文件夹是另一个用户的"),
        say("用开服务的那个用户再运行一次，或者在命令前面加 sudo。"),
    )


def missing_folder(folder: Path) -> Finding | None:
    """None where the folder is there and may be looked into."""
    try:
        next(folder.iterdir(), None)
    except OSError as failure:
        said = say("看不了 {folder}：{reason}", folder=folder, reason=reason_of(failure))
        do = say("看看文件夹的名字写对了没有；名字对，就用开服务的那个用户再运行一次，或者在命令前面加 sudo。")
        return Finding(Part.SETTINGS, Verdict.BAD, said, do)
    return None


def check_database(folder: Path) -> Finding:
    """Blocks for `store.CHECK_S` at most; also beside a running server."""
    known = {package: len(steps_of(package)) for package in PACKAGES}
    return examine_database(store.check(folder / "village.db", known))


def examine_settings(folder: Path) -> tuple[list[Finding], Config | None]:
    """Each mistake is a line of its own; also beside a running server, whose next start would fail."""
    try:
        config = read_config(folder / CONFIG_NAME)
    except ConfigError as refused:
        return [Finding(Part.SETTINGS, Verdict.BAD, reason, _TOML) for reason in refused.reasons], None
    said = say("读得懂（{village}）", village=config.village.name)
    return [Finding(Part.SETTINGS, Verdict.GOOD, said)], config


async def examine_alone(
    folder: Path, certificate_ends_ms: Callable[[Path], int | None], *, bus: str | None = None
) -> list[Finding]:
    """Everything but the server itself. `certificate_ends_ms`: of the desk's certificate in a folder."""
    findings, config = examine_settings(folder)
    findings.append(examine_keys([_opened(file) for file in key_files(folder)]))
    database = check_database(folder)
    findings.append(database)
    clock = _clock(folder, config)
    if database.verdict is Verdict.GOOD:
        findings += _from_file(folder, clock)
    else:
        findings += _computer(folder, None, clock)
        findings.append(examine_clock(_seen(clock, None)))
    findings.append(examine_certificate(certificate_ends_ms(folder / "tls"), clock.now_ms()))
    findings.append(await _speech())
    if config is not None:
        findings += await _lines(config, bus)
        web = config.web
        ports = [port for port in (web.public_port, web.loopback_port, web.desk_port) if port]
        findings.append(examine_ports(ports, taken_ports(web.listen, ports)))
    return findings


def _opened(file: KeyFile) -> KeyFile:
    """The village's own key is read as well."""
    path = Path(file.path)
    if not file.there or file.open_to_others or path.name != "village.key":
        return file
    try:
        read_key_file(path)
    except KeyFileError:
        return KeyFile(file.path, there=True, broken=True)
    except OSError:
        pass  # it is another user's, which says nothing of the key
    return file


def _clock(folder: Path, config: Config | None) -> Clock:
    if config is not None and config.village.sample:
        try:
            return sample_clock(folder)
        except (OSError, ValueError):
            pass  # a sample whose clock cannot be read: the computer's own will do to look at it
    return SystemClock(last_known_ms=last_known_ms(folder / "village.db"))


def _seen(clock: Clock, step: tuple[str, int] | None) -> ClockSeen:
    if isinstance(clock, SystemClock):
        return clock_seen(clock, step)
    return ClockSeen(clock.now_ms(), clock.trusted, sample=True)


def _from_file(folder: Path, clock: Clock) -> list[Finding]:
    """What the sound file of a village tells of it."""
    now_ms = clock.now_ms()
    try:
        with store.beside(folder / "village.db") as tx:
            waiting, step, begun_ms = store.waiting(tx, now_ms), store.last_step(tx), store.begun_ms(tx)
            county = link_store.county(tx)
    except sqlite3.Error:  # of an older version, which the server brings up to date when it starts
        return [*_computer(folder, None, clock), examine_clock(_seen(clock, None))]
    findings = [
        *_computer(folder, begun_ms, clock),
        examine_clock(_seen(clock, step)),
        examine_queue(waiting, any_line_up=False, now_ms=now_ms),
    ]
    if county is not None:
        said = say(
            "登记在{county}，到{day}为止；开了服务才知道对上没有", county=county.name, day=day(county.expires_ms)
        )
        findings.append(Finding(Part.COUNTY, Verdict.GOOD, said))
    else:
        findings.append(Finding(Part.COUNTY, Verdict.ABSENT, say("还没有登记")))
    return findings


def _computer(folder: Path, begun_ms: int | None, clock: Clock) -> list[Finding]:
    try:
        computer = look(folder)
    except OSError as failure:
        return [unreadable_disk(failure)]
    return examine_computer(computer, begun_ms=begun_ms, full=False, now_ms=clock.now_ms())


async def _speech() -> Finding:
    """In a folder of its own: the village's clips are the server's."""
    try:
        with tempfile.TemporaryDirectory(prefix="village-doctor-") as clips:
            speech = Speech(Path(clips))
            try:
                async with asyncio.timeout(SPEAKING_S):
                    return examine_spoken(await speech.clip(SENTENCE, fresh=True))
            finally:
                await speech.close()
    except (ClipStorageError, OSError):
        return no_room_to_speak()
    except (AudioError, TimeoutError):
        return examine_spoken(None)


async def _lines(config: Config, bus: str | None) -> list[Finding]:
    if not config.sms.transports:
        return [no_lines()]
    if config.sms.simulated:
        return [Finding(Part.LINE, Verdict.ABSENT, say("模拟的，开了服务才有"))]
    if MODEM not in config.sms.transports:
        return []  # a phone, or a company's computer, is spoken to by the server alone
    from village.doctor.modem_seen import see_modem  # D-Bus only where there is a modem

    sticks = config.modem.devices or ("",)
    return [await see_modem(imei, bus, name=f"modem-{imei[-6:]}" if imei else "modem") for imei in sticks]
