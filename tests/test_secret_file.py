from __future__ import annotations

from pathlib import Path

import pytest

from village.ground.wording import RefusalError
from village.secret_file import Secrets, read_secrets


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "secrets.toml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_without_a_file_there_are_no_secrets(tmp_path: Path) -> None:
    assert read_secrets(tmp_path / "secrets.toml") == Secrets()


def test_what_is_written_is_read_and_never_shown(tmp_path: Path) -> None:
    secrets = read_secrets(written(tmp_path, '[modem]\npin = "1234"\n[phone]\nuser = "u"\npassword = "p-long"\n'))
    assert (secrets.modem_pin, secrets.phone_user, secrets.phone_password) == ("1234", "u", "p-long")
    assert "1234" not in repr(secrets)
    assert "p-long" not in str(secrets)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(RefusalError, match="chmod 600"):
        read_secrets(written(tmp_path, '[modem]\npin = "1234"\n', mode))


@pytest.mark.parametrize(
    "text", ['[modem]\npni = "1234"\n', "[modem]\npin = 1234\n", 'pin = "1234"\n', "[modem\n", '[radio]\npin = "1"\n']
)
def test_a_mistake_is_named_without_its_value(tmp_path: Path, text: str) -> None:
    with pytest.raises(RefusalError) as refused:
        read_secrets(written(tmp_path, text))
    assert "1234" not in str(refused.value)
