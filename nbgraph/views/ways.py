"""Where a row leads: the links of the drawing that it took, and the nodes behind them.

Owns the reading of a row's arrivals. Remembers what repeats, since it is read for every step of a run.
"""

from __future__ import annotations

from collections.abc import Iterable
from json import loads

from nbgraph.views.topology import Link
from nbgraph.views.untaken import Target

Way = tuple[tuple[str, ...], tuple[Target, ...]]

_MEMO_TEXT, _MEMO_SIZE = 200, 4096
"""Longest text of arrivals that is remembered, and how many are: loops repeat theirs, maps do not."""


class Ways:
    """Finds the links that a row's arrivals went along."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._exact: dict[tuple[str, str, str], str] = {}
        # A Goto's or Send's number is its place in what the node returned, so the target decides.
        self._kinds: dict[tuple[str, str, str], str] = {}
        self._any: dict[tuple[str, str], str] = {}
        for link in links:
            self._exact[link.src, link.index, link.dst] = link.id
            self._kinds.setdefault((link.src, link.index[:1], link.dst), link.id)
            self._any.setdefault((link.src, link.dst), link.id)
        self._memo: dict[tuple[str, str], Way] = {}

    def of(self, node: str, arrivals: str) -> Way:
        """Return the links' ids, one for each arrival that the drawing has a link for, and where all arrivals lead."""
        found = self._memo.get((node, arrivals))
        if found is None:
            told = loads(arrivals) if arrivals else []
            links = tuple(link for one in told if (link := self._link(node, str(one[0]), str(one[1]))))
            found = links, tuple((str(one[1]), len(one) > 2) for one in told)
            if len(arrivals) <= _MEMO_TEXT and len(self._memo) < _MEMO_SIZE:
                self._memo[node, arrivals] = found
        return found

    def _link(self, node: str, index: str, target: str) -> str:
        if index[:1] in ("g", "s"):
            found = self._kinds.get((node, index[:1], target))
        else:
            found = self._exact.get((node, index, target))
        return found or self._any.get((node, target), "")
