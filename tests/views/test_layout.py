"""Places of nodes and links: nothing overlaps, nothing is cut, and the same graph stands the same way."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from itertools import combinations, pairwise
from math import hypot
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nbgraph.views.layout import Box, Layout, Point, Route, layout
from nbgraph.views.layout.measure import label_size
from nbgraph.views.topology import Node, Topology
from tests.views.drawn import topologies, topology

DIRECTIONS = st.sampled_from(["down", "right"])


def overlap(one: Box, other: Box, slack: float = 0.5) -> bool:
    """Say whether two boxes share more than a border."""
    across = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    down = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    return across > slack and down > slack


def within(inner: Box, outer: Box) -> bool:
    """Say whether a box is inside another."""
    return (
        outer.x <= inner.x + 0.5
        and outer.y <= inner.y + 0.5
        and inner.x + inner.w <= outer.x + outer.w + 0.5
        and inner.y + inner.h <= outer.y + outer.h + 0.5
    )


def line(route: Route, pieces: int = 16) -> list[Point]:
    """Return points along a route."""
    points = [route.points[0]]
    for at in range(0, len(route.points) - 1, 3):
        a, b, c, d = route.points[at : at + 4]
        for t in (step / pieces for step in range(1, pieces + 1)):
            u = 1 - t
            points.append(
                tuple(u**3 * a[k] + 3 * u * u * t * b[k] + 3 * u * t * t * c[k] + t**3 * d[k] for k in (0, 1))
            )
    return points


def distance(point: Point, node: Node, box: Box) -> float:
    """Return how far a point is from a node as it is drawn, negative inside: round at the corners, a circle for an end."""
    radius = {"end": box.w / 2 - 1}.get(node.kind, box.h / 2 if node.start else 8.0)
    border = 1.0 if node.kind == "end" else 0.0
    across = abs(point[0] - box.cx) - (box.w / 2 - border - radius)
    down = abs(point[1] - box.cy) - (box.h / 2 - border - radius)
    return hypot(max(across, 0), max(down, 0)) + min(max(across, down), 0) - radius


def lead_from_border_to_border(drawn: Topology, found: Layout) -> bool:
    """Say whether every line begins at its source's border and ends at its target's."""
    nodes = {node.name: node for node in drawn.nodes}
    return all(
        abs(distance(found.routes[link.id].points[place], nodes[name], found.boxes[name])) <= 0.6
        for link in drawn.links
        for place, name in ((0, link.src), (-1, link.dst))
    )


def labels(drawn: Topology, found: Layout) -> dict[str, Box]:
    """Return the boxes of the labels."""
    places = {}
    for link in drawn.links:
        (width, height), at = label_size(link), found.routes[link.id].label
        if at is not None:
            places[link.id] = Box(at[0] - width / 2, at[1] - height / 2, width, height)
    return places


@given(topologies, DIRECTIONS)
def test_everything_has_a_place_inside_the_picture(drawn, direction):
    """Each node, link and cluster is somewhere, and nothing stands outside of the picture."""
    found = layout(drawn, "builtin", direction)
    whole = Box(0, 0, found.width, found.height)
    assert {node.name for node in drawn.nodes} == found.boxes.keys()
    assert {link.id for link in drawn.links} == found.routes.keys()
    assert {cluster.name for cluster in drawn.clusters} == found.clusters.keys()
    points = [Box(*point, 0, 0) for route in found.routes.values() for point in line(route)]
    assert all(within(box, whole) for box in [*found.boxes.values(), *found.clusters.values(), *points])


@given(topologies, DIRECTIONS)
def test_boxes_do_not_overlap(drawn, direction):
    """No two nodes overlap, and no label covers a node or another label."""
    found = layout(drawn, "builtin", direction)
    boxes = [*found.boxes.values(), *labels(drawn, found).values()]
    assert [] == [(one, other) for one, other in combinations(boxes, 2) if overlap(one, other)]


@given(topologies, DIRECTIONS)
def test_a_cluster_holds_its_own_and_nothing_else(drawn, direction):
    """A subgraph's box is around its nodes, and around no other's."""
    found = layout(drawn, "builtin", direction)
    for cluster in drawn.clusters:
        box = found.clusters[cluster.name]
        for node in drawn.nodes:
            own = f"{node.cluster}/".startswith(f"{cluster.name}/")
            place = found.boxes[node.name]
            assert within(place, box) if own else not overlap(place, box)


@given(topologies, DIRECTIONS)
def test_lines_run_from_border_to_border(drawn, direction):
    """A line begins at the border of its source and ends at the border of its target, in the direction of the link."""
    found = layout(drawn, "builtin", direction)
    assert {1} == {len(route.points) % 3 for route in found.routes.values()}
    assert lead_from_border_to_border(drawn, found)


@given(topologies, DIRECTIONS)
@example(
    topology(
        [("a", "b"), ("a", "b", "edge", "on a rainy day"), ("a", "b", "edge", "on a rainy day"), ("in/deep/a", "in/a")]
    ),
    "down",
)
def test_no_line_cuts_a_box(drawn, direction):
    """A line stays outside of every node that it does not belong to, and of the insides of its own."""
    found = layout(drawn, "builtin", direction)
    for link in drawn.links:
        for point in line(found.routes[link.id]):
            inside = [node.name for node in drawn.nodes if distance(point, node, found.boxes[node.name]) < -2]
            assert [] == inside, link.id


@given(topologies, DIRECTIONS)
def test_every_label_has_its_room(drawn, direction):
    """A link with a label has a place for it, one without has none."""
    found = layout(drawn, "builtin", direction)
    for link in drawn.links:
        assert bool(label_size(link)[0]) == (found.routes[link.id].label is not None)


def test_a_chain_is_straight():
    """Nodes in a row stand under each other exactly, also where a loop goes by at the side."""
    found = layout(topology([("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("d", "b"), ("e", "a")]), "builtin")
    assert 1 == len({found.boxes[name].cx for name in "abcde"})


def test_the_two_ways_between_two_nodes_stand_apart():
    """A line there and a line back do not lie on each other."""
    found = layout(topology([("a", "b"), ("b", "a")]), "builtin")
    there, back = (line(found.routes[key]) for key in ("a>e0", "b>e1"))
    assert 12 < abs(there[len(there) // 2][0] - back[len(back) // 2][0])


def test_a_link_to_itself_is_a_loop_at_the_side():
    """A node's link to itself leaves and enters at its right border, and reaches beyond it."""
    found = layout(topology([("a", "b"), ("b", "b", "when", "more")]), "builtin")
    box, route = found.boxes["b"], found.routes["b>e1"]
    assert {box.x + box.w} == {route.points[0][0], route.points[-1][0]}
    assert max(x for x, _ in line(route)) > box.x + box.w + 15


def test_what_follows_stands_below():
    """Without loops every line leads down: the start is at the top."""
    found = layout(topology([("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")]), "builtin")
    for name in found.routes:
        ys = [y for _, y in line(found.routes[name])]
        assert all(above <= below for above, below in pairwise(ys))


def test_what_follows_stands_at_the_right():
    """From left to right the same holds across, and a label stands above its line."""
    drawn = topology([("a", "b", "when", "n > 3"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")])
    found = layout(drawn, "builtin", "right")
    for route in found.routes.values():
        xs = [x for x, _ in line(route)]
        assert all(before <= after for before, after in pairwise(xs))
    x, y = found.routes["a>e0"].label
    assert y < min(other for at, other in line(found.routes["a>e0"]) if abs(at - x) < 20)


def test_a_label_stands_beside_its_line():
    """A line that leads straight down passes its label, and so do the lines of a fork on either side."""
    drawn = topology([("a", "b", "send"), ("b", "c", "when", "n > 3"), ("b", "d", "otherwise", "otherwise")])
    found = layout(drawn, "builtin")
    for link, box in labels(drawn, found).items():
        assert not any(overlap(Box(x - 1, y - 1, 2, 2), box) for x, y in line(found.routes[link]))


def test_a_planar_graph_has_no_crossing():
    """A tree of 30 nodes is drawn without a crossing: the order of the leaves follows that of the branches."""
    found = layout(topology([(f"n{(node - 1) // 3}", f"n{node}") for node in range(1, 30)]), "builtin")
    for row in {box.y for box in found.boxes.values()}:
        names = sorted(
            (name for name, box in found.boxes.items() if box.y == row), key=lambda name: found.boxes[name].x
        )
        parents = [found.boxes[f"n{(int(name[1:]) - 1) // 3}"].x for name in names if name != "n0"]
        assert sorted(parents) == parents


_PROGRAM = """
from nbgraph.views.layout import layout
from tests.views.drawn import topology
print(layout(topology([("a", "b"), ("b", "a"), ("a", "x/c"), ("x/c", "x/d"), ("x", "b"), ("b", "e"), ("e", "e")]), "builtin"))
"""


@pytest.mark.slow
def test_the_same_graph_stands_the_same_way_everywhere():
    """The built-in layout does not depend on the seed of hashes, nor on the process."""
    answers = set()
    for seed in ("0", "1", "2"):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
        }
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM], env=environment, capture_output=True, text=True, check=True
        )
        answers.add(done.stdout)
    assert 1 == len(answers)


def test_an_empty_graph_has_a_layout():
    """Nothing to place is a small empty picture."""
    found = layout(Topology("empty", (), (), ()), "builtin")
    assert ({}, {}, {}) == (found.boxes, found.routes, found.clusters)


@pytest.mark.slow
def test_five_hundred_nodes_take_seconds():
    """A graph of 500 nodes is laid out, all of it, without a box on another."""
    drawn = topology(
        [(f"n{node // 2}", f"n{node}") for node in range(1, 500)]
        + [(f"n{n}", f"n{n * 7 % 500}") for n in range(0, 500, 3)]
    )
    boxes = list(layout(drawn, "builtin").boxes.values())
    assert 500 == len(boxes)
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))


@pytest.mark.slow
def test_a_tangle_is_laid_out_too():
    """1,500 links at random between 500 nodes, more than anybody can read, are laid out without a box on another."""
    random = Random(1)
    chain = [(f"n{random.randrange(max(0, n - 40), n)}", f"n{n}", "when", "n > 3") for n in range(1, 500)]
    drawn = topology(chain + [(f"n{random.randrange(500)}", f"n{random.randrange(500)}") for _ in range(1000)])
    found = layout(drawn, "builtin")
    boxes = sorted(found.boxes.values())
    assert (500, 1499) == (len(boxes), len(found.routes))
    assert not any(overlap(one, other) for one, other in combinations(boxes, 2))


def graphviz(engine: str) -> str:
    """Return an engine if it is installed here, else skip the test."""
    if engine == "pygraphviz":
        pytest.importorskip("pygraphviz")
    elif shutil.which("dot") is None:
        pytest.skip("dot is not installed")
    return engine


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["dot", "pygraphviz"])
@settings(max_examples=25)
@given(drawn=topologies)
def test_graphviz_gives_the_same_kind_of_places(engine, drawn):
    """By Graphviz too everything has its place, lines lead from border to border, and no node covers another."""
    found = layout(drawn, graphviz(engine))
    assert engine == found.engine
    assert {cluster.name for cluster in drawn.clusters} == found.clusters.keys()
    assert lead_from_border_to_border(drawn, found)
    for link in drawn.links:
        assert bool(label_size(link)[0]) == (found.routes[link.id].label is not None)
    assert not any(overlap(one, other) for one, other in combinations(found.boxes.values(), 2))
