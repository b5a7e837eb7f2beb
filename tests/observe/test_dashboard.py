"""The Grafana dashboard: every query is over metrics that there are, by labels that they have."""

from __future__ import annotations

import json
import re

import pytest

import nbgraph as ng
from nbgraph.observe.metrics.families import FAMILIES, SETS

SERIES = {
    series: {*family.labels, *(["le"] if series.endswith("_bucket") else [])}
    for family in FAMILIES
    for series in family.series
}
FUNCTIONS = {"sum", "rate", "increase", "histogram_quantile"}
TOKENS = re.compile(
    r"""(?P<by>\bby\s*\((?P<labels>[^)]*)\))|(?P<selector>\{[^}]*\})|(?P<range>\[[^\]]*\])|(?P<name>[a-zA-Z_:][\w:]*)
    |(?P<number>\d+(\.\d+)?)|(?P<mark>[-+*/(),]) | (?P<space>\s+)""",
    re.VERBOSE,
)
MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


def panels():
    """Return every panel that asks something."""
    return [panel for panel in ng.metrics.dashboard()["panels"] if panel["type"] != "row"]


def queries():
    """Return (panel, query) of all of them."""
    return [(panel["title"], target["expr"]) for panel in panels() for target in panel["targets"]]


def read(query):
    """Return the metrics, grouping labels and (label, value) matchers of a query; the whole of it must be understood."""
    names, labels, matchers, place = [], set(), [], 0
    while place < len(query):
        token = TOKENS.match(query, place)
        assert token, f"what is {query[place:]!r}?"
        place = token.end()
        if token["by"]:
            labels |= {label.strip() for label in token["labels"].split(",")}
        elif token["selector"]:
            matchers += [(name, value) for name, _, value in MATCHER.findall(token["selector"])]
        elif token["name"]:
            names.append(token["name"])
    return [name for name in names if name not in FUNCTIONS], labels, matchers


def complaints(query):
    """Return what is wrong with a query."""
    names, labels, matchers = read(query)
    found = [f"no metric {name}" for name in names if name not in SERIES]
    for name in set(names) & SERIES.keys():
        found += [
            f"{name} has no label {label}"
            for label in labels | {label for label, _ in matchers}
            if label not in SERIES[name]
        ]
    for label, value in matchers:
        known = SETS.get(label)
        found += [f"{label} is never {part}" for part in value.split("|") if known and part not in known]
    return found


@pytest.mark.parametrize(("panel", "query"), queries())
def test_every_query_is_over_metrics_that_there_are(panel, query):
    """Names, grouping labels and matched values are declared."""
    assert [] == complaints(query)


@pytest.mark.parametrize(
    "query",
    ["rate(nbgraph_step_total[5m])", "sum by (run) (nbgraph_steps_total)", 'nbgraph_tokens_total{direction="in"}'],
)
def test_a_query_that_is_wrong_is_noticed(query):
    """The check above can fail: a name, a label and a value."""
    assert complaints(query)


def test_every_metric_is_on_the_dashboard():
    """Nothing is counted that nobody would see."""
    asked = {name for _, query in queries() for name in read(query)[0]}
    assert [] == [family.name for family in FAMILIES if not asked & set(family.series)]


def test_the_dashboard_can_be_imported():
    """It has what Grafana asks for: a schema, unique panels that do not overlap, a variable for the data source."""
    dashboard = ng.metrics.dashboard()
    assert dashboard["schemaVersion"] >= 36
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    assert {"type": "datasource", "query": "prometheus", "name": "datasource"}.items() <= dashboard["templating"][
        "list"
    ][0].items()
    assert {"${datasource}"} == {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}
    cells = [
        (x, y)
        for panel in dashboard["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert {x for x, _ in cells} == set(range(24))


def test_the_dashboard_is_a_copy():
    """Whoever changes what they got changes nobody else's."""
    ng.metrics.dashboard()["panels"].clear()
    assert json.dumps(ng.metrics.dashboard()["panels"]) != "[]"
