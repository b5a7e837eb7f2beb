"""A verb of ``%ng``: its name, the documented call that it is one line over, and how its words are read.

Owns the shape. What the verbs are stands in ``running`` and ``looking``, their dispatch in ``verbs``.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from nbgraph.engine.run import Run
from nbgraph.notebook.arguments import Parser, expression, filled, listed, pairs, text, value
from nbgraph.notebook.bench import Bench


class Arg(NamedTuple):
    """One argument of a verb: what ``add_argument`` takes."""

    name: str
    help: str
    how: dict[str, Any]


class Verb(NamedTuple):
    """``%ng NAME ...``: ``call`` is what one would write instead of it."""

    name: str
    call: str
    about: str
    act: Callable[[Bench, Namespace], Any]
    args: tuple[Arg, ...] = ()
    options: bool = False
    """Whether ``name=value`` words are options of the engine."""
    shows: bool = False
    """Whether it displays something of its own, so that its result need not be shown as well."""

    @property
    def reads(self) -> Parser:
        """What reads its words."""
        about = [self.about, "Words name=value are options of the engine."] if self.options else [self.about]
        made = Parser(f"%ng {self.name}", "\n".join([*about, "", f"It stands for: {self.call}"]), options=self.options)
        for one in self.args:
            made.add_argument(one.name, help=one.help.replace("%", "%%"), **one.how)
        made.add_argument("--graph", type=text, metavar="G", help="the graph, if not the one of %%graph")
        return made


def arg(name: str, about: str, **how: Any) -> Arg:
    """Return one argument."""
    return Arg(name, about, how)


RUN = arg("run", "an id, or a name that holds a run; the latest if left out", nargs="?", metavar="RUN")
INPUT = arg("given", "the input, a Python expression over the notebook's names", nargs="*", metavar="INPUT")
ID = arg("--id", "the new run's id", metavar="R")
BREAKS = (
    arg("--before", "stand still before these nodes", nargs="+", metavar="A,B"),
    arg("--after", "stand still after these nodes", nargs="+", metavar="A,B"),
)


def the_run(bench: Bench, asked: Namespace) -> Run:
    """Return the run that the words name."""
    return bench.past(asked.run, asked.graph)


def new_id(bench: Bench, asked: Namespace) -> str | None:
    """Return the id that a new run shall have, None if that is left to the engine."""
    return None if asked.id is None else filled(asked.id, bench.names, "--id")


def breaks(asked: Namespace) -> dict[str, list[str]]:
    """Return the breakpoints that the words set."""
    return {way: found for way in ("before", "after") if (found := listed(getattr(asked, way)))}


def input_of(bench: Bench, given: Iterable[str]) -> Any:
    """Return the input that an expression stands for, None if there is none."""
    source = expression(given)
    return value(source, bench.names, "the input") if source else None


def fields(bench: Bench, given: Iterable[str] | None, option: str) -> dict[str, Any]:
    """Return ``field=expression`` words as fields and values."""
    return pairs(given or (), bench.names, option)
