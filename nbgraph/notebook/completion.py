"""What can stand where the cursor is in a line of ours: verbs, options, runs, nodes, graphs.

Owns the choice, and the matcher in IPython's form. Looks at names and at the list of runs; opens no file that no
engine has opened.
"""

from __future__ import annotations

import logging
import re
from argparse import Action
from collections.abc import Callable, Iterable
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher

from nbgraph.analysis.costs import NAMES
from nbgraph.engine.run import Run
from nbgraph.notebook import edges, graphs, nodes
from nbgraph.notebook.arguments import Parser
from nbgraph.notebook.bench import Bench
from nbgraph.notebook.verbs import VERBS, parser_of

_LOG = logging.getLogger("nbgraph")
_LINE = re.compile(r"(?:^|=)\s*(%%?)(ng|node|edge|graph)\s+(.*)$")
_NODES = ("A,B", "NODE", "A", "B", "X")
_RUNS = 50
"""The latest so many runs are offered."""


def offered(bench: Bench, line: str) -> list[str] | None:
    """Return what may follow ``line`` (the text before the cursor), whole words; None if the line is not ours."""
    found = _LINE.search(line)
    if found is None:
        return None
    magic, rest = found[2], found[3]
    if magic == "ng":
        verb, blank, rest = rest.partition(" ")
        if not blank:
            return ["help", *VERBS]
        if verb == "help":
            return list(VERBS)
        if verb not in VERBS:
            return []
        return _arguments(bench, parser_of(verb), rest)
    return _arguments(bench, {"node": nodes, "edge": edges, "graph": graphs}[magic].READS, rest)


def _arguments(bench: Bench, parser: Parser, rest: str) -> list[str]:
    done = rest.split(" ")[:-1]
    latest = next((word for word in reversed(done) if word.startswith("--")), "")
    option = next((action for action in parser.actions() if latest in action.option_strings and latest), None)
    if option is not None and option.nargs != 0 and (done[-1] == latest or option.nargs == "+"):
        return [*_values(bench, option), *(parser.options() if done[-1] != latest else ())]
    places = [action for action in parser.actions() if not action.option_strings]
    return [*(word for action in places for word in _values(bench, action)), *parser.options()]


def _values(bench: Bench, action: Action) -> Iterable[str]:
    metavar = str(action.metavar)
    if action.choices:
        return map(str, action.choices)
    if metavar == "RUN":
        return _runs(bench)
    if metavar == "BY,BY":
        return NAMES
    if metavar == "G":
        return list(bench.graphs)
    if metavar in _NODES:
        return [node.name for graph in bench.graphs.values() for node in graph.nodes]
    return []


def _runs(bench: Bench) -> list[str]:
    held = [name for name, one in bench.names.items() if isinstance(one, Run) and not name.startswith("_")]
    ids = [row.record.run_id for engine in bench.engines for row in engine.store.runs()[-_RUNS:]]
    return [*held, *reversed(ids)]


def matcher(bench: Bench) -> Callable[[Any], Any]:
    """Return the matcher to put among the completer's own; it never raises."""

    @context_matcher(identifier="nbgraph")  # type: ignore[untyped-decorator]  # IPython leaves it so
    def nbgraph_matcher(context: Any) -> dict[str, Any]:
        try:
            words = offered(bench, context.text_until_cursor)
        except Exception:  # noqa: BLE001 - completion is a favour: it must not break typing
            _LOG.info("nothing could be offered for %r", context.text_until_cursor, exc_info=True)
            words = None
        if words is None:
            return {"completions": []}
        begun = re.split(r"[\s,]", context.text_until_cursor)[-1]
        fitting = [
            SimpleCompletion(text=word, type="nbgraph") for word in dict.fromkeys(words) if word.startswith(begun)
        ]
        return {"completions": fitting, "matched_fragment": begun, "suppress": bool(fitting), "ordered": True}

    return nbgraph_matcher  # type: ignore[no-any-return]  # as above
