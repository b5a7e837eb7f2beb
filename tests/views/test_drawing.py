"""The one writer of drawings: what it draws, in which words, and deaf to what names try."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbgraph.views import drawing
from nbgraph.views.drawing.words import facts_line, node_title
from nbgraph.views.durations import seconds_text
from nbgraph.views.layout import layout
from nbgraph.views.palette import STATUSES
from nbgraph.views.tally import NodeFacts
from nbgraph.views.topology import Node, Topology
from tests.views.drawn import topology

SVG = "{http://www.w3.org/2000/svg}"
GRAPH = topology(
    [
        ("ask", "find", "send", ""),
        ("find", "deep/read", "edge", ""),
        ("deep/read", "deep", "edge", ""),
        ("deep", "ask", "when", "missing"),
        ("deep", "write", "otherwise", "otherwise"),
        ("find", "write", "error", "on OSError"),
        ("write", "ask", "goto", ""),
    ]
)


def tree(drawn: Topology = GRAPH, **colours) -> ET.Element:
    """Return a drawing by the built-in layout as a page has it, parsed."""
    return ET.fromstring(drawing.svg(drawn, layout(drawn, "builtin"), **{"theme": "page", **colours}))


def tags(root: ET.Element) -> list[str]:
    """Return the tags of all elements, in order."""
    return [one.tag.removeprefix(SVG) for one in root.iter()]


def by(root: ET.Element, attribute: str, value: str) -> list[ET.Element]:
    """Return the elements with an attribute of a value."""
    return [one for one in root.iter() if one.get(attribute) == value]


def words(root: ET.Element, name: str, part: str) -> str:
    """Return the text in a part of a node: "ng-name", "ng-facts", or its "title"."""
    (node,) = by(root, "data-node", name)
    return next(one.text or "" for one in node.iter() if part in (one.get("class"), one.tag.removeprefix(SVG)))


def test_every_node_and_link_is_drawn_and_can_be_found():
    """Nodes carry data-node, links data-edge on line and label, clusters data-cluster."""
    root = tree()
    assert [node.name for node in GRAPH.nodes] == [one.get("data-node") for one in root.iter() if one.get("data-node")]
    assert all(2 == len(by(root, "data-edge", link.id)) for link in GRAPH.links)
    assert 1 == len(by(root, "data-cluster", "deep"))


def test_kinds_of_links_have_classes_of_their_own():
    """A line's class says its kind, from which the style sheet makes dashes, dots and double lines."""
    root = tree()
    assert [f"ng-edge ng-{link.kind}" for link in GRAPH.links] == [
        by(root, "data-edge", link.id)[0].get("class") for link in GRAPH.links
    ]


def test_the_style_of_a_file_stands_alone():
    """A drawing for a file has no CSS variable left: its colours are in it, on its own background."""
    for theme in ("light", "dark"):
        text = drawing.svg(GRAPH, layout(GRAPH, "builtin"), theme=theme)
        assert "var(" not in text
        assert "ng-ground" in text
    assert "var(--ng-paper)" in drawing.rules("page")


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_shows_as_a_class_and_a_word(status):
    """A node of each status has its class, and its word in the tooltip; its colours are in the style sheet."""
    root = tree(nodes={"find": NodeFacts(status, done=2)})
    assert f"ng-node ng-sync ng-is-{status}" == by(root, "data-node", "find")[0].get("class")
    assert STATUSES[status].word in words(root, "find", "title")
    assert f".ng-node.ng-is-{status} >" in drawing.rules()


def test_facts_stand_under_the_name():
    """A coloured node says its mark, how often it was done and how long that took; the name moves up for it."""
    plain, root = tree(), tree(nodes={"find": NodeFacts("done", done=3, seconds=1.24)})
    assert "✓︎ 3× · 1.2 s" == words(root, "find", "ng-facts")
    before, after = (by(one, "data-key", "n1n")[0].get("y") for one in (plain, root))
    assert float(after) < float(before)


def test_times_can_be_left_out():
    """Without times nothing in the drawing depends on how long a node took."""
    drawn = {
        seconds: drawing.svg(
            GRAPH, layout(GRAPH, "builtin"), {"find": NodeFacts("done", 3, seconds=seconds)}, {}, times=False
        )
        for seconds in (0.1, 99.0)
    }
    assert drawn[0.1] == drawn[99.0]


def test_taken_links_are_bold_with_counts():
    """A link that was taken is marked, with its count where it was more than once; others are faint."""
    root = tree(edges={"ask>e0": 12, "find>e1": 1, "deep>e3": 0})
    line, tag = by(root, "data-edge", "ask>e0")
    assert "ng-edge ng-send ng-taken" == line.get("class")
    assert "12×" in [one.text for one in tag.iter()]
    assert "ng-edge ng-edge ng-taken" == by(root, "data-edge", "find>e1")[0].get("class")
    assert "ng-edge ng-when ng-untaken" == by(root, "data-edge", "deep>e3")[0].get("class")


def test_stale_nodes_are_flagged():
    """A node whose code has changed since carries a visible flag; others carry it unseen."""
    root = tree(nodes={"find": NodeFacts("done", 1, stale=True), "write": NodeFacts("done", 1)})
    shown = {key: by(root, "data-key", key)[0].get("display") for key in ("n1s", "n4s")}
    assert {"n1s": "inline", "n4s": "none"} == shown


def test_a_cluster_shows_what_asks_for_attention_inside():
    """A subgraph with a failed node is marked as failed."""
    root = tree(nodes={"deep/read": NodeFacts("failed", failed=1), "deep": NodeFacts("idle")})
    assert "ng-cluster ng-is-failed" == by(root, "data-cluster", "deep")[0].get("class")


def test_long_names_are_cut_and_whole_in_the_tooltip():
    """A name that does not fit ends in an ellipsis; pointing at it shows all of it."""
    name = "a" * 70
    root = tree(topology([(name, "b")]))
    assert 28 == len(words(root, name, "ng-name"))
    assert words(root, name, "title").startswith(name)


def test_joins_and_starts_have_marks():
    """Where several links meet there is a bar; the start has a dot."""
    root = tree()
    marks = {
        one.get("data-node"): [part.get("class") for part in one.iter()] for one in root.iter() if one.get("data-node")
    }
    assert ["write", "ask"] == sorted((name for name in marks if "ng-join" in marks[name]), reverse=True)
    assert "ng-start" in marks["ask"]
    assert "ng-start" not in marks["find"]


def test_the_page_builds_what_the_writer_writes():
    """The scene's tree, with a colouring applied as a page does, is the writer's tree, element by element."""
    nodes, edges = {"find": NodeFacts("failed", 2, 1, stale=True)}, {link.id: 3 for link in GRAPH.links}
    places = layout(GRAPH, "builtin")
    built = _built(drawing.scene(GRAPH, places)["tree"], drawing.colouring(GRAPH, places, nodes, edges))
    assert _plain(tree(nodes=nodes, edges=edges)) == built


def test_a_file_leaves_out_what_only_a_page_can_use():
    """In a file there are no hidden parts and no keys; all that shows is as on the page."""
    root = tree(theme="light", nodes={"find": NodeFacts("done", 1, stale=True)})
    assert not [
        one
        for one in root.iter()
        if one.get("display") == "none" or one.get("data-key") or one.get("class") == "ng-hit"
    ]
    assert ["changed"] == [one.text for one in by(root, "class", "ng-flag-text")]
    assert words(tree(), "find", "ng-name") == words(root, "find", "ng-name")


def _built(node: list, patches: dict) -> tuple:
    tag, attributes, children = node
    patch = dict(patches.get(attributes.get("data-key"), {}))
    text = patch.pop("text", None)
    inside = [child for child in children if isinstance(child, str)] if text is None else [text]
    kept = {name: value for name, value in {**attributes, **patch}.items() if name != "xmlns"}
    return tag, kept, "".join(inside), [_built(child, patches) for child in children if not isinstance(child, str)]


def _plain(one: ET.Element) -> tuple:
    return one.tag.removeprefix(SVG), dict(one.attrib), one.text or "", [_plain(child) for child in one]


def test_a_scene_is_plain_data():
    """The scene holds nothing but numbers, strings and lists, so that any kernel can send it."""
    import json

    scene = drawing.scene(GRAPH, layout(GRAPH, "builtin"))
    assert scene == json.loads(json.dumps(scene))


def test_facts_that_do_not_fit_are_left_out():
    """In a narrow box the seconds go first, then the cost; the status stays."""
    facts = NodeFacts("done", done=1200, seconds=75, cost="$0.012")
    lines = [facts_line(facts, width).replace("\ufe0e", "") for width in (300, 125, 60)]
    assert ["✓ 1200× · 1:15 min · $0.012", "✓ 1200× · $0.012", "✓ 1200×"] == lines


def test_a_cost_that_nobody_knows_is_told_in_words():
    """A node's tooltip says that its cost is unknown, where its box has room for a question mark only."""
    facts, node = NodeFacts("done", done=1, cost="$?"), Node("a", "a", "sync", "all", "", False, 1, "")
    assert "✓ · $?" == facts_line(facts, 100).replace("\ufe0e", "")
    assert "cost unknown" in node_title(node, facts)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0001, "<1 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.97, "1:00 min"),
        (3599.7, "1:00 h"),
    ],
)
def test_durations_read_as_people_say_them(seconds, text):
    """A duration has two or three digits, and never sixty seconds or minutes."""
    assert text == seconds_text(seconds)


HOSTILE = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "]]>",
            "&amp;<b>",
            "\0\x1b[31m",
            "\ud800",
            "</svg>",
            "\u202e",
            "-->",
        ]
    ),
)


@given(HOSTILE, HOSTILE, HOSTILE)
def test_hostile_names_make_no_elements(name, label, title):
    """Whatever stands in names, labels and titles, the parsed drawing has exactly the template's elements."""
    drawn = topology([("a", "b", "when", "label"), ("b", "a", "edge", "")])
    node, other = drawn.nodes
    hostile = drawn._replace(
        nodes=(node._replace(label=name or "x", source=label), other),
        links=(drawn.links[0]._replace(label=label or "y"), drawn.links[1]),
    )
    places = layout(drawn, "builtin")
    facts = {"a": NodeFacts("done", 1, cost=label)}
    root = ET.fromstring(drawing.svg(hostile, places, facts, {}, title=title))
    assert tags(ET.fromstring(drawing.svg(drawn, places, facts, {}))) == tags(root)


@given(st.lists(HOSTILE.filter(lambda text: "/" not in text and text), min_size=2, max_size=4, unique=True))
def test_hostile_names_are_laid_out_too(names):
    """A name of any characters is only a name, for both layouts and in attributes: ids are found again."""
    drawn = topology([(names[0], name) for name in names[1:]])
    for engine in ("builtin", "auto"):
        root = ET.fromstring(drawing.svg(drawn, layout(drawn, engine)))
        assert len(names) == sum("data-node" in one.attrib for one in root.iter())
