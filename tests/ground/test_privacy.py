from __future__ import annotations

from pathlib import Path

import pytest

from village.ground.files import write_whole
from village.ground.privacy import KeyFileError, SealBrokenError, Vault, make_key_file, read_key_file

NUMBER = "+8619900000001"


def test_a_sealed_number_opens_again_and_does_not_show() -> None:
    vault = Vault(b"k" * 32)
    sealed = vault.seal(NUMBER)
    assert vault.open(sealed) == NUMBER
    assert NUMBER.encode() not in sealed
    assert vault.seal(NUMBER) != sealed


def test_a_fingerprint_finds_a_number_and_needs_the_key() -> None:
    assert Vault(b"k" * 32).fingerprint(NUMBER) == Vault(b"k" * 32).fingerprint(NUMBER)
    assert Vault(b"k" * 32).fingerprint(NUMBER) != Vault(b"x" * 32).fingerprint(NUMBER)


def test_another_key_or_an_altered_seal_is_refused() -> None:
    sealed = Vault(b"k" * 32).seal(NUMBER)
    for key, value in ((b"x" * 32, sealed), (b"k" * 32, sealed[:-1] + bytes([sealed[-1] ^ 1])), (b"k" * 32, b"")):
        with pytest.raises(SealBrokenError):
            Vault(key).open(value)


def test_a_key_is_its_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "village.key"
    key = make_key_file(path)
    assert read_key_file(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        make_key_file(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_key_file(path)


@pytest.mark.parametrize("content", [b"", b"zz", b"00" * 31, b"\xff\xfe"])
def test_a_damaged_key_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "village.key"
    write_whole(path, content, mode=0o600)
    with pytest.raises(KeyFileError, match="not a key"):
        read_key_file(path)
    with pytest.raises(KeyFileError, match="not found"):
        read_key_file(tmp_path / "none")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_whole(path, b"old")

    def cut(_: int) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("village.ground.files.os.fsync", cut)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_half_a_character_is_kept_as_it_came():
    """An SMS that was cut in the middle of a picture."""
    vault, cut = Vault(b"k" * 32), "好的\ud83d"
    assert vault.open(vault.seal(cut)) == cut
    assert len(vault.fingerprint(cut)) == 16
