"""``inbox``, ``answer``, ``prune``: the questions of waiting runs, and what is written into a file.

Owns the words and the keys of these verbs. No code of nodes runs.
"""

from __future__ import annotations

import re
from getpass import getuser
from json import loads
from typing import Any, NoReturn

import click

from nbgraph.cli.loading import GRAPH, engine_of
from nbgraph.cli.looking import QUESTIONS
from nbgraph.cli.opening import reading, writing
from nbgraph.cli.pruning import pruned
from nbgraph.cli.reply import Reply, with_json
from nbgraph.cli.screen import columns_of, safe
from nbgraph.cli.tables import rows_of
from nbgraph.clock import SystemClock
from nbgraph.engine import inbox as questions
from nbgraph.errors import AnswerError

_NUMBER = re.compile(r"-[\d.]")


@click.command()
@click.argument("file")
@with_json
def inbox(file: str) -> Reply:
    """List the open questions of all runs in FILE, oldest first."""
    with reading(file) as store:
        found = rows_of(questions.inbox(store))
    return Reply({"file": store.name, "questions": found}, columns_of(found, QUESTIONS) or ["no open questions"])


class _Answer(click.Command):
    """A command whose value may be a negative number, which looks like an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put a number behind "--", where no option is looked for."""
        numbers = [arg for arg in args if _NUMBER.match(arg)] if "--" not in args else []
        others = [arg for arg in args if arg not in numbers]
        return super().parse_args(ctx, [*others, "--", *numbers] if numbers else args)


@click.command(cls=_Answer)
@click.argument("file")
@click.argument("question")
@click.argument("value")
@click.option("--text", is_flag=True, help="VALUE is text, also if it could be read as JSON.")
@with_json
def answer(file: str, question: str, value: str, text: bool) -> Reply:
    """Answer QUESTION (an id from `nbgraph inbox FILE`) with VALUE: JSON, or text if it is not JSON.

    A run that is being driven goes on by itself, one that waits with engine.resume.
    """
    given, user = value if text else _value(value), _user()
    with writing(file) as store:
        try:
            questions.answer(store, question, given, user, SystemClock())
        except AnswerError as error:
            if not isinstance(given, str):
                error.todo += "; VALUE was read as JSON: --text takes it as text"
            raise
        run_id = question.rpartition("/")[0]
        driven = bool(store.run(run_id).holder)
    on = "it is being driven and goes on by itself" if driven else f"engine.resume({run_id!r}) goes on"
    document = {"question": question, "run_id": run_id, "value": given, "by": user, "driven": driven}
    return Reply(document, [safe(f"answered {question}; run {run_id}: {on}")])


def _value(text: str) -> Any:
    try:
        return loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _user() -> str:
    try:
        return getuser()
    except (OSError, KeyError, ImportError):  # no name in the environment, no table of users
        return ""


@click.command()
@click.argument("file")
@click.argument("run")
@click.option("--before", type=click.IntRange(min=1), required=True, help="The step to keep from, at the latest.")
@click.option("--graph", help=f"Needed only if the state has classes that its reducers work on: {GRAPH}")
@with_json
def prune(file: str, run: str, before: int, graph: str | None) -> Reply:
    """Drop the steps of RUN before --before, as far as it can then still be resumed and read.

    The state at the new beginning is written and checked before anything is dropped.
    """
    with writing(file) as store:
        oldest = next((row.step for row in store.steps(run)), 1)
        if graph:
            with engine_of(graph, store) as engine:
                first = engine.prune(run, before=before)
        else:
            first = pruned(store, run, before)
    first = max(first, oldest)
    document = {"run_id": run, "first": first, "dropped": first - oldest}
    nothing = f"run {run}: nothing could be dropped; there is no place before step {before} to begin from"
    told = f"run {run} begins at step {first} now; {first - oldest} steps dropped"
    return Reply(document, [safe(told if first > oldest else nothing)])
