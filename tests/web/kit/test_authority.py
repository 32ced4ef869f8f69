"""The village's own certificates, judged by a real TLS client."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from tests.web.kit.browser import Browser
from tests.web.kit.conftest import Desk
from village.ground.clock import MovableClock, parse_iso
from village.ground.wording import RefusalError
from village.web.kit.authority import (
    authority_certificate,
    authority_fingerprint,
    keep_certificate_fresh,
    make_authority,
    own_names,
    server_context,
)

NOW_MS = parse_iso("2026-12-05T09:10:00")
DAY_MS = 86_400_000


def leaf(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / "desk.crt").read_bytes())


async def test_a_browser_that_installed_the_authority_trusts_the_desk(desk: Desk) -> None:
    context = ssl.create_default_context(cadata=authority_certificate(desk.tls))
    browser = Browser(desk.secure_url, context=context)
    try:
        page = await browser.submit(
            await browser.get("/first"),
            "/first",
            code=desk.code,
            name="陈会计",
            password="qingshan lvshui",
            password_again="qingshan lvshui",
        )
        assert page.path == "/room"
        cookies = {cookie.key: cookie for cookie in browser.session.cookie_jar}
        assert any(name.startswith("__Host-desk-") for name in cookies)
        assert all(cookie["secure"] for cookie in cookies.values())
        downloaded = await browser.get("/ca/village-ca.crt")
        assert downloaded.raw == authority_certificate(desk.tls)
        page = await browser.get("/ca")
        assert authority_fingerprint(desk.tls) in page.text
    finally:
        await browser.close()


async def test_a_browser_that_did_not_install_it_does_not(desk: Desk) -> None:
    browser = Browser(desk.secure_url)
    with pytest.raises(Exception, match="certificate verify failed"):
        await browser.get("/first")
    await browser.close()


def test_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    make_authority(tmp_path / "tls", "青山村", [], NOW_MS)
    for name in ("authority.key", "desk.key"):
        assert (tmp_path / "tls" / name).stat().st_mode & 0o777 == 0o600


def test_an_authority_is_never_overwritten(tmp_path: Path) -> None:
    make_authority(tmp_path, "青山村", [], NOW_MS)
    before = authority_fingerprint(tmp_path)
    with pytest.raises(FileExistsError):
        make_authority(tmp_path, "青山村", [], NOW_MS)
    assert authority_fingerprint(tmp_path) == before


@pytest.mark.parametrize("born_ms", [0, NOW_MS])
def test_a_clock_in_1970_makes_certificates_that_hold_today(tmp_path: Path, born_ms: int) -> None:
    make_authority(tmp_path, "青山村", ["192.168.1.10"], born_ms)
    clock = MovableClock(born_ms, trusted=born_ms > 0)
    server_context(tmp_path, ["192.168.1.10"], clock)
    authority = x509.load_pem_x509_certificate((tmp_path / "authority.crt").read_bytes())
    today = datetime(2026, 12, 5, tzinfo=UTC)
    for certificate in (authority, leaf(tmp_path)):
        assert certificate.not_valid_before_utc < today < certificate.not_valid_after_utc
    assert authority.not_valid_after_utc > datetime(2035, 12, 1, tzinfo=UTC)
    assert leaf(tmp_path).not_valid_after_utc - leaf(tmp_path).not_valid_before_utc <= timedelta(days=397)


def test_a_start_leaves_a_fresh_certificate_alone_and_renews_an_old_one(tmp_path: Path) -> None:
    make_authority(tmp_path, "青山村", ["cunwei.local"], NOW_MS)
    first = leaf(tmp_path).serial_number
    server_context(tmp_path, ["cunwei.local"], MovableClock(NOW_MS + 30 * DAY_MS))
    assert leaf(tmp_path).serial_number == first
    server_context(tmp_path, ["cunwei.local"], MovableClock(NOW_MS + 300 * DAY_MS, trusted=False))
    assert leaf(tmp_path).serial_number == first
    server_context(tmp_path, ["cunwei.local"], MovableClock(NOW_MS + 300 * DAY_MS))
    assert leaf(tmp_path).serial_number != first


def test_new_names_make_a_new_certificate(tmp_path: Path) -> None:
    make_authority(tmp_path, "青山村", [], NOW_MS)
    server_context(tmp_path, ["192.168.1.10", "desk.lan"], MovableClock(NOW_MS))
    names = leaf(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "desk.lan" in names.get_values_for_type(x509.DNSName)
    assert "192.168.1.10" in [str(a) for a in names.get_values_for_type(x509.IPAddress)]


def test_the_authority_signs_for_nobody_elses_names(tmp_path: Path) -> None:
    make_authority(tmp_path, "青山村", ["qingshan.example.cn"], NOW_MS)
    strangers = ["bank.example.com", "93.184.216.34", "example.cn", "raspberrypi"]
    server_context(tmp_path, ["qingshan.example.cn", "pi.local", *strangers], MovableClock(NOW_MS))
    names = leaf(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "qingshan.example.cn", "pi.local"}
    assert {str(address) for address in names.get_values_for_type(x509.IPAddress)} == {"127.0.0.1", "::1"}


def test_a_stolen_authority_cannot_pose_as_a_bank(tmp_path: Path) -> None:
    make_authority(tmp_path, "青山村", [], NOW_MS)
    authority = x509.load_pem_x509_certificate((tmp_path / "authority.crt").read_bytes())
    limits = authority.extensions.get_extension_for_class(x509.NameConstraints)
    assert limits.critical
    assert limits.value.permitted_subtrees


def test_this_computers_own_names_can_all_be_signed_for(tmp_path: Path) -> None:
    names = own_names()
    make_authority(tmp_path, "青山村", names, NOW_MS)
    server_context(tmp_path, names, MovableClock(NOW_MS))
    signed = leaf(tmp_path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    shown = [*signed.get_values_for_type(x509.DNSName), *map(str, signed.get_values_for_type(x509.IPAddress))]
    assert set(names) <= set(shown)


def test_a_pair_torn_by_a_power_cut_is_mended_at_the_next_start(tmp_path: Path) -> None:
    make_authority(tmp_path, "青山村", [], NOW_MS)
    make_authority(tmp_path / "other", "别村", [], NOW_MS)
    (tmp_path / "desk.key").write_bytes((tmp_path / "other" / "desk.key").read_bytes())
    server_context(tmp_path, [], MovableClock(NOW_MS))
    (tmp_path / "desk.crt").unlink()
    server_context(tmp_path, [], MovableClock(NOW_MS))


async def test_a_running_server_renews_its_certificate(tmp_path: Path) -> None:
    make_authority(tmp_path, "青山村", [], NOW_MS)
    clock = MovableClock(NOW_MS)
    context = server_context(tmp_path, [], clock)
    first = leaf(tmp_path).serial_number
    task = asyncio.create_task(keep_certificate_fresh(tmp_path, [], clock, context))
    await clock.advance(300 * DAY_MS)
    assert leaf(tmp_path).serial_number != first
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def test_without_an_authority_the_reason_is_said(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="village init"):
        server_context(tmp_path, [], MovableClock(NOW_MS))
