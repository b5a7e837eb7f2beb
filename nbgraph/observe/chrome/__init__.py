"""A run as a file that ui.perfetto.dev and chrome://tracing open.

Owns the file's form, and how such a file is known again.
"""

from __future__ import annotations

import gzip
import os
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbgraph.files import place_for, put
from nbgraph.observe.chrome.entries import entries_of
from nbgraph.observe.tracing.reading import spans_of

if TYPE_CHECKING:
    from nbgraph.engine.past import Past

__all__ = ["write_trace"]

MARK = '{"otherData":{"made_by":"nbgraph"'
"""How each such file begins."""


def write_trace(run: Past, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a run as a trace; see ``Past.export_trace``."""
    target = place_for(path, "trace", overwrite=overwrite, ours=is_trace)
    record = run.store.run(run.id).record
    entries = entries_of(spans_of(run.store, run.id), f"run {run.id} of {record.graph}")
    data = trace_text(entries, run.id, record.graph, record.created).encode()
    if target.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    return put(target, data)


def trace_text(entries: list[dict[str, Any]], run_id: str, graph: str, created: float) -> str:
    """Return the whole file: JSON, ASCII, an entry a line."""
    about = f'{MARK},"run":{dumps(run_id)},"graph":{dumps(graph)},"created":{dumps(created)}}}'
    lines = ",\n".join([dumps(entry, separators=(",", ":")) for entry in entries])
    return f'{about},"displayTimeUnit":"ms","traceEvents":[\n{lines}\n]}}\n'


def is_trace(path: Path) -> bool:
    """Say whether a file is a trace that was written here."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(len(MARK)) == MARK.encode()
    except OSError:  # not compressed, whatever its name says
        return False
