"""Tags, taggings, mass emails, unique id lists."""

import pytest

from tests.connectors.action_network.simulated import Desk, linked, uuid_of

ROSA = "rosa@example.org"


def test_posting_a_tag_that_exists_answers_with_it() -> None:
    desk = Desk()
    tag = desk.post("tags", {"name": "Steward"})
    assert desk.post("tags", {"name": "Steward"}) == tag
    assert desk.post("tags", {"name": "steward"}) != tag
    assert desk.answer("POST", "tags", {"name": ""}).status == 400
    assert desk.answer("PUT", f"tags/{uuid_of(tag)}", {"name": "x"}).status == 404
    assert desk.answer("DELETE", f"tags/{uuid_of(tag)}").status == 404


async def test_a_tagging_is_made_once_and_can_be_taken_off() -> None:
    desk = Desk(tagging_bumps=False)
    person = desk.sign_up(email=ROSA)
    taggings = f"tags/{uuid_of(desk.post('tags', {'name': 'Steward'}))}/taggings"
    await desk.clock.advance(5)
    tagging = desk.post(taggings, linked(uuid_of(person)))
    assert desk.post(taggings, linked(uuid_of(person))) == tagging
    assert tagging["item_type"] == "osdi:person"
    assert "action_network:person_id" not in tagging
    assert desk.get(f"people/{uuid_of(person)}") == person, "tags do not show on a person"
    assert desk.listed(f"people/{uuid_of(person)}/taggings") == [tagging]
    assert desk.delete(f"{taggings}/{uuid_of(tagging)}") == {"notice": "This tagging was successfully deleted."}
    assert desk.answer("GET", f"{taggings}/{uuid_of(tagging)}").status == 404
    assert desk.answer("DELETE", f"{taggings}/{uuid_of(tagging)}").status == 404
    assert desk.listed(taggings) == []


async def test_whether_a_tagging_moves_the_date_of_the_person_is_a_switch() -> None:
    desk = Desk(tagging_bumps=True)
    person = desk.sign_up(email=ROSA)
    await desk.clock.advance(5)
    desk.post(f"tags/{desk.control.add_tag('Steward')}/taggings", linked(uuid_of(person)))
    assert desk.get(f"people/{uuid_of(person)}")["modified_date"] > person["modified_date"]


def test_tagging_nobody_is_400_in_these_words() -> None:
    desk = Desk()
    answer = desk.answer("POST", f"tags/{desk.control.add_tag('Steward')}/taggings", linked("nobody"))
    assert (answer.status, answer.body) == (400, {"error": "You must specify a valid person id"})


def test_a_tag_is_added_before_it_is_removed() -> None:
    desk = Desk()
    desk.control.add_tag("Steward")
    person = desk.sign_up(email=ROSA, tags=("Steward",), remove=("Steward",))
    assert desk.listed(f"people/{uuid_of(person)}/taggings") == []


EMAIL = {"subject": "May news", "body": "<p>Hello</p>", "from": "Riverside Action", "reply_to": "organiser@example.org"}


def targets(desk: Desk) -> list[dict[str, str]]:
    (query,) = [one for one in desk.listed("queries") if one["name"] == "Everybody in Oregon"]
    return [{"href": query["_links"]["self"]["href"]}]


def test_an_email_is_made_given_targets_and_sent() -> None:
    desk = Desk(200)
    message = desk.post("messages", EMAIL)
    path = f"messages/{uuid_of(message)}"
    assert (message["status"], message["total_targeted"]) == ("draft", 0)
    assert desk.answer("POST", f"{path}/send", {}).status == 400, "it has nobody to go to"
    wrapper = desk.listed("wrappers")[0]["_links"]["self"]["href"]
    ready = desk.put(path, {"targets": targets(desk), "_links": {"osdi:wrapper": {"href": wrapper}}})
    assert ready["total_targeted"] == 10
    assert ready["_links"]["osdi:wrapper"]["href"] == wrapper
    assert desk.post(f"{path}/send", {}) == {"message": "Your email has been sent."}
    sent = desk.get(path)
    assert (sent["status"], sent["statistics"]["sent"]) == ("sent", 10)
    recipients = sent["_links"]["osdi:recipients"]["href"].removeprefix(desk.world.api + "/")
    assert len(desk.listed(f"{recipients}/items")) == 10
    assert desk.answer("POST", f"{path}/send", {}).status == 400
    assert desk.delete(f"{path}/send")["message"]
    assert desk.get(path)["status"] == "stopped"


def test_an_email_is_put_on_the_schedule_and_taken_off() -> None:
    desk = Desk(200)
    path = f"messages/{uuid_of(desk.post('messages', EMAIL | {'targets': targets(desk)}))}"
    assert desk.answer("POST", f"{path}/schedule", {"scheduled_start_date": "2020-01-01T00:00:00Z"}).status == 400
    assert desk.post(f"{path}/schedule", {"scheduled_start_date": "2030-01-01T00:00:00Z"})["message"]
    assert desk.get(path)["status"] == "scheduled"
    desk.delete(f"{path}/schedule")
    assert desk.get(path)["status"] == "draft"
    assert desk.answer("DELETE", f"{path}/schedule").status == 400


@pytest.mark.parametrize("missing", EMAIL)
def test_an_email_needs_a_subject_a_body_a_sender_and_an_address_for_answers(missing: str) -> None:
    body = {name: value for name, value in EMAIL.items() if name != missing}
    assert Desk().answer("POST", "messages", body).status == 400


def test_an_email_cannot_go_to_what_is_no_query() -> None:
    desk = Desk()
    assert desk.answer("POST", "messages", EMAIL | {"targets": [{"href": f"{desk.world.api}/queries/x"}]}).status == 400


async def test_emails_are_made_once_in_thirty_seconds_and_changed_as_often_as_one_likes() -> None:
    desk = Desk(message_every_s=30.0)
    message = desk.post("messages", EMAIL)
    assert desk.answer("POST", "messages", EMAIL).status == 429
    assert desk.put(f"messages/{uuid_of(message)}", {"subject": "June news"})["subject"] == "June news"
    assert desk.answer("PUT", f"messages/{uuid_of(message)}", {"targets": []}).status == 429
    await desk.clock.advance(30)
    assert desk.answer("POST", "messages", EMAIL).status == 200


def test_a_sent_email_has_statistics_from_the_start() -> None:
    sent, draft = Desk(5_000).listed("messages")[::-1]
    assert sent["statistics"].keys() >= {
        "sent", "opened", "clicked", "actions", "action_network:donated", "action_network:total_amount", "unsubscribed",
        "bounced", "spam_reports",
    }  # fmt: skip
    assert sent["statistics"]["sent"] == 2_500
    assert "statistics" not in draft


def test_a_unique_id_list_counts_the_people_it_names_and_can_be_changed() -> None:
    desk = Desk(10)
    uuids = desk.control.uuids(3)
    body = {"name": "Door knockers", "unique_ids": [*uuids, uuids[0], "nobody"]}
    found = desk.post("unique_id_lists", body)
    assert (found["name"], found["count"]) == ("Door knockers", 3)
    path = f"unique_id_lists/{uuid_of(found)}"
    assert desk.put(path, {"unique_ids": uuids[:1]})["count"] == 1
    assert desk.put(path, {"name": "Fewer"})["name"] == "Fewer"
    assert desk.world.members[uuid_of(found)] == [0]
    assert desk.answer("POST", "unique_id_lists", {"unique_ids": uuids}).status == 400
