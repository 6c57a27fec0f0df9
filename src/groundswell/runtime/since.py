"""Since when each component has been in the state it is in."""

from collections.abc import Mapping


class Since:
    """Told the states again and again; a change is dated when it is first told."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, float]] = {}

    def note(self, states: Mapping[str, str], now: float) -> dict[str, float]:
        """These are the states now (seconds since 1970): since when each has been so. Those not named are forgotten."""
        self._known = {
            name: known if (known := self._known.get(name)) is not None and known[0] == state else (state, now)
            for name, state in states.items()
        }
        return {name: at for name, (_, at) in self._known.items()}
