"""`groundswell connect` and `groundswell disconnect`: give an account its credentials, and take them away."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
import typer

from groundswell.cli.asking import EXIT_FAILED, ask_at, place_or_exit
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, shown
from groundswell.config.problems import listing, quoted
from groundswell.ops.account_messages import AccountSetting, AccountTold, AskConnect, NameAccount
from groundswell.ops.accounts_shown import settings_asked
from groundswell.ops.amounts import deliveries_waiting
from groundswell.ops.operations import CONNECT, DISCONNECT
from groundswell.ops.place import AccountPart

STDIN_BYTES_MAX: Final = 64 * 2**10
ACCOUNT = Annotated[str, typer.Argument(help="The account, by its name in the configuration.")]


def connect(
    account: ACCOUNT,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting that is no secret; may be repeated."),
    ] = None,
    from_stdin: Annotated[
        bool, typer.Option("--from-stdin", help="Read the settings as a JSON object from stdin, and ask for nothing.")
    ] = False,
    no_check: Annotated[bool, typer.Option("--no-check", help="Keep them without trying them.")] = False,
    only_try: Annotated[
        bool, typer.Option("--try", help="Only try: what is given, or else what it is connected with. Keep nothing.")
    ] = False,
    only_print: Annotated[
        bool, typer.Option("--print", help="Try them, keep nothing, and print them as TOML for the configuration.")
    ] = False,
    show_secrets: Annotated[
        bool, typer.Option("--show-secrets", help="With --print: the secrets too, not files to put them in.")
    ] = False,
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Connect an account whose table has `connect = true`: ask for what is missing, try it, and keep it encrypted.

    Where a daemon runs, what is for the account begins to flow at once. Credentials that do not work are not kept.
    An account whose credentials stand in the configuration is only connected again after `disconnect`. The try is one
    call, which counts towards the rate of the account beside those of a running daemon. Exit codes: 0 done, 1 failed.

    Examples: groundswell connect actionkit; groundswell connect actionkit --set host=act.example.org;
    groundswell connect actionkit --from-stdin < credentials.json; groundswell connect actionkit --try
    """
    if show_secrets and not only_print:
        raise typer.BadParameter("--show-secrets goes with --print")
    if only_try and (no_check or only_print):
        raise typer.BadParameter("--try goes with neither --no-check nor --print")
    place = place_or_exit(config)
    part = place.outline.logins.get(account)
    asked = [] if part is None else list(settings_asked(part))
    values = _set_here(given or (), asked) | (_from_stdin() if from_stdin else {})
    if part is not None and part.connects and not (from_stdin or only_try):
        values |= _asked_for(asked, values)
    is_nothing = not values and (only_try or part is None or not part.connects)
    told = AccountTold(account, "not_connected", ok=True, message="not tried")
    if not (only_print and no_check):
        request = AskConnect(account, None if is_nothing else values, not no_check, only_try or only_print)
        told = ask_at(place, CONNECT, request)
    if only_print and told.ok and part is not None:
        typer.echo("\n".join(_toml(account, part, asked, values, show_secrets=show_secrets)))
    elif as_json:
        print_json(told)
    else:
        typer.echo(shown(_said(told, only_try=only_try or only_print)))
    if not told.ok:
        raise typer.Exit(EXIT_FAILED)


def disconnect(account: ACCOUNT, config: CONFIG = None, as_json: JSON = False) -> None:
    """Stop everything an account is used for, over restarts too, and forget its credentials.

    Its sources look no more; what is for its sinks waits. Nothing that was sent is deleted, and `groundswell connect`
    goes on where it left off. Credentials in the configuration stay there, and are not used. Exit codes: 0 done,
    1 failed.

    Example: groundswell disconnect actionkit
    """
    told = ask_at(place_or_exit(config), DISCONNECT, NameAccount(account))
    if as_json:
        print_json(told)
        return
    waiting = f"{deliveries_waiting(told.waiting)} for it"
    typer.echo(f"{account} is not connected; {told.message}")
    typer.echo(f"nothing that was sent is deleted; {waiting}; groundswell connect {account} goes on where it left off")


def _set_here(given: Sequence[str], asked: Sequence[AccountSetting]) -> dict[str, Any]:
    secret = {one.name for one in asked if one.is_secret}
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise typer.BadParameter("--set takes NAME=VALUE")
        if name in secret:
            raise typer.BadParameter(
                f"{name} is a secret, and others see the command line: leave it out and be asked, or use --from-stdin"
            )
        values[name] = value
    return values


def _from_stdin() -> dict[str, Any]:
    try:
        return msgspec.json.decode(sys.stdin.buffer.read(STDIN_BYTES_MAX), type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        message = 'what comes on stdin must be a JSON object, such as {"username": "...", "password": "..."}'
        raise typer.BadParameter(message) from None


def _asked_for(asked: Sequence[AccountSetting], values: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be there and is not, from whoever sits at the terminal. Secrets are not echoed."""
    answers: dict[str, Any] = {}
    for one in asked:
        if one.is_required and not one.is_given and one.name not in values:
            typer.echo(f"{one.name}: {shown(one.description)}", err=True)
            answers[one.name] = typer.prompt(one.name, hide_input=one.is_secret, err=True)
    return answers


def _said(told: AccountTold, *, only_try: bool) -> str:
    if only_try:
        return f"{told.account}: {told.message}; nothing was kept"
    return f"{told.account} is {told.state.replace('_', ' ')}: {told.message}"


def _toml(
    account: str, part: AccountPart, asked: Sequence[AccountSetting], values: Mapping[str, Any], *, show_secrets: bool
) -> Iterator[str]:
    """What to write into the configuration."""
    secret = [one.name for one in asked if one.is_secret and one.name in values]
    files = {} if show_secrets else {name: f"{account}.{name}" for name in secret}
    if files:
        yield f"# Secrets go into files that only groundswell may read (chmod 600): {listing([*files.values()])}"
    yield f"[accounts.{account}]  # in place of `connect = true`; what stands there besides stays"
    yield f"type = {quoted(part.type)}"
    for name, value in values.items():
        yield f"{name} = " + (f"{{ file = {quoted(files[name])} }}" if name in files else _written(value))


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_written(str(name))} = {_written(one)}" for name, one in value.items())
        return f"{{ {inner} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    return msgspec.json.encode(value).decode()
