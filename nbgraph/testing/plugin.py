"""The pytest plugin: ``pytest --nbgraph-replay runs.sqlite --nbgraph-graph shop.review:graph`` turns runs into tests.

Owns the options and the test items: one for each run of the file whose graph was named. Imports the library
only when the option is used.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options."""
    group = parser.getgroup("nbgraph", "replay of recorded runs")
    group.addoption(
        "--nbgraph-replay", metavar="FILE", action="append", default=[], help="replay every run of this store as a test"
    )
    group.addoption(
        "--nbgraph-graph", metavar="MODULE:NAME", action="append", default=[],
        help="a graph (or an engine) to replay with, by where it is imported from; runs of other graphs are skipped",
    )  # fmt: skip


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add a test for each run of the files."""
    files = config.getoption("--nbgraph-replay")
    if files:
        items.extend(_items(session, files, config.getoption("--nbgraph-graph")))


def _items(session: pytest.Session, files: list[str], names: list[str]) -> Iterator[pytest.Item]:
    from nbgraph.errors import NbgraphError  # noqa: PLC0415 - only when the option is used
    from nbgraph.testing.replaying import graphs_by_name, opened  # noqa: PLC0415 - as above

    graphs = graphs_by_name(tuple(_graph(name) for name in names))
    for file in files:
        try:
            with opened(file) as store:
                runs = [(row.record.run_id, row.record.graph) for row in store.runs()]
        except NbgraphError as error:
            raise pytest.UsageError(f"--nbgraph-replay {file}: {error}") from error
        for run_id, name in runs:
            yield ReplayItem.from_parent(
                session, name=f"{file}::{run_id}", file=file, run_id=run_id, graph=graphs.get(name), graph_name=name
            )


def _graph(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if not attribute:
        raise pytest.UsageError(f"--nbgraph-graph {name}: write module:name")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise pytest.UsageError(f"--nbgraph-graph {name}: {error}") from error
    return getattr(found, "graph", found)


class ReplayItem(pytest.Item):
    """One run: passes where today's code does what was recorded."""

    def __init__(self, *, file: str, run_id: str, graph: Any, graph_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._file, self._run_id, self._graph, self._graph_name = file, run_id, graph, graph_name

    def runtest(self) -> None:
        """Replay the run."""
        if self._graph is None:
            pytest.skip(f"no --nbgraph-graph is called {self._graph_name!r}")
        from nbgraph.engine.engine import Engine  # noqa: PLC0415 - only when the option is used
        from nbgraph.testing.replaying import opened  # noqa: PLC0415 - as above

        with opened(self._file) as store:
            Engine(self._graph, store=store).replay(self._run_id)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        """Show a difference as it reads, without our own traceback."""
        from nbgraph.errors import NbgraphError  # noqa: PLC0415 - as above

        if isinstance(excinfo.value, NbgraphError):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo, style))

    def reportinfo(self) -> tuple[str, None, str]:
        """Say where the run is."""
        return self._file, None, f"replay of run {self._run_id}"
