"""`groundswell keys`: the API keys that webhook senders log in with."""

from re import fullmatch
from typing import Annotated

import typer

from groundswell.cli.asking import ask
from groundswell.cli.options import CONFIG, JSON
from groundswell.cli.screen import print_json, say, table
from groundswell.ops.messages import NameKey, Nothing, RevokeKey
from groundswell.ops.operations import KEYS_CREATE, KEYS_LIST, KEYS_REVOKE
from groundswell.ops.values import KEY_NAME, MUST_BE

app = typer.Typer(help="Make, list and revoke the API keys of those who send webhooks.", no_args_is_help=True)


@app.command("create")
def create_key(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who it is for: letters, digits, and . _ - between them.")
    ],
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Make an API key. Its secret is shown this once, and kept nowhere.

    Examples: groundswell keys create actblue; groundswell keys create actblue --json
    """
    if not fullmatch(KEY_NAME, name):
        raise typer.BadParameter(f"a name {MUST_BE[KEY_NAME]}")
    made = ask(config, KEYS_CREATE, NameKey(name))
    if as_json:
        print_json(made)
        return
    typer.echo(f"account id  {made.account_id}")
    typer.echo(f"secret      {made.secret}")
    typer.echo(f"as a URL    https://{made.account_id}:{made.secret}@HOST/PATH")
    typer.echo("Give it to the sender now: nobody can show the secret again.", err=True)


@app.command("list")
def list_keys(config: CONFIG = None, as_json: JSON = False) -> None:
    """List the API keys, revoked ones too. Nobody has their secrets but whom they were given.

    Examples: groundswell keys list; groundswell keys list --json
    """
    keys = ask(config, KEYS_LIST, Nothing())
    if as_json:
        print_json(keys)
    elif keys.keys:
        rows = [(key.name, key.account_id, key.created_at, key.revoked_at) for key in keys.keys]
        say(table("", ["name", "account id", "created", "revoked"], rows))
    else:
        typer.echo("no API keys; `groundswell keys create NAME` makes one")


@app.command("revoke")
def revoke_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The key's name or account id.")],
    config: CONFIG = None,
    as_json: JSON = False,
) -> None:
    """Revoke an API key. From then on, whoever uses it is answered 401.

    Example: groundswell keys revoke actblue
    """
    revoked = ask(config, KEYS_REVOKE, RevokeKey(name))
    if as_json:
        print_json(revoked)
    else:
        typer.echo(f"{revoked.name} is revoked")
