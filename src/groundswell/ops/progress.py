"""How far something long has come, and about how long it still takes."""

from groundswell.component import Progress
from groundswell.ops.messages import SourceProgress, moment


def progress_of(progress: Progress | None, now: float, *, is_running: bool) -> SourceProgress | None:
    """What is shown of it at this moment (seconds since 1970)."""
    if progress is None:
        return None
    return SourceProgress(
        what=progress.what,
        done=progress.done,
        total=progress.total,
        began_at=moment(progress.began_at * 1000) if progress.began_at else None,
        left_s=_left_s(progress, now) if is_running else None,
    )


def _left_s(progress: Progress, now: float) -> float | None:
    """At the pace of this run; what an earlier one did says nothing of it, nor does a run that did nothing yet."""
    if not progress.began_at or progress.total is None or progress.done >= progress.total:
        return None
    took_s, did = now - progress.began_at, progress.done - progress.done_before
    if took_s <= 0 or did <= 0:
        return None
    return (progress.total - progress.done) * took_s / did
