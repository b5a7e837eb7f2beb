"""``.ci/browser``: which browser the tests drive, and what is said when there is none."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "browser"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="make and sh are not for Windows")


def fake(folder: Path, name: str, script: str = "exit 0") -> Path:
    """Put a program into ``folder``."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


def look(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the script where only the programs in ``folder`` are found."""
    command = ["/bin/sh", str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={"PATH": str(folder), **environment})


def test_a_browser_in_path_is_taken(tmp_path: Path):
    """The first of the known names that starts is the browser; one that does not start is passed over."""
    fake(tmp_path, "chromium", "exit 127")
    browser = fake(tmp_path, "google-chrome")
    assert (0, f"{browser}\n") == (look(tmp_path).returncode, look(tmp_path).stdout)


def test_a_named_browser_is_the_one(tmp_path: Path):
    """CHROMIUM names the browser; one that does not start is an error, not a reason to take another."""
    fake(tmp_path, "chromium")
    own = fake(tmp_path, "my-chromium")
    assert f"{own}\n" == look(tmp_path, CHROMIUM=str(own)).stdout
    wrong = look(tmp_path, CHROMIUM=str(tmp_path / "nowhere"))
    assert 1 == wrong.returncode
    assert "does not start" in wrong.stderr


def test_without_a_browser_it_says_what_to_install(tmp_path: Path):
    """Where nothing is found and nothing can be installed, the way out is said; `--find` only looks."""
    alone = look(tmp_path)
    assert 1 == alone.returncode
    assert "apt install chromium" in alone.stderr
    assert (1, "") == (look(tmp_path, "--find").returncode, look(tmp_path, "--find").stderr)


def test_debians_browser_is_installed_where_that_is_allowed(tmp_path: Path):
    """Root, or sudo without a password, installs the package, and then it is found."""
    fake(tmp_path, "id", "echo 0")
    fake(tmp_path, "true")
    fake(tmp_path, "env", 'while case "$1" in *=*) true;; *) false;; esac; do shift; done; exec "$@"')
    fake(tmp_path, "chmod", 'exec /bin/chmod "$@"')
    program = tmp_path / "chromium"
    install = f'if [ "$1" = install ]; then printf "#!/bin/sh\\n" > {program}; chmod +x {program}; fi'
    fake(tmp_path, "apt-get", install)
    done = look(tmp_path)
    assert (0, f"{program}\n") == (done.returncode, done.stdout)
    assert "chromium" in done.stderr
