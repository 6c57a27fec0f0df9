"""The state of a ZIP code."""

import pytest

from groundswell.places.zips import state_of_zip


@pytest.mark.parametrize(
    ("zip_code", "state"),
    [
        ("97201", "OR"),
        ("97201-1234", "OR"),
        (" 10001 ", "NY"),
        ("00501", "NY"),
        ("06390", "NY"),  # an island of New York's, among those of Connecticut
        ("73344", "TX"),
        ("88595", "TX"),
        ("20001", "DC"),
        ("20101", "VA"),
        ("00907", "PR"),
        ("96799", "AS"),
        ("09012", "AE"),
        ("99950", "AK"),
    ],
)
def test_a_zip_code_says_its_state(zip_code: str, state: str) -> None:
    assert state_of_zip(zip_code) == state


@pytest.mark.parametrize("zip_code", ["", "9720", "972011", "K1A 0B1", "00000", "09905", "96910", "9720l", "97201-12"])
def test_what_is_no_zip_code_or_could_be_in_several_states_says_none(zip_code: str) -> None:
    assert state_of_zip(zip_code) is None
