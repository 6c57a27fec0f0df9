"""Who asks: how they got in, under what name, and what they may do."""

import os
import pwd
import re
from dataclasses import dataclass
from typing import Final, Literal

Way = Literal["token", "password", "read_password", "proxy", "code", "command line"]
NAME_MAX: Final = 200
USER_HEADER: Final = "Groundswell-User"
"""In which the command line says who types it."""
_LOGIN_NAME: Final = re.compile(r"[A-Za-z0-9_.@+-]{1,64}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was let in."""

    way: Way
    name: str | None = None
    """Who they are, as a proxy says, or as the command line says of its user; None where nobody says."""
    may_change: bool = True
    may_see_people: bool = True
    place: str = ""
    """The address they asked from."""


def login_name(text: str | None) -> str | None:
    """A user name as it may be noted, or None."""
    return text if text is not None and _LOGIN_NAME.fullmatch(text) else None


def of_command_line() -> Caller:
    """Whoever runs this process, where it works on the state file itself."""
    return Caller("command line", os_user())


def os_user() -> str | None:
    """The user this process runs as."""
    try:
        return login_name(pwd.getpwuid(os.getuid()).pw_name)
    except KeyError:  # a user without a line in the list of users, as in containers
        return str(os.getuid())
