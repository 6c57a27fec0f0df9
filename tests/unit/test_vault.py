"""What seals the credentials of accounts: what it takes to open them, and the file of its key."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundswell.runtime.vault import Vault, VaultError, beside
from groundswell.settings import Secret

KEY = Secret("ab" * 32)
VALUES = {"username": "staff", "password": "p4ss-wörd"}


def key_file(directory: Path) -> Path:
    return beside(directory / "groundswell.db")


def vault(directory: Path, key: Secret | None = None) -> Vault:
    return Vault(directory / "groundswell.db", key)


@given(
    values=st.dictionaries(st.text(), st.text() | st.integers(-(2**53), 2**53) | st.booleans() | st.lists(st.text()))
)
def test_what_is_sealed_opens_to_what_it_was(values: dict[str, Any]) -> None:
    kept = Vault(Path("groundswell.db"), KEY)
    assert kept.open("crm", kept.seal("crm", values)) == values


def test_nothing_of_it_can_be_read_and_no_two_are_alike() -> None:
    kept = Vault(Path("groundswell.db"), KEY)
    sealed = [kept.seal("crm", VALUES) for _ in range(2)]
    assert sealed[0] != sealed[1]
    for text in ("staff", "p4ss-wörd", "password"):
        assert text.encode() not in sealed[0] + sealed[1]


@given(place=st.integers(0, 60), bit=st.integers(0, 7))
def test_one_changed_bit_and_it_does_not_open(place: int, bit: int) -> None:
    kept = Vault(Path("groundswell.db"), KEY)
    sealed = bytearray(kept.seal("crm", VALUES))
    sealed[place % len(sealed)] ^= 1 << bit
    with pytest.raises(VaultError):
        kept.open("crm", bytes(sealed))


def test_it_opens_for_the_account_and_with_the_key_it_was_sealed_for_alone() -> None:
    sealed = Vault(Path("groundswell.db"), KEY).seal("crm", VALUES)
    with pytest.raises(VaultError, match=r"of network in groundswell\.db do not open with \[daemon\] key"):
        Vault(Path("groundswell.db"), KEY).open("network", sealed)
    with pytest.raises(VaultError, match="another key sealed them"):
        Vault(Path("groundswell.db"), Secret("cd" * 32)).open("crm", sealed)
    for cut in (b"", sealed[:10], b"\x02" + sealed[1:]):
        with pytest.raises(VaultError, match="of a kind this version does not know"):
            Vault(Path("groundswell.db"), KEY).open("crm", cut)


def test_the_key_file_is_made_on_first_use_for_its_owner_alone_and_used_from_then_on(tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        sealed = vault(tmp_path).seal("crm", VALUES)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(key_file(tmp_path).stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["groundswell.db.key"]
    before = key_file(tmp_path).read_text()
    assert vault(tmp_path).open("crm", sealed) == VALUES
    assert vault(tmp_path).open("other", vault(tmp_path).seal("other", {})) == {}
    assert key_file(tmp_path).read_text() == before


def test_what_a_crash_left_of_a_key_file_is_not_used(tmp_path: Path) -> None:
    draft = key_file(tmp_path).with_name("groundswell.db.key.new")
    draft.write_text("ab")
    sealed = vault(tmp_path).seal("crm", VALUES)
    assert vault(tmp_path).open("crm", sealed) == VALUES
    assert not draft.exists()


def test_opening_makes_no_key(tmp_path: Path) -> None:
    sealed = vault(tmp_path, KEY).seal("crm", VALUES)
    with pytest.raises(VaultError, match="is not there, and without it no credentials"):
        vault(tmp_path).open("crm", sealed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o777])
def test_a_key_file_that_others_can_use_is_refused_for_sealing_and_opening(tmp_path: Path, mode: int) -> None:
    sealed = vault(tmp_path).seal("crm", VALUES)
    key_file(tmp_path).chmod(mode)
    with pytest.raises(VaultError, match="can be used by others than its owner, and is not used; chmod 600 it"):
        vault(tmp_path).open("crm", sealed)
    with pytest.raises(VaultError, match="can be used by others"):
        vault(tmp_path).seal("crm", VALUES)


@pytest.mark.parametrize("content", ["", "ab", "zz" * 32, "ab" * 33, "\x00" * 64])
def test_a_file_that_holds_no_key_is_refused_and_stays(tmp_path: Path, content: str) -> None:
    key_file(tmp_path).write_text(content)
    key_file(tmp_path).chmod(0o600)
    with pytest.raises(VaultError, match="holds no key"):
        vault(tmp_path).seal("crm", VALUES)
    assert key_file(tmp_path).read_text() == content


def test_a_link_in_the_place_of_the_key_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("ab" * 32)
    (tmp_path / "elsewhere").chmod(0o600)
    key_file(tmp_path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VaultError, match="cannot be read"):
        vault(tmp_path).seal("crm", VALUES)


def test_no_error_holds_a_key_or_a_credential(tmp_path: Path) -> None:
    sealed = vault(tmp_path, KEY).seal("crm", VALUES)
    key_file(tmp_path).write_text("cd" * 32)
    key_file(tmp_path).chmod(0o600)
    with pytest.raises(VaultError) as refused:
        vault(tmp_path).open("crm", sealed)
    assert not any(text in str(refused.value) for text in ("cdcd", "abab", "staff", "p4ss"))
