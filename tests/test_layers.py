"""Imports point down only: what DESIGN calls layers, as a test."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import nbgraph.errors

PACKAGE = Path(nbgraph.errors.__file__).parent

RANK = {
    "escape": 0,
    "errors": 1,
    "ids": 0,
    "clock": 0,
    "faces": 0,  # names of functions above, as text: nothing is imported before it is looked at
    "events": 1,
    "codec": 2,
    "files": 2,
    "prices": 2,  # usage -> money: data and sums, used by whoever counts
    "graph": 3,
    "store": 4,
    "analysis": 5,  # rows -> rows, from the store's records alone; Run.diff hands it the rows
    "engine": 6,
    "observe": 7,
    "clients": 7,  # HTTP clients whose requests the engine records
    "views": 8,
    "notebook": 9,
    "__init__": 10,
    "cli": 11,
    "__main__": 12,
    "testing": 12,
}
"""Parts of the library. A part imports lower ranks; parts of one rank do not know each other."""

NEVER = {
    ("store", "graph"): "a store keeps bytes, it knows no graphs",
    ("views", "engine"): "a view sees rows, never what executes",
}


def part_of(parts: tuple[str, ...]) -> str:
    """Return which part of the library the module ``nbgraph.<parts>`` belongs to."""
    return parts[0] if parts else "__init__"


def imported_parts(source: str, here: tuple[str, ...]) -> set[str]:
    """Return the parts that ``source``, the text of a module in package ``here``, imports anywhere."""
    found = set()
    for statement in ast.walk(ast.parse(source)):
        if isinstance(statement, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom):
            names = from_names(statement, ("nbgraph", *here))
        else:
            continue
        found |= {part_of(name[1:]) for name in names if name[0] == "nbgraph"}
    return found


def from_names(statement: ast.ImportFrom, package: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the modules that ``from ... import ...`` may load, absolute."""
    base = package[: len(package) - statement.level + 1] if statement.level else ()
    module = base + tuple((statement.module or "").split(".") if statement.module else ())
    # `from nbgraph import graph` names the part in its last word.
    return [(*module, alias.name) if module == ("nbgraph",) else module for alias in statement.names]


def modules() -> list[tuple[str, Path]]:
    """Return (part, file) of every module of the library."""
    files = sorted(PACKAGE.rglob("*.py"))
    return [(part_of(file.relative_to(PACKAGE).with_suffix("").parts), file) for file in files]


def complaints(part: str, imported: set[str]) -> list[str]:
    """Return what is wrong with ``part`` importing these parts."""
    found = []
    for other in sorted(imported - {part}):
        if (part, other) in NEVER:
            found.append(f"{part} must not import {other}: {NEVER[part, other]}")
        elif other not in RANK:
            found.append(f"{part} imports {other}, which has no rank here")
        elif RANK[other] >= RANK[part]:
            found.append(f"{part} must not import {other}: imports point down")
    return found


def test_every_part_of_the_library_has_a_rank():
    """A new part takes its place in the layers before it is used."""
    assert {part for part, _ in modules()} <= RANK.keys()


@pytest.mark.parametrize(
    ("part", "file"), modules(), ids=lambda value: value.stem if isinstance(value, Path) else value
)
def test_imports_point_down(part: str, file: Path):
    """A module imports lower layers only, also for types and inside functions."""
    here = file.relative_to(PACKAGE).parent.parts
    assert [] == complaints(part, imported_parts(file.read_text(encoding="utf-8"), here))


@pytest.mark.parametrize(
    ("part", "here", "source"),
    [
        ("codec", ("codec",), "import nbgraph.engine"),
        ("codec", ("codec",), "from nbgraph import graph"),
        ("codec", ("codec",), "from ..store import protocol"),
        ("store", ("store",), "def f():\n    from nbgraph.graph.plan import Plan"),
        ("ids", (), "from .errors import GraphError"),
        ("engine", ("engine",), "if TYPE_CHECKING:\n    from nbgraph.views import drawing"),
        ("graph", ("graph",), "from nbgraph import Engine"),
    ],
)
def test_an_import_that_points_up_or_sideways_is_noticed(part: str, here: tuple[str, ...], source: str):
    """The check above can fail: each way to write a forbidden import is seen."""
    assert complaints(part, imported_parts(source, here))
