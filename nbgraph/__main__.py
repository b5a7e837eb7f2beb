"""The command line: ``nbgraph verify FILE`` and ``nbgraph runs FILE``.

Owns words and exit codes: 0 all is well, 1 it is not, 2 wrong usage. Never writes into a store.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nbgraph.errors import NbgraphError
from nbgraph.store import RunRow, SqliteStore

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="nbgraph", description="Look at stores of nbgraph runs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in (("verify", "check every byte that matters"), ("runs", "list the runs")):
        commands.add_parser(name, help=text).add_argument("file", metavar="FILE")
    chosen = parser.parse_args(argv)
    try:
        with SqliteStore(chosen.file, read_only=True) as store:
            return _verify(store) if chosen.command == "verify" else _runs(store)
    except NbgraphError as error:
        print(error, file=sys.stderr)
        return 1


def _verify(store: SqliteStore) -> int:
    findings = store.verify()
    for finding in findings:
        print(finding)
    if findings:
        print(f"{store.name}: damaged, {len(findings)} finding(s); restore it from a copy")
        return 1
    runs = store.runs()
    print(f"{store.name}: all is well ({len(runs)} runs, {sum(run.steps for run in runs)} steps)")
    return 0


def _runs(store: SqliteStore) -> int:
    for run in store.runs():
        print(_line(run))
    return 0


def _line(run: RunRow) -> str:
    created = datetime.fromtimestamp(run.record.created, UTC).strftime("%Y-%m-%d %H:%M:%S")
    driven = f"  driven by {run.holder}" if run.holder else ""
    return f"{run.record.run_id}  {run.status.status}  {run.steps} steps  {created} UTC  {run.record.graph}{driven}"


if __name__ == "__main__":
    sys.exit(main())
