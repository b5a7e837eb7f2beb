"""Trials in a process of their own, where clock, hash seed, random seed, time zone and locale are chosen.

Owns both ends: starting such a process, and what runs in it (``python -m nbgraph.engine.doctor.child``). The
graph travels by cloudpickle, from this process to its own child, never from a file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from nbgraph.engine.doctor.trial import Conditions, Did, Trace


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a child's process is like. ``clock`` in seconds since the Unix epoch; it stands still."""

    hash_seed: int = 0
    clock: float = 1_700_000_000.0
    random_seed: int = 0
    zone: str = "UTC"
    locale: str = "C.UTF-8"
    order: int | None = None
    """Seed of a random completion order; None: tasks finish in the order in which they start."""


def packed(graph: Any, conditions: Conditions) -> bytes:
    """Return a graph and its conditions as bytes for a child; raises what cloudpickle raises."""
    import cloudpickle  # type: ignore[import-untyped]  # it ships no types  # noqa: PLC0415 - an extra

    return bytes(cloudpickle.dumps((graph, conditions)))


def trial_in(surroundings: Surroundings, payload: bytes, timeout: float) -> tuple[Trace, list[str]]:
    """Run a trial in a child; raises ``ChildFailedError`` with what it said if it breaks."""
    env = {
        **os.environ,
        "PYTHONHASHSEED": str(surroundings.hash_seed),
        "TZ": surroundings.zone,
        "LC_ALL": surroundings.locale,
        "LANG": surroundings.locale,
    }
    head = json.dumps(
        {"path": [entry or str(Path.cwd()) for entry in sys.path], "around": asdict(surroundings)}
    ).encode()
    command = [sys.executable, "-c", "from nbgraph.engine.doctor.child import main; main()"]
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own module
        command, input=head + b"\n" + payload, env=env, capture_output=True, check=False, timeout=timeout
    )
    if done.returncode:
        raise ChildFailedError(done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
    answer = json.loads(done.stdout.decode().rpartition("\n")[2])
    trace = {task: Did(node, tuple(parents), fields) for task, node, parents, fields in answer["trace"]}
    return trace, answer["missing"]


class ChildFailedError(Exception):
    """A trial's process broke; its last line says how."""


def main() -> None:
    """Run the trial that comes in by the standard input; write its trace, as the last line, to the standard output."""
    head = json.loads(sys.stdin.buffer.readline())
    payload = sys.stdin.buffer.read()
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what nodes print is nobody's answer
    sys.path[:] = head["path"]
    _serve(Surroundings(**head["around"]), payload, out)


def _serve(around: Surroundings, payload: bytes, out: IO[str]) -> None:
    import locale  # noqa: PLC0415 - in the child only
    import random  # noqa: PLC0415 - as above

    import cloudpickle  # noqa: PLC0415 - as above

    from nbgraph.clock import SystemClock  # noqa: PLC0415 - as above
    from nbgraph.engine.doctor.frozen import freeze  # noqa: PLC0415 - as above
    from nbgraph.engine.doctor.trial import trial  # noqa: PLC0415 - as above

    freeze(around.clock)
    random.seed(around.random_seed)
    with suppress(locale.Error):  # the machine lacks that locale: then this trial is like the first
        locale.setlocale(locale.LC_ALL, "")
    graph, conditions = cloudpickle.loads(payload)  # our own parent's bytes, by way of a pipe
    _seed_numpy(around.random_seed)
    trace, missing = trial(graph.compile(), conditions, SystemClock(), chooser(around.order))
    rows = [(task, did.node, did.parents, dict(did.fields)) for task, did in trace.items()]
    out.write("\n" + json.dumps({"trace": rows, "missing": missing}))
    out.flush()


def chooser(order: int | None) -> Callable[[int], int]:
    """Return what picks the next task to finish of so many that wait."""
    from random import Random  # noqa: PLC0415 - in trials only

    return (lambda _: 0) if order is None else Random(order).randrange  # noqa: S311 - for reproducing


def _seed_numpy(seed: int) -> None:
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)
