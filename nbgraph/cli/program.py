"""``nbgraph VERB FILE ...``: runs a verb, prints its reply, turns errors into words and exit codes.

Owns streams and exit codes; what verbs do is in their files. Starting it imports nothing heavy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from traceback import extract_tb
from typing import Any, NoReturn

import click

from nbgraph.cli.changing import answer, inbox, prune
from nbgraph.cli.checking import diff, replay, verify
from nbgraph.cli.exporting import export
from nbgraph.cli.looking import calls, runs, show, tasks
from nbgraph.cli.plain import error_of, text_of
from nbgraph.cli.reply import FAILED, JSON, Reply
from nbgraph.cli.screen import error_lines
from nbgraph.cli.spending import costs
from nbgraph.errors import NbgraphError

_INTERRUPTED = 130

HELP = """Look at the runs in an nbgraph FILE, check them, answer their questions.

\b
Exit codes, of every verb, as of diff(1):
  0  done: all is well, nothing differs
  1  done: the answer is no (runs differ, a replay does not match, a file is damaged)
  2  it could not be done: wrong usage, no such file or run, damaged data, ...

With --json a verb prints one JSON document; an error is {"error": {"type", "message", "still", "todo"}}.

Verbs that read never create, change or migrate FILE. No verb but replay runs or imports code. An argument that
begins with "-" is given after "--".
"""


class Program(click.Group):
    """The group of all verbs, with one way out."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> NoReturn:
        """Run one verb and leave the process with its exit code."""
        sys.exit(self.run(sys.argv[1:] if args is None else args, **extra))

    def run(self, args: Sequence[str], **extra: Any) -> int:
        """Run one verb and return its exit code."""
        _speak_utf8()
        given = list(args)
        # Read here, not by the parser, which may stop at an error before it comes to it.
        asked = JSON in (given[: given.index("--")] if "--" in given else given)
        try:
            found = super().main(given, **{**extra, "standalone_mode": False})
        except click.UsageError as error:
            if not asked:
                error.show()
                return FAILED
            found = _failed("UsageError", error.format_message(), "nbgraph VERB --help says how")
        except click.Abort:
            return _INTERRUPTED
        if not isinstance(found, Reply):
            return int(found or 0)
        _print(found, as_json=asked)
        return found.code

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; an error becomes a reply."""
        try:
            return super().invoke(ctx)
        except NbgraphError as error:
            return Reply({"error": error_of(error)}, (), FAILED)
        except (click.exceptions.Exit, click.ClickException, click.Abort, BrokenPipeError):
            raise
        except Exception as error:  # noqa: BLE001 - a file that was forged may break any reader
            place = extract_tb(error.__traceback__)[-1]
            where = f"{os.path.basename(place.filename)}:{place.lineno}"  # noqa: PTH119 - a name, not a path to use
            todo = "`nbgraph verify FILE` says whether the file is damaged; if it is not, this is an error of nbgraph"
            return _failed(type(error).__name__, f"{error} (at {where})", todo)


def _failed(kind: str, message: str, todo: str) -> Reply:
    return Reply({"error": {"type": kind, "message": message, "still": "", "todo": todo}}, (), FAILED)


def _print(reply: Reply, *, as_json: bool) -> None:
    failed = "error" in reply.document and reply.code == FAILED and not reply.lines
    if as_json:
        _write([text_of(reply.document)], err=False)
    else:
        _write(error_lines(reply.document["error"]) if failed else reply.lines, err=failed)


def _write(lines: Iterable[str], *, err: bool) -> None:
    text = "\n".join(lines)
    try:
        if text:
            click.echo(text, err=err)
    except BrokenPipeError:
        _hush()


def _hush() -> None:
    """Let nobody complain at the end about a reader that has gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _speak_utf8() -> None:
    """Write UTF-8 into pipes and files on every system; nothing that a terminal cannot show is an error."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            if stream.isatty() or "PYTHONIOENCODING" in os.environ:
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a text file, as a rule
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]  # as above


program = Program(
    name="nbgraph", help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
for verb in (runs, show, tasks, calls, costs, diff, replay, verify, prune, export, inbox, answer):
    program.add_command(verb)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; ``argv`` without the program's name, None: the process's own."""
    return program.run(sys.argv[1:] if argv is None else argv, prog_name="nbgraph")
