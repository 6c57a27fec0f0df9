from pathlib import Path

import pytest
from configurations import WHOLE, read

from groundswell.config.secrets import SECRET_BYTES_MAX, SecretFiles


def _secret(directory: Path, content: bytes, mode: int = 0o600) -> None:
    (directory / "token").write_bytes(content)
    (directory / "token").chmod(mode)


@pytest.mark.parametrize("content", [b"hunter2", b"hunter2\n", b"hunter2\r\n"])
def test_a_secret_file_is_read_without_its_line_end(tmp_path: Path, content: bytes) -> None:
    _secret(tmp_path, content)
    assert SecretFiles(tmp_path, {})({"file": "token"}) == "hunter2"
    assert SecretFiles(Path("/"), {})({"file": str(tmp_path / "token")}) == "hunter2"


def test_only_one_line_end_is_taken_off(tmp_path: Path) -> None:
    _secret(tmp_path, b" a\n\n")
    assert SecretFiles(tmp_path, {})({"file": "token"}) == " a\n"


def test_a_credential_is_where_systemd_puts_it(tmp_path: Path) -> None:
    _secret(tmp_path, b"hunter2\n")
    assert SecretFiles(Path("/"), {"CREDENTIALS_DIRECTORY": str(tmp_path)})({"credential": "token"}) == "hunter2"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"file": "nowhere"}, "cannot be read: No such file or directory"),
        ({"file": "."}, "cannot be read: Is a directory"),
        ({"file": "a\0b"}, "is not the name of a file"),
        ({"file": ""}, "is not a secret"),
        ({"file": 3}, "is not a secret"),
        ({"file": "a", "credential": "b"}, "is not a secret"),
        ({}, "is not a secret"),
        ({"credential": "../token"}, "is not a name"),
        ({"credential": "nowhere"}, "cannot be read: No such file or directory"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, where: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SecretFiles(tmp_path, {"CREDENTIALS_DIRECTORY": str(tmp_path)})(where)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"x" * (SECRET_BYTES_MAX + 1), "is larger"),
    ],
)
def test_what_is_no_secret_is_told_without_it(tmp_path: Path, content: bytes, words: str) -> None:
    _secret(tmp_path, content)
    with pytest.raises(ValueError, match=words) as caught:
        SecretFiles(tmp_path, {})({"file": "token"})
    assert "xx" not in str(caught.value)


@pytest.mark.parametrize(("mode", "is_open"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_secret_file_others_can_read_is_a_warning(tmp_path: Path, mode: int, is_open: bool) -> None:
    _secret(tmp_path, b"hunter2", mode)
    text = WHOLE + 'token = { file = "token" }\ntokens = [{ file = "${NAME}" }]\n'
    config = read(tmp_path, text, {"NAME": "token"})
    crm = config.components["crm"].settings
    assert crm.token.reveal() == crm.tokens[0].reveal() == "hunter2"
    warning = f"the secret file {tmp_path}/token can be read by other users; chmod 600 it"
    assert config.warnings == ((warning,) if is_open else ())


def test_a_secret_of_a_configuration_is_never_printed(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE + 'token = "hunter2"\ntokens = ["hunter2"]\n')
    assert "hunter2" not in repr(config)
    assert "hunter2" not in str(config.components["crm"].settings.model_dump())
    assert "hunter2" not in config.components["crm"].settings.model_dump_json()
