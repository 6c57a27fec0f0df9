"""The audit log as operators read it."""

from collections.abc import Iterable

import msgspec

from groundswell.ops.account_messages import AccountChange
from groundswell.ops.messages import AuditLines, AuditShown, ListAudit, moment
from groundswell.store.audit import AuditLine, AuditLog


async def audit_lines(audit: AuditLog, asked: ListAudit) -> AuditLines:
    """A part of the audit log, newest first."""
    lines = await audit.newest(asked.before, asked.limit + 1, asked.operation)
    shown = [_shown(line) for line in lines[: asked.limit]]
    return AuditLines(shown, shown[-1].id if len(lines) > asked.limit else None)


def account_changes(lines: Iterable[AuditLine]) -> dict[str, AccountChange]:
    """By account, out of lines about connecting and disconnecting."""
    changes = {}
    for line in lines:
        act = line.act
        name = msgspec.json.decode(act.arguments).get("account")
        changes[name] = AccountChange(act.operation, moment(act.at), act.way, act.name)
    return changes


def _shown(line: AuditLine) -> AuditShown:
    act = line.act
    return AuditShown(
        id=line.id,
        at=moment(act.at),
        way=act.way,
        name=act.name,
        place=act.place,
        operation=act.operation,
        arguments=msgspec.Raw(act.arguments),
        outcome=line.outcome,
        note=line.note,
    )
