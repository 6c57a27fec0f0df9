"""What goes on, through the API of a running daemon: rates, metrics, looking now, and the stream of figures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import anyio
import msgspec
import pytest

from groundswell.errors import RequestError
from groundswell.ops.client import OpsError
from groundswell.ops.dashboard import live
from groundswell.ops.live_messages import AskRates
from groundswell.ops.messages import NameComponent, Nothing
from groundswell.ops.operations import METRICS, PAUSE, POLL, RATES, STATUS
from groundswell.ops.sessions import IDLE_S
from groundswell.runtime import intake, rates
from groundswell.runtime.daemon import Daemon
from tests.in_step import SkippingClock
from tests.pipelines.ops_pipeline import PASSWORD, ask, browsing, call, receiving, with_ops
from tests.running import post, running, token_of, until, write_config

LOGIN = f'password = "{PASSWORD}"'
PEOPLE = [{"id": 1, "zip": "97201"}, {"id": 2, "zip": "97202"}]
FILE = """
[sources.file]
type = "jsonl"
path = "in.jsonl"
format = "json"
id_field = "id"
kind = "person"
follow = true
every = "1h"
"""


def with_file(pipeline: str) -> str:
    """The same with a source that looks into a file once an hour."""
    return pipeline.replace('inputs = ["signups"]', 'inputs = ["signups", "file"]') + FILE


class Stream:
    """What a page is sent."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.seen: dict[str, Any] = {}
        self.news: list[dict[str, Any]] = []

    async def read_until(self, **wanted: Any) -> None:
        """Until these figures are so: __ stands for the dot in their names."""
        while any(self.seen.get(key.replace("__", ".")) != value for key, value in wanted.items()):
            await self.read_line()

    async def read_line(self) -> None:
        """Whatever it says next."""
        line = await self.response.content.readline()
        assert line, "it ended"
        if line.startswith(b"data: "):
            self.news.append(msgspec.json.decode(line[6:]))
            self.seen |= self.news[-1]

    async def rest(self) -> bytes:
        with anyio.fail_after(10):
            return await self.response.content.read()


@asynccontextmanager
async def watching(daemon: Daemon, **query: str) -> AsyncIterator[Stream]:
    """A stream, let in by the token."""
    reach = token_of(daemon)
    async with (
        aiohttp.ClientSession() as session,
        session.get(
            f"http://{reach.address}/events", params=query, headers={"Authorization": f"Bearer {reach.token}"}
        ) as response,
    ):
        assert response.status == 200
        yield Stream(response)


def live_of(daemon: Daemon) -> live.Live:
    return daemon.ops.dashboard.live  # type: ignore[attr-defined, no-any-return]


async def test_the_stream_tells_all_at_first_and_then_what_changed(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon, watching(daemon) as stream:
        await stream.read_until(signups__accepted="0", crm__state="running")
        assert stream.response.headers["Content-Type"].startswith("text/event-stream")
        await post(daemon, "signups", PEOPLE)
        await stream.read_until(signups__accepted="2", crm__delivered="2")
        await ask(tmp_path, PAUSE, NameComponent("crm"))
        await stream.read_until(crm__state="paused", crm__mood="odd")
        assert all("mapped.state" not in news for news in stream.news[1:])


async def test_a_dead_letter_is_told_of_where_it_needs_a_person(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon, watching(daemon) as stream:
        await stream.read_until(mapped__mood="good")
        await post(daemon, "signups", [{"id": 1, "zip": ["no text"]}])
        await stream.read_until(mapped__mood="bad", mapped__flag="dead letters")
        assert [line["path"] for line in stream.seen[".attention"]] == ["/components/mapped"]


async def test_figures_are_made_once_for_everybody_and_for_nobody_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "FRESH_S", 3_600.0)
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        assert live_of(daemon).made == 0
        async with watching(daemon) as one, watching(daemon) as other:
            await one.read_until(crm__state="running")
            await other.read_until(crm__state="running")
            assert (live_of(daemon).made, live_of(daemon).watching) == (1, 2)
        await until(lambda: live_of(daemon).watching == 0)


async def test_charts_go_to_who_shows_them_and_are_let_go_with_the_last_of_them(tmp_path: Path) -> None:
    line = "crm.chart.hour.delivered.line"
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        async with (
            watching(daemon, charts="crm") as one,
            watching(daemon, charts="nobody's") as other,
            watching(daemon) as plain,
        ):
            while not one.seen.get(line):
                await one.read_line()
            assert one.seen["crm.chart.hour.delivered.words"].startswith("least 0/s")
            assert one.seen["crm.chart.day.delivered.words"] == "nothing known yet"
            for quiet in (other, plain):
                await quiet.read_until(crm__state="running")
                assert not any(".chart." in key for key in quiet.seen)
            assert live_of(daemon).charted == {"crm"}
        await until(lambda: live_of(daemon).watching == 0)
        async with watching(daemon) as stream:
            made = live_of(daemon).made
            while live_of(daemon).made == made:
                await stream.read_line()
            assert live_of(daemon).charted == set()


async def test_what_is_under_way_and_what_turns_is_told(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon, watching(daemon) as stream:
        await stream.read_until(crm__held="no", __held="", __under_way=[])
        await ask(tmp_path, PAUSE, NameComponent("crm"))
        await stream.read_until(crm__held="yes", __held="crm")


async def test_only_so_many_watch_and_the_next_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS_MAX", 1)
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        async with watching(daemon) as stream:
            await stream.read_until(crm__state="running")
            refused = await call(daemon, "GET", "/events")
            assert (refused.status, refused.headers["Retry-After"]) == (503, "60")
        await until(lambda: live_of(daemon).watching == 0)
        async with watching(daemon) as stream:
            await stream.read_until(crm__state="running")


async def test_a_stream_ends_with_its_login_and_nobody_gets_one_without(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(with_ops(pipeline, LOGIN), tmp_path) as daemon:
        assert (await call(daemon, "GET", "/events", login=False, headers={"Sec-Fetch-Dest": "empty"})).status == 401
        by_itself = {"X-By-Itself": "1"}  # a page that has itself made anew: it wants no login page in its place
        assert (await call(daemon, "GET", "/backfills", login=False, headers=by_itself)).status == 401
        async with browsing(daemon) as browser:
            await browser.log_in()
            cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies().items())
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://{token_of(daemon).address}/events", headers={"Cookie": cookie}) as response,
            ):
                stream = Stream(response)
                await stream.read_until(crm__state="running")
                await browser.post("/logout", {"csrf": await browser.csrf()})
                await stream.rest()


async def test_a_stream_ends_after_a_while_so_that_the_browser_shows_its_login_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "STREAM_S", 0.5)
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon, watching(daemon) as stream:
        assert (await stream.rest()).startswith(b"retry: 2000\n\n")


async def test_who_watches_does_not_keep_the_daemon_from_ending(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path) as daemon:
            reach = token_of(daemon)
            session = aiohttp.ClientSession()
            response = await session.get(
                f"http://{reach.address}/events", headers={"Authorization": f"Bearer {reach.token}"}
            )
            stream = Stream(response)
            await stream.read_until(crm__state="running")
            began = daemon.clock.monotonic()
        assert daemon.clock.monotonic() - began < 1.5, "two seconds are what requests under way are given"
        await session.close()


async def test_a_page_made_of_another_configuration_is_told_so(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        page = (await call(daemon, "GET", "/", headers={"Accept": "text/html"})).text
        shape = page.partition("/events?shape=")[2].partition('"')[0]
        reach = token_of(daemon)
        async with (
            aiohttp.ClientSession() as session,
            session.get(
                f"http://{reach.address}/events?shape={shape}", headers={"Authorization": f"Bearer {reach.token}"}
            ) as response,
        ):
            stream = Stream(response)
            await stream.read_until(__stale=False)
            write_config(tmp_path, pipeline.replace("crm", "archive"))
            await daemon.reload()
            await stream.read_until(__stale=True)


# ---- rates and metrics ----


def noted(daemon: Daemon, component: str, what: str) -> list[float]:
    line = daemon.rates.lines(component).get(what)
    return [] if line is None else list(line.hour)


async def test_rates_are_noted_whether_or_not_anybody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "STEP_S", 0.05)
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await ask(tmp_path, PAUSE, NameComponent("crm"))
        await post(daemon, "signups", PEOPLE)
        await until(lambda: noted(daemon, "crm", "waiting")[-1:] == [2.0])
        source, sink = [await ask(tmp_path, RATES, AskRates(name)) for name in ("signups", "crm")]
        status = await ask(tmp_path, STATUS, Nothing())
    accepted = source.hour.series[0]
    assert [series.what for series in source.hour.series] == ["accepted", "duplicates", "processed"]
    assert accepted.unit == "records/s"
    assert sum(accepted.points) * 0.05 == pytest.approx(2.0, rel=1e-3)
    assert {series.what: series.now for series in sink.hour.series}["waiting"] == 2.0
    crm = next(part for part in status.components if part.name == "crm")
    assert (crm.inputs, crm.place) == (["adults"], "[sinks.crm]")
    assert crm.per_second.keys() == {"delivered", "skipped", "retried"}
    assert crm.state_since is not None
    assert crm.state_since > (status.started_at or status.now)


async def test_rates_of_what_is_not_there_are_refused_and_need_a_daemon(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline):
        async with running(pipeline, tmp_path):
            with pytest.raises(OpsError, match='did you mean "crm"'):
                await ask(tmp_path, RATES, AskRates("crn"))
        with pytest.raises(RequestError, match="no groundswell runs"):
            await ask(tmp_path, RATES, AskRates("crm"))


async def test_metrics_are_told_with_their_meaning_and_their_value(tmp_path: Path) -> None:
    async with receiving() as (_, pipeline), running(pipeline, tmp_path) as daemon:
        await post(daemon, "signups", PEOPLE)
        await until(lambda: daemon.metrics.totals().get("crm", {}).get("delivered") == 2)
        found = {metric.name: metric for metric in (await ask(tmp_path, METRICS, Nothing())).metrics}
    accepted = found["groundswell_source_accepted_records_total"]
    assert (accepted.type, accepted.meaning) == ("counter", "Records accepted: on disk before the answer.")
    assert [(sample.labels, sample.value) for sample in accepted.samples] == [({"component": "signups"}, 2.0)]
    (times,) = found["groundswell_source_request_seconds"].samples
    assert times.value == 1.0
    assert times.sum_s is not None
    assert times.sum_s > 0
    assert found["groundswell_up"].samples[0].value == 1.0
    assert found["groundswell_sink_retried_records_total"].samples == []


# ---- poll ----


async def test_a_source_that_rests_looks_when_it_is_told_to(tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"id": 1, "zip": "97201"}\n')
    async with receiving() as (_, pipeline), running(with_file(pipeline), tmp_path) as daemon:
        await until(lambda: daemon.metrics.totals().get("file", {}).get("accepted") == 1)
        file.write_text('{"id": 1, "zip": "97201"}\n{"id": 2, "zip": "97201"}\n')
        while (await ask(tmp_path, POLL, NameComponent("file"))).was_looking:
            await anyio.sleep(0.005)
        await until(lambda: daemon.metrics.totals().get("file", {}).get("accepted") == 2)
        told = {part.name: part.can_poll for part in (await ask(tmp_path, STATUS, Nothing())).components}
    assert told == {"signups": False, "file": True, "mapped": False, "adults": False, "crm": False}


async def test_a_source_that_failed_is_tried_at_once_when_it_is_told_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "wait_s", lambda *_: 3_600.0)
    async with receiving() as (_, pipeline), running(with_file(pipeline), tmp_path) as daemon:
        await until(lambda: daemon.supervisor.states()["file"] == "waiting")
        (tmp_path / "in.jsonl").write_text('{"id": 1, "zip": "97201"}\n')
        assert not (await ask(tmp_path, POLL, NameComponent("file"))).was_looking
        await until(lambda: daemon.metrics.totals().get("file", {}).get("accepted") == 1)


async def test_what_cannot_look_now_says_why(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").touch()
    async with receiving() as (_, pipeline), running(with_file(pipeline), tmp_path) as daemon:
        for name, why in (("signups", "cannot be told to look; file can be told to"), ("crn", 'did you mean "crm"')):
            with pytest.raises(OpsError, match=why):
                await ask(tmp_path, POLL, NameComponent(name))
        await ask(tmp_path, PAUSE, NameComponent("file"))
        with pytest.raises(OpsError, match="file is paused; `groundswell resume file`"):
            await ask(tmp_path, POLL, NameComponent("file"))
        write_config(tmp_path, with_file(pipeline).replace("follow = true", "follow = false"))
        await daemon.reload()
        await daemon.supervisor.resume("file")
        await until(lambda: daemon.supervisor.states()["file"] == "finished")
        with pytest.raises(OpsError, match="file has read all there is"):
            await ask(tmp_path, POLL, NameComponent("file"))


@pytest.mark.parametrize("way", ["its time is up", "who may come in was changed"])
async def test_a_stream_ends_as_soon_as_its_login_would_let_in_no_more(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to go on until the login was ended by somebody; that its time was up, nobody noticed."""
    monkeypatch.setattr(live, "STREAM_S", 10 * IDLE_S)
    clock = SkippingClock()
    async with (
        receiving() as (_, pipeline),
        running(with_ops(pipeline, LOGIN), tmp_path, clock=clock) as daemon,
        browsing(daemon) as browser,
    ):
        await browser.log_in()
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies().items())
        reach = token_of(daemon)
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{reach.address}/events", headers={"Cookie": cookie}) as by_login,
            session.get(
                f"http://{reach.address}/events", headers={"Authorization": f"Bearer {reach.token}"}
            ) as by_token,
        ):
            streams = [Stream(by_login), Stream(by_token)]
            for stream in streams:
                await stream.read_until(crm__state="running")
            if way == "its time is up":
                clock.skip(IDLE_S + 1)
                streams = streams[:1]
            else:
                write_config(tmp_path, with_ops(pipeline, 'password = "quite another one"'))
                await daemon.reload()
            for stream in streams:
                await stream.rest()
