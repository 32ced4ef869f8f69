"""The village's own certificate authority and the desk's certificate.

Made once at `village init`; the clerk installs the authority on their own machines and nobody else's. It is limited to
local names, private addresses and the village's own names, so that a stolen computer cannot pose as a bank. Never
trusts a clock that woke up in 1970: no certificate begins after what the clerk's computer can take for now.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import os
import re
import socket
import ssl
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from village.ground.clock import Clock
from village.ground.files import write_whole
from village.ground.wording import RefusalError, say

log = logging.getLogger(__name__)

AUTHORITY, AUTHORITY_KEY = "authority.crt", "authority.key"
SERVER, SERVER_KEY = "desk.crt", "desk.key"

_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""Before this program was written: a clock that shows less is wrong, and a certificate from then on is right."""

_AUTHORITY_YEARS = 10
_LEAF_DAYS = 397
"""CA/Browser Forum Baseline Requirements 6.3.2: browsers refuse longer ones from public authorities, some from all."""

_LEAF_EARLY_DAYS = 45
"""The leaf begins that long before today: the clerk's computer may be behind ours."""

_RENEW_DAYS = 90
"""A leaf is made anew when it has less than this left; servers in villages run for months."""

_LOOK_EVERY_MS = 6 * 3_600_000

_LOCAL_NAMES = ("localhost", "local", "lan", "internal", "home.arpa")
_LOCAL_NETWORKS = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)
"""RFC 1918, 3927, 4193, 4291, 6598, 6762, 8375; `.internal` by ICANN 2024."""

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
_LOCAL_ADDRESS = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL")
"""How the kernel lists the addresses of this computer in /proc/net/fib_trie."""

_ALWAYS = ("localhost", "127.0.0.1", "::1")


def make_authority(folder: Path, village: str, hosts: Collection[str], now_ms: int) -> None:
    """Write the authority and a first certificate for `hosts` into `folder`.

    Raises FileExistsError: an authority that clerks have installed is never overwritten.
    """
    if (folder / AUTHORITY_KEY).exists():
        raise FileExistsError(folder / AUTHORITY_KEY)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    begins, key = _plausible(now_ms), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "e家家"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{village} 村务台 {os.urandom(2).hex()}"[:64]),
        ]
    )
    certificate = (
        _builder(name, name, key.public_key(), _EARLIEST - timedelta(days=365), _years_on(begins, _AUTHORITY_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(_only_local(hosts), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_whole(folder / AUTHORITY, certificate.public_bytes(serialization.Encoding.PEM))
    write_whole(folder / AUTHORITY_KEY, _pem(key), mode=0o600)
    _issue(folder, hosts, begins)


def server_context(folder: Path, hosts: Collection[str], clock: Clock) -> ssl.SSLContext:
    """What HTTPS is served with; the certificate is made anew where it is missing, old or for other names.

    Raises RefusalError where there is no authority.
    """
    if not (folder / AUTHORITY).exists():
        raise RefusalError(say("找不到证书 {path}，请先运行 village init。", path=folder / AUTHORITY))
    _renew(folder, hosts, clock)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / SERVER, folder / SERVER_KEY)
    return context


async def keep_certificate_fresh(folder: Path, hosts: Collection[str], clock: Clock, context: ssl.SSLContext) -> None:
    """Look after the certificate of a running server until cancelled; new connections get the new one."""
    while True:
        await clock.sleep_ms(_LOOK_EVERY_MS)
        try:
            if _renew(folder, hosts, clock):
                context.load_cert_chain(folder / SERVER, folder / SERVER_KEY)
        except (OSError, RefusalError, ssl.SSLError) as failure:
            log.error("certificate not renewed reason=%s", failure)


def own_names() -> list[str]:
    """What this computer is called and which addresses it has right now, as far as it knows; a hint, not a promise."""
    name = socket.gethostname().lower().partition(".")[0]
    names = [name, f"{name}.local"] if _NAME.match(name) else []
    try:
        table = Path("/proc/net/fib_trie").read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return names
    networks = [ipaddress.ip_network(network) for network in _LOCAL_NETWORKS]
    addresses = {ipaddress.ip_address(found) for found in _LOCAL_ADDRESS.findall(table)}
    return names + sorted(str(a) for a in addresses if not a.is_loopback and _within(a, networks))


def authority_certificate(folder: Path) -> bytes:
    """The authority as browsers and systems take it (DER)."""
    return _load(folder / AUTHORITY).public_bytes(serialization.Encoding.DER)


def authority_fingerprint(folder: Path) -> str:
    """SHA-256 as browsers show it, in pairs: the clerk compares it with what the server printed."""
    digest = hashlib.sha256(authority_certificate(folder)).hexdigest().upper()
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))


def certificate_ends_ms(folder: Path) -> int | None:
    """Until when the desk's certificate is good; None where there is none or it cannot be read."""
    try:
        return int(_load(folder / SERVER).not_valid_after_utc.timestamp()) * 1000
    except (OSError, ValueError):
        return None


def _renew(folder: Path, hosts: Collection[str], clock: Clock) -> bool:
    """Whether a new leaf was written. A guessed clock never replaces a certificate that fits the names."""
    now = _plausible(clock.now_ms())
    if (folder / SERVER).exists() and (folder / SERVER_KEY).exists():
        leaf = _load(folder / SERVER)
        if _names_of(leaf) == _signable(_load(folder / AUTHORITY), hosts) and _signed_by(leaf, folder):
            fresh = leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc - timedelta(days=_RENEW_DAYS)
            if fresh or not clock.trusted:
                return False
    _issue(folder, hosts, now)
    return True


def _issue(folder: Path, hosts: Collection[str], now: datetime) -> None:
    authority = _load(folder / AUTHORITY)
    signer = serialization.load_pem_private_key((folder / AUTHORITY_KEY).read_bytes(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise RefusalError(say("证书的钥匙坏了：{path}", path=folder / AUTHORITY_KEY))
    names = _signable(authority, hosts)
    for name in sorted(_wanted(hosts) - names):
        log.warning("name left out of the certificate, the authority may not sign for it name=%s", name)
    key = ec.generate_private_key(ec.SECP256R1())
    begins = now - timedelta(days=_LEAF_EARLY_DAYS)
    ends = min(begins + timedelta(days=_LEAF_DAYS), authority.not_valid_after_utc)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "e家家 村务台")])
    certificate = (
        _builder(subject, authority.subject, key.public_key(), begins, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in sorted(names)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    # a cut between the two leaves a pair that does not match, which `_signed_by` notices at the next start
    write_whole(folder / SERVER_KEY, _pem(key), mode=0o600)
    write_whole(folder / SERVER, certificate.public_bytes(serialization.Encoding.PEM))
    log.info("certificate made names=%d until=%s", len(names), ends.date())


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _only_local(hosts: Collection[str]) -> x509.NameConstraints:
    """RFC 5280 4.2.1.10: a name allows itself and what is below it."""
    own = [_general(host) for host in sorted(_wanted(hosts))]
    allowed: list[x509.GeneralName] = [x509.DNSName(name) for name in _LOCAL_NAMES]
    allowed += [name for name in own if isinstance(name, x509.DNSName) and name not in allowed]
    networks = [ipaddress.ip_network(network) for network in _LOCAL_NETWORKS]
    for name in own:
        if isinstance(name, x509.IPAddress) and not _within(name.value, networks):
            networks.append(ipaddress.ip_network(name.value))
    return x509.NameConstraints(allowed + [x509.IPAddress(network) for network in networks], None)


def _signable(authority: x509.Certificate, hosts: Collection[str]) -> frozenset[str]:
    """The names the authority may sign for: with one other name in it a browser refuses the whole certificate."""
    allowed = authority.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
    domains = [name.value for name in allowed if isinstance(name, x509.DNSName)]
    networks = [name.value for name in allowed if isinstance(name, x509.IPAddress)]

    def fits(name: str) -> bool:
        general = _general(name)
        if isinstance(general, x509.IPAddress):
            return _within(general.value, networks)
        return any(name == domain or name.endswith(f".{domain}") for domain in domains)

    return frozenset(name for name in _wanted(hosts) if fits(name))


def _within(address: object, networks: Sequence[object]) -> bool:
    if not isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return False
    return any(
        address in network for network in networks if isinstance(network, ipaddress.IPv4Network | ipaddress.IPv6Network)
    )


def _wanted(hosts: Collection[str]) -> frozenset[str]:
    return frozenset({*_ALWAYS, *(host.lower().rstrip(".") for host in hosts)})


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names_of(leaf: x509.Certificate) -> frozenset[str]:
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return frozenset([*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))])


def _signed_by(leaf: x509.Certificate, folder: Path) -> bool:
    """Whether the leaf belongs to our authority and to the key beside it."""
    key = serialization.load_pem_private_key((folder / SERVER_KEY).read_bytes(), password=None)
    try:
        leaf.verify_directly_issued_by(_load(folder / AUTHORITY))
    except Exception:  # noqa: BLE001 - whatever is wrong with it, a new one is made
        return False
    return key.public_key() == leaf.public_key()


def _load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _plausible(now_ms: int) -> datetime:
    return max(_EARLIEST, datetime.fromtimestamp(now_ms / 1000, UTC)).replace(microsecond=0)


def _years_on(moment: datetime, years: int) -> datetime:
    """Counted in days: 29 February has no tenth birthday."""
    return moment + timedelta(days=round(365.25 * years))
