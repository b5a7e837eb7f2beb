"""The versions of ipykernel that tests run on: the locked one, and older ones that `.ci/kernels` puts beside it.

Owns where an older version lies and what a front end needs to start it. Knows nothing of what runs in it.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKED = "locked"
VERSIONS = ("6.31.0", "7.3.0", LOCKED)


def overlay(version: str) -> str:
    """Return the folder that makes a kernel with it in PYTHONPATH that version; "" for the locked one.

    Skips the test where the folder is not there; fails it in CI.
    """
    if version == LOCKED:
        return ""
    folder = Path(os.environ.get("NBGRAPH_KERNELS") or ROOT / "build" / "kernels") / version
    if not (folder / "ipykernel_launcher.py").exists():
        missing = f"no ipykernel {version} in {folder}; `make kernels` puts it there"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return str(folder)


def environment(version: str) -> dict[str, str]:
    """Return the environment variables of a kernel of this version: this checkout, and the overlay before it."""
    folders = [folder for folder in (overlay(version), str(ROOT)) if folder]
    return {"PYTHONPATH": os.pathsep.join(folders)}


# A kernel reads what is written to its stderr, and takes it along when it crashes: Python has to know the real one.
LAST_WORDS = "import faulthandler, sys; faulthandler.enable(getattr(sys.stderr, '_original_stdstream_copy', 2))"


def command() -> list[str]:
    """Return how a kernel is started; its version is decided by ``environment``. One that crashes says where."""
    launch = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return [*launch, f"--IPKernelApp.exec_lines={LAST_WORDS}"]


def name_of(version: str) -> str:
    """Return the kernel's name, as notebooks say it in their metadata."""
    return f"ipykernel-{version}"


def write_kernelspec(version: str, data: Path) -> str:
    """Write a kernelspec for this version into a Jupyter data folder; return the kernel's name."""
    spec = {"argv": command(), "display_name": f"Python ({version})", "language": "python", "env": environment(version)}
    file = data / "kernels" / name_of(version) / "kernel.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(spec), encoding="utf-8")
    return name_of(version)
