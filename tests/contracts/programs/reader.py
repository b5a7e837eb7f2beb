"""A process that reads a run from its file, without the graph, and writes down what it found.

A program: prints one JSON list, the canonical text of the state after every step, first the input; with
"watched", it then reads all of it again and prints what Python was asked to do meanwhile.
"""

from __future__ import annotations

import json
import sys

import nbgraph as ng
from nbgraph.codec import encode

FORBIDDEN = ("import", "exec", "compile", "socket", "subprocess", "os.", "ctypes", "pickle", "marshal", "code.")


def read(store: str, run_id: str) -> list[str]:
    """Return the state after every step, two ways."""
    run = ng.open_run(store, run_id)
    whole = [encode(dict(run.input), blobs={})] + [encode(dict(view.state), blobs={}) for view in run.history()]
    single = [encode(dict(run.at(step).state), blobs={}) for step in range(len(whole))]
    assert single == whole
    assert run.status == "completed"
    assert [run.state, run.error, repr(run)]
    run._store.close()
    return whole


def main(store: str, run_id: str, *watched: str) -> None:
    """Read, and say what was found."""
    print(json.dumps(read(store, run_id)), flush=True)
    if watched:
        happened: list[str] = []
        sys.addaudithook(
            lambda event, args: happened.append(f"{event} {args}") if event.startswith(FORBIDDEN) else None
        )
        read(store, run_id)
        print(json.dumps(happened), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
