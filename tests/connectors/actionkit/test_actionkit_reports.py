"""SQL reports: what a poller reads where a filter is missing."""

import csv
import io
import zipfile
from typing import Any

import pytest

from tests.connectors.actionkit.simulated import Desk


def test_rows_come_as_lists_and_values_are_filled_in() -> None:
    desk = Desk(users=50)
    since = "2023-06-01T00:00:00"
    rows = desk.sql(
        "SELECT u.id, u.email, uf.value, uf.updated_at FROM core_userfield uf JOIN core_user u ON u.id = uf.parent_id "
        "WHERE uf.name = {{ name }} AND uf.updated_at >= {{ since }} ORDER BY uf.updated_at, uf.id LIMIT 5",
        name="sms_opt_in",
        since=since,
    )
    assert len(rows) == 5
    assert all(row[3] >= "2023-06-01 00:00:00" for row in rows)
    assert rows == sorted(rows, key=lambda row: row[3])
    assert desk.sql("SELECT count(*) FROM core_user WHERE id IN {{ ids }}", ids=[1, 2, 999]) == [[2]]
    assert desk.sql("SELECT {{ text }}", text="'; DROP TABLE core_user; --") == [["'; DROP TABLE core_user; --"]]


@pytest.mark.parametrize(
    "table",
    ["core_user", "core_userfield", "core_phone", "core_subscription", "core_subscriptionhistory", "core_action",
     "core_actionfield", "core_order", "core_orderrecurring", "core_transaction", "core_page", "core_list",
     "events_event", "events_eventsignup"],
)  # fmt: skip
def test_the_tables_are_there_and_show_what_the_api_just_wrote(table: str) -> None:
    desk = Desk(users=10)
    (before,) = desk.sql(f"SELECT count(*), max(id) FROM {table}")
    desk.act(email="rosa@example.org", action_a="1", user_favorite_color="red", mobile_phone="3105550101")
    push = {"donationpage": {"name": "x", "payment_account": "Default Import Stub"}, "user": {"email": "a@example.org"},
            "order": {"amount": "5", "card_code": "007", "recurring_id": "r"}}  # fmt: skip
    desk.post("donationpush/", push)
    desk.make("list/", {"name": "another"})
    event = {"event_id": "1", "email": "b@example.org"}
    desk.act("come_to_a_festival", **event)
    desk.act("host_a_festival", email="c@example.org", event_title="Cedar Street")
    (after,) = desk.sql(f"SELECT count(*), max(id) FROM {table}")
    assert after[0] > before[0]


def test_what_people_write_for_mysql_works() -> None:
    desk = Desk(users=20)
    assert desk.sql("SELECT CONCAT(first_name, ' ', last_name) FROM core_user WHERE id = 1")[0][0].strip()
    assert desk.sql("SELECT IF(1, 'a', 'b'), IFNULL(NULL, 3), LEFT('abc', 2), NOW()") == [
        ["a", 3, "ab", "2026-05-02 11:00:09"]
    ]
    assert desk.sql("SELECT DATE_SUB(NOW(), INTERVAL 10 MINUTE)") == [["2026-05-02 10:50:09"]]
    assert desk.sql("SELECT {{ at }} - interval 1 day, 'if (x)'", at="2026-05-02T11:00:09") == [
        ["2026-05-01 11:00:09", "if (x)"]
    ]
    assert desk.sql(
        "SELECT `id` FROM core_user WHERE email = {{ email }}", email=desk.control.user(7)["email"].upper()
    ) == [[7]]
    assert desk.sql("SELECT UNIX_TIMESTAMP('2026-05-02T11:00:09Z'), FROM_UNIXTIME(0)") == [
        [1_777_719_609, "1970-01-01 00:00:00"]
    ]


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM core_user", "UPDATE core_user SET email = 'x'", "DROP TABLE core_user", "PRAGMA query_only = 0",
     "ATTACH DATABASE ':memory:' AS x", "SELECT 1; SELECT 2", "SELECT nothing FROM nowhere", "COMMIT", "not sql",
     "SELECT body FROM simulator_object", "INSERT INTO core_list (name) VALUES ('x')"],
)  # fmt: skip
def test_nothing_but_a_select_is_run(query: str) -> None:
    desk = Desk(users=5)
    status, body = desk.refused("POST", "report/run/sql/", {"query": query})
    assert status == 400
    assert "Error running report" in body["error"]
    assert desk.sql("SELECT count(*) FROM core_user") == [[5]]


def test_a_query_without_end_is_ended() -> None:
    desk = Desk(users=300)
    query = "SELECT count(*) FROM core_user a, core_user b, core_user c, core_user d"
    assert desk.refused("POST", "report/run/sql/", {"query": query})[0] == 400


def test_a_parameter_that_is_missing_is_named() -> None:
    assert Desk().refused("POST", "report/run/sql/", {"query": "SELECT {{ since }}"}) == (
        400, {"since": ["This parameter is required."]},
    )  # fmt: skip
    assert Desk().refused("POST", "report/run/sql/", {})[0] == 400


def test_an_answer_is_kept_until_the_call_says_how_old_it_may_be() -> None:
    desk = Desk(users=5)
    query: dict[str, Any] = {"query": "SELECT count(*) FROM core_user"}

    def count(**more: Any) -> Any:
        return desk.post("report/run/sql/", query | more, 200).answer.body[0][0]

    assert count() == 5
    desk.act(email="rosa@example.org")
    assert count() == 5, "stale"
    desk.clock.set_calendar(30)
    assert count(cache_duration=3600) == 5
    assert count(refresh=True) == 6
    assert count() == 6
    desk.act(email="ada@example.org")
    assert count(cache_duration=0) == 7
    assert desk.world.counts.reports == {"run": 3, "from cache": 3}


def test_no_more_than_ten_thousand_rows_come() -> None:
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) SELECT i FROM n"
    assert len(Desk().sql(query)) == 10_000
    assert len(Desk(report_rows_max=50).sql(query)) == 50


def test_a_csv_has_a_header() -> None:
    desk = Desk(users=3)
    body = {"query": "SELECT id, email FROM core_user ORDER BY id LIMIT 2"}
    outcome = desk.call("POST", "report/run/sql/", body, wants="csv")
    assert outcome.answer.text is not None
    rows = list(csv.reader(io.StringIO(outcome.answer.text.decode())))
    assert (rows[0], len(rows), outcome.answer.content_type) == (["id", "email"], 3, "text/csv")


def test_a_saved_report_runs_by_its_name_and_in_the_background() -> None:
    desk = Desk(users=3)
    assert desk.get("report/run/users/") == [[3]]  # type: ignore[comparison-overlap]
    report = {"name": "By id", "short_name": "by_id", "sql": "SELECT email FROM core_user WHERE id = {{ id }}"}
    desk.make("queryreport/", report)
    assert desk.call("POST", "report/run/by_id/", {"id": 99}).answer.body == []
    task = desk.make("report/background/by_id/", {"id": 1, "format": "csv", "zip": True})
    assert desk.get(task)["details"]["status"] == "new"
    download = f"report/download/{task.split('/')[1]}/"
    assert desk.call("GET", download).status == 404
    desk.control.behave(background_s=0)
    task = desk.make("report/background/by_id/", {"id": 1, "format": "csv", "zip": True})
    assert desk.get(task)["details"]["status"] == "complete"
    packed = desk.call("GET", f"report/download/{task.split('/')[1]}/").answer.text
    assert packed is not None
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.read("by_id.csv").startswith(b"email")
    failing = desk.make("report/background/by_id/", {})
    assert desk.get(failing)["details"]["status"] == "failed"
    assert desk.call("GET", "report/run/nobody/").status == 404
