"""Gifts that travel together are looked for together, and none is written twice for that."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from groundswell.component import Delivered, Delivery, Outcome, Retry, Skipped
from groundswell.connectors.actionkit.simulator.faults import SERVER_ERROR, Fault
from groundswell.errors import UnavailableError
from groundswell.record import Record, lane_of, to_json
from tests.connectors.actionkit.giving import Giving, gift, giving, monthly

PUSH = {"enabled": True, "page": "given_elsewhere"}


def of(number: int, *, series: bool = False) -> Record:
    who = {"email": f"p{number}@example.org"}
    return monthly(number, series=f"AB{number}", person=who) if series else gift(number, person=who)


async def together(sink: Giving, records: Sequence[Record]) -> Sequence[Outcome]:
    deliveries = [Delivery(one.id, one.kind, lane_of(one), to_json(one)) for one in records]
    return await sink.sink.deliver(deliveries)


def reports(sink: Giving) -> int:
    return sink.server.counts.by_call["POST report/run/sql"]


async def test_a_batch_takes_one_look_and_a_series_one_of_its_own() -> None:
    async with giving(**PUSH) as sink:
        sink.settle()
        assert await together(sink, [of(number) for number in range(20)]) == [Delivered()] * 20
        assert reports(sink) == 1
        assert await together(sink, [of(number, series=True) for number in range(20, 25)]) == [Delivered()] * 5
        assert reports(sink) == 1 + 1 + 5
        assert len(sink.totals()) == 25


async def test_of_a_batch_only_what_is_not_there_is_written() -> None:
    async with giving(**PUSH) as sink:
        sink.settle()
        for number in (1, 3, 21):
            assert await sink.deliver(of(number, series=number > 20)) == Delivered()
        outcomes = await together(sink, [of(number, series=number > 20) for number in (0, 1, 2, 3, 20, 21)])
        there = Skipped("already_there")
        assert outcomes == [Delivered(), there, Delivered(), there, Delivered(), there]
        assert len(sink.payments()) == 6


async def test_two_records_of_one_payment_in_a_batch_make_one_payment() -> None:
    first = of(1, series=True)
    again = replace(first, id="actblue:payment/1", person=replace(first.person, email="other@example.org"))
    async with giving(**PUSH) as sink:
        sink.settle()
        assert await together(sink, [first, again]) == [Delivered(), Skipped("already_there")]
        assert len(sink.payments()) == 1


@pytest.mark.parametrize("fault", [SERVER_ERROR, Fault("400", status=400)], ids=lambda fault: fault.word)
async def test_a_look_that_fails_costs_no_gift(fault: Fault) -> None:
    async with giving(**PUSH) as sink:
        sink.settle()
        records = [of(number) for number in range(5)]
        sink.server.faults.plan(fault, path="report/run/sql")
        if fault.status == 500:
            with pytest.raises(UnavailableError) as error:
                await together(sink, records)
            assert error.value.tries_max is None, "it is no gift's fault"
        outcomes = await together(sink, records)
        assert outcomes == [Delivered()] * 5
        assert not [one for one in outcomes if isinstance(one, Retry)]
        assert len(sink.totals()) == 5
