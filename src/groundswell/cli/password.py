"""`groundswell password`: the hash of a password, for [ops]."""

import sys

import typer

from groundswell.http.api_keys import hash_password

LETTERS_MIN = 12


def command() -> None:
    """Make the hash of a password, to put into [ops] password or read_password, or into the file they name.

    It asks twice; what is piped in is taken as it is, without the line end.

    Example: groundswell password > /etc/credstore/ops_password
    """
    if sys.stdin.isatty():
        password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < LETTERS_MIN:
        typer.echo(f"a password that others may guess at needs {LETTERS_MIN} letters or more", err=True)
        raise typer.Exit(1)
    typer.echo(hash_password(password))
