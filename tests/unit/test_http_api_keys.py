"""API keys: what is kept tells nothing, a check is slow once and cheap after, and a revoked key stops at once."""

import re
import threading
from collections.abc import Callable

import anyio
import pytest

from groundswell.errors import NotNowError
from groundswell.http import api_keys
from groundswell.http.api_keys import (
    CHECKS_WAITING_MAX,
    REFUSALS_REMEMBERED_S,
    REMEMBERED_MAX,
    VerifiedKeys,
    hash_secret,
    is_secret,
    new_key,
)


class HandClock:
    """Time moves when the test says so."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


class Accounts:
    """The stored hashes, and how often they were asked for. The hashing is stood in for where the test counts it."""

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}
        self.lookups = 0

    async def __call__(self, account_id: str) -> str | None:
        self.lookups += 1
        return self.hashes.get(account_id)


class CountedScrypt:
    """In the place of scrypt: says yes where secret and hash are alike, can be held up, and counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.at_once = 0
        self.at_once_max = 0
        self._lock = threading.Lock()
        self.may_go = threading.Event()
        self.may_go.set()

    def __call__(self, secret: str, secret_hash: str) -> bool:
        with self._lock:
            self.calls += 1
            self.at_once += 1
            self.at_once_max = max(self.at_once, self.at_once_max)
        assert self.may_go.wait(10)
        with self._lock:
            self.at_once -= 1
        return secret == secret_hash


@pytest.fixture
def scrypt(monkeypatch: pytest.MonkeyPatch) -> CountedScrypt:
    counted = CountedScrypt()
    monkeypatch.setattr(api_keys, "is_secret", counted)
    return counted


@pytest.fixture
def accounts() -> Accounts:
    accounts = Accounts()
    accounts.hashes = {"gsa_one": "right"}
    return accounts


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(10):
        while not condition():
            await anyio.sleep(0.001)


def test_a_new_key_is_readable_and_its_hash_fits_it_alone() -> None:
    key, other = new_key(), new_key()
    assert re.fullmatch(r"gsa_[a-z2-7]{16}", key.account_id)
    assert re.fullmatch(r"gsk_[a-z2-7]{40}", key.secret)
    assert is_secret(key.secret, key.secret_hash)
    assert not is_secret(other.secret, key.secret_hash)
    assert not is_secret("", key.secret_hash)
    assert (key.account_id, key.secret) != (other.account_id, other.secret)


def test_neither_the_hash_nor_what_is_printed_shows_the_secret() -> None:
    key = new_key()
    assert key.secret not in key.secret_hash
    assert key.secret not in repr(key)
    assert key.secret_hash not in repr(key)


def test_the_same_secret_has_another_hash_under_another_salt() -> None:
    assert hash_secret("x", b"a" * 16) != hash_secret("x", b"b" * 16)
    assert hash_secret("x", b"a" * 16) == hash_secret("x", b"a" * 16)


@pytest.mark.parametrize("stored", ["", "plain", "scrypt$16384$8$1$c2FsdA==", "bcrypt$16384$8$1$YQ==$YQ=="])
def test_a_hash_of_another_form_is_an_error_and_not_a_refusal(stored: str) -> None:
    with pytest.raises(ValueError, match="not of the form"):
        is_secret("x", stored)


async def test_a_real_key_is_valid_and_a_wrong_one_is_not(accounts: Accounts, clock: HandClock) -> None:
    key = new_key()
    accounts.hashes[key.account_id] = key.secret_hash
    keys = VerifiedKeys(accounts, clock)
    assert await keys.is_valid(key.account_id, key.secret)
    assert not await keys.is_valid(key.account_id, key.secret + "x")
    assert not await keys.is_valid(key.account_id, "\udcff\x00")
    assert not await keys.is_valid("gsa_nobody", key.secret)


async def test_a_pair_is_hashed_once_however_often_it_comes(
    accounts: Accounts, clock: HandClock, scrypt: CountedScrypt
) -> None:
    keys = VerifiedKeys(accounts, clock)
    assert [await keys.is_valid("gsa_one", "right") for _ in range(50)] == [True] * 50
    assert [await keys.is_valid("gsa_one", "wrong") for _ in range(50)] == [False] * 50
    assert scrypt.calls == 2


async def test_sixty_four_connections_that_start_at_once_cost_one_hash(
    accounts: Accounts, clock: HandClock, scrypt: CountedScrypt
) -> None:
    keys = VerifiedKeys(accounts, clock)
    answers: list[bool] = []

    async def ask() -> None:
        answers.append(await keys.is_valid("gsa_one", "right"))

    async with anyio.create_task_group() as tasks:
        for _ in range(64):
            tasks.start_soon(ask)
    assert answers == [True] * 64
    assert scrypt.calls == 1


async def test_a_refusal_is_forgotten_after_a_while(
    accounts: Accounts, clock: HandClock, scrypt: CountedScrypt
) -> None:
    keys = VerifiedKeys(accounts, clock)
    assert not await keys.is_valid("gsa_new", "right")
    accounts.hashes["gsa_new"] = "right"
    assert not await keys.is_valid("gsa_new", "right")
    clock.time += REFUSALS_REMEMBERED_S
    assert await keys.is_valid("gsa_new", "right")


async def test_a_revoked_key_stops_at_once(accounts: Accounts, clock: HandClock, scrypt: CountedScrypt) -> None:
    keys = VerifiedKeys(accounts, clock)
    assert await keys.is_valid("gsa_one", "right")
    del accounts.hashes["gsa_one"]
    keys.clear()
    assert not await keys.is_valid("gsa_one", "right")


async def test_a_key_revoked_while_it_is_being_checked_is_refused(
    accounts: Accounts, clock: HandClock, scrypt: CountedScrypt
) -> None:
    """The hash was read before the key was revoked; the answer must not be remembered, nor given."""
    keys = VerifiedKeys(accounts, clock)
    scrypt.may_go.clear()
    answers: list[bool] = []

    async def ask() -> None:
        answers.append(await keys.is_valid("gsa_one", "right"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        await until(lambda: scrypt.calls == 1)
        del accounts.hashes["gsa_one"]
        keys.clear()
        scrypt.may_go.set()
    assert answers == [False]
    assert not await keys.is_valid("gsa_one", "right")


async def test_guesses_use_one_core_and_a_short_queue_and_the_rest_come_back_later(
    accounts: Accounts, clock: HandClock, scrypt: CountedScrypt
) -> None:
    keys = VerifiedKeys(accounts, clock)
    assert await keys.is_valid("gsa_one", "right")
    scrypt.may_go.clear()
    refused: list[NotNowError] = []
    answers: list[bool] = []

    async def guess(secret: str) -> None:
        try:
            answers.append(await keys.is_valid("gsa_one", secret))
        except NotNowError as exc:
            refused.append(exc)

    async with anyio.create_task_group() as tasks:
        for number in range(100):
            tasks.start_soon(guess, f"guess {number}")
        await until(lambda: len(refused) == 100 - CHECKS_WAITING_MAX)
        # Meanwhile whoever was known before is served as ever.
        assert await keys.is_valid("gsa_one", "right")
        scrypt.may_go.set()
    assert answers == [False] * CHECKS_WAITING_MAX
    assert scrypt.at_once_max == 1
    assert (refused[0].status, refused[0].headers) == (503, {"Retry-After": "1"})


async def test_who_gives_up_waiting_does_not_take_the_others_answer_along(
    clock: HandClock, scrypt: CountedScrypt
) -> None:
    """The first asker runs the check; when its connection goes away before it is done, another one takes over."""
    entered, answers = anyio.Event(), []

    async def stuck_lookup(account_id: str) -> str | None:
        if not entered.is_set():
            entered.set()
            await anyio.sleep_forever()
        return "right"

    keys = VerifiedKeys(stuck_lookup, clock)
    first = anyio.CancelScope()

    async def ask_and_leave() -> None:
        with first:
            await keys.is_valid("gsa_one", "right")

    async def ask() -> None:
        answers.append(await keys.is_valid("gsa_one", "right"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask_and_leave)
        await entered.wait()
        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        first.cancel()
    assert answers == [True]


async def test_a_flood_of_strangers_does_not_push_out_those_who_have_a_key(
    accounts: Accounts, clock: HandClock, scrypt: CountedScrypt
) -> None:
    keys = VerifiedKeys(accounts, clock)
    assert await keys.is_valid("gsa_one", "right")
    for number in range(2 * REMEMBERED_MAX):
        assert not await keys.is_valid(f"gsa_{number}", "x")
    lookups = accounts.lookups
    assert await keys.is_valid("gsa_one", "right")
    assert (scrypt.calls, accounts.lookups) == (1, lookups)
    # Only the newest refusals are remembered.
    assert not await keys.is_valid("gsa_0", "x")
    assert accounts.lookups == lookups + 1


async def test_pairs_that_run_together_into_the_same_text_are_told_apart(
    clock: HandClock, scrypt: CountedScrypt, accounts: Accounts
) -> None:
    accounts.hashes = {"ab": "c"}
    keys = VerifiedKeys(accounts, clock)
    assert await keys.is_valid("ab", "c")
    assert not await keys.is_valid("a", "bc")


async def test_what_is_remembered_does_not_hold_the_secret(accounts: Accounts, clock: HandClock) -> None:
    key = new_key()
    accounts.hashes[key.account_id] = key.secret_hash
    keys = VerifiedKeys(accounts, clock)
    await keys.is_valid(key.account_id, key.secret)
    await keys.is_valid(key.account_id, "gsk_wrong")
    assert key.secret not in str(vars(keys))
    assert "gsk_wrong" not in str(vars(keys))
