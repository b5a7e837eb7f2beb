"""``%ng``: one magic, and its verbs.

Owns the dispatch and the help. A verb's result is the cell's; nothing is shown twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from types import MappingProxyType
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import no_var_expand

from nbgraph.errors import NbgraphError
from nbgraph.notebook.arguments import Parser
from nbgraph.notebook.bench import Bench
from nbgraph.notebook.looking import LOOKING
from nbgraph.notebook.running import RUNNING
from nbgraph.notebook.tracebacks import shorten
from nbgraph.notebook.verb import Verb

VERBS: Mapping[str, Verb] = MappingProxyType({verb.name: verb for verb in (*RUNNING, *LOOKING)})


@cache
def parser_of(verb: str) -> Parser:
    """Return what reads the words of a verb; made when first asked for."""
    return VERBS[verb].reads


def overview() -> str:
    """Return every verb with its meaning and the call that it stands for."""
    width = max(map(len, VERBS))
    lines = [f"  {verb.name:{width}}  {verb.about}\n  {'':{width}}  = {verb.call}" for verb in VERBS.values()]
    return "\n".join(
        [
            "Work with the graph's runs: `%ng VERB ...`, each one line over a call.",
            "",
            *lines,
            "",
            "`%ng help VERB` says more of one. RUN is an id, or a name that holds a run; left out, it is the latest.",
            "Inputs and values are Python expressions over the notebook's names; {expression} makes an id.",
            "`run = %ng run ...` keeps what a verb returns.",
        ]
    )


def ng_magic(bench: Bench, raw: Callable[[], str]) -> Callable[[str], Any]:
    """Return ``%ng``; ``raw`` tells the text of the cell that runs."""

    @no_var_expand
    def ng(line: str) -> Any:
        __tracebackhide__ = True  # IPython leaves frames with this name out of tracebacks
        name, _, rest = line.strip().removesuffix(";").partition(" ")
        if name in ("", "help", "--help", "-h"):
            return _help(rest.strip())
        verb = VERBS.get(name)
        if verb is None:
            raise UsageError(_unknown(name))
        if rest.strip() in ("--help", "-h", "?"):
            return _help(name)
        try:
            result = verb.act(bench, parser_of(name).read(rest))
        except NbgraphError as error:
            shorten(error)
            raise
        hidden = line.rstrip().endswith(";") or (verb.shows and _is_last(raw(), line))
        return None if hidden else result

    ng.__doc__ = overview()
    return ng


def verb_magic(ng: Callable[[str], Any], name: str) -> Callable[[str], Any]:
    """Return a magic of its own that does what ``%ng NAME`` does."""

    @no_var_expand
    def magic(line: str) -> Any:
        __tracebackhide__ = True  # as above
        return ng(f"{name} {line}")

    magic.__doc__ = f"{VERBS[name].about} The same as `%ng {name}`."
    return magic


def _help(name: str) -> None:
    if name and name not in VERBS:
        raise UsageError(_unknown(name))
    print(parser_of(name).format_help() if name else overview())  # noqa: T201 - help is printed, as IPython's is


def _unknown(name: str) -> str:
    nearest = get_close_matches(name, VERBS, 1, 0.5)
    hint = f"; did you mean {nearest[0]}?" if nearest else "."
    return f"%ng has no verb {name!r}{hint} It has: {', '.join(VERBS)}."


def _is_last(raw: str, line: str) -> bool:
    """Say whether a cell ends with this very magic, whose result IPython would then show."""
    last = raw.rstrip().rpartition("\n")[2].strip()
    return last.startswith("%ng") and last.removeprefix("%ng").strip() == line.strip()
