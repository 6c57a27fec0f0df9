"""The alerts and the Grafana dashboard: Prometheus understands them, they fire, and what they watch exists."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from groundswell.metrics import COUNTERS, GAUGES, HISTOGRAMS, TOLD
from groundswell.ops.reasons import REASONS
from tests.programs import needs

DOCS = Path(__file__).parents[2] / "docs"
ALERTS = DOCS / "alerts"
OF_THE_TARGET = {"instance", "job"}
needs_promtool = needs("promtool", "prometheus")

names = {
    **{f"{name}_total": set(labels) for name, (_, labels) in COUNTERS.items()},
    **{name: set(labels) for table in (GAUGES, TOLD) for name, (_, labels) in table.items()},
    **{
        f"{name}_{part}": {*labels, *(["le"] if part == "bucket" else [])}
        for name, (_, labels) in HISTOGRAMS.items()
        for part in ("bucket", "sum", "count")
    },
}


def rules() -> list[tuple[str, str]]:
    """Name and expression of each alert."""
    text = (ALERTS / "groundswell.rules.yml").read_text()
    found = re.findall(r"- alert: (\w+)\n +expr: (.*?)\n +for:", text, re.DOTALL)
    return [(name, " ".join(expression.split())) for name, expression in found]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((ALERTS / "grafana.json").read_text())["panels"]
    return found


def unknown_in(expression: str) -> list[str]:
    """What of an expression is no metric of ours, or a label that it does not have."""
    wrong = []
    used: set[str] = set()
    for name, inside in re.findall(r"\b(groundswell_\w+)(?:\{([^}]*)\})?", expression):
        if name not in names:
            wrong.append(name)
            continue
        used |= names[name]
        labels = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside)
        wrong += [f"{name}{{{label}}}" for label in labels if label not in names[name] | OF_THE_TARGET]
    for listed in re.findall(r"\bby \(([^)]*)\)", expression):
        wrong += [label for label in map(str.strip, listed.split(",")) if label not in used | OF_THE_TARGET]
    return wrong


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=ALERTS, capture_output=True, text=True, timeout=15, check=False)


@needs_promtool
def test_prometheus_understands_the_rules() -> None:
    done = promtool("check", "rules", "groundswell.rules.yml")
    assert (done.returncode, f"{len(rules())} rules found" in done.stdout) == (0, True), done.stdout + done.stderr


@needs_promtool
def test_each_alert_fires_when_it_should_and_not_before() -> None:
    done = promtool("test", "rules", "groundswell.tests.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    tested = set(re.findall(r"alertname: (\w+)", (ALERTS / "groundswell.tests.yml").read_text()))
    assert tested == {name for name, _ in rules()}


def test_what_is_watched_exists() -> None:
    assert len(rules()) > 8
    assert {name: unknown_in(expression) for name, expression in rules() if unknown_in(expression)} == {}


def test_what_is_drawn_exists() -> None:
    drawn = [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]
    assert len(drawn) > 15
    assert {title: unknown_in(expression) for title, expression in drawn if unknown_in(expression)} == {}


def test_no_panel_lies_on_another_or_outside() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_each_alert_says_what_to_do_on_its_page() -> None:
    told = re.findall(r"^## (\w+)$\n\n\*(page|ticket)\.\*", (DOCS / "alerts.md").read_text(), re.MULTILINE)
    text = (ALERTS / "groundswell.rules.yml").read_text()
    severities = re.findall(r"- alert: (\w+)\n.*?severity: (\w+)", text, re.DOTALL)
    assert told == severities
    runbooks = re.findall(r"- alert: (\w+)\n.*?runbook: \"docs/alerts\.md#(\w+)\"", text, re.DOTALL)
    assert [(name.lower(), name) for name, _ in runbooks] == [(anchor, name) for name, anchor in runbooks]


def test_the_alert_of_dead_letters_leaves_out_what_status_does() -> None:
    expression = dict(rules())["GroundswellDeadLetters"]
    assert re.findall(r'reason!="(\w+)"', expression) == [code for code, one in REASONS.items() if not one.needs_person]


def test_a_metric_or_label_that_is_none_is_noticed() -> None:
    assert unknown_in('sum by (component) (groundswell_up{instance="a"})') == ["component"]
    assert unknown_in("groundswell_down") == ["groundswell_down"]
    assert unknown_in('groundswell_dead_letters{cause="x"}') == ["groundswell_dead_letters{cause}"]
    assert unknown_in("rate(groundswell_source_request_seconds_bucket[5m])") == []
