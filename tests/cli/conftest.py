"""A file of real runs, and two ways to ask the command line about it: in this process, and in a child."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from nbgraph.cli.program import program
from tests.cli import plays

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the runs once."""
    path = tmp_path_factory.mktemp("cli") / "runs.sqlite"
    plays.make(path)
    return path


@pytest.fixture
def file(original: Path, tmp_path: Path) -> Path:
    """Return a copy of the file of runs, alone in its folder."""
    folder = tmp_path / "store"
    folder.mkdir()
    return Path(shutil.copy(original, folder))


@pytest.fixture
def ask() -> Callable[..., tuple[int, str]]:
    """Run the command line in this process; return its exit code and what it wrote."""

    def run(*args: object) -> tuple[int, str]:
        result = CliRunner().invoke(program, [str(arg) for arg in args])
        if not isinstance(result.exception, SystemExit | None):
            raise result.exception
        return result.exit_code, result.stdout

    return run


@pytest.fixture
def data(ask: Callable[..., tuple[int, str]]) -> Callable[..., Any]:
    """Run a verb with ``--json``; return its exit code and its document."""

    def run(verb: str, *args: object) -> tuple[int, Any]:
        code, text = ask(verb, "--json", *args)
        return code, json.loads(text)

    return run


def child(*args: object, cwd: Path = REPO, **more: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line as people do, in a process of its own that finds nothing but by its own means."""
    env = {**os.environ, "PYTHONPATH": str(REPO), **more.pop("env", {})}
    command = [sys.executable, "-W", "error", "-P", "-m", "nbgraph", *map(str, args)]
    options = {"capture_output": True, "encoding": "utf-8", **more}
    return subprocess.run(command, cwd=cwd, env=env, **options)


def flip(path: Path, wanted: bytes) -> None:
    """Flip one bit in the middle of the file, within ``wanted``."""
    raw = bytearray(path.read_bytes())
    raw[raw.index(wanted) + 1] ^= 1
    path.write_bytes(raw)
