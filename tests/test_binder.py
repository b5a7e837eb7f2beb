"""Binder: what it would build from this checkout, as repo2docker says it without building."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Dockerfile that repo2docker prints; it needs no Docker for that."""
    home = tmp_path_factory.mktemp("home")
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    environment = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert 0 == run.returncode, run.stderr
    return run.stdout + run.stderr


def test_binder_has_the_python_that_the_lock_is_for(dockerfile: str):
    """The image's Python is the one that the locked packages were chosen for, and that CI tests."""
    assert "python-3.11" == (ROOT / "binder" / "runtime.txt").read_text().strip()
    assert re.search(r"environment[-.\w]*py-2d3-2e11-", dockerfile)
    assert "pinned for CPython 3.11" in (ROOT / ".ci" / "requirements.txt").read_text().splitlines()[0]


def test_binder_has_graphviz(dockerfile: str):
    """The image has Graphviz, so drawings are as good as they can be."""
    assert re.search(r"apt-get install [^\n]*\bgraphviz\b", dockerfile)


def test_binder_installs_the_locked_packages_then_nbgraph(dockerfile: str):
    """The locked packages come first, then the checkout itself, by postBuild."""
    steps = [
        r"pip install [^\n]*-r \"?binder/requirements\.txt",
        r"COPY [^\n]*src/ \$\{REPO_DIR\}",
        r"RUN \./binder/postBuild",
    ]
    places = [re.search(step, dockerfile) for step in steps]
    assert None not in places
    assert sorted(place.start() for place in places) == [place.start() for place in places]
    assert "pip install --no-deps ." in (ROOT / "binder" / "postBuild").read_text()


def test_the_readme_opens_the_quickstart_on_binder():
    """The badge starts JupyterLab on the first notebook."""
    link = re.search(r"https://mybinder\.org/v2/[^\s)]+", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert link
    assert link[0].endswith("?urlpath=lab/tree/notebooks/01_quickstart.ipynb")
    assert (ROOT / "notebooks" / "01_quickstart.ipynb").exists()
