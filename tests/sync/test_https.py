"""Facts about HTTPS to the county: its own authority is believed whatever year a clock says, another one never."""

from __future__ import annotations

import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sync.carriers.https import HttpsCarrier, UnreachableError

LONG_AGO = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC))
NOW = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC))
FAR_AHEAD = (datetime(2100, 1, 1, tzinfo=UTC), datetime(2110, 1, 1, tzinfo=UTC))


def _signed(name: str, key, issuer: str, by, valid, *, authority: bool) -> x509.Certificate:
    def called(what: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, what)])

    loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = (
        x509.CertificateBuilder()
        .subject_name(called(name))
        .issuer_name(called(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return (builder if authority else builder.add_extension(loopback, critical=False)).sign(by, hashes.SHA256())


def made(folder: Path, name: str, valid) -> tuple[str, ssl.SSLContext]:
    """An authority in PEM, and a server that has its certificate from it."""
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _signed(name, authority_key, name, authority_key, valid, authority=True)
    server = _signed("server", server_key, name, authority_key, valid, authority=False)
    path = folder / f"{name}.pem"
    path.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + server.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return authority.public_bytes(serialization.Encoding.PEM).decode("ascii"), context


@contextlib.asynccontextmanager
async def served(context: ssl.SSLContext) -> AsyncIterator[str]:
    """A county that answers with what it was sent."""

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application()
    app.router.add_post("/exchange", echo)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    try:
        yield f"https://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("valid", [NOW, LONG_AGO, FAR_AHEAD])
async def test_the_countys_own_authority_is_believed_whatever_the_clock_says(tmp_path, valid):
    authority, context = made(tmp_path, "county", valid)
    async with served(context) as url:
        assert await HttpsCarrier(url, authority).post("/exchange", b"sealed") == b"sealed"


async def test_another_authority_is_nobody(tmp_path):
    _, context = made(tmp_path, "county", NOW)
    stranger, _ = made(tmp_path, "stranger", NOW)
    async with served(context) as url:
        for authority in (stranger, ""):
            with pytest.raises(UnreachableError):
                await HttpsCarrier(url, authority).post("/exchange", b"sealed")
