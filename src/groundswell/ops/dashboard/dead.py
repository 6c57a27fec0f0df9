"""Dead letters: what could not succeed, in groups with what to do, and one by one; and each of them whole."""

from typing import Final

from aiohttp import web
from msgspec import structs

from groundswell.config.problems import counted
from groundswell.errors import NotFoundError, RequestError
from groundswell.ops.dashboard.visit import Question, Visit
from groundswell.ops.messages import LettersDropped, LettersRetried, ListLetters, PickLetters, ShowLetter
from groundswell.ops.operations import DEAD_EDIT, DEAD_LIST, DEAD_RETRY, DEAD_SHOW, RECORD
from groundswell.ops.pretty import escaped, pretty
from groundswell.ops.reasons import reason_of
from groundswell.ops.record_messages import LetterEdited
from groundswell.store.editing import why_not_edited as why_not

LETTERS_SHOWN: Final = 50
EDITED_BYTES_MAX: Final = 40_000
"""A larger body does not fit into a form, once it is written as forms are."""


async def show(visit: Visit) -> web.Response:
    asked = structs.replace(visit.asked(ListLetters), limit=LETTERS_SHOWN)
    found = await visit.ask(DEAD_LIST, asked)
    return visit.page(
        "dead.html",
        asked=asked,
        found=found,
        groups=[
            (group, reason_of(group.reason), visit.link(component=group.component, reason=group.reason, after=None))
            for group in found.groups
        ],
        further=None if found.next_after is None else visit.link(after=found.next_after),
        is_filtered=asked.component is not None or asked.reason is not None,
        may_show=visit.may(DEAD_SHOW),
        may_change=visit.may(DEAD_RETRY),
    )


async def show_one(visit: Visit) -> web.Response:
    number = visit.request.match_info["number"]
    if not number.isdecimal() or len(number) > 15 or int(number) < 1:
        raise NotFoundError("dead letters have numbers from 1 on")
    found = await visit.ask(DEAD_SHOW, ShowLetter(int(number)))
    letter = found.letter
    body = pretty(bytes(found.body)) if found.unreadable is None else None
    may_edit = visit.may(DEAD_EDIT) and letter.stage == "deliver" and body is not None
    why_not_edited = why_not(letter.record_id, letter.component) if may_edit else None
    return visit.page(
        "letter.html",
        letter=letter,
        reason=reason_of(letter.reason),
        body=body,
        unreadable=None if found.unreadable is None else _lines(found.unreadable),
        may_change=visit.may(DEAD_RETRY),
        may_edit=may_edit and why_not_edited is None,
        why_not_edited=why_not_edited,
        is_too_large=len(found.body) > EDITED_BYTES_MAX,
        may_find=visit.may(RECORD),
    )


def _lines(content: bytes) -> str:
    return "\n".join(map(escaped, content.decode(errors="replace").split("\n")))


# ---- what its forms say ----


async def ask_to_drop(visit: Visit, picked: PickLetters) -> Question:
    """The question before dead letters are dropped. Raises RequestError when there is nothing to ask about."""
    means: dict[str, str] = {}
    if picked.ids is not None:
        count = len(set(picked.ids))
    elif picked.all or picked.component is not None or picked.reason is not None:
        found = await visit.ask(DEAD_LIST, ListLetters(picked.component, picked.reason, limit=1))
        count, means = found.total, {"up_to": str(found.newest)}
    else:
        raise RequestError("tick the ones that are meant")
    of_component = "" if picked.component is None else f" of {picked.component}"
    because = "" if picked.reason is None else f" ({picked.reason})"
    text = f"Drop {counted(count, 'dead letter')}{of_component}{because} for good? Nobody can bring them back."
    return Question(text, means)


def retried(done: LettersRetried) -> str:
    """What a retry set going, in a sentence or two."""
    parts = [f"{counted(done.process, 'record')} through the pipeline"] if done.process else []
    parts += [f"{count:,} to {sink}" for sink, count in done.deliver.items()]
    gone = f" The configuration no longer has {', '.join(done.sinks_gone)}: put it back." if done.sinks_gone else ""
    return f"Going again: {', '.join(parts) or 'nothing'}.{gone}"


def dropped(done: LettersDropped) -> str:
    return f"Dropped: {counted(done.dropped, 'dead letter')}."


def edited(done: LetterEdited) -> str:
    """Which fields were changed, never to what."""
    gone = " The configuration no longer has it: put it back." if done.is_sink_gone else ""
    changed = ", ".join(done.changed) or "nothing"
    return f"Dead letter {done.id} goes to {done.sink} again, with changed: {changed}.{gone}"
