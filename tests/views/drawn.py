"""Topologies for tests: written in a line, or drawn by Hypothesis."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from nbgraph.views.topology import Cluster, Link, Node, Topology

KINDS = ("edge", "when", "otherwise", "error", "goto", "send")


def topology(ways: Iterable[tuple[str, ...]], *, name: str = "graph") -> Topology:
    """Return a topology of (src, dst, kind, label); "a/b" is in subgraph "a", and "a" alone is then its end."""
    given = [(*way, "edge", "")[:4] if len(way) < 4 else way for way in ways]
    names = list(dict.fromkeys(end for way in given for end in way[:2]))
    clusters = list(dict.fromkeys(name[:at] for name in names for at, char in enumerate(name) if char == "/"))
    names += [cluster for cluster in clusters if cluster not in names]
    return Topology(
        name,
        tuple(_node(one, clusters, start=one == names[0]) for one in names),
        tuple(
            Link(f"{src}>e{at}", src, dst, kind, label, f"e{at}") for at, (src, dst, kind, label) in enumerate(given)
        ),
        tuple(
            Cluster(one, one.rpartition("/")[2], one.rpartition("/")[0])
            for one in sorted(clusters, key=lambda one: (one.count("/"), one))
        ),
    )


def _node(name: str, clusters: list[str], *, start: bool) -> Node:
    end = name in clusters
    return Node(
        name,
        name.rpartition("/")[2],
        "end" if end else "sync",
        "all",
        name if end else name.rpartition("/")[0],
        start,
        1,
        "",
    )


_NAMES = [*"abcdefgh", "in/a", "in/b", "in/c", "in/deep/a", "in/deep/b", "out/a", "out/b"]
_WAY = st.tuples(
    st.sampled_from(_NAMES),
    st.sampled_from(_NAMES),
    st.sampled_from(KINDS),
    st.sampled_from(["", "", "n > 3", "on a rainy day"]),
)
topologies = st.lists(_WAY, min_size=1, max_size=22).map(topology)
"""Any tangle of up to 15 nodes: loops, links to itself, several between two, in and out of nested subgraphs."""
