"""`groundswell graph`: goldens of what people read, and the order for any graph."""

from itertools import pairwise
from pathlib import Path
from textwrap import dedent

from configurations import read
from hypothesis import given
from hypothesis import strategies as st

from groundswell.config.graph import as_data, as_mermaid, as_text, in_flow_order
from groundswell.config.model import Component, Config, DaemonSettings, OpsSettings, WebhooksSettings
from groundswell.config.wiring import find_loop

TWO_WAYS = """
    [sinks.archive]
    type = "post"
    inputs = ["end", "people"]
    url = "https://archive.example.org"

    [transforms.end]
    type = "tidy"
    inputs = ["tidied"]

    [transforms.tidied]
    type = "tidy"
    inputs = ["signups", "people"]

    [sources.signups]
    type = "hook.webhook"

    [sources.people]
    type = "poll"

    [sinks.crm]
    type = "post"
    inputs = ["tidied"]
    url = "https://crm.example.org"
"""


def test_the_text_follows_the_records(tmp_path: Path) -> None:
    assert as_text(read(tmp_path, TWO_WAYS)) == dedent("""\
                    name      type           takes from        gives to
        source      signups   hook.webhook   -                 tidied
        source      people    poll           -                 tidied, archive
        transform   tidied    tidy           signups, people   end, crm
        transform   end       tidy           tidied            archive
        sink        archive   post           end, people       -
        sink        crm       post           tidied            -""")


def test_the_flowchart_has_every_component_and_every_way(tmp_path: Path) -> None:
    assert as_mermaid(read(tmp_path, TWO_WAYS)) == dedent("""\
        flowchart LR
          source_signups(["signups<br/>hook.webhook"])
          source_people(["people<br/>poll"])
          transform_tidied["tidied<br/>tidy"]
          transform_end["end<br/>tidy"]
          sink_archive[("archive<br/>post")]
          sink_crm[("crm<br/>post")]
          source_signups --> transform_tidied
          source_people --> transform_tidied
          transform_tidied --> transform_end
          transform_end --> sink_archive
          source_people --> sink_archive
          transform_tidied --> sink_crm""")


def test_programs_get_the_same(tmp_path: Path) -> None:
    components = as_data(read(tmp_path, TWO_WAYS))
    assert components[2] == {
        "name": "tidied",
        "role": "transform",
        "type": "tidy",
        "inputs": ["signups", "people"],
        "outputs": ["end", "crm"],
    }
    assert [component["name"] for component in components][-2:] == ["archive", "crm"]


NAMES = [f"t{number}" for number in range(8)]


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, list[str]]:
    """Transforms by name with their inputs, without a loop, in any order."""
    order = draw(st.permutations(NAMES))
    inputs = {
        name: draw(st.lists(st.sampled_from(["source", *order[:place]]), unique=True, min_size=1))
        for place, name in enumerate(order)
    }
    return {name: inputs[name] for name in draw(st.permutations(NAMES))}


@given(pipelines())
def test_every_component_comes_after_all_it_takes_from(inputs: dict[str, list[str]]) -> None:
    assert find_loop(inputs) is None
    order = [component.name for component in in_flow_order(_config(inputs))]
    assert sorted(order) == sorted([*NAMES, "source", "sink"])
    assert order[-1] == "sink"
    assert all(order.index(giver) < order.index(name) for name, givers in inputs.items() for giver in givers)


@given(pipelines(), st.data())
def test_a_loop_is_found_and_told_in_the_order_of_the_records(
    inputs: dict[str, list[str]], data: st.DataObject
) -> None:
    around = data.draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    for giver, taker in zip(around, [*around[1:], around[0]], strict=True):
        inputs[taker] = [*inputs[taker], giver]
    loop = find_loop(inputs)
    assert loop is not None
    assert loop[0] == loop[-1]
    assert all(giver in inputs[taker] for giver, taker in pairwise(loop))


def _config(inputs: dict[str, list[str]]) -> Config:
    here = Path()
    components = {
        "sink": Component("sink", "sink", "post", None, tuple(NAMES), here),
        **{name: Component(name, "transform", "tidy", None, tuple(givers), here) for name, givers in inputs.items()},
        "source": Component("source", "source", "poll", None, (), here),
    }
    return Config(DaemonSettings(), WebhooksSettings(), OpsSettings(), components, (), (here,), "0" * 12, here)
