from __future__ import annotations

from pathlib import Path

import pytest

from sync.keys import KeyFileError, PublicKey, SignatureError, SigningKey

RFC8032_SECRET = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
RFC8032_PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
RFC8032_SIGNATURE_START = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
RFC8032_SIGNATURE = RFC8032_SIGNATURE_START + "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"


def test_it_signs_as_rfc_8032_says(tmp_path: Path) -> None:
    path = tmp_path / "sign.key"
    path.write_text(RFC8032_SECRET)
    path.chmod(0o600)
    key = SigningKey.read(path)
    assert key.public.raw.hex() == RFC8032_PUBLIC
    assert key.sign(b"").hex() == RFC8032_SIGNATURE
    key.public.verify(bytes.fromhex(RFC8032_SIGNATURE), b"")


def test_a_key_is_found_again_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "sign.key"
    key = SigningKey.make(path)
    assert SigningKey.read(path).public == key.public
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        SigningKey.make(path)


def test_another_signer_and_an_altered_message_are_refused(tmp_path: Path) -> None:
    mine, other = SigningKey.make(tmp_path / "a"), SigningKey.make(tmp_path / "b")
    with pytest.raises(SignatureError):
        mine.public.verify(other.sign(b"x"), b"x")
    with pytest.raises(SignatureError):
        mine.public.verify(mine.sign(b"x"), b"y")
    with pytest.raises(SignatureError):
        PublicKey(b"short")


@pytest.mark.parametrize("content", ["", "zz", "00" * 31])
def test_a_damaged_key_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "sign.key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="not a signing key"):
        SigningKey.read(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        SigningKey.read(path)
    with pytest.raises(KeyFileError, match="not found"):
        SigningKey.read(tmp_path / "none")


def test_a_fingerprint_can_be_read_out(tmp_path: Path) -> None:
    assert len(SigningKey.make(tmp_path / "a").public.fingerprint.split()) == 4
