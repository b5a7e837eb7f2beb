"""The checkout itself: its top level, its commands, its locks, and that nothing in it is of one machine."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "binder",
    "nbgraph",
    "notebooks",
    "pyproject.toml",
    "tests",
}

# Folders that exist on one machine only, whichever that is; this machine's own are looked for as well.
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|Users)/\w[\w./-]*|[A-Z]:\\\\?Users|file:///\w[\w./-]*")

INDEX_OPTION = re.compile(r"^\s*(-|.*@\s)|://")


def tracked_files() -> list[Path]:
    """Return what git tracks and still is there; skip where the tests run without git."""
    try:
        run = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [ROOT / name for name in run.stdout.split("\0") if name and (ROOT / name).is_file()]


def project() -> dict:
    """Return the project table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def normal(requirement: str) -> str:
    """Return the normalised distribution name that a requirement begins with."""
    return re.sub(r"[-_.]+", "-", re.match(r"[\w.-]+", requirement)[0]).lower()


def pins(lock: str) -> dict[str, str]:
    """Return name -> version of a lock file; every line must be a comment or a pin."""
    lines = [line for line in (ROOT / lock).read_text(encoding="utf-8").splitlines() if line.strip()]
    return dict(line.split("==") for line in lines if not line.startswith("#"))


def test_the_top_level_is_as_agreed():
    """The checkout's top level holds these files and folders and no others."""
    assert {file.relative_to(ROOT).parts[0] for file in tracked_files()} <= TOP_LEVEL


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_command_in_a_document_exists(document: str):
    """A `make` command that a document names is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^ {4}|`)make ([a-z]+)", (ROOT / document).read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert set() == named - targets


def test_the_readme_begins_with_its_two_commands():
    """A newcomer finds `make demo` and `make test` before the first heading below the title."""
    beginning = (ROOT / "README.md").read_text(encoding="utf-8").split("\n## ")[0]
    assert ["demo", "test"] == re.findall(r"^ {4}make (\w+)", beginning, re.MULTILINE)


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_relative_link_leads_somewhere(document: str):
    """A link from a document to a file of the checkout finds it."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / document).read_text(encoding="utf-8"))
    assert [] == [link for link in links if not (ROOT / link).exists()]


@pytest.mark.parametrize(
    ("lock", "extras"), [(".ci/requirements.txt", ("tutorials", "dev")), ("binder/requirements.txt", ("tutorials",))]
)
def test_a_lock_pins_what_the_project_names(lock: str, extras: tuple[str, ...]):
    """Every dependency of the project and of the extras that a lock serves is pinned in it."""
    declared = project()["dependencies"] + [r for extra in extras for r in project()["optional-dependencies"][extra]]
    assert set() == {normal(requirement) for requirement in declared} - pins(lock).keys()


def test_the_locks_agree():
    """A package has the same version on Binder and in CI."""
    ci, binder = pins(".ci/requirements.txt"), pins("binder/requirements.txt")
    assert {} == {name: version for name, version in binder.items() if ci.get(name) != version}


@pytest.mark.parametrize("lock", [".ci/requirements.txt", "binder/requirements.txt"])
def test_a_lock_names_no_index_and_no_folder(lock: str):
    """A lock holds names and versions only, so that it installs from any index."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert [] == [line for line in lines if not line.startswith("#") and INDEX_OPTION.search(line)]


def test_nothing_tracked_names_a_folder_of_one_machine():
    """No tracked text holds an absolute path of the machine that it was written on."""
    ours = [str(folder) for folder in (ROOT, Path.home()) if len(folder.parts) > 2]
    found = []
    for file in set(tracked_files()) - {Path(__file__)}:
        text = file.read_bytes().decode("utf-8", "replace")
        found += [f"{file.relative_to(ROOT)}: {hit}" for hit in MACHINE_PATH.findall(text)]
        found += [f"{file.relative_to(ROOT)}: {folder}" for folder in ours if folder in text]
    assert [] == sorted(found)


@pytest.mark.parametrize("name", ["run", "setup", "demo", "lock", "find-python", "browser", "kernels"])
def test_scripts_are_executable(name: str):
    """What CI and make start can be started."""
    assert os.access(ROOT / ".ci" / name, os.X_OK)


def test_every_test_says_its_rule_in_one_sentence():
    """A test's docstring is the rule that it checks: one line that ends in a full stop."""
    missing = []
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                rule = ast.get_docstring(node) or ""
                if not rule.split("\n\n")[0].rstrip().endswith((".", "!", "?")):
                    missing.append(f"{file.relative_to(ROOT)}::{node.name}")
    assert [] == missing
