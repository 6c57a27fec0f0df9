"""The drawing of the pipeline and the charts: nothing overlaps, lines go from left to right, no peak is lost."""

import re

from hypothesis import given
from hypothesis import strategies as st

from groundswell.ops.dashboard import chart, drawing
from groundswell.ops.dashboard.chart import chart_of
from groundswell.ops.dashboard.drawing import GAP_X, HEIGHT, MARGIN, WIDTH, Box, draw
from groundswell.ops.live_messages import Series
from groundswell.runtime.rates import POINTS

SMALL = {"signups": [], "file": [], "tidy": ["signups"], "crm": ["tidy", "file"], "archive": ["signups"]}


def columns_of(boxes: tuple[Box, ...]) -> dict[str, int]:
    return {box.name: (box.x - MARGIN) // (WIDTH + GAP_X) for box in boxes}


@st.composite
def pipelines(draw_: st.DrawFn) -> dict[str, list[str]]:
    """Components, each of which takes from some before it."""
    count = draw_(st.integers(0, 25))
    return {
        f"c{number}": [f"c{giver}" for giver in sorted(draw_(st.sets(st.integers(0, number - 1), max_size=4)))]
        if number
        else []
        for number in range(count)
    }


def test_sources_stand_left_sinks_right_and_the_rest_where_their_inputs_let_them() -> None:
    drawn = draw(SMALL, ["crm", "archive"])
    assert columns_of(drawn.boxes) == {"signups": 0, "file": 0, "tidy": 1, "crm": 2, "archive": 2}
    assert len(drawn.paths) == 4


@given(pipelines())
def test_no_two_components_overlap_and_all_are_inside(inputs: dict[str, list[str]]) -> None:
    drawn = draw(inputs, [])
    assert {box.name for box in drawn.boxes} == set(inputs)
    for box in drawn.boxes:
        assert 0 <= box.x <= drawn.width - WIDTH
        assert 0 <= box.y <= drawn.height - HEIGHT
    for one in drawn.boxes:
        for other in drawn.boxes:
            assert one is other or one.x != other.x or abs(one.y - other.y) >= HEIGHT


@given(pipelines())
def test_every_line_begins_at_a_giver_ends_at_a_taker_and_goes_only_to_the_right(inputs: dict[str, list[str]]) -> None:
    drawn = draw(inputs, [])
    place = {box.name: box for box in drawn.boxes}
    ends = []
    for path in drawn.paths:
        numbers = [int(number) for number in re.findall(r"-?\d+", re.sub(r"H\d+", "", path))]
        xs = numbers[0::2]
        assert xs == sorted(xs)
        ends.append(((xs[0], numbers[1]), (xs[-1], numbers[-1])))
    wanted = [
        ((place[giver].x + WIDTH, place[giver].y + HEIGHT // 2), (place[name].x, place[name].y + HEIGHT // 2))
        for name, givers in inputs.items()
        for giver in givers
    ]
    assert ends == wanted


def test_a_line_past_a_component_does_not_go_through_it() -> None:
    drawn = draw({"a": [], "b": ["a"], "c": ["b", "a"]}, ["c"])
    (middle,) = (box for box in drawn.boxes if box.name == "b")
    (passing,) = (path for path in drawn.paths if "H" in path)
    before = int(re.findall(r" (\d+)H", passing)[0])
    assert not middle.y <= before <= middle.y + HEIGHT


def test_what_takes_from_nothing_there_is_drawn_all_the_same() -> None:
    assert [box.name for box in draw({"crm": ["gone"]}, ["crm"]).boxes] == ["crm"]
    assert draw({}, []).boxes == ()


def test_a_long_name_is_shortened_to_what_fits() -> None:
    assert Box("a" * drawing.NAME_MAX, 0, 0).short_name == "a" * drawing.NAME_MAX
    assert Box("a" * 30, 0, 0).short_name == "a" * (drawing.NAME_MAX - 1) + "…"


@given(st.lists(st.floats(0, 1e6, width=32), min_size=1, max_size=POINTS))
def test_a_chart_stays_inside_ends_at_the_right_and_shows_its_peak(points: list[float]) -> None:
    made = chart_of(Series("delivered", "records/s", min(points), max(points), points[-1], points))
    corners = [tuple(map(float, pair.split())) for pair in re.findall(r"[ML]([\d.e+-]+ [\d.e+-]+)", made.line)]
    assert corners[-1][0] == chart.WIDTH
    assert all(0 <= x <= chart.WIDTH and chart.TOP <= y <= chart.HEIGHT for x, y in corners)
    assert min(y for _, y in corners) == (chart.TOP if max(points) else chart.HEIGHT - 1)


def test_without_points_there_is_no_line() -> None:
    assert chart_of(Series("delivered", "records/s", None, None, None, [])).line == ""
