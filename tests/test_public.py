"""What ``import nbgraph`` gives: the documented names, nothing heavy, nothing started."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from types import ModuleType

import pytest

import nbgraph as ng

HEAVY = {
    "IPython",
    "anywidget",
    "asyncio",
    "genai_prices",
    "graphviz",
    "httpx",
    "httpx2",
    "ipywidgets",
    "nest_asyncio",
    "numpy",
    "opentelemetry",
    "pandas",
    "prometheus_client",
    "pydantic",
    "pygraphviz",
    "tqdm",
}

PROBE = """
import json, sys, threading
events = []
sys.addaudithook(lambda name, args: events.append(name) if name.startswith(("socket.", "_thread.start")) else None)
import nbgraph
print(json.dumps({"modules": sorted(sys.modules), "events": events, "threads": threading.active_count()}))
"""


@pytest.fixture(scope="module")
def imported() -> dict:
    """What a fresh interpreter has loaded and done after ``import nbgraph``."""
    run = subprocess.run([sys.executable, "-W", "error", "-c", PROBE], capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_importing_loads_nothing_heavy(imported: dict):
    """Heavy packages load when something first uses them, not with nbgraph."""
    assert set() == HEAVY & set(imported["modules"])


def test_importing_starts_no_thread_and_opens_no_socket(imported: dict):
    """An import has no effect beyond itself."""
    assert ([], 1) == (imported["events"], imported["threads"])


def test_all_is_free_of_duplicates_and_every_name_is_there():
    """Each public name is listed once, and exists."""
    assert len(set(ng.__all__)) == len(ng.__all__)
    assert [] == [name for name in ng.__all__ if not hasattr(ng, name)]


def test_there_is_no_public_name_beside_all():
    """What is reachable as ``nbgraph.name`` and made here is listed in ``__all__``."""
    values = {name: getattr(ng, name) for name in {*ng.__all__, *vars(ng), *dir(ng)} if not name.startswith("_")}
    ours = {
        name
        for name, value in values.items()
        if not isinstance(value, ModuleType) and str(getattr(value, "__module__", "")).startswith("nbgraph")
    }
    hooks = {
        "load_ipython_extension",
        "unload_ipython_extension",
    }  # IPython calls them by these names; nobody else does
    assert set() == ours - set(ng.__all__) - hooks


@pytest.mark.parametrize("name", sorted(ng.__all__))
def test_every_public_thing_says_what_it_is(name: str):
    """Public classes and functions, and their public methods, have a docstring of their own."""
    value = getattr(ng, name)
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return
    members = [(name, value)]
    if inspect.isclass(value):
        members += [(f"{name}.{key}", member) for key, member in vars(value).items() if is_public_method(key, member)]
    assert [] == [where for where, member in members if not (member.__doc__ or "").strip()]


def is_public_method(key: str, member: object) -> bool:
    """Return whether a class member is something that people call or read."""
    return not key.startswith("_") and (inspect.isroutine(member) or isinstance(member, property))
