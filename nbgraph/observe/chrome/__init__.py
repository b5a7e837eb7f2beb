"""A run as a file that ui.perfetto.dev and chrome://tracing open.

Owns the file: into its place at once or not at all, and never over what is no such trace.
"""

from __future__ import annotations

import gzip
import os
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from nbgraph.errors import OptionsError
from nbgraph.observe.chrome.entries import entries_of
from nbgraph.observe.tracing.reading import spans_of

if TYPE_CHECKING:
    from nbgraph.engine.past import Past

__all__ = ["write_trace"]

MARK = '{"otherData":{"made_by":"nbgraph"'
"""How each such file begins."""


def write_trace(run: Past, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write a run as a trace; see ``Past.export_trace``."""
    target = _checked(Path(path), overwrite=overwrite)
    record = run.store.run(run.id).record
    entries = entries_of(spans_of(run.store, run.id), f"run {run.id} of {record.graph}")
    data = trace_text(entries, run.id, record.graph, record.created).encode()
    if target.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    beside = target.with_name(f".{target.name}.{uuid4().hex[:8]}")
    try:
        beside.write_bytes(data)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def trace_text(entries: list[dict[str, Any]], run_id: str, graph: str, created: float) -> str:
    """Return the whole file: JSON, ASCII, an entry a line."""
    about = f'{MARK},"run":{dumps(run_id)},"graph":{dumps(graph)},"created":{dumps(created)}}}'
    lines = ",\n".join([dumps(entry, separators=(",", ":")) for entry in entries])
    return f'{about},"displayTimeUnit":"ms","traceEvents":[\n{lines}\n]}}\n'


def _checked(target: Path, *, overwrite: bool) -> Path:
    if target.is_dir() or (target.exists() and not overwrite and not is_trace(target)):
        what = "is a folder" if target.is_dir() else "exists, and is no trace that was written here"
        raise OptionsError(
            f"{target.name!r} {what}", still="nothing was written", todo="choose another path, or pass overwrite=True",
            option="path",
        )  # fmt: skip
    return target


def is_trace(path: Path) -> bool:
    """Say whether a file is a trace that was written here."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            return file.read(len(MARK)) == MARK.encode()
    except OSError:  # not compressed, whatever its name says
        return False
