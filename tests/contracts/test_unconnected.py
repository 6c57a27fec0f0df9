"""Every component that needs an account can be built while that is not connected: in the graph, and doing nothing."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from groundswell.clock import SystemClock
from groundswell.config.model import Account, Component
from groundswell.errors import UnauthorizedError
from groundswell.http.client import Client, new_session
from groundswell.registry import SINKS, SOURCES, SYNC_SINKS, ComponentType
from groundswell.runtime.build import Builder, NoKeys

ACCOUNT = "main"
TYPES: dict[str, tuple[str, ComponentType]] = {
    **{name: ("source", kind) for name, kind in SOURCES.items() if kind.account is not None},
    **{name: ("sink", kind) for name, kind in {**SINKS, **SYNC_SINKS}.items() if kind.account is not None},
}
NEEDED: dict[str, dict[str, Any]] = {
    "action_network.poll": {"collections": ["people"]},
    "action_network.records": {"collection": "petitions", "page": "77ab0000-0000-4000-8000-000000000000"},
    "action_network.tags": {"tags": ["volunteer"]},
    "action_network.unique_id_list": {"name": "list"},
    "action_network.sync": {"remote": {}, "rate": "1000/min"},
    "actionkit.poll": {"collections": ["users"]},
    "actionkit.actions": {"page": "import"},
    "actionkit.donations": {"page": "donate"},
    "actionkit.upload": {"page": "import"},
    "actionkit.actblue": {"url": "https://act.example.org/actblue", "entity": "1"},
    "actionkit.sync": {
        "remote": {}, "rate": "1000/min", "import_page": "import", "opt_in_field": "sms_opt_in",
        "member_field": "member", "former_field": "former", "phone_type": "mobile", "country": "US",
    },
}  # fmt: skip
"""What its settings cannot do without."""


@pytest.mark.parametrize("name", sorted(TYPES))
async def test_it_can_be_built_and_calls_nobody(name: str) -> None:
    role, kind = TYPES[name]
    inputs = {} if role == "source" else {"inputs": ["x"]}
    fields = kind.settings.model_fields
    values = {"type": name, "account": ACCOUNT, **inputs, **NEEDED.get(name, {})}
    settings = kind.settings.model_validate({key: value for key, value in values.items() if key in fields})
    described = Component("it", role, name, settings, tuple(inputs), Path())  # type: ignore[arg-type]
    async with new_session() as session:
        clock = SystemClock()
        builder = Builder(clock, Random(1), Client(session, clock), NoKeys())
        account = builder.account(Account(ACCOUNT, kind.account or "", None, Path()))
        built = builder.build(described, {ACCOUNT: account})
        assert hasattr(built, "read" if role == "source" else "deliver")
        with pytest.raises(UnauthorizedError, match="main is not connected; `groundswell connect main`"):
            await account.check()
