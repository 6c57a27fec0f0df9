"""What was entered in a form whose login had ended: shown in its form again after the next login, never done by itself.

On the way it stands in the login form, and so in the browser that sent it and nowhere else; then in the new session,
until the next page.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from groundswell.ops.dashboard.visit import Trouble, without_secrets
from groundswell.ops.guard import AT_FIELD, CSRF_FIELD, FORM_FIELD, SURE_FIELD
from groundswell.ops.requests import FIELDS_MAX, FORM_BYTES_MAX, Form, first_in

KEPT: Final = "kept."
"""How the names of its fields begin in the login form."""
LOGIN_BYTES: Final = 8 * 2**10
"""What of FORM_BYTES_MAX is left to the fields of the login itself."""
LOGIN_FIELDS: Final = 8
NOT_DONE: Final = "Your login had ended, so this was not done."
TO_BE_SENT: Final = "Log in, and what you entered is in its form again, to be sent once more."
TOO_LARGE: Final = "What you entered is too large to be kept. If you have it nowhere else, copy it from here."
NOT_OURS: Final = "What you entered could not be kept, because your browser does not say which site it sent it from."


def kept_of(form: Form) -> Form:
    """What of a form may stand in pages again: no token, no yes to a question, no secret."""
    return {name: values for name, values in without_secrets(form).items() if name not in (CSRF_FIELD, SURE_FIELD)}


def as_fields(kept: Form) -> Sequence[tuple[str, str]]:
    """The hidden fields of the login form that hold it; none where it does not fit into a form any more."""
    fields = [(KEPT + name, value) for name, values in kept.items() for value in values]
    sent_bytes = len(urlencode(fields).replace("~", "%7E"))  # as browsers write it
    fits = sent_bytes <= FORM_BYTES_MAX - LOGIN_BYTES and len(fields) <= FIELDS_MAX - LOGIN_FIELDS
    return fields if fits else []


def of_login(login: Form) -> Form:
    """What the hidden fields of a login form hold."""
    return kept_of({name.removeprefix(KEPT): values for name, values in login.items() if name.startswith(KEPT)})


def longest_of(kept: Form) -> str:
    """What would take longest to type again."""
    return max((value for values in kept.values() for value in values), key=len, default="")


def trouble_of(kept: Form) -> Trouble:
    """It, as a page shows what was not done."""
    entered = {name: values for name, values in kept.items() if name not in (FORM_FIELD, AT_FIELD)}
    again = f"{NOT_DONE} Look it over, and send it again."
    return Trouble(first_in(kept, FORM_FIELD), first_in(kept, AT_FIELD), again, entered, status=200)
