"""``.ci/find-python``: which Python makes the environment, and what is said when none can."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "find-python"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make and sh are not for Windows")


def fake(folder: Path, name: str, *, version: tuple[int, int] = (3, 12), venv: bool = True, stub: bool = False) -> None:
    """Put a program into ``folder`` that answers the script's questions as such a Python would."""
    answers = (
        f"import sys; code = sys.argv[2]\n"
        f"if {stub}: sys.exit(127)\n"
        f"if 'version_info' in code: sys.exit({version} < (3, 11))\n"
        f"if 'ensurepip' in code: sys.exit({not venv})\n"
        f"if 'platform' in code: print('{version[0]}.{version[1]}.0')\n"
    )
    program = folder / name
    program.write_text(f"#!{sys.executable}\n{answers}", encoding="utf-8")
    program.chmod(0o755)


def find(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the script where ``folder`` alone holds programs."""
    return subprocess.run(["/bin/sh", SCRIPT, *args], env={"PATH": str(folder)}, capture_output=True, text=True)


def test_the_newest_that_works_is_taken(tmp_path: Path):
    """A name in PATH that doesn't run is passed over, as version managers leave such names."""
    fake(tmp_path, "python3.13", stub=True)
    fake(tmp_path, "python3.11", version=(3, 11))
    fake(tmp_path, "python3", version=(3, 9))
    assert "python3.11\n" == find(tmp_path).stdout


def test_a_python_without_venv_gives_way_to_one_with_it(tmp_path: Path):
    """An older Python that can make environments beats a newer one that can't."""
    fake(tmp_path, "python3.13", venv=False)
    fake(tmp_path, "python3")
    assert "python3\n" == find(tmp_path).stdout


def test_a_missing_venv_is_said_with_its_remedy(tmp_path: Path):
    """Debian's Python without python3-venv is answered with what to install."""
    fake(tmp_path, "python3", version=(3, 11), venv=False)
    answer = find(tmp_path)
    assert (1, "") == (answer.returncode, answer.stdout)
    assert "apt install python3-venv" in answer.stderr


def test_an_old_python_is_named_with_its_version(tmp_path: Path):
    """Who has only an old Python reads which, and what is needed."""
    fake(tmp_path, "python3", version=(3, 9))
    answer = find(tmp_path)
    assert 1 == answer.returncode
    assert "3.11 or newer; python3 is 3.9.0" in answer.stderr


def test_no_python_at_all_is_said(tmp_path: Path):
    """Without any Python the message says how to name one."""
    answer = find(tmp_path)
    assert 1 == answer.returncode
    assert "make PYTHON=" in answer.stderr


def test_a_named_python_is_the_only_candidate(tmp_path: Path):
    """Who names a Python gets that one or a message, never another."""
    fake(tmp_path, "python3")
    fake(tmp_path, "mine", version=(3, 10))
    assert 1 == find(tmp_path, "mine").returncode
    fake(tmp_path, "mine")
    assert "mine\n" == find(tmp_path, "mine").stdout
