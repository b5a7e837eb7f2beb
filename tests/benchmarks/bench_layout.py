"""How many links cross in drawings by our own layout, beside Graphviz's ``dot``, and how long either takes.

Run it from the project's root: ``python tests/benchmarks/bench_layout.py``. Crossings are counted in what is drawn: every
curve as a line of short stretches, links that share an end left out where they meet at it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import combinations, pairwise
from random import Random
from statistics import median
from time import perf_counter

from nbgraph.views.layout import Layout, layout
from nbgraph.views.topology import Cluster, Link, Node, Topology

SIZES = (8, 15, 30, 60, 150)
SEEDS = range(5)
Point = tuple[float, float]


def topology(name: str, ways: Iterable[tuple[str, str] | tuple[str, str, str]], each: Sequence[str] = ()) -> Topology:
    """Return a topology of "src dst [label]"; names with "/" are in subgraphs, a name alone that has some is its end."""
    ways = [(*way, "")[:3] for way in ways]
    names = list(dict.fromkeys(end for way in ways for end in way[:2]))
    clusters = list(dict.fromkeys(name[:at] for name in names for at in range(len(name)) if name[at] == "/"))
    nodes = [
        Node(n, n.rpartition("/")[2], "end" if n in clusters else "sync", "each" if n in each else "all",
             n if n in clusters else n.rpartition("/")[0], n == names[0], 1, "") for n in names
    ]  # fmt: skip
    links = [
        Link(f"{s}>e{at}", s, d, _kind(label), label.removeprefix("~"), f"e{at}")
        for at, (s, d, label) in enumerate(ways)
    ]
    return Topology(
        name,
        tuple(nodes),
        tuple(links),
        tuple(Cluster(c, c.rpartition("/")[2], c.rpartition("/")[0]) for c in clusters),
    )


def _kind(label: str) -> str:
    kinds = {"": "edge", "map": "send", "otherwise": "otherwise", "~": "goto"}
    return kinds.get(label, "error" if label.startswith("on ") else "when")


def random_graph(size: int, seed: int) -> Topology:
    """Return a graph without loops: every node but the first has a parent, and half as many links more."""
    random = Random(seed)
    ways = {(random.randrange(max(0, node - 8), node), node) for node in range(1, size)}
    while len(ways) < size * 3 // 2:
        low, high = sorted(random.sample(range(size), 2))
        ways.add((low, high))
    return topology(f"random {size}", [(f"step {low}", f"step {high}") for low, high in sorted(ways)])


AGENTS = [
    topology("map-reduce", [("split", "review", "map"), ("review", "report")]),
    topology("critic", [("draft", "critic"), ("critic", "draft", "score < 0.8"), ("critic", "publish", "otherwise")]),
    topology("supervisor", [pair for who in ("search", "code", "math", "write", "review")
                            for pair in (("supervisor", who, "~"), (who, "supervisor"))] + [("supervisor", "answer", "~")]),
    topology("rag", [("question", "rewrite"), ("rewrite", "dense"), ("rewrite", "sparse"), ("rewrite", "web"), ("dense", "rank"),
                     ("sparse", "rank"), ("web", "rank"), ("web", "fallback", "on TimeoutError"), ("fallback", "rank"),
                     ("rank", "answer"), ("answer", "check"), ("check", "rewrite", "not grounded"), ("check", "done", "otherwise")]),
    topology("nested", [("plan", "work/fetch", "map"), ("work/fetch", "work/check/lint"), ("work/fetch", "work/check/test"),
                        ("work/check/lint", "work/check"), ("work/check/test", "work/check"), ("work/check", "work/fix", "failed"),
                        ("work/fix", "work/fetch"), ("work/check", "work", "otherwise"), ("work", "merge"), ("merge", "plan", "more to do"),
                        ("merge", "done", "otherwise"), ("work/fix", "alarm", "on Exception"), ("alarm", "done")]),
    topology("two cycles", [("start", "plan"), ("plan", "act"), ("act", "observe"), ("observe", "plan", "go on"), ("observe", "judge", "otherwise"),
                            ("judge", "plan", "rejected"), ("judge", "write", "accepted"), ("write", "format"), ("write", "cite"),
                            ("format", "end"), ("cite", "end")]),
    topology("pipeline", [("load", "clean"), ("clean", "split"), ("split", "train", "map"), ("train", "score"), ("score", "best"), ("best", "save"),
                          ("load", "profile"), ("profile", "best"), ("train", "train", "loss > 1"), ("clean", "alarm", "on ValueError"), ("alarm", "save")]),
    topology("debate", [("topic", "pro"), ("topic", "con"), ("pro", "con"), ("con", "pro"), ("pro", "judge"), ("con", "judge"), ("judge", "topic", "again")]),
    topology("support desk", [("mail", "classify"), ("classify", "billing", "bill"), ("classify", "tech", "bug"), ("classify", "sales", "buy"),
                              ("classify", "human", "otherwise"), ("tech", "logs"), ("tech", "search"), ("logs", "draft"), ("search", "draft"), ("billing", "draft"),
                              ("sales", "draft"), ("draft", "check"), ("check", "draft", "tone is off"), ("check", "human", "unsure"), ("check", "send", "otherwise"),
                              ("human", "send")]),
    topology("research", [("ask", "plan"), ("plan", "find", "map"), ("find", "read"), ("read", "notes"), ("read", "find", "links"), ("notes", "gaps"),
                          ("gaps", "plan", "missing"), ("gaps", "write", "otherwise"), ("write", "verify"), ("verify", "write", "wrong"), ("verify", "cite"),
                          ("cite", "publish"), ("notes", "index"), ("index", "cite")]),
]  # fmt: skip
"""Graphs as people build them."""


def crossings(drawn: Layout, links: Iterable[Link]) -> int:
    """Return how many pairs of links cross, each crossing counted."""
    lines = [(link, _line(drawn.routes[link.id].points)) for link in links if link.src != link.dst]
    return sum(_meetings(one, other, line, other_line) for (one, line), (other, other_line) in combinations(lines, 2))


def _line(points: Sequence[Point], pieces: int = 12) -> list[Point]:
    line = [points[0]]
    for at in range(0, len(points) - 1, 3):
        a, b, c, d = points[at : at + 4]
        for step in range(1, pieces + 1):
            t = step / pieces
            u = 1 - t
            line.append(tuple(u**3 * a[k] + 3 * u * u * t * b[k] + 3 * u * t * t * c[k] + t**3 * d[k] for k in (0, 1)))
    return line


def _meetings(one: Link, other: Link, line: list[Point], other_line: list[Point]) -> int:
    if not _near(line, other_line):
        return 0
    shared = [end for name, end in ((one.src, line[0]), (one.dst, line[-1])) if name in (other.src, other.dst)]
    count = 0
    for a, b in pairwise(line):
        for c, d in pairwise(other_line):
            if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
                continue
            if _cross(a, b, c, d) and all(abs(a[0] - x) + abs(a[1] - y) > 25 for x, y in shared):
                count += 1
    return count


def _near(line: list[Point], other: list[Point]) -> bool:
    return all(
        max(p[k] for p in line) >= min(p[k] for p in other) and max(p[k] for p in other) >= min(p[k] for p in line)
        for k in (0, 1)
    )


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0


def timed(drawn: Topology, engine: str) -> tuple[int, float]:
    """Return crossings and milliseconds."""
    began = perf_counter()
    found = layout(drawn, engine)
    took = (perf_counter() - began) * 1000
    return crossings(found, drawn.links), took


def compare(title: str, graphs: Sequence[Topology]) -> None:
    """Print a line: the median of our crossings and of dot's, and of the times."""
    ours, dots = [timed(one, "builtin") for one in graphs], [timed(one, "dot") for one in graphs]
    numbers = [median(row[at] for row in side) for at in (0, 1) for side in (ours, dots)]
    print(f"{title:14} {numbers[0]:9.0f} {numbers[1]:9.0f} {numbers[2]:9.1f} {numbers[3]:9.1f}")


if __name__ == "__main__":
    print(f"{'graph':14} {'crossings':>9} {'dot':>9} {'ms':>9} {'dot':>9}")
    for size in map(int, sys.argv[1:]) if len(sys.argv) > 1 else SIZES:
        compare(f"random {size}", [random_graph(size, seed) for seed in SEEDS])
    for agent in AGENTS:
        compare(agent.name, [agent])
