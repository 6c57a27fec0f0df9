"""Who a posted person is, and what becomes of them: matching, merging, statuses, addresses, PUT."""

from typing import Any

import pytest

from tests.connectors.action_network.simulated import Desk, email_of, linked, person_of, phone_of, uuid_of

ROSA, AMIR = "rosa@example.org", "amir@example.org"
FIRST, SECOND = "15035550144", "12065550188"


# Matching


def test_a_newcomer_was_created_and_modified_in_the_same_second() -> None:
    desk = Desk()
    person = desk.sign_up(email=ROSA, given_name="Rosa")
    assert person["created_date"] == person["modified_date"]
    assert desk.get(f"people/{uuid_of(person)}") == person


async def test_a_known_email_is_the_same_person_whatever_its_letters_and_only_what_is_sent_changes() -> None:
    desk = Desk()
    before = desk.sign_up(email=ROSA, given_name="Rosa", family_name="Okafor")
    await desk.clock.advance(10)
    after = desk.sign_up(email="ROSA@example.org", family_name="Haddad")
    assert uuid_of(after) == uuid_of(before)
    assert (after["given_name"], after["family_name"]) == ("Rosa", "Haddad")
    assert after["created_date"] == before["created_date"] < after["modified_date"]


def test_a_name_is_never_a_key() -> None:
    desk = Desk()
    first = desk.sign_up(email=ROSA, given_name="Rosa", family_name="Okafor")
    second = desk.sign_up(email=AMIR, given_name="Rosa", family_name="Okafor")
    assert uuid_of(first) != uuid_of(second)


def test_a_known_email_with_a_new_number_has_its_number_replaced() -> None:
    desk = Desk()
    before = desk.sign_up(email=ROSA, phone=FIRST, phone_status="subscribed")
    after = desk.sign_up(email=ROSA, phone=SECOND)
    assert uuid_of(after) == uuid_of(before)
    assert phone_of(after) == (SECOND, "unsubscribed")
    assert desk.listed("people", filter=f"phone_number eq '{FIRST}'") == []


def test_a_new_email_takes_the_number_off_another_person_and_nothing_else() -> None:
    desk = Desk()
    tag = desk.control.add_tag("volunteer")
    old = desk.sign_up(
        email=ROSA, phone=FIRST, phone_status="subscribed", custom_fields={"age": "31"}, tags=("volunteer",)
    )
    new = desk.sign_up(email=AMIR, phone=FIRST)
    assert uuid_of(new) != uuid_of(old)
    assert phone_of(new) == (FIRST, "subscribed"), "the mobile status goes along"
    assert "custom_fields" not in new
    left = desk.get(f"people/{uuid_of(old)}")
    assert phone_of(left)[0] is None
    assert left["custom_fields"] == {"age": "31"}
    (tagging,) = desk.listed(f"tags/{tag}/taggings")
    assert tagging["_links"]["osdi:person"]["href"].endswith(uuid_of(old))


def test_a_number_hops_back_and_forth_between_people_who_share_it() -> None:
    desk = Desk()
    for email in (ROSA, AMIR, ROSA):
        desk.sign_up(email=email, phone=FIRST)
    holders = [email_of(one)[0] for one in desk.listed("people") if phone_of(one)[0] == FIRST]
    assert holders == [ROSA]


def test_a_number_alone_makes_a_mobile_only_person_and_finds_them_again() -> None:
    desk = Desk()
    first = desk.sign_up(phone="(503) 555-0144", given_name="Rosa")
    assert phone_of(first) == (FIRST, "unsubscribed")
    assert email_of(first)[0] is None
    again = desk.sign_up(phone=FIRST, family_name="Okafor")
    assert uuid_of(again) == uuid_of(first)
    assert (again["given_name"], again["family_name"]) == ("Rosa", "Okafor")


@pytest.mark.parametrize("is_known", [True, False])
def test_a_mobile_only_person_merges_into_whoever_comes_with_the_number_and_an_email(is_known: bool) -> None:
    desk = Desk(records=0)
    petition = uuid_of(desk.post("petitions", {"title": "Fix it"}))
    mobile = desk.sign_up(phone=FIRST, phone_status="subscribed", given_name="Rosa", custom_fields={"age": "31"})
    desk.post(f"petitions/{petition}/signatures", linked(uuid_of(mobile)))
    if is_known:
        desk.sign_up(email=ROSA)
    merged = desk.sign_up(email=ROSA, phone=FIRST)
    assert uuid_of(merged) != uuid_of(mobile)
    assert (phone_of(merged), merged["given_name"]) == ((FIRST, "subscribed"), "Rosa")
    assert merged["custom_fields"] == {"age": "31"}
    gone = desk.answer("GET", f"people/{uuid_of(mobile)}")
    assert (gone.status, gone.body) == (404, {"error": f"Couldn't find person with id = {uuid_of(mobile)}"})
    (signature,) = desk.listed(f"people/{uuid_of(merged)}/signatures")
    assert signature["action_network:person_id"] == uuid_of(merged)
    assert len(desk.listed("people")) == 1


def test_by_switch_a_mobile_only_person_keeps_their_id_when_an_email_comes() -> None:
    desk = Desk(merged_keeps="mobile")
    mobile = desk.sign_up(phone=FIRST)
    merged = desk.sign_up(email=ROSA, phone=FIRST)
    assert uuid_of(merged) == uuid_of(mobile)
    assert email_of(merged) == (ROSA, "subscribed")


@pytest.mark.parametrize(
    "person", [{}, {"given_name": "Rosa"}, person_of(email="not an address"), person_of(phone="12")]
)
def test_somebody_without_email_and_number_cannot_be_made_and_nobody_is_told(person: dict[str, Any]) -> None:
    desk = Desk(helper_failure="empty")
    assert desk.post("people", {"person": person}) == {}
    assert desk.listed("people") == []
    assert desk.control.counts.silent_failures.total() == 1
    desk.control.behave(helper_failure="error")
    assert desk.answer("POST", "people", {"person": person}).status == 400


# Statuses (the table of the person signup helper)


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        (None, None, "subscribed"),
        (None, "unsubscribed", "unsubscribed"),
        ("subscribed", None, "subscribed"),
        ("unsubscribed", None, "unsubscribed"),
        ("unsubscribed", "subscribed", "subscribed"),
        ("subscribed", "unsubscribed", "unsubscribed"),
        ("subscribed", "bouncing", "subscribed"),
    ],
)
def test_the_signup_helper_sets_a_status_that_is_sent_and_subscribes_newcomers(
    before: str | None, sent: str | None, after: str
) -> None:
    desk = Desk()
    if before is not None:
        desk.sign_up(email=ROSA, status=before)
    assert email_of(desk.sign_up(email=ROSA, status=sent))[1] == after


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        (None, None, "subscribed"),
        (None, "unsubscribed", "subscribed"),
        ("unsubscribed", None, "unsubscribed"),
        ("unsubscribed", "subscribed", "subscribed"),
        ("subscribed", "unsubscribed", "subscribed"),
    ],
)
def test_a_record_helper_subscribes_newcomers_whatever_is_sent_and_never_unsubscribes(
    before: str | None, sent: str | None, after: str
) -> None:
    desk = Desk()
    form = uuid_of(desk.post("forms", {"title": "Volunteer"}))
    if before is not None:
        desk.sign_up(email=ROSA, status=before)
    desk.post(f"forms/{form}/submissions", {"person": person_of(email=ROSA, status=sent)})
    (person,) = desk.listed("people")
    assert email_of(person)[1] == after


@pytest.mark.parametrize(
    ("sent", "after"), [(None, "unsubscribed"), ("subscribed", "subscribed"), ("unsubscribed", "unsubscribed")]
)
def test_a_new_number_is_unsubscribed_unless_it_is_said_to_be_subscribed(sent: str | None, after: str) -> None:
    assert phone_of(Desk().sign_up(email=ROSA, phone=FIRST, phone_status=sent)) == (FIRST, after)


@pytest.mark.parametrize("status", ["bouncing", "spam complaint"])
def test_subscribing_an_address_that_cannot_be_mailed_changes_nothing(status: str) -> None:
    desk = Desk()
    uuid = uuid_of(desk.sign_up(email=ROSA))
    desk.control.edit(uuid, email_status=status)
    assert email_of(desk.put(f"people/{uuid}", person_of(status="subscribed")))[1] == status


def test_people_in_every_status_are_listed() -> None:
    statuses = {email_of(person)[1] for person in Desk(3_000).listed("people")}
    assert statuses == {
        "subscribed", "unsubscribed", "bouncing", "previous bounce", "spam complaint", "previous spam complaint",
    }  # fmt: skip


# PUT


def test_a_status_can_be_put_without_an_address() -> None:
    desk = Desk()
    uuid = uuid_of(desk.sign_up(email=ROSA))
    assert email_of(desk.put(f"people/{uuid}", person_of(status="unsubscribed"))) == (ROSA, "unsubscribed")


def test_putting_an_email_that_is_taken_is_answered_200_and_keeps_the_old_one() -> None:
    desk = Desk()
    uuid = uuid_of(desk.sign_up(email=ROSA))
    desk.sign_up(email=AMIR)
    after = desk.put(f"people/{uuid}", person_of(email=AMIR, family_name="Haddad"))
    assert email_of(after)[0] == ROSA
    assert after["family_name"] == "Haddad"
    desk.control.behave(taken_email="refused")
    assert desk.answer("PUT", f"people/{uuid}", person_of(email=AMIR)).status == 400


def test_a_free_email_can_be_put_and_the_old_one_is_free_then() -> None:
    desk = Desk()
    uuid = uuid_of(desk.sign_up(email=ROSA))
    assert (
        email_of(desk.put(f"people/{uuid}", person_of(email="rosa.okafor@example.org")))[0] == "rosa.okafor@example.org"
    )
    assert uuid_of(desk.sign_up(email=ROSA)) != uuid


def test_putting_the_number_of_somebody_else_takes_it_from_them() -> None:
    desk = Desk()
    uuid = uuid_of(desk.sign_up(email=ROSA))
    other = uuid_of(desk.sign_up(email=AMIR, phone=FIRST))
    assert phone_of(desk.put(f"people/{uuid}", person_of(phone=FIRST)))[0] == FIRST
    assert phone_of(desk.get(f"people/{other}"))[0] is None


@pytest.mark.parametrize("raw", [b"given_name=Rosa", b"", b"[1]", b"{"])
async def test_a_body_that_cannot_be_used_is_answered_200_and_changes_nothing(raw: bytes) -> None:
    desk = Desk(same_again_bumps=True)
    person = desk.sign_up(email=ROSA)
    await desk.clock.advance(10)
    assert desk.answer("PUT", f"people/{uuid_of(person)}", raw=raw).body == person


def test_a_person_in_a_wrapper_is_no_change() -> None:
    desk = Desk()
    uuid = uuid_of(desk.sign_up(email=ROSA, given_name="Rosa"))
    assert desk.put(f"people/{uuid}", {"person": {"given_name": "Amir"}})["given_name"] == "Rosa"


@pytest.mark.parametrize(("is_cleared", "left"), [(False, "Rosa"), (True, None)])
def test_null_empties_a_field_only_by_switch(is_cleared: bool, left: str | None) -> None:
    desk = Desk(null_clears=is_cleared)
    uuid = uuid_of(desk.sign_up(email=ROSA, given_name="Rosa", custom_fields={"age": "31"}))
    after = desk.put(f"people/{uuid}", {"given_name": None, "custom_fields": {"age": None}})
    assert after.get("given_name") == left
    assert after.get("custom_fields") == (None if is_cleared else {"age": "31"})


def test_identifiers_are_added_and_never_taken_away() -> None:
    desk = Desk()
    uuid = uuid_of(desk.sign_up(email=ROSA, identifiers=["memberdb:1"]))
    after = desk.put(f"people/{uuid}", {"identifiers": ["memberdb:2", "action_network:1"]})
    assert set(after["identifiers"]) == {"memberdb:1", "memberdb:2", f"action_network:{uuid}"}
    other = desk.sign_up(email=AMIR, identifiers=["memberdb:2"])
    assert other["identifiers"] == [f"action_network:{uuid_of(other)}"], "it is taken"


def test_custom_fields_are_texts_and_merged_and_unknown_ones_are_dropped() -> None:
    desk = Desk(takes_new_custom_fields=False)
    uuid = uuid_of(desk.sign_up(email=ROSA, custom_fields={"age": 31, "is_member": True, "Nobody made this": "x"}))
    after = desk.put(f"people/{uuid}", {"custom_fields": {"is_member": False}})
    assert after["custom_fields"] == {"age": "31", "is_member": "0"}
    desk.control.behave(takes_new_custom_fields=True)
    desk.put(f"people/{uuid}", {"custom_fields": {"Now somebody did": "x"}})
    names = [one["name"] for one in desk.get("metadata/custom_fields")["action_network:custom_fields"]]
    assert "Now somebody did" in names


def test_the_first_language_they_know_is_kept() -> None:
    desk = Desk()
    assert desk.sign_up(email=ROSA, languages_spoken=["xx", "es", "fr"])["languages_spoken"] == ["es"]
    assert desk.sign_up(email=AMIR)["languages_spoken"] == ["en"]


# modified_date


@pytest.mark.parametrize("bumps", [True, False])
async def test_whether_a_write_that_changes_nothing_moves_the_date_is_a_switch(bumps: bool) -> None:
    desk = Desk(same_again_bumps=bumps)
    person = desk.sign_up(email=ROSA, given_name="Rosa")
    await desk.clock.advance(5)
    after = desk.put(f"people/{uuid_of(person)}", {"given_name": "Rosa"})
    assert (after["modified_date"] > person["modified_date"]) is bumps


@pytest.mark.parametrize("bumps", [True, False])
async def test_whether_a_status_alone_moves_the_date_is_a_switch(bumps: bool) -> None:
    desk = Desk(status_bumps=bumps)
    person = desk.sign_up(email=ROSA)
    await desk.clock.advance(5)
    after = desk.put(f"people/{uuid_of(person)}", person_of(status="unsubscribed"))
    assert (after["modified_date"] > person["modified_date"]) is bumps


async def test_a_new_number_moves_the_date_even_if_nothing_else_is_new() -> None:
    desk = Desk(same_again_bumps=False)
    person = desk.sign_up(email=ROSA)
    await desk.clock.advance(5)
    assert desk.sign_up(email=ROSA, phone=FIRST)["modified_date"] > person["modified_date"]


# Addresses


def address_after(desk: Desk, **address: Any) -> dict[str, Any]:
    (shown,) = desk.sign_up(email=ROSA, postal_addresses=[address])["postal_addresses"]
    return dict(shown)


def test_a_postal_code_brings_city_region_and_country() -> None:
    shown = address_after(Desk(), postal_code="97201")
    assert (shown["locality"], shown["region"], shown["country"]) == ("Portland", "OR", "US")
    assert shown["location"]["accuracy"] == "Approximate"


def test_a_city_brings_a_postal_code_and_a_region_becomes_its_code() -> None:
    shown = address_after(Desk(), locality="seattle", region="Washington")
    assert (shown["locality"], shown["region"], shown["postal_code"]) == ("Seattle", "WA", "98101")


def test_a_city_that_does_not_go_with_its_postal_code_is_overwritten() -> None:
    assert address_after(Desk(), locality="Seattle", postal_code="97201")["locality"] == "Portland"


def test_only_the_first_line_is_kept() -> None:
    shown = address_after(Desk(), address_lines=["12 Alder St", "Flat 3"], postal_code="97201")
    assert shown["address_lines"] == ["12 Alder St"]
    assert shown["location"]["accuracy"] == "Rooftop"


def test_the_country_is_us_again_as_soon_as_an_address_comes_without_one() -> None:
    desk = Desk()
    assert address_after(desk, postal_code="M4C 1M5", country="CA")["region"] == "ON"
    assert address_after(desk, address_lines=["1 Elm Ct"])["country"] == "US"


def test_moving_leaves_nothing_of_the_old_place() -> None:
    desk = Desk()
    address_after(desk, postal_code="97201", address_lines=["12 Alder St"])
    shown = address_after(desk, postal_code="98101")
    assert (shown["locality"], shown["region"], shown["address_lines"]) == ("Seattle", "WA", ["12 Alder St"])
    shown = address_after(desk, locality="Denver")
    assert (shown["postal_code"], shown["region"]) == ("80204", "CO")


def test_an_unknown_place_stays_as_it_was_sent() -> None:
    shown = address_after(Desk(), postal_code="99999", locality="Nowhere", region="ZZ", country="fr")
    assert (shown["locality"], shown["region"], shown["postal_code"], shown["country"]) == (
        "Nowhere",
        "ZZ",
        "99999",
        "FR",
    )
    assert shown["location"]["accuracy"] is None


def test_without_geocoder_an_address_is_what_was_sent() -> None:
    shown = address_after(Desk(geocodes=False), postal_code="97201")
    assert "locality" not in shown
    assert shown["country"] == "US"


def test_the_city_may_not_stick_the_first_time_and_does_the_second() -> None:
    desk = Desk(locality_lost=1.0)
    assert "locality" not in address_after(desk, postal_code="97201", locality="Portland")
    assert address_after(desk, postal_code="97201", locality="Portland")["locality"] == "Portland"


# The index


async def test_a_list_shows_a_change_some_seconds_after_the_person_does() -> None:
    desk = Desk(index_lag_s=(2.0, 5.0))
    person = desk.sign_up(email=ROSA)
    assert desk.get(f"people/{uuid_of(person)}") == person
    assert desk.listed("people") == []
    assert desk.listed("people", filter=f"email_address eq '{ROSA}'") == []
    await desk.clock.advance(1.9)
    assert desk.listed("people") == []
    await desk.clock.advance(3.2)
    assert desk.listed("people") == [person]
    desk.put(f"people/{uuid_of(person)}", {"given_name": "Rosa"})
    assert desk.listed("people") == [person], "the version before"
    await desk.clock.advance(5.1)
    assert desk.listed("people", filter="given_name eq 'Rosa'") != []


async def test_a_later_change_of_one_person_is_never_overtaken_by_an_earlier_one() -> None:
    desk = Desk(index_lag_s=(0.0, 5.0))
    uuid = uuid_of(desk.sign_up(email=ROSA))
    for number in range(30):
        desk.put(f"people/{uuid}", {"given_name": f"Rosa {number}"})
    seen = []
    for _ in range(60):
        await desk.clock.advance(0.1)
        seen += [int(one["given_name"].split()[1]) for one in desk.listed("people") if "given_name" in one]
    assert seen == sorted(seen)
    assert seen[-1] == 29


async def test_somebody_who_came_and_merged_before_any_list_showed_them_never_shows() -> None:
    desk = Desk(index_lag_s=(1.0, 5.0))
    desk.sign_up(phone=FIRST)
    desk.sign_up(email=ROSA, phone=FIRST)
    await desk.clock.advance(6)
    assert [email_of(one)[0] for one in desk.listed("people")] == [ROSA]
