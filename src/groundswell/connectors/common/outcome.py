"""What an error makes of a delivery."""

from groundswell.component import Outcome, Rejected, Retry
from groundswell.errors import RecordError, RejectedError, RemoteError


def outcome_of(error: RecordError | RemoteError, component: str) -> Outcome:
    """What becomes of a delivery that ended like this. A RecordError does not say who found the record wanting."""
    match error:
        case RecordError():
            return Rejected(error.reason, f"{component}: {error}")
        case RejectedError():
            return Rejected(error.reason, str(error))
        case _:
            return Retry(error)
