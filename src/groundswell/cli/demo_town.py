"""The people of the demo: all of them in ActionKit and in Action Network, which do not agree about them at first."""

from typing import Any, Final

from groundswell.clock import SystemClock
from groundswell.connectors.action_network.simulator.calls.matching import sign_up
from groundswell.connectors.action_network.simulator.calls.posted import read_person
from groundswell.connectors.action_network.simulator.server import Server as Network
from groundswell.connectors.actionkit.simulator.server import Server as ActionKit

PEOPLE: Final = 30
NAMES: Final = ("Rosa", "Ken", "Ada", "Sam", "Ines", "Omar", "June", "Lena", "Teo", "Mei")
ZIPS: Final = ("97201", "10001", "55802", "30303", "60601")
STOPS: Final = (4, 11)
"""They said no in Action Network, and ActionKit still thinks they said yes."""
RENAMED: Final = range(20, 25)
"""Corrected in ActionKit while the demo runs."""
STOPPED: Final = 26
"""Says no in ActionKit while the demo runs."""
LONG_AGO_S: Final = 7_200.0


class Town:
    """Thirty people at two vendors. Names and ZIP codes are at one of them each, until they are in step."""

    def __init__(self) -> None:
        self.clock = _ShiftedClock()
        """For both simulators: what they have at first, they have had for two hours."""
        self._is_edited = False

    def settle_in(self, kit: ActionKit, network: Network) -> None:
        self.clock.shift_s = -LONG_AGO_S
        self._kit, self._network = kit, network
        for number in range(PEOPLE):
            person: dict[str, Any] = {"mobile_phone": _phone(number), "user_sms_opt_in": "yes"}
            if number % 2:
                person |= {"first_name": NAMES[number % len(NAMES)]}
            kit.control.act("signup", email=_email(number), suppress_subscribe="1", **person)
            status = "unsubscribed" if number in STOPS else "subscribed"
            theirs: dict[str, Any] = {
                "email_addresses": [{"address": _email(number)}],
                "phone_numbers": [{"number": _phone(number).removeprefix("+"), "status": status}],
                "postal_addresses": [{"postal_code": ZIPS[number % len(ZIPS)], "primary": True}],
            }
            if not number % 2:
                theirs["given_name"] = NAMES[number % len(NAMES)]
            sign_up(network.world, read_person(theirs), "signup")
        self.clock.shift_s = 0.0
        self.clock.waited_s = LONG_AGO_S

    def edit(self) -> None:
        """Staff correct some names in ActionKit, and somebody says no there."""
        self._is_edited = True
        for number in RENAMED:
            self._kit.control.edit(self._user(number)["id"], first_name=f"{NAMES[number % len(NAMES)]}-Lou")
        self._kit.control.edit(self._user(STOPPED)["id"], fields={"sms_opt_in": "no"})

    def is_in_step(self) -> bool:
        """Whether all of them agree, after what was edited too."""
        return self._is_edited and self.agreeing() == PEOPLE and self.stops_kept()

    def words(self) -> str:
        """How far it came."""
        stops = "kept everywhere" if self.stops_kept() else "NOT kept everywhere"
        return (
            f"{self.agreeing()} of {PEOPLE} people have one name, one ZIP code and one opt-in at both; "
            f"{len(STOPS) + 1} said no to texts, which is {stops}"
        )

    def agreeing(self) -> int:
        """How many have one name, one ZIP code and one opt-in at both, none of them missing."""
        return sum(self._agrees(number) for number in range(PEOPLE))

    def stops_kept(self) -> bool:
        """Whether everybody who said no, wherever, is not to be texted anywhere."""
        said_no = (*STOPS, STOPPED)
        theirs = [self._theirs(number)["phone_numbers"][0]["status"] for number in said_no]
        ours = [self._user(number)["fields"]["sms_opt_in"] for number in said_no]
        return theirs == ["unsubscribed"] * len(said_no) and all(word in ("false", "no") for word in ours)

    def _agrees(self, number: int) -> bool:
        user, person = self._user(number), self._theirs(number)
        texts = person["phone_numbers"][0]["status"] == "subscribed"
        codes = {address.get("postal_code") for address in person.get("postal_addresses", [])}
        return (
            bool(user["first_name"])
            and user["first_name"] == person.get("given_name")
            and codes == {user["zip"]}
            and (user["fields"]["sms_opt_in"] in ("true", "yes")) == texts
        )

    def _user(self, number: int) -> dict[str, Any]:
        (row,) = self._kit.control.rows("SELECT id FROM core_user WHERE email = ?", _email(number))
        return self._kit.control.user(row["id"])

    def _theirs(self, number: int) -> dict[str, Any]:
        found = self._network.world.people.now.by_phone(_phone(number).removeprefix("+"))
        assert found is not None
        return self._network.control.person(found.uuid)


class _ShiftedClock(SystemClock):
    """The time of day, and some seconds."""

    shift_s = 0.0
    waited_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.waited_s

    def now(self) -> float:
        return super().now() + self.shift_s


def _phone(number: int) -> str:
    return f"+15035550{number + 100}"


def _email(number: int) -> str:
    return f"person{number}@example.org"
