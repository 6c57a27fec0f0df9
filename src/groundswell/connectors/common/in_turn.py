"""A batch, one delivery after the other."""

from collections.abc import Awaitable, Callable, Sequence

from groundswell.component import Delivery, Outcome, Retry
from groundswell.errors import RateLimitedError, UnauthorizedError


async def in_turn(
    deliveries: Sequence[Delivery], deliver: Callable[[Delivery], Awaitable[Outcome]]
) -> Sequence[Outcome]:
    """What became of each. Told to wait, or that the key is none, it does not ask again for those that are left."""
    outcomes: list[Outcome] = []
    for delivery in deliveries:
        outcome = await deliver(delivery)
        outcomes.append(outcome)
        if isinstance(outcome, Retry) and is_about_all(outcome):
            return outcomes + [outcome] * (len(deliveries) - len(outcomes))
    return outcomes


def is_about_all(outcome: Retry) -> bool:
    """Whether it would meet every other delivery as well."""
    return isinstance(outcome.error, RateLimitedError | UnauthorizedError) and not outcome.is_its_own_matter
